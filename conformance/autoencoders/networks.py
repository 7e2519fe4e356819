"""The plain convolutional autoencoders in PyTorch, with tensor names as in crates/nn/src/conv_autoencoder, and SSIM.

Everything runs in float64 on values that were rounded to float32 first.
"""

import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

sys.path.append(str(Path(__file__).resolve().parents[1] / "cavga"))
from drawn import uniform


def tensor(name, shape, scale=1.0, shift=0.0):
    """`shift + scale·uniform`, rounded to float32."""
    values = (shift + scale * uniform(name, math.prod(shape))).astype(np.float32)
    return torch.from_numpy(values.astype(np.float64)).reshape(shape)


def fill(module):
    """Gives every tensor values by its name."""
    for name, parameter in module.named_parameters():
        shape = tuple(parameter.shape)
        if name == "gamma":
            value = tensor(name, shape, 0.01, -0.02)
        elif len(shape) == 1:
            value = tensor(name, shape, 0.1)
        else:
            value = tensor(name, shape, math.sqrt(3 / math.prod(shape[1:])))
        parameter.data = value
    return module.double()


def bergmann(size, width):
    """(channels, kernel, stride) of two halvings, as table 1 has them behind its first layers."""
    w = width
    return [(w, 3, 1), (2 * w, 4, 2), (2 * w, 3, 1), (4 * w, 4, 2), (2 * w, 3, 1), (w, 3, 1)], [side // 4 for side in size]


def higgins(size, width):
    """Three halvings."""
    return [(width, 4, 2), (2 * width, 4, 2), (2 * width, 4, 2)], [side // 8 for side in size]


class Encoder(nn.Module):
    def __init__(self, image, layers, grid, hidden, activation):
        super().__init__()
        channels = [image] + [layer[0] for layer in layers]
        self.conv = nn.ModuleList(nn.Conv2d(a, b, k, s, (k - s) // 2) for a, b, (_, k, s) in zip(channels, channels[1:], layers))
        flat = channels[-1] * math.prod(grid)
        self.features = hidden or flat
        if hidden:
            self.hidden = nn.Linear(flat, hidden)
        self.activation = activation

    def forward(self, x):
        for conv in self.conv:
            x = self.activation(conv(x))
        x = x.flatten(1)
        return self.activation(self.hidden(x)) if hasattr(self, "hidden") else x


class Decoder(nn.Module):
    def __init__(self, image, layers, grid, hidden, activation, code):
        super().__init__()
        channels = [image] + [layer[0] for layer in layers]
        if hidden:
            self.hidden = nn.Linear(code, hidden)
        self.expand = nn.Linear(hidden or code, channels[-1] * math.prod(grid))
        pairs = list(zip(channels, channels[1:], layers))[::-1]
        self.conv = nn.ModuleList(nn.ConvTranspose2d(b, a, k, s, (k - s) // 2) for a, b, (_, k, s) in pairs)
        self.activation, self.shape = activation, (channels[-1], *grid)

    def forward(self, code):
        if hasattr(self, "hidden"):
            code = self.activation(self.hidden(code))
        x = self.expand(code).reshape(-1, *self.shape)
        for conv in self.conv:
            x = conv(self.activation(x))
        return x


def leaky(x):
    return functional.leaky_relu(x, 0.2)


class Autoencoder(nn.Module):
    def __init__(self, image, size, width, code):
        super().__init__()
        layers, grid = bergmann(size, width)
        self.encoder = Encoder(image, layers, grid, None, leaky)
        self.code = nn.Linear(self.encoder.features, code)
        self.decoder = Decoder(image, layers, grid, None, leaky, code)

    def forward(self, x):
        return self.decoder(self.code(self.encoder(x)))


class Vae(nn.Module):
    def __init__(self, layers, grid, hidden, activation, latent):
        super().__init__()
        self.encoder = Encoder(3, layers, grid, hidden, activation)
        self.mu = nn.Linear(self.encoder.features, latent)
        self.logvar = nn.Linear(self.encoder.features, latent)
        self.decoder = Decoder(3, layers, grid, hidden, activation, latent)

    def latent(self, x):
        features = self.encoder(x)
        return self.mu(features), self.logvar(features)


def divergence(mu, logvar):
    """KL(N(μ, σ²) ‖ N(0, I)) of each image."""
    return 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(1)


def ssim(x, y, side=11):
    """SSIM's map under a Gaussian window, images going on with their edge's value. No trick: one 2-D window, variances as weighted means."""
    at = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    line = torch.exp(-0.5 * (at / (1.5 * side / 11)) ** 2)
    window = torch.outer(line, line) / line.sum() ** 2
    half = side // 2
    patches = lambda z: functional.pad(z, (half,) * 4, mode="replicate").unfold(2, side, 1).unfold(3, side, 1)
    mean = lambda z: (z * window).sum((-1, -2))
    p, q = patches(x), patches(y)
    mean_p, mean_q = mean(p), mean(q)
    off_p, off_q = p - mean_p[..., None, None], q - mean_q[..., None, None]
    c1, c2 = 0.01**2, 0.03**2
    alike = (2 * mean_p * mean_q + c1) * (2 * mean(off_p * off_q) + c2)
    return alike / ((mean_p**2 + mean_q**2 + c1) * (mean(off_p**2) + mean(off_q**2) + c2))
