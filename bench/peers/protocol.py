"""The worker's side of the conversation, the same as in bench/src/main.rs: a line in, a line out, both JSON."""

import json
import os
import sys
import time


def peak_mib():
    """Peak resident memory of this process, None where the system does not say."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(float(line.split()[1]) / 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return None


def measure(work, repeats):
    milliseconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        work()
        milliseconds.append((time.perf_counter() - begin) * 1e3)
    return milliseconds


def serve(introduction, prepare):
    """Answers until the input ends. `prepare` makes of a case a function that does it once; it is kept until another case comes."""
    # What a library prints must not get between the answers.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(answer):
        print(json.dumps(answer), file=out, flush=True)

    say({"worker": introduction})
    current, work = None, None
    for line in sys.stdin:
        request = json.loads(line)
        if request["case"] != current:
            # The old case's memory goes first, as on the other side.
            work = None
            current, work = request["case"], prepare(request["case"])
        milliseconds = measure(work, request["repeats"])
        say({"ms": milliseconds, "peak_mib": peak_mib()})
