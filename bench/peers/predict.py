"""What `cavga predict RUN DIR --out DIR` does, as a Python user would write it: a model file of ours, images one at a time, the same
four scores and six maps of each, a verdict line, the method's own map as .npy and over the image as .png.

The weights are the same and eager PyTorch computes the same network, without a tape. Not the same: ours decodes images ahead on another
thread, decodes each a second time for its overlay, and syncs every file to the disk before it gets its name; this does neither.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from torch.nn import functional

import models

# Inferno as a polynomial, constant term first: the same fit as in crates/cavga/src/picture/colours.rs.
INFERNO = [
    [0.00021894, 0.001651, -0.0194809],
    [0.10651342, 0.56395644, 3.9327124],
    [11.602493, -3.972854, -15.942394],
    [-41.703996, 17.4364, 44.354145],
    [77.16294, -33.40236, -81.80731],
    [-71.31943, 32.626064, 73.209520],
    [25.131126, -12.242669, -23.070325],
]
OPACITY = 0.85


class Detector:
    def __init__(self, path):
        with safe_open(path, "pt") as file:
            self.header = json.loads(file.metadata()["cavga"])["header"]
            tensors = {name: file.get_tensor(name) for name in file.keys() if name.startswith("detector.")}
        tensors = {name.removeprefix("detector."): values for name, values in tensors.items()}
        self.normal = {name: tensors.pop(name) for name in list(tensors) if name.startswith("normal.")}
        method, (self.height, self.width) = self.header["method"], self.header["size"]
        self.network = models.vae("Dcgan" if method["name"] == "cavga-d-u" else "Resnet").eval()
        # All but the batch norms' counts of batches, which ours does not keep.
        self.network.load_state_dict(tensors, strict=False)
        self.kernel = gaussian(method["smoothing"] * self.height)
        calibration = self.header["content"]["calibration"]
        self.threshold = calibration["scores"][0]["threshold"]
        mean, most = calibration["maps"][0]["mean"], calibration["maps"][0]["max"]
        self.low, self.high = mean, mean + 2 * (most - mean)

    def deviation(self, name, values):
        return (values - self.normal[f"normal.{name}.mean"]) / self.normal[f"normal.{name}.spread"]

    def smoothed(self, maps):
        taps = self.kernel.numel()
        padded = functional.pad(maps, [taps // 2] * 4, mode="replicate")
        down = functional.conv2d(padded, self.kernel.reshape(1, 1, taps, 1))
        return functional.conv2d(down, self.kernel.reshape(1, 1, 1, taps))

    def resized(self, maps):
        return functional.interpolate(maps, (self.height, self.width), mode="bilinear", align_corners=False)

    def score(self, images):
        network = self.network
        features = network.encoder(images)
        mean = network.latent.mu(features)
        residual = (images - network.decoder(mean).sigmoid()).abs().mean(1, keepdim=True)
        cam = functional.conv2d(features, network.latent.mu.weight.sum(0, keepdim=True))
        attention = self.resized(cam.sigmoid())
        smoothed = self.smoothed(residual)
        maps = {
            "one-minus-attention": 1 - attention,
            "attention": attention,
            "residual": residual,
            "residual-smoothed": smoothed,
            "attention-deviation": self.resized(self.deviation("cam", cam).abs()),
            "residual-deviation": self.deviation("residual", smoothed),
        }
        names = "residual-smoothed", "attention-deviation", "residual-deviation"
        scores = {"residual": residual.mean().item()} | {f"{name}-max": maps[name].max().item() for name in names}
        return scores, {name: values[0, 0].numpy() for name, values in maps.items()}


def gaussian(deviation):
    radius = int(np.ceil(3 * deviation))
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / max(deviation, 1e-9)) ** 2)
    return torch.from_numpy((weights / weights.sum()).astype(np.float32))


def overlay(pixels, values, low, high):
    place = np.clip((values - low) / max(high - low, 1e-12), 0, 1)[..., None]
    colour = np.zeros((*values.shape, 3), np.float32)
    for term in reversed(np.asarray(INFERNO, np.float32)):
        colour = colour * place + term
    cover = OPACITY * place
    return np.rint(pixels * (1 - cover) + 255 * np.clip(colour, 0, 1) * cover).astype(np.uint8)


def predict(detector, image, stem):
    with Image.open(image) as opened:
        pixels = np.asarray(opened.convert("RGB"))
        if pixels.shape[:2] != (detector.height, detector.width):
            raise SystemExit(f"error: {image} is not of the model's size")
    images = torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None].contiguous()
    scores, maps = detector.score(images)
    own = next(iter(maps.values()))
    stem.parent.mkdir(parents=True, exist_ok=True)
    np.save(stem.with_suffix(".npy"), own)
    Image.fromarray(overlay(pixels, own, detector.low, detector.high)).save(stem.with_suffix(".overlay.png"))
    verdict = "anomalous" if scores["residual"] > detector.threshold else "normal"
    print(f"{verdict:9}  {scores['residual']:.6f}  (threshold {detector.threshold:.6f})  {image}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    detector = Detector(arguments.run / "model.safetensors")
    with torch.inference_mode():
        for image in sorted(arguments.folder.rglob("*.png")):
            predict(detector, image, arguments.out / image.relative_to(arguments.folder).with_suffix(""))


if __name__ == "__main__":
    main()
