//! Layers of a trained network: weights prepared once, batch norm folded in by the caller, bias, residual and activation
//! applied as the output is written, activations staying in blocks of channels from layer to layer, memory used again.
//!
//! A [`Features`] is either planes, `[batch, channels, height, width]`, or blocks of channels, `[batch, blocks, height, width, channel in
//! block]`; a [`Layer`] takes both, and gives what it is asked for. An image's result does not depend on its batch.
//!
//! Networks of depthwise convolutions have layers of their own, which read and write blocks where they lie: [`Stem`], [`Pointwise`] and
//! [`Depthwise`].

mod depthwise;
#[cfg(test)]
mod direct_tests;
mod features;
mod layer;
mod panels;
mod pointwise;
mod stem;
#[cfg(test)]
mod tests;

pub use depthwise::Depthwise;
pub use features::{Features, Form, Pool};
pub use layer::{Layer, Norm, Residual};
pub use pointwise::Pointwise;
pub use stem::Stem;
