//! The numbers that define a convolution, checked once.

use std::fmt;

/// A convolution of images `[batch, in_channels, height, width]` with weights
/// `[out_channels, in_channels / groups, kernel height, kernel width]`. Pairs are (vertical, horizontal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    pub(super) batch: usize,
    pub(super) channels: [usize; 2],
    pub(super) input: [usize; 2],
    pub(super) output: [usize; 2],
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) padding: [usize; 2],
    pub(super) behind: [usize; 2],
    pub(super) dilation: [usize; 2],
    pub(super) groups: usize,
}

/// How a kernel is laid over an image. Pairs are (vertical, horizontal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Pixels from one output's window to the next one's.
    pub stride: [usize; 2],
    /// Zeros around the image, on each side.
    pub padding: [usize; 2],
    /// Zeros below and to the right of the image beyond those, as TensorFlow's `SAME` has them.
    pub behind: [usize; 2],
    /// Pixels from one tap of the kernel to the next.
    pub dilation: [usize; 2],
    /// Independent groups of channels.
    pub groups: usize,
}

impl Default for Geometry {
    /// Stride 1, no padding, no dilation, one group.
    fn default() -> Self {
        Self {
            stride: [1, 1],
            padding: [0, 0],
            behind: [0, 0],
            dilation: [1, 1],
            groups: 1,
        }
    }
}

impl Geometry {
    /// How many positions a kernel has along an axis of an image; `None` if it does not fit, or coordinates would overflow.
    fn positions(&self, axis: usize, size: usize, kernel: usize) -> Option<usize> {
        const LIMIT: usize = 1 << 31;
        let stride = self.stride[axis];
        let reach = (kernel - 1).checked_mul(self.dilation[axis])?;
        let around = self.padding[axis].checked_mul(2)?;
        let padded = around.checked_add(self.behind[axis])?.checked_add(size)?;
        let fits = padded > reach && padded < LIMIT && stride < LIMIT;
        fits.then(|| (padded - reach - 1) / stride + 1)
    }
}

/// Why numbers do not make a convolution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeError(String);

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ShapeError {}

impl ConvShape {
    /// A convolution of images `[batch, channels, height, width]` with `weight` of four dimensions.
    ///
    /// # Errors
    /// If a number is zero, channels do not fit the groups, the kernel exceeds the padded image, or a size overflows.
    pub fn new(
        images: [usize; 4],
        weight: [usize; 4],
        geometry: Geometry,
    ) -> Result<Self, ShapeError> {
        Self::checked(images, weight, geometry).map_err(|what| {
            ShapeError(format!(
                "{what}: images {images:?}, weight {weight:?}, {geometry:?}"
            ))
        })
    }

    /// The shape, or what is wrong with it.
    fn checked(
        images: [usize; 4],
        weight: [usize; 4],
        geometry: Geometry,
    ) -> Result<Self, &'static str> {
        let [batch, channels, height, width] = images;
        let Geometry {
            stride,
            padding,
            behind,
            dilation,
            groups,
        } = geometry;
        let all = [&images[..], &weight, &stride, &dilation, &[groups]];
        if all.into_iter().flatten().any(|&size| size == 0) {
            return Err("a convolution's sizes must not be zero");
        }
        if channels != weight[1].saturating_mul(groups) || !weight[0].is_multiple_of(groups) {
            return Err("channels do not fit the weight and its groups");
        }
        let mut output = [0; 2];
        for axis in 0..2 {
            output[axis] = geometry
                .positions(axis, images[2 + axis], weight[2 + axis])
                .ok_or("the kernel must fit into the padded image")?;
        }
        let shape = Self {
            batch,
            channels: [channels, weight[0]],
            input: [height, width],
            output,
            kernel: [weight[2], weight[3]],
            stride,
            padding,
            behind,
            dilation,
            groups,
        };
        let fits = |sizes: [usize; 4]| {
            let product = |all: usize, size| all.checked_mul(size);
            let len = sizes.into_iter().try_fold(1, product);
            len.is_some_and(|len| len <= 1 << 48)
        };
        if ![images, weight, shape.output_shape()].into_iter().all(fits) {
            return Err("a convolution's sizes overflow");
        }
        Ok(shape)
    }

    /// The convolution that a transposed convolution is the input gradient of. `images` are the transposed
    /// convolution's inputs, and `weight` is `[in channels, out channels / groups, kernel height, kernel width]`.
    ///
    /// Its forward is [`input_gradient`](super::input_gradient), its input gradient is [`forward`](super::forward), and
    /// its weight gradient is [`weight_gradient`](super::weight_gradient) with images and gradient in each other's place.
    ///
    /// # Errors
    /// As [`ConvShape::new`]; also if `output_padding` is not below the stride.
    pub fn transposed(
        images: [usize; 4],
        weight: [usize; 4],
        output_padding: [usize; 2],
        geometry: Geometry,
    ) -> Result<Self, ShapeError> {
        let fail = |what: &str| {
            let sizes = format!(
                "images {images:?}, weight {weight:?}, output padding {output_padding:?}, {geometry:?}"
            );
            Err(ShapeError(format!("{what}: {sizes}")))
        };
        let mut size = [0; 2];
        for axis in 0..2 {
            // One of PyTorch's rules would also allow it below the dilation; such an output has rows that see nothing.
            if output_padding[axis] >= geometry.stride[axis] {
                return fail("output padding must be smaller than the stride");
            }
            let spread = images[2 + axis]
                .checked_sub(1)
                .and_then(|gaps| gaps.checked_mul(geometry.stride[axis]));
            let reach = weight[2 + axis]
                .checked_sub(1)
                .and_then(|gaps| gaps.checked_mul(geometry.dilation[axis]));
            let full = spread
                .zip(reach)
                .and_then(|(spread, reach)| spread.checked_add(reach));
            let full = full.and_then(|full| full.checked_add(output_padding[axis] + 1));
            size[axis] = match full.zip(geometry.padding[axis].checked_mul(2)) {
                Some((full, cut)) if full > cut => full - cut,
                _ => return fail("a transposed convolution's output must not be empty"),
            };
        }
        let Some(channels) = weight[1].checked_mul(geometry.groups) else {
            return fail("channels overflow");
        };
        let shape = Self::new([images[0], channels, size[0], size[1]], weight, geometry)?;
        if shape.output_shape() != images {
            return fail("images do not fit the weight");
        }
        Ok(shape)
    }

    /// The same for another number of images.
    ///
    /// # Panics
    /// If it is zero.
    pub fn with_batch(self, batch: usize) -> Self {
        assert!(batch > 0, "a convolution's sizes must not be zero");
        Self { batch, ..self }
    }

    /// `[batch, in channels, height, width]`
    pub fn input_shape(&self) -> [usize; 4] {
        [self.batch, self.channels[0], self.input[0], self.input[1]]
    }

    /// `[batch, out channels, height, width]`
    pub fn output_shape(&self) -> [usize; 4] {
        [self.batch, self.channels[1], self.output[0], self.output[1]]
    }

    /// `[out channels, in channels / groups, kernel height, kernel width]`
    pub fn weight_shape(&self) -> [usize; 4] {
        [
            self.channels[1],
            self.channels[0] / self.groups,
            self.kernel[0],
            self.kernel[1],
        ]
    }

    /// The geometry it was made with.
    pub fn geometry(&self) -> Geometry {
        Geometry {
            stride: self.stride,
            padding: self.padding,
            behind: self.behind,
            dilation: self.dilation,
            groups: self.groups,
        }
    }

    /// Floats in the input.
    pub fn input_len(&self) -> usize {
        self.input_shape().iter().product()
    }

    /// Floats in the output.
    pub fn output_len(&self) -> usize {
        self.output_shape().iter().product()
    }

    /// Floats in the weight.
    pub fn weight_len(&self) -> usize {
        self.weight_shape().iter().product()
    }
}
