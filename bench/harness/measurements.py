"""The measurements by name. Each takes the arguments, prints its table and gives the ratio of the last line."""

from dataclasses import dataclass
from typing import Callable

from harness import cases, loading, metrics, patches, prediction, tables
from harness.peers import Worker
from harness.turns import alternate


def against_peer(rows):
    """A measurement of cases that both sides time."""

    def run(arguments):
        with Worker.peer(arguments.peer, arguments.threads) as peer, Worker.ours(arguments.threads) as ours:
            tables.begin(f"{arguments.name}, {arguments.rounds} rounds", peer.name, ours.name, "ms")
            ratios = []
            for label, group, case in rows():
                times = alternate(arguments.rounds, (peer, case), (ours, case))
                ratios.append((group, label, tables.row(label, *times)))
        if len({group for group, _, _ in ratios}) > 1:
            tables.groups(ratios)
        return max(ratio for _, _, ratio in ratios)

    return run


def scaling(arguments):
    """Ours with all threads against ours with one; and whether an image is cheaper among eight."""
    rounds, threads = arguments.rounds, arguments.threads
    with Worker.ours(1) as one, Worker.ours(threads) as many:
        tables.begin(f"scaling, {rounds} rounds", one.name, many.name, "ms")
        label, _, step = cases.training("cavga-d")
        ratio = tables.row(label, *alternate(rounds, (one, step), (many, step)))
        print(f"\nspeed-up: {1 / ratio:.2f}, with {threads} threads in place of 1\n")
    with Worker.ours(threads) as first, Worker.ours(threads) as second:
        print("| ms per image | in batches of 8 | one at a time | ratio |\n|---|---|---|---|")
        for label, (single, eight) in cases.batches():
            batched, alone = alternate(rounds, (first, eight), (second, single))
            tables.row(label, [ms / eight["batch"] for ms in batched], alone)
    return ratio


def memory(arguments):
    """Peak memory of processes that do three steps and nothing else, a fresh one for each turn."""
    makers = (lambda: Worker.peer(arguments.peer, arguments.threads), lambda: Worker.ours(arguments.threads))

    def peak(make, case, repeats):
        with make() as worker:
            mib = worker.ask(case, repeats)[1]
        if mib is None:
            raise SystemExit("error: this system does not say how much memory a process held; Linux does")
        return mib

    with makers[0]() as peer, makers[1]() as ours:
        tables.begin(f"memory, {arguments.rounds} rounds", peer.name, ours.name, "MiB at most")
    tables.row("before any work (not in the ratio)", *([peak(make, {"name": "nothing"}, 1)] for make in makers))
    ratios = []
    for name in cases.TRAINING:
        label, _, case = cases.training(name)
        peaks = [[], []]
        for _ in range(arguments.rounds):
            for make, own in zip(makers, peaks):
                own.append(peak(make, case, 3))
        ratios.append(tables.row(f"three steps of {label}", *peaks))
    return max(ratios)


@dataclass
class Measurement:
    run: Callable
    rounds: int
    # The first is the default.
    peers: tuple


PYTORCH = "eager", "channels-last", "eager-same-malloc"


def training(name):
    return Measurement(against_peer(lambda: [cases.training(name)]), 7, PYTORCH)


ALL = {
    "ops": Measurement(against_peer(cases.ops), 5, PYTORCH),
    **{name: training(name) for name in cases.TRAINING},
    "inference": Measurement(against_peer(cases.inference), 9, (*PYTORCH, "onnxruntime")),
    "predict": Measurement(prediction.run, 5, ("eager", "eager-same-malloc")),
    "loading": Measurement(loading.run, 3, ("dataloader", "dataloader-tensor", "dataloader-torchvision")),
    "metrics": Measurement(metrics.run, 5, ("all", *metrics.PEERS)),
    **{name: Measurement(patches.method(name), 3, ("all", *patches.ROUTES)) for name in patches.STRIDES},
    "many-images": Measurement(patches.many, 1, ("anomalib-bare",)),
    "scaling": Measurement(scaling, 7, ()),
    "memory": Measurement(memory, 1, PYTORCH),
}
