//! One training step's numbers: L + L_adv + 0.01·L_ae, or L + L_adv + 0.001·L_bce + 0.01·L_cga (section 3).

use burn::tensor::{Int, Tensor, TensorData};
use cavga_nn::{
    attention,
    latent::Gaussian,
    layers::Mode,
    losses::{self, Expansion},
    ops,
    part::Part,
};

use super::{CavgaConfig, Vae, look::Seen};
use crate::{Error, PAINT, Result};

/// Which images of a batch are normal: all but the classifier learns from them alone.
#[derive(Debug, Clone)]
pub struct Labels {
    anomalous: Vec<bool>,
}

impl Labels {
    /// As in a batch of so many `images`.
    ///
    /// # Errors
    /// [`Error::Labels`] if there are not as many labels.
    pub fn new(anomalous: &[bool], images: usize) -> Result<Self> {
        let labels = anomalous.len();
        if labels != images {
            return Err(Error::Labels { labels, images });
        }
        Ok(Self {
            anomalous: anomalous.to_vec(),
        })
    }

    /// Which are anomalous.
    pub fn anomalous(&self) -> &[bool] {
        &self.anomalous
    }

    /// Images in all.
    pub fn batch(&self) -> usize {
        self.anomalous.len()
    }

    /// How many are normal.
    pub fn normal(&self) -> usize {
        self.batch()
            - self
                .anomalous
                .iter()
                .filter(|&&anomalous| anomalous)
                .count()
    }

    /// The normal images' part of a tensor of all.
    pub fn of_normal<const D: usize>(&self, all: Tensor<D>) -> Tensor<D> {
        if self.normal() == self.batch() {
            return all;
        }
        let normal = self.anomalous.iter().enumerate();
        let indices: Vec<i64> = normal
            .filter(|(_, anomalous)| !**anomalous)
            .map(|(index, _)| index as i64)
            .collect();
        let indices = Tensor::<1, Int>::from_data(
            TensorData::from(indices.as_slice()),
            &all.device().without_autodiff(),
        );
        all.select(0, indices)
    }

    /// A number for each image.
    fn numbers(&self, like: &Tensor<2>, of: impl Fn(bool) -> f32) -> Tensor<1> {
        let values: Vec<f32> = self.anomalous.iter().map(|&label| of(label)).collect();
        Tensor::from_floats(values.as_slice(), &like.device())
    }

    /// L_bce of the classifier's logits of all images, `[batch, 2]`.
    pub fn classification(&self, logits: Tensor<2>, config: &CavgaConfig) -> Tensor<1> {
        let weight = config.weights.anomalous as f32;
        let anomalous = self.numbers(&logits, |label| if label { 1.0 } else { 0.0 });
        let weights = self.numbers(&logits, |label| if label { weight } else { 1.0 });
        losses::classification(logits, anomalous, weights)
    }
}

/// What the autoencoder makes of a batch in training.
#[derive(Debug, Clone)]
pub struct Forward {
    /// The latent's distribution, of the normal images, as the three below.
    pub latent: Gaussian,
    /// The reconstruction's logits, `[normal, 3, height, width]`.
    pub logits: Tensor<4>,
    /// The reconstruction x̂ in [0, 1], `[normal, 3, height, width]`.
    pub reconstruction: Tensor<4>,
    /// The attention A in [0, 1], `[normal, maps, height', width']`: one map of the latent, or one for each class, A^{c_n} and A^{c_a}.
    pub attention: Tensor<4>,
    /// The logits of the classes of all images, `[batch, 2]`, of a weakly supervised one.
    pub classes: Option<Tensor<2>>,
    /// What counts of the normal images, where not all does.
    pub part: Option<Part>,
}

impl Forward {
    /// Runs the autoencoder as in training on what its encoder saw. `noise` makes ε ~ N(0, I) in the latent's shape. At least one image must be
    /// normal.
    pub fn new(
        vae: &Vae,
        seen: &Seen,
        labels: &Labels,
        noise: impl FnOnce([usize; 4]) -> Tensor<4>,
        config: &CavgaConfig,
    ) -> Result<Self> {
        let Gaussian { mu, logvar } = vae.latent().forward(seen.features.clone());
        let classes = vae.classify(mu.clone());
        let latent = Gaussian {
            mu: labels.of_normal(mu),
            logvar: labels.of_normal(logvar),
        };
        let sample = latent.sample(noise(latent.mu.dims()));
        let logits = vae.decode(sample, Mode::Train);
        let options = &config.attention;
        let cams = labels.of_normal(vae.alpha(seen, config)?.cams(seen));
        Ok(Self {
            latent,
            reconstruction: ops::sigmoid(logits.clone()),
            logits,
            attention: attention::attention(cams, options.relu, options.normalize),
            classes,
            part: None,
        })
    }

    /// With what counts of the images of the batch, `[batch, 1, height, width]`.
    pub fn with_valid(self, valid: Option<Tensor<4>>, labels: &Labels) -> Self {
        Self {
            part: valid.map(|valid| Part::new(labels.of_normal(valid))),
            ..self
        }
    }

    /// Images as the discriminator sees them: painted where they don't count, as the real ones are.
    pub fn painted(&self, images: Tensor<4>) -> Tensor<4> {
        match &self.part {
            Some(part) => part.painted(images, PAINT),
            None => images,
        }
    }

    fn reconstruction_loss(&self, normal: Tensor<4>) -> Tensor<1> {
        match &self.part {
            Some(part) => part.reconstruction(self.logits.clone(), normal),
            None => losses::reconstruction(self.logits.clone(), normal),
        }
    }

    fn attention_expansion(&self, expansion: Expansion) -> Tensor<1> {
        let attention = self.attention.clone();
        match &self.part {
            Some(part) => part.attention_expansion(attention, expansion),
            None => losses::attention_expansion(attention, expansion),
        }
    }

    fn guided_attention(&self, counts: Tensor<1>, batch: usize) -> Tensor<1> {
        let attention = self.attention.clone();
        match &self.part {
            Some(part) => part.guided_attention(attention, counts, batch),
            None => losses::guided_attention(attention, counts, batch),
        }
    }
}

/// The terms that guide the attention, each `[1]`.
#[derive(Debug, Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one in a step: nothing is saved by a box"
)]
pub enum Guidance {
    /// Unsupervised: L_ae.
    Expansion(Tensor<1>),
    /// Weakly supervised.
    Classes {
        /// L_bce.
        classification: Tensor<1>,
        /// L_cga.
        guided_attention: Tensor<1>,
    },
}

/// The terms of the encoder's and decoder's objective, each `[1]`.
#[derive(Debug, Clone)]
pub struct Objective {
    /// L_R.
    pub reconstruction: Tensor<1>,
    /// KL(q(z|x) ‖ N(0, I)).
    pub divergence: Tensor<1>,
    /// L_adv as the encoder and decoder see it; `None` without an adversary.
    pub adversarial: Option<Tensor<1>>,
    /// What guides the attention.
    pub guidance: Guidance,
}

impl Objective {
    /// The terms. `normal`: the normal images of the batch; `fake`: the discriminator's logits of x̂, `[normal]`, where there is one.
    ///
    /// # Shapes
    /// - normal: `[normal, 3, height, width]` in [0, 1]
    pub fn new(
        forward: &Forward,
        normal: Tensor<4>,
        labels: &Labels,
        fake: Option<Tensor<1>>,
        config: &CavgaConfig,
    ) -> Self {
        let [_, channels, height, width] = normal.dims();
        let divisor = config.weights.reduction.divisor([channels, height, width]);
        let reduce = |per_image: Tensor<1>| per_image.mean().div_scalar(divisor);
        Self {
            reconstruction: reduce(forward.reconstruction_loss(normal)),
            divergence: reduce(forward.latent.divergence()),
            adversarial: fake.map(|fake| losses::adversarial(fake, config.adversary.saturating)),
            guidance: match &forward.classes {
                None => {
                    Guidance::Expansion(forward.attention_expansion(config.attention.expansion))
                }
                Some(logits) => {
                    let evidence = losses::evidence(labels.of_normal(logits.clone()).detach());
                    let counts = evidence.lower_scalar(0.0).float();
                    Guidance::Classes {
                        classification: labels.classification(logits.clone(), config),
                        guided_attention: forward.guided_attention(counts, labels.batch()),
                    }
                }
            },
        }
    }

    /// The whole weighted sum.
    pub fn total(&self, config: &CavgaConfig) -> Tensor<1> {
        let own = self.without_adversary(config);
        match self.adversarial.clone() {
            Some(adversarial) => own + adversarial.mul_scalar(config.weights.adversarial),
            None => own,
        }
    }

    /// The weighted sum without L_adv.
    pub fn without_adversary(&self, config: &CavgaConfig) -> Tensor<1> {
        let weights = &config.weights;
        let own = (self.reconstruction.clone() + self.divergence.clone())
            .mul_scalar(weights.reconstruction);
        let add = |sum: Tensor<1>, term: &Tensor<1>, weight: f64, wanted: bool| {
            if wanted {
                sum + term.clone().mul_scalar(weight)
            } else {
                sum
            }
        };
        match &self.guidance {
            Guidance::Expansion(loss) => add(own, loss, weights.attention_expansion, config.ae),
            Guidance::Classes {
                classification,
                guided_attention,
            } => {
                let sum = add(own, classification, weights.classifier, true);
                add(sum, guided_attention, weights.guided_attention, config.cga)
            }
        }
    }
}
