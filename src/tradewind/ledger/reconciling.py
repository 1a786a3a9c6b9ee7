"""A provider's invoice against the ledger, thing by thing. Pure.

A thing is what a line of an invoice names. A row of the ledger belongs to it if any of its names is that one; rows
that stretch over the edge of what the lines cover count with the part that lies within.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from tradewind.ledger.invoices import InvoiceLine
from tradewind.ledger.spreading import Piece, share

State = Literal["matched", "differs", "invoice_only", "ledger_only"]
#: Less than this is the rounding of invoices.
LEAST_TOLERANCE_MICRO: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row of the ledger. `names` are all that an invoice may call it; `thing` is what it is called here."""

    id: str
    thing: str
    names: frozenset[str]
    started_at: datetime
    ended_at: datetime
    amount_micro: int
    #: Of a correction: the thing of the invoice that it was written for, which may be nameless.
    resource: str | None = None
    job_id: str | None = None
    attempt_id: str | None = None
    node_id: str | None = None
    creator_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """What an invoice says of a thing, and what the ledger does."""

    state: State
    resource: str
    description: str
    started_at: datetime
    ended_at: datetime
    invoice_micro: int
    ledger_micro: int
    line_count: int
    entries: tuple[Entry, ...]

    @property
    def difference_micro(self) -> int:
        """What the invoice says more than the ledger."""
        return self.invoice_micro - self.ledger_micro


def reconcile(
    lines: Sequence[InvoiceLine], entries: Sequence[Entry], tolerance_percent: float
) -> list[Match]:
    """What is in both, in one of them only, or in both with different amounts; the largest difference first.

    `lines` and `entries` are of one provider and one currency.
    """
    if not lines:
        return []
    of_thing: defaultdict[str, list[InvoiceLine]] = defaultdict(list)
    for line in lines:
        of_thing[line.resource].append(line)
    matches, taken = [], set()
    for resource, named in sorted(of_thing.items()):
        start, end = min(each.started_at for each in named), max(each.ended_at for each in named)
        found = [
            each
            for each in entries
            if each.id not in taken and _is_called(each, resource) and _within(each, start, end)
        ]
        taken |= {each.id for each in found}
        matches.append(_match(resource, named, found, start, end, tolerance_percent))
    start, end = min(each.started_at for each in lines), max(each.ended_at for each in lines)
    rest: defaultdict[str, list[Entry]] = defaultdict(list)
    for each in entries:
        if each.id not in taken and _within(each, start, end):
            rest[each.thing].append(each)
    matches += [
        _match(thing, [], found, start, end, tolerance_percent) for thing, found in sorted(rest.items())
    ]
    # A thing that was corrected to nothing is no difference any more.
    return sorted(
        (each for each in matches if each.line_count or each.ledger_micro),
        key=lambda each: (each.state == "matched", -abs(each.difference_micro), each.resource),
    )


def _is_called(entry: Entry, resource: str) -> bool:
    return entry.resource == resource or (resource != "" and resource.casefold() in entry.names)


def _within(entry: Entry, start: datetime, end: datetime) -> bool:
    takes_no_time = entry.started_at == entry.ended_at
    return entry.started_at < end and (entry.ended_at > start or (takes_no_time and entry.ended_at == start))


def _match(
    resource: str,
    lines: Sequence[InvoiceLine],
    entries: Sequence[Entry],
    start: datetime,
    end: datetime,
    tolerance_percent: float,
) -> Match:
    invoice = sum(each.amount_micro for each in lines)
    ledger = sum(
        share(Piece(each.started_at, each.ended_at, each.amount_micro), start, end) for each in entries
    )
    tolerance = max(round(abs(invoice) * tolerance_percent / 100), LEAST_TOLERANCE_MICRO)
    state: State = "differs"
    if abs(invoice - ledger) <= tolerance and (entries or abs(invoice) <= LEAST_TOLERANCE_MICRO):
        state = "matched"
    elif not entries:
        state = "invoice_only"
    elif not lines:
        state = "ledger_only"
    return Match(
        state=state,
        resource=resource,
        description="; ".join(dict.fromkeys(each.description for each in lines if each.description))[:200],
        started_at=start,
        ended_at=end,
        invoice_micro=invoice,
        ledger_micro=ledger,
        line_count=len(lines),
        entries=tuple(entries),
    )
