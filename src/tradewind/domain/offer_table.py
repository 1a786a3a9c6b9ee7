"""Many offers as columns: what lets a plan look at 150,000 of them in milliseconds.

The only part of `domain` that needs numpy; nothing that must start fast imports it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Availability, Market, Offer

#: Codes are positions in these.
MARKETS: Final = tuple(Market)
AVAILABILITIES: Final = tuple(Availability)
#: In `price_micro`: nobody has said.
NO_PRICE: Final = -1
_GIB: Final = 1 << 30
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
#: Columns whose values are positions in the vocabulary of the same name.
TEXT_COLUMNS: Final = (
    "provider",
    "region",
    "zone",
    "instance_type",
    "accelerator",
    "accelerator_label",
    "source",
    "flags",
)
#: Other columns with their types. Absent numbers are NaN.
NUMBER_COLUMNS: Final[dict[str, str]] = {
    "market": "u1",
    "availability": "u1",
    "is_available": "?",
    "accelerator_count": "f4",
    "accelerator_memory_gb": "f4",
    "cpus": "f4",
    "memory_gib": "f4",
    "disk_gib": "f4",
    "price_micro": "i8",  # per hour of the whole machine
    "seen_at": "i8",  # microseconds since 1970; 0: not known
    "reliability": "f4",
    "egress_micro_per_gb": "f4",
    "network_gbit_per_s": "f4",
}

Column = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class OfferTable:
    """Offers of markets, one per row. Only offers with an hourly rate fit; owned machines are priced by energy.

    `codes[name][i]` is the position of row i's text in `words[name]`; the empty text means none.
    """

    words: dict[str, tuple[str, ...]]
    codes: dict[str, npt.NDArray[np.int32]]
    numbers: dict[str, Column]
    _cache: dict[str, object] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.codes["provider"])

    @classmethod
    def of(cls, offers: Sequence[Offer]) -> OfferTable:
        """A table of these offers, in this order.

        Raises:
            ValueError: an offer is charged by energy, or in another currency than US dollars.
        """
        words: dict[str, tuple[str, ...]] = {}
        codes: dict[str, npt.NDArray[np.int32]] = {}
        for name in TEXT_COLUMNS:
            vocabulary: dict[str, int] = {"": 0}
            codes[name] = np.fromiter(
                (vocabulary.setdefault(_text(offer, name), len(vocabulary)) for offer in offers),
                dtype=np.int32,
            )
            words[name] = tuple(vocabulary)
        columns = {
            name: np.array([_number(offer, name) for offer in offers], dtype=kind)
            for name, kind in NUMBER_COLUMNS.items()
        }
        return cls(words, codes, columns)

    def offer(self, row: int) -> Offer:
        """One row as an offer; its `rate` is per hour without a billing rule, which the provider's facts add."""
        text = {name: self.words[name][int(self.codes[name][row])] for name in TEXT_COLUMNS}
        number = {name: self.numbers[name][row].item() for name in NUMBER_COLUMNS}
        seen = int(number["seen_at"])
        egress = _known(number["egress_micro_per_gb"])
        return Offer(
            provider=text["provider"],
            region=text["region"],
            zone=text["zone"] or None,
            instance_type=text["instance_type"],
            cpus=_known(number["cpus"]) or 0.0,
            memory_bytes=int((_known(number["memory_gib"]) or 0.0) * _GIB),
            disk_bytes=int((_known(number["disk_gib"]) or 0.0) * _GIB),
            accelerator=text["accelerator"] or None,
            accelerator_count=float(number["accelerator_count"]),
            accelerator_memory_gb=_known(number["accelerator_memory_gb"]),
            accelerator_label=text["accelerator_label"] or None,
            market=MARKETS[int(number["market"])].value,
            rate=Rate(micro_per_unit=max(int(number["price_micro"]), 0), per=Quantity.HOUR),
            is_available=bool(number["is_available"]),
            availability=AVAILABILITIES[int(number["availability"])],
            source=text["source"],
            seen_at=_EPOCH + timedelta(microseconds=seen) if seen else None,
            reliability=_known(number["reliability"]),
            egress_micro_per_gb=None if egress is None else int(egress),
            network_gbit_per_s=_known(number["network_gbit_per_s"]),
            flags=tuple(text["flags"].split(",")) if text["flags"] else (),
        )

    def offers(self, rows: Iterable[int]) -> list[Offer]:
        """These rows as offers."""
        return [self.offer(int(row)) for row in rows]


def _text(offer: Offer, name: str) -> str:
    value = getattr(offer, name)
    if name == "flags":
        return ",".join(value)
    return value or ""


def _number(offer: Offer, name: str) -> float | int | bool:
    match name:
        case "market":
            return MARKETS.index(Market(offer.market))
        case "availability":
            return AVAILABILITIES.index(offer.availability)
        case "memory_gib":
            return offer.memory_bytes / _GIB
        case "disk_gib":
            return offer.disk_bytes / _GIB
        case "price_micro":
            if offer.rate.per is not Quantity.HOUR or offer.rate.currency != "USD":
                raise ValueError(f"{offer.provider} {offer.instance_type} is not charged in dollars per hour")
            return NO_PRICE if "no_price" in offer.flags else offer.rate.micro_per_unit
        case "seen_at":
            return 0 if offer.seen_at is None else (offer.seen_at - _EPOCH) // timedelta(microseconds=1)
    value = getattr(offer, name)
    return float("nan") if value is None else value


def _known(value: float) -> float | None:
    return None if value != value else float(value)
