"""The networks in PyTorch: those of conformance/cavga, which prove that ours compute the same, with one of them written faster.

Tensor names are ours, so that a model file of ours can be loaded.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional
from torchvision.models import mobilenet_v2

sys.path.append(str(Path(__file__).resolve().parents[2] / "conformance" / "cavga"))

import networks  # noqa: E402

CONFIG = {"dcgan_width": 64, "decoder_width": 32, "latent": 128, "output_stride": 32}


class UpBlock(nn.Module):
    """`nn.Upsample`, then a 3×3 convolution. Normalisation, ReLU and the skip's 1×1 convolution come before it, where they cost a
    quarter: ours does the same."""

    def __init__(self, a, b):
        super().__init__()
        self.norm = nn.BatchNorm2d(a)
        self.conv = nn.Conv2d(a, b, 3, 1, 1, bias=False)
        self.skip = nn.Conv2d(a, b, 1, bias=False)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, x):
        return self.conv(self.up(functional.relu(self.norm(x)))) + self.up(self.skip(x))


def dcgan_start(module):
    """DC-GAN's weights. Only speed is looked at; this keeps the losses finite."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)


def vae(parts):
    """CAVGA's autoencoder of `parts`, "Dcgan" or "Resnet", with the default widths."""
    network = networks.Vae(parts, CONFIG)
    if parts == "Dcgan":
        return network.apply(dcgan_start)
    blocks = network.decoder.block
    network.decoder.block = nn.ModuleList(UpBlock(b.conv.in_channels, b.conv.out_channels) for b in blocks)
    return network


def discriminator():
    return networks.Discriminator(CONFIG["dcgan_width"]).apply(dcgan_start)


class Reconstruction(nn.Module):
    """An image's reconstruction as at test: encoder, head of μ, decoder, sigmoid."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, images):
        mean = self.network.latent.mu(self.network.encoder(images))
        return self.network.decoder(mean).sigmoid()


class Taps(nn.Module):
    """torchvision's MobileNetV2 up to its features at stride 16, and those at stride 8."""

    def __init__(self):
        super().__init__()
        features = mobilenet_v2().features
        self.first, self.second = features[:7], features[7:14]
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).reshape(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([0.229, 0.224, 0.225]).reshape(1, 3, 1, 1))

    def forward(self, images):
        at_8 = self.first((images - self.mean) / self.deviation)
        return at_8, self.second(at_8)


def scorer(name):
    """What is timed without a tape, by the case's name."""
    if name == "resnet":
        return networks.ResNet18(32).eval()
    if name == "taps":
        return Taps().eval()
    return Reconstruction(vae({"score-d": "Dcgan", "score-r": "Resnet"}[name])).eval()
