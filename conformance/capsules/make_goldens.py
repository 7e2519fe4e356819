"""Golden values for a small capsule network, its losses and gradients, from PyTorch.

Run from the repository's root, in the environment of conformance/cavga/make_goldens.py:

    venv/bin/python conformance/capsules/make_goldens.py

It writes crates/detect/src/capsnet/goldens.json. Routing is a loop over iterations in einsum, after procedure 1 of Sabour, Frosst and Hinton
2017; weights and images come from `drawn.uniform`.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "conformance/cavga"))
from drawn import number, write  # noqa: E402
from networks import MARGIN, Kinks, fill, gradients, summary, tensor  # noqa: E402

BATCH, LEAST = 4, 1e-8


def length(v):
    return (v.square().sum(-1) + LEAST).sqrt()


def squash(s):
    squares = s.square().sum(-1, keepdim=True)
    return s * squares / (1 + squares) / (squares + LEAST).sqrt()


class Routed(nn.Module):
    def __init__(self, lower, upper, iterations):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(lower, 8, upper * 16))
        self.upper, self.iterations = upper, iterations

    def forward(self, u):
        w = self.weight.reshape(len(self.weight), 8, self.upper, 16)
        foretold = torch.einsum("bni,niko->bnko", u, w)
        still = foretold.detach()
        b = torch.zeros(still.shape[:3], dtype=still.dtype)
        for iteration in range(self.iterations):
            c = b.softmax(2)
            if iteration + 1 < self.iterations:
                v = squash(torch.einsum("bnk,bnko->bko", c, still))
                b = b + torch.einsum("bnko,bko->bnk", still, v)
        return squash(torch.einsum("bnk,bnko->bko", c, foretold))


class CapsNet(nn.Module):
    def __init__(self, config):
        super().__init__()
        side, kinds = config["side"], config["capsules"]
        grid = (side - 8 - 9) // 2 + 1
        self.conv = nn.Conv2d(3, config["width"], 9)
        self.primary = nn.Conv2d(config["width"], kinds * 8, 9, 2)
        self.classes = Routed(kinds * grid * grid, config["classes"], config["routing"])
        widths = [config["classes"] * 16, *config["decoder"], 3 * side * side]
        self.decoder = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.kinds, self.side = kinds, side

    def capsules(self, x):
        x = self.primary(functional.relu(self.conv(x)))
        primary = x.reshape(len(x), self.kinds, 8, -1).transpose(2, 3).reshape(len(x), -1, 8)
        return self.classes(squash(primary))

    def decode(self, v, shown):
        x = (v * shown[..., None]).flatten(1)
        for i, layer in enumerate(self.decoder):
            x = layer(functional.relu(x) if i else x)
        return torch.sigmoid(x).reshape(len(x), 3, self.side, self.side)


def margin(lengths, present):
    loss = present * functional.relu(0.9 - lengths).square() + 0.5 * (1 - present) * functional.relu(lengths - 0.1).square()
    return loss.sum(1)


def draw_images(model, config, present, size):
    """Images, and their name, for which no unit is at its kink and no two lengths are near each other."""
    for draw in range(2000):
        name = f"images/{draw}"
        images = tensor(name, (BATCH, 3, *size), 0.5, 0.5)
        with Kinks() as kinks, torch.no_grad():
            v = model.capsules(inside(images, config))
            margin(length(v), present)
            model.decode(v, present)
            model.decode(v, winner(v))
        ordered = length(v).sort(1).values
        apart = (ordered[:, 1:] - ordered[:, :-1]).min().item() if ordered.shape[1] > 1 else 1
        if kinks.nearest > MARGIN and apart > 1e-4:
            return name, images
    raise RuntimeError("every draw has a unit at its kink")


def inside(images, config):
    return functional.adaptive_avg_pool2d(images, config["side"])


def winner(v):
    return functional.one_hot(length(v).argmax(1), v.shape[1]).to(v.dtype)


def case(name, config, size, classes):
    model = fill(CapsNet(config).double(), "network.")
    present = functional.one_hot(torch.tensor(classes), config["classes"]).double()
    called, images = draw_images(model, config, present, size)
    seen = inside(images, config)
    v = model.capsules(seen)
    rebuilt = model.decode(v, present)
    losses = {
        "margin": margin(length(v), present).mean(),
        "reconstruction": (seen - rebuilt).square().mean(1).sum((1, 2)).mean(),
    }
    losses["total"] = losses["margin"] + config["reconstruction"] * losses["reconstruction"]
    difference = seen - model.decode(v, winner(v))
    squares = difference.square()
    residual = difference.abs().mean(1, keepdim=True)
    return {
        "name": name,
        "config": config,
        "size": size,
        "classes": classes if config["classes"] > 1 else [],
        "images": called,
        "losses": {key: number(value) for key, value in losses.items()},
        "capsules": summary("capsules", v),
        "gradients": gradients(losses["total"], nn.ModuleDict({"network": model}), ""),
        "scores": {
            "one-minus-capsule-length": summary("one-minus-capsule-length", 1 - length(v).max(1).values),
            "relative-squared-error": summary(
                "relative-squared-error", squares.mean((1, 2, 3)) / (seen.square().mean((1, 2, 3)) + 1e-6)
            ),
        },
        "residual": summary("residual", functional.interpolate(residual, size=size, mode="bilinear", align_corners=False)),
    }


SMALL = {"width": 3, "capsules": 2, "decoder": [6, 8], "reconstruction": 0.01}
CASES = [
    case("three classes", SMALL | {"classes": 3, "side": 20, "routing": 3}, [20, 20], [0, 2, 1, 2]),
    case("one class", SMALL | {"classes": 1, "side": 18, "routing": 3}, [36, 27], [0] * BATCH),
]
write(ROOT / "crates/detect/src/capsnet/goldens.json", {"cases": CASES})
