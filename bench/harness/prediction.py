"""`cavga predict` as a whole process, against a script that does the same: seconds per image, the programs' start included."""

import subprocess
import tempfile
import time
from pathlib import Path

from harness import tables
from harness.peers import ALL, environment, program, python

TRAIN = ["--set", "train.passes=1"]
# The same arithmetic in another order; a network of the wrong weights is off by a thousand times this.
TOLERANCE = 1e-4


def train(folder, threads):
    """A set of generated images and a model that saw it for one step: speed does not depend on what was learnt."""
    run = lambda *command: subprocess.run(command, env=environment(threads), check=True, stdout=subprocess.DEVNULL)
    run(program("cavga-bench"), "generate", folder / "data")
    run(program("cavga"), "train", "cavga-d-u", "--data", folder / "data", "--out", folder / "run", *TRAIN)


def commands(folder, arguments):
    """Of the peer and of ours: the command, its environment, and where it writes."""
    inputs = [folder / "run", folder / "data" / "test", "--out"]
    threads, malloc = arguments.threads, ALL[arguments.peer][1]
    theirs, ours = folder / "theirs", folder / "ours"
    script = [*python("predict.py"), *inputs, theirs, "--threads", str(threads)]
    return [
        (script, environment(threads, malloc), theirs),
        ([program("cavga"), "predict", *inputs, ours], environment(threads), ours),
    ]


def seconds(command, environment):
    begin = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def compare(theirs, ours):
    """Says by how much the maps differ; ends everything if that is not rounding. Gives how many there are."""
    import numpy

    maps = sorted(ours.rglob("*.npy"))
    pairs = [(numpy.load(path), numpy.load(theirs / path.relative_to(ours))) for path in maps]
    difference = max(abs(first - second).max() for first, second in pairs)
    if not difference < TOLERANCE:
        raise SystemExit(f"error: the maps of the two sides differ by {difference}: they do not compute the same")
    tables.progress(f"{len(maps)} maps, which differ by at most {difference:.1e}")
    return len(maps)


def run(arguments):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        train(folder, arguments.threads)
        sides = commands(folder, arguments)
        # The warm-up: both programs and all images are in the system's cache then.
        for command, settings, _ in sides:
            seconds(command, settings)
        images = compare(*(out for _, _, out in sides))
        times = [[], []]
        for _ in range(arguments.rounds):
            for (command, settings, _), own in zip(sides, times):
                own.append(seconds(command, settings) / images)
    title = f"predict, {images} images of 256², {arguments.rounds} rounds, {arguments.threads} threads"
    tables.begin(title, f"Python script, PyTorch {arguments.peer}", "cavga predict", "seconds per image")
    return tables.row("CAVGA-D, whole process", *times)
