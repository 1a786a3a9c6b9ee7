"""Reads quantities as people write them, once, at the edge: `64GB+`, `$3/h`, `10m`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Final

from tradewind.domain.money import MICRO

# ASCII, because "ignore case" would otherwise take the Kelvin sign for k and the long s for s.
_FLAGS: Final = re.IGNORECASE | re.ASCII
_NUMBER: Final = r"\d{1,18}(?:\.\d{1,18})?"
_DURATION_PART: Final = re.compile(rf"({_NUMBER})\s*(w|d|h|ms|m|s)(?![a-z])", _FLAGS)
_BARE_NUMBER: Final = re.compile(_NUMBER, re.ASCII)
_SECONDS: Final = {
    k: Decimal(v)
    for k, v in [("w", "604800"), ("d", "86400"), ("h", "3600"), ("m", "60"), ("s", "1"), ("ms", "0.001")]
}
_SIZE: Final = re.compile(rf"({_NUMBER})\s*(?:([kmgtp])i?)?(b?)", _FLAGS)
_PRICE: Final = re.compile(
    r"\$?\s*(\d{1,12}(?:\.\d{1,12})?|\d{1,3}(?:,\d{3}){1,3}(?:\.\d{1,12})?)\s*(?:usd)?\s*(?:/\s*(h|hr|hour))?",
    _FLAGS,
)
_POWERS: Final = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
BYTES_PER_GIB: Final = 1 << 30
#: Up to here every number of bytes is exact as a float, and fits every database.
MAX_SIZE_BYTES: Final = 1 << 53
MAX_COUNT: Final = 1_000_000_000
MAX_DURATION: Final = timedelta(days=3_660)


def parse_duration(text: str | float) -> timedelta:
    """`90`, `10m`, `1h30m`, `2d` as a time span of at most ten years; a bare number is seconds.

    Raises:
        ValueError: says what a duration looks like.
    """
    wrong = ValueError(f"{text!r} is not a duration; write for example 30s, 10m, 1h30m or 2d")
    if isinstance(text, int | float):
        if isinstance(text, bool) or not 0 <= text <= MAX_DURATION.total_seconds():
            raise wrong
        return timedelta(seconds=text)
    stripped = text.strip()
    parts = _DURATION_PART.findall(stripped)
    if parts and not _DURATION_PART.sub("", stripped).strip():
        seconds = sum((Decimal(number) * _SECONDS[unit.lower()] for number, unit in parts), Decimal(0))
    elif _BARE_NUMBER.fullmatch(stripped):
        seconds = Decimal(stripped)
    else:
        raise wrong
    if seconds > int(MAX_DURATION.total_seconds()):
        raise ValueError(f"{text!r} is longer than ten years")
    return timedelta(microseconds=int(seconds * MICRO))


def parse_size_bytes(text: str | float) -> int:
    """`64GB`, `512MiB`, `1.5 TB` as bytes. As everywhere in this field, GB in a job file means GiB (2^30 bytes).

    A bare number is GB. Raises ValueError with an example.
    """
    match = _SIZE.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write for example 512MB, 64GB or 1TB")
    number, prefix, byte = match.groups()
    power = _POWERS[prefix.lower() if prefix else "" if byte else "g"]
    count = int(Decimal(number) * (1 << (10 * power)))
    if count > MAX_SIZE_BYTES:
        raise ValueError(f"{text!r} is larger than any machine; write for example 512MB, 64GB or 1TB")
    return count


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
    number = stripped.removesuffix("+").rstrip()
    if not _BARE_NUMBER.fullmatch(number) or not 0 < float(number) <= MAX_COUNT:
        raise ValueError(f"{text!r} is not a count; write for example 8 or 8+")
    return Amount(float(number), stripped.endswith("+"))


def parse_size_amount(text: str | float) -> Amount:
    """`64GB`, `64GB+` in bytes, exactly or at least. Raises ValueError with an example."""
    stripped = str(text).strip()
    return Amount(float(parse_size_bytes(stripped.removesuffix("+").strip())), stripped.endswith("+"))


def parse_money_micro(text: str | float) -> int:
    """`$100`, `1,000`, `0.5 USD` in micro-dollars; anything finer is dropped. Raises ValueError with an example."""
    match = _PRICE.fullmatch(str(text).strip())
    if match is None or match.group(2):
        raise ValueError(f"{text!r} is not an amount of money; write for example $100 or 12.50")
    return _micro(match.group(1))


def parse_price_micro_per_hour(text: str | float) -> int:
    """`$4/h`, `4` in micro-dollars per hour; anything finer is dropped. Raises ValueError with an example."""
    match = _PRICE.fullmatch(str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is not a price; write for example $4/h")
    return _micro(match.group(1))


def _micro(number: str) -> int:
    return int(Decimal(number.replace(",", "")) * MICRO)


def format_duration(span: timedelta | float) -> str:
    """`1d 2h`, `3h 12m`, `4m 05s`, `9.3s`: two units at most."""
    seconds = span.total_seconds() if isinstance(span, timedelta) else span
    if round(seconds, 1) < 10:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3_600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3_600}h {whole % 3_600 // 60:02d}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3_600}h"


def format_bytes(count: float) -> str:
    """`812 B`, `3.2 GB`: powers of 1024 under their everyday names."""
    if round(abs(count)) < 1024:
        return f"{count:.0f} B"
    for unit in ("KB", "MB", "GB"):
        count /= 1024
        if round(abs(count)) < 1024:
            return _format_scaled(count, unit)
    return _format_scaled(count / 1024, "TB")


def _format_scaled(count: float, unit: str) -> str:
    return f"{count:.0f} {unit}" if round(abs(count), 1) >= 100 else f"{count:.1f} {unit}"
