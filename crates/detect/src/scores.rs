//! Scores and maps, made of tensors.

use burn::tensor::Tensor;
use cavga_nn::{
    ops,
    part::{Part, mean_of_each},
};

use crate::{ImageScores, Maps, Merge, Scores, smooth::Gaussian};

/// One number for each image, whatever shape they lie in.
pub(crate) fn image_scores<const D: usize>(
    name: &'static str,
    values: Tensor<D>,
    merge: Merge,
) -> ImageScores {
    ImageScores {
        name,
        merge,
        values: ops::values(values),
    }
}

/// The mean of a map, `[batch, 1, height, width]` on any grid, where it counts.
pub(crate) fn mean(name: &'static str, map: Tensor<4>, part: Option<&Part>) -> ImageScores {
    image_scores(name, mean_of_each(map, part), Merge::Mean)
}

/// The largest value of a map, `[batch, 1, height, width]`, where it counts.
pub(crate) fn largest(name: &'static str, map: &Tensor<4>, part: Option<&Part>) -> ImageScores {
    let largest = match part {
        None => map.clone().max_dim(3).max_dim(2),
        Some(part) => part.largest(map.clone()),
    };
    image_scores(name, largest, Merge::Max)
}

/// A map, from `[batch, 1, height, width]`.
pub(crate) fn named(name: &'static str, values: Tensor<4>) -> Maps {
    Maps {
        name,
        values: values.squeeze_dim::<3>(1),
    }
}

/// What a map is called, and its mean over an image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    /// The map, and its mean.
    pub(crate) plain: &'static str,
    /// The map smoothed.
    pub(crate) smoothed: &'static str,
    /// The largest of that.
    pub(crate) smoothed_max: &'static str,
}

impl Names {
    /// Whether one of them is `name`.
    pub(crate) fn has(self, name: &str) -> bool {
        [self.plain, self.smoothed, self.smoothed_max].contains(&name)
    }
}

/// Of |x − x̂|.
const RESIDUAL: Names = Names {
    plain: "residual",
    smoothed: "residual-smoothed",
    smoothed_max: "residual-smoothed-max",
};

/// What a map, `[batch, 1, height, width]`, says of images: its mean is the method's own score, it the method's own map; beside them it
/// smoothed, and the largest of that.
pub(crate) fn of_map(
    names: Names,
    map: Tensor<4>,
    smoothing: &Gaussian,
    part: Option<&Part>,
) -> Scores {
    let smoothed = smoothing.of_part(map.clone(), part);
    Scores {
        images: vec![
            mean(names.plain, map.clone(), part),
            largest(names.smoothed_max, &smoothed, part),
        ],
        maps: vec![named(names.plain, map), named(names.smoothed, smoothed)],
    }
}

/// [`of_map`] of a reconstruction's residual |x − x̂|.
pub(crate) fn of_residual(
    residual: Tensor<4>,
    smoothing: &Gaussian,
    part: Option<&Part>,
) -> Scores {
    of_map(RESIDUAL, residual, smoothing, part)
}

impl Scores {
    /// These, and others beside them.
    pub(crate) fn beside(mut self, others: Self) -> Self {
        self.images.extend(others.images);
        self.maps.extend(others.maps);
        self
    }
}
