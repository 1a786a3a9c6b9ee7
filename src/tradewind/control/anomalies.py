"""Looks whether the scope of a budget spends more than it is used to, and tells so once per episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select

from tradewind.control.budget_standing import Live
from tradewind.control.budget_telling import tell
from tradewind.db import tables
from tradewind.db.budget_rows import BudgetRow
from tradewind.db.store import Transaction
from tradewind.domain.money import MICRO, format_money
from tradewind.ledger.anomalies import SPREADS, Custom, custom_of
from tradewind.ledger.limits import in_scope
from tradewind.ledger.spreading import Piece, windows

LOOK_EVERY: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class _Window:
    name: str
    width: timedelta
    count: int
    #: Less than this is never worth a message.
    floor_micro: int


_WINDOWS: Final = (
    _Window("hour", timedelta(hours=1), 168, 1 * MICRO),
    _Window("day", timedelta(days=1), 28, 5 * MICRO),
)


def look_for_anomalies(
    tx: Transaction, budget: BudgetRow, live: Sequence[Live], state: dict[str, Any]
) -> dict[str, Any]:
    """What is known from now on. Looks at most every ten minutes."""
    looked_at = state.get("looked_at")
    if looked_at is not None and tx.now - datetime.fromisoformat(looked_at) < LOOK_EVERY:
        return state
    state["looked_at"] = tx.now.isoformat()
    pieces = _pieces(tx, budget, live)
    for window in _WINDOWS:
        *history, last = windows(pieces, tx.now, window.width, window.count + 1)
        custom = custom_of(history, window.floor_micro)
        is_unusual = custom is not None and last > custom.limit_micro
        if is_unusual and custom is not None and not state.get(window.name):
            state["episodes"] = int(state.get("episodes", 0)) + 1
            _tell(tx, budget, window, last, custom, pieces, state["episodes"])
        state[window.name] = is_unusual
    return state


def _pieces(tx: Transaction, budget: BudgetRow, live: Sequence[Live]) -> list[Piece]:
    ledger = tables.ledger
    longest = max(window.width * (window.count + 1) for window in _WINDOWS)
    rows = tx.execute(
        select(ledger.c.started_at, ledger.c.ended_at, ledger.c.amount_micro, ledger.c.job_id).where(
            in_scope(budget, ledger),
            ledger.c.currency == budget.currency,
            ledger.c.kind != "correction",
            ledger.c.ended_at > tx.now - longest,
        )
    )
    pieces = [Piece(row.started_at, row.ended_at, row.amount_micro, row.job_id or "") for row in rows]
    pieces += [
        Piece(each.attempt.accepted_at or tx.now, tx.now, each.accrued_micro, each.attempt.job_id)
        for each in live
    ]
    return pieces


def _tell(
    tx: Transaction,
    budget: BudgetRow,
    window: _Window,
    last: int,
    custom: Custom,
    pieces: Sequence[Piece],
    episode: int,
) -> None:
    def show(micro: int) -> str:
        return format_money(micro, budget.currency)

    title = (
        f"Budget {budget.name}: {show(last)} in the last {window.name}, usually {show(custom.median_micro)}"
    )
    body = (
        f"More than {show(custom.limit_micro)} is out of the ordinary here: the median of the {window.name}s before "
        f"in which anything was spent, and {SPREADS:g} times their spread."
    )
    dearest = _dearest(tx, pieces, tx.now, window.width)
    if dearest is not None:
        body += f"\nMost of it: {dearest[0]} ({show(dearest[1])})."
    tell(tx, budget, "anomaly", f"anomaly:{episode}", title, body)


def _dearest(
    tx: Transaction, pieces: Sequence[Piece], until: datetime, width: timedelta
) -> tuple[str, int] | None:
    by_job: dict[str, int] = {}
    for piece in pieces:
        if piece.label and piece.ended_at > until - width:
            by_job[piece.label] = by_job.get(piece.label, 0) + windows([piece], until, width, 1)[0]
    if not by_job:
        return None
    job_id, micro = max(by_job.items(), key=lambda item: (item[1], item[0]))
    name = tx.execute(select(tables.jobs.c.name).where(tables.jobs.c.id == job_id)).scalar()
    return f"job {name} ({job_id})", micro
