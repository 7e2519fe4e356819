//! Learning a memory bank: one pass to see features, then the choice among them.

use burn::tensor::Device;
use cavga_nn::random::{self, Stream};

use super::{PatchcoreConfig, PatchcoreDetector, bank::Bank, candidates::Candidates};
use crate::{
    Batch, Detector, Error, Learner, Losses, Observer, Pretrained, Result, Tensors,
    features::{Counted, Extractor, rows},
};

/// A PatchCore that looks at images.
#[derive(Debug)]
pub struct PatchcoreLearner {
    config: PatchcoreConfig,
    seed: u64,
    extractor: Extractor,
    /// What is chosen already, and how many features of which image were seen.
    bank: Bank,
    candidates: Candidates,
}

impl PatchcoreLearner {
    /// For images of `size`, `[height, width]`: the weights that `known` brings, else drawn from `seed`.
    pub fn new(
        config: &PatchcoreConfig,
        size: [usize; 2],
        seed: u64,
        known: &Pretrained,
        device: &Device,
    ) -> Result<Self> {
        config.check()?;
        let extractor = Extractor::new(&config.encoder, size, seed, known, device)?;
        let bank = Bank::empty(config, config.encoder.channels());
        Ok(Self::of(config, seed, extractor, bank))
    }

    /// Goes on with a bank.
    pub(super) fn of(
        config: &PatchcoreConfig,
        seed: u64,
        extractor: Extractor,
        bank: Bank,
    ) -> Self {
        Self {
            config: config.clone(),
            seed,
            extractor,
            bank,
            candidates: Candidates::new(config, config.encoder.channels()),
        }
    }
}

impl Learner for PatchcoreLearner {
    fn passes(&self) -> usize {
        1
    }

    fn observe(&mut self, batch: &Batch) -> Result<Losses> {
        let grid = self.extractor.grid();
        let counted = Counted::of(&batch.images, batch.valid.clone(), grid)?;
        let [images, ..] = batch.images.dims();
        if batch.numbers.len() != images {
            return Err(Error::Numbers {
                numbers: batch.numbers.len(),
                images,
            });
        }
        let rows = rows(self.extractor.local_features(batch.images.clone())?);
        let width = self.config.encoder.channels();
        let positions = rows.len() / width / images;
        let mut generator = random::generator(self.seed, Stream::Reservoir, batch.step);
        for (at, row) in rows.chunks_exact(width).enumerate() {
            let number = batch
                .numbers
                .get(at / positions)
                .copied()
                .unwrap_or_default();
            if counted.get(at) > 0.0 {
                self.bank.origin.note(number);
                self.candidates.offer(row, number as u32, &mut generator);
            }
        }
        Ok(Losses::new())
    }

    fn finish(
        self: Box<Self>,
        _held_out: &mut dyn Iterator<Item = Result<Batch>>,
        observer: &mut dyn Observer,
    ) -> Result<Box<dyn Detector>> {
        let Self {
            config,
            seed,
            extractor,
            bank,
            candidates,
        } = *self;
        if !candidates.is_whole() {
            tracing::warn!(
                "features of more images than {} of memory hold: those to choose among were drawn by lot",
                config.memory
            );
        }
        let wanted = config.rows(bank.origin.count());
        let bank = candidates.choose(bank, wanted, (&config, seed), observer)?;
        if bank.rows.is_empty() {
            return Err(Error::NoImages(
                "no image is left whose features could be kept",
            ));
        }
        Ok(Box::new(PatchcoreDetector::new(&config, extractor, bank)))
    }

    /// A bank is chosen in minutes from one look at the images, and what is chosen among may be gigabytes.
    fn state(&self) -> Result<Option<Tensors>> {
        Ok(None)
    }

    fn restore(&mut self, state: Tensors) -> Result<()> {
        Ok(cavga_nn::state::expect_empty(&state)?)
    }

    fn forget(
        &mut self,
        numbers: &[usize],
        _images: &mut dyn Iterator<Item = Result<Batch>>,
    ) -> Result<()> {
        self.bank.forget(numbers);
        Ok(())
    }
}
