//! Layers of a trained network: weights prepared once, batch norm folded in by the caller, bias, residual and activation
//! applied as the output is written, activations staying in blocks of channels from layer to layer, memory used again.
//!
//! A [`Features`] is either planes, `[batch, channels, height, width]`, or blocks of channels, `[batch, blocks, height, width, channel in
//! block]`; a [`Layer`] takes both, and gives what it is asked for. An image's result does not depend on its batch.

mod features;
mod layer;
#[cfg(test)]
mod tests;

pub use features::{Features, Form, Pool};
pub use layer::{Layer, Norm, Residual};
