"""Bars made of characters: quantities to look at rather than read."""

from __future__ import annotations

from typing import Final

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
WIDTH: Final = 12


def draw_bar(value: float, most: float, width: int = WIDTH) -> str:
    """A bar of up to `width` characters; the smallest positive value still shows."""
    if value <= 0 or most <= 0:
        return ""
    eighths = max(1, round(min(value / most, 1.0) * width * 8))
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_EIGHTHS[rest] if rest else "")
