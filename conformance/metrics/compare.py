"""Compares `cavga metrics` with every other tool over all sets of cases.py, and says by how much they differ.

    venv/bin/pip install -r conformance/metrics/requirements.txt
    cargo build --release
    venv/bin/python conformance/metrics/compare.py [--cavga PATH] [--only SET] [--every]

A table: for each tool and figure the number of sets, the largest difference, and the one allowed. Where a tool has
another definition the difference is shown and nothing is asked of it; docs/metrics.md and differences.py say why. It
ends with exit code 1 where anything is farther off than allowed, undefined on one side only, or missing.
"""

import argparse
import math
from collections import defaultdict

import cases
import definitions
import numpy as np
import oracles
import program

# Same definition, float64: as near as summing in another order allows.
EXACT = 1e-9
# Same definition, but the tool rounds to float32 inside, also when it is given float64.
SINGLE = 1e-6
# The same maps resized by two programs: where scores are near each other a last bit decides which is higher.
RESIZED = 1e-5

# These apply a sigmoid, in float32's reach, where any score leaves [0, 1].
SIGMOID = {"auroc", "average_precision"}


def allowed(tool, name, case):
    """How far off a figure may be; None where the tool has another definition of it."""
    if tool == "adeval":
        return None
    if case.written:
        # The maps were brought to their masks' size by PyTorch and by cavga, both in float32.
        return RESIZED
    if tool in ("torchmetrics", "anomalib"):
        bounded = all(scores.min() >= 0 and scores.max() <= 1 for scores, _ in case.maps)
        if name == "aupimo" or (not bounded and name.partition("_")[2] in SIGMOID):
            return None
        truth = case.image_truth() if name.startswith("image") else np.concatenate([mask.ravel() for _, mask in case.maps])
        # Where there is nothing to tell apart they give some number, and cavga none.
        return SINGLE if definitions.has_both(truth) else None
    return EXACT


class Tally:
    """What was seen of one tool's figure."""

    def __init__(self):
        self.sets, self.largest, self.where, self.allowed, self.failed = 0, 0.0, "", None, []

    def add(self, case, difference, limit):
        self.sets += 1
        self.allowed = limit
        if difference >= self.largest:
            self.largest, self.where = difference, case.name
        if limit is not None and not difference <= limit:
            self.failed.append(case.name)


def difference(theirs, ours):
    """Inf where only one of the two is defined."""
    defined = [value is not None and not isinstance(value, str) and not math.isnan(value) for value in (theirs, ours)]
    return abs(theirs - ours) if all(defined) else 0.0 if not any(defined) else math.inf


def compare(case, ours, tallies, every):
    for tool, oracle in oracles.ORACLES.items():
        for name, value in oracle(case).items():
            limit = allowed(tool, name, case)
            if isinstance(value, str):
                # A tool that gives up has nothing to compare; differences.py shows these.
                tallies[(tool, name, "raised")].add(case, 0.0, None)
                continue
            if name not in ours:
                tallies[(tool, name, "missing here")].add(case, math.inf, EXACT)
                continue
            gap = difference(value, ours[name])
            kind = "other" if limit is None else "resized" if case.written else "same"
            tallies[(tool, name, kind)].add(case, gap, limit)
            if every:
                print(f"{case.name:14} {tool:22} {name:34} {value!s:24} {ours[name]!s:24} {gap:.1e}")


def table(tallies):
    print("| tool | figure | sets | largest difference | in | allowed |\n|---|---|---|---|---|---|")
    order = list(oracles.ORACLES)
    for (tool, name, kind), tally in sorted(tallies.items(), key=lambda item: (order.index(item[0][0]), item[0][2] != "same")):
        limit = {"same": f"{tally.allowed}", "resized": f"{tally.allowed}, resized", "other": "another definition"}.get(kind, kind)
        gap = f"{tally.largest:.1e}" if kind != "raised" else ""
        mark = " **too far**" if tally.failed else ""
        print(f"| {tool} | `{name}` | {tally.sets} | {gap} | {tally.where} | {limit}{mark} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--cavga", help="the program; default: the newest of target/release and target/debug")
    parser.add_argument("--only", metavar="SET", help="one set of cases.py")
    parser.add_argument("--every", action="store_true", help="each value of each set")
    arguments = parser.parse_args()
    binary = program.find(arguments.cavga)
    print(", ".join(f"{name} {version}" for name, version in oracles.VERSIONS.items()))
    tallies, refused = defaultdict(Tally), []
    sets = [case for case in cases.every_set() if arguments.only in (None, case.name)]
    for case in sets:
        ours = program.figures(binary, case)
        if isinstance(ours, str):
            refused.append((case.name, ours))
            continue
        compare(case, ours, tallies, arguments.every)
    table(tallies)
    for name, words in refused:
        print(f"\n{name}: cavga refuses it: {words}")
    failed = {name for tally in tallies.values() for name in tally.failed}
    # What is not a number is to be refused, and nothing else.
    wrongly = {name for name, _ in refused} ^ ({"nan"} & {case.name for case in sets})
    if failed or wrongly:
        raise SystemExit(f"\nerror: {', '.join(sorted(failed | wrongly))}")
    print(f"\n{len(sets)} sets: no figure of one definition is farther off than allowed")


if __name__ == "__main__":
    main()
