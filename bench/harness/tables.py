"""Numbers as people read them."""

import os
import platform
import statistics
import sys


def machine():
    """The processor, its cores, and how busy they were before."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores{load}"


def begin(title, theirs, ours, unit):
    print(f"{title}. {machine()}.")
    print(f"Medians, with quartiles, in {unit}; ratio: the second column over the first, below 1 is faster or smaller.\n")
    print(f"| | {theirs} | {ours} | ratio |\n|---|---|---|---|", flush=True)


def cell(values):
    middle = statistics.median(values)
    if len(values) < 2:
        return number(middle)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{number(middle)} ({number(low)}–{number(high)})"


def number(value):
    """Three digits that count."""
    return f"{value:.{max(0, 2 - len(str(int(value))) + 1)}f}" if value >= 1 else f"{value:.3f}"


def row(label, theirs, ours):
    """Prints a row, and gives its ratio."""
    ratio = statistics.median(ours) / statistics.median(theirs)
    print(f"| {label} | {cell(theirs)} | {cell(ours)} | {ratio:.2f} |", flush=True)
    return ratio


def groups(ratios):
    """`ratios`: (group, label, ratio) of each row. A line for each group, with its worst and its usual."""
    print()
    for group in dict.fromkeys(group for group, _, _ in ratios):
        own = [(ratio, label) for name, label, ratio in ratios if name == group]
        worst, label = max(own)
        mean = statistics.geometric_mean(ratio for ratio, _ in own)
        print(f"{group}: worst {worst:.2f} ({label}), geometric mean {mean:.2f}")


def progress(text):
    print(text, file=sys.stderr, flush=True)
