//! Changing a model after training.

mod time;
mod trail;

pub(crate) use trail::Coming;
pub use trail::{Change, ChangeKind, Trail, TrailImage};
