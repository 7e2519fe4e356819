"""PatchCore and PaDiM of `cavga` beside anomalib's: fit, model, first score, scores a second, and how right they are.

Both look at the same images with the same encoder and weights, at the same stages; both hold a tenth of the training images out.
"""

import json
import os
import shutil
import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

from harness import processes, tables
from harness.peers import Worker, environment, program, python
from harness.turns import alternate

# Strides of the features that each looks at: the default stages of ours.
STRIDES = {"patchcore": (8, 16), "padim": (4, 8, 16)}
# The defaults of ours, said to the peer.
SHARE, CHANNELS, HELD_OUT = 0.1, 100, 0.1
ROUTES = {"anomalib-engine": "engine", "anomalib-bare": "bare"}
BATCHES = 1, 8
SCORING_ROUNDS = 9


def shared():
    folder = Path(os.environ.get("CAVGA_TEST_DATA", Path(__file__).resolve().parents[2] / "../shared/data")).resolve()
    weights = folder / "weights/efficientnet_lite0_imagenet.safetensors"
    if not weights.is_file():
        raise SystemExit(f"error: {weights} is missing: CAVGA_TEST_DATA says where the weights and toothbrush are")
    return folder, weights


@dataclass
class Side:
    name: str
    method: str
    data: Path
    out: Path
    weights: Path
    threads: int
    size: int = 256

    @property
    def settings(self):
        return environment(self.threads)


class Ours(Side):
    def fit(self):
        chosen = f"method.encoder.weights={json.dumps(str(self.weights))}", f"data.size=[{self.size},{self.size}]"
        sets = [word for setting in chosen for word in ("--set", setting)]
        return [program("cavga"), "train", self.method, "--data", self.data, "--out", self.out, "--seed", "0", *sets]

    def model(self):
        return self.out / "model.safetensors"

    def first(self, image):
        return [program("cavga"), "predict", self.out, image, "--json"]

    def worker(self):
        return Worker.ours(self.threads)

    def case(self, images):
        return {"name": "model", "model": str(self.model()), "files": [str(image) for image in images]}

    def aurocs(self):
        processes.run([program("cavga"), "eval", self.out], self.settings)
        return json.loads((self.out / "metrics.json").read_text(encoding="utf-8"))


class Anomalib(Side):
    def command(self, verb, *words):
        common = ["--method", self.method, "--route", ROUTES[self.name], "--threads", str(self.threads)]
        strides = ["--strides", *map(str, STRIDES[self.method])]
        return [*python("patches.py"), verb, *common, *strides, "--channels", str(CHANNELS), *map(str, words)]

    def fit(self):
        given = "--data", self.data, "--weights", self.weights, "--size", self.size
        return self.command("fit", *given, "--out", self.out, "--share", SHARE, "--held-out", HELD_OUT)

    def model(self):
        return self.out / ("model.pt" if self.name == "anomalib-bare" else "weights/torch/model.pt")

    def first(self, image):
        return self.command("first", "--model", self.out, "--image", image)

    def worker(self):
        return Worker(self.command("serve", "--model", self.out, "--data", self.data), self.settings)

    def case(self, images):
        return {"name": "model", "batch": len(images)}

    def aurocs(self):
        return json.loads(processes.run(self.command("aurocs", "--model", self.out, "--data", self.data), self.settings).said)


def whole_processes(sides, image, rounds):
    """Fits and first scores in turns. Of each side the values by what they are."""
    found = [{label: [] for label in ("fit, s", "fit, peak MiB", "first score, s", "first score, peak MiB")} for _ in sides]
    for turn in range(rounds):
        for side, values in zip(sides, found):
            shutil.rmtree(side.out, ignore_errors=True)
            tables.progress(f"round {turn + 1}: {side.name} fits {side.method}")
            done = processes.run(side.fit(), side.settings)
            values["fit, s"].append(done.seconds)
            values["fit, peak MiB"].append(done.peak_mib)
    for side, values in zip(sides, found):
        values["model, MiB"] = [side.model().stat().st_size / 2**20]
        # The warm-up: program and model are in the system's cache then.
        processes.run(side.first(image), side.settings)
    for _ in range(2 * rounds + 1):
        for side, values in zip(sides, found):
            done = processes.run(side.first(image), side.settings)
            values["first score, s"].append(done.seconds)
            values["first score, peak MiB"].append(done.peak_mib)
    return found


def scoring(sides, images, found):
    """Milliseconds per image in turns, images in memory."""
    workers = [side.worker() for side in sides]
    try:
        for batch in BATCHES:
            cases = [side.case(images[:batch]) for side in sides]
            times = alternate(SCORING_ROUNDS, *zip(workers, cases))
            for values, own in zip(found, times):
                values[f"batch {batch}, ms per image"] = [ms / batch for ms in own]
    finally:
        for worker in workers:
            worker.__exit__()


def method(name):
    def run(arguments):
        folder, weights = shared()
        data = folder / "toothbrush"
        routes = list(ROUTES) if arguments.peer == "all" else [arguments.peer]
        with tempfile.TemporaryDirectory() as temporary:
            place = lambda name: Path(temporary) / name
            peers = [Anomalib(route, name, data, place(route), weights, arguments.threads) for route in routes]
            ours = Ours("cavga", name, data, place("ours"), weights, arguments.threads)
            sides = [*peers, ours]
            found = whole_processes(sides, sorted((data / "test/defective").iterdir())[0], arguments.rounds)
            scoring(sides, sorted((data / "train/good").iterdir()), found)
            right = [side.aurocs() for side in sides if side.name != "anomalib-engine"]
        ratios = []
        for peer, values in zip(peers, found):
            title = f"{name} on toothbrush at 256², {arguments.rounds} rounds, {arguments.threads} threads"
            tables.begin(title, peer.name, "cavga", "the unit of each row")
            ratios += [tables.row(label, theirs, found[-1][label]) for label, theirs in values.items()]
            print()
        speeds(sides, found)
        for side, values in zip((side for side in sides if side.name != "anomalib-engine"), right):
            print(f"{side.name}: image AUROC {values['image_auroc']:.4f}, pixel AUROC {values['pixel_auroc']:.4f}")
        return max(ratios)

    return run


def speeds(sides, found):
    for side, values in zip(sides, found):
        rates = [f"{1000 / statistics.median(values[f'batch {batch}, ms per image']):.1f}" for batch in BATCHES]
        print(f"{side.name}: {' and '.join(rates)} images/s at batch {' and '.join(map(str, BATCHES))}")


# Many images

MANY, SIDE = 4000, 330
# What the peer may take.
MOST_SECONDS, MOST_MIB = 600, 12 * 1024


def write_many(folder, leather):
    """Crops of the few normal leather images, enlarged, turned and with noise of their own: no two are the same, and none is far from all."""
    import numpy
    from PIL import Image

    random = numpy.random.default_rng(0)
    images = [Image.open(path).convert("RGB") for path in sorted((leather / "train/good").iterdir())]
    good = folder / "train/good"
    good.mkdir(parents=True)
    for index in range(MANY):
        image = images[index % len(images)]
        crop = int(random.integers(160, 257))
        left, top = random.integers(0, 257 - crop, 2)
        box = (int(left), int(top), int(left) + crop, int(top) + crop)
        image = image.resize((SIDE, SIDE), Image.Resampling.BICUBIC, box=box).rotate(90 * int(random.integers(4)))
        noise = random.standard_normal((SIDE, SIDE, 1), dtype=numpy.float32) * 3
        pixels = numpy.clip(numpy.asarray(image) + noise, 0, 255).astype(numpy.uint8)
        Image.fromarray(pixels).save(good / f"{index:05}.jpg", quality=95)
    shutil.copytree(leather / "test", folder / "test")
    shutil.copytree(leather / "ground_truth", folder / "ground_truth")


def many(arguments):
    """One fit of each side, ours to its end."""
    folder, weights = shared()
    with tempfile.TemporaryDirectory() as temporary:
        place = lambda name: Path(temporary) / name
        tables.progress(f"{MANY} images of {SIDE}²")
        write_many(place("data"), folder / "leather")
        ours = Ours("cavga", "patchcore", place("data"), place("ours"), weights, arguments.threads, SIDE)
        peer = Anomalib("anomalib-bare", "patchcore", place("data"), place("theirs"), weights, arguments.threads, SIDE)
        print(f"PatchCore on {MANY} images of {SIDE}². {tables.machine()}.\n\n| | fit, s | peak MiB | |\n|---|---|---|---|", flush=True)
        limits = {peer.name: (MOST_SECONDS, MOST_MIB), ours.name: (None, MOST_MIB)}
        done = []
        for side in (ours, peer):
            finished = processes.run(side.fit(), side.settings, *limits[side.name])
            end = f"stopped {finished.stopped}" if finished.stopped else f"model {side.model().stat().st_size / 2**20:.1f} MiB"
            print(f"| {side.name} | {finished.seconds:.0f} | {finished.peak_mib:.0f} | {end} |", flush=True)
            done.append(finished)
        values = ours.aurocs()
        print(f"\ncavga on leather: image AUROC {values['image_auroc']:.4f}, pixel AUROC {values['pixel_auroc']:.4f}")
    return done[0].peak_mib / done[1].peak_mib
