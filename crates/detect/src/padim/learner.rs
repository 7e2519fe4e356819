//! Learning the Gaussians: one pass.

use burn::tensor::Device;
use cavga_nn::state;

use super::{PadimConfig, PadimDetector, normal::Normal};
use crate::{
    Batch, Detector, Error, Learner, Losses, Observer, Pretrained, Result, Tensors,
    features::{Counted, Extractor},
};

/// A PaDiM that looks at images.
#[derive(Debug)]
pub struct PadimLearner {
    config: PadimConfig,
    normal: Normal,
}

impl PadimLearner {
    /// For images of `size`, `[height, width]`: the weights that `known` brings, else drawn from `seed`, as the channels are.
    pub fn new(
        config: &PadimConfig,
        size: [usize; 2],
        seed: u64,
        known: &Pretrained,
        device: &Device,
    ) -> Result<Self> {
        let extractor = Extractor::new(&config.encoder, size, seed, known, device)?;
        let normal = Normal::new(config, extractor, seed)?;
        Ok(Self::of(config, normal))
    }

    /// Goes on with what was seen.
    pub(super) fn of(config: &PadimConfig, normal: Normal) -> Self {
        Self {
            config: config.clone(),
            normal,
        }
    }

    /// A batch's vectors, and which of them count.
    fn vectors(&self, batch: &Batch) -> Result<(Vec<f32>, Vec<f32>)> {
        let grid = self.normal.extractor.grid();
        let counted = Counted::of(&batch.images, batch.valid.clone(), grid)?;
        let [images, ..] = batch.images.dims();
        let vectors = self.normal.vectors(batch.images.clone())?;
        let positions = images * self.normal.extractor.positions();
        Ok((vectors, (0..positions).map(|at| counted.get(at)).collect()))
    }
}

impl Learner for PadimLearner {
    fn passes(&self) -> usize {
        1
    }

    fn observe(&mut self, batch: &Batch) -> Result<Losses> {
        let (vectors, counted) = self.vectors(batch)?;
        self.normal.scatter.add(&vectors, &counted);
        Ok(Losses::new())
    }

    fn finish(
        self: Box<Self>,
        _held_out: &mut dyn Iterator<Item = Result<Batch>>,
        _observer: &mut dyn Observer,
    ) -> Result<Box<dyn Detector>> {
        if self.normal.scatter.most() == 0 {
            return Err(Error::NoImages(
                "no image is left to know what is normal from",
            ));
        }
        Ok(Box::new(PadimDetector::new(&self.config, self.normal)))
    }

    fn state(&self) -> Result<Option<Tensors>> {
        let mut tensors = Tensors::new();
        self.normal.collect(&mut tensors);
        Ok(Some(tensors))
    }

    fn restore(&mut self, mut tensors: Tensors) -> Result<()> {
        let (size, device) = {
            let extractor = &self.normal.extractor;
            (extractor.size(), extractor.device().clone())
        };
        let extractor = Extractor::take(&self.config.encoder, size, &mut tensors, &device)?;
        self.normal = Normal::take(&self.config, extractor, &mut tensors)?;
        Ok(state::expect_empty(&tensors)?)
    }

    fn forget(
        &mut self,
        _numbers: &[usize],
        images: &mut dyn Iterator<Item = Result<Batch>>,
    ) -> Result<()> {
        for batch in images {
            let (vectors, counted) = self.vectors(&batch?)?;
            self.normal.scatter.remove(&vectors, &counted);
        }
        Ok(())
    }
}
