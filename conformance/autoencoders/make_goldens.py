"""Golden values for ae-l2, ae-ssim, beta-vae and gamma-vae-grad, from PyTorch.

Run from the repository's root; it needs nothing of this repository, and its output is checked in:

    python -m venv venv && venv/bin/pip install numpy==2.4.6 torch==2.15.0
    venv/bin/python conformance/autoencoders/make_goldens.py

It writes crates/detect/tests/goldens/autoencoders.json, which `autoencoder_goldens.rs` beside the folder compares with: the losses of a small
version of each method, the gradient of every parameter, and the scores and maps of images. Weights and images come from
`drawn.uniform`, which the Rust tests repeat to the bit; the latent's noise is what the program draws at step 0 of a run with seed 0.
"""

import math
from pathlib import Path

import torch
from torch.nn import functional

from networks import Autoencoder, Vae, bergmann, divergence, fill, higgins, leaky, ssim, tensor
import drawn
from drawn import number, write

ROOT = Path(__file__).resolve().parents[2]
ROUNDED = 1 / 255
SIZE, WIDTH, LATENT = [32, 48], 4, 6
NOISE = [
    0.19925752, -0.6491867, -1.2683604, -0.15329719, -0.5539477, -0.4847642,
    0.073266976, 0.27623746, -0.9607089, -0.1672827, -1.0450124, 0.114626065,
]
IMAGES = tensor("images", (2, 3, *SIZE), 0.5, 0.5)
SMALL = {"width": WIDTH, "latent": LATENT}


def summary(name, values):
    return drawn.summary(name, values.detach().numpy())


def noise():
    return torch.tensor(NOISE, dtype=torch.float32).double().reshape(2, LATENT)


def case(name, method, module, losses, scores, maps):
    """`losses`: the first is the one descended."""
    names, values = zip(*module.named_parameters())
    found = torch.autograd.grad(next(iter(losses.values())), values)
    return {
        "name": name,
        "method": method,
        "losses": {name: number(loss) for name, loss in losses.items()},
        "gradients": {name: summary(name, gradient) for name, gradient in zip(names, found)},
        "scores": {name: [number(value) for value in values] for name, values in scores.items()},
        "maps": {name: summary(name, values) for name, values in maps.items()},
    }


def autoencoder(method, grey, decay):
    module = torch.nn.Module()
    module.autoencoder = Autoencoder(1 if grey else 3, SIZE, WIDTH, LATENT)
    fill(module)
    weights = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).reshape(1, 3, 1, 1)
    images = (IMAGES * weights).sum(1, keepdim=True) if grey else IMAGES
    found = module.autoencoder(images)
    compared = (images - found) ** 2 if method == "ae-l2" else 1 - ssim(images, found)
    reconstruction = compared.mean()
    total = reconstruction + decay * 0.5 * sum((w**2).sum() for w in module.parameters())
    own = "l2" if method == "ae-l2" else "one-minus-ssim"
    maps = {own: compared.mean(1), "residual": (images - found).abs().mean(1)}
    config = {"name": method, "grey": grey, "decay": decay, **SMALL}
    scores = {name: values.mean((1, 2)) for name, values in maps.items()}
    losses = {"total": total, "reconstruction": reconstruction}
    return case(f"{method} {'grey' if grey else 'colour'}", config, module, losses, scores, maps)


def beta_vae(beta):
    module = torch.nn.Module()
    layers, grid = higgins(SIZE, WIDTH)
    module.vae = vae = Vae(layers, grid, 8 * WIDTH, functional.relu, LATENT)
    fill(module)
    values = math.prod(IMAGES.shape[1:])
    bce = lambda logits: functional.binary_cross_entropy_with_logits(logits, IMAGES, reduction="none").sum((1, 2, 3))
    mu, logvar = vae.latent(IMAGES)
    reconstruction = bce(vae.decoder(mu + noise() * (0.5 * logvar).exp())).mean() / values
    kl = divergence(mu, logvar)
    losses = {
        "total": reconstruction + beta * kl.mean() / values,
        "reconstruction": reconstruction,
        "divergence": kl.mean() / values,
    }
    logits = vae.decoder(mu)
    scores = {"negative-elbo": (bce(logits) + kl) / values}
    maps = {"residual": (IMAGES - torch.sigmoid(logits)).abs().mean(1)}
    return case("beta-vae", {"name": "beta-vae", "beta": beta, **SMALL}, module, losses, scores, maps)


def project(vae, gamma, settings, level):
    """The projected images, and their levels of L_r before each step."""
    x, levels = IMAGES.clone(), []
    for _ in range(settings["iterations"]):
        leaf = x.clone().requires_grad_()
        mu, logvar = vae.latent(leaf)
        squares = (leaf - vae.decoder(mu)) ** 2
        levels.append(squares.mean((1, 2, 3)).detach())
        energy = squares.sum() + settings["weight"] * functional.huber_loss(leaf, IMAGES, reduction="sum", delta=ROUNDED) / ROUNDED
        energy = energy + settings["divergence"] * 2 * gamma**2 * divergence(mu, logvar).sum()
        (gradient,) = torch.autograd.grad(energy, leaf)
        step = settings["rate"] * gradient * squares.detach()
        moves = (levels[-1] > level).double().reshape(-1, 1, 1, 1)
        x = (x - moves * step).clamp(0, 1)
    return x, levels


def gamma_vae(kl_weight):
    speed = 50.0
    module = torch.nn.Module()
    layers, grid = bergmann(SIZE, WIDTH)
    module.vae = vae = Vae(layers, grid, None, leaky, LATENT)
    module.gamma = torch.nn.Parameter(torch.zeros(1))
    fill(module)
    log_gamma = speed * module.gamma[0]
    mu, logvar = vae.latent(IMAGES)
    squares = ((IMAGES - vae.decoder(mu + noise() * (0.5 * logvar).exp())) ** 2).mean()
    reconstruction = squares / (2 * torch.exp(log_gamma) ** 2) + log_gamma + 0.5 * math.log(2 * math.pi)
    kl = divergence(mu, logvar).mean() / math.prod(IMAGES.shape[1:])
    losses = {"total": reconstruction + kl, "reconstruction": reconstruction, "divergence": kl, "gamma": log_gamma.exp()}
    settings = {"rate": 0.05, "weight": 0.05, "divergence": kl_weight, "iterations": 3}
    gamma = log_gamma.exp().detach()
    # The first image stops after two steps.
    _, levels = project(vae, gamma, settings, -1.0)
    level = float((levels[1][0] + levels[2][0]) / 2)
    assert levels[2][0] < level < levels[1][0] < levels[0][0], levels
    level = number(torch.tensor(level, dtype=torch.float32))
    projected, _ = project(vae, gamma, settings, level)
    maps = {
        "projection": (IMAGES - projected).abs().mean(1),
        "residual": (IMAGES - vae.decoder(mu)).abs().mean(1),
    }
    scores = {name: values.mean((1, 2)) for name, values in maps.items()}
    config = {"name": "gamma-vae-grad", "gamma_rate": speed, "projection": settings, **SMALL}
    found = case(f"gamma-vae-grad, KL {kl_weight:g}", config, module, losses, scores, maps)
    return found | {"level": level}


if __name__ == "__main__":
    cases = [
        autoencoder("ae-l2", False, 0.01),
        autoencoder("ae-ssim", True, 0.01),
        autoencoder("ae-ssim", False, 0.0),
        beta_vae(4.0),
        gamma_vae(0.0),
        gamma_vae(1.0),
    ]
    path = ROOT / "crates/detect/tests/goldens/autoencoders.json"
    write(path, {"size": SIZE, "noise": NOISE, "cases": cases})
