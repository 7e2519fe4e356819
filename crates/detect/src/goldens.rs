//! What the goldens of networks share that are no one's to see outside.

#[path = "../tests/goldens/tensors.rs"]
pub(crate) mod tensors;
#[path = "../../nn/tests/goldens/values.rs"]
pub(crate) mod values;
