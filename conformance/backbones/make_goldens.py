"""Golden values for the backbones, from PyTorch and torchvision: features and the gradients of a sum of them.

Run from the repository's root; its output, crates/nn/tests/goldens/backbones.json, is checked in and compared with by `backbone_goldens.rs`:

    venv/bin/python conformance/backbones/make_goldens.py

Packages, numbers by name and what is kept of a tensor are those of conformance/cavga, whose scripts this one uses.
"""

import sys
from pathlib import Path

import numpy as np
import torch
import torchvision
from torch.nn import functional

from backbones import MobileNet, backbone

ROOT = Path(__file__).resolve().parents[2]
# Before this folder, whose script is called the same.
sys.path.insert(0, str(ROOT / "conformance/cavga"))
import make_goldens as cavga  # noqa: E402
from networks import tensor, weight  # noqa: E402

SIZE, BATCH, KEPT, TRIES = 64, 2, 10, 6
CASES = [
    ("resnet-34", 32),
    ("resnet-50", 32),
    ("resnet-50", 8),
    ("wide-resnet-50-2", 16),
    ("efficientnet-lite0", 32),
    ("efficientnet-lite0", 8),
    ("mobilenet-v2", 32),
    ("mobilenet-v2", 8),
    ("squeezenet-1.1", 16),
    ("squeezenet-1.1", 8),
]


def rounded(x):
    return x.float().double()


def value(name, shape):
    """As conformance/cavga has it, but for batch norms: what one gives to a ReLU or ReLU6 stays on one side of each kink, which side by
    channel. In networks of this size something always lies within rounding of a kink, and float32 might fall on its other side."""
    if len(shape) != 1 or name.startswith("squeezenet") or "running" in name:
        return weight(name, shape, 0.0)
    if name.endswith("weight"):
        return tensor(name, shape, 0.05, 0.25)
    near = tensor(name, shape, 0.1)
    side = 10 * near
    if name.startswith("resnet") or name.startswith("wide"):
        # Others than bn1 are added to a shortcut, or may well all be above zero.
        shift = torch.where(side < -0.5, -1.5, 1.5) if name.endswith("bn1.bias") else 1.5
        return rounded(near + shift)
    if name.endswith("bn2.bias"):
        return near
    return rounded(near + torch.where(side < -0.7, -1.5, torch.where(side < 0, 1.5, torch.where(side < 0.7, 4.5, 7.5))))


def fill(network, prefix):
    state = network.state_dict()
    for name, old in state.items():
        if not name.endswith("num_batches_tracked"):
            state[name] = value(prefix + name, tuple(old.shape))
    network.load_state_dict(state)
    return network


class Kinks:
    """How near to a kink the nearest input of a ReLU or ReLU6 comes, beside the largest, while it is entered."""

    def __enter__(self):
        self.nearest, self.kept = np.inf, (functional.relu, functional.relu6)
        functional.relu, functional.relu6 = self.watch(functional.relu, [0]), self.watch(functional.relu6, [0, 6])
        return self

    def __exit__(self, *_):
        functional.relu, functional.relu6 = self.kept

    def watch(self, function, kinks):
        def watched(x, *arguments, **named):
            for kink in kinks:
                self.nearest = min(self.nearest, ((x - kink).abs().min() / x.std()).item())
            return function(x.clone(), *arguments, **{k: v for k, v in named.items() if k != "inplace"})

        return watched


def loss(features, name):
    return (features * tensor(name + "loss", tuple(features.shape))).sum()


def distance(name, found, expected):
    """As the Rust tests have it: of what is kept of a tensor, the largest error."""
    found, expected = cavga.summary(name, found.double()), cavga.summary(name, expected)
    error = lambda key, scale: abs(found[key] - expected[key]) / scale
    errors = [error("norm", expected["norm"]), error("max", expected["max"])]
    errors.append(error("sum", max(abs(expected["sum"]), expected["norm"])))
    errors += [abs(a - b) / expected["norm"] for a, b in zip(found["dots"], expected["dots"])]
    errors += [abs(a - b) / expected["max"] for a, b in zip(found["samples"][1:], expected["samples"][1:])]
    return max(errors)


def run_single(kind, output_stride, prefix, number):
    """The gradients as PyTorch has them in float32: what rounding alone does."""
    network = fill(backbone(kind, output_stride).float(), f"{kind}.").train()
    features = network(tensor(f"{prefix}images{number}", (BATCH, 3, SIZE, SIZE), 0.5, 0.5).float())
    total = (features * tensor(prefix + "loss", tuple(features.shape)).float()).sum()
    return torch.autograd.grad(total, [value for _, value in network.named_parameters()])


def case(kind, output_stride):
    prefix = f"{kind}/{output_stride}."
    network = fill(backbone(kind, output_stride).double(), f"{kind}.").train()
    tries = []
    for number in range(TRIES):
        images = tensor(f"{prefix}images{number}", (BATCH, 3, SIZE, SIZE), 0.5, 0.5)
        with Kinks() as kinks:
            network(images)
        tries.append((kinks.nearest, number))
    nearest, number = max(tries)
    print(prefix, "nearest kink", nearest, "of images", number, flush=True)
    fill(network, f"{kind}.")
    features = network(tensor(f"{prefix}images{number}", (BATCH, 3, SIZE, SIZE), 0.5, 0.5))
    names, values = zip(*network.named_parameters())
    gradients = torch.autograd.grad(loss(features, prefix), values)
    # Not those that are zero but for rounding: shifts that the next batch norm takes off again.
    largest = max(gradient.abs().max() for gradient in gradients)
    kept = [at for at, gradient in enumerate(gradients) if gradient.abs().max() > 1e-9 * largest]
    # The first, the last, and some between, spread evenly.
    chosen = [kept[round(place)] for place in np.linspace(0, len(kept) - 1, KEPT)]
    single = run_single(kind, output_stride, prefix, number)
    error = max(distance(names[at], single[at], gradients[at]) for at in chosen)
    print(prefix, "PyTorch in float32 is off by", error, flush=True)
    running = [name for name in network.state_dict() if name.endswith("running_var")][-1:]
    return {
        "name": prefix,
        "kind": kind,
        "output_stride": output_stride,
        "images": number,
        "shape": list(features.shape),
        "float32": float(f"{error:.2g}"),
        "features": cavga.summary("features", features),
        "gradients": {names[at]: cavga.summary(names[at], gradients[at]) for at in chosen},
        "running": {name: cavga.summary(name, network.state_dict()[name]) for name in running},
    }


def check_mobilenet():
    """Our MobileNetV2 is torchvision's."""
    theirs = torchvision.models.mobilenet_v2().double().features.eval()
    network = fill(MobileNet("mobilenet-v2", 32).double(), "mobilenet-v2.").eval()
    # Both list their tensors in the order in which they are used.
    pairs = zip(theirs.state_dict().items(), network.state_dict().values(), strict=True)
    theirs.load_state_dict({name: value for (name, _), value in pairs})
    images = tensor("images", (BATCH, 3, SIZE, SIZE), 0.5, 0.5)
    normal = torchvision.transforms.functional.normalize(images, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(network(images), theirs(normal))


def check_dilation():
    """The strided network's features are some of the dilated one's."""
    for kind in ("efficientnet-lite0", "mobilenet-v2", "squeezenet-1.1", "resnet-50"):
        for size in (64, 75):
            images = tensor("images", (1, 3, size, size), 0.5, 0.5)
            own = 16 if kind == "squeezenet-1.1" else 32
            run = lambda stride: fill(backbone(kind, stride).double(), f"{kind}.").eval()(images)
            strided = run(own)
            for stride in (16, 8):
                step = own // stride
                torch.testing.assert_close(run(stride)[:, :, ::step, ::step], strided)


def main():
    torch.set_num_threads(1)
    check_mobilenet()
    check_dilation()
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "numpy": np.__version__}
    goldens = {"versions": versions, "cases": [case(*one) for one in CASES]}
    cavga.write(ROOT / "crates/nn/tests/goldens/backbones.json", goldens)


if __name__ == "__main__":
    main()
