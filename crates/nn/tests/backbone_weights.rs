//! Backbones with weights from ImageNet against what others computed with those, where they are at hand: `CAVGA_TEST_DATA`, or
//! `shared/data` beside the project.

#![expect(clippy::unwrap_used, reason = "in a test an error is a failure")]

use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use cavga_nn::{
    backbone::{Backbone, Kind},
    layers::{Init, Mode},
    ops::{self, Activation, Window},
    state::Tensors,
};
use serde_json::Value;

const FILES: [(Kind, &str, &str); 3] = [
    (
        Kind::EfficientnetLite0,
        "efficientnet_lite0_imagenet.safetensors",
        "efficientnet_lite0",
    ),
    (
        Kind::MobilenetV2,
        "mobilenetv2_imagenet_features.safetensors",
        "mobilenetv2_features",
    ),
    (
        Kind::Squeezenet1x1,
        "squeezenet1_1_imagenet.safetensors",
        "squeezenet1_1",
    ),
];

/// The folder of the weights; says so and gives none where it is missing.
fn weights() -> Option<PathBuf> {
    let root = std::env::var_os("CAVGA_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let folder = root.join("weights");
    if folder.is_dir() {
        return Some(folder);
    }
    println!(
        "skipped: {} is missing; set CAVGA_TEST_DATA to run it",
        folder.display()
    );
    None
}

/// The f32 tensors of a file.
fn read(path: PathBuf) -> Tensors {
    let bytes = std::fs::read(path).unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let tensors = file.iter().map(|(name, view)| {
        let numbers = view.data().as_chunks::<4>().0;
        let numbers: Vec<f32> = numbers.iter().map(|&b| f32::from_le_bytes(b)).collect();
        (
            name.to_owned(),
            TensorData::new(numbers, view.shape().to_vec()),
        )
    });
    tensors.collect()
}

fn backbone(kind: Kind, output_stride: usize, tensors: Tensors) -> Backbone {
    Backbone::new(kind, output_stride, &mut Init::new(0, &Device::flex()))
        .with_weights(tensors)
        .unwrap()
}

/// `scale · sin(0.01 · (3i + 5j) + c)`, as a network's weights see it: what normalisation does is undone.
fn sine(kind: Kind, scale: f64) -> Tensor<4> {
    let (mean, deviation, blue_first) = match kind {
        Kind::EfficientnetLite0 => ([127.0 / 255.0; 3], [128.0 / 255.0; 3], false),
        Kind::MobilenetV2 => ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225], false),
        _ => (
            [103.939 / 255.0, 116.779 / 255.0, 123.68 / 255.0],
            [1.0 / 255.0; 3],
            true,
        ),
    };
    let mut values = Vec::new();
    for channel in 0..3 {
        let from = if blue_first { 2 - channel } else { channel };
        for (i, j) in (0..224).flat_map(|i| (0..224).map(move |j| (i, j))) {
            let at = f64::from(3 * i + 5 * j) * 0.01 + from as f64;
            values.push((scale * at.sin() * deviation[from] + mean[from]) as f32);
        }
    }
    Tensor::from_data(TensorData::new(values, [1, 3, 224, 224]), &Device::flex())
}

/// What the reference gives for features: logits where the file has a classifier, else the means over positions.
fn head(kind: Kind, features: Tensor<4>, tensors: &Tensors) -> Vec<f32> {
    let device = Device::flex();
    let get = |name: &str| tensors[name].clone();
    let pooled = |x: Tensor<4>| x.mean_dim(2).mean_dim(3);
    let logits = match kind {
        Kind::EfficientnetLite0 => {
            let weight = Tensor::<2>::from_data(get("_fc.weight"), &device);
            let weight = weight.reshape([1000, 1280, 1, 1]);
            let bias = Tensor::from_data(get("_fc.bias"), &device);
            ops::conv2d(pooled(features), weight, Some(bias), Window::default())
        }
        Kind::Squeezenet1x1 => {
            let weight = Tensor::from_data(get("conv10.weight"), &device);
            let bias = Tensor::from_data(get("conv10.bias"), &device);
            let maps = ops::conv2d(features, weight, Some(bias), Window::default());
            pooled(Activation::Relu.apply(maps))
        }
        _ => pooled(features),
    };
    logits.into_data().iter::<f32>().collect()
}

#[test]
fn a_sine_gives_what_the_reference_gives() {
    let Some(folder) = weights() else { return };
    let reference = std::fs::read_to_string(folder.join("reference_outputs.json")).unwrap();
    let reference: Value = serde_json::from_str(&reference).unwrap();
    for (kind, file, name) in FILES {
        let expected = &reference["sine_input"][name];
        let number = |key: &str| expected[key].as_f64().unwrap();
        let tensors = read(folder.join(file));
        let network = backbone(kind, 32, tensors.clone());
        let features = network.forward(sine(kind, number("scale")), Mode::Score);
        let found = head(kind, features, &tensors);
        let largest = found.iter().fold(0.0_f32, |max, x| max.max(x.abs()));
        assert_eq!(
            found.iter().position(|x| *x == largest),
            Some(number("argmax") as usize),
            "{kind:?}"
        );
        let close = |found: f64, expected: f64, size: f64| {
            let error = (found - expected).abs() / size;
            assert!(error <= 1e-4, "{kind:?}: {found} instead of {expected}");
            error
        };
        let first = expected["first8"].as_array().unwrap().iter().zip(&found);
        let mut worst = first
            .map(|(expected, &found)| {
                close(
                    f64::from(found),
                    expected.as_f64().unwrap(),
                    f64::from(largest),
                )
            })
            .fold(0.0, f64::max);
        let squares = found.iter().map(|&x| f64::from(x).powi(2));
        let l2 = number("l2");
        worst = worst.max(close(squares.sum::<f64>().sqrt(), l2, l2));
        let sum = found.iter().map(|&x| f64::from(x)).sum();
        worst = worst.max(close(sum, number("sum"), number("sum").abs()));
        println!("{kind:?}: largest relative error {worst:.1e}");
    }
}

#[test]
fn the_first_stages_take_a_whole_file_and_their_prepared_taps_are_the_networks() {
    let Some(folder) = weights() else { return };
    for (kind, file, _) in FILES {
        let network = Backbone::new(kind, 32, &mut Init::new(0, &Device::flex()));
        let network = network.up_to(3);
        let network = network.with_weights(read(folder.join(file))).unwrap();
        let Some(taps) = network.inference_taps([224, 224], &[0, 1, 2]) else {
            assert_eq!(kind, Kind::Squeezenet1x1);
            continue;
        };
        let images = sine(kind, 1.0);
        let plain = network.taps(images.clone(), Mode::Score);
        for (stage, (ours, plain)) in taps.run(images).into_iter().zip(plain).enumerate() {
            let [ours, plain]: [Vec<f32>; 2] =
                [ours, plain].map(|tap| tap.into_data().iter::<f32>().collect());
            let what = format!("{kind:?}, stage {stage}");
            cavga_kernels::reference::assert_close(&ours, &plain, 1e-5, &what);
        }
    }
}
