"""Golden values for PatchCore and PaDiM, from NumPy.

Run from the repository's root; it needs NumPy alone, and its output, crates/detect/tests/goldens/patches.json, is checked in:

    venv/bin/python conformance/patches/make_goldens.py

Features are numbers by name (conformance/cavga/drawn.py), so none is stored: tap t of image i of case c is `c/train{i}/t` or `c/test{i}/t`,
numbers in [−1, 1) times `scale`, of the test images times `test_scales[i]` as well, rounded to float32. Training images listed in `repeats`
are another one over again: `[3, 0]` has the taps of image 0 where image 3's would be. Large results are kept as summaries, called
`rows`, `map{i}`, `mean`, `covariance`.

Every choice among rows (a pick, the nearest, the largest patch) is ahead of the next by more than float32's rounding, but where rows are equal.
"""

import sys
from pathlib import Path

import numpy as np

import definitions as d

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "conformance/cavga"))
from drawn import number, summary, uniform, write  # noqa: E402

DEVIATION, NEIGHBOURS, EPSILON = 4.0, 9, 0.01
CHANNELS = [6, 10]
# The least relative gap that a choice may have.
MARGIN = 1e-5


def numbers(values):
    return [number(value) for value in values]


def tap(name, shape, scale):
    return (scale * uniform(name, int(np.prod(shape)))).astype(np.float32).astype(np.float64).reshape(shape)


class Case:
    """Drawn images and what both methods have in common."""

    def __init__(self, name, grids=((8, 8), (4, 4)), size=(32, 32), train=4, test_scales=(1.0, 1.5), scale=1.0, repeats=()):
        shapes = [(channels, *grid) for channels, grid in zip(CHANNELS, grids)]
        self.grid, self.size = grids[0], size
        same = dict(repeats)
        draw = lambda image, factor: [tap(f"{name}/{image}/{t}", shape, factor) for t, shape in enumerate(shapes)]
        self.train = [draw(f"train{same.get(image, image)}", scale) for image in range(train)]
        self.test = [draw(f"test{image}", scale * factor) for image, factor in enumerate(test_scales)]
        self.said = {
            "name": name,
            "taps": [list(shape) for shape in shapes],
            "size": list(size),
            "train": train,
            "repeats": [list(pair) for pair in repeats],
            "scale": scale,
            "test_scales": list(test_scales),
            "smoothing": DEVIATION,
        }

    def map_of(self, image, values):
        found = d.map_of(values.reshape(self.grid), self.size, DEVIATION)
        return found, summary(f"map{image}", found)


def ahead(values, rows=None):
    """Whether the largest of `values` is clearly ahead of those of other rows."""
    best = int(np.argmax(values))
    others = np.ones(len(values), bool) if rows is None else (rows != rows[best]).any(1)
    others[best] = False
    return not others.any() or values[best] - values[others].max() > MARGIN * abs(values[best])


def check(found, rows, bank):
    assert ahead(found["distances"]), "two patches are as far"
    for row, place in zip(rows, found["nearest"]):
        assert ahead(-d.distances(row, bank), bank), f"row {place} is as near as another"
    inside = np.sort(d.distances(bank[found["nearest"][found["patch"]]], bank))
    if len(bank) > NEIGHBOURS:
        assert inside[NEIGHBOURS] - inside[NEIGHBOURS - 1] > MARGIN * inside[NEIGHBOURS], "a neighbour is as near as the next"


def sparse(name, width, to):
    """A very sparse random projection (Li, Hastie, Church, KDD 2006): one entry in √width is ±√(√width/to), the others are 0.
    Gives the matrix and its entries [row, column, value]."""
    drawn = uniform(name, to * width).reshape(to, width)
    kept = np.abs(drawn) < width**-0.5
    matrix = np.where(kept, np.sign(drawn) * (width**0.5 / to) ** 0.5, 0.0).astype(np.float32).astype(np.float64)
    return matrix, [[int(row), int(column), number(matrix[row, column])] for row, column in np.argwhere(matrix)]


def patchcore(case, share=0.1, first=0, project_to=None):
    rows = np.concatenate([d.patches(taps) for taps in case.train])
    name, width = case.said["name"], sum(CHANNELS)
    matrix, entries = sparse(f"{name}/projection", width, project_to) if project_to else (np.eye(width), None)
    picks, gap = d.coreset(rows @ matrix.T, d.coreset_size(share, len(rows)), first)
    assert gap > MARGIN, f"{name}: two picks are as far, by {gap}"
    bank, tests = rows[picks], []
    for image, taps in enumerate(case.test):
        own = d.patches(taps)
        found = d.patchcore_score(own, bank, NEIGHBOURS)
        check(found, own, bank)
        _, kept = case.map_of(image, found["distances"])
        values = {key: number(np.float64(found[key])) for key in ("weight", "score")}
        tests.append({"distances": numbers(found["distances"]), "nearest": found["nearest"], "patch": found["patch"], **values, "map": kept})
    settings = {"share": share, "first": first, "projection": entries, "neighbours": NEIGHBOURS}
    return {**case.said, **settings, "rows": summary("rows", rows), "picks": picks, "tests": tests}


def padim(case, channels):
    images = np.stack([d.embeddings(taps, channels) for taps in case.train])
    mean, covariance = d.gaussians(images, EPSILON)
    tests = []
    for image, taps in enumerate(case.test):
        found = d.mahalanobis(d.embeddings(taps, channels), mean, covariance)
        values, kept = case.map_of(image, found)
        tests.append({"distances": numbers(found), "score": number(values.max()), "map": kept})
    expected = {"mean": summary("mean", mean), "covariance": summary("covariance", covariance), "tests": tests}
    return {**case.said, "channels": channels, "epsilon": EPSILON, **expected}


ODD = {"grids": ((9, 7), (5, 4)), "size": (45, 37), "train": 3}


def patchcore_cases():
    yield patchcore(Case("plain"))
    yield patchcore(Case("odd-sizes", **ODD), share=0.25, first=17)
    yield patchcore(Case("unrelated-grids", grids=((7, 10), (3, 4)), size=(50, 71), train=5), share=0.07, first=349)
    yield patchcore(Case("all-rows", grids=((4, 4), (2, 2)), train=3), share=1.0, first=5)
    yield patchcore(Case("one-row", train=3), share=0.001, first=100)
    yield patchcore(Case("fewer-rows-than-neighbours", train=3), share=0.03)
    yield patchcore(Case("repeated-images", train=5, repeats=((1, 0), (4, 2))), share=0.2)
    yield patchcore(Case("large-distances", scale=200.0), share=0.1)
    yield patchcore(Case("projected", train=5), project_to=8)


def padim_cases():
    yield padim(Case("plain", train=5), [0, 1, 4, 5, 6, 9, 11, 15])
    yield padim(Case("odd-sizes", **ODD), [15, 3, 8, 0, 7])
    yield padim(Case("one-image", train=1), [2, 5, 6, 14])
    yield padim(Case("one-channel", train=4), [13])
    yield padim(Case("every-channel", train=3), list(range(sum(CHANNELS))))
    yield padim(Case("large-features", train=4, scale=6.0), [1, 3, 7, 10, 12])


def main():
    goldens = {"versions": {"numpy": np.__version__}, "patchcore": list(patchcore_cases()), "padim": list(padim_cases())}
    write(ROOT / "crates/detect/tests/goldens/patches.json", goldens)


if __name__ == "__main__":
    main()
