//! The weights of a DC-GAN, as they lie in a file, taken into a CAVGA's encoder, decoder and discriminator.
//!
//! A file has `generator.*` and `discriminator.*`. The discriminator is taken whole; the encoder is the discriminator without
//! its head; the decoder is the generator without its first layer, which makes a map of a vector and so has no counterpart in a
//! decoder of maps: the decoder's own 1×1 `project` stays as it was drawn.

use std::collections::BTreeMap;

use burn::{module::Module, tensor::TensorData};

use super::{Decoder, Discriminator, Encoder};
use crate::state::{self, StateError, Tensors};

/// How many differences an error names.
const NAMED: usize = 3;

impl Encoder {
    /// Takes the convolutions and batch norms of a DC-GAN's `discriminator.*`.
    ///
    /// # Errors
    /// [`StateError::Pretrained`] for a discriminator of another width, or another network; [`StateError::Type`].
    pub fn with_pretrained(self, tensors: &Tensors) -> Result<Self, StateError> {
        fit(self, "encoder", "discriminator.features.", "", tensors)
    }
}

impl Discriminator {
    /// Takes a DC-GAN's `discriminator.*`.
    ///
    /// # Errors
    /// As [`Encoder::with_pretrained`].
    pub fn with_pretrained(self, tensors: &Tensors) -> Result<Self, StateError> {
        fit(self, "discriminator", "discriminator.", "", tensors)
    }
}

impl Decoder {
    /// Takes the transposed convolutions and batch norms of a DC-GAN's `generator.*`, all but its first layer: `project` stays
    /// fresh, as a 1×1 convolution of a map has no counterpart in a generator of vectors.
    ///
    /// # Errors
    /// As [`Encoder::with_pretrained`].
    pub fn with_pretrained(self, tensors: &Tensors) -> Result<Self, StateError> {
        fit(self, "decoder", "generator.", "project.", tensors)
    }
}

/// `module`, called `part`, with the tensors behind `prefix`. Those that begin with `fresh` (if not empty) stay the module's own, and the
/// file's of that name are nobody's.
fn fit<M: Module>(
    module: M,
    part: &'static str,
    prefix: &str,
    fresh: &str,
    tensors: &Tensors,
) -> Result<M, StateError> {
    let stays = |name: &str| !fresh.is_empty() && name.starts_with(fresh);
    let mut all = Tensors::new();
    state::collect(&module, "", &mut all);
    let (mut own, needed): (Tensors, Tensors) = all.into_iter().partition(|(name, _)| stays(name));
    let given = tensors
        .iter()
        .filter_map(|(name, data)| Some((name.strip_prefix(prefix)?, data)))
        .filter(|(name, _)| !stays(name))
        .collect::<BTreeMap<_, _>>();
    let mut differences = differences(prefix, &needed, &given);
    if !differences.is_empty() {
        let more = differences.len().saturating_sub(NAMED);
        differences.truncate(NAMED);
        let mut differences = differences.join("; ");
        if more > 0 {
            differences += &format!("; and {more} more");
        }
        return Err(StateError::Pretrained { part, differences });
    }
    own.extend(
        given
            .into_iter()
            .map(|(name, data)| (name.to_owned(), data.clone())),
    );
    state::load(module, "", &mut own)
}

/// What is missing, of another shape, or too much in `given` for a module that needs the tensors `needed`.
fn differences(prefix: &str, needed: &Tensors, given: &BTreeMap<&str, &TensorData>) -> Vec<String> {
    let mut differences = Vec::new();
    for (name, data) in needed {
        let expected = data.shape().to_vec();
        match given.get(name.as_str()).map(|data| data.shape().to_vec()) {
            None => differences.push(format!("{prefix}{name} {expected:?} is missing")),
            Some(found) if found != expected => {
                differences.push(format!("{prefix}{name} is {found:?}, not {expected:?}"));
            }
            Some(_) => {}
        }
    }
    for (name, data) in given {
        if !needed.contains_key(*name) {
            let found = data.shape().to_vec();
            differences.push(format!(
                "{prefix}{name} {found:?} is not one of its tensors"
            ));
        }
    }
    differences
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
            said.contains("encoder")
                && said.contains(
                    "discriminator.features.conv.0.weight is [2, 3, 4, 4], not [4, 3, 4, 4]"
                )
                && said.contains("more"),
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
            said.contains("generator.conv.3.bias [3] is missing"),
            "{said}"
        );
        assert!(
            said.contains("generator.conv.4.bias [3] is not one of its tensors"),
            "{said}"
        );
    }
}
