//! Prepared networks against the networks themselves.

use super::*;
use crate::backbone::{Backbone, Kind};
use crate::layers::{Init, Mode};
use crate::{dcgan, random, residual_decoder};
use burn::module::Module;

fn noise(shape: [usize; 4], seed: u64) -> Tensor<4> {
    let mut generator = random::generator(seed, random::Stream::Latent, 0);
    random::normal(shape, &mut generator, &Device::flex())
}

/// Gives a network's batch norms statistics of their own.
fn seasoned<M: Module>(network: M, run: impl Fn(&M)) -> M {
    (0..3).for_each(|_| run(&network));
    network
}

fn assert_same(ours: Tensor<4>, network: Tensor<4>, what: &str) {
    assert_eq!(ours.dims(), network.dims());
    let (ours, plain) = (values(ours), values(network));
    cavga_kernels::reference::assert_close(&ours, &plain, 1e-5, what);
}

#[test]
fn a_resnet_scores_as_the_network() {
    let device = Device::flex();
    let kinds = [
        (Kind::Resnet18, 32),
        (Kind::Resnet18, 16),
        (Kind::Resnet18, 8),
        (Kind::Resnet34, 16),
        (Kind::Resnet50, 32),
        (Kind::WideResnet50x2, 16),
    ];
    for (kind, stride) in kinds {
        let network = Backbone::new(kind, stride, &mut Init::new(1, &device));
        let images = noise([2, 3, 64, 96], 1);
        let network = seasoned(network, |network| {
            network.forward(images.clone(), Mode::Train);
        });
        let plain = network.forward(images.clone(), Mode::Score);
        let ours = network.inference([64, 96]).unwrap().forward(images);
        assert_same(ours, plain, &format!("{kind:?}, output stride {stride}"));
    }
}

#[test]
fn dcgan_parts_score_as_the_networks() {
    let device = Device::flex();
    for width in [4, 16] {
        let encoder = dcgan::Encoder::new(width, &mut Init::new(1, &device));
        let images = noise([2, 3, 64, 96], 1);
        let encoder = seasoned(encoder, |network| {
            network.forward(images.clone(), Mode::Train);
        });
        let plain = encoder.forward(images.clone(), Mode::Score);
        let ours = encoder.inference([64, 96]).forward(images);
        assert_same(ours, plain, &format!("encoder of width {width}"));

        let decoder = dcgan::Decoder::new(24, width, &mut Init::new(2, &device));
        let latent = noise([2, 24, 4, 6], 2);
        let decoder = seasoned(decoder, |network| {
            network.forward(latent.clone(), Mode::Train);
        });
        let plain = decoder.forward(latent.clone(), Mode::Score);
        let ours = decoder.inference([4, 6]).forward(latent);
        assert_same(ours, plain, &format!("decoder of width {width}"));
    }
}

#[test]
fn a_residual_decoder_scores_as_the_network() {
    let device = Device::flex();
    for (width, scale) in [(4, 32), (16, 8)] {
        let mut init = Init::new(1, &device);
        let network = residual_decoder::ResidualDecoder::new(24, scale, width, &mut init);
        let latent = noise([2, 24, 2, 3], 1);
        let network = seasoned(network, |network| {
            network.forward(latent.clone(), Mode::Train);
        });
        let plain = network.forward(latent.clone(), Mode::Score);
        let ours = network.inference([2, 3]).forward(latent);
        assert_same(ours, plain, &format!("width {width}, scale {scale}"));
    }
}
