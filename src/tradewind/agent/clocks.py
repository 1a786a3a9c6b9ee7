"""The two clocks of the agent."""

from __future__ import annotations

import time

# Both count the time a machine sleeps: a lease that stood still while a laptop was shut would let two attempts run.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def steady_s() -> float:
    """Seconds since boot, counting sleep. Never set back, and the same for every process until the next boot."""
    return time.clock_gettime(_STEADY)


def wall_s() -> float:
    """Seconds since the epoch, for people and for records; never used to measure a duration that decides something."""
    return time.time()
