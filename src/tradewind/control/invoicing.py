"""Providers' invoices: taken in once, held against the ledger, and corrections for what is accepted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select

from tradewind.control.money_views import money_view
from tradewind.db import budget_tables, tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import InvalidInputError, NotFoundError
from tradewind.domain.money import Quantity
from tradewind.domain.schemas_cost import (
    AcceptAnswer,
    AcceptOrder,
    CorrectionView,
    InvoiceAnswer,
    InvoicePage,
    InvoiceView,
    MatchView,
    Reconciliation,
)
from tradewind.domain.schemas_shown import BadgeView
from tradewind.ledger.invoices import InvoiceLine
from tradewind.ledger.reconciling import Entry, Match, reconcile

_I: Final = budget_tables.invoices
_LINES: Final = budget_tables.invoice_lines
_L: Final = tables.ledger
_PER_STATEMENT: Final = 500
_SMALLEST: Final = timedelta(microseconds=1)
_BADGES: Final = {
    "matched": BadgeView(label="Agrees", tone="good", icon="check"),
    "differs": BadgeView(label="Differs", tone="warning", icon="swap"),
    "invoice_only": BadgeView(label="Invoice only", tone="bad", icon="alert"),
    "ledger_only": BadgeView(label="Ledger only", tone="warning", icon="question"),
}
_NOTES: Final = {
    "invoice_only": "nothing in the ledger is called so: look at the provider's console whether it still runs",
    "ledger_only": "no line of the invoice names it",
}


def take_in(
    tx: Transaction,
    caller: Caller,
    provider: str,
    filename: str,
    lines: Sequence[InvoiceLine],
    *,
    is_dry: bool,
) -> InvoiceAnswer:
    """Keeps the lines that are not there yet. Raises InvalidInputError when they have several currencies."""
    currencies = sorted({line.currency for line in lines})
    if len(currencies) > 1:
        raise InvalidInputError(
            f"{filename} has amounts in {' and '.join(currencies)}", hint="make a file for each currency"
        )
    known: set[str] = set()
    wanted = [line.fingerprint for line in lines]
    for start in range(0, len(wanted), _PER_STATEMENT):
        some = wanted[start : start + _PER_STATEMENT]
        known |= set(
            tx.execute(
                select(_LINES.c.fingerprint).where(
                    visible_to(caller, _LINES), _LINES.c.provider == provider, _LINES.c.fingerprint.in_(some)
                )
            ).scalars()
        )
    new = [line for line in lines if line.fingerprint not in known]
    since, until = min(line.started_at for line in lines), max(line.ended_at for line in lines)
    invoice_id = _keep(tx, caller, provider, filename, new) if new and not is_dry else None
    return InvoiceAnswer(
        id=invoice_id,
        provider=provider,
        filename=filename,
        lines=len(lines),
        new_lines=len(new),
        total=money_view(sum(line.amount_micro for line in lines), currencies[0]),
        since=since,
        until=until,
    )


def _keep(tx: Transaction, caller: Caller, provider: str, filename: str, lines: Sequence[InvoiceLine]) -> str:
    owner = {"project_id": caller.project_id, "creator_id": caller.user_id}
    invoice_id = tx.new_id(ids.INVOICE)
    tx.execute(
        insert(_I).values(
            id=invoice_id,
            provider=provider,
            name=filename,
            currency=lines[0].currency,
            started_at=min(line.started_at for line in lines),
            ended_at=max(line.ended_at for line in lines),
            created_at=tx.now,
            **owner,
        )
    )
    rows = [
        {
            "id": tx.new_id(ids.INVOICE_LINE), **owner, "invoice_id": invoice_id, "provider": provider,
            "fingerprint": line.fingerprint, "number": line.number, "started_at": line.started_at,
            "ended_at": line.ended_at, "resource": line.resource, "description": line.description,
            "quantity": line.quantity, "unit": line.unit, "amount_micro": line.amount_micro, "currency": line.currency,
        }
        for line in lines
    ]  # fmt: skip
    for start in range(0, len(rows), _PER_STATEMENT):
        tx.execute(insert(_LINES), rows[start : start + _PER_STATEMENT])
    return invoice_id


def invoice_page(tx: Transaction, caller: Caller) -> InvoicePage:
    """The project's invoices, newest first."""
    rows = tx.execute(
        select(_I, func.count(_LINES.c.id).label("lines"), func.sum(_LINES.c.amount_micro).label("micro"))
        .join(_LINES, _LINES.c.invoice_id == _I.c.id)
        .where(visible_to(caller, _I))
        .group_by(*_I.c)
        .order_by(_I.c.id.desc())
    )
    return InvoicePage(
        items=[
            InvoiceView(
                id=row.id,
                provider=row.provider,
                filename=row.name,
                lines=row.lines,
                total=money_view(int(row.micro), row.currency),
                since=row.started_at,
                until=row.ended_at,
                imported_at=row.created_at,
            )
            for row in rows
        ]
    )


def reconciliation(
    tx: Transaction,
    caller: Caller,
    provider: str,
    since: datetime | None,
    until: datetime | None,
    tolerance_percent: float,
) -> Reconciliation:
    """A provider's invoices against the ledger. Raises NotFoundError where none of that time was imported."""
    matches, currency = _matches(tx, caller, provider, since, until, tolerance_percent)
    names = _job_names(tx, matches)

    def view(match: Match) -> MatchView:
        jobs = dict.fromkeys(names[each.job_id] for each in match.entries if each.job_id in names)
        return MatchView(
            state=match.state,
            resource=match.resource,
            description=match.description,
            since=match.started_at,
            until=match.ended_at,
            invoice=money_view(match.invoice_micro, currency),
            ledger=money_view(match.ledger_micro, currency),
            difference=money_view(match.difference_micro, currency),
            lines=match.line_count,
            jobs=list(jobs),
            note=_NOTES.get(match.state),
            badge=_BADGES[match.state],
        )

    invoice = sum(match.invoice_micro for match in matches)
    ledger = sum(match.ledger_micro for match in matches)
    return Reconciliation(
        provider=provider,
        since=min(match.started_at for match in matches),
        until=max(match.ended_at for match in matches),
        tolerance_percent=tolerance_percent,
        items=[view(match) for match in matches],
        invoice=money_view(invoice, currency),
        ledger=money_view(ledger, currency),
        difference=money_view(invoice - ledger, currency),
    )


def accept(tx: Transaction, caller: Caller, order: AcceptOrder) -> AcceptAnswer:
    """Writes a correction for each thing whose difference is accepted. Done twice it writes nothing more.

    Raises:
        NotFoundError: a thing that is named is on no invoice and not in the ledger.
    """
    # One at a time: of two that accept the same, the second sees the correction of the first.
    tx.execute(
        select(_I.c.id)
        .where(visible_to(caller, _I), _I.c.provider == order.provider)
        .order_by(_I.c.id)
        .with_for_update()
    )
    matches, currency = _matches(
        tx, caller, order.provider, order.since, order.until, order.tolerance_percent
    )
    known = {match.resource for match in matches}
    unknown = [each for each in order.resources if each not in known]
    if unknown:
        raise NotFoundError(
            f"neither the invoice nor the ledger has {unknown[0]!r}",
            hint=f"`tradewind cost reconcile --provider {order.provider}` lists what there is",
        )
    written = []
    for match in matches:
        is_meant = match.resource in order.resources or (order.all and match.state != "matched")
        if is_meant and match.difference_micro:
            written.append(_correct(tx, caller, order.provider, currency, match))
    return AcceptAnswer(items=written)


def _correct(tx: Transaction, caller: Caller, provider: str, currency: str, match: Match) -> CorrectionView:
    # It belongs to the time that it corrects, and to whom the rows belong if they agree.
    at = match.ended_at - _SMALLEST
    correction_id = tx.new_id(ids.LEDGER)
    creator = _only(each.creator_id for each in match.entries) or caller.user_id
    tx.execute(
        insert(_L).values(
            id=correction_id,
            project_id=caller.project_id,
            creator_id=creator,
            job_id=_only(each.job_id for each in match.entries),
            attempt_id=_only(each.attempt_id for each in match.entries),
            node_id=_only(each.node_id for each in match.entries),
            provider=provider,
            kind="correction",
            started_at=match.started_at,
            ended_at=at,
            duration_ms=0,
            quantity=0,
            rate_micro_per_unit=0,
            rate_per=Quantity.HOUR,
            amount_micro=match.difference_micro,
            currency=currency,
            energy_j=0,
            carbon_mg=0,
            basis="billed",
            note=f"the invoice says {money_view(match.invoice_micro, currency).text}; accepted by {caller.user_name}",
            corrects=match.entries[0].id if match.entries else None,
            resource=match.resource[:255],
        )
    )
    return CorrectionView(
        id=correction_id,
        resource=match.resource,
        amount=money_view(match.difference_micro, currency),
        booked_at=at,
    )


def _matches(
    tx: Transaction,
    caller: Caller,
    provider: str,
    since: datetime | None,
    until: datetime | None,
    tolerance_percent: float,
) -> tuple[list[Match], str]:
    statement = select(_LINES).where(visible_to(caller, _LINES), _LINES.c.provider == provider)
    if since is not None:
        statement = statement.where(_LINES.c.ended_at > since)
    if until is not None:
        statement = statement.where(_LINES.c.started_at < until)
    rows = tx.execute(statement.order_by(_LINES.c.id)).all()
    if not rows:
        raise NotFoundError(
            f"no invoice of {provider} for that time was imported",
            hint=f"`tradewind cost import FILE --provider {provider}` takes one in",
        )
    currencies = sorted({row.currency for row in rows})
    if len(currencies) > 1:
        raise InvalidInputError(
            f"the invoices of {provider} are in {' and '.join(currencies)}",
            hint="choose a time in which there is one: --since, --until",
        )
    lines = [
        InvoiceLine(
            number=row.number,
            started_at=row.started_at,
            ended_at=row.ended_at,
            resource=row.resource,
            description=row.description,
            quantity=row.quantity,
            unit=row.unit,
            amount_micro=row.amount_micro,
            currency=row.currency,
            fingerprint=row.fingerprint,
        )
        for row in rows
    ]
    start, end = min(line.started_at for line in lines), max(line.ended_at for line in lines)
    entries = _entries(tx, caller, provider, currencies[0], start, end)
    return reconcile(lines, entries, tolerance_percent), currencies[0]


def _entries(
    tx: Transaction, caller: Caller, provider: str, currency: str, start: datetime, end: datetime
) -> list[Entry]:
    attempts, nodes, intents = tables.attempts, tables.nodes, tables.intents
    keys: defaultdict[str, set[str]] = defaultdict(set)
    meant = (
        visible_to(caller, _L),
        _L.c.provider == provider,
        _L.c.currency == currency,
        _L.c.started_at < end,
        _L.c.ended_at >= start,
    )
    for attempt_id, key in tx.execute(
        select(intents.c.attempt_id, intents.c.key)
        .join(_L, _L.c.attempt_id == intents.c.attempt_id)
        .where(*meant)
    ):
        keys[attempt_id].add(key)
    rows = tx.execute(
        select(_L, attempts.c.handle.label("attempt_handle"), nodes)
        .join_from(_L, attempts, attempts.c.id == _L.c.attempt_id, isouter=True)
        .join(nodes, nodes.c.id == _L.c.node_id, isouter=True)
        .where(*meant)
        .order_by(_L.c.id)
    )
    found = []
    for row in rows:
        values = row._mapping
        called = {values[_L.c.node_id], values[_L.c.attempt_id], values[nodes.c.name]}
        called |= set(_texts(values["attempt_handle"])) | keys[values[_L.c.attempt_id]]
        called |= {values[nodes.c.key], *_texts(values[nodes.c.handle])}
        found.append(
            Entry(
                id=values[_L.c.id],
                thing=values[nodes.c.name] or values[_L.c.resource] or values[_L.c.attempt_id] or "",
                names=frozenset(each.casefold() for each in called if each),
                started_at=values[_L.c.started_at],
                ended_at=values[_L.c.ended_at],
                amount_micro=values[_L.c.amount_micro],
                resource=values[_L.c.resource],
                job_id=values[_L.c.job_id],
                attempt_id=values[_L.c.attempt_id],
                node_id=values[_L.c.node_id],
                creator_id=values[_L.c.creator_id],
            )
        )
    return found


def _texts(value: Any) -> Iterator[str]:
    """All texts in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _only(values: Iterator[str | None]) -> str | None:
    """The one that all agree on."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _job_names(tx: Transaction, matches: Sequence[Match]) -> dict[str, str]:
    wanted = sorted({each.job_id for match in matches for each in match.entries if each.job_id})
    names: dict[str, str] = {}
    for start in range(0, len(wanted), _PER_STATEMENT):
        some = wanted[start : start + _PER_STATEMENT]
        rows = tx.execute(select(tables.jobs.c.id, tables.jobs.c.name).where(tables.jobs.c.id.in_(some)))
        names |= {row.id: row.name for row in rows}
    return names
