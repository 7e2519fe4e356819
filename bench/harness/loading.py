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
# A look at memory costs the processes looked at some time, so that pass is not timed.
LOOK_SECONDS = 0.05
PAUSE_SECONDS = 0.05
# A case that ends the one before it.
NOTHING = {"name": "nothing"}


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


def in_turns(sides, case, rounds):
    """Times of a case on each side, after a warm-up of each. The first batch's loaders end outside the clock; a pass's workers live on."""
    times = [[] for _ in sides]
    for turn in range(rounds + 1):
        for side, own in zip(sides, times):
            time.sleep(PAUSE_SECONDS)
            ms, _ = side.ask(case, 1)
            own += ms if turn else []
            if case["name"] == "first-batch":
                side.ask(NOTHING, 1)
    for side in sides:
        side.ask(NOTHING, 1)
    return times


def processes(pid):
    """A side's: itself and its workers."""
    found = [pid]
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (thread / "children").read_text(encoding="ascii").split())
    return found


def held_mib(pid):
    """Memory of a side now, what its processes share counted once."""
    total = 0
    for process in processes(pid):
        try:
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            # A worker that has just ended.
            continue
        total += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total / 1024


def spent_ms(pid):
    """Processor time of a side so far."""
    ticks = 0
    for process in processes(pid):
        # After the name, which may hold anything, come 11 other fields.
        fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1e3 / os.sysconf("SC_CLK_TCK")


def cost(side, case):
    """Processor time of a pass and the most memory during one. The first pass, which starts the peer's workers, does not count."""
    pid = side.process.pid
    done, most = threading.Event(), []

    def look():
        while not done.wait(LOOK_SECONDS):
            most.append(held_mib(pid))

    side.ask(case, 1)
    before = spent_ms(pid)
    side.ask(case, 1)
    spent = spent_ms(pid) - before
    watcher = threading.Thread(target=look)
    watcher.start()
    side.ask(case, 1)
    done.set()
    watcher.join()
    side.ask(NOTHING, 1)
    return spent, max(most, default=0)


def costs(sides, chosen):
    """What a pass costs, but for time: tables that a busy machine does not blur."""
    found = {}
    for label, files in chosen.items():
        pairs = [cost(side, request("load", files, BATCHES[-1])) for side in sides]
        spent, most = zip(*pairs)
        found[label] = [[ms / len(files)] for ms in spent], [[mib] for mib in most]
    for number, title in enumerate(("processor ms per image", "MiB at most")):
        print(f"\n| {title}, all processes of a side | peer | cavga | ratio |\n|---|---|---|---|")
        for label, kinds in found.items():
            tables.row(f"{label}, batch {BATCHES[-1]}", *kinds[number])


def rates(sides, chosen, rounds):
    """Whole passes: the table, then the same as images per second. Gives the ratios."""
    ratios, lines = [], []
    for label, files in chosen.items():
        for batch in BATCHES:
            times = in_turns(sides, request("load", files, batch), rounds)
            per_image = [[ms / len(files) for ms in own] for own in times]
            ratios.append(tables.row(f"{label}, batch {batch}", *per_image))
            theirs, own = (1e3 / statistics.median(ms) for ms in per_image)
            lines.append(f"{label}, batch {batch}: {own:.0f} images/s against {theirs:.0f}, {own / theirs:.2f} times")
    print("", *lines, sep="\n")
    return ratios


def first_batches(sides, chosen, rounds):
    print("\n| ms to the first batch | peer | cavga | ratio |\n|---|---|---|---|")
    for label, files in chosen.items():
        for batch in BATCHES:
            tables.row(f"{label}, batch {batch}", *in_turns(sides, request("first-batch", files, batch), rounds))


def request(name, files, batch):
    return {"name": name, "files": files, "batch": batch, "size": SIZE}


def run(arguments):
    rounds, threads = arguments.rounds, arguments.threads
    with Worker.peer(arguments.peer, threads) as peer, Worker.ours(threads) as ours:
        sides, chosen = (peer, ours), dict(sets())
        for label, files in chosen.items():
            compare(sides, label, files)
        tables.begin(f"loading to {SIZE}², {rounds} rounds", peer.name, ours.name, "ms per image")
        ratios = rates(sides, chosen, rounds)
        first_batches(sides, chosen, rounds)
        # Other systems do not say.
        if sys.platform == "linux":
            costs(sides, chosen)
    return max(ratios)
