"""Training steps as a PyTorch user would write them.

`train_step` is a plain convolutional VAE: BCE with logits and KL, each per pixel value, Adam.

`cavga` is the whole step of crates/detect/src/cavga/learner.rs with its default settings.

The same on both sides: the networks and their sizes; every loss; two Adams; noise drawn anew for the latent and for both sides of the
discriminator; the discriminator's step on (x, x̂ detached), then its judgement of x̂ with frozen weights; the limit on its push, with two
norms read; the seven losses and the attention's mean and deviation read as numbers. The attention is written in closed form, as ours
is: a PyTorch user would differentiate twice, which costs more. Decoder R does what commutes with up-sampling before it, as ours does.

Not the same: PyTorch draws its own random numbers, and has binary cross entropy as one operator.
"""

import torch
from torch.nn import functional

import models
from pattern import images as pattern_images

RATE, LIMIT, REAL_TARGET, INSTANCE_NOISE, ATTENTION_WEIGHT = 5e-4, 10.0, 0.9, 0.1, 0.01


def sample(network, features):
    mu, logvar = network.latent.mu(features), network.latent.logvar(features)
    return mu, logvar, mu + torch.randn_like(mu) * (0.5 * logvar).exp()


def divergence(mu, logvar):
    return 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum()


def train_step(case, layout):
    images = torch.from_numpy(pattern_images(case)).contiguous(memory_format=layout)
    network = models.vae("Dcgan").to(memory_format=layout)
    adam = torch.optim.Adam(network.parameters(), lr=1e-4)

    def step():
        mu, logvar, z = sample(network, network.encoder(images))
        logits = network.decoder(z)
        entropy = functional.binary_cross_entropy_with_logits(logits, images)
        loss = entropy + divergence(mu, logvar) / images.numel()
        loss.item()
        adam.zero_grad()
        loss.backward()
        adam.step()

    return step


class Cavga:
    def __init__(self, parts, case, layout):
        self.images = torch.from_numpy(pattern_images(case)).contiguous(memory_format=layout)
        self.network = models.vae(parts).to(memory_format=layout)
        self.discriminator = models.discriminator().to(memory_format=layout)
        self.adam = torch.optim.Adam(self.network.parameters(), lr=RATE)
        self.adversary_adam = torch.optim.Adam(self.discriminator.parameters(), lr=2e-4, betas=(0.5, 0.999))

    def noise(self):
        return INSTANCE_NOISE * torch.randn_like(self.images)

    def step_discriminator(self, reconstruction, fake_noise):
        real = self.discriminator(self.images + self.noise())
        fake = self.discriminator(reconstruction + fake_noise)
        entropy = functional.binary_cross_entropy_with_logits
        loss = entropy(real, torch.full_like(real, REAL_TARGET)) + entropy(fake, torch.zeros_like(fake))
        self.adversary_adam.zero_grad()
        loss.backward()
        self.adversary_adam.step()
        return loss.item()

    def push(self, logits, reconstruction, fake_noise):
        """The adversary's loss, and one whose gradient on the logits is that loss's, limited."""
        self.discriminator.requires_grad_(False)
        leaf = reconstruction.requires_grad_()
        adversarial = functional.softplus(-self.discriminator(leaf + fake_noise)).mean()
        (gradient,) = torch.autograd.grad(adversarial, leaf)
        self.discriminator.requires_grad_(True)
        with torch.no_grad():
            gradient = gradient * (leaf - leaf.square())
            allowed = LIMIT * (leaf - self.images).norm().item() / leaf.numel()
            wanted = gradient.norm().item()
        factor = 1.0 if wanted <= allowed else allowed / wanted
        return adversarial, factor, factor * (logits * gradient).sum()

    def step(self):
        features = self.network.encoder(self.images)
        mu, logvar, z = sample(self.network, features)
        logits = self.network.decoder(z)
        alpha = self.network.latent.mu.weight.sum(0, keepdim=True)
        attention = functional.conv2d(features, alpha).sigmoid()
        reconstruction = logits.detach().sigmoid()
        fake_noise = self.noise()
        self.step_discriminator(reconstruction, fake_noise)
        adversarial, _, push = self.push(logits, reconstruction, fake_noise)
        entropy = functional.binary_cross_entropy_with_logits(logits, self.images)
        divergence_term = divergence(mu, logvar) / self.images.numel()
        expansion = (1 - attention).mean()
        for value in (entropy, divergence_term, adversarial, expansion):
            value.item()
        self.adam.zero_grad()
        (entropy + divergence_term + ATTENTION_WEIGHT * expansion + push).backward()
        self.adam.step()
        deviation, mean = torch.std_mean(attention.detach())
        deviation.item(), mean.item()


def cavga(parts):
    return lambda case, layout: Cavga(parts, case, layout).step


KINDS = {"train-step": train_step, "cavga-d": cavga("Dcgan"), "cavga-r": cavga("Resnet")}
