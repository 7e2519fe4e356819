"""Images from files to batches in PyTorch: a DataLoader whose worker processes decode with PIL and resize with torchvision.

`--resize pil`, the default, is the recipe of most programs: PIL's image is resized, then made a tensor. `--resize tensor` makes it a tensor
first, which torchvision's own documentation calls faster. `--decode torchvision` leaves PIL out and decodes into a tensor.
The workers live on from pass to pass, so that only what comes first pays for their start.
"""

import argparse
from pathlib import Path

import PIL
import torch
import torchvision
from PIL import Image, features
from torch.utils.data import DataLoader, Dataset
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2

from protocol import serve

TO_TENSOR = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]


class Files(Dataset):
    def __init__(self, files, size, arguments):
        resize = v2.Resize((size, size), antialias=True)
        pil = arguments.decode == "pil"
        first = pil and arguments.resize == "pil"
        self.files, self.decode = files, from_pil if pil else from_torchvision
        self.change = v2.Compose([resize, *TO_TENSOR] if first else [TO_TENSOR[0], resize, TO_TENSOR[1]])

    def __len__(self):
        return len(self.files)

    def __getitem__(self, index):
        return self.change(self.decode(self.files[index]))


def from_pil(path):
    with Image.open(path) as image:
        return image.convert("RGB")


def from_torchvision(path):
    return decode_image(path, ImageReadMode.RGB)


def loader(case, arguments, keep):
    files = Files(case["files"], case["size"], arguments)
    return DataLoader(files, case["batch"], num_workers=arguments.threads, persistent_workers=keep)


def whole_pass(case, arguments):
    batches = loader(case, arguments, keep=True)

    def work():
        for _ in batches:
            pass

    return work


def first_batch(case, arguments):
    """What was begun is kept: it ends with the case, outside the clock."""
    kept = []

    def work():
        batches = iter(loader(case, arguments, keep=False))
        next(batches)
        kept.append(batches)

    return work


def written(case, arguments):
    """The first batch into a file, for the two sides to be compared."""

    def work():
        Path(case["out"]).write_bytes(next(iter(loader(case, arguments, keep=False))).numpy().tobytes())

    return work


KINDS = {
    "load": whole_pass,
    "first-batch": first_batch,
    "written": written,
    "nothing": lambda case, arguments: lambda: None,
}


def decoder(arguments):
    if arguments.decode != "pil":
        return f"torchvision {torchvision.__version__} decode_image"
    libraries = [("libjpeg_turbo", "libjpeg-turbo"), ("zlib_ng", "zlib-ng")]
    found = [f"{label} {features.version_feature(name)}" for name, label in libraries if features.check_feature(name)]
    words = ", ".join([f"Pillow {PIL.__version__}", *found])
    return f"{words}, torchvision {torchvision.__version__}, resize of {arguments.resize}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--decode", choices=("pil", "torchvision"), default="pil")
    parser.add_argument("--resize", choices=("pil", "tensor"), default="pil")
    arguments = parser.parse_args()
    introduction = f"PyTorch {torch.__version__} DataLoader, {decoder(arguments)}, workers {arguments.threads}"
    serve(introduction, lambda case: KINDS[case["name"]](case, arguments))


if __name__ == "__main__":
    main()
