"""Every figure from its definition: plain NumPy, all pixels compared anew at each threshold, no sort and no shortcut.

The goldens and the conformance run both take their reference values from here. Slow on purpose: nothing in it can share
a mistake with a fast implementation. A set is a list of `(scores, mask)`, two arrays of one shape, the mask boolean; an
image whose mask is empty is normal. A figure that the set does not define is None.

Unless a function says otherwise a pixel is called anomalous where `score >= threshold`, the thresholds are the distinct
scores of all pixels, from the highest down, and before the highest stands one that calls nothing.
"""

import math

import numpy as np
from scipy import ndimage
from sklearn import metrics

EIGHT_NEIGHBOURS = np.ones((3, 3))
# Bounds the memory, nothing else.
COMPARED_AT_ONCE = 20_000_000


def regions_of(mask, structure=EIGHT_NEIGHBOURS):
    """The regions of one mask as boolean arrays, in the order of their first pixels."""
    labels, count = ndimage.label(mask, structure=structure)
    return [labels == region for region in range(1, count + 1)]


def shares(scores, thresholds):
    """Of each threshold the share of the scores at or above it, by comparing every score with every threshold."""
    step = max(1, COMPARED_AT_ONCE // max(1, len(scores)))
    counts = [
        np.count_nonzero(scores >= thresholds[start : start + step, None], axis=1)
        for start in range(0, len(thresholds), step)
    ]
    return np.concatenate(counts) / len(scores)


def region_scores(maps):
    """The scores inside of each region of each mask."""
    return [scores[region] for scores, mask in maps for region in regions_of(mask)]


def normal_scores(maps):
    """The scores of all normal pixels, those of anomalous images included."""
    return np.concatenate([scores[~mask] for scores, mask in maps])


def thresholds_of(maps):
    return np.unique(np.concatenate([scores.ravel() for scores, _ in maps]))[::-1]


def pooled(maps):
    """All pixels as one long array: their truth, their scores."""
    positive = np.concatenate([mask.ravel() for _, mask in maps])
    return positive, np.concatenate([scores.ravel() for scores, _ in maps])


def has_both(positive):
    return bool(positive.any() and not positive.all())


def area_to(rates, values, limit):
    """Trapezoidal area for rates in [0, limit], cut linearly at the limit, divided by the limit."""
    inside = rates < limit
    first_outside = int(np.argmin(inside)) if not inside.all() else len(rates)
    left, right = first_outside - 1, first_outside
    slope = (values[right] - values[left]) / (rates[right] - rates[left])
    at_limit = values[left] + slope * (limit - rates[left])
    cut_rates = np.append(rates[inside], limit)
    cut_values = np.append(values[inside], at_limit)
    return float(np.trapezoid(cut_values, cut_rates) / limit)


# Figures of any scores: one per image, or one per pixel.


def best_f1(positive, scores):
    """The largest F1, and the highest threshold that reaches it."""
    best = (-1.0, None)
    for threshold in np.unique(scores)[::-1]:
        f1 = metrics.f1_score(positive, scores >= threshold)
        if f1 > best[0] + 1e-12:
            best = (float(f1), float(threshold))
    return best


def roc_points(positive, scores):
    thresholds = np.unique(scores)[::-1]
    rates, recalls = shares(scores[~positive], thresholds), shares(scores[positive], thresholds)
    return np.append(0.0, rates), np.append(0.0, recalls), thresholds


def auroc_to(positive, scores, limit):
    """The area under the ROC curve for false-positive rates in [0, limit], divided by the limit."""
    rates, recalls, _ = roc_points(positive, scores)
    return area_to(rates, recalls, limit)


def auroc_to_mcclish(positive, scores, limit):
    """The same area, rescaled so that chance is 1/2 and perfect is 1 (McClish 1989; scikit-learn's `max_fpr`)."""
    area = auroc_to(positive, scores, limit) * limit
    least, most = limit * limit / 2, limit
    return (1 + (area - least) / (most - least)) / 2


def at_false_positive_rate(positive, scores, limit):
    """Recall and precision at the lowest threshold whose false-positive rate is at most the limit.

    Where even the highest score has a larger rate nothing may be called: the recall is 0 and there is no precision.
    """
    for threshold in np.unique(scores):
        if np.mean(scores[~positive] >= threshold) <= limit:
            called = scores >= threshold
            return float(np.mean(called[positive])), float(np.mean(positive[called]))
    return 0.0, None


# Figures of regions.


def overlap_curve(maps, regions, saturations=None):
    """The false-positive rate and the mean overlap of these regions (arrays of their scores) at every threshold.

    A region's overlap is the share of its pixels that are called; with saturations it is full from that many pixels on.
    """
    if saturations is None:
        saturations = [len(region) for region in regions]
    thresholds = thresholds_of(maps)
    rates = shares(normal_scores(maps), thresholds)
    parts = [
        np.minimum(shares(region, thresholds) * (len(region) / size), 1.0) for region, size in zip(regions, saturations)
    ]
    return np.append(0.0, rates), np.append(0.0, np.mean(parts, axis=0))


def aupro(maps, limit):
    """Bergmann et al., "The MVTec Anomaly Detection Dataset", IJCV 2021."""
    regions = region_scores(maps)
    if not regions or not len(normal_scores(maps)):
        return None
    return area_to(*overlap_curve(maps, regions), limit)


def aupro_ranks(maps, limit, ranks=100):
    """AUPRO as MVTec 3D-AD's evaluation samples it: at 100 equidistant ranks of the sorted normal scores.

    Here a pixel is called where `score > threshold`, and the false-positive rate is that of the rank, not of the score:
    where scores are equal it falls although nothing else is called.
    """
    regions, normal = region_scores(maps), np.sort(normal_scores(maps))
    if not regions or not len(normal):
        return None
    rates, overlaps = [1.0], [1.0]
    for rank in np.linspace(0, len(normal) - 1, num=ranks, dtype=int):
        rates.append(1.0 - (rank + 1) / len(normal))
        overlaps.append(np.mean([np.mean(region > normal[rank]) for region in regions]))
    return area_to(np.array(rates[::-1]), np.array(overlaps[::-1]), limit)


def auspro(maps, saturations, limit):
    """The area under the saturated overlap (Bergmann et al., "Beyond Dents and Scratches", IJCV 2022).

    `saturations`: pixels from which on a region counts as found, one per region, in the order of `region_scores`. That
    benchmark's program takes each defect from a file of its own; here they are the mask's regions. It looks at some
    thresholds only, refined until the curve's steps are at most 0.01 long; this looks at all.
    """
    return area_to(*overlap_curve(maps, region_scores(maps), saturations), limit)


def size_thirds(maps):
    """The regions' scores in three groups by size; regions of one size stay together, so the order of maps does not matter.

    Of n regions sorted by size, the first group has those not larger than the ceil(n/3)-th, the second those not larger
    than the ceil(2n/3)-th that are not in the first, the third the others.
    """
    regions = region_scores(maps)
    sizes = sorted(map(len, regions))
    small, medium = (sizes[-(-part * len(sizes) // 3) - 1] if sizes else 0 for part in (1, 2))
    return [
        [region for region in regions if low < len(region) <= high]
        for low, high in ((0, small), (small, medium), (medium, float("inf")))
    ]


def aupro_of(maps, regions, limit):
    """AUPRO of some regions only; the false-positive rate stays that of all normal pixels."""
    return area_to(*overlap_curve(maps, regions), limit) if regions and len(normal_scores(maps)) else None


def pro_above(maps, threshold):
    """The mean overlap of the regions where `score > threshold`."""
    regions = region_scores(maps)
    return float(np.mean([np.mean(region > threshold) for region in regions])) if regions else None


# Figures of images.


def mean_over_images(maps, figure):
    """The mean of a figure over the images that have both kinds of pixels."""
    values = [figure(mask.ravel(), scores.ravel()) for scores, mask in maps if has_both(mask)]
    return float(np.mean(values)) if values else None


def aupimo(maps, low, high):
    """The area under the per-image overlap (Bertoldo et al., "AUPIMO", BMVC 2024), mean over the anomalous images.

    The false-positive rate of a threshold is the mean over the normal images of their share of pixels called. The curve
    is an image's recall against that rate's logarithm. It is exact, hence a step: at a rate f stands the largest recall
    of all thresholds whose rate is at most f.
    """
    normal = [scores for scores, mask in maps if not mask.any()]
    anomalous = [scores[mask] for scores, mask in maps if mask.any()]
    if not normal or not anomalous:
        return None
    thresholds = thresholds_of(maps)
    rates = np.append(0.0, np.mean([shares(scores.ravel(), thresholds) for scores in normal], axis=0))
    edges = np.unique(np.concatenate([[low, high], rates[(rates > low) & (rates < high)]]))
    widths = np.diff(np.log10(edges)) / math.log10(high / low)
    areas = []
    for scores in anomalous:
        recalls = np.append(0.0, shares(scores, thresholds))
        areas.append(sum(width * recalls[rates <= left].max() for left, width in zip(edges[:-1], widths)))
    return float(np.mean(areas))


def iou(called, mask):
    union = (called | mask).sum()
    return float((called & mask).sum() / union) if union else 0.0


def iou_curve(called_share, found_share, pixels, positives):
    """IoU at every threshold from the shares of all pixels called and of the anomalous ones called."""
    called, found = called_share * pixels, found_share * positives
    return found / (called + positives - found)


def best_iou(maps):
    """The largest IoU of all pixels pooled, and the highest threshold that reaches it."""
    positive, scores = pooled(maps)
    thresholds = thresholds_of(maps)
    called, found = shares(scores, thresholds), shares(scores[positive], thresholds)
    ious = iou_curve(called, found, len(scores), positive.sum())
    best = int(np.argmax(ious > ious.max() - 1e-12))
    return float(ious[best]), float(thresholds[best])


def best_mean_iou(maps):
    """The mean over images with both kinds of pixels of each one's largest IoU, at a threshold of its own."""
    best = []
    for scores, mask in maps:
        if mask.any() and not mask.all():
            thresholds = thresholds_of([(scores, mask)])
            called = shares(scores.ravel(), thresholds)
            best.append(np.max(iou_curve(called, shares(scores[mask], thresholds), mask.size, mask.sum())))
    return float(np.mean(best)) if best else None


# Two scores of the same images.


def delong(positive, first, second):
    """DeLong, DeLong and Clarke-Pearson, Biometrics 1988, by comparing each positive with each negative.

    Returns (auroc of first, of second, variance of first, of second, covariance, z, two-sided p); z and p are None where
    the variance of the difference is 0.
    """

    def components(scores):
        wins = np.array(
            [
                [1.0 if high > low else 0.5 if high == low else 0.0 for low in scores[~positive]]
                for high in scores[positive]
            ]
        )
        return wins.mean(), wins.mean(axis=1), wins.mean(axis=0)

    (first_area, *first_parts), (second_area, *second_parts) = components(first), components(second)

    def covariance(one, other):
        total = 0.0
        for left, right in zip(one, other):
            total += float(np.sum((left - left.mean()) * (right - right.mean())) / (len(left) - 1) / len(left))
        return total

    variances = covariance(first_parts, first_parts), covariance(second_parts, second_parts)
    shared = covariance(first_parts, second_parts)
    spread = variances[0] + variances[1] - 2 * shared
    if spread <= 1e-15:
        z, p = None, None
    else:
        z = float((first_area - second_area) / math.sqrt(spread))
        p = math.erfc(abs(z) / math.sqrt(2))
    return float(first_area), float(second_area), *variances, shared, z, p
