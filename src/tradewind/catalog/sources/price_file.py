"""A user's own prices: what machines at hand cost an hour, and what was negotiated or reserved.

As YAML:

```yaml
version: 1
as_of: 2026-11-01             # optional; the day the prices are of
defaults: {provider: slurm, region: berlin, market: owned}      # optional; for every offer that does not say
offers:
  - instance_type: rack-a
    accelerator: H100 SXM     # any name that is understood elsewhere; leave it out where there is none
    count: 8                  # accelerators in the machine; 1 where it is not said
    accelerator_memory: 80GB  # needed only for accelerators that nobody knows
    cpus: 96
    memory: 2048GB
    disk: 10TB
    price: $12.50/h           # of the whole machine
  - provider: aws
    region: us-east-1
    zone: us-east-1a
    instance_type: p5.48xlarge
    accelerator: H100 SXM
    count: 8
    market: reserved          # owned | on_demand | spot | reserved; on_demand where it is not said
    price_per_year: $262,000  # or price_per_month, or price_per_accelerator for an hour of one accelerator
```

As CSV: the same keys as the columns of the first line, an offer per line, empty cells for what is not said. A month is
730 hours, a year 8,760. Only owned machines may cost nothing. Prices are in US dollars.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from tradewind.catalog.sources.price_entries import KEYS, PRICE_KEYS, Entry, EntryReader, known
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offers import Market, Offer
from tradewind.providers.normalising import NO_PRICE, Machine, make_offer
from tradewind.spec.document import DocumentError, read_document
from tradewind.spec.faults import Fault, KeyPath, Position, make_error, shorten
from tradewind.spec.text_files import MAX_TABLE_BYTES, read_text

_TOP_KEYS: Final = ("version", "as_of", "defaults", "offers")

Locate = Callable[[KeyPath, bool], Position | None]


def read_price_file(
    source: Path | str,
    *,
    name: str | None = None,
    seen_at: datetime | None = None,
    source_id: str = "price-file",
) -> list[Offer]:
    """The offers of a price file, or of its text; `name` is what errors call a text.

    `seen_at` is the time for files that do not say `as_of`.

    Raises:
        InvalidInputError: something in it is wrong; `details` lists every fault with line, column, key and hint.
    """
    filename = shorten(name or (str(source) if isinstance(source, Path) else "price file"), 200)
    text = (
        read_text(source, MAX_TABLE_BYTES, filename)
        if isinstance(source, Path)
        else source.removeprefix("\ufeff")
    )
    as_of, entries, locate, faults = _read_csv(text) if _is_csv(text) else _read_yaml(text, filename)
    offers: list[Offer] = []
    for entry in entries:
        reader = EntryReader(entry)
        machine, market, dollars = reader.machine(), reader.market(), reader.dollars()
        faults += reader.faults
        if machine is not None and dollars is not None and not reader.faults:
            offers.append(_make(machine, market, dollars, source_id, as_of or seen_at))
    faults += _repeated(entries, offers) if not faults else []
    if faults:
        raise make_error(faults, filename, locate)
    return offers


def _make(machine: Machine, market: Market, dollars: Decimal, source: str, seen_at: datetime | None) -> Offer:
    offer = make_offer(machine, dollars=dollars, market=market, source=source, seen_at=seen_at)
    if market is Market.OWNED and not dollars:
        return replace(offer, flags=tuple(flag for flag in offer.flags if flag != NO_PRICE))
    return offer


def _repeated(entries: list[Entry], offers: list[Offer]) -> list[Fault]:
    """Faults for offers that are the same machine on the same terms as one before."""
    seen: dict[tuple[object, ...], int] = {}
    faults = []
    for number, (entry, offer) in enumerate(zip(entries, offers, strict=True), start=1):
        key = (offer.provider, offer.region, offer.zone, offer.instance_type, offer.market)
        if key in seen:
            message = f"offer {number} is the same machine on the same terms as offer {seen[key]}"
            hint = "give them different instance types, regions, zones or markets, or keep one"
            faults.append(Fault(path=entry.path, message=message, hint=hint))
        seen.setdefault(key, number)
    return faults


_Read = tuple[datetime | None, list[Entry], Locate, list[Fault]]


def _read_yaml(text: str, filename: str) -> _Read:
    try:
        document = read_document(text)
    except DocumentError as error:
        raise make_error(error.faults, filename) from None
    value, faults = document.value, list(document.faults)
    if not isinstance(value, dict):
        hint = "a price file needs `version: 1` and `offers`, or CSV with a line of column names"
        raise InvalidInputError(f"{filename}: it is not a price file", hint=hint)
    for key in value:
        if key not in _TOP_KEYS:
            message = f"`{shorten(key)}` is not a key of a price file"
            faults.append(Fault(path=(key,), message=message, hint=known(_TOP_KEYS), is_key=True))
    if value.get("version") != 1 or isinstance(value.get("version"), bool):
        faults.append(Fault(path=("version",), message="`version` is not 1", hint="write `version: 1`"))
    as_of = _read_day(value.get("as_of"), faults)
    defaults = value.get("defaults") or {}
    if not isinstance(defaults, dict):
        faults.append(
            Fault(path=("defaults",), message="`defaults` is not a mapping", hint="write `key: value` lines")
        )
        defaults = {}
    for key in defaults:
        if key not in KEYS:
            message = f"`{shorten(key)}` is not a key of an offer"
            faults.append(Fault(path=("defaults", key), message=message, hint=known(KEYS), is_key=True))
    usable = {key: each for key, each in defaults.items() if key in KEYS}
    rows = value.get("offers")
    if not isinstance(rows, list) or not rows:
        faults.append(
            Fault(path=("offers",), message="`offers` is not a list of offers", hint="add at least one")
        )
        rows = []
    entries = []
    for number, row in enumerate(rows):
        if isinstance(row, dict):
            entries.append(Entry(("offers", number), _with_defaults(usable, row)))
        else:
            message = f"offer {number + 1} is not a mapping"
            faults.append(Fault(path=("offers", number), message=message, hint="write `key: value` lines"))
    return as_of, entries, document.locate, faults


def _with_defaults(defaults: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """The row, and what it does not say. A price of its own, in whatever form, stands for the default's."""
    has_price = any(row.get(key) is not None for key in PRICE_KEYS)
    kept = {key: value for key, value in defaults.items() if not (has_price and key in PRICE_KEYS)}
    return {**kept, **row}


def _read_day(value: object, faults: list[Fault]) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.combine(date.fromisoformat(str(value)), time(), tzinfo=UTC)
    except ValueError:
        faults.append(
            Fault(path=("as_of",), message="`as_of` is not a day", hint="write for example 2026-11-01")
        )
        return None


def _is_csv(text: str) -> bool:
    """Whether the first line that says anything names columns."""
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            cells = [cell.strip().strip('"') for cell in line.split(",")]
            return len(cells) > 1 and sum(cell in KEYS for cell in cells) * 2 >= len(cells)
    return False


def _read_csv(text: str) -> _Read:
    reader = csv.reader(io.StringIO(text), strict=True)
    columns: list[str] = []
    entries: list[Entry] = []
    faults: list[Fault] = []
    try:
        for cells in _said(reader):
            line = reader.line_num
            if not columns:
                columns = [cell.strip() for cell in cells]
                faults += _wrong_columns(columns, line)
            elif len(cells) > len(columns):
                message = f"{len(cells)} cells, and {len(columns)} columns"
                hint = 'put a value with a comma in it in quotes: "V1,V2"'
                faults.append(Fault(message=message, hint=hint, position=(line, len(columns) + 1)))
            else:
                values = {
                    key: cell.strip() for key, cell in zip(columns, cells, strict=False) if cell.strip()
                }
                entries.append(Entry((line,), {key: each for key, each in values.items() if key in KEYS}))
    except csv.Error as error:
        message = f"not CSV: {error}"
        faults.append(
            Fault(message=message, hint="check the quotes on this line", position=(reader.line_num, 1))
        )
    if not entries and not faults:
        faults.append(Fault(message="it has no offers", hint="add a line below the columns", position=(1, 1)))

    def locate(path: KeyPath, _of_key: bool) -> Position | None:
        """The line, and as column the number of the cell."""
        if not path or not isinstance(path[0], int):
            return None
        is_cell = len(path) > 1 and path[1] in columns
        return (path[0], columns.index(str(path[1])) + 1 if is_cell else 1)

    return None, entries, locate, faults


def _said(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Lines that are neither empty nor a remark."""
    for cells in reader:
        if any(cell.strip() for cell in cells) and not cells[0].lstrip().startswith("#"):
            yield cells


def _wrong_columns(columns: list[str], line: int) -> list[Fault]:
    faults = []
    for number, column in enumerate(columns, start=1):
        if column not in KEYS:
            message = f"`{shorten(column)}` is not a column of a price file"
            faults.append(Fault(message=message, hint=known(KEYS), position=(line, number)))
        elif column in columns[: number - 1]:
            message = f"the column `{column}` is there twice"
            faults.append(Fault(message=message, hint="keep one of them", position=(line, number)))
    return faults
