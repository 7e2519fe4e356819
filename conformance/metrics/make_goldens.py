"""Golden values for cavga-metrics, from scikit-learn, SciPy and plain loops over every threshold.

Run from the repository's root; it needs nothing of this repository, and its output is checked in:

    python -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1
    venv/bin/python conformance/metrics/make_goldens.py

It writes crates/metrics/tests/goldens/metrics.json, which crates/metrics/tests/goldens.rs compares with. The same
versions write the same bytes. Scores are multiples of 1/64 or have five significant digits; either way they are stored
as the shortest decimal that gives back the same float32.

What has no function in scikit-learn is computed from its definition, in definitions.py beside this file, with a
comparison of all pixels at each threshold instead of a sort.
"""

import json
from pathlib import Path

import definitions
import numpy as np
import scipy
import sklearn
from definitions import best_f1
from sklearn import metrics

OUTPUT = Path(__file__).resolve().parents[2] / "crates/metrics/tests/goldens/metrics.json"
FIXED_THRESHOLD = np.float32(0.5)
LIMITS = [0.05, 0.3, 1.0]
# The limits of AUROC and of the alarm rate; 0 asks for thresholds without a false alarm.
RATE_LIMITS = [0.05, 0.1, 0.3]
ALARM_RATES = [0.0, 0.05, 0.3]
# The first are those of AUPIMO; maps as small as these have rates between them only in the second.
PIMO_LIMITS = [(1e-5, 1e-4), (0.01, 0.3)]
# A region counts as found from this share of its pixels on (rounded down, at least one pixel).
SATURATION = 0.5


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
        **rate_figures(positive, scores),
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


def rate_figures(positive, scores):
    """What images and pixels share."""
    return {
        # Limit, the area divided by the limit, McClish's.
        "auroc_to": [
            [limit, definitions.auroc_to(positive, scores, limit), metrics.roc_auc_score(positive, scores, max_fpr=limit)]
            for limit in RATE_LIMITS
        ],
        # Limit, recall, precision.
        "at_false_positive_rate": [
            [limit, *definitions.at_false_positive_rate(positive, scores, limit)] for limit in ALARM_RATES
        ],
    }


def pixel_case(random, shapes, style):
    maps = []
    for index, (height, width) in enumerate(shapes):
        mask = random_mask(random, height, width, 0 if index % 3 == 2 else int(random.integers(1, 6)))
        maps.append((random_scores(random, mask, style), mask))
    positive, scores = definitions.pooled(maps)
    regions = definitions.region_scores(maps)
    saturations = [max(int(SATURATION * len(region)), 1) for region in regions]
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
        "regions": len(regions),
        "auroc": float(metrics.roc_auc_score(positive, scores)),
        "average_precision": float(metrics.average_precision_score(positive, scores)),
        "f1_max": f1,
        **rate_figures(positive, scores),
        "auroc_mean": definitions.mean_over_images(maps, metrics.roc_auc_score),
        "average_precision_mean": definitions.mean_over_images(maps, metrics.average_precision_score),
        "f1_max_mean": definitions.mean_over_images(maps, lambda mask, values: best_f1(mask, values)[0]),
        "aupro": [[limit, definitions.aupro(maps, limit)] for limit in LIMITS],
        "aupro_100_ranks": [[limit, definitions.aupro_ranks(maps, limit)] for limit in LIMITS],
        # Limit, then the smallest, the middle and the largest third of the regions.
        "aupro_size_thirds": [
            [limit, *(definitions.aupro_of(maps, part, limit) for part in definitions.size_thirds(maps))]
            for limit in LIMITS
        ],
        # One per region, in the order of the maps and within a map of the regions' first pixels.
        "saturations": saturations,
        "auspro": [[limit, definitions.auspro(maps, saturations, limit)] for limit in LIMITS],
        # Lower and upper limit of the rate, then the area.
        "aupimo": [[low, high, definitions.aupimo(maps, low, high)] for low, high in PIMO_LIMITS],
        "fixed_threshold": float(FIXED_THRESHOLD),
        "pro_above_fixed_threshold": definitions.pro_above(maps, FIXED_THRESHOLD),
        "iou_pooled": definitions.iou(scores > FIXED_THRESHOLD, positive),
        "iou_mean_over_anomalous_images": float(
            np.mean([definitions.iou(scores > FIXED_THRESHOLD, mask) for scores, mask in maps if mask.any()])
        ),
        "iou_best": float(best),
        # Among thresholds that are equal but for rounding, the highest.
        "iou_best_threshold": max(float(str(threshold)) for value, threshold in ious if value > best - 1e-12),
        # Each image at its own best threshold.
        "iou_best_mean": definitions.best_mean_iou(maps),
    }


def delong_case(random, count, share, style):
    positive = random.random(count) < share
    positive[:4] = [True, False, True, False]
    first, second = random_scores(random, positive, style), random_scores(random, positive, style)
    # The second agrees with the first on some images, as two runs of one method do.
    second = np.where(random.random(count) < 0.5, first, second)
    names = ["auroc_first", "auroc_second", "variance_first", "variance_second", "covariance", "z", "p"]
    return {
        "positive": positive.tolist(),
        "first": [float(str(score)) for score in first],
        "second": [float(str(score)) for score in second],
        **dict(zip(names, definitions.delong(positive, first, second))),
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
    # A stream of its own, so that the cases before it stay what they are.
    pairs = np.random.default_rng(21)
    goldens = {
        "versions": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__},
        "images": [
            image_case(random, count, share, STYLES[(index + offset) % 4])
            for index, (count, share) in enumerate(counts)
            for offset in (0, 1)
        ],
        "delong": [
            delong_case(pairs, count, share, style)
            for count, share in [(4, 0.5), (20, 0.4), (60, 0.2), (60, 0.9)]
            for style in STYLES
        ],
        "pixels": [pixel_case(random, sizes, style) for sizes in shapes for style in STYLES],
    }
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(goldens, separators=(",", ":"), allow_nan=False) + "\n", encoding="utf-8")
    print(f"{OUTPUT}: {OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
