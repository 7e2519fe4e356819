"""Figures of pixels on the same arrays: our library and our program against scikit-learn, torchmetrics, anomalib and adeval."""

import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from harness import tables
from harness.peers import Worker, environment, program

# By name of --pixels: (maps, side) of each set.
SIZES = {"13M": [(200, 256)], "100M": [(1725, 256), (100, 1000)]}
# What each does; ours does all of it.
PEERS = {
    "scikit-learn": "AUROC + average precision",
    "torchmetrics": "AUROC + average precision",
    "anomalib": "AUPRO",
    "adeval": "AUROC + average precision + AUPRO, 1000 strips",
}
OURS = "AUROC + average precision + AUPRO"
# Ours as a program, by what it is asked for.
PROGRAMS = {"every figure": ["--resamples", "0"], "every figure with its 95 % interval": []}
# float32 inside, and of these many pixels; adeval's strips are another definition.
TOLERANCE = {"scikit-learn": 1e-9, "torchmetrics": 1e-5, "anomalib": 1e-5, "adeval": None}
PAUSE_SECONDS = 0.05


# How the maps are made: as a detector's are, at an eighth of the size and brought up bilinearly; or each pixel by itself, the worst
# case for memory: neighbours have nothing in common.
KINDS = ("smooth", "noise")
SHRUNK = 8


def maps(count, side, kind):
    """Scores and masks: a third of the maps has some boxes, higher by half a deviation; hardly any two scores are equal."""
    import numpy

    random = numpy.random.default_rng(count)
    small = -(-side // SHRUNK) if kind == "smooth" else side
    places = (numpy.arange(side) + 0.5) * small / side - 0.5
    up = numpy.array([numpy.interp(places, numpy.arange(small), row) for row in numpy.eye(small)], numpy.float32)
    for index in range(count):
        mask = numpy.zeros((side, side), bool)
        for _ in range(0 if index % 3 else 1 + index % 4):
            top, left = random.integers(0, side - side // 8, 2)
            mask[top : top + random.integers(2, side // 8), left : left + random.integers(2, side // 8)] = True
        scores = random.standard_normal((small, small), dtype=numpy.float32)
        if kind == "smooth":
            scores = up.T @ scores @ up
        scores += numpy.float32(0.5) * mask
        # Into [0, 1]: torchmetrics would apply a sigmoid to anything else.
        yield 1 / (1 + numpy.exp(-scores)), mask


def write(folder, count, side, kind):
    """Raw arrays for the workers, and a file per map for the program."""
    import numpy
    from PIL import Image

    for name in "scores", "masks":
        (folder / name).mkdir()
    with open(folder / "scores.f32", "wb") as all_scores, open(folder / "masks.u8", "wb") as all_masks:
        for index, (scores, mask) in enumerate(maps(count, side, kind)):
            all_scores.write(scores.tobytes())
            all_masks.write(mask.tobytes())
            numpy.save(folder / "scores" / f"{index:04}.npy", scores)
            if mask.any():
                Image.fromarray(mask.astype(numpy.uint8) * 255).save(folder / "masks" / f"{index:04}.png")


class Program:
    """`cavga metrics` as a side: a process for each turn, without 95 % intervals or with them."""

    def __init__(self, folder, threads, *more):
        words = ["metrics", "--scores", folder / "scores", "--masks", folder / "masks", "--json", *more]
        self.command, self.environment = [program("cavga"), *words], environment(threads)

    def ask(self, case, repeats):
        """As a worker answers, with the figures in place of nothing."""
        del case, repeats
        begin = time.perf_counter()
        pipe = subprocess.PIPE
        with subprocess.Popen(self.command, env=self.environment, stdout=pipe, stderr=pipe, text=True) as child:
            # Both are short; what it notes about the maps is shown only where it fails.
            self.said, notes = child.stdout.read(), child.stderr.read()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"error: cavga metrics ended with code {child.returncode}: {notes.strip()}")
        return [(time.perf_counter() - begin) * 1e3], usage.ru_maxrss / 1024


def warm(sides, case, folder):
    """One turn of each, not counted; they must give the same figures. Their peak memory."""
    figures, peaks = {}, {}
    for name, side in sides.items():
        out = folder / f"{name}.json"
        peaks[name] = side.ask({**case, "out": str(out)}, 1)[1]
        figures[name] = json.loads(side.said if name in PROGRAMS else out.read_text(encoding="utf-8"))
        tables.progress(f"{name}: {', '.join(f'{key} {figures[name][key]}' for key in figures['ours'] if key in figures[name])}")
    for name, theirs in figures.items():
        limit = TOLERANCE.get(name, 1e-9)
        gaps = [abs(theirs[key] - figures["ours"][key]) for key in theirs if key in figures["ours"]]
        if limit is not None and not max(gaps) < limit:
            raise SystemExit(f"error: {name} and cavga differ by {max(gaps)}: they do not compute the same")
    return peaks


def one_size(arguments, folder, count, side):
    """All sides on one set in turns: times in seconds by side, and peaks in MiB."""
    threads = arguments.threads
    write(folder, count, side, arguments.maps)
    names = list(PEERS) if arguments.peer == "all" else [arguments.peer]
    case = {"name": "metrics", "folder": str(folder), "count": count, "height": side, "width": side}
    sides = {"ours": Worker.ours(threads), **{name: Program(folder, threads, *more) for name, more in PROGRAMS.items()}}
    sides |= {name: Worker.peer(name, threads) for name in names}
    peaks = warm(sides, case, folder)
    # The same case with no file to write is another one for the workers: they read it in a turn that does not count.
    times = {name: [] for name in sides}
    for turn in range(arguments.rounds + 1):
        for name, own in times.items():
            if turn or name not in PROGRAMS:
                time.sleep(PAUSE_SECONDS)
                ms = sides[name].ask(case, 1)[0]
                own += [value / 1e3 for value in ms] if turn else []
    workers = {name: sides[name] for name in ("ours", *names)}
    introductions = {name: worker.name for name, worker in workers.items()}
    for worker in workers.values():
        worker.__exit__()
    return times, peaks, introductions


def show(arguments, count, side, measured):
    times, peaks, introductions = measured
    pixels = f"{count} {arguments.maps} maps of {side}², {count * side * side / 1e6:.0f} M pixels"
    tables.begin(f"metrics, {pixels}, {arguments.rounds} rounds", "the peer", introductions["ours"], "seconds")
    names = [name for name in times if name in PEERS]
    ratios = [tables.row(f"{introductions[name]}: {PEERS[name]}", times[name], times["ours"]) for name in names]
    print(f"\nOurs in the second column is {OURS} each time.\n")
    print("| `cavga metrics` as a process, files read | seconds | MiB at most |\n|---|---|---|")
    for name in PROGRAMS:
        print(f"| {name} | {tables.cell(times[name])} | {tables.number(peaks[name])} |")
    print()
    print("| MiB at most, the arrays included | the peer | cavga | ratio |\n|---|---|---|---|")
    for name in names:
        tables.row(name, [peaks[name]], [peaks["ours"]])
    print(flush=True)
    return ratios


def run(arguments):
    ratios = []
    for count, side in SIZES[arguments.pixels]:
        with tempfile.TemporaryDirectory() as name:
            ratios += show(arguments, count, side, one_size(arguments, Path(name), count, side))
    return max(ratios)
