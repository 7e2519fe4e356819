//! Fast arithmetic on `f32` slices for training and inference on CPUs: convolution, transposed convolution and all
//! their gradients, batch norm fused with an activation, and Adam in one pass. No tensors, no graph, no Burn.
//!
//! **Why.** Burn's CPU backend spends its time in repacking layouts, in a weight gradient computed as a convolution with
//! an image-sized kernel, and in element-wise passes on one thread. Matrix multiplication itself is not the problem, so
//! each kernel here feeds one register-blocked multiply-add loop straight from the images, without column matrices (but for [`masked`],
//! which has no images: its products are the `gemm` crate's, by its own choice of instructions).
//!
//! **Layout.** Everything is contiguous NCHW: images `[batch, channels, height, width]`, weights
//! `[out channels, in channels / groups, kernel height, kernel width]`. A [`ConvShape`] is checked once, when it is
//! made; the kernels then only check that the slices have the lengths it says.
//!
//! **Three machines, one code.** Kernels are generic over a small set of vector operations (`lanes`), compiled for
//! AVX-512, for AVX2 with FMA, and in plain Rust that the compiler vectorises for anything else. The best one is chosen
//! at run time; `CAVGA_KERNELS=avx512|avx2|portable` forces a lesser one.
//!
//! **Reproducible.** Threads own disjoint outputs and every sum has one order, so a path gives the same bits from run to
//! run and for any number of threads. Paths differ from each other in the last bits.
//!
//! | module | what is there |
//! |---|---|
//! | [`bank`] | banks of features: rows in f32 or half, greedy k-centre, exact nearest rows, sparse projection |
//! | [`conv`] | convolution forward, gradients to input, weight and bias; the transposed one is the same with roles swapped |
//! | [`batch_norm`] | statistics, normalisation, activation; backward; inference form |
//! | [`activation`] | ReLU and LeakyReLU where no batch norm stands before them, ReLU of a sum |
//! | [`adam`] | one step over one parameter |
//! | [`gaussian`] | a mean and a covariance at each of many positions, and distances under them |
//! | [`inference`] | convolutions of a trained network: weights prepared once, activations in blocks of channels |
//! | [`logit`] | sigmoid, and the cross entropy of logits |
//! | [`pool`] | max-pooling and its gradient |
//! | [`resize`] | bilinear resizing and its gradient |
//! | [`upsample`] | nearest up-sampling by two, folded into the 3×3 convolution after it, or added to something |
//! | [`masked`] | masked fully connected layers, what is hidden being skipped |
//! | [`path`] | which instruction set is used |
//! | [`threads`] | a sequence of kernels with one message to the threads that share them |
//! | [`mod@reference`] | the plain loops that the tests compare with |
#![allow(unsafe_code)] // Vector intrinsics, and threads that write disjoint parts of one output, have no safe form.

pub mod activation;
pub mod adam;
pub mod bank;
pub mod batch_norm;
pub mod conv;
pub mod gaussian;
mod half;
pub mod inference;
mod lanes;
pub mod logit;
pub mod masked;
mod math;
mod memory;
pub mod path;
pub mod pool;
pub mod reference;
pub mod resize;
mod sums;
pub mod threads;
pub mod upsample;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use activation::Activation;
pub use conv::{ConvShape, ShapeError};
pub use path::Path;
