"""One offer of a price file: its keys, and what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from tradewind.domain.money import MICRO
from tradewind.domain.offers import Availability, Market
from tradewind.domain.units import parse_money_micro, parse_price_micro_per_hour, parse_size_bytes
from tradewind.providers.normalising import GIB, Machine
from tradewind.spec.faults import Fault, KeyPath, shorten

_TEXT_KEYS: Final = ("provider", "region", "zone", "instance_type", "accelerator", "market")
PRICE_KEYS: Final = ("price", "price_per_accelerator", "price_per_month", "price_per_year")
KEYS: Final = (*_TEXT_KEYS, "count", "accelerator_memory", "cpus", "memory", "disk", *PRICE_KEYS)
#: Hours that a price of another span is for.
_HOURS: Final = {"price_per_month": 730, "price_per_year": 8760}
_LONGEST_TEXT: Final = 128


@dataclass(frozen=True, slots=True)
class Entry:
    """One offer as it was written, with where it stands."""

    path: KeyPath
    values: Mapping[str, Any]


class EntryReader:
    """Reads the values of one offer; what is wrong with them gathers in `faults`."""

    def __init__(self, entry: Entry) -> None:
        self._path = entry.path
        self._values = entry.values
        self.faults: list[Fault] = []
        for key in entry.values:
            if key not in KEYS:
                self._fault(key, f"`{shorten(str(key))}` is not a key of an offer", known(KEYS), is_key=True)

    def machine(self) -> Machine | None:
        """What is offered; None where something needed is missing or wrong."""
        provider, instance_type = self._text("provider"), self._text("instance_type")
        for key, text in (("provider", provider), ("instance_type", instance_type)):
            if text is None and self._values.get(key) is None:
                example = "aws" if key == "provider" else "p5.48xlarge"
                self._fault(key, f"`{key}` is missing", f"add for example `{key}: {example}`")
        label = self._text("accelerator")
        count = self._number("count", 0.001)
        if label is None and count:
            self._fault(
                "count", "`count` counts accelerators, and no `accelerator` is named", "add `accelerator`"
            )
        memory = self._size("accelerator_memory")
        values = {key: self._size(key) for key in ("memory", "disk")}
        cpus = self._number("cpus", 0.001)
        if self.faults or provider is None or instance_type is None:
            return None
        return Machine(
            provider=provider.lower(),
            region=self._text("region") or "",
            zone=self._text("zone"),
            instance_type=instance_type,
            label=label,
            count=(count or 1.0) if label else 0.0,
            accelerator_memory_gb=None if memory is None else memory / GIB,
            cpus=cpus or 0.0,
            memory_bytes=values["memory"] or 0,
            disk_bytes=values["disk"] or 0,
            availability=Availability.UNKNOWN,
        )

    def market(self) -> Market:
        """On which terms; on demand where it is not said."""
        text = self._text("market")
        if text is None:
            return Market.ON_DEMAND
        try:
            return Market(text.lower().replace("-", "_"))
        except ValueError:
            self._fault("market", f"`market` is {shorten(text)!r}", known(tuple(Market)))
            return Market.ON_DEMAND

    def dollars(self) -> Decimal | None:
        """Of an hour of the whole machine; None where there is a fault."""
        said = [key for key in PRICE_KEYS if self._values.get(key) is not None]
        if len(said) != 1:
            what = "has no price" if not said else f"has {len(said)} prices"
            self._fault(
                said[-1] if said else None, f"the offer {what}", f"give one of {', '.join(PRICE_KEYS)}"
            )
            return None
        key = said[0]
        parse = parse_money_micro if key in _HOURS else parse_price_micro_per_hour
        value = self._values[key]
        try:
            if isinstance(value, bool | list | dict):
                raise ValueError(f"`{key}` is not an amount")
            amount = Decimal(parse(value)) / MICRO
        except ValueError as error:
            self._fault(key, f"`{key}`: {error}", "write for example $12.50")
            return None
        if amount == 0 and self.market() is not Market.OWNED:
            self._fault(key, f"`{key}` is 0", "only offers with `market: owned` may cost nothing")
            return None
        if key == "price_per_accelerator":
            count = self._number("count", 0.001) or 1.0
            if self._values.get("accelerator") is None:
                self._fault(key, f"`{key}` needs an `accelerator`", "name it, or write `price`")
                return None
            return amount * Decimal(str(count))
        return amount / _HOURS.get(key, 1)

    def _text(self, key: str) -> str | None:
        value = self._values.get(key)
        if value is None:
            return None
        text = str(value).strip()
        if isinstance(value, bool | list | dict) or not text:
            self._fault(key, f"`{key}` is not text", f"write a name of 1 to {_LONGEST_TEXT} characters")
        elif len(text) > _LONGEST_TEXT or not text.isprintable():
            self._fault(
                key, f"`{key}` is longer than {_LONGEST_TEXT} characters or cannot be printed", "shorten it"
            )
        else:
            return text
        return None

    def _number(self, key: str, least: float) -> float | None:
        value = self._values.get(key)
        if value is None:
            return None
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not least <= number <= 1_000_000:
            self._fault(key, f"`{key}` is {shorten(str(value))!r}", "write a number above 0, for example 8")
            return None
        return number

    def _size(self, key: str) -> int | None:
        value = self._values.get(key)
        if value is None:
            return None
        try:
            if isinstance(value, bool | list | dict):
                raise ValueError("it is not a size")
            size = parse_size_bytes(value)
        except ValueError as error:
            self._fault(key, f"`{key}`: {error}", "write for example 64GB or 1TB")
            return None
        if not size:
            self._fault(key, f"`{key}` is 0", "leave it out where it is not known")
        return size

    def _fault(self, key: str | None, message: str, hint: str, is_key: bool = False) -> None:
        path = self._path if key is None else (*self._path, key)
        fault = Fault(path=path, message=message, hint=hint, is_key=is_key)
        if fault not in self.faults:
            self.faults.append(fault)


def known(names: tuple[str, ...]) -> str:
    """The hint that names what would be right."""
    return f"use one of {', '.join(names)}"
