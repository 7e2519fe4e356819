//! The readers of weight files, from the sources of cavga-nn, without Burn.
//!
//! Of Burn they need one struct and two number types, and compiling all of it takes longer than a short run of all targets.
//! So this crate includes their files and is itself what they call `burn`.

extern crate self as burn;

#[path = "../../crates/nn/src/weights/mod.rs"]
pub mod weights;

/// What the readers use of `burn::tensor`.
pub mod tensor {
    pub use half::{bf16, f16};

    /// Numbers and a shape.
    #[derive(Debug, Clone)]
    pub struct TensorData {
        pub values: Vec<f32>,
        pub shape: Vec<usize>,
    }

    impl TensorData {
        /// As Burn's, which requires as many numbers as the shape says.
        pub fn new(values: Vec<f32>, shape: Vec<usize>) -> Self {
            assert_eq!(values.len(), shape.iter().product::<usize>());
            Self { values, shape }
        }
    }
}

/// What the readers use of the crate that they are from.
pub mod state {
    use std::collections::BTreeMap;

    use crate::tensor::TensorData;

    pub type Tensors = BTreeMap<String, TensorData>;
}
