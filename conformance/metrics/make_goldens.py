"""Golden values for cavga-metrics, from scikit-learn, SciPy and plain loops over every threshold.

Run from the repository's root; it needs nothing of this repository, and its output is checked in:

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    venv/bin/python conformance/metrics/make_goldens.py

It writes crates/metrics/tests/goldens/metrics.json, which crates/metrics/tests/goldens.rs compares with. The same
versions write the same bytes. Scores are multiples of 1/64 or have five significant digits; either way they are stored
as the shortest decimal that gives back the same float32.

AUPRO and IoU have no function in scikit-learn; they are computed here from the definition (Bergmann et al., "The MVTec
Anomaly Detection Dataset", IJCV 2021), with a comparison of all pixels at each threshold instead of a sort.
"""

import json
from pathlib import Path

import numpy as np
import scipy
import sklearn
from scipy import ndimage
from sklearn import metrics

OUTPUT = Path(__file__).resolve().parents[2] / "crates/metrics/tests/goldens/metrics.json"
FIXED_THRESHOLD = np.float32(0.5)
LIMITS = [0.05, 0.3, 1.0]


def random_scores(random, positive, style):
    """Scores that overlap between the kinds; coarse ones have many ties, shifted ones leave [0, 1] on both sides."""
    noise = random.normal(0.35 + 0.3 * positive, 0.25)
    if style == "coarse":
        return (np.round(noise * 8) / 8).astype(np.float32)
    if style == "shifted":
        return np.round(noise * 200 - 100, 3).astype(np.float32)
    if style == "clamped":
        return np.clip(np.round(noise * 64) / 64, 0, 1).astype(np.float32)
    return np.round(noise, 5).astype(np.float32)


STYLES = ["coarse", "fine", "shifted", "clamped"]


def best_f1(positive, scores):
    """The largest F1 of `score >= threshold`, and the highest threshold that reaches it."""
    best = (-1.0, None)
    for threshold in np.unique(scores)[::-1]:
        f1 = metrics.f1_score(positive, scores >= threshold)
        if f1 > best[0] + 1e-12:
            best = (float(f1), float(threshold))
    return best


def image_case(random, count, share, style):
    positive = random.random(count) < share
    positive[:2] = [True, False]
    scores = random_scores(random, positive, style)
    f1, threshold = best_f1(positive, scores)
    rates = metrics.roc_curve(positive, scores, drop_intermediate=False)
    precision, recall, thresholds = metrics.precision_recall_curve(positive, scores)
    return {
        "scores": [float(str(score)) for score in scores],
        "positive": positive.tolist(),
        "auroc": float(metrics.roc_auc_score(positive, scores)),
        "average_precision": float(metrics.average_precision_score(positive, scores)),
        "f1_max": f1,
        "f1_max_threshold": float(str(np.float32(threshold))),
        "fixed_threshold": float(FIXED_THRESHOLD),
        "balanced_accuracy": float(metrics.balanced_accuracy_score(positive, scores > FIXED_THRESHOLD)),
        "false_positive_rates": rates[0].tolist(),
        "true_positive_rates": rates[1].tolist(),
        # scikit-learn goes from the lowest threshold up and adds a point without a threshold; ours goes down, without it.
        "precisions": precision[:-1][::-1].tolist(),
        "recalls": recall[:-1][::-1].tolist(),
        "thresholds": [float(str(value)) for value in thresholds[::-1]],
    }


def random_mask(random, height, width, regions):
    """Discs, single pixels and bars that may touch; no regions gives a normal image's mask."""
    mask = np.zeros((height, width), bool)
    rows, columns = np.mgrid[:height, :width]
    for _ in range(regions):
        row, column = random.integers(height), random.integers(width)
        radius = random.choice([0.5, 1.5, 2.5, 3.5])
        stretch = random.choice([0.3, 1.0])
        mask |= (rows - row) ** 2 + stretch * (columns - column) ** 2 < radius**2
    return mask


def pro_curve(maps):
    """False-positive rate and mean overlap at every threshold, each compared with every pixel anew."""
    regions = []
    for scores, mask in maps:
        labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
        regions += [scores[labels == region] for region in range(1, count + 1)]
    normal = np.concatenate([scores[~mask] for scores, mask in maps])
    every = np.unique(np.concatenate([scores.ravel() for scores, _ in maps]))[::-1]
    rates, overlaps = [0.0], [0.0]
    for threshold in every:
        rates.append(np.mean(normal >= threshold))
        overlaps.append(np.mean([np.mean(region >= threshold) for region in regions]))
    return np.array(rates), np.array(overlaps), len(regions)


def area_to(rates, overlaps, limit):
    """Trapezoidal area for rates in [0, limit], cut linearly at the limit, divided by the limit."""
    inside = rates < limit
    first_outside = int(np.argmin(inside)) if not inside.all() else len(rates)
    left, right = first_outside - 1, first_outside
    slope = (overlaps[right] - overlaps[left]) / (rates[right] - rates[left])
    at_limit = overlaps[left] + slope * (limit - rates[left])
    cut_rates = np.append(rates[inside], limit)
    cut_overlaps = np.append(overlaps[inside], at_limit)
    return float(np.trapezoid(cut_overlaps, cut_rates) / limit)


def iou(called, mask):
    return float((called & mask).sum() / (called | mask).sum())


def pixel_case(random, shapes, style):
    maps = []
    for index, (height, width) in enumerate(shapes):
        mask = random_mask(random, height, width, 0 if index % 3 == 2 else int(random.integers(1, 6)))
        maps.append((random_scores(random, mask, style), mask))
    scores = np.concatenate([scores.ravel() for scores, _ in maps])
    positive = np.concatenate([mask.ravel() for _, mask in maps])
    rates, overlaps, regions = pro_curve(maps)
    ious = [(metrics.jaccard_score(positive, scores >= threshold), threshold) for threshold in np.unique(scores)]
    best = max(value for value, _ in ious)
    f1, _ = best_f1(positive, scores)
    return {
        "maps": [
            {
                "height": mask.shape[0],
                "width": mask.shape[1],
                "scores": [float(str(score)) for score in scores.ravel()],
                "mask": "".join(".#"[int(value)] for value in mask.ravel()),
            }
            for scores, mask in maps
        ],
        "regions": regions,
        "auroc": float(metrics.roc_auc_score(positive, scores)),
        "average_precision": float(metrics.average_precision_score(positive, scores)),
        "f1_max": f1,
        "aupro": [[limit, area_to(rates, overlaps, limit)] for limit in LIMITS],
        "fixed_threshold": float(FIXED_THRESHOLD),
        "iou_pooled": iou(scores > FIXED_THRESHOLD, positive),
        "iou_mean_over_anomalous_images": float(
            np.mean([iou(scores > FIXED_THRESHOLD, mask) for scores, mask in maps if mask.any()])
        ),
        "iou_best": float(best),
        # Among thresholds that are equal but for rounding, the highest.
        "iou_best_threshold": max(float(str(threshold)) for value, threshold in ious if value > best - 1e-12),
    }


def main():
    random = np.random.default_rng(20)
    counts = [(2, 0.5), (7, 0.5), (25, 0.3), (60, 0.05), (60, 0.9), (120, 0.5)]
    shapes = [
        [(1, 40)],
        [(8, 8), (5, 11)],
        [(12, 9), (9, 12), (10, 10)],
        [(20, 24), (16, 16), (3, 30), (24, 8)],
    ]
    goldens = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
        "images": [
            image_case(random, count, share, STYLES[(index + offset) % 4])
            for index, (count, share) in enumerate(counts)
            for offset in (0, 1)
        ],
        "pixels": [pixel_case(random, sizes, style) for sizes in shapes for style in STYLES],
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(goldens, separators=(",", ":"), allow_nan=False) + "\n", encoding="utf-8")
    print(f"{OUTPUT}: {OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
