"""Filters and figures that the commands about prices share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import click

from tradewind.domain.errors import InvalidInputError

_MARKETS: Final = ("owned", "on_demand", "spot", "reserved")
_MICRO: Final = 1_000_000
_BARS: Final = "▁▂▃▄▅▆▇█"
_UNITS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def place_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--gpu`, `--provider`, `--region`, `--market`, `--source`."""
    options = [
        click.option("--gpu", "-g", multiple=True, metavar="NAME", help="GPU, any spelling. Repeatable."),
        click.option("--provider", "-p", multiple=True, metavar="NAME", help="Provider. Repeatable."),
        click.option("--region", multiple=True, metavar="PATTERN", help="Region, as in us-*. Repeatable."),
        click.option("--market", multiple=True, type=click.Choice(_MARKETS), help="Terms. Repeatable."),
        click.option("--source", metavar="NAME", help="What this one price source says."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


def parse_moment(text: str | None, now: datetime) -> str | None:
    """`2026-11-01`, a time with zone, or how long ago (`36h`, `7d`, `2w`), as the API takes it.

    Raises:
        InvalidInputError: it is none of these.
    """
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})([mhdw])", text.strip())
    if found:
        return (now - timedelta(seconds=int(found[1]) * _UNITS[found[2]])).isoformat()
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.astimezone()).isoformat()
    except (ValueError, OverflowError, OSError):
        raise InvalidInputError(f"{text!r} is no time", hint="write 2026-11-01, or 36h, 7d, 2w") from None


def show_price(micro: int | None) -> str:
    """Dollars without their sign, with as many decimals as small prices need: `2.49`, `0.0042`, `-`."""
    if micro is None:
        return "-"
    dollars = micro / _MICRO
    return f"{dollars:,.2f}" if dollars >= 0.1 or not micro else f"{dollars:.4f}"


def draw_line(values: Sequence[int | None]) -> str:
    """A line of bars; what is not known is a gap."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    step = (high - low) / (len(_BARS) - 1) or 1
    return "".join(
        " " if value is None else _BARS[round((value - low) / step)] if high > low else _BARS[3]
        for value in values
    )
