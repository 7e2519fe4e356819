//! DC-GAN's generator, and CAVGA-D's decoder, which is the same but for the first layer.

use burn::{module::Module, tensor::Tensor};

use crate::{
    layers::{BatchNorm2d, Conv2d, ConvConfig, ConvTranspose2d, Init, Mode},
    ops::Activation,
};

/// What generator and decoder share: batch norm and ReLU before each transposed convolution 4×4 of stride 2. The last one's
/// output are logits of an image.
///
/// Not a module of its own: tensors then have the same names, `norm` and `conv`, in both and in files of before there were two.
fn layers(width: usize, init: &mut Init) -> (Vec<BatchNorm2d>, Vec<ConvTranspose2d>) {
    let widths = [8 * width, 4 * width, 2 * width, width, 3];
    let conv = widths
        .windows(2)
        .map(|pair| {
            let config = ConvConfig::halving(pair[0], pair[1]);
            let config = if pair[1] == 3 { config.bias() } else { config };
            config.init_transposed(init)
        })
        .collect();
    let norm = widths[..4]
        .iter()
        .map(|&channels| BatchNorm2d::dcgan(channels, init))
        .collect();
    (norm, conv)
}

/// # Shapes
/// - x: `[batch, 8·width, height, width]` → logits, `[batch, 3, 16·height, 16·width]`
pub(super) fn grow(
    mut x: Tensor<4>,
    norm: &[BatchNorm2d],
    conv: &[ConvTranspose2d],
    mode: Mode,
) -> Tensor<4> {
    for (norm, conv) in norm.iter().zip(conv) {
        x = norm.forward_convolved(x, mode, Activation::Relu, conv.convolved());
    }
    x
}

/// The generator: a transposed convolution 4×4 makes 8·width channels of 4×4 of a vector, four more an image of 64×64.
///
/// Its output are logits, whose sigmoid is the image. DC-GAN's image is tanh(x) in [−1, 1]; in [0, 1] that is (tanh(x) + 1)/2 = sigmoid(2x):
/// who brings DC-GAN's own weights doubles those of its last layer.
#[derive(Module, Debug)]
pub struct Generator {
    project: ConvTranspose2d,
    pub(super) norm: Vec<BatchNorm2d>,
    pub(super) conv: Vec<ConvTranspose2d>,
}

impl Generator {
    /// Height and width of its images.
    pub const SIDE: usize = 64;

    /// Fresh weights for a latent of `latent` numbers (100 in DC-GAN).
    pub fn new(latent: usize, width: usize, init: &mut Init) -> Self {
        let project = ConvConfig::new(latent, 8 * width, 4).init_transposed(init);
        let (norm, conv) = layers(width, init);
        Self {
            project,
            norm,
            conv,
        }
    }

    /// The logits of images: their sigmoids are the images.
    ///
    /// # Shapes
    /// - latent: `[batch, latent]` → `[batch, 3, 64, 64]`
    pub fn forward(&self, latent: Tensor<2>, mode: Mode) -> Tensor<4> {
        let [batch, size] = latent.dims();
        let x = self.project.forward(latent.reshape([batch, size, 1, 1]));
        grow(x, &self.norm, &self.conv, mode)
    }
}

/// The generator's transposed convolutions: 4×4, stride 2, batch norm, ReLU.
///
/// Where DC-GAN's first layer makes 512×4×4 of a vector, this one makes 512 channels at each position of the latent by a
/// 1×1 convolution; the layers after it are DC-GAN's.
#[derive(Module, Debug)]
pub struct Decoder {
    pub(crate) project: Conv2d,
    pub(crate) norm: Vec<BatchNorm2d>,
    pub(crate) conv: Vec<ConvTranspose2d>,
}

impl Decoder {
    /// Fresh weights for a latent of `latent` channels.
    pub fn new(latent: usize, width: usize, init: &mut Init) -> Self {
        let project = ConvConfig::new(latent, 8 * width, 1).init(init);
        let (norm, conv) = layers(width, init);
        Self {
            project,
            norm,
            conv,
        }
    }

    /// The logits of the reconstruction: its sigmoid is the image.
    ///
    /// # Shapes
    /// - latent: `[batch, latent, height, width]` → `[batch, 3, 16·height, 16·width]`
    pub fn forward(&self, latent: Tensor<4>, mode: Mode) -> Tensor<4> {
        grow(self.project.forward(latent), &self.norm, &self.conv, mode)
    }
}
