"""Images from files to batches: images per second over a pass, and how long the first batch takes from making the loader."""

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from harness import tables
from harness.peers import BENCH, Worker, environment, python

SIZE = 256
BATCHES = 8, 32
GENERATED = 1000
# Folders below the shared data, and how many images a pass over each has at least: they repeat until it is long enough to time.
SHARED = {"toothbrush/train/good": 960, "ucsd_ped2/train/good": 1020, "photos": 140}
# Decoders of JPEG may round apart by a few levels of 255; another picture, channel or place is off by tens.
MEAN_LEVELS, MOST_LEVELS = 1.0, 16.0
# A look at memory costs the processes looked at some time, so a pass is looked at that is not timed.
LOOK_SECONDS = 0.05


def images_of(folder):
    return sorted(str(path) for path in folder.rglob("*") if path.suffix in (".png", ".jpg"))


def generated():
    """The folder of generated images, made where it is not there yet."""
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cavga-bench-photos"
    folder = Path(os.environ.get("CAVGA_BENCH_PHOTOS", default))
    if any(len(images_of(folder / kind)) < GENERATED for kind in ("png", "jpeg")):
        tables.progress(f"{GENERATED} images of each kind into {folder} (2.2 GB, some minutes)")
        subprocess.run([*python("photos.py"), str(folder), str(GENERATED)], env=environment(1), check=True)
    return folder


def sets():
    """A label and the files of a pass."""
    shared = Path(os.environ.get("CAVGA_TEST_DATA", BENCH.parent.parent / "shared" / "data"))
    for name, least in SHARED.items():
        files = images_of(shared / name) if (shared / name).is_dir() else []
        if files:
            yield name.split("/")[0], files * -(-least // len(files))
        else:
            tables.progress(f"skipped: {shared / name} is missing; set CAVGA_TEST_DATA to time it")
    folder = generated()
    for kind in "png", "jpeg":
        yield f"1024² {kind.upper()}", images_of(folder / kind)[:GENERATED]


def compare(sides, label, files):
    """Says by how much the first batch of the two sides differs; ends everything if they do not show the same images."""
    import numpy

    with tempfile.TemporaryDirectory() as name:
        pixels = []
        for number, side in enumerate(sides):
            out = Path(name) / str(number)
            side.ask({"name": "written", "files": files, "batch": 8, "size": SIZE, "out": str(out)}, 1)
            pixels.append(numpy.fromfile(out, "<f4") * 255)
    levels = abs(pixels[0] - pixels[1])
    tables.progress(f"{label}: levels of 255 apart, mean {levels.mean():.3f}, at most {levels.max():.1f}")
    if not (levels.mean() < MEAN_LEVELS and levels.max() < MOST_LEVELS):
        raise SystemExit(f"error: {label}: the two sides do not load the same images")


def in_turns(sides, cases, rounds, pause):
    """Times of each case on each side, in turns over sides and cases, after a warm-up of each."""
    times = {case_label: [[] for _ in sides] for case_label in cases}
    for round_ in range(rounds + 1):
        for label, case in cases.items():
            for side, own in zip(sides, times[label]):
                time.sleep(pause)
                ms, _ = side.ask(case, 1)
                # What the case left running ends here, outside the clock.
                side.ask({"name": "nothing"}, 1)
                own += ms if round_ else []
    return times


def held_mib(pid):
    """Memory of a process and its children now, what they share counted once."""
    total = 0
    for process in [pid, *children(pid)]:
        try:
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def children(pid):
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for thread in threads for child in (thread / "children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def peak(side, case):
    """Most memory of a side during a pass."""
    done, most = threading.Event(), []

    def look():
        while not done.wait(LOOK_SECONDS):
            most.append(held_mib(side.process.pid))

    watcher = threading.Thread(target=look)
    watcher.start()
    side.ask(case, 1)
    done.set()
    watcher.join()
    side.ask({"name": "nothing"}, 1)
    return max(most, default=0)


def run(arguments):
    rounds, threads = arguments.rounds, arguments.threads
    with Worker.peer(arguments.peer, threads) as peer, Worker.ours(threads) as ours:
        sides, ratios, firsts, rates = (peer, ours), [], {}, []
        chosen = dict(sets())
        for label, files in chosen.items():
            compare(sides, label, files)
        tables.begin(f"loading to {SIZE}², {rounds} rounds", peer.name, ours.name, "ms per image")
        for label, files in chosen.items():
            passes = {batch: request("load", files, batch) for batch in BATCHES}
            for batch, times in in_turns(sides, passes, rounds, 0.05).items():
                per_image = [[ms / len(files) for ms in own] for own in times]
                ratios.append(tables.row(f"{label}, batch {batch}", *per_image))
                theirs, own = (1e3 / statistics.median(ms) for ms in per_image)
                rates.append(f"{label}, batch {batch}: {own:.0f} images/s against {theirs:.0f}, {own / theirs:.2f} times")
            first = {batch: request("first-batch", files, batch) for batch in BATCHES}
            firsts[label] = in_turns(sides, first, rounds, 0.05)
        print("\n" + "\n".join(rates) + "\n\n| ms to the first batch | peer | cavga | ratio |\n|---|---|---|---|")
        for label, batches in firsts.items():
            for batch, times in batches.items():
                tables.row(f"{label}, batch {batch}", *times)
        if sys.platform == "linux":
            print("\n| MiB at most, all processes of a side | peer | cavga | ratio |\n|---|---|---|---|")
            for label, files in chosen.items():
                case = request("load", files, BATCHES[-1])
                tables.row(f"{label}, batch {BATCHES[-1]}", *([peak(side, case)] for side in sides))
    return max(ratios)


def request(name, files, batch):
    return {"name": name, "files": files, "batch": batch, "size": SIZE}
