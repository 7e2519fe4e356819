"""Golden values for AVID from PyTorch: forward passes, losses, every gradient of either network, and the maps.

Run from the repository's root; it needs nothing of this repository but `conformance/cavga`, and its output is checked in:

    python -m venv venv && venv/bin/pip install numpy==2.4.6 torch==2.15.0
    venv/bin/python conformance/avid/make_goldens.py

It writes crates/detect/tests/goldens/avid.json: a small U-Net and a small detector of patches, with and without the noisy image beside the one
that the detector judges.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "conformance" / "cavga"))

from drawn import number, write
from networks import MARGIN, Kinks, fill, summary, tensor

BATCH, SIDE, LEVELS, WIDTH, DETECTOR_WIDTH, NOISE = 2, 96, 5, 2, 4, 0.7


def leaky(x):
    return functional.leaky_relu(x, 0.2)


class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        below = [WIDTH * 2**level for level in range(LEVELS)]
        above = [below[-1], *(2 * channels for channels in below[-2::-1])]
        inputs = [below[-1], *(a + b for a, b in zip(above, below[-2::-1]))]
        pairs = list(zip([3, *below], below))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1, bias=a == 3) for a, b in pairs)
        self.down_norm = nn.ModuleList(nn.BatchNorm2d(b) for b in below[1:])
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False) for a, b in zip(inputs, above))
        self.up_norm = nn.ModuleList(nn.BatchNorm2d(b) for b in above)
        self.last = nn.Conv2d(above[-1], 3, 1)

    def forward(self, images):
        scales = [leaky(self.down[0](2 * images - 1))]
        for conv, norm in zip(self.down[1:], self.down_norm):
            scales.append(leaky(norm(conv(scales[-1]))))
        x = scales.pop()
        for conv, norm in zip(self.up, self.up_norm):
            x = functional.relu(norm(conv(x)))
            if scales:
                x = torch.cat([x, scales.pop()], 1)
        return torch.sigmoid(self.last(x))


class Detector(nn.Module):
    def __init__(self, conditional):
        super().__init__()
        own = DETECTOR_WIDTH // 2 if conditional else DETECTOR_WIDTH
        self.image = nn.Conv2d(3, own, 4, 2, 1)
        self.condition = nn.Conv2d(3, DETECTOR_WIDTH - own, 4, 2, 1) if conditional else None
        widths = [DETECTOR_WIDTH * factor for factor in (1, 1, 2, 4, 8)]
        shapes = [(2, 1), (2, 1), (2, 1), (1, 0)]
        pairs = zip(widths, widths[1:], shapes)
        self.conv = nn.ModuleList(nn.Conv2d(a, b, 4, stride, padding, bias=False) for a, b, (stride, padding) in pairs)
        self.norm = nn.ModuleList(nn.BatchNorm2d(b) for b in widths[1:])
        self.head = nn.Conv2d(widths[-1], 1, 1)

    def forward(self, images, condition):
        x = self.image(2 * images - 1)
        if self.condition is not None:
            x = torch.cat([x, self.condition(2 * condition - 1)], 1)
        x = leaky(x)
        for conv, norm in zip(self.conv, self.norm):
            x = leaky(norm(conv(x)))
        return self.head(x)


class Avid(nn.Module):
    def __init__(self, conditional):
        super().__init__()
        self.inpainter, self.detector = UNet(), Detector(conditional)
        self.register_buffer("normal", torch.ones(2))


def draw_images(network):
    """Images, and their name, for which no unit is at its kink, as in training; and the images with noise."""
    noise = tensor("noise", (BATCH, 3, SIDE, SIDE), 3**0.5)
    for draw in range(2000):
        name = f"images/{draw}"
        images = tensor(name, (BATCH, 3, SIDE, SIDE), 0.5, 0.5)
        noisy = images + NOISE / 2 * noise
        with Kinks() as kinks, torch.no_grad():
            network.detector(network.inpainter(noisy), noisy)
            network.detector(images, noisy)
        if kinks.nearest > MARGIN:
            return name, images, noisy
    raise RuntimeError("every draw has a unit at its kink")


def bce(logits, target):
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def gradients(loss, module, prefix):
    names, values = zip(*module.named_parameters())
    found = torch.autograd.grad(loss, values, retain_graph=True)
    return {prefix + name: summary("total/" + prefix + name, gradient) for name, gradient in zip(names, found)}


def in_place(grid):
    """Each value where its patch has its middle: sixteen pixels apart, the first one 32 pixels from the edge."""
    height, width = (16 * side for side in grid.shape[2:])
    grown = functional.interpolate(grid, size=(height, width), mode="bilinear", align_corners=False)
    return functional.pad(grown, (24,) * 4, mode="replicate")


def maps(network, images):
    network.eval()
    residual = (images - network.inpainter(images)).abs().mean(1, keepdim=True)
    doubt = in_place(1 - torch.sigmoid(network.detector(images, images)))
    normal = network.normal
    found = {"irregularity": torch.minimum(residual / normal[0], doubt / normal[1]), "detector": doubt, "residual": residual}
    return {name: summary(name, value) for name, value in found.items()}


def case(name, conditional, weight):
    network = fill(Avid(conditional).double(), "avid.")
    state = {key: value.clone() for key, value in network.state_dict().items()}
    images_name, images, noisy = draw_images(network)
    network.load_state_dict(state)
    inpainted = network.inpainter(noisy)
    real, fake = network.detector(images, noisy), network.detector(inpainted.detach(), noisy)
    detector = 0.5 * (bce(real, 1.0) + bce(fake, 0.0))
    moved = {key: value.clone() for key, value in network.state_dict().items()}
    adversarial = bce(network.detector(inpainted, noisy), 1.0)
    reconstruction = 2 * (images - inpainted).abs().mean()
    total = adversarial + weight * reconstruction
    losses = {"total": total, "adversarial": adversarial, "reconstruction": reconstruction, "detector": detector}
    found = gradients(total, network.inpainter, "inpainter.")
    found_detector = gradients(detector, network.detector, "detector.")
    # To judge the inpainter moves no statistics.
    network.load_state_dict(moved)
    return {
        "name": name,
        "conditional": conditional,
        "weight": weight,
        "side": SIDE,
        "noise": NOISE,
        "images": images_name,
        "losses": {key: number(value) for key, value in losses.items()},
        "inpainted": summary("inpainted", inpainted),
        "gradients": found,
        "detector_gradients": found_detector,
        "maps": maps(network, images),
    }


def main():
    cases = [case("paper", False, 0.0), case("conditional-l1", True, 100.0)]
    write(ROOT / "crates/detect/tests/goldens/avid.json", {"cases": cases})


if __name__ == "__main__":
    main()
