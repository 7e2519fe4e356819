"""CAVGA's networks in PyTorch, with tensor names as in crates/nn and crates/detect.

`attention` is Grad-CAM as its authors define it, by automatic differentiation (`create_graph=True`): no closed form.
Everything runs in float64 on values that were rounded to float32 first.
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import drawn
from drawn import uniform


def tensor(name, shape, scale=1.0, shift=0.0):
    """`shift + scale·uniform`, rounded to float32."""
    values = (shift + scale * uniform(name, math.prod(shape))).astype(np.float32)
    return torch.from_numpy(values.astype(np.float64)).reshape(shape)


def weight(name, shape, mu_offset):
    """A tensor of a network. Kernels have He's variance 2 / fan-in; the running statistics start off their defaults, so that
    the share that stays of them shows. `mu_offset` shifts the head of μ, for an attention near 1."""
    if name.endswith("running_var"):
        return tensor(name, shape, 0.5, 1.0)
    if name.endswith("running_mean") or name.endswith("bias"):
        return tensor(name, shape, 0.1)
    if len(shape) == 1:
        return tensor(name, shape, 0.25, 1.0)
    shift = mu_offset if name.endswith("latent.mu.weight") else 0.0
    return tensor(name, shape, math.sqrt(6 / math.prod(shape[1:])), shift)


def fill(module, prefix, mu_offset=0.0):
    """Gives every tensor of `module` its values."""
    state = module.state_dict()
    for name, old in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = weight(prefix + name, tuple(old.shape), mu_offset)
    module.load_state_dict(state)
    return module


def summary(name, values):
    return drawn.summary(name, values.detach().numpy())


def gradients(loss, module, prefix):
    """Of every parameter that the loss depends on."""
    names, values = zip(*module.named_parameters())
    found = torch.autograd.grad(loss, values, retain_graph=True, allow_unused=True)
    kept = {name: g for name, g in zip(names, found) if g is not None and g.abs().max() > 0}
    return {name: summary(prefix + name, g) for name, g in kept.items()}


class Kinks:
    """How near to zero the nearest input of a ReLU or LeakyReLU comes, while it is entered."""

    def __enter__(self):
        self.nearest, self.kept = np.inf, (functional.relu, functional.leaky_relu)
        functional.relu, functional.leaky_relu = (self.watch(function) for function in self.kept)
        return self

    def __exit__(self, *_):
        functional.relu, functional.leaky_relu = self.kept

    def watch(self, function):
        def watched(x, *arguments):
            self.nearest = min(self.nearest, x.abs().min().item())
            return function(x, *arguments)

        return watched


# A float32 network is up to some 3e-6 off; nearer to a kink it may fall on the other side, whose gradient is another one.
MARGIN = 4e-6


class DcganEncoder(nn.Module):
    def __init__(self, width):
        super().__init__()
        widths = [3, width, 2 * width, 4 * width, 8 * width]
        self.conv = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1, bias=False) for a, b in zip(widths, widths[1:]))
        self.norm = nn.ModuleList(nn.BatchNorm2d(b) for b in widths[2:])

    def taps(self, x):
        found = [functional.leaky_relu(self.conv[0](2 * x - 1), 0.2)]
        for conv, norm in zip(self.conv[1:], self.norm):
            found.append(functional.leaky_relu(norm(conv(found[-1])), 0.2))
        return found

    def forward(self, x):
        return self.taps(x)[-1]


class Discriminator(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.features = DcganEncoder(width)
        self.head = nn.Conv2d(8 * width, 1, 4, bias=False)

    def forward(self, x):
        return self.head(self.features(x)).mean((1, 2, 3))


class DcganDecoder(nn.Module):
    def __init__(self, latent, width):
        super().__init__()
        widths = [8 * width, 4 * width, 2 * width, width, 3]
        self.project = nn.Conv2d(latent, widths[0], 1, bias=False)
        self.norm = nn.ModuleList(nn.BatchNorm2d(a) for a in widths[:4])
        self.conv = nn.ModuleList(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=b == 3) for a, b in zip(widths, widths[1:]))

    def forward(self, z):
        x = self.project(z)
        for norm, conv in zip(self.norm, self.conv):
            x = conv(functional.relu(norm(x)))
        return x


class BasicBlock(nn.Module):
    def __init__(self, a, b, stride, dilation):
        super().__init__()
        self.conv1 = nn.Conv2d(a, b, 3, stride, dilation[0], dilation[0], bias=False)
        self.bn1 = nn.BatchNorm2d(b)
        self.conv2 = nn.Conv2d(b, b, 3, 1, dilation[1], dilation[1], bias=False)
        self.bn2 = nn.BatchNorm2d(b)
        self.downsample = None
        if stride != 1 or a != b:
            self.downsample = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))

    def forward(self, x):
        y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
        return functional.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    """torchvision's, which refuses dilation in a BasicBlock; here a stage that would stride past `output_stride` keeps its stride
    at 1 and every convolution after the stride that it lost has its taps that much wider."""

    def __init__(self, output_stride):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        dilated = {32: (1, 1), 16: (1, 2), 8: (2, 4)}[output_stride]
        strides = {32: (2, 2), 16: (2, 1), 8: (1, 1)}[output_stride]
        self.layer1 = nn.Sequential(BasicBlock(64, 64, 1, (1, 1)), BasicBlock(64, 64, 1, (1, 1)))
        self.layer2 = nn.Sequential(BasicBlock(64, 128, 2, (1, 1)), BasicBlock(128, 128, 1, (1, 1)))
        d3, d4 = dilated
        self.layer3 = nn.Sequential(BasicBlock(128, 256, strides[0], (1, d3)), BasicBlock(256, 256, 1, (d3, d3)))
        self.layer4 = nn.Sequential(BasicBlock(256, 512, strides[1], (d3, d4)), BasicBlock(512, 512, 1, (d4, d4)))

    def taps(self, x):
        per_channel = lambda values: torch.tensor(values, dtype=x.dtype).reshape(1, 3, 1, 1)
        x = (x - per_channel([0.485, 0.456, 0.406])) / per_channel([0.229, 0.224, 0.225])
        found = [functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 3, 2, 1)]
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            found.append(layer(found[-1]))
        return found[1:]

    def forward(self, x):
        return self.taps(x)[-1]


class UpBlock(nn.Module):
    """Upsamples first, then convolves, as written in the paper; the Rust side does what commutes before."""

    def __init__(self, a, b):
        super().__init__()
        self.norm = nn.BatchNorm2d(a)
        self.conv = nn.Conv2d(a, b, 3, 1, 1, bias=False)
        self.skip = nn.Conv2d(a, b, 1, bias=False)

    def forward(self, x):
        up = lambda t: functional.interpolate(t, scale_factor=2, mode="nearest")
        return self.conv(up(functional.relu(self.norm(x)))) + self.skip(up(x))


class ResidualDecoder(nn.Module):
    def __init__(self, latent, scale, width):
        super().__init__()
        levels = int(math.log2(scale))
        channels = [width * min(2**level, 8) for level in range(levels + 1)][::-1]
        self.first = nn.Conv2d(latent, channels[0], 3, 1, 1, bias=False)
        self.block = nn.ModuleList(UpBlock(a, b) for a, b in zip(channels, channels[1:]))
        self.norm = nn.BatchNorm2d(width)
        self.last = nn.Conv2d(width, 3, 3, 1, 1)

    def forward(self, z):
        x = self.first(z)
        for block in self.block:
            x = block(x)
        return self.last(functional.relu(self.norm(x)))


class ConvLatent(nn.Module):
    def __init__(self, features, channels):
        super().__init__()
        self.mu = nn.Conv2d(features, channels, 1)
        self.logvar = nn.Conv2d(features, channels, 1)

    def heads(self, features):
        return self.mu(features), self.logvar(features)

    def decoded(self, z):
        return z


class FlatLatent(nn.Module):
    def __init__(self, features, channels, dimension, grid):
        super().__init__()
        self.mu = nn.Linear(features * grid * grid, dimension)
        self.logvar = nn.Linear(features * grid * grid, dimension)
        self.expand = nn.Linear(dimension, channels * grid * grid)
        self.shape = (channels, grid, grid)

    def heads(self, features):
        flat = features.flatten(1)
        return self.mu(flat)[..., None, None], self.logvar(flat)[..., None, None]

    def decoded(self, z):
        return self.expand(z.flatten(1)).unflatten(1, self.shape)


class Vae(nn.Module):
    def __init__(self, parts, supervision, config, size):
        super().__init__()
        width, latent = config["dcgan_width"], config["latent"]
        channels, is_flat = latent["channels"], latent.get("form") == "flat"
        stride = 16 if parts == "dcgan" else config["output_stride"]
        grid = size // stride
        features = 8 * width if parts == "dcgan" else 512
        if parts == "dcgan":
            self.encoder = DcganEncoder(width)
            self.decoder = DcganDecoder(channels, width)
        else:
            self.encoder = ResNet18(stride)
            self.decoder = ResidualDecoder(channels, stride, config["decoder_width"])
        if is_flat:
            self.latent = FlatLatent(features, channels, latent["dimension"], grid)
        else:
            self.latent = ConvLatent(features, channels)
        values = latent["dimension"] if is_flat else channels * grid * grid
        self.classifier = nn.Linear(values, 2) if supervision == "Weak" else None

    def see(self, images, stage):
        """The encoder's last features, those that the attention looks at, and the heads of the latent."""
        taps = self.encoder.taps(images)
        return taps[-1], taps[-1 if stage is None else stage - 1], *self.latent.heads(taps[-1])

    def classes(self, mu):
        return self.classifier(mu.flatten(1)) if self.classifier else None

    def decode(self, z):
        return self.decoder(self.latent.decoded(z))


def alphas(looked_at, mu, classes, options):
    """The channels' weights of Grad-CAM, the spatial mean of a score's gradient, for each image and score. The score is that of all of
    μ, or the logit of each class."""
    if classes is not None:
        scores = [classes[:, y] for y in range(2)]
    else:
        scores = [mu.sum((1, 2, 3)) if options["score"] == "sum" else mu.mean((1, 2, 3))]
    gradients = [torch.autograd.grad(score.sum(), looked_at, create_graph=True)[0] for score in scores]
    found = [gradient.mean((2, 3), keepdim=True) for gradient in gradients]
    return [alpha.detach() for alpha in found] if options["reach"] == "detached" else found


def cams(looked_at, mu, classes, options):
    """Grad-CAM without its ReLU."""
    found = alphas(looked_at, mu, classes, options)
    return torch.cat([(alpha * looked_at).sum(1, keepdim=True) for alpha in found], 1)


def terms(looked_at, mu, classes, options):
    """What the one map of the latent, or of two classes the difference of the second's and the first's, is the sum of."""
    found = alphas(looked_at, mu, classes, options)
    return (found[-1] - found[0] if len(found) == 2 else found[0]) * looked_at


def attention(values, relu, normalize):
    values = functional.relu(values) if relu else values
    if normalize == "sigmoid":
        return torch.sigmoid(values)
    low, high = values.amin((2, 3), keepdim=True), values.amax((2, 3), keepdim=True)
    return (values - low) / (high - low)
