"""PatchCore (Roth et al., CVPR 2022) and PaDiM (Defard et al., ICPR 2020) on given features, from the papers: plain NumPy in float64, every
distance from its difference, no matrix product in its place and no running minimum. Slow on purpose: nothing here can share a mistake with
a fast implementation.

A tap is the features of one stage of an encoder, `[channels, height, width]`. An image has one or more, from the finest grid to the
coarsest. What the papers leave open is said where it is settled.
"""

import math

import numpy as np

# Of the Gaussian's window to each side of its middle, in deviations.
REACH = 3


# Grids


def weights_of(old, new):
    """How a line of `new` values is made of one of `old`: `[new, old]`. Bilinear; value i stands at (i + ½)/count, the ends continue."""
    found = np.zeros((new, old))
    for at in range(new):
        place = min(max((at + 0.5) * old / new - 0.5, 0.0), old - 1.0)
        low = int(place)
        found[at, low] += 1 - (place - low)
        found[at, min(low + 1, old - 1)] += place - low
    return found


def resized(values, size):
    """`[..., height, width]` → `[..., *size]`, without a filter before a smaller size."""
    down, across = (weights_of(old, new) for old, new in zip(values.shape[-2:], size))
    return np.einsum("yh,...hw,xw->...yx", down, values, across)


def pooled(tap):
    """PatchCore's f_agg, an average over 3×3 positions. Outside the tap there are zeros, and they count."""
    height, width = tap.shape[-2:]
    padded = np.pad(tap, [(0, 0), (1, 1), (1, 1)])
    return sum(padded[:, y : y + height, x : x + width] for y in range(3) for x in range(3)) / 9


def joined(taps):
    """All taps on the grid of the first, the finest: `[channels of all, height, width]`."""
    return np.concatenate([resized(tap, taps[0].shape[-2:]) for tap in taps])


def positions(features):
    """`[channels, height, width]` → `[height·width, channels]`, row by row of the grid."""
    return features.reshape(len(features), -1).T


def smoothed(image, deviation):
    """A Gaussian of `deviation` pixels over `[height, width]`; beyond an edge its value goes on."""
    radius = math.ceil(REACH * deviation)
    offsets = np.arange(-radius, radius + 1)
    window = np.exp(-0.5 * (offsets / deviation) ** 2)
    window /= window.sum()
    for axis in range(2):
        places = np.arange(image.shape[axis])
        taken = [image.take(np.clip(places + offset, 0, len(places) - 1), axis) for offset in offsets]
        image = sum(weight * values for weight, values in zip(window, taken))
    return image


def map_of(grid, size, deviation):
    """A map of an image of `size` from one value per position."""
    return smoothed(resized(grid, size), deviation)


# PatchCore


def patches(taps):
    """The locally aware patch features of an image, `[height·width, channels]`: pooled, then joined (section 3.1)."""
    return positions(joined([pooled(tap) for tap in taps]))


def distances(row, rows):
    """Euclidean, of one row to each of `rows`."""
    return np.sqrt(((rows - row) ** 2).sum(1))


def coreset_size(share, count):
    return max(1, math.floor(share * count))


def coreset(rows, size, first):
    """Algorithm 1, greedy k-centre: after `first` each pick is the row farthest from the picks before it, of several the lowest.

    Also gives the least gap, relative to the farthest distance, between a pick and the runner-up that is not the same row again."""
    picks, gap = [first], math.inf
    while len(picks) < size:
        farness = np.array([distances(row, rows[picks]).min() for row in rows])
        pick = int(farness.argmax())
        others = farness[(rows != rows[pick]).any(1)]
        gap = min(gap, (farness[pick] - others.max()) / farness[pick])
        picks.append(pick)
    return picks, gap


def nearest(rows, bank):
    """Of each row the place and the distance of the nearest in the bank, of several the lowest."""
    found = [distances(row, bank) for row in rows]
    return [int(values.argmin()) for values in found], np.array([values.min() for values in found])


def weight(query, bank, neighbour, neighbours):
    """Equation 7's factor: 1 − exp‖q − m*‖ / Σ exp‖q − m‖ over the `neighbours` rows nearest to m*, the bank's row `neighbour`, which is one
    of them. 1 for a bank of one row, which has none to weigh by."""
    if len(bank) == 1:
        return 1.0
    around = np.argsort(distances(bank[neighbour], bank), kind="stable")[:neighbours]
    exponents = distances(query, bank[around])
    own = np.linalg.norm(query - bank[neighbour])
    return 1 - 1 / np.exp(exponents - own).sum()


def patchcore_score(rows, bank, neighbours):
    """An image's patch distances, the nearest of each patch, its largest patch, that patch's weight and the image's score."""
    places, found = nearest(rows, bank)
    patch = int(found.argmax())
    factor = weight(rows[patch], bank, places[patch], neighbours)
    return {"distances": found, "nearest": places, "patch": patch, "weight": factor, "score": factor * found[patch]}


# PaDiM


def embeddings(taps, channels):
    """`[height·width, len(channels)]`: taps joined without pooling, then the channels kept. The paper speaks of concatenated feature maps of
    several resolutions and leaves the enlargement open, its authors' code repeats values; here it is bilinear, as for PatchCore."""
    return positions(joined(taps))[:, channels]


def gaussians(images, epsilon):
    """Of `[images, positions, channels]` the mean and covariance at each position (equation 1). One image has no covariance but ε·I."""
    mean = images.mean(0)
    covariance = np.tile(epsilon * np.eye(mean.shape[1]), (len(mean), 1, 1))
    if len(images) > 1:
        for image in images:
            difference = image - mean
            covariance += difference[:, :, None] * difference[:, None, :] / (len(images) - 1)
    return mean, covariance


def mahalanobis(image, mean, covariance):
    """Equation 2, at each position."""
    difference = image - mean
    return np.array([math.sqrt(d @ np.linalg.solve(c, d)) for d, c in zip(difference, covariance)])
