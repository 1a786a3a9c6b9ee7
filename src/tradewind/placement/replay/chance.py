"""Chance without a clock: the same seed, job and attempt always meet the same luck, under every policy."""

from __future__ import annotations

import math
from hashlib import blake2b


def uniform(seed: int, *about: object) -> float:
    """A number between 0 and 1, neither of them, that depends on its arguments alone."""
    text = "/".join(map(str, (seed, *about)))
    number = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
    return ((number >> 11) + 0.5) / (1 << 53)


def hours_until(per_hour: float, seed: int, *about: object) -> float:
    """Hours until something happens that happens so often per hour, at any moment alike."""
    return -math.log(uniform(seed, *about)) / per_hour
