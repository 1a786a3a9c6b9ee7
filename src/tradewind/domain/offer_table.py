"""Many offers as columns: what lets a plan look at 150,000 of them in milliseconds.

The only part of `domain` that needs numpy; nothing that must start fast imports it.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

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
_MICROSECOND: Final = timedelta(microseconds=1)
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
#: Number columns that hold the offer's attribute of the same name as it is.
_PLAIN: Final = frozenset(NUMBER_COLUMNS) - {
    "market",
    "availability",
    "memory_gib",
    "disk_gib",
    "price_micro",
    "seen_at",
}
#: How a table in bytes begins: a mark and the version of the form; number of rows and length of the header; a checksum.
_MAGIC: Final = b"TWOT"
_VERSION: Final = 1
_MARK: Final = struct.Struct("<4sH")
_SIZES: Final = struct.Struct("<QI")
_CHECKSUM: Final = struct.Struct("<I")
_BODY: Final = _MARK.size + _SIZES.size + _CHECKSUM.size

Column = npt.NDArray[np.generic]
Codes = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class OfferTable:
    """Offers of markets, one per row. Only offers with an hourly rate fit; owned machines are priced by energy.

    `codes[name][i]` is the position of row i's text in `words[name]`, where the empty text, meaning none, is first.
    Two tables are equal when they hold the same offers in the same order, whatever the order of their words.
    """

    words: dict[str, tuple[str, ...]]
    codes: dict[str, Codes]
    numbers: dict[str, Column]
    _cache: dict[str, object] = field(default_factory=dict, compare=False)

    def __len__(self) -> int:
        return len(self.codes["provider"])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OfferTable):
            return NotImplemented
        return len(self) == len(other) and all(
            same_values(self, other, name).all() for name in (*TEXT_COLUMNS, *NUMBER_COLUMNS)
        )

    @classmethod
    def of(cls, offers: Sequence[Offer]) -> OfferTable:
        """A table of these offers, in this order.

        Raises:
            ValueError: an offer is charged by energy, or in another currency than US dollars.
        """
        words: dict[str, tuple[str, ...]] = {}
        codes: dict[str, Codes] = {}
        for name in TEXT_COLUMNS:
            vocabulary: dict[str, int] = {"": 0}
            texts = _texts(offers, name)
            for text in dict.fromkeys(texts):
                vocabulary.setdefault(text, len(vocabulary))
            codes[name] = np.fromiter(map(vocabulary.__getitem__, texts), dtype=np.int32, count=len(texts))
            words[name] = tuple(vocabulary)
        columns: dict[str, Column] = {
            name: np.array(_numbers(offers, name), dtype=kind) for name, kind in NUMBER_COLUMNS.items()
        }
        return cls(words, codes, columns)

    @classmethod
    def concat(cls, tables: Sequence[OfferTable]) -> OfferTable:
        """The rows of these tables, one table after the other."""
        if not tables:
            return cls.of(())
        if len(tables) == 1:
            return tables[0]
        words: dict[str, tuple[str, ...]] = {}
        codes: dict[str, Codes] = {}
        for name in TEXT_COLUMNS:
            vocabulary: dict[str, int] = {"": 0}
            parts = []
            for table in tables:
                places = [vocabulary.setdefault(word, len(vocabulary)) for word in table.words[name]]
                parts.append(np.array(places, dtype=np.int32)[table.codes[name]])
            codes[name] = np.concatenate(parts)
            words[name] = tuple(vocabulary)
        columns = {name: np.concatenate([table.numbers[name] for table in tables]) for name in NUMBER_COLUMNS}
        return cls(words, codes, columns)

    def take(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_] | Sequence[int]) -> OfferTable:
        """A table of these rows (positions, or a mask) in the order given; the words stay as they are."""
        chosen = np.asarray(rows) if len(rows) else np.zeros(0, dtype=np.intp)
        return OfferTable(
            self.words,
            {name: column[chosen] for name, column in self.codes.items()},
            {name: column[chosen] for name, column in self.numbers.items()},
        )

    def with_numbers(self, **columns: Column) -> OfferTable:
        """The same table with these number columns in place of its own."""
        return OfferTable(self.words, self.codes, {**self.numbers, **columns})

    def to_bytes(self) -> bytes:
        """The table as `from_bytes` reads it back in milliseconds: raw columns, compressed, with a checksum."""
        header: dict[str, Any] = {"words": {}, "columns": []}
        parts: list[bytes] = []
        for name in TEXT_COLUMNS:
            used = np.unique(np.append(self.codes[name], 0))
            words = [self.words[name][int(code)] for code in used]
            codes = np.searchsorted(used, self.codes[name])
            narrow = codes.astype(np.min_scalar_type(len(words) - 1))
            header["words"][name] = words
            header["columns"].append([name, narrow.dtype.str])
            parts.append(narrow.tobytes())
        for name, kind in NUMBER_COLUMNS.items():
            column = self.numbers[name].astype(np.dtype(kind).newbyteorder("<"))
            header["columns"].append([name, column.dtype.str])
            parts.append(column.tobytes())
        head = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        body = zlib.compress(head + b"".join(parts), level=1)
        sizes = _SIZES.pack(len(self), len(head))
        checksum = _CHECKSUM.pack(zlib.crc32(body, zlib.crc32(sizes)))
        return _MARK.pack(_MAGIC, _VERSION) + sizes + checksum + body

    @classmethod
    def from_bytes(cls, data: bytes) -> OfferTable:
        """The table that `to_bytes` wrote. Its columns cannot be written to.

        Raises:
            ValueError: the bytes are damaged, or of another version of the form.
        """
        try:
            if _MARK.unpack_from(data) != (_MAGIC, _VERSION):
                raise ValueError(f"not an offer table of form {_VERSION}")
            sizes, body = data[_MARK.size : _BODY - _CHECKSUM.size], memoryview(data)[_BODY:]
            if _CHECKSUM.unpack_from(data, _BODY - _CHECKSUM.size)[0] != zlib.crc32(body, zlib.crc32(sizes)):
                raise ValueError("an offer table whose checksum is wrong")
            rows, head_length = _SIZES.unpack(sizes)
            content = zlib.decompress(body)
            header = json.loads(content[:head_length].decode("utf-8", "surrogatepass"))
            return _read_columns(header, content, head_length, rows)
        except (struct.error, zlib.error, KeyError, IndexError, TypeError, UnicodeDecodeError) as error:
            raise ValueError(f"not an offer table: {error!r}") from None

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


def same_values(left: OfferTable, right: OfferTable, name: str) -> npt.NDArray[np.bool_]:
    """Per row whether two tables of equal length agree in this column; two absent numbers agree."""
    if name in NUMBER_COLUMNS:
        mine, theirs = left.numbers[name], right.numbers[name]
        same = np.asarray(mine == theirs, dtype=np.bool_)
        return same if mine.dtype.kind != "f" else same | (np.isnan(mine) & np.isnan(theirs))
    places = {word: place for place, word in enumerate(left.words[name])}
    translated = np.array([places.get(word, -1) for word in right.words[name]], dtype=np.int32)
    return np.asarray(left.codes[name] == translated[right.codes[name]], dtype=np.bool_)


def _read_columns(header: dict[str, Any], content: bytes, offset: int, rows: int) -> OfferTable:
    found: dict[str, Column] = {}
    for name, kind in header["columns"]:
        dtype = np.dtype(kind)
        found[name] = np.frombuffer(content, dtype=dtype, count=rows, offset=offset)
        offset += dtype.itemsize * rows
    words = {name: tuple(header["words"][name]) for name in TEXT_COLUMNS}
    codes = {name: found[name].astype(np.int32) for name in TEXT_COLUMNS}
    for name, column in codes.items():
        if rows and not 0 <= int(column.min()) <= int(column.max()) < len(words[name]):
            raise ValueError(f"an offer table whose {name} points nowhere")
    return OfferTable(
        words, codes, {name: found[name].astype(kind, copy=False) for name, kind in NUMBER_COLUMNS.items()}
    )


def _texts(offers: Sequence[Offer], name: str) -> list[str]:
    if name == "flags":
        return [",".join(offer.flags) for offer in offers]
    return [getattr(offer, name) or "" for offer in offers]


def _numbers(offers: Sequence[Offer], name: str) -> list[Any]:
    if name in _PLAIN:
        absent = float("nan")
        return [absent if (value := getattr(offer, name)) is None else value for offer in offers]
    match name:
        case "market":
            markets = {market: code for code, market in enumerate(MARKETS)}
            return [markets[Market(offer.market)] for offer in offers]
        case "availability":
            levels = {level: code for code, level in enumerate(AVAILABILITIES)}
            return [levels[offer.availability] for offer in offers]
        case "memory_gib":
            return [offer.memory_bytes / _GIB for offer in offers]
        case "disk_gib":
            return [offer.disk_bytes / _GIB for offer in offers]
        case "price_micro":
            return [_price_micro(offer) for offer in offers]
    return [0 if offer.seen_at is None else (offer.seen_at - _EPOCH) // _MICROSECOND for offer in offers]


def _price_micro(offer: Offer) -> int:
    if offer.rate.per is not Quantity.HOUR or offer.rate.currency != "USD":
        raise ValueError(f"{offer.provider} {offer.instance_type} is not charged in dollars per hour")
    return NO_PRICE if "no_price" in offer.flags else offer.rate.micro_per_unit


def _known(value: float) -> float | None:
    return None if value != value else float(value)
