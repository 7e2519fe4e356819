//! Which values of the settings can work.

use cavga_nn::attention::Reach;

use super::{Adversary, AttentionConfig, CavgaConfig, EncoderConfig, LatentConfig, Weights};
use crate::{
    Result,
    check::{
        ADAM_KEYS, check, check_adam, check_amount, check_share, check_smoothing, check_width,
    },
};

impl CavgaConfig {
    /// An error for a value that cannot work.
    pub fn check(&self) -> Result<()> {
        let stride = self.output_stride;
        check(
            "output_stride",
            matches!(stride, 8 | 16 | 32),
            "8, 16 or 32",
            &stride,
        )?;
        check("passes", self.passes > 0, "at least 1", &self.passes)?;
        self.encoder.check()?;
        self.latent.check()?;
        self.attention.check()?;
        check_width("dcgan_width", self.dcgan_width)?;
        check_width("decoder_width", self.decoder_width)?;
        check_adam(ADAM_KEYS, &self.adam)?;
        self.weights.check()?;
        self.adversary.check()?;
        check_smoothing(self.smoothing)
    }
}

impl EncoderConfig {
    fn check(&self) -> Result<()> {
        check_amount("encoder.rate", self.rate)
    }
}

impl LatentConfig {
    fn check(&self) -> Result<()> {
        check_width("latent.channels", self.channels)?;
        check_width("latent.dimension", self.dimension)
    }
}

impl AttentionConfig {
    fn check(&self) -> Result<()> {
        let Some(stage) = self.stage else {
            return Ok(());
        };
        check(
            "attention.reach",
            self.reach == Reach::Detached,
            "\"detached\", as attention.stage is set: only the last stage's α is a closed form",
            &"\"exact\"",
        )?;
        // How many stages there are, the variant knows: `Variant::check`.
        check("attention.stage", stage > 0, "at least 1", &stage)
    }
}

impl Weights {
    fn check(&self) -> Result<()> {
        check_amount("weights.reconstruction", self.reconstruction)?;
        check_amount("weights.adversarial", self.adversarial)?;
        check_amount("weights.attention_expansion", self.attention_expansion)?;
        check_amount("weights.classifier", self.classifier)?;
        check_amount("weights.guided_attention", self.guided_attention)?;
        check_amount("weights.anomalous", self.anomalous)
    }
}

impl Adversary {
    fn check(&self) -> Result<()> {
        let keys = [
            "adversary.adam.rate",
            "adversary.adam.beta_1",
            "adversary.adam.beta_2",
            "adversary.adam.epsilon",
        ];
        check_adam(keys, &self.adam)?;
        check_share("adversary.real_target", self.real_target)?;
        check_amount("adversary.instance_noise", self.instance_noise)?;
        check("adversary.every", self.every > 0, "at least 1", &self.every)?;
        check_amount("adversary.limit", self.limit)?;
        check_amount("adversary.rest_below", self.rest_below)
    }
}
