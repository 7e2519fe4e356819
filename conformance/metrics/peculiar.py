"""What differences.py needs beside plain figures: its own sets, and the ways of computing that other programs have.

Each function takes a set and gives a list of (who, figure, value).
"""

import dataclasses
import functools
import tempfile

import adeval
import cases
import cv2
import definitions
import numpy as np
import oracles
import program
import torch
from anomalib.metrics.aupro import _AUPRO
from anomalib.metrics.pro import _PRO
from anomalib.utils.cv import connected_components_gpu
from PIL import Image
from scipy import ndimage
from sklearn import metrics
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision
from torchmetrics.functional.classification import binary_auroc

# 2^24: from there on float32 cannot count in ones.
SINGLE_COUNTS = 1 << 24


@functools.cache
def plain():
    first, second = cases.box((24, 24), (3, 3, 9, 9)), cases.box((24, 24), (10, 2, 20, 8))
    return cases.Set("plain", cases.noisy(20, [first, second] * 2 + [cases.box((24, 24))] * 3, 1.5))


def plain_masks():
    return [mask for _, mask in plain().maps]


def levels():
    return cases.Set("levels", cases.noisy(21, plain_masks(), 2.0, "levels"), about="8-bit scores")


def heavy():
    maps = cases.noisy(22, plain_masks(), 1.0, "shifted")
    maps[-1][0][0, 0] = 1e6
    return cases.Set("heavy", maps, about="one score of a million")


def double():
    """The order is in the digits that float32 drops."""
    return cases.Set("double", [(0.5 + 1e-10 * scores.astype(np.float64), mask) for scores, mask in plain().maps])


def low_rates():
    """Enough normal pixels for rates far below AUPIMO's lower limit."""
    random = np.random.default_rng(23)
    maps = []
    for place in range(12):
        mask = cases.discs(random, (224, 224), 4) if place < 4 else np.zeros((224, 224), bool)
        maps.append((cases.scores_of(random, 5.0 * mask, "fine"), mask))
    return cases.Set("low-rates-large", maps)


def snake():
    """A region that turns back and forth over a map of 128x128, 8,000 pixels long, beside a small one."""
    mask = cases.snake(None, (128, 128), 1)
    maps = cases.noisy(25, [mask, cases.box((128, 128), (60, 60, 70, 70)), np.zeros_like(mask)])
    # The first half of the snake is found well, the second half badly.
    maps[0][0][64:] *= np.float32(0.3)
    return cases.Set("snake", maps)


def named(who, figures):
    return [(who, name, value) for name, value in oracles.attempt(figures).items()]


def scikit_learn_one_class(case):
    positive, pixels = definitions.pooled(case.maps)
    return named(
        "scikit-learn",
        {
            "pixel_auroc": lambda: metrics.roc_auc_score(positive, pixels),
            "pixel_average_precision": lambda: metrics.average_precision_score(positive, pixels),
        },
    )


def at_or_above(case):
    positive, pixels = definitions.pooled(case.maps)
    regions = definitions.region_scores(case.maps)
    return named(
        "`score >= 0.5`",
        {
            "iou_at_0.5": lambda: metrics.jaccard_score(positive, pixels >= 0.5),
            "pro_at_0.5": lambda: np.mean([np.mean(region >= 0.5) for region in regions]),
        },
    )


def resized_figures(who, maps):
    positive, pixels = definitions.pooled(maps)
    return named(
        who,
        {
            "pixel_auroc": lambda: metrics.roc_auc_score(positive, pixels),
            "pixel_average_precision": lambda: metrics.average_precision_score(positive, pixels),
            "aupro_0.30": lambda: definitions.aupro(maps, 0.3),
        },
    )


def masks_resized(case):
    grown, nearest = [], []
    for scores, (_, mask) in zip(case.written, case.maps):
        size = scores.shape[::-1]
        soft = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        grown.append((scores, soft > 0))
        nearest.append((scores, cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0))
    pixels = [sum(mask.sum() for _, mask in maps) / sum(mask.size for _, mask in maps) for maps in (case.maps, grown, nearest)]
    shares = [("masks", f"anomalous share {who}", share) for who, share in zip(("as they are", "grown", "nearest"), pixels)]
    return [
        *resized_figures("masks to 16x16, then `> 0`", grown),
        *resized_figures("masks to 16x16, nearest", nearest),
        *shares,
    ]


def aupro_of_normal_images(case):
    regions = definitions.region_scores(case.maps)
    normal = [(scores, mask) for scores, mask in case.maps if not mask.any()]
    thresholds = definitions.thresholds_of(case.maps)
    rates = np.append(0.0, definitions.shares(definitions.normal_scores(normal), thresholds))
    overlaps = np.append(0.0, np.mean([definitions.shares(region, thresholds) for region in regions], axis=0))
    return named("rates of normal images only", {"aupro_0.05": lambda: definitions.area_to(rates, overlaps, 0.05)})


def aupro_with(maps, regions, limit=0.3):
    return definitions.area_to(*definitions.overlap_curve(maps, regions), limit)


def other_regions(case):
    four = [scores[region] for scores, mask in case.maps for region in definitions.regions_of(mask, None)]
    tall = [tuple(np.concatenate(part) for part in zip(*case.maps))]
    together = definitions.region_scores(tall)
    counts = [len(definitions.region_scores(case.maps)), len(four), len(together)]
    return [
        *named("4 neighbours", {"aupro_0.30": lambda: aupro_with(case.maps, four)}),
        *named("maps as one tall image", {"aupro_0.30": lambda: aupro_with(case.maps, together)}),
        ("regions", "8 neighbours / 4 / one tall image", " / ".join(map(str, counts))),
    ]


def snake_in_pieces(case):
    masks = torch.tensor(np.stack([mask for _, mask in case.maps])).float().unsqueeze(1)
    maps = torch.tensor(np.stack([scores for scores, _ in case.maps]))
    labels = connected_components_gpu(masks).squeeze(1)

    def aupro():
        rates, overlaps = _AUPRO().compute_pro(cca=labels, preds=maps)
        return torch.trapezoid(overlaps, rates) / rates[-1]

    who = "anomalib's path for GPUs"
    return [*named(who, {"aupro_0.30": aupro}), (who, "regions, which are 2", len(labels.unique()) - 1)]


def before_the_cut(case):
    """The same scores, drawn again, not cut off."""
    masks = [mask for _, mask in case.maps]
    maps = cases.noisy(7, masks, 2.0, "shifted")
    whole = cases.Set("whole", maps)
    return named(
        "before the cut",
        {
            "image_auroc": lambda: metrics.roc_auc_score(whole.image_truth(), whole.image_scores()),
            "pixel_auroc": lambda: metrics.roc_auc_score(*definitions.pooled(maps)),
            "aupro_0.30": lambda: definitions.aupro(maps, 0.3),
        },
    )


def mean_of_categories(case):
    parts = [cases.Set("part", case.maps[:2]), cases.Set("part", case.maps[2:])]
    return named(
        "mean of the two categories",
        {
            "image_auroc": lambda: np.mean([metrics.roc_auc_score(p.image_truth(), p.image_scores()) for p in parts]),
            "pixel_auroc": lambda: np.mean([metrics.roc_auc_score(*definitions.pooled(p.maps)) for p in parts]),
        },
    )


def counted_in_single(case):
    positive, pixels = definitions.pooled(case.maps)
    maps, masks = (torch.tensor(np.stack(part)) for part in zip(*case.maps))

    def aupro():
        metric = _AUPRO()
        metric.update(maps, masks.int())
        return metric.compute()

    # All regions are of one size, so that the mean overlap is the recall of all their pixels.
    return [
        *named("scikit-learn", {"pixel_auroc": lambda: metrics.roc_auc_score(positive, pixels)}),
        *named("scikit-learn's ROC, regions being equal", {"aupro_0.30": lambda: oracles.area_to(positive, pixels, 0.3)}),
        *named("torchmetrics", {"pixel_auroc": lambda: binary_auroc(maps.flatten(), masks.flatten().int())}),
        *named("anomalib", {"aupro_0.30": aupro}),
        *named("numpy.cumsum of float32", {"2^24 + 9 ones": lambda: np.ones(SINGLE_COUNTS + 9, np.float32).cumsum()[-1]}),
        *named("torch.cumsum of float32", {"2^24 + 9 ones": lambda: torch.ones(SINGLE_COUNTS + 9).cumsum(0)[-1]}),
    ]


def other_lengths(case):
    """Half of the scores against the whole truth."""
    positive, pixels = definitions.pooled(case.maps)
    scores, truth = torch.tensor(pixels[: len(pixels) // 2]), torch.tensor(positive).int()

    def ask(make):
        metric = make()
        metric.update(scores, truth)
        return metric.compute()

    return [
        *named("scikit-learn", {"pixel_auroc": lambda: metrics.roc_auc_score(positive, scores)}),
        *named("torchmetrics", {"pixel_auroc": lambda: ask(BinaryAUROC)}),
        *named("torchmetrics", {"pixel_average_precision": lambda: ask(BinaryAveragePrecision)}),
    ]


def adeval_as_it_comes(case):
    maps = [scores for scores, _ in case.maps]
    masks = [mask.astype(np.uint8) for _, mask in case.maps]
    shim = vars(np).pop("trapz", None)
    try:
        said = named("adeval, unchanged", {"pixel_auroc": lambda: adeval.auroc_aupr_aupro(maps, masks)[0]})
    finally:
        if shim is not None:
            np.trapz = shim
    return said + [("adeval, given the new name", "pixel_auroc", oracles.adeval_binned(case)["pixel_auroc"])]


def max_fpr(case):
    positive, pixels = definitions.pooled(case.maps)
    return named("scikit-learn", {"roc_auc_score(max_fpr=0.3)": lambda: metrics.roc_auc_score(positive, pixels, max_fpr=0.3)})


def trapezoid_of_precision(case):
    positive, pixels = definitions.pooled(case.maps)
    precision, recall, _ = metrics.precision_recall_curve(positive, pixels)
    return named("trapezoids, `auc(recall, precision)`", {"pixel_average_precision": lambda: metrics.auc(recall, precision)})


def soft_masks(case):
    """Masks blurred at their edges, as an image program leaves them."""
    soft = [ndimage.gaussian_filter(mask.astype(np.float32) * 255, 1.5).round().astype(np.uint8) for _, mask in case.maps]
    with tempfile.TemporaryDirectory() as folder:
        scores, masks = cases.write(dataclasses.replace(case, without_mask=False), folder)
        for name, mask in zip(case.names, soft):
            Image.fromarray(mask).save((masks / name).with_suffix(".png"))
        ours = program.read(program.chosen, scores, masks)
    told = [("cavga", "pixel_auroc", ours if isinstance(ours, str) else ours["pixel_auroc"])]
    for rule in (0, 127, 200):
        maps = [(scores, mask > rule) for (scores, _), mask in zip(case.maps, soft)]
        told += named(f"scikit-learn, `> {rule}`", {"pixel_auroc": lambda m=maps: metrics.roc_auc_score(*definitions.pooled(m))})
    return told


def pro_of_doubles(case):
    maps = torch.tensor(np.stack([scores for scores, _ in case.maps])).double()
    masks = torch.tensor(np.stack([mask for _, mask in case.maps])).int()

    def pro():
        metric = _PRO(threshold=0.5)
        metric.update(maps, masks)
        return metric.compute()

    return named("anomalib, float64 maps", {"pro_at_0.5": pro})


def aupimo_of_few_pixels(case):
    few = cases.EDGES["fpr-pool"]
    return [("anomalib, 2 normal images of 32x32", "aupimo", oracles.anomalib_metrics(few)["aupimo"])]
