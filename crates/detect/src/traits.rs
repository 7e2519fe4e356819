//! What every method offers: learning from batches, scoring batches.

use burn::tensor::{Device, Tensor};

use crate::{Error, Result, Tensors};

/// What pixels that don't count are painted with, in images and, before a discriminator sees them, in reconstructions: 128 of 255, as
/// whoever loads images paints them.
pub const PAINT: f64 = 128.0 / 255.0;

/// Images as a method sees them.
#[derive(Debug, Clone)]
pub struct Batch {
    /// `[batch, 3, height, width]`, in [0, 1].
    pub images: Tensor<4>,
    /// Where some pixels don't count (they are painted then, and left out of losses and statistics): `[batch, 1, height, width]`, 1 for
    /// each that counts, else 0. All batches of a training have it, or none.
    pub valid: Option<Tensor<4>>,
    /// Which of them are anomalous; all `false` for the methods that learn from normal images alone.
    pub anomalous: Vec<bool>,
    /// Which of the normal classes each of them is of, numbered from 0 without gaps; empty where there is but one, or nobody says.
    pub classes: Vec<u8>,
    /// Which each of them is: its number among the images of the run. Tiles of one image have the same. Empty where that
    /// does not matter, as of held-out images.
    pub numbers: Vec<usize>,
    /// How many batches the run has seen before this one: with the seed, it fixes every random draw of the step, so that
    /// a resumed run draws what an uninterrupted one would have drawn.
    pub step: u64,
    /// How many passes over the training images were done before this one.
    pub pass: usize,
}

/// The losses of one step by name, for the log.
pub type Losses = Vec<(&'static str, f64)>;

/// Whoever waits for work that takes long, and may end it.
pub trait Observer {
    /// Work of so many equal parts begins. `stage`: what it is, as in `choosing the memory bank`.
    fn begin(&mut self, stage: &'static str, total: u64);

    /// So many parts are done.
    ///
    /// # Errors
    /// [`Error::Stopped`] if nobody waits any longer: the work ends with it.
    fn advance(&mut self, done: u64) -> Result<()>;

    /// The work is done.
    fn end(&mut self);
}

/// Nobody looks.
impl Observer for () {
    fn begin(&mut self, _stage: &'static str, _total: u64) {}
    fn advance(&mut self, _done: u64) -> Result<()> {
        Ok(())
    }
    fn end(&mut self) {}
}

/// Learns from batches of training images, some passes over them, and becomes a detector.
pub trait Learner {
    /// How many passes over the training images it wants: 1 for a memory bank, hundreds for a network.
    fn passes(&self) -> usize;

    /// Takes one batch in; returns its named losses for the log (empty where nothing is minimised).
    fn observe(&mut self, batch: &Batch) -> Result<Losses>;

    /// Becomes a detector. `held_out` gives normal images that were kept from training: what a detector must know of
    /// scores and maps on unseen normal images is learnt from them, never from the training images themselves.
    fn finish(
        self: Box<Self>,
        held_out: &mut dyn Iterator<Item = Result<Batch>>,
        observer: &mut dyn Observer,
    ) -> Result<Box<dyn Detector>>;

    /// All state, optimisers included: a resumed run equals an uninterrupted one, bit for bit. `None` where to write it down would cost
    /// more than to look at the images again: such a run begins anew.
    fn state(&self) -> Result<Option<Tensors>>;

    /// Takes back what [`Learner::state`] gave.
    fn restore(&mut self, state: Tensors) -> Result<()>;

    /// Unlearns images, by their numbers. `images` gives them once more, as they were when they were learnt: who needs none asks for none.
    ///
    /// # Errors
    /// [`Error::NeverForgets`] of methods that cannot.
    fn forget(
        &mut self,
        numbers: &[usize],
        images: &mut dyn Iterator<Item = Result<Batch>>,
    ) -> Result<()> {
        let _ = (numbers, images);
        Err(Error::NeverForgets)
    }
}

/// How the scores of an image's tiles become the image's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// Their mean, each weighing as much as pixels of the image that count are its.
    Mean,
    /// The largest: one tile that is anomalous is enough.
    Max,
}

/// One number for each image of a batch.
#[derive(Debug, Clone)]
pub struct ImageScores {
    /// What the score is called in every file and table, for example `residual`.
    pub name: &'static str,
    /// Raw scores, one per image; higher means more anomalous; never clamped, never rescaled to the batch.
    pub values: Vec<f32>,
    /// What it becomes of where the images are tiles.
    pub merge: Merge,
}

/// One map for each image of a batch.
#[derive(Debug, Clone)]
pub struct Maps {
    /// What the map is called in every file and table, for example `one-minus-attention`.
    pub name: &'static str,
    /// `[batch, height, width]` at the size of the images given; higher means more anomalous.
    pub values: Tensor<3>,
}

/// What a detector says of a batch.
#[derive(Debug, Clone)]
pub struct Scores {
    /// Never empty; the first is the method's own, the others are kept beside it under their names.
    pub images: Vec<ImageScores>,
    /// Empty if the method does not localize; the first is the method's own.
    pub maps: Vec<Maps>,
}

/// A trained method.
pub trait Detector: Send {
    /// `images`: `[batch, 3, height, width]` in [0, 1], at the size that the method was trained at. The scores of an image
    /// do not depend on the batch it comes in. `valid`: where some pixels don't count, as in [`Batch`]: scores then are those of the
    /// pixels that count, and of maps no more is promised elsewhere than that they are finite.
    fn score(&self, images: Tensor<4>, valid: Option<Tensor<4>>) -> Result<Scores>;

    /// From now on lets the network itself score, as it was trained, in place of a form that was prepared for inference; `false` if there
    /// is no such form, and nothing changes. For whoever checks that the two agree.
    fn score_as_trained(&mut self) -> bool {
        false
    }

    /// The own score's boundary between normal and anomalous, for methods that decide by themselves (a classifier): scores
    /// above it are anomalous. Without it, normal images held out of training give the threshold.
    fn boundary(&self) -> Option<f32> {
        None
    }

    /// Whether the score or map of this name was fitted on the images that [`Learner::finish`] was given: what it says of those
    /// very images says nothing of others, and no threshold may rest on it.
    fn is_fitted(&self, name: &str) -> bool;

    /// Whether it keeps what it saw of the training images, so that their own scores say nothing of those of others.
    fn remembers(&self) -> bool {
        false
    }

    /// Figures of what it knows by name, for the record that a model file keeps of it: of a memory bank how many rows it has, and how well they
    /// cover what they were chosen among.
    fn facts(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// Goes back to learning, as if it had just learnt what it knows: more images may be observed, others forgotten. `None` of methods that
    /// cannot ([`crate::Method::reopens`]).
    fn reopened(self: Box<Self>) -> Option<Box<dyn Learner>> {
        None
    }

    /// Everything that [`crate::Method::detector`] needs to make it again.
    fn state(&self) -> Result<Tensors>;

    /// Where its tensors live.
    fn device(&self) -> &Device;
}
