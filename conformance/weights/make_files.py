"""Small weight files made with torch and safetensors, and what is in them, for crates/nn/tests/weights.rs.

Run from the repository's root; it needs nothing of this repository, and its output is checked in:

    python -m venv venv && venv/bin/pip install torch==2.15.0 numpy safetensors
    venv/bin/python conformance/weights/make_files.py

It writes into crates/nn/tests/weights. Every file holds a few numbers in a form that readers get wrong; expected.json
says, for each file that is to be read, what a reader gives: name, shape, values as f32 in row-major order. Files that are
not in it are to be refused. Nothing is random.
"""

import json
import os
import pickle
import struct
from pathlib import Path

import torch
from safetensors.torch import save_file

OUTPUT = Path(__file__).resolve().parents[2] / "crates/nn/tests/weights"


def ramp(*shape, dtype=torch.float32):
    """Numbers that f16 and bf16 hold exactly, all different."""
    count = 1
    for size in shape:
        count *= size
    return (torch.arange(count, dtype=torch.float64) / 4 - 3).reshape(shape).to(dtype)


class Net(torch.nn.Module):
    """Has parameters, buffers, and a counter that is a whole number."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 3)
        self.norm = torch.nn.BatchNorm2d(3)
        with torch.no_grad():
            self.conv.weight.copy_(ramp(3, 2, 3, 3))
            self.conv.bias.copy_(ramp(3))
            self.norm.running_var.copy_(ramp(3) + 4)


def views():
    """Tensors that are not their storage from begin to end."""
    base = ramp(4, 6)
    return {
        "transposed": base.t(),
        "row": base[2],
        "column": base[:, 3],
        "steps": base[::2, 1::3],
        "flipped_axes": ramp(2, 3, 4).permute(2, 0, 1),
        "repeated": ramp(3)[:, None].expand(3, 2),
        "scalar": torch.tensor(7.5),
        "empty": torch.zeros(0, 3),
    }


def shared():
    """Two names for the same numbers, and a part of them under a third."""
    weight = ramp(5, 2)
    return {"encoder": weight, "decoder": weight, "part": weight[1:3]}


class Hostile:
    """Runs a command when a careless reader loads it."""

    def __reduce__(self):
        return os.system, ("echo this must never run",)


GOOD = {}


def good(folder, name, content, expected, **options):
    torch.save(content, os.path.join(folder, name), **options)
    GOOD[name] = expected


def main(folder):
    os.makedirs(folder, exist_ok=True)
    net = Net()
    state = net.state_dict()
    old = {"_use_new_zipfile_serialization": False}
    typed = {str(t).split(".")[1]: ramp(2, 3, dtype=t) for t in (torch.float64, torch.float32, torch.float16, torch.bfloat16)}
    typed |= {str(t).split(".")[1]: torch.ones(2, dtype=t) for t in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)}
    floats = {name: t for name, t in typed.items() if t.is_floating_point()}
    for kind, options in (("zip", {}), ("old", old)):
        good(folder, f"net-{kind}.pth", state, state, **options)
        good(folder, f"types-{kind}.pth", typed, floats, **options)
        good(folder, f"views-{kind}.pth", views(), views(), **options)
        good(folder, f"shared-{kind}.pth", shared(), shared(), **options)
    good(folder, "parameters.pth", dict(net.named_parameters()), dict(net.named_parameters()))
    parallel = torch.nn.DataParallel(net).state_dict()
    good(folder, "parallel-in-checkpoint.pth", {"epoch": 3, "lr": 0.1, "best": None, "state_dict": parallel}, state)
    good(folder, "model-in-checkpoint.pth", {"model": state, "optimizer": {"state": {}, "param_groups": [{"lr": 1e-3, "betas": (0.9, 0.999)}]}}, state)
    good(folder, "protocol-4.pth", state, state, pickle_protocol=4)
    save_file({name: t.contiguous() for name, t in typed.items()}, os.path.join(folder, "types.safetensors"))
    GOOD["types.safetensors"] = floats

    # Storages within storages, as torch wrote them before 0.4: today's torch reads them but does not write them.
    write_storage_views(os.path.join(folder, "storage-views-old.pth"))
    GOOD["storage-views-old.pth"] = torch.load(os.path.join(folder, "storage-views-old.pth"), weights_only=False)

    # What must be refused.
    torch.save({"weight": ramp(2), "extra": Hostile()}, os.path.join(folder, "hostile-zip.pth"))
    torch.save({"weight": ramp(2), "extra": Hostile()}, os.path.join(folder, "hostile-old.pth"), **old)
    with open(os.path.join(folder, "hostile.pkl"), "wb") as file:
        pickle.dump(Hostile(), file, protocol=2)
    torch.save(net, os.path.join(folder, "whole-module.pth"))
    torch.save({"a": ramp(3), "bad": torch.tensor([1.0, float("nan")])}, os.path.join(folder, "nan.pth"))
    torch.save({"big": torch.tensor([1e300], dtype=torch.float64)}, os.path.join(folder, "overflow.pth"))
    torch.jit.save(torch.jit.script(torch.nn.PReLU()), os.path.join(folder, "script.pt"))
    torch.save({"step": torch.tensor(3)}, os.path.join(folder, "no-floats.pth"))

    def plain(tensor):
        tensor = tensor.detach().to(torch.float32)
        return {"shape": list(tensor.shape), "values": tensor.contiguous().flatten().tolist()}

    expected = {
        file: {name: plain(t) for name, t in content.items() if t.is_floating_point()}
        for file, content in sorted(GOOD.items())
    }
    with open(os.path.join(folder, "expected.json"), "w") as file:
        json.dump(expected, file, separators=(",", ":"), sort_keys=True)
        file.write("\n")


def write_storage_views(path):
    """By hand: one storage of eight numbers, and a tensor in a view of its numbers 2 to 6."""

    def text(word):
        return b"X" + struct.pack("<I", len(word)) + word.encode()

    def storage(view):
        return b"(" + text("storage") + b"ctorch\nFloatStorage\n" + text("7") + text("cpu") + b"K\x08" + view + b"tQ"

    def tensor(storage, offset, size):
        return b"ctorch._utils\n_rebuild_tensor\n(" + storage + bytes([ord("K"), offset]) + b"(K" + bytes([size]) + b"t(K\x01ttR"

    view = b"(" + text("8") + b"K\x02K\x04t"
    with open(path, "wb") as file:
        for value in (0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}):
            pickle.dump(value, file, protocol=2)
        file.write(b"\x80\x02ccollections\nOrderedDict\n)R(")
        file.write(text("whole") + tensor(storage(b"N"), 0, 8) + text("inner") + tensor(storage(view), 1, 3) + b"u.")
        pickle.dump(["7"], file, protocol=2)
        file.write(struct.pack("<q8f", 8, *range(8)))


if __name__ == "__main__":
    main(OUTPUT)
