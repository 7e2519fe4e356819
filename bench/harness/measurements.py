"""The measurements by name. Each takes the arguments, prints its table and gives the ratio of the last line."""

import time
from dataclasses import dataclass
from typing import Callable

from harness import cases, tables
from harness.peers import Worker

# Threads that wait for work spin a while before they sleep; the other side's turn comes after that.
PAUSE_SECONDS = 0.05
# A turn is at least this long, so that an operation of microseconds is not timed by one call.
TURN_MS = 40
MOST_REPEATS = 200


def alternate(case, sides, rounds):
    """Times of each side: a warm-up of each, then `rounds` turns of each, one after the other."""
    warm = [min(side.ask(case, 2)[0]) for side in sides]
    repeats = max(1, min(MOST_REPEATS, round(TURN_MS / max(*warm, 1e-3))))
    times = [[] for _ in sides]
    for _ in range(rounds):
        for side, own in zip(sides, times):
            time.sleep(PAUSE_SECONDS)
            own += side.ask(case, repeats)[0]
    return times


def against_peer(rows):
    def run(arguments):
        with Worker.peer(arguments.peer, arguments.threads) as peer, Worker.ours(arguments.threads) as ours:
            title = f"{arguments.name}, {arguments.rounds} rounds"
            tables.begin(title, peer.name, ours.name, "ms")
            ratios = []
            for label, group, case in rows():
                times = alternate(case, (peer, ours), arguments.rounds)
                ratios.append((group, label, tables.row(label, *times)))
        if len({group for group, _, _ in ratios}) > 1:
            tables.groups(ratios)
        return max(ratio for _, _, ratio in ratios)

    return run


@dataclass
class Measurement:
    run: Callable
    rounds: int
    peers: tuple


PYTORCH = "eager", "channels-last", "eager-same-malloc"

ALL = {
    "ops": Measurement(against_peer(cases.ops), 5, PYTORCH),
    **{name: Measurement(against_peer(lambda name=name: cases.training(name)), 7, PYTORCH) for name in cases.TRAINING},
    "inference": Measurement(against_peer(cases.inference), 9, (*PYTORCH, "onnxruntime")),
}
