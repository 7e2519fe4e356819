"""Golden files for cavga-data's readers of arrays and of CIFAR-10's Python form, written by NumPy and by Python's pickle.

Run from the repository's root; it needs nothing of this repository, and its output is checked in:

    python -m venv venv && venv/bin/pip install numpy==2.4.6
    venv/bin/python conformance/data/make_goldens.py

It writes crates/data/tests/goldens/, which the tests in crates/data/src/archive compare with the rules below. The same
versions write the same bytes.

CIFAR-10's own files were written by Python 2, whose pickles have no texts of Python 3. `Python2` writes as it did: bytes
and texts alike as the commands `U` and `T`, and NumPy's modules by their names of then.
"""

import io
import pickle
import struct
from pathlib import Path

import numpy as np

OUTPUT = Path(__file__).resolve().parents[2] / "crates/data/tests/goldens"
SHAPE = (3, 2, 4)
LABELS = [3, 9]
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def frames(kind):
    """Values that aren't 0 where their number in the array, divided by 3, leaves 1; -0.0 counts as 0."""
    kind = np.dtype(kind)
    count = int(np.prod(SHAPE))
    marks = {"b": [True], "u": [1, 128, 255], "i": [-1, 1, 127], "f": [-0.5, 6e-8, np.inf]}[kind.kind]
    values = [marks[i // 3 % len(marks)] if i % 3 == 1 else 0 for i in range(count)]
    values = np.array(values).astype(kind)
    if kind.kind == "f":
        values[0] = -0.0
    return values.reshape(SHAPE)


def write_arrays(folder):
    folder.mkdir(parents=True, exist_ok=True)
    kinds = ["?", "u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8"]
    for kind in kinds:
        np.save(folder / f"{np.dtype(kind).name}.npy", frames(kind))
    for version in [(2, 0), (3, 0)]:
        with open(folder / f"version{version[0]}.npy", "wb") as file:
            np.lib.format.write_array(file, frames("u1"), version=version)
    np.save(folder / "labels.npy", frames("u1").ravel())
    # Not read: another order of values, of bytes, and something else than numbers.
    np.save(folder / "refused_fortran.npy", np.asfortranarray(frames("u1")))
    np.save(folder / "refused_big_endian.npy", frames(">f4"))
    np.save(folder / "refused_complex.npy", frames("u1").astype("c8"))
    np.save(folder / "refused_fields.npy", np.zeros(3, [("a", "u1"), ("b", "f4")]))
    np.save(folder / "refused_nan.npy", np.full((2, 2), np.nan))


class Python2(pickle._Pickler):
    """Protocol 2 as Python 2 wrote it."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_old(self, value):
        data = value.encode("latin1") if isinstance(value, str) else value
        short = len(data) < 256
        self.write(b"U" + bytes([len(data)]) + data if short else b"T" + struct.pack("<i", len(data)) + data)
        self.memoize(value)

    dispatch[bytes] = save_old
    dispatch[str] = save_old

    def save_global(self, value, name=None):
        module = {"numpy._core.multiarray": "numpy.core.multiarray"}.get(value.__module__, value.__module__)
        self.write(f"c{module}\n{value.__name__}\n".encode())
        self.memoize(value)

    dispatch[type] = save_global


class OldNames(Python2):
    """Functions too."""

    dispatch = dict(Python2.dispatch)
    dispatch[type(len)] = Python2.save_global


def batch(key):
    """Byte `p` of image `i` is (31 i + 7 p + 50 (p // 1024)) % 256."""
    images, values = np.mgrid[0 : len(LABELS), 0:3072]
    data = ((31 * images + 7 * values + 50 * (values // 1024)) % 256).astype(np.uint8)
    return {
        key("batch_label"): key("training batch 1 of 5"),
        key("labels"): LABELS,
        key("data"): data,
        key("filenames"): [key(f"image_{i}.png") for i in range(len(LABELS))],
    }


def python2(value):
    file = io.BytesIO()
    OldNames(file, 2).dump(value)
    data = file.getvalue()
    # What is written here is what Python reads.
    read = pickle.loads(data, encoding="bytes")
    assert set(read) == set(key.encode() for key in value)
    return data


def write_pickles(folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "python2.pickle").write_bytes(python2(batch(str)))
    meta = {"num_cases_per_batch": 10000, "label_names": CLASSES, "num_vis": 3072}
    (folder / "python2.meta").write_bytes(python2(meta))
    for protocol in [2, 3, 4]:
        data = pickle.dumps(batch(str.encode), protocol=protocol)
        (folder / f"python3_protocol{protocol}.pickle").write_bytes(data)
    columns = batch(str.encode)
    columns[b"data"] = np.asfortranarray(columns[b"data"])
    (folder / "columns.pickle").write_bytes(pickle.dumps(columns, protocol=4))
    (folder / "refused_protocol5.pickle").write_bytes(pickle.dumps(batch(str.encode), protocol=5))
    (folder / "refused_floats.pickle").write_bytes(
        pickle.dumps({"labels": [1], "data": np.zeros((1, 3072), np.float32)}, protocol=4)
    )
    (folder / "refused_code.pickle").write_bytes(pickle.dumps(print, protocol=2))


write_arrays(OUTPUT / "npy")
write_pickles(OUTPUT / "cifar")
