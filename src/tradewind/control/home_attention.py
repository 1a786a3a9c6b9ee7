"""What wants to be looked at: connections that are refused, jobs that are not well, prices that are not fresh."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import select

from tradewind.control.connection_desk import own_connections
from tradewind.control.connection_words import connection_badge
from tradewind.control.connections import Connections
from tradewind.control.price_desk import failures_of, visible_sources
from tradewind.db import price_tables, tables
from tradewind.db.owners import Caller, made_by, visible_to
from tradewind.db.store import Transaction
from tradewind.domain.schemas_home import Attention, HomeBudget
from tradewind.domain.status import AttemptStatus
from tradewind.providers.about import all_abouts

_MOST: Final = 5
_MOST_LOOKED: Final = 200
_LATELY: Final = timedelta(days=1)
_ORDER: Final = ("bad", "warning", "busy", "quiet", "good")


def attention(
    tx: Transaction, caller: Caller, connections: Connections, budgets: list[HomeBudget]
) -> list[Attention]:
    """The worst first."""
    found = [
        *_connections(tx, caller, connections),
        *_unwell(tx, caller),
        *_budgets(budgets),
        *_firings(tx, caller),
        *_sources(tx, caller),
    ]
    return sorted(found, key=lambda each: _ORDER.index(each.tone))


def _connections(tx: Transaction, caller: Caller, connections: Connections) -> list[Attention]:
    found = []
    for row in own_connections(tx, caller):
        badge = connection_badge(row, connections.problem_of(row), tx.now)
        if badge.tone not in ("bad", "warning"):
            continue
        about = all_abouts().get(row.provider)
        title = row.provider if about is None else about.title
        found.append(
            Attention(
                kind="connection",
                tone=badge.tone,
                title=f"{title}: {badge.label.lower()}",
                text=badge.explanation or "",
                link=f"/connections/{row.provider}",
                at=row.examined_at,
            )
        )
    return found


def _unwell(tx: Transaction, caller: Caller) -> list[Attention]:
    attempts, jobs = tables.attempts, tables.jobs
    rows = tx.execute(
        select(attempts.c.observed, jobs.c.id, jobs.c.name)
        .join(jobs, jobs.c.attempt_id == attempts.c.id)
        .where(visible_to(caller, attempts), attempts.c.status == AttemptStatus.RUNNING)
        .order_by(attempts.c.id.desc())
        .limit(_MOST_LOOKED)
    )
    found = []
    for row in rows:
        health = (row.observed or {}).get("health") or {}
        if health.get("state") in ("warning", "unhealthy"):
            found.append(
                Attention(
                    kind="job",
                    tone="bad" if health["state"] == "unhealthy" else "warning",
                    title=f"{row.name} is not well",
                    text=str(health.get("text") or ""),
                    link=f"/jobs/{row.id}",
                )
            )
    return found[:_MOST]


def _budgets(budgets: list[HomeBudget]) -> list[Attention]:
    return [
        Attention(
            kind="budget",
            tone=each.badge.tone,
            title=f"Budget {each.name}: {each.badge.label.lower()}",
            text="; ".join([each.text, *each.notes]),
            link=f"/budgets/{each.name}",
        )
        for each in budgets
        if each.badge.tone == "bad"
    ]


def _firings(tx: Transaction, caller: Caller) -> list[Attention]:
    firings = price_tables.alert_firings
    rows = tx.execute(
        select(firings)
        .where(
            made_by(caller, firings),
            firings.c.created_at >= tx.now - _LATELY,
            firings.c.was_muted.is_(False),
        )
        .order_by(firings.c.created_at.desc())
        .limit(_MOST)
    )
    return [
        Attention(
            kind="alert", tone="busy", title=row.title, text=row.body, link="/alerts", at=row.created_at
        )
        for row in rows
    ]


def _sources(tx: Transaction, caller: Caller) -> list[Attention]:
    failures = failures_of(visible_sources(tx, caller))
    if not failures:
        return []
    names = ", ".join(each.name for each in failures[:3])
    one = len(failures) == 1
    return [
        Attention(
            kind="prices",
            tone="warning",
            title=f"{len(failures)} price source{'' if one else 's'} could not be asked",
            text=f"{names}: {'its' if one else 'their'} last prices are still shown",
            link="/settings?tab=prices",
        )
    ]
