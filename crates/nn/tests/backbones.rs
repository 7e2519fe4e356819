//! What holds for every backbone, whatever its weights.

#[path = "goldens/values.rs"]
#[expect(dead_code, reason = "summaries are for goldens")]
mod values;

use burn::tensor::{Device, Tensor, TensorData};
use cavga_nn::{
    backbone::{Backbone, Kind},
    layers::{Init, Mode},
    state::{self, Tensors},
};

fn new(kind: Kind, output_stride: usize) -> Backbone {
    Backbone::new(kind, output_stride, &mut Init::new(3, &Device::flex()))
}

fn images(size: [usize; 2]) -> Tensor<4> {
    let data = values::tensor("images", &[1, 3, size[0], size[1]], 0.5, 0.5);
    Tensor::from_data(data, &Device::flex())
}

fn vec(x: &Tensor<4>) -> Vec<f32> {
    x.to_data().iter::<f32>().collect()
}

fn tensors(network: &Backbone) -> Tensors {
    let mut tensors = Tensors::new();
    state::collect(network, "", &mut tensors);
    tensors
}

#[test]
fn names_are_those_of_configurations() {
    for kind in Kind::ALL {
        let name = serde_json::to_string(&kind).unwrap();
        assert_eq!(name, format!("\"{}\"", kind.name()));
        assert_eq!(serde_json::from_str::<Kind>(&name).unwrap(), kind);
    }
    assert_eq!(Kind::default().name(), "resnet-18");
}

#[test]
fn every_stage_can_be_tapped_and_gone_on_from() {
    for kind in Kind::ALL {
        let network = new(kind, 32);
        assert_eq!(network.kind(), kind);
        let images = images([64, 96]);
        let forward = network.forward(images.clone(), Mode::Score);
        let [height, width] = network.grid([64, 96]);
        assert_eq!(forward.dims(), [1, kind.channels(), height, width]);
        let taps = network.taps(images, Mode::Score);
        assert_eq!(taps.len(), kind.stages(), "{kind:?}");
        for (stage, tap) in taps.into_iter().enumerate() {
            let [_, channels, height, width] = tap.dims();
            assert_eq!(channels, kind.tap_channels()[stage]);
            if kind != Kind::Squeezenet1x1 {
                let stride = 4 << stage.min(3);
                assert_eq!([height, width], [64 / stride, 96 / stride], "{kind:?}");
            }
            let rest = network.after_tap(stage, tap, Mode::Score);
            assert_eq!(vec(&rest), vec(&forward), "{kind:?} from stage {stage}");
        }
    }
}

/// Every `step`-th position.
fn every(x: &Tensor<4>, step: usize) -> Vec<f32> {
    let [batch, channels, height, width] = x.dims();
    let values = vec(x);
    let rows = (0..batch * channels * height).filter(|row| row % height % step == 0);
    rows.flat_map(|row| {
        (0..width)
            .step_by(step)
            .map(move |column| row * width + column)
    })
    .map(|place| values[place])
    .collect()
}

#[test]
fn the_strided_networks_features_are_some_of_the_dilated_ones() {
    let kinds = [
        Kind::Resnet18,
        Kind::Resnet50,
        Kind::EfficientnetLite0,
        Kind::MobilenetV2,
        Kind::Squeezenet1x1,
    ];
    for kind in kinds {
        for size in [[64, 64], [75, 90], [97, 101]] {
            let natural = if kind == Kind::Squeezenet1x1 { 16 } else { 32 };
            let images = images(size);
            let strided = new(kind, 32).forward(images.clone(), Mode::Score);
            for output_stride in [16, 8] {
                let network = new(kind, output_stride);
                let dilated = network.forward(images.clone(), Mode::Score);
                let [_, _, height, width] = dilated.dims();
                assert_eq!([height, width], network.grid(size), "{kind:?} {size:?}");
                let some = every(&dilated, natural / output_stride);
                cavga_kernels::reference::assert_close(
                    &some,
                    &vec(&strided),
                    1e-5,
                    &format!("{kind:?} {output_stride} {size:?}"),
                );
            }
        }
    }
}

#[test]
fn an_output_stride_beyond_a_networks_own_changes_nothing() {
    for kind in [Kind::Resnet18, Kind::MobilenetV2, Kind::Squeezenet1x1] {
        let network = new(kind, 64);
        let features = network.forward(images([64, 64]), Mode::Score);
        assert_eq!(features.dims()[2..], network.grid([64, 64]), "{kind:?}");
        assert_eq!(network.grid([64, 64]), new(kind, 32).grid([64, 64]));
    }
}

#[test]
fn a_backbones_own_tensors_fit_it_and_a_classifier_is_left_aside() {
    for kind in [Kind::Resnet18, Kind::EfficientnetLite0, Kind::Squeezenet1x1] {
        let mut file = tensors(&new(kind, 32));
        let expected = file.clone();
        let one = TensorData::new(vec![1.0_f32], [1]);
        for name in ["fc.weight", "conv10.bias", "bn1.num_batches_tracked"] {
            file.insert(name.to_owned(), one.clone());
        }
        let other = Backbone::new(kind, 8, &mut Init::new(4, &Device::flex()));
        assert_eq!(tensors(&other.with_weights(file).unwrap()), expected);
    }
}

#[test]
fn mobilenets_tensors_fit_under_the_names_of_either_style() {
    let network = new(Kind::MobilenetV2, 32);
    let ours = tensors(&network);
    let rename = |nested: bool| -> Tensors {
        let place = |part: &str, first: bool| match (part, first, nested) {
            ("expand_conv", _, false) => "0",
            ("bn0", _, false) => "1",
            ("depthwise_conv", true, false) => "0",
            ("bn1", true, false) => "1",
            ("project_conv", true, false) => "3",
            ("bn2", true, false) => "4",
            ("depthwise_conv", false, false) => "3",
            ("bn1", false, false) => "4",
            ("project_conv", false, false) => "6",
            ("bn2", false, false) => "7",
            ("expand_conv", _, true) => "0.0",
            ("bn0", _, true) => "0.1",
            ("depthwise_conv", true, true) => "0.0",
            ("bn1", true, true) => "0.1",
            ("project_conv", true, true) => "1",
            ("bn2", true, true) => "2",
            ("depthwise_conv", false, true) => "1.0",
            ("bn1", false, true) => "1.1",
            ("project_conv", false, true) => "2",
            _ => "3",
        };
        let theirs = |name: &str| {
            let parts: Vec<&str> = name.split('.').collect();
            match parts[..] {
                ["conv_stem", tensor] => format!("features.0.0.{tensor}"),
                ["bn0", tensor] => format!("features.0.1.{tensor}"),
                ["conv_head", tensor] => format!("features.18.0.{tensor}"),
                ["bn1", tensor] => format!("features.18.1.{tensor}"),
                ["blocks", block, part, tensor] => {
                    let number = block.parse::<usize>().unwrap() + 1;
                    let place = place(part, number == 1);
                    format!("features.{number}.conv.{place}.{tensor}")
                }
                _ => unreachable!("{name}"),
            }
        };
        ours.iter()
            .map(|(name, data)| (theirs(name), data.clone()))
            .collect()
    };
    for nested in [false, true] {
        let other = Backbone::new(Kind::MobilenetV2, 32, &mut Init::new(4, &Device::flex()));
        let loaded = other.with_weights(rename(nested)).unwrap();
        assert_eq!(tensors(&loaded), ours, "nested: {nested}");
    }
}

#[test]
fn the_first_stages_alone_give_the_taps_of_the_whole() {
    let images = images([75, 90]);
    for kind in Kind::ALL {
        let whole = new(kind, 16);
        let file = tensors(&whole);
        let taps = whole.taps(images.clone(), Mode::Score);
        let mut left = file.len() + 1;
        for stages in (1..=kind.stages()).rev() {
            let other = Backbone::new(kind, 16, &mut Init::new(4, &Device::flex()));
            let network = other.up_to(stages).with_weights(file.clone()).unwrap();
            let what = format!("{kind:?} up to {stages}");
            assert_eq!((network.kind(), network.stages()), (kind, stages), "{what}");
            assert_eq!(network.tap_channels(), &kind.tap_channels()[..stages]);
            let ours = tensors(&network);
            assert!(ours.iter().all(|(name, data)| file[name] == *data));
            assert!(ours.len() < left, "{what} has {} tensors", ours.len());
            left = ours.len();
            let own = network.taps(images.clone(), Mode::Score);
            assert_eq!(own.len(), stages);
            for (stage, (own, tap)) in own.iter().zip(&taps).enumerate() {
                assert_eq!(vec(own), vec(tap), "{what}, stage {stage}");
                assert_eq!(tap.dims()[2..], network.tap_grid(stage, [75, 90]), "{what}");
            }
            let forward = network.forward(images.clone(), Mode::Score);
            assert_eq!(vec(&forward), vec(&taps[stages - 1]), "{what}");
            assert_eq!(forward.dims()[2..], network.grid([75, 90]), "{what}");
            let rest = network.after_tap(0, taps[0].clone(), Mode::Score);
            assert_eq!(vec(&rest), vec(&forward), "{what}");
        }
        assert_eq!(new(kind, 32).up_to(0).stages(), 1);
        assert_eq!(new(kind, 32).up_to(9).stages(), kind.stages());
    }
}

#[test]
fn of_the_stages_that_stay_every_tensor_is_asked_for_and_no_other_taken() {
    for (kind, needed) in [
        (Kind::Resnet18, "layer2.1.bn2.bias"),
        (Kind::EfficientnetLite0, "blocks.4.bn2.bias"),
        (Kind::Squeezenet1x1, "fire5.expand1x1.bias"),
    ] {
        let file = tensors(&new(kind, 32));
        let load = |file| new(kind, 32).up_to(2).with_weights(file);
        let mut without = file.clone();
        without.remove(needed).unwrap();
        let misfit = load(without).unwrap_err();
        assert_eq!(misfit.missing.len(), 1, "{misfit}");
        let mut more = file;
        let one = TensorData::new(vec![1.0_f32], [1]);
        more.insert("another.weight".to_owned(), one);
        let misfit = load(more).unwrap_err();
        assert_eq!(misfit.surplus.len(), 1, "{misfit}");
    }
}

#[test]
fn another_networks_tensors_are_refused_with_the_first_few_that_do_not_fit() {
    let file = tensors(&new(Kind::Resnet50, 32));
    let error = new(Kind::Resnet18, 32).with_weights(file).unwrap_err();
    let message = error.to_string();
    assert!(!error.missing.is_empty() || !error.shapes.is_empty());
    for part in [
        "layer1.0.conv1.weight is [64, 64, 1, 1], expected [64, 64, 3, 3]",
        "of no part of it: layer1.0.bn3.bias [256]",
        "more",
    ] {
        assert!(message.contains(part), "{message}");
    }
    assert!(message.len() < 1000, "{message}");

    let mut file = tensors(&new(Kind::Squeezenet1x1, 32));
    file.remove("fire5.expand3x3.weight");
    let error = new(Kind::Squeezenet1x1, 32).with_weights(file).unwrap_err();
    assert_eq!(
        error.to_string(),
        "these tensors are not this network's; missing: fire5.expand3x3.weight [128, 32, 3, 3]"
    );
}

#[test]
fn numbers_that_are_no_floats_are_refused_and_halves_become_floats() {
    let mut file = tensors(&new(Kind::Squeezenet1x1, 32));
    file.insert(
        "conv1.bias".to_owned(),
        TensorData::new(vec![1_i32; 64], [64]),
    );
    let error = new(Kind::Squeezenet1x1, 32)
        .with_weights(file.clone())
        .unwrap_err();
    assert!(
        error.to_string().contains("conv1.bias holds I32"),
        "{error}"
    );
    file.insert(
        "conv1.bias".to_owned(),
        TensorData::new(vec![0.5_f64; 64], [64]),
    );
    let network = new(Kind::Squeezenet1x1, 32).with_weights(file).unwrap();
    assert_eq!(
        tensors(&network)["conv1.bias"].iter::<f32>().sum::<f32>(),
        32.0
    );
}
