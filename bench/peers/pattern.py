"""Numbers that both sides make alike, as in bench/src/pattern.rs."""

import numpy as np


def values(*shape):
    """`index·7919 mod 1009`, over 1009: in [0, 1)."""
    index = np.arange(np.prod(shape), dtype=np.int64)
    return ((index * 7919 % 1009).astype(np.float32) / np.float32(1009)).reshape(shape)


def centred(*shape):
    """The same about 0, for gradients and weights."""
    return values(*shape) - np.float32(0.5)


def images(case):
    return values(case["batch"], 3, case["size"], case["size"])
