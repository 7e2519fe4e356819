//! The weights of a DC-GAN, as they lie in a file, taken into a CAVGA's encoder, decoder and discriminator.
//!
//! A file has `generator.*` and `discriminator.*`. The discriminator is taken whole; the encoder is the discriminator without
//! its head; the decoder is the generator without its first layer, which makes a map of a vector and so has no counterpart in a
//! decoder of maps: the decoder's own 1×1 `project` stays as it was drawn.

use super::{Decoder, Discriminator, Encoder};
use crate::{
    fit::{Misfit, fit},
    state::{self, Tensors},
};

impl Encoder {
    /// Takes the convolutions and batch norms of a DC-GAN's `discriminator.*`.
    ///
    /// # Errors
    /// [`Misfit`] for a discriminator of another width, or another network.
    pub fn with_pretrained(self, tensors: &Tensors) -> Result<Self, Misfit> {
        fit(self, "discriminator.features.", tensors.clone())
    }
}

impl Discriminator {
    /// Takes a DC-GAN's `discriminator.*`.
    ///
    /// # Errors
    /// As [`Encoder::with_pretrained`].
    pub fn with_pretrained(self, tensors: &Tensors) -> Result<Self, Misfit> {
        fit(self, "discriminator.", tensors.clone())
    }
}

impl Decoder {
    /// Takes the transposed convolutions and batch norms of a DC-GAN's `generator.*`, all but its first layer: `project` stays
    /// fresh, as a 1×1 convolution of a map has no counterpart in a generator of vectors.
    ///
    /// # Errors
    /// As [`Encoder::with_pretrained`].
    pub fn with_pretrained(self, tensors: &Tensors) -> Result<Self, Misfit> {
        let is_first = |name: &str| name.starts_with("generator.project.");
        let mut own = Tensors::new();
        state::collect(&self, "generator.", &mut own);
        own.retain(|name, _| is_first(name));
        let others = tensors.iter().filter(|(name, _)| !is_first(name));
        own.extend(others.map(|(name, data)| (name.clone(), data.clone())));
        fit(self, "generator.", own)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;
    use crate::{
        dcgan::Generator,
        layers::{Init, Mode},
        random::{self, Stream},
    };

    const WIDTH: usize = 2;

    fn init(seed: u64) -> Init {
        Init::new(seed, &Device::flex().autodiff())
    }

    fn images() -> Tensor<4> {
        let mut generator = random::generator(3, Stream::Latent, 0);
        Tensor::from_inner(random::normal(
            [2, 3, 64, 64],
            &mut generator,
            &Device::flex(),
        ))
    }

    /// A DC-GAN whose batch norms have seen images, and its tensors.
    fn dcgan() -> (Generator, Discriminator, Tensors) {
        let mut init = init(1);
        let generator = Generator::new(5, WIDTH, &mut init);
        let discriminator = Discriminator::new(WIDTH, &mut init);
        discriminator.forward(images(), Mode::Train);
        let latent = Tensor::from_inner(random::normal(
            [4, 5],
            &mut random::generator(1, Stream::Latent, 1),
            &Device::flex(),
        ));
        assert_eq!(
            generator.forward(latent, Mode::Train).dims(),
            [4, 3, 64, 64]
        );
        let mut tensors = Tensors::new();
        state::collect(&generator, "generator.", &mut tensors);
        state::collect(&discriminator, "discriminator.", &mut tensors);
        (generator, discriminator, tensors)
    }

    #[test]
    fn what_was_pretrained_is_what_is_loaded() {
        let (generator, discriminator, tensors) = dcgan();
        let encoder = Encoder::new(WIDTH, &mut init(2))
            .with_pretrained(&tensors)
            .unwrap();
        let features = |encoder: &Encoder| encoder.forward(images(), Mode::Score).into_data();
        assert_eq!(features(&encoder), features(&discriminator.features));
        let judge = Discriminator::new(WIDTH, &mut init(2))
            .with_pretrained(&tensors)
            .unwrap();
        let verdict = |judge: &Discriminator| judge.forward(images(), Mode::Score).into_data();
        assert_eq!(verdict(&judge), verdict(&discriminator));
        let fresh = Decoder::new(7, WIDTH, &mut init(2));
        let decoder = fresh.clone().with_pretrained(&tensors).unwrap();
        let weight = |tensor: Tensor<4>| tensor.into_data();
        assert_eq!(
            weight(decoder.project.weight.val()),
            weight(fresh.project.weight.val())
        );
        let mut loaded = Tensors::new();
        state::collect(&decoder, "generator.", &mut loaded);
        loaded.retain(|name, _| !name.contains("project"));
        assert_eq!(loaded.len(), 4 * 4 + 4 + 1);
        assert!(loaded.iter().all(|(name, data)| tensors[name] == *data));
        let x = Tensor::ones([1, 8 * WIDTH, 4, 4], &Device::flex().autodiff());
        let grown = |norm: &[_], conv: &[_]| {
            super::super::up::grow(x.clone(), norm, conv, Mode::Score).into_data()
        };
        assert_eq!(
            grown(&decoder.norm, &decoder.conv),
            grown(&generator.norm, &generator.conv)
        );
    }

    #[test]
    fn another_width_is_an_error_that_names_tensors_and_shapes() {
        let (_, _, tensors) = dcgan();
        let error = Encoder::new(2 * WIDTH, &mut init(2))
            .with_pretrained(&tensors)
            .unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains(
                "discriminator.features.conv.0.weight is [2, 3, 4, 4], expected [4, 3, 4, 4]"
            ) && said.contains("more"),
            "{said}"
        );
    }

    #[test]
    fn a_tensor_too_few_or_too_many_is_named() {
        let (_, _, mut tensors) = dcgan();
        let bias = tensors.remove("generator.conv.3.bias").unwrap();
        tensors.insert("generator.conv.4.bias".to_owned(), bias);
        let error = Decoder::new(7, WIDTH, &mut init(2))
            .with_pretrained(&tensors)
            .unwrap_err();
        let said = error.to_string();
        assert!(
            said.contains("missing: generator.conv.3.bias [3]"),
            "{said}"
        );
        assert!(
            said.contains("of no part of it: generator.conv.4.bias [3]"),
            "{said}"
        );
    }
}
