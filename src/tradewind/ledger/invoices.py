"""A provider's invoice as CSV: read strictly where money is concerned, and generously everywhere else. Pure.

The first line names the columns; `docs/money.md` lists those that are known. Others are passed over.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import Money

#: What providers call the columns, by what they mean.
COLUMNS: Final = {
    "period": ("period", "billing_period", "month"),
    "start": ("start", "start_date", "usage_start", "period_start", "started_at"),
    "end": ("end", "end_date", "usage_end", "period_end", "ended_at"),
    "resource": ("resource", "resource_id", "instance_id", "resource_name", "name", "id"),
    "description": ("description", "item", "product", "service", "type"),
    "quantity": ("quantity", "usage", "hours"),
    "unit": ("unit", "units"),
    "amount": ("amount", "cost", "total", "charge"),
    "currency": ("currency",),
}
_MOST_LINES: Final = 200_000
_MOST_FAULTS: Final = 20
_MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_SIGNS: Final = {"$": "USD", "€": "EUR", "£": "GBP"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One line. It covers the time from `started_at` up to `ended_at`. `resource` may be empty: tax, support."""

    number: int
    started_at: datetime
    ended_at: datetime
    resource: str
    description: str
    quantity: str
    unit: str
    amount_micro: int
    currency: str
    #: Of what it says, and of how many equal ones came before it.
    fingerprint: str


def read_invoice(text: str, filename: str) -> list[InvoiceLine]:
    """The lines of an invoice.

    Raises:
        InvalidInputError: what is wrong, each fault with its line; nothing of such a file is used.
    """
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    faults: list[dict[str, str | int | None]] = []
    lines: list[InvoiceLine] = []
    seen: Counter[tuple[str, ...]] = Counter()
    try:
        where = _columns(next(rows, []), filename)
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            if len(lines) >= _MOST_LINES:
                raise InvalidInputError(f"{filename} has more than {_MOST_LINES:,} lines", hint="divide it")
            try:
                lines.append(_line(rows.line_num, {name: _cell(row, at) for name, at in where.items()}, seen))
            except ValueError as error:
                faults.append({"where": filename, "line": rows.line_num, "message": str(error)})
                if len(faults) == _MOST_FAULTS:
                    break
    except csv.Error as error:
        raise InvalidInputError(f"{filename}, line {rows.line_num}: this is not CSV: {error}") from None
    if faults:
        first = faults[0]
        raise InvalidInputError(
            f"{filename}, line {first['line']}: {first['message']}",
            hint="nothing was imported; docs/money.md lists the columns",
            details=faults,
        )
    if not lines:
        raise InvalidInputError(f"{filename} has no lines", hint="the first line names the columns")
    return lines


def _columns(titles: list[str], filename: str) -> dict[str, int]:
    plain = [re.sub(r"[^a-z]+", "_", title.strip().lower()).strip("_") for title in titles]
    found = {
        meaning: plain.index(name)
        for meaning, names in COLUMNS.items()
        for name in reversed(names)
        if name in plain
    }
    missing = [name for name in ("amount",) if name not in found]
    if "period" not in found and not {"start", "end"} <= found.keys():
        missing.append("period (or start and end)")
    if "resource" not in found and "description" not in found:
        missing.append("resource")
    if missing:
        raise InvalidInputError(
            f"{filename}, line 1: no column {' and no column '.join(missing)}",
            hint=f"its columns are: {', '.join(title.strip() for title in titles)[:200] or 'none'}",
        )
    return found


def _cell(row: list[str], at: int) -> str:
    return row[at].strip() if at < len(row) else ""


def _line(number: int, cells: dict[str, str], seen: Counter[tuple[str, ...]]) -> InvoiceLine:
    amount, currency = _amount(cells["amount"], cells.get("currency", ""))
    start, end = _time(cells)
    resource, description = cells.get("resource", "")[:255], cells.get("description", "")
    quantity, unit = cells.get("quantity", "")[:32], cells.get("unit", "")[:32]
    said = (start.isoformat(), end.isoformat(), resource, description, quantity, unit, str(amount), currency)
    fingerprint = hashlib.sha256("\x1f".join((*said, str(seen[said]))).encode()).hexdigest()
    seen[said] += 1
    return InvoiceLine(
        number=number,
        started_at=start,
        ended_at=end,
        resource=resource,
        description=description,
        quantity=quantity,
        unit=unit,
        amount_micro=amount,
        currency=currency,
        fingerprint=fingerprint,
    )


def _amount(text: str, currency: str) -> tuple[int, str]:
    plain = text.replace(" ", "")
    is_negative = plain.startswith("-") or (plain.startswith("(") and plain.endswith(")"))
    plain = plain.strip("()").lstrip("+-")
    sign = _SIGNS.get(plain[:1])
    plain = plain[1:] if sign else plain
    if not re.fullmatch(r"\d{1,15}(\.\d+)?|\d{1,3}(,\d{3})+(\.\d+)?|\.\d+", plain):
        raise ValueError(f"amount {text[:32]!r} is not a number such as 12.50")
    currency = (currency or sign or "USD").upper()
    if not _CURRENCY.fullmatch(currency):
        raise ValueError(f"currency {currency[:16]!r} is not three letters such as USD")
    micro = Money.parse(Decimal(plain.replace(",", "")), currency).micro
    return (-micro if is_negative else micro), currency


def _time(cells: dict[str, str]) -> tuple[datetime, datetime]:
    if cells.get("start") and cells.get("end"):
        start, end = _moment(cells["start"], is_end=False), _moment(cells["end"], is_end=True)
        if end <= start:
            raise ValueError(f"it ends ({cells['end'][:32]}) before it begins ({cells['start'][:32]})")
        return start, end
    period = cells.get("period", "")
    month = _MONTH.fullmatch(period)
    if month is not None:
        try:
            start = datetime(int(month[1]), int(month[2]), 1, tzinfo=UTC)
            return start, (start + timedelta(days=31)).replace(day=1)
        except (ValueError, OverflowError):
            pass
    first, sign, last = period.partition("/")
    if sign:
        return _time({"start": first.strip(), "end": last.strip()})
    raise ValueError(f"period {period[:32]!r} is neither a month (2026-10) nor a start and an end")


def _moment(text: str, *, is_end: bool) -> datetime:
    """A time, or a day: as an end it is meant with all of it."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = date.fromisoformat(text) + timedelta(days=1 if is_end else 0)
            return datetime(day.year, day.month, day.day, tzinfo=UTC)
        at = datetime.fromisoformat(text.removesuffix(" UTC"))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:32]!r} is not a day such as 2026-10-01 or a time") from None
