//! CapsNet: a capsule network that learns the classes of normal images, and finds what it can put into none (Li, Kiringa, Yeap, Zhu and Li,
//! "Exploring Deep Anomaly Detection Methods Based on Capsule Net", arXiv 1907.06312, on Sabour, Frosst and Hinton, NIPS 2017).
//!
//! L = margin loss + 0.0005 · Σ(x − x̂)²: an image's own class is to have a long capsule, all others short ones, and the own capsule is to be
//! enough to rebuild the image. Of one network, two methods: `capsnet-pp` asks what is predicted, 1 − max |v| over the classes' capsules
//! (the paper's normality is the longest length itself); `capsnet-re` what is rebuilt of the longest one, ‖x − x̂‖² / ‖x‖² (the paper's
//! normality is its negative; 1e-6 is added to the mean of x², as a black image has none). Each keeps the other's score beside its own. The map is |x − x̂|.
//!
//! The paper's protocol: one class of ten is anomalous, the other nine are normal, and are learnt with their labels (`--anomalous-class`, or
//! `cavga one-class --protocol rest-vs-one`, with `classes = 9`, which `one-class` sets by itself). Where normal images have no classes there is
//! one capsule, and of the margin loss only that it be long. Nothing then ever shortens it: there is nothing to route to, the sum of all primary
//! capsules is long from the first step on, and the margin loss is 0. What `capsnet-pp` then says is hardly more than how strongly a network
//! made to rebuild images is driven; `capsnet-re` is an autoencoder of 16 numbers.
//!
//! The network is the paper's for 28 pixels, 9×9 convolutions without padding to 256 channels and to 32 capsules of 8 numbers at each
//! of 6 × 6 positions, 3 iterations of routing to capsules of 16 numbers, a decoder of 512 and 1024. On 256 pixels there would be half a million
//! capsules: images of another size are averaged (or stretched) to `side` × `side` pixels inside, and the map is stretched back.
//!
//! Where we differ: always three channels, and the sum of squares is of the channels' mean (of grey images the paper's own); no gradient
//! passes through the shares of the routing; the paper's rate of learning is not known to us, Adam's 1e-3 is Sabour's, without decay.
//!
//! Known for: MNIST, a mean AUROC of .977 (PP) and .925 (RE); CIFAR-10 .612 and .531, all by its own protocol.

mod config;
#[cfg(test)]
mod tests;

use burn::{
    module::Module,
    tensor::{Int, Tensor, TensorData, module::adaptive_avg_pool2d},
};
use cavga_nn::{
    capsules::{CapsNet, lengths, margin_loss},
    layers::Init,
    ops,
    part::{Part, mean_of_each},
};

pub use config::CapsnetConfig;
pub(crate) use config::{By, Evidence};

use crate::{
    Error, Merge, Result, Scores,
    descent::{Course, Descending, Descends, Lesson, Network},
    recipe::About,
    scores::{image_scores, of_residual},
    smooth::Gaussian,
};

/// Added to the mean square of an image: a black one has none.
const LEAST_ENERGY: f64 = 1e-6;

/// The network, with what scores it.
#[derive(Module, Debug)]
pub(crate) struct Capsnet {
    network: CapsNet,
    #[module(skip)]
    side: usize,
    #[module(skip)]
    classes: usize,
    /// Of the sum of squares.
    #[module(skip)]
    weight: f64,
    #[module(skip)]
    evidence: Evidence,
    #[module(skip)]
    smoothing: Gaussian,
}

impl Capsnet {
    /// Images at the network's own size.
    fn inside(&self, images: Tensor<4>) -> Tensor<4> {
        let [_, _, height, width] = images.dims();
        let side = [self.side; 2];
        if [height, width] == side {
            images
        } else if height.min(width) >= self.side {
            adaptive_avg_pool2d(images, side)
        } else {
            ops::resize_bilinear(images, side)
        }
    }

    /// Which class each image of a lesson is of, `[batch, classes]`.
    fn present(&self, lesson: &Lesson) -> Result<Tensor<2>> {
        let [batch, ..] = lesson.images.dims();
        let wrong = |expected: String| Error::Config {
            key: "classes",
            expected,
            found: self.classes.to_string(),
        };
        let device = lesson.images.device();
        if lesson.classes.is_empty() {
            return match self.classes {
                1 => Ok(Tensor::ones([batch, 1], &device)),
                _ => Err(wrong(
                    "1, as the normal images come without classes (--anomalous-class brings them)"
                        .into(),
                )),
            };
        }
        let mut present = vec![0_f32; batch * self.classes];
        for (image, &class) in lesson.classes.iter().enumerate() {
            let class = usize::from(class);
            let place = present.get_mut(image * self.classes + class);
            match place.filter(|_| class < self.classes) {
                Some(place) => *place = 1.0,
                None => {
                    let expected = format!(
                        "at least {}, as there are so many classes of normal images",
                        class + 1
                    );
                    return Err(wrong(expected));
                }
            }
        }
        let data = TensorData::new(present, [batch, self.classes]);
        Ok(Tensor::from_data(data, &device))
    }
}

impl Network for Capsnet {
    type Config = By;

    fn new(by: &By, size: [usize; 2], init: &mut Init) -> Result<Self> {
        let config = &by.config;
        config.check()?;
        Ok(Self {
            network: CapsNet::new(&config.network(), init),
            side: config.side,
            classes: config.classes,
            weight: config.reconstruction,
            evidence: by.evidence,
            smoothing: Gaussian::of_height(config.smoothing, size, init.device()),
        })
    }

    fn score(&self, images: Tensor<4>, part: Option<&Part>) -> Result<Scores> {
        let [_, _, height, width] = images.dims();
        let inside = self.inside(images);
        let capsules = self.network.capsules(inside.clone());
        let lengths = lengths(capsules.clone());
        let longest = lengths.clone().max_dim(1);
        // Of equal ones the first alone.
        let shape = lengths.dims();
        let classes = Tensor::<1, Int>::arange(0..self.classes as i64, &lengths.device());
        let classes = classes.unsqueeze::<2>().expand(shape);
        let winner = lengths.argmax(1).expand(shape).equal(classes).float();
        let rebuilt = self.network.decode(capsules, winner);
        let difference = inside.clone() - rebuilt;
        let energy = mean_of_each(inside.square(), part).add_scalar(LEAST_ENERGY);
        let error = mean_of_each(difference.clone().square(), part) / energy;
        let residual = ops::resize_bilinear(difference.abs().mean_dim(1), [height, width]);
        let mut own = vec![
            image_scores(
                "one-minus-capsule-length",
                longest.neg().add_scalar(1.0),
                Merge::Mean,
            ),
            image_scores("relative-squared-error", error, Merge::Mean),
        ];
        if self.evidence == Evidence::Reconstruction {
            own.reverse();
        }
        let own = Scores {
            images: own,
            maps: Vec::new(),
        };
        Ok(own.beside(of_residual(residual, &self.smoothing, part)))
    }
}

impl Descends for Capsnet {
    fn losses(&self, lesson: &Lesson) -> Result<Vec<(&'static str, Tensor<1>)>> {
        let present = self.present(lesson)?;
        let inside = self.inside(lesson.images.clone());
        let capsules = self.network.capsules(inside.clone());
        let margin = margin_loss(lengths(capsules.clone()), present.clone()).mean();
        let rebuilt = self.network.decode(capsules, present);
        let pixels = (self.side * self.side) as f64;
        let squares = lesson.mean((inside - rebuilt).square());
        let reconstruction = squares.mul_scalar(pixels);
        let total = margin.clone() + reconstruction.clone().mul_scalar(self.weight);
        Ok(vec![
            ("total", total),
            ("margin", margin),
            ("reconstruction", reconstruction),
        ])
    }
}

impl Descending for By {
    type Network = Capsnet;

    fn about(&self) -> About {
        let (name, summary) = match self.evidence {
            Evidence::Prediction => (
                "capsnet-pp",
                "a capsule network of the normal classes: what it can put into none",
            ),
            Evidence::Reconstruction => (
                "capsnet-re",
                "a capsule network of the normal classes: what it cannot rebuild as one of them",
            ),
        };
        About {
            name,
            summary,
            paper: "Li et al., Exploring Deep Anomaly Detection Methods Based on Capsule Net, 2019",
        }
    }

    fn config(&self) -> &By {
        self
    }

    fn course(&self) -> Course {
        Course {
            passes: self.config.passes,
            adam: self.config.adam,
        }
    }
}
