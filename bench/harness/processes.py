"""Whole processes: how long, how much memory, and an end for those that take too much of either."""

import math
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.05
PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


@dataclass
class Finished:
    seconds: float
    # Resident, at most; with limits, of all its processes together.
    peak_mib: float
    # What was printed.
    said: str
    # Why it was stopped; None if it ended by itself.
    stopped: str | None = None


def resident_mib(group):
    """Of the processes of a group, now."""
    total = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # Fields after the name, which may hold spaces: state, parent, group.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == group:
                    total += int((entry / "statm").read_text().split()[1])
            except (OSError, IndexError):
                # It ended meanwhile.
                pass
    return total * PAGE_MIB


def run(command, environment, most_seconds=None, most_mib=None):
    """Runs a command to its end, or to a limit. A command that fails ends everything, with its own words."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=errors, start_new_session=True)
        peak, stopped = 0.0, None
        if most_seconds or most_mib:
            peak, stopped = watch(process, begin, most_seconds or math.inf, most_mib or math.inf)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        # Told already: what Popen would else ask for.
        process.returncode = os.waitstatus_to_exitcode(status)
        if not stopped and process.returncode:
            errors.seek(0)
            raise SystemExit(f"error: {command[0]} failed:\n{errors.read().decode(errors='replace')[-2000:]}")
        out.seek(0)
        # The system's own count misses no moment, but knows one process alone.
        return Finished(seconds, max(peak, usage.ru_maxrss / 1024), out.read().decode(errors="replace"), stopped)


def watch(process, begin, most_seconds, most_mib):
    """Until it ends, or reached a limit and was told to: its peak, and why it was stopped. Leaves the process to be waited for."""
    peak = 0.0
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        peak = max(peak, resident_mib(process.pid))
        late = time.perf_counter() - begin > most_seconds
        if late or peak > most_mib:
            os.killpg(process.pid, signal.SIGKILL)
            return peak, f"after {most_seconds:.0f} s" if late else f"above {most_mib / 1024:.0f} GiB"
        time.sleep(POLL_SECONDS)
    return peak, None
