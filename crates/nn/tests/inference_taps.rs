//! The taps of prepared backbones against the networks' own.

#![expect(clippy::unwrap_used, reason = "in a test an error is a failure")]

#[path = "goldens/values.rs"]
#[expect(dead_code, reason = "summaries are for goldens")]
mod values;

use burn::tensor::{Device, Tensor};
use cavga_nn::{
    backbone::{Backbone, Kind},
    kernels::{Path, with_path},
    layers::{Init, Mode},
};

fn vec(x: &Tensor<4>) -> Vec<f32> {
    x.to_data().iter::<f32>().collect()
}

/// With statistics of their own in its batch norms.
fn seasoned(kind: Kind, output_stride: usize) -> Backbone {
    let network = Backbone::new(kind, output_stride, &mut Init::new(1, &Device::flex()));
    for _ in 0..3 {
        network.forward(pictures(2, [64, 64]), Mode::Train);
    }
    network
}

/// Images in [0, 1].
fn pictures(batch: usize, [height, width]: [usize; 2]) -> Tensor<4> {
    let data = values::tensor("images", &[batch, 3, height, width], 0.5, 0.5);
    Tensor::from_data(data, &Device::flex())
}

/// Every stage's tap against the network's own, and those of some stages alone.
fn assert_same_taps(network: &Backbone, batch: usize, size: [usize; 2], what: &str) {
    let images = pictures(batch, size);
    let plain = network.taps(images.clone(), Mode::Score);
    let all: Vec<usize> = (0..network.stages()).collect();
    let taps = network.inference_taps(size, &all).unwrap();
    let ours = taps.run(images.clone());
    assert_eq!(ours.len(), plain.len(), "{what}");
    for (stage, (ours, plain)) in ours.iter().zip(plain).enumerate() {
        let what = format!("{what}, {batch} of {size:?}, stage {stage}");
        assert_eq!(ours.dims(), plain.dims(), "{what}");
        cavga_kernels::reference::assert_close(&vec(ours), &vec(&plain), 1e-5, &what);
    }
    let some = network.inference_taps(size, &[1, 0]).unwrap();
    let some = some.run(images);
    let expected = [1, 0].map(|stage: usize| vec(&ours[stage]));
    assert_eq!([vec(&some[0]), vec(&some[1])], expected, "{what}");
}

#[test]
fn taps_are_those_of_the_network() {
    let kinds = [
        (Kind::Resnet18, 32),
        (Kind::Resnet18, 8),
        (Kind::Resnet50, 16),
        (Kind::EfficientnetLite0, 32),
        (Kind::EfficientnetLite0, 16),
        (Kind::EfficientnetLite0, 8),
        (Kind::MobilenetV2, 32),
        (Kind::MobilenetV2, 16),
        (Kind::MobilenetV2, 8),
    ];
    for (kind, stride) in kinds {
        let network = seasoned(kind, stride);
        let what = format!("{kind:?}, output stride {stride}");
        for (batch, size) in [(1, [64, 96]), (3, [72, 40])] {
            assert_same_taps(&network, batch, size, &what);
        }
    }
}

#[test]
fn taps_of_odd_sizes_on_every_path_and_behind_few_stages_are_those_of_the_network() {
    for kind in [Kind::EfficientnetLite0, Kind::MobilenetV2, Kind::Resnet18] {
        let network = seasoned(kind, 32);
        assert_same_taps(&network, 1, [225, 225], &format!("{kind:?}"));
        let network = network.up_to(3);
        for path in Path::available() {
            with_path(path, || {
                for size in [[33, 32], [40, 72]] {
                    assert_same_taps(&network, 2, size, &format!("{kind:?}, {path:?}"));
                }
            });
        }
    }
}

#[test]
fn an_images_taps_do_not_depend_on_its_batch() {
    for kind in [Kind::EfficientnetLite0, Kind::Resnet18] {
        let network = seasoned(kind, 32);
        let taps = network.inference_taps([48, 64], &[1, 2]).unwrap();
        let images = pictures(3, [48, 64]);
        let alone = taps.run(images.clone().narrow(0, 1, 1));
        for (alone, all) in alone.into_iter().zip(taps.run(images)) {
            assert_eq!(vec(&alone), vec(&all.narrow(0, 1, 1)), "{kind:?}");
        }
    }
}

#[test]
fn where_there_are_no_prepared_taps_there_is_none() {
    let device = Device::flex();
    let new = |kind| Backbone::new(kind, 32, &mut Init::new(4, &device));
    let squeezenet = new(Kind::Squeezenet1x1);
    assert!(squeezenet.inference_taps([64, 64], &[1]).is_none());
    let network = new(Kind::MobilenetV2).up_to(2);
    assert!(network.inference_taps([64, 64], &[1]).is_some());
    assert!(network.inference_taps([64, 64], &[2]).is_none());
}
