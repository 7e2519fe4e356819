"""The sets of maps that the tools are compared on: 50 random ones, seeded, and the edge cases by name.

A set's scores are float32 values (or narrower ones), so that no tool rounds them on reading. A map is called by its path
without an ending; `write` puts maps and masks into two folders as `cavga metrics` reads them.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image
from scipy import ndimage

RANDOM_SETS = 50


@dataclass
class Set:
    """Maps with their masks; `about` says what is special. A normal image's mask may be left out of the folder."""

    name: str
    maps: list
    form: str = "npy"
    # What a mask's anomalous pixels hold in its PNG; None writes the mask as .npy.
    white: int | None = 255
    without_mask: bool = True
    about: str = ""
    names: list = field(default_factory=list)
    # The maps' files, where they have another size than the masks; `maps` are those brought to the masks' size.
    written: list | None = None
    # Too many pixels for plain loops.
    large: bool = False

    def __post_init__(self):
        kinds = [("defect" if mask.any() else "good") for _, mask in self.maps]
        self.names = self.names or [f"{kind}/{index:03}" for index, kind in enumerate(kinds)]

    def one_size(self):
        return len({mask.shape for _, mask in self.maps}) == 1

    def image_scores(self):
        """An image's score is its map's maximum."""
        return np.array([scores.max() for scores, _ in self.maps], np.float64)

    def image_truth(self):
        return np.array([mask.any() for _, mask in self.maps])


def write_map(path, scores, form):
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "npy":
        np.save(path.with_name(path.name + ".npy"), scores)
    elif form == "tiff":
        tifffile.imwrite(path.with_name(path.name + ".tiff"), scores.astype(np.float32))
    else:
        Image.fromarray(scores.astype(np.uint16)).save(path.with_name(path.name + ".png"))


def write_mask(path, mask, white):
    path.parent.mkdir(parents=True, exist_ok=True)
    if white is None:
        np.save(path.with_name(path.name + ".npy"), mask.astype(np.uint8))
    else:
        Image.fromarray(mask.astype(np.uint8) * white).save(path.with_name(path.name + ".png"))


def write(case, folder):
    """Makes `folder/scores` and `folder/masks` and gives their paths."""
    scores_folder, masks_folder = Path(folder) / "scores", Path(folder) / "masks"
    scores_folder.mkdir(parents=True)
    masks_folder.mkdir(parents=True)
    written = case.written or [scores for scores, _ in case.maps]
    for name, scores, (_, mask) in zip(case.names, written, case.maps):
        write_map(scores_folder / name, scores, case.form)
        if mask.any() or not case.without_mask:
            write_mask(masks_folder / name, mask, case.white)
    return scores_folder, masks_folder


# Masks.


def discs(random, shape, count):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    mask = np.zeros(shape, bool)
    for _ in range(count):
        radius = random.choice([0.5, 1.5, 2.5, 4.5])
        mask |= (rows - random.integers(shape[0])) ** 2 + (columns - random.integers(shape[1])) ** 2 < radius**2
    return mask


def single_pixels(random, shape, count):
    """Regions of one pixel each: none has a neighbour."""
    mask = np.zeros(shape, bool)
    places = [(row, column) for row in range(0, shape[0], 2) for column in range(0, shape[1], 2)]
    for place in random.permutation(len(places))[:count]:
        mask[places[place]] = True
    return mask


def touching(random, shape, count):
    """Bars along the upper and lower edge, so that the regions of maps put one below the other touch."""
    mask = np.zeros(shape, bool)
    height = 1 + int(random.integers(max(1, shape[0] // 8)))
    mask[:height, : max(1, shape[1] // 2)] = True
    mask[-height:, : max(1, shape[1] // 3)] = True
    return mask | discs(random, shape, count // 4)


def snake(random, shape, count):
    """One long region, a pixel wide, that turns at each border."""
    mask = np.zeros(shape, bool)
    mask[::2] = True
    for turn, row in enumerate(range(1, shape[0], 2)):
        mask[row, -1 if turn % 2 == 0 else 0] = True
    return mask


MASKS = {"few": (discs, 2), "many": (discs, 30), "single": (single_pixels, 40), "touching": (touching, 4), "snake": (snake, 1)}


# Scores.


def bounded(values):
    """Into [0, 1], not clipped there: the middle half of the values keeps its spread."""
    return 1 / (1 + np.exp(-values))


def scores_of(random, mask, style):
    """Scores that overlap between the kinds."""
    noise = random.normal(0.8 * mask, 1.0)
    if style == "fine":
        return bounded(noise).astype(np.float32)
    if style == "coarse":
        return (np.round(bounded(noise) * 16) / 16).astype(np.float32)
    if style == "clamped":
        return np.clip(0.3 + 0.4 * noise, 0, 1).astype(np.float32)
    if style == "shifted":
        return (noise * 40 - 20).astype(np.float32)
    if style == "heavy":
        return (random.standard_cauchy(mask.shape) * 3 + 2 * mask).astype(np.float32)
    if style == "tiny":
        return (np.exp(noise * 8) * 1e-20).astype(np.float32)
    if style == "half":
        return noise.astype(np.float16)
    if style == "levels":
        return np.clip(noise * 30 + 120, 0, 255).astype(np.uint8)
    if style == "deep":
        return np.clip(noise * 8000 + 30000, 0, 65535).astype(np.uint16)
    raise ValueError(style)


STYLES = ["fine", "coarse", "clamped", "shifted", "heavy", "tiny", "half", "levels", "deep"]
SIZES = [
    [(16, 16)] * 6,
    [(24, 24)] * 12,
    [(1, 40), (40, 1), (7, 9), (16, 30), (33, 5)],
    [(48, 32)] * 5,
    [(12, 17), (17, 12), (20, 20), (9, 64), (31, 31), (5, 5), (16, 16)],
]


def random_set(index):
    random = np.random.default_rng(1000 + index)
    style, kind = STYLES[index % len(STYLES)], list(MASKS)[index % len(MASKS)]
    # The divisors have no common factor with the others' lengths, so the properties meet in all ways.
    sizes = SIZES[(index // 3) % len(SIZES)]
    make, count = MASKS[kind]
    maps = []
    for place, shape in enumerate(sizes):
        normal = place % 3 == 2
        mask = np.zeros(shape, bool) if normal else make(random, shape, count)
        maps.append((scores_of(random, mask, style), mask))
    form = "png" if style == "deep" else "tiff" if style in ("fine", "heavy") and index % 2 else "npy"
    white = [255, 1, None][index % 3]
    return Set(f"random-{index:02}", maps, form, white, index % 2 == 0, f"{style} scores, {kind} regions, {form}")


def many_normal_pixels():
    """Enough of them for rates between 1e-5 and 1e-4, AUPIMO's."""
    random = np.random.default_rng(77)
    maps = []
    for place in range(8):
        mask = discs(random, (96, 96), 3) if place < 3 else np.zeros((96, 96), bool)
        maps.append((scores_of(random, mask, "fine") + np.float32(0.2) * mask, mask))
    return Set("low-rates", maps, about="46,000 pixels of normal images")


# The edge cases; each stands for a question that the tools answer differently. `differences.py` shows how.


def box(shape, *corners):
    mask = np.zeros(shape, bool)
    for top, left, bottom, right in corners:
        mask[top:bottom, left:right] = True
    return mask


def noisy(seed, masks, gain=1.0, style="fine"):
    random = np.random.default_rng(seed)
    return [(scores_of(random, gain * mask, style), mask) for mask in masks]


def constant():
    masks = [box((20, 20), (2, 2, 8, 8)), box((20, 20))]
    return Set("constant", [(np.full(mask.shape, 0.7, np.float32), mask) for mask in masks], about="all scores are 0.7")


def no_region():
    return Set("no-region", noisy(1, [box((16, 16))] * 4), without_mask=False, about="only normal images")


def at_threshold():
    """Half of the scores are exactly 0.5."""
    maps = noisy(3, [box((16, 16), (2, 2, 8, 8)), box((16, 16), (0, 0, 4, 16)), box((16, 16))], style="coarse")
    return Set("at-threshold", [(np.where(scores > 0.6, np.float32(0.5), scores), mask) for scores, mask in maps])


def resized():
    """Maps of a quarter of their masks' height and width, brought to the masks' size bilinearly."""
    random = np.random.default_rng(24)
    written, maps = [], []
    for place in range(6):
        mask = discs(random, (64, 64), 6) if place < 4 else np.zeros((64, 64), bool)
        near = ndimage.gaussian_filter(mask.astype(np.float64), 3)
        small = near.reshape(16, 4, 16, 4).mean(axis=(1, 3)) / max(near.max(), 1e-6)
        small = (small + random.normal(0, 0.15, small.shape)).astype(np.float32)
        large = torch.nn.functional.interpolate(torch.tensor(small)[None, None], mask.shape, mode="bilinear")[0, 0].numpy()
        written.append(small)
        maps.append((large, mask))
    return Set("resized", maps, without_mask=False, written=written, about="maps of 16x16, masks of 64x64")


def many_pixels():
    """More than 2^24 normal pixels, of 21 million; half of the scores are one and the same."""
    random = np.random.default_rng(26)
    mask = box((1024, 1024), (100, 100, 200, 400))
    maps = []
    for _ in range(20):
        scores = 0.8 * random.random(mask.shape, dtype=np.float32) + np.float32(0.2) * mask
        maps.append((np.where(random.random(mask.shape) < 0.5, np.float32(0.5), scores), mask))
    return Set("many-pixels", maps, large=True)


def fpr_pool():
    """False alarms around the defects, none in normal images."""
    masks = [box((32, 32), (8, 8, 20, 20)), box((32, 32), (4, 20, 9, 28)), box((32, 32)), box((32, 32))]
    maps = noisy(5, masks)
    halo = [np.roll(mask, 6, axis=1) & ~mask for _, mask in maps]
    return Set("fpr-pool", [(scores + np.float32(0.8) * near, mask) for (scores, mask), near in zip(maps, halo)])


def connectivity():
    """Boxes that touch at a corner only, and regions that touch those of the next map."""
    corner = box((20, 20), (4, 4, 8, 8), (8, 8, 18, 18))
    below, above = box((20, 20), (14, 0, 20, 6)), box((20, 20), (0, 0, 2, 12))
    return Set("connectivity", noisy(6, [corner, below, above, box((20, 20))]))


def clamped():
    """What leaves [0, 1] after a normalisation is cut off: the best and the worst scores become equal."""
    maps = noisy(7, [box((24, 24), (2, 2, 9, 9)), box((24, 24), (12, 3, 16, 20))] * 3 + [box((24, 24))] * 4, 2.0, "shifted")
    return Set("clamped", [(np.clip((scores + 30) / 60, 0, 1), mask) for scores, mask in maps])


def categories():
    """Two categories whose scores have different scales."""
    first = noisy(8, [box((16, 16), (2, 2, 7, 7)), box((16, 16))])
    second = noisy(9, [box((16, 16), (4, 4, 14, 14)), box((16, 16))])
    maps = first + [(scores * 0.1, mask) for scores, mask in second]
    names = ["bottle/defect/0", "bottle/good/1", "screw/defect/0", "screw/good/1"]
    return Set("categories", maps, names=names)


def not_a_number():
    maps = noisy(10, [box((16, 16), (2, 2, 7, 7)), box((16, 16))])
    maps[0][0][3, 3] = np.nan
    return Set("nan", maps, about="one score is NaN")


def one_class():
    return Set("one-class", [(scores, np.ones_like(mask)) for scores, mask in noisy(11, [box((16, 16))] * 3)])


def ignoring_order():
    """Ties of every second pixel: a figure must not depend on the order of equal scores."""
    maps = noisy(12, [box((20, 20), (0, 0, 5, 20)), box((20, 20), (15, 0, 20, 20)), box((20, 20))])
    return Set("ties", [(np.round(scores, 1), mask) for scores, mask in maps])


EDGES = {
    case.name: case
    for case in (
        make()
        for make in (
            constant,
            no_region,
            at_threshold,
            resized,
            fpr_pool,
            connectivity,
            clamped,
            categories,
            not_a_number,
            one_class,
            ignoring_order,
        )
    )
}


def every_set():
    yield from (random_set(index) for index in range(RANDOM_SETS))
    yield many_normal_pixels()
    yield from EDGES.values()
    yield many_pixels()
