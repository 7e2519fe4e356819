//! The energy of an image and the steps down it (Dehaene et al. 2020, section 3).

use burn::tensor::Tensor;
use cavga_nn::{
    conv_autoencoder::ConvVae,
    part::{Part, mean_of_each},
};

use super::config::ProjectionConfig;

/// How near x₀ the L1 term's corner is rounded off: a grey level. At the corner itself its gradient would jump, and the last bits of a
/// convolution, which change with the number of images that it is given at once, would say which way a pixel goes.
const ROUNDED: f64 = 1.0 / 255.0;

/// A frozen VAE on the tape, and how images are moved towards what it calls normal.
#[derive(Debug)]
pub(super) struct Projection {
    vae: ConvVae,
    /// 2γ², `[1]`, off the tape.
    scale: Tensor<1>,
    /// L_r per pixel value at which an image is normal, `[1]`, off the tape.
    normal: Tensor<1>,
    config: ProjectionConfig,
}

/// Where an image stands.
struct Stand {
    /// (x − x̂)², `[batch, channels, height, width]`.
    squares: Tensor<4>,
    /// ∇(L_r + the divergence's share), as the squares.
    gradient: Tensor<4>,
}

impl Projection {
    /// `vae` without gradients, `log_gamma` and `normal` off the tape, `[1]` each.
    pub(super) fn new(
        vae: ConvVae,
        log_gamma: Tensor<1>,
        normal: Tensor<1>,
        config: ProjectionConfig,
    ) -> Self {
        Self {
            vae,
            scale: log_gamma.mul_scalar(2.0).exp().mul_scalar(2.0),
            normal,
            config,
        }
    }

    /// x̂, at z = μ.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`, off the tape → the same
    pub(super) fn reconstruction(&self, images: Tensor<4>) -> Tensor<4> {
        let latent = self.vae.latent(Tensor::from_inner(images));
        self.vae.decode(latent.mu).inner()
    }

    /// L_r of each image per pixel value that counts.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`, off the tape → `[batch]`
    pub(super) fn level(&self, images: Tensor<4>, part: Option<&Part>) -> Tensor<1> {
        let squares = (images.clone() - self.reconstruction(images)).square();
        mean_of_each(squares, part)
    }

    /// x_T of x₀. Each image goes its own way: energies are sums over it, and it stops for itself.
    ///
    /// # Shapes
    /// - images: `[batch, channels, height, width]`, off the tape → the same
    pub(super) fn project(&self, images: Tensor<4>, part: Option<&Part>) -> Tensor<4> {
        let mut x = images.clone();
        for _ in 0..self.config.iterations {
            let stand = self.stand(x.clone(), part);
            let moves = match self.config.stops {
                false => None,
                true => {
                    let level = mean_of_each(stand.squares.clone(), part);
                    let moves = (level - self.normal.clone()).greater_scalar(0.0).float();
                    if moves.clone().sum().into_scalar::<f32>() == 0.0 {
                        break;
                    }
                    Some(moves)
                }
            };
            let away = (x.clone() - images.clone())
                .div_scalar(ROUNDED)
                .clamp(-1.0, 1.0);
            let gradient = stand.gradient + away.mul_scalar(self.config.weight);
            let mut step = gradient * stand.squares;
            if let Some(part) = part {
                step = step * part.valid().clone();
            }
            if let Some(moves) = moves {
                let [batch] = moves.dims();
                step = step * moves.reshape([batch, 1, 1, 1]);
            }
            x = (x - step.mul_scalar(self.config.rate)).clamp(0.0, 1.0);
        }
        x
    }

    /// Of images off the tape. The L1 term is left to the caller.
    fn stand(&self, images: Tensor<4>, part: Option<&Part>) -> Stand {
        let leaf = Tensor::from_inner(images).require_grad();
        let latent = self.vae.latent(leaf.clone());
        let squares = (leaf.clone() - self.vae.decode(latent.mu.clone())).square();
        let counted = match part {
            Some(part) => squares.clone() * Tensor::from_inner(part.valid().clone()),
            None => squares.clone(),
        };
        let mut energy = counted.sum();
        if self.config.divergence > 0.0 {
            let scale = Tensor::from_inner(self.scale.clone()).mul_scalar(self.config.divergence);
            energy = energy + latent.divergence().sum() * scale;
        }
        let gradients = energy.backward();
        let gradient = leaf.grad(&gradients);
        let squares = squares.inner();
        Stand {
            gradient: gradient.unwrap_or_else(|| squares.zeros_like()),
            squares,
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::{module::Module, tensor::Device};
    use cavga_nn::{
        conv_autoencoder::Plan,
        layers::Init,
        random::{self, Stream},
    };

    use super::*;

    const SIZE: [usize; 2] = [32, 32];

    fn projection(normal: f32) -> Projection {
        let device = Device::flex();
        let plan = Plan::bergmann(3, SIZE, 4).unwrap();
        let vae = ConvVae::new(&plan, 6, &mut Init::new(3, &device.clone().autodiff()));
        let config = ProjectionConfig {
            // Fresh weights reconstruct nothing: (x − x̂)² is large, and with it the steps.
            rate: 1e-5,
            iterations: 3,
            ..ProjectionConfig::default()
        };
        let normal = Tensor::from_floats([normal], &device);
        Projection::new(vae.no_grad(), Tensor::zeros([1], &device), normal, config)
    }

    fn images() -> Tensor<4> {
        let mut generator = random::generator(1, Stream::Latent, 0);
        let noise = random::normal([2, 3, 32, 32], &mut generator, &Device::flex());
        cavga_nn::ops::sigmoid(noise)
    }

    #[test]
    fn steps_lower_the_energy_and_what_is_normal_stays_as_it_is() {
        let levels: Vec<f32> = projection(0.0)
            .level(images(), None)
            .into_data()
            .iter()
            .collect();
        let to_nothing = projection(0.0);
        let lower = to_nothing.level(to_nothing.project(images(), None), None);
        for (lower, level) in lower.into_data().iter::<f32>().zip(&levels) {
            assert!(lower < *level, "{lower} {level}");
        }
        // Normal is what the better of the two already is: the other alone is moved.
        let better = usize::from(levels[1] < levels[0]);
        let moved = (projection(levels[better]).project(images(), None) - images()).abs();
        let moved: Vec<f32> = moved.sum_dims(&[1, 2, 3]).into_data().iter().collect();
        assert!(moved[better] == 0.0 && moved[1 - better] > 0.0, "{moved:?}");
    }

    #[test]
    fn what_does_not_count_is_not_moved() {
        let left = Tensor::<4>::ones([2, 1, 32, 16], &Device::flex());
        let valid = Tensor::cat(vec![left.clone(), left.zeros_like()], 3);
        let projected = projection(0.0).project(images(), Some(&Part::new(valid)));
        let moved = (projected - images()).abs();
        let half = |from| moved.clone().narrow(3, from, 16).max().into_scalar::<f32>();
        assert!(half(0) > 0.0);
        assert_eq!(half(16), 0.0);
    }
}
