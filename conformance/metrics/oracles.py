"""The figures of a set as other tools compute them, by our names: each function gives name -> value, or name -> the error.

Scores go in as float64 where the tool takes them. torchmetrics and anomalib, which is built on it, count and sum in
float32 all the same. compare.py says which figures have our definition and how near they must come.
"""

import logging
import warnings
from importlib.metadata import version

import adeval
import definitions
import numpy as np
import torch
import torchmetrics
from adeval.au_pro import calculate_au_pro
from anomalib.metrics.aupr import _AUPR
from anomalib.metrics.aupro import _AUPRO
from anomalib.metrics.auroc import _AUROC
from anomalib.metrics.f1_score import _F1Max
from anomalib.metrics.pimo.functional import aupimo_scores
from anomalib.metrics.pro import _PRO
from sklearn import metrics
from torchmetrics.classification import BinaryAUROC, BinaryAveragePrecision

warnings.filterwarnings("ignore")
logging.getLogger("anomalib").setLevel(logging.ERROR)

IMAGE_LIMIT, PIXEL_LIMIT, ALARM_RATE = 0.1, 0.3, 0.05
FIXED = 0.5


def attempt(figures):
    """The values of name -> function; in the place of one that fails stands what it said."""
    values = {}
    for name, figure in figures.items():
        try:
            value = figure()
            values[name] = None if value is None else float(value)
        except Exception as error:  # noqa: BLE001 a tool may raise anything
            values[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:120]}"
    return values


def found_within(positive, scores):
    """Recall and precision at the alarm rate; where nothing may be called at all recall is 0, and there is no precision."""
    return definitions.at_false_positive_rate(positive, scores, ALARM_RATE)


def by_definition(case):
    """definitions.py: every figure, in float64."""
    if case.large:
        return {}
    maps = [(scores.astype(np.float64), mask) for scores, mask in case.maps]
    scores = case.image_scores()
    truth = case.image_truth()
    positive, pixels = definitions.pooled(maps)
    figures = {}
    for prefix, kind, values, limit in [
        ("image", truth, scores, IMAGE_LIMIT),
        ("pixel", positive, pixels, PIXEL_LIMIT),
    ]:
        both = definitions.has_both(kind)
        figures |= {
            f"{prefix}_auroc_to_{limit:.2f}": lambda k=kind, v=values, m=limit, b=both: (
                definitions.auroc_to(k, v, m) if b else None
            ),
            f"{prefix}_auroc_to_{limit:.2f}_mcclish": lambda k=kind, v=values, m=limit, b=both: (
                definitions.auroc_to_mcclish(k, v, m) if b else None
            ),
            f"{prefix}_recall_at_fpr_0.05": lambda k=kind, v=values, b=both: found_within(k, v)[0] if b else None,
            f"{prefix}_precision_at_fpr_0.05": lambda k=kind, v=values, b=both: found_within(k, v)[1] if b else None,
        }
    figures |= {f"aupro_{limit:.2f}": lambda m=limit: definitions.aupro(maps, m) for limit in (0.3, 0.05, 1.0)}
    figures |= {"aupro_0.30_100_ranks": lambda: definitions.aupro_ranks(maps, 0.3)}
    for part, word in enumerate(("smallest", "middle", "largest")):
        figures[f"aupro_0.30_{word}_third"] = lambda p=part: definitions.aupro_of(
            maps, definitions.size_thirds(maps)[p], 0.3
        )
    some = positive.any()
    figures |= {
        "aupimo": lambda: definitions.aupimo(maps, 1e-5, 1e-4),
        "iou_best_threshold_mean": lambda: definitions.best_mean_iou(maps),
        "iou_best_threshold": lambda: definitions.best_iou(maps)[0] if some else None,
        # As all figures of regions it is undefined without a normal pixel.
        "pro_at_0.5": lambda: None if positive.all() else definitions.pro_above(maps, FIXED),
    }
    return attempt(figures)


def best_f1(positive, scores):
    precision, recall, _ = metrics.precision_recall_curve(positive, scores)
    return np.max(2 * precision * recall / np.maximum(precision + recall, 1e-300))


def at_rate(positive, scores, limit):
    """Recall and precision at the lowest threshold whose false-positive rate is at most the limit."""
    rates, recalls, _ = metrics.roc_curve(positive, scores, drop_intermediate=False)
    last = np.flatnonzero(rates <= limit)[-1]
    found = recalls[last] * positive.sum()
    called = found + rates[last] * (~positive).sum()
    return recalls[last], found / called if called else None


def area_to(positive, scores, limit):
    rates, recalls, _ = metrics.roc_curve(positive, scores, drop_intermediate=False)
    inside = rates <= limit
    rates, recalls = (
        np.append(rates[inside], limit),
        np.append(recalls[inside], np.interp(limit, rates, recalls)),
    )
    return metrics.auc(rates, recalls) / limit


def scikit_learn(case):
    """Exact curves in float64."""
    positive, pixels = definitions.pooled(case.maps)
    pixels = pixels.astype(np.float64)
    if case.large:
        kinds = {"auroc": metrics.roc_auc_score, "average_precision": metrics.average_precision_score}
        return attempt({f"pixel_{name}": lambda k=kind: k(positive, pixels) for name, kind in kinds.items()})
    figures = {}
    for prefix, truth, scores, limit in [
        ("image", case.image_truth(), case.image_scores(), IMAGE_LIMIT),
        ("pixel", positive, pixels, PIXEL_LIMIT),
    ]:
        if not definitions.has_both(truth):
            continue
        given = (truth, scores)
        figures |= {
            f"{prefix}_auroc": lambda g=given: metrics.roc_auc_score(*g),
            f"{prefix}_average_precision": lambda g=given: metrics.average_precision_score(*g),
            f"{prefix}_f1_max": lambda g=given: best_f1(*g),
            f"{prefix}_auroc_to_{limit:.2f}": lambda g=given, m=limit: area_to(*g, m),
            f"{prefix}_auroc_to_{limit:.2f}_mcclish": lambda g=given, m=limit: metrics.roc_auc_score(*g, max_fpr=m),
            f"{prefix}_recall_at_fpr_0.05": lambda g=given: at_rate(*g, ALARM_RATE)[0],
            f"{prefix}_precision_at_fpr_0.05": lambda g=given: at_rate(*g, ALARM_RATE)[1],
        }
    both = [(mask.ravel(), scores.ravel()) for scores, mask in case.maps if definitions.has_both(mask)]
    if both:
        figures |= {
            "pixel_auroc_mean": lambda: np.mean([metrics.roc_auc_score(*pair) for pair in both]),
            "pixel_average_precision_mean": lambda: np.mean([metrics.average_precision_score(*pair) for pair in both]),
            "pixel_f1_max_mean": lambda: np.mean([best_f1(*pair) for pair in both]),
        }
    anomalous = [(mask.ravel(), scores.ravel()) for scores, mask in case.maps if mask.any()]
    if anomalous:
        figures |= {
            "iou_at_0.5": lambda: metrics.jaccard_score(positive, pixels > FIXED, zero_division=0),
            "iou_at_0.5_mean": lambda: np.mean(
                [metrics.jaccard_score(mask, scores > FIXED, zero_division=0) for mask, scores in anomalous]
            ),
        }
    return attempt(figures)


def mvtec_3d(case):
    """MVTec 3D-AD's program, as adeval carries it along: 100 ranks by default. Maps of one size only."""
    gts = [mask.astype(int) for _, mask in case.maps]
    maps = [scores.astype(np.float64) for scores, _ in case.maps]
    if case.large:
        return {}
    return attempt({"aupro_0.30_100_ranks": lambda: calculate_au_pro(gts, maps, 0.3, 100)[0]})


def adeval_binned(case):
    """adeval's own path: a histogram of 1000 strips between the lowest and the highest score."""
    if not hasattr(np, "trapz"):
        # Gone since NumPy 2.4, and adeval 1.1.0 still asks for it.
        np.trapz = np.trapezoid
    maps = [scores.astype(np.float32) for scores, _ in case.maps]
    masks = [mask.astype(np.uint8) for _, mask in case.maps]
    try:
        auroc, precision, aupro = adeval.auroc_aupr_aupro(maps, masks)
    except Exception as error:  # noqa: BLE001
        auroc = precision = aupro = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return {"pixel_auroc": auroc, "pixel_average_precision": precision, "aupro_0.30": aupro}


def of_pairs(pairs, makers):
    """Figures of torchmetrics' kind: made, given everything at once, asked."""

    def ask(make, scores, truth):
        metric = make()
        metric.update(torch.tensor(scores), torch.tensor(truth).int())
        return metric.compute()

    return attempt({name: lambda n=name, m=make: ask(m, *pairs[n.split("_")[0]]) for name, make in makers.items()})


def pairs_of(case):
    positive, pixels = definitions.pooled(case.maps)
    return {
        "image": (case.image_scores(), case.image_truth()),
        "pixel": (pixels.astype(np.float64), positive),
    }


def torchmetrics_exact(case):
    """Its exact mode (`thresholds=None`), given float64."""
    kinds = {"auroc": BinaryAUROC, "average_precision": BinaryAveragePrecision}
    return of_pairs(pairs_of(case), {f"{prefix}_{name}": kinds[name] for prefix in ("image", "pixel") for name in kinds})


def anomalib_metrics(case):
    """Its metrics without its resizing; those of regions take maps of one size only."""
    kinds = {"auroc": _AUROC, "average_precision": _AUPR, "f1_max": _F1Max}
    names = {f"{prefix}_{name}": kinds[name] for prefix in ("image", "pixel") for name in kinds}
    values = of_pairs(pairs_of(case), names)
    if not case.one_size():
        return values
    maps = torch.tensor(np.stack([scores.astype(np.float32) for scores, _ in case.maps]))
    masks = torch.tensor(np.stack([mask for _, mask in case.maps])).int()

    def region_metric(metric):
        metric.update(maps, masks)
        return metric.compute()

    def aupimo():
        *_, image_classes, areas, _ = aupimo_scores(maps, masks.bool(), force=True)
        return areas[image_classes == 1].mean()

    limits = {f"aupro_{limit:.2f}": lambda m=limit: region_metric(_AUPRO(fpr_limit=m)) for limit in (0.3, 0.05, 1.0)}
    if case.large:
        return values | attempt({"aupro_0.30": limits["aupro_0.30"]})
    return values | attempt({**limits, "pro_at_0.5": lambda: region_metric(_PRO(threshold=FIXED)), "aupimo": aupimo})


ORACLES = {
    "by definition": by_definition,
    "scikit-learn": scikit_learn,
    "MVTec 3D-AD's program": mvtec_3d,
    "torchmetrics": torchmetrics_exact,
    "anomalib": anomalib_metrics,
    "adeval": adeval_binned,
}

VERSIONS = {
    name: version(name) for name in ("numpy", "scipy", "scikit-learn", "torch", "torchmetrics", "anomalib", "adeval")
}
