"""The two sides as processes that live as long as a measurement, idle while the other one works."""

import json
import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1]

# Keeps big buffers in the process, where glibc would hand each back to the system and have its pages zeroed again.
KEEP_BUFFERS = "glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold=1099511627776:glibc.malloc.top_pad=268435456"

# By name: the worker's file and arguments, and its allocator's settings.
ALL = {
    "eager": (["pytorch.py"], None),
    "channels-last": (["pytorch.py", "--channels-last"], None),
    "eager-same-malloc": (["pytorch.py"], KEEP_BUFFERS),
    "onnxruntime": (["ort.py"], None),
    "dataloader": (["loading.py"], None),
    "dataloader-tensor": (["loading.py", "--resize", "tensor"], None),
    "dataloader-torchvision": (["loading.py", "--decode", "torchvision"], None),
    **{tool: (["metrics.py", "--tool", tool], None) for tool in ("scikit-learn", "torchmetrics", "anomalib", "adeval")},
}

# Settings for other programs that would slow down or speed up one side only.
FOREIGN = (
    *("OPENBLAS_", "MKL_", "NVPL_", "BLIS_", "VECLIB_", "OMP_", "GOMP_", "KMP_", "LIBOMP_", "DNNL_", "ONEDNN_", "ORT_"),
    *("ATEN_", "TORCH", "PYTORCH_", "RAYON_", "MALLOC_", "GLIBC_TUNABLES", "LD_PRELOAD", "PYTHON"),
)


def environment(threads, malloc=None):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    kept |= {"RAYON_NUM_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}
    return kept | ({"GLIBC_TUNABLES": malloc} if malloc else {})


def program(name):
    return Path(os.environ["CAVGA_BENCH_PROGRAMS"]).resolve() / name


def python(script):
    return [sys.executable, str(BENCH / "peers" / script)]


class Worker:
    """One side. `name` is what it says of itself."""

    def __init__(self, command, environment):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True, encoding="utf-8")
        self.name = self._answer()["worker"]

    @classmethod
    def ours(cls, threads):
        return cls([program("cavga-bench")], environment(threads))

    @classmethod
    def peer(cls, name, threads):
        (script, *words), malloc = ALL[name]
        worker = cls([*python(script), *words, "--threads", str(threads)], environment(threads, malloc))
        worker.name += ", buffers kept" if malloc else ""
        return worker

    def ask(self, case, repeats):
        """Milliseconds of each repetition, and the process's peak memory in MiB."""
        print(json.dumps({"case": case, "repeats": repeats}), file=self.process.stdin, flush=True)
        answer = self._answer()
        return answer["ms"], answer["peak_mib"]

    def _answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"error: {self.process.args[0]} ended with code {self.process.wait()}; its own words are above")
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
