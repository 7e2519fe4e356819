"""Times cavga and a peer in turns and prints a table; its last line is `ratio R`: ours over the peer's, the worst of the table.

`bench/run` calls this with an environment that has the peers. Nothing but Python's own library is imported here.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import measurements, metrics  # noqa: E402


def parse(words):
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__.split("\n\n")[0])
    known = {peer for measurement in measurements.ALL.values() for peer in measurement.peers}
    parser.add_argument("name", choices=measurements.ALL, metavar="NAME", help=", ".join(measurements.ALL))
    parser.add_argument("--rounds", type=int, metavar="N", help="turns of each side")
    parser.add_argument("--threads", type=int, metavar="N", help="worker threads of each side; default 2, or 1 on one core")
    parser.add_argument("--peer", choices=sorted(known), help="default: the first that fits NAME")
    parser.add_argument("--pixels", choices=metrics.SIZES, help="of metrics: how many; default 13M")
    parser.add_argument("--maps", choices=metrics.KINDS, help="of metrics: as a detector makes them, or each pixel by itself; default smooth")
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(words)
    measurement = measurements.ALL[arguments.name]
    arguments.threads = arguments.threads or min(2, os.cpu_count() or 1)
    arguments.rounds = arguments.rounds or measurement.rounds
    if arguments.threads < 1 or arguments.rounds < 1:
        parser.error("--threads and --rounds are at least 1")
    if arguments.peer and arguments.peer not in measurement.peers:
        parser.error(f"{arguments.name} knows no such peer; it has: {', '.join(measurement.peers) or 'none'}")
    if (arguments.pixels or arguments.maps) and arguments.name != "metrics":
        parser.error("--pixels and --maps are for metrics")
    arguments.pixels = arguments.pixels or next(iter(metrics.SIZES))
    arguments.maps = arguments.maps or metrics.KINDS[0]
    arguments.peer = arguments.peer or next(iter(measurement.peers), None)
    return arguments


def main():
    arguments = parse(sys.argv[1:])
    if not arguments.check:
        ratio = measurements.ALL[arguments.name].run(arguments)
        print(f"\nratio {ratio:.2f}")


if __name__ == "__main__":
    main()
