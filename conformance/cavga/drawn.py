"""Numbers fixed by a name, and what the goldens keep of an array: `crates/nn/tests/goldens/values.rs` says the same in Rust. NumPy alone."""

import json

import numpy as np

MASK = (1 << 64) - 1


def uniform(name, count):
    """Numbers in [−1, 1) fixed by a name: FNV-1a of the name, then SplitMix64 at each index, its upper 24 bits.

    All of them are multiples of 2⁻²³, so float32 holds them exactly.
    """
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & MASK
    z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2**23 - 1


SAMPLES = 12


def number(value):
    return float(f"{value.item():.8g}")


def summary(name, values):
    """What is kept of an array. Its entries are drawn by name, the first is always its largest."""
    flat = np.asarray(values, np.float64).ravel()
    chosen = ((uniform(name + "/samples", SAMPLES) + 1) / 2 * flat.size).astype(int)
    indices = [int(np.abs(flat).argmax()), *map(int, chosen[1:])]
    return {
        "size": flat.size,
        "norm": number(np.linalg.norm(flat)),
        "max": number(np.abs(flat).max()),
        "sum": number(flat.sum()),
        "dots": [number(flat @ uniform(f"{name}/dot{k}", flat.size)) for k in range(2)],
        "indices": indices,
        "samples": [number(flat[index]) for index in indices],
    }


def write(path, data):
    """One case a line, so that a change of one shows as such."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
