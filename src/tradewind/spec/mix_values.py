"""Single values of a job mix, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradewind.domain.units import parse_duration, parse_money_micro
from tradewind.spec.faults import Fault, KeyPath


class Reader:
    """Reads values of one mapping, and notes what is wrong with them."""

    def __init__(self, said: Mapping[str, Any], path: KeyPath, faults: list[Fault]) -> None:
        self._said = said
        self._path = path
        self._faults = faults

    def whole(self, key: str, least: int, most: int) -> int | None:
        """A whole number."""
        value = self._said.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self._refuse(key, f"`{key}` must be a whole number from {least:,} to {most:,}")
            return None
        return value

    def number(self, key: str, least: float, most: float) -> float | None:
        """A number."""
        value = self._said.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            self._refuse(key, f"`{key}` must be a number from {least:g} to {most:,g}")
            return None
        return float(value)

    def duration(self, key: str, least: int = 1) -> int | None:
        """Whole seconds."""
        value = self._said.get(key)
        if value is None:
            return None
        try:
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ValueError(f"{value!r} is not a duration; write for example 30s, 10m, 1h30m or 2d")
            seconds = round(parse_duration(value).total_seconds())
        except ValueError as error:
            self._refuse(key, str(error))
            return None
        if seconds < least:
            self._refuse(key, f"`{key}` must be longer than nothing")
            return None
        return seconds

    def money(self, key: str) -> int | None:
        """Micro-dollars."""
        value = self._said.get(key)
        if value is None:
            return None
        try:
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ValueError(f"{value!r} is not an amount of money; write for example $100 or 12.50")
            return parse_money_micro(value)
        except ValueError as error:
            self._refuse(key, str(error))
            return None

    def _refuse(self, key: str, message: str) -> None:
        self._faults.append(Fault(path=(*self._path, key), message=message))
