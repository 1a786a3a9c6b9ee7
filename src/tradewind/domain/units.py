"""Reads quantities as people write them, once, at the edge: `64GB+`, `$3/h`, `10m`, `2:30h`, `50M`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from tradewind.domain.money import MICRO

_DURATION_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(w|d|h|ms|m|s)(?![a-z])", re.IGNORECASE)
_SECONDS: Final = {
    k: Decimal(v)
    for k, v in [("w", "604800"), ("d", "86400"), ("h", "3600"), ("m", "60"), ("s", "1"), ("ms", "0.001")]
}
_SIZE: Final = re.compile(r"^(\d+(?:\.\d+)?)\s*([kmgtp]?)(i?)b?$", re.IGNORECASE)
_PRICE: Final = re.compile(r"^\$?\s*(\d+(?:\.\d+)?)\s*(?:usd)?\s*(?:/\s*(h|hr|hour))?$", re.IGNORECASE)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
BYTES_PER_GIB: Final = 1 << 30


def parse_duration(text: str | float) -> timedelta:
    """`90`, `10m`, `1h30m`, `2d` as a time span; a bare number is seconds.

    Raises:
        ValueError: says what a duration looks like.
    """
    wrong = ValueError(f"{text!r} is not a duration; write for example 30s, 10m, 1h30m or 2d")
    if isinstance(text, int | float):
        seconds = Decimal(str(text))
    else:
        rest = _DURATION_PART.sub("", text).strip()
        parts = _DURATION_PART.findall(text)
        if rest or not parts:
            if not re.fullmatch(r"\d+(\.\d+)?", text.strip()):
                raise wrong
            seconds = Decimal(text.strip())
        else:
            seconds = sum((Decimal(n) * _SECONDS[u.lower()] for n, u in parts), Decimal(0))
    if seconds < 0 or seconds > 10 * 366 * 86_400:
        raise wrong
    return timedelta(seconds=float(seconds))


def parse_size_bytes(text: str | int) -> int:
    """`64GB`, `512MiB`, `1.5 TB` as bytes. As everywhere in this field, GB in a job file means GiB (2^30 bytes).

    A bare number is GB. Raises ValueError with an example.
    """
    match = _SIZE.match(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write for example 512MB, 64GB or 1TB")
    number, prefix, _ = match.groups()
    if not prefix and not str(text).strip().lower().endswith("b"):
        prefix = "g"
    return int(Decimal(number) * (1 << (10 * _POWERS[prefix.lower()])))


@dataclass(frozen=True, slots=True)
class Amount:
    """A number of something, exactly or at least."""

    value: float
    or_more: bool = False

    def accepts(self, offered: float) -> bool:
        """True if an offer with this much will do; more than was asked for always does."""
        return offered >= self.value


def parse_amount(text: str | float) -> Amount:
    """`8`, `8+`: a count. Raises ValueError with an example."""
    stripped = str(text).strip()
    number = stripped.removesuffix("+")
    if not re.fullmatch(r"\d+(\.\d+)?", number) or float(number) <= 0:
        raise ValueError(f"{text!r} is not a count; write for example 8 or 8+")
    return Amount(float(number), stripped.endswith("+"))


def parse_size_amount(text: str | int) -> Amount:
    """`64GB`, `64GB+` in bytes, exactly or at least. Raises ValueError with an example."""
    stripped = str(text).strip()
    return Amount(float(parse_size_bytes(stripped.removesuffix("+").strip())), stripped.endswith("+"))


def parse_money_micro(text: str | float) -> int:
    """`$100`, `100`, `0.5 USD` in micro-dollars. Raises ValueError with an example."""
    match = _PRICE.match(str(text).strip())
    if match is None or match.group(2):
        raise ValueError(f"{text!r} is not an amount of money; write for example $100 or 12.50")
    return int(Decimal(match.group(1)) * MICRO)


def parse_price_micro_per_hour(text: str | float) -> int:
    """`$4/h`, `4` in micro-dollars per hour. Raises ValueError with an example."""
    match = _PRICE.match(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is not a price; write for example $4/h")
    return int(Decimal(match.group(1)) * MICRO)


def format_duration(span: timedelta | float) -> str:
    """`1d 2h`, `3h 12m`, `4m 05s`, `9.3s`: two units at most."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if seconds < 60:
        return f"{seconds:.1f}s" if seconds < 10 else f"{seconds:.0f}s"
    whole = round(seconds)
    if whole < 3_600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3_600}h {whole % 3_600 // 60:02d}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3_600}h"


def format_bytes(count: float) -> str:
    """`812 B`, `3.2 GB`: powers of 1024 under their everyday names."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if abs(count) < 1024 or unit == "TB":
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError("unreachable")
