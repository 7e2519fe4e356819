"""Golden values for LSA's networks, loss and gradients, from PyTorch.

Run from the repository's root, in the environment of conformance/cavga/make_goldens.py:

    venv/bin/python conformance/latent_space_autoregression/make_goldens.py

It writes crates/detect/src/lsa/goldens.json. The networks are those of the authors' code (aimagelab/novelty-detection: LSA_mnist.py,
LSA_cifar10.py, blocks_2d.py, estimator_1D.py), small; weights and images come from `drawn.uniform`.
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

BATCH = 5


def leaky(x):
    return functional.leaky_relu(x, 0.01)


class Down(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv1a = nn.Conv2d(a, b, 3, 2, 1, bias=False)
        self.conv1b = nn.Conv2d(b, b, 3, 1, 1, bias=False)
        self.conv2a = nn.Conv2d(a, b, 1, 2, 0, bias=False)
        self.bn1a, self.bn1b, self.bn2a = (nn.BatchNorm2d(b) for _ in range(3))

    def forward(self, x):
        y = self.bn1b(self.conv1b(leaky(self.bn1a(self.conv1a(x)))))
        return leaky(y + self.bn2a(self.conv2a(x)))


class Up(Down):
    def __init__(self, a, b):
        super().__init__(a, b)
        self.conv1a = nn.ConvTranspose2d(a, b, 5, 2, 2, output_padding=1, bias=False)
        self.conv2a = nn.ConvTranspose2d(a, b, 1, 2, 0, output_padding=1, bias=False)


class Residual(nn.Module):
    def __init__(self, a):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(a, a, 3, 1, 1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(a), nn.BatchNorm2d(a)

    def forward(self, x):
        return leaky(self.bn2(self.conv2(leaky(self.bn1(self.conv1(x))))) + x)


class NormalizedLinear(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.linear, self.norm = nn.Linear(a, b), nn.BatchNorm1d(b)

    def forward(self, x):
        return leaky(self.norm(self.linear(x)))


class Masked(nn.Linear):
    """Places in rows and columns; a row's place reads columns of places before it, and with `own` of its own."""

    def __init__(self, places, a, b, own):
        super().__init__(places * a, places * b)
        rows = torch.arange(places).repeat_interleave(b)[:, None]
        columns = torch.arange(places).repeat_interleave(a)[None]
        self.seen = columns <= rows if own else columns < rows

    def forward(self, x):
        return functional.linear(x, self.weight * self.seen, self.bias)


class Encoder(nn.Module):
    def __init__(self, grey, channels, full, code, grid):
        super().__init__()
        if not grey:
            self.stem = nn.ModuleDict({"conv": nn.Conv2d(3, full, 3, bias=False), "block": Residual(full)})
        widths = [1 if grey else full, *channels]
        self.down = nn.ModuleList(Down(a, b) for a, b in zip(widths, widths[1:]))
        self.hidden = NormalizedLinear(channels[-1] * grid[0] * grid[1], channels[-1])
        self.code = nn.Linear(channels[-1], code)

    def forward(self, x):
        if hasattr(self, "stem"):
            x = self.stem["block"](leaky(self.stem["conv"](x)))
        for block in self.down:
            x = block(x)
        return torch.sigmoid(self.code(self.hidden(x.flatten(1))))


class Decoder(nn.Module):
    def __init__(self, grey, channels, full, code, grid, size):
        super().__init__()
        self.deepest, self.size = (channels[-1], *grid), size
        self.hidden = NormalizedLinear(code, channels[-1])
        self.grid = NormalizedLinear(channels[-1], channels[-1] * grid[0] * grid[1])
        widths = [*channels[::-1], full]
        self.up = nn.ModuleList(Up(a, b) for a, b in zip(widths, widths[1:]))
        if not grey:
            self.block = Residual(full)
        self.image = nn.Conv2d(full, 1 if grey else 3, 1, bias=False)

    def forward(self, z):
        x = self.grid(self.hidden(z)).reshape(-1, *self.deepest)
        for block in self.up:
            x = block(x)
        if hasattr(self, "block"):
            x = self.block(x)
        return self.image(x)[:, :, : self.size[0], : self.size[1]]


class Lsa(nn.Module):
    def __init__(self, grey, size, channels, full, code, estimator, bins):
        super().__init__()
        self.grey, self.bins = grey, bins
        halved = lambda side: -(-side // 2 ** len(channels))
        encoded = [halved(side - (0 if grey else 2)) for side in size]
        self.encoder = Encoder(grey, channels, full, code, encoded)
        self.decoder = Decoder(grey, channels, full, code, [halved(side) for side in size], size)
        widths = [1, *estimator, bins]
        layers = [Masked(code, a, b, i > 0) for i, (a, b) in enumerate(zip(widths, widths[1:]))]
        self.estimator = nn.ModuleDict({"layer": nn.ModuleList(layers)})

    def forward(self, x):
        x = x.mean(1, keepdim=True) if self.grey else x
        z = self.encoder(x)
        h = z
        for i, layer in enumerate(self.estimator["layer"]):
            h = layer(leaky(h) if i else h)
        logits = h.reshape(len(z), -1, self.bins)
        bins = (z.detach() * self.bins).clamp(0, self.bins - 1).long()
        surprisal = functional.cross_entropy(logits.flatten(0, 1), bins.flatten(), reduction="none")
        squares = (x - self.decoder(z)).square()
        # How near a number of the code is to the edge of a bin.
        edge = (z * self.bins - (z * self.bins).round()).abs().min().item()
        return z, logits, surprisal.reshape(z.shape).sum(1), squares, edge


def draw_images(model, size):
    """Images, and their name, for which no unit is at its kink and no number of the code at a bin's edge."""
    for draw in range(2000):
        name = f"images/{draw}"
        images = tensor(name, (BATCH, 3, *size), 0.5, 0.5)
        with Kinks() as kinks, torch.no_grad():
            *_, edge = model(images)
        if kinks.nearest > MARGIN and edge > 1e-3:
            return name, images
    raise RuntimeError("every draw has a unit at its kink")


def case(name, config, grey, size, full):
    model = Lsa(grey, size, config["channels"], full, config["code"], config["estimator"], config["bins"]).double()
    fill(model, "")
    called, images = draw_images(model, size)
    # Its running statistics as they were before it looked at any.
    fill(model, "")
    z, logits, surprisal, squares, _ = model(images)
    reconstruction = squares.sum((1, 2, 3))
    losses = {"reconstruction": reconstruction.mean(), "surprisal": surprisal.mean()}
    losses["total"] = losses["reconstruction"] + config["lambda"] * losses["surprisal"]
    found = gradients(losses["total"], model, "")
    # The encoder's gradient of the surprisal alone: what reaches it through the estimator's input.
    of_surprisal = gradients(losses["surprisal"], model, "surprisal/")
    model.eval()
    _, _, surprisal, trained, _ = model(images)
    sums = trained.sum((1, 2, 3))
    scores = {"surprisal": surprisal, "reconstruction": sums, "novelty": surprisal + sums}
    return {
        "name": name,
        "config": config,
        "size": size,
        "images": called,
        "losses": {key: number(value) for key, value in losses.items()},
        "code": summary("code", z),
        "logits": summary("logits", logits),
        "squares": summary("squares", squares),
        "gradients": found,
        "surprisal_gradients": of_surprisal,
        "scores": {key: summary(key, value) for key, value in scores.items()},
    }


SMALL = {"code": 5, "estimator": [3, 2], "bins": 7, "lambda": 0.5}
CASES = [
    # The decoder begins with 2 × 2 and is cut from 16 to 14 and 13.
    case("mnist", SMALL | {"form": "mnist", "channels": [3, 4, 6]}, True, [14, 13], 3),
    case("cifar", SMALL | {"form": "cifar", "channels": [16, 8]}, False, [12, 16], 8),
]
write(ROOT / "crates/detect/src/lsa/goldens.json", {"cases": CASES})
