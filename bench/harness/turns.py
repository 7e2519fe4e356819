"""Two sides or more, one after the other, again and again."""

import time

# Threads that wait for work spin a while before they sleep; the other side's turn comes after that.
PAUSE_SECONDS = 0.05
# A turn is at least this long, so that an operation of microseconds is not timed by one call.
TURN_MS = 40
MOST_REPEATS = 200


def alternate(rounds, *turns):
    """Times of each (side, case): a warm-up of each, then `rounds` turns of each, one after the other."""
    warm = [min(side.ask(case, 2)[0]) for side, case in turns]
    repeats = max(1, min(MOST_REPEATS, round(TURN_MS / max(*warm, 1e-3))))
    times = [[] for _ in turns]
    for _ in range(rounds):
        for (side, case), own in zip(turns, times):
            time.sleep(PAUSE_SECONDS)
            own += side.ask(case, repeats)[0]
    return times
