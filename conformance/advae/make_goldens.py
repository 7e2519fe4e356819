"""Golden values for ADVAE from PyTorch: forward pass, losses, every gradient, and the attention map by autograd.

Run from the repository's root; it needs nothing of this repository but `conformance/cavga`, and its output is checked in:

    python -m venv venv && venv/bin/pip install numpy==2.4.6 torch==2.15.0
    venv/bin/python conformance/advae/make_goldens.py

It writes crates/detect/tests/goldens/advae.json. Two small networks: the published code's two convolutions and two linear layers each way
(liuem607/expVAE, `model.py`), and a ResNet-18 with pooled features before CAVGA-R's residual decoder. The attention is a forward and
a backward hook's worth: the activations of the stage looked at, and their gradient for the sum of μ, as the published `gradcam.py` has
them, of one image at a time.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "conformance" / "cavga"))

from drawn import number, write
from networks import MARGIN, Kinks, ResidualDecoder, ResNet18, fill, summary, tensor

BATCH = 2
DIMENSION, WIDTH, HIDDEN, DECODER_WIDTH = 6, 4, 16, 4


class ConvEncoder(nn.Module):
    def __init__(self, side):
        super().__init__()
        self.conv = nn.ModuleList([nn.Conv2d(3, WIDTH, 4, 2, 1), nn.Conv2d(WIDTH, 2 * WIDTH, 4, 2, 1)])
        self.hidden = nn.Linear(2 * WIDTH * (side // 4) ** 2, HIDDEN)

    def see(self, images):
        """Both convolutions' outputs, and the numbers before the latent."""
        first = self.conv[0](images)
        second = self.conv[1](functional.relu(first))
        return [first, second], functional.relu(self.hidden(functional.relu(second).flatten(1)))


class PooledResNet(ResNet18):
    def see(self, images):
        taps = self.taps(images)
        return taps, taps[-1].mean((2, 3))


class ConvDecoder(nn.Module):
    def __init__(self, side):
        super().__init__()
        self.grid = side // 4
        self.hidden = nn.Linear(HIDDEN, 2 * WIDTH * self.grid**2)
        self.conv = nn.ModuleList([nn.ConvTranspose2d(2 * WIDTH, WIDTH, 4, 2, 1), nn.ConvTranspose2d(WIDTH, 3, 4, 2, 1)])

    def forward(self, x):
        x = self.hidden(functional.relu(x)).unflatten(1, (2 * WIDTH, self.grid, self.grid))
        for conv in self.conv:
            x = conv(functional.relu(x))
        return x


class Latent(nn.Module):
    def __init__(self, values, decoded):
        super().__init__()
        self.mu = nn.Linear(values, DIMENSION)
        self.logvar = nn.Linear(values, DIMENSION)
        self.expand = nn.Linear(DIMENSION, decoded)


class Advae(nn.Module):
    def __init__(self, form, side):
        super().__init__()
        if form == "conv":
            self.encoder, self.latent, self.decoder = ConvEncoder(side), Latent(HIDDEN, HIDDEN), ConvDecoder(side)
            self.decoded = None
        else:
            channels, grid = 8 * DECODER_WIDTH, side // 32
            self.encoder, self.latent = PooledResNet(32), Latent(512, channels * grid * grid)
            self.decoder = ResidualDecoder(channels, 32, DECODER_WIDTH)
            self.decoded = (channels, grid, grid)

    def see(self, images):
        taps, values = self.encoder.see(images)
        return taps, self.latent.mu(values), self.latent.logvar(values)

    def decode(self, z):
        x = self.latent.expand(z)
        return self.decoder(x if self.decoded is None else x.unflatten(1, self.decoded))


def noise(mu):
    return tensor("noise", (*mu.shape, 1, 1), 3**0.5).reshape(mu.shape)


def draw_images(network, side):
    """Images, and their name, for which no unit is at its kink, as in training."""
    for draw in range(2000):
        name = f"images/{draw}"
        images = tensor(name, (BATCH, 3, side, side), 0.5, 0.5)
        with Kinks() as kinks, torch.no_grad():
            _, mu, logvar = network.see(images)
            network.decode(mu + noise(mu) * torch.exp(logvar / 2))
        if kinks.nearest > MARGIN:
            return name, images
    raise RuntimeError("every draw has a unit at its kink")


def attention(network, image, stage):
    """The published `gradcam.py` on a batch of one."""
    side = image.shape[-1]
    taps, mu, _ = network.see(image)
    (gradient,) = torch.autograd.grad(mu.sum(), taps[stage - 1])
    gradient = gradient / (gradient.square().mean().sqrt() + 1e-5)
    cam = (gradient.mean((2, 3), keepdim=True) * taps[stage - 1]).sum(1, keepdim=True)
    return functional.interpolate(cam, size=(side, side), mode="bilinear", align_corners=False).abs()


def gradients(loss, network):
    names, values = zip(*network.named_parameters())
    found = torch.autograd.grad(loss, values)
    return {name: summary("total/" + name, gradient) for name, gradient in zip(names, found)}


def case(name, form, side, stage, beta):
    network = fill(Advae(form, side).double(), "advae.")
    state = {key: value.clone() for key, value in network.state_dict().items()}
    images_name, images = draw_images(network, side)
    network.load_state_dict(state)
    network.train()
    _, mu, logvar = network.see(images)
    logits = network.decode(mu + noise(mu) * torch.exp(logvar / 2))
    values = images.numel()
    reconstruction = functional.binary_cross_entropy_with_logits(logits, images, reduction="sum") / values
    divergence = -0.5 * torch.sum(1 + logvar - mu**2 - logvar.exp()) / values
    total = reconstruction + beta * divergence
    losses = {"total": total, "reconstruction": reconstruction, "divergence": divergence}
    found = gradients(total, network)
    # Scoring is by the statistics that the training pass moved.
    network.eval()
    maps = torch.cat([attention(network, image[None], stage) for image in images])
    _, mu_scored, _ = network.see(images)
    return {
        "name": name,
        "form": form,
        "side": side,
        "stage": stage,
        "beta": beta,
        "images": images_name,
        "losses": {key: number(value) for key, value in losses.items()},
        "logits": summary("logits", logits),
        "gradients": found,
        "mu": summary("mu", mu_scored),
        "attention": summary("attention", maps),
    }


def main():
    cases = [
        case("conv", "conv", 28, 2, 1.0),
        case("conv-first-stage", "conv", 32, 1, 1.0),
        case("resnet", "backbone", 64, 2, 1.0),
        case("resnet-third-stage-beta", "backbone", 64, 3, 0.5),
    ]
    write(ROOT / "crates/detect/tests/goldens/advae.json", {"cases": cases})


if __name__ == "__main__":
    main()
