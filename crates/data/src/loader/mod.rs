//! A pass over images: decoded, resized and augmented in parallel, ahead of the consumer, in bounded memory.
//!
//! Workers take one image at a time (not one batch), so that all cores are busy however few batches are kept ahead. A
//! lock and two condition variables are simpler here than channels: batches leave in order, a worker may only run
//! `ahead` batches beyond the last one taken, and dropping the loader wakes and ends everyone.

mod config;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

pub use config::{Batch, LoaderConfig};

use crate::error::{Error, Result};
use crate::prepare::{Prepared, prepare};
use crate::sample::Sample;
use crate::tile::Tiles;

/// An iterator over the batches of one pass.
///
/// A batch with an image that cannot be loaded is an error that names the image; the next batch can still be taken.
/// Batches and their bits do not depend on the number of threads. To go on in the middle of a pass, give the rest of its
/// order: random changes belong to a sample's index, not to its place in the order.
#[derive(Debug)]
pub struct Loader {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    taken: usize,
    missing: Vec<PathBuf>,
}

#[derive(Debug)]
struct Shared {
    samples: Arc<[Sample]>,
    order: Vec<usize>,
    config: LoaderConfig,
    state: Mutex<State>,
    /// Told when a worker may have more to do, or should stop.
    room: Condvar,
    /// Told when an image is ready.
    ready: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Place in the order of the next image to be worked on.
    next: usize,
    /// First place in the order that must not be worked on yet.
    limit: usize,
    /// What is ready, by place.
    done: BTreeMap<usize, Result<Prepared>>,
    stop: bool,
}

impl Loader {
    /// Starts loading `samples[order[0]]`, `samples[order[1]]`, ... at once.
    ///
    /// # Errors
    /// A setting out of its range, an index beyond the samples, or threads that the system refuses.
    pub fn start(
        samples: impl Into<Arc<[Sample]>>,
        order: Vec<usize>,
        config: LoaderConfig,
    ) -> Result<Self> {
        let samples = samples.into();
        config.check()?;
        let parts = config.parts();
        if let Some(index) = order.iter().find(|&&index| index / parts >= samples.len()) {
            let found = format!("{index} for {} samples", samples.len());
            return Err(Error::Setting {
                key: "order",
                expected: "indices of samples",
                found,
            });
        }
        // As many as share the arithmetic: who gives a process a part of the processors gives it that of the decoding too.
        let wanted = match config.threads {
            0 => rayon::current_num_threads(),
            threads => threads,
        };
        let threads = wanted.min(order.len());
        let limit = config.ahead.saturating_mul(config.batch);
        let state = Mutex::new(State {
            limit,
            ..State::default()
        });
        let shared = Arc::new(Shared {
            samples,
            order,
            config,
            state,
            room: Condvar::new(),
            ready: Condvar::new(),
        });
        let mut loader = Self {
            shared,
            workers: Vec::with_capacity(threads),
            taken: 0,
            missing: Vec::new(),
        };
        for number in 0..threads {
            let shared = Arc::clone(&loader.shared);
            let worker = thread::Builder::new()
                .name(format!("loader-{number}"))
                .spawn(move || shared.work());
            // On an error the loader is dropped, which ends the threads that did start.
            loader
                .workers
                .push(worker.map_err(|source| Error::Threads { threads, source })?);
        }
        Ok(loader)
    }

    /// Batches of this pass that are still to come.
    pub fn remaining(&self) -> usize {
        (self.shared.order.len() - self.taken).div_ceil(self.shared.config.batch)
    }

    /// Images that are decoded and wait to be taken: at most `ahead * batch`.
    pub fn images_ready(&self) -> usize {
        self.shared.lock().done.len()
    }

    /// The files that were gone when they were to be read, in the order of the pass.
    pub fn missing(&self) -> &[PathBuf] {
        &self.missing
    }

    fn assemble(
        &mut self,
        places: std::ops::Range<usize>,
        images: Vec<Result<Prepared>>,
    ) -> Result<Batch> {
        let Shared {
            samples,
            order,
            config,
            ..
        } = &*self.shared;
        let tiles = config.tiles.as_deref();
        let [height, width] = tiles.map_or(config.size, Tiles::tile);
        let mut batch = Batch {
            ids: Vec::with_capacity(images.len()),
            samples: Vec::with_capacity(images.len()),
            gone: Vec::new(),
            shape: [0, 3, height, width],
            pixels: Vec::with_capacity(images.len() * 3 * height * width),
            valid: config.regions.as_ref().map(|_| Vec::new()),
        };
        for (&place, image) in order[places].iter().zip(images) {
            let index = place / config.parts();
            let sample = &samples[index];
            match image {
                Ok(image) => {
                    batch.ids.push(sample.id.clone());
                    batch.samples.push(index);
                    batch.pixels.extend_from_slice(&image.pixels.pixels);
                    if let (Some(all), Some(valid)) = (&mut batch.valid, image.valid) {
                        all.extend(valid.numbers());
                    }
                }
                Err(error) if config.missing_allowed > 0 && error.is_gone() => {
                    // Once, however many tiles of it are asked for.
                    let path = sample.path().to_path_buf();
                    if !self.missing.contains(&path) {
                        self.missing.push(path);
                    }
                    batch.gone.push(index);
                }
                Err(error) => return Err(error),
            }
        }
        batch.shape[0] = batch.ids.len();
        let (count, limit) = (self.missing.len(), config.missing_allowed);
        match self.missing.first() {
            Some(path) if count > limit => Err(Error::Vanished {
                path: path.clone(),
                count,
                limit,
            }),
            _ => Ok(batch),
        }
    }
}

impl Iterator for Loader {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let end = (self.taken + self.shared.config.batch).min(self.shared.order.len());
        let places = self.taken..end;
        if places.is_empty() {
            return None;
        }
        let mut images = Vec::with_capacity(places.len());
        let mut state = self.shared.lock();
        for place in places.clone() {
            loop {
                if let Some(image) = state.done.remove(&place) {
                    images.push(image);
                    break;
                }
                state = self
                    .shared
                    .ready
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
        self.taken = end;
        state.limit = state.limit.saturating_add(self.shared.config.batch);
        drop(state);
        self.shared.room.notify_all();
        Some(self.assemble(places, images))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining(), Some(self.remaining()))
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.room.notify_all();
        for worker in self.workers.drain(..) {
            // A worker catches panics itself, and there is nothing left to do about one here.
            let _ = worker.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock, so what is inside is whole even if the lock says otherwise.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A worker's life.
    fn work(&self) {
        while let Some(place) = self.claim() {
            let image = guarded(self.sample(place), || self.load(place));
            self.lock().done.insert(place, image);
            self.ready.notify_one();
        }
    }

    /// Waits for room and takes the next place; none when all are taken or the loader is gone.
    fn claim(&self) -> Option<usize> {
        let mut state = self.lock();
        while !state.stop && state.next < self.order.len() && state.next >= state.limit {
            state = self
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.stop || state.next >= self.order.len() {
            return None;
        }
        state.next += 1;
        Some(state.next - 1)
    }

    fn sample(&self, place: usize) -> &Sample {
        &self.samples[self.order[place] / self.config.parts()]
    }

    fn load(&self, place: usize) -> Result<Prepared> {
        prepare(self.sample(place), self.order[place], &self.config)
    }
}

/// Runs the loading of a sample; a panic in it becomes an error, as a consumer that waits for an image whose thread is
/// gone would wait for ever.
fn guarded<T>(sample: &Sample, load: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(load)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        let found = text.unwrap_or_else(|| "a panic".into());
        Err(Error::Worker {
            path: sample.path().to_path_buf(),
            found,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Label;

    #[test]
    fn a_panic_in_a_worker_is_an_error_that_names_the_file() {
        let sample = Sample::new("a", std::path::PathBuf::from("a.png"), Label::Normal);
        let error = guarded::<()>(&sample, || panic!("boom")).unwrap_err();
        assert!(
            error.to_string().starts_with("a.png: ") && error.to_string().contains("(boom)"),
            "{error}"
        );
    }
}
