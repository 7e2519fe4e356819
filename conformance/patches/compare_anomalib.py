"""Holds the definitions to anomalib's own modules on the same features, step by step, and shows what each difference between the two makes.

    venv/bin/pip install numpy==2.4.6 torch==2.15.0 anomalib==2.7.0
    venv/bin/python conformance/patches/compare_anomalib.py

Each step of anomalib gets what the definitions say of the step before, in float64, so that a difference stays where it arises. README.md
beside this file lists the differences. It ends with an error where a step that should agree does not.
"""

import sys
from unittest import mock

import numpy as np
import torch
from anomalib.models.components import KCenterGreedy
from anomalib.models.components.dimensionality_reduction import SparseRandomProjection
from anomalib.models.components.stats import MultiVariateGaussian
from anomalib.models.image.padim.anomaly_map import AnomalyMapGenerator as PadimMap
from anomalib.models.image.padim.torch_model import PadimModel
from anomalib.models.image.patchcore.anomaly_map import AnomalyMapGenerator as PatchcoreMap
from anomalib.models.image.patchcore.torch_model import PatchcoreModel
from torch.nn import functional

import definitions as d
from make_goldens import CHANNELS, DEVIATION, EPSILON, NEIGHBOURS, Case

# anomalib takes roots of differences that cancel.
LIMIT = 1e-6
LAYERS = ["layer1", "layer2"]


def named(taps):
    return {layer: torch.from_numpy(tap)[None] for layer, tap in zip(LAYERS, taps)}


def error(found, expected):
    found, expected = np.asarray(found), np.asarray(expected)
    return float(np.abs(found - expected).max() / np.abs(expected).max())


class Table:
    def __init__(self):
        self.failed = []
        print("| case | step | as anomalib has it | with our choice in it |\n|---|---|---|---|")

    def row(self, case, step, as_it_is, as_ours=None):
        print(f"| {case} | {step} | {as_it_is:.1e} | {'' if as_ours is None else f'{as_ours:.1e}'} |")
        last = as_it_is if as_ours is None else as_ours
        if not last <= LIMIT:
            self.failed.append(f"{case}: {step}")


def without_projection():
    """Greedy selection on the rows themselves."""
    return mock.patch.multiple(SparseRandomProjection, fit=lambda self, _rows: self, transform=lambda self, rows: rows)


def our_map(grid, case):
    """anomalib's blur with our window and edges."""
    values = functional.interpolate(grid, case.size, mode="bilinear", align_corners=False)
    radius = int(np.ceil(d.REACH * DEVIATION))
    window = torch.exp(-0.5 * (torch.arange(-radius, radius + 1) / DEVIATION) ** 2)
    window = (window / window.sum()).to(values.dtype)
    padded = functional.pad(values, [radius] * 4, mode="replicate")
    return functional.conv2d(padded, torch.outer(window, window)[None, None])


def maps(table, case, generator, values, found):
    grid = torch.from_numpy(values.reshape(1, 1, *case.grid))
    expected, _ = case.map_of(0, values)
    table.row(case.said["name"], "map", error(found(generator, grid), expected), error(our_map(grid, case), expected))


def patchcore(table, case, share, first):
    name = case.said["name"]
    model = PatchcoreModel(LAYERS, backbone="resnet18", pre_trained=False, num_neighbors=NEIGHBOURS).eval()
    embed = lambda taps: model.reshape_embedding(
        model.generate_embedding({layer: model.feature_pooler(tap) for layer, tap in named(taps).items()})
    )
    rows = np.concatenate([d.patches(taps) for taps in case.train])
    table.row(name, "patch features", error(torch.cat([embed(taps) for taps in case.train]), rows))
    with without_projection(), mock.patch("torch.randint", lambda **_: torch.tensor([first])):
        picks = KCenterGreedy(torch.from_numpy(rows), share).select_coreset_idxs()
    expected, _ = d.coreset(rows, d.coreset_size(share, len(rows)), first)
    table.row(name, "picks, share that differs", float(np.mean(np.array(picks) != expected)))
    model.memory_bank = torch.from_numpy(rows[expected])
    for image, taps in enumerate(case.test):
        own = d.patches(taps)
        said = d.patchcore_score(own, rows[expected], NEIGHBOURS)
        found, places = model.nearest_neighbors(torch.from_numpy(own), 1)
        table.row(name, f"test {image}, distances", error(found, said["distances"]))
        table.row(name, f"test {image}, nearest, share that differs", float(np.mean(places.numpy() != said["nearest"])))
        score = model.compute_anomaly_score(found[None], places[None], torch.from_numpy(own))
        own_choice = score if len(expected) > 1 else said["distances"].max()
        table.row(name, f"test {image}, score", error(score, said["score"]), error(own_choice, said["score"]))
    maps(table, case, PatchcoreMap().double(), said["distances"], lambda generator, grid: generator(grid, case.size))


def padim(table, case, channels):
    name = case.said["name"]
    model = PadimModel("resnet18", LAYERS, pre_trained=False, n_features=len(channels)).eval()
    model.idx = torch.tensor(channels)
    embed = lambda taps: model.generate_embedding(named(taps))
    images = np.stack([d.embeddings(taps, channels) for taps in case.train])
    shaped = torch.from_numpy(images).permute(0, 2, 1).reshape(len(images), len(channels), *case.grid)
    theirs = torch.cat([embed(taps) for taps in case.train])
    with mock.patch.object(functional, "interpolate", bilinear(functional.interpolate)):
        ours = torch.cat([embed(taps) for taps in case.train])
    table.row(name, "features", error(theirs, shaped), error(ours, shaped))
    mean, covariance = d.gaussians(images, EPSILON)
    gaussian = MultiVariateGaussian()
    with torch.no_grad():
        their_mean, inverse = gaussian.fit(shaped)
    table.row(name, "mean", error(their_mean.T, mean))
    identity = 1e-5 * np.eye(len(channels))
    # Of one image they divide 0 by 0.
    if len(images) > 1:
        undone = np.linalg.inv(inverse.numpy())
        table.row(name, "covariance", error(undone, covariance), error(undone - identity, covariance))
    taps = case.test[-1]
    said = d.mahalanobis(d.embeddings(taps, channels), mean, covariance)
    test = torch.from_numpy(d.embeddings(taps, channels).T.reshape(1, len(channels), *case.grid).copy())
    exact = torch.from_numpy(np.linalg.inv(covariance))
    measured = [PadimMap.compute_distance(test, [their_mean, each]).flatten() for each in (inverse, exact)]
    table.row(name, "distances", *(error(each, said) for each in measured))
    generator = PadimMap().double()
    maps(table, case, generator, said, lambda generator, grid: generator.smooth_anomaly_map(generator.up_sample(grid, case.size)))


def bilinear(interpolate):
    return lambda values, size, mode: interpolate(values, size=size, mode="bilinear", align_corners=False)


def main():
    torch.set_default_dtype(torch.float64)
    table = Table()
    odd = {"grids": ((9, 7), (5, 4)), "size": (45, 37), "train": 3}
    patchcore(table, Case("plain"), 0.1, 0)
    patchcore(table, Case("odd-sizes", **odd), 0.25, 17)
    patchcore(table, Case("one-row", train=3), 0.0053, 100)
    patchcore(table, Case("large-distances", scale=200.0), 0.1, 0)
    padim(table, Case("plain", train=5), [0, 1, 4, 5, 6, 9, 11, 15])
    padim(table, Case("odd-sizes", **odd), [15, 3, 8, 0, 7])
    padim(table, Case("one-image", train=1), [2, 5, 6, 14])
    padim(table, Case("every-channel", train=3), list(range(sum(CHANNELS))))
    if table.failed:
        sys.exit(f"error: what should agree does not: {'; '.join(table.failed)}")


if __name__ == "__main__":
    main()
