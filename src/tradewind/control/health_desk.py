"""Acts on how attempts are: one event for each episode, and a word to stop where the job file asks for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import or_, select

from tradewind.control.deciding import Verdict
from tradewind.control.health import Finding, Kind, Severity, examine
from tradewind.control.ranks import ids_on
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.moves import change
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.causes import CAUSES, REST_OF_DEVICE
from tradewind.domain.status import AttemptStatus, Reason
from tradewind.domain.units import format_duration
from tradewind.spec.parts import Health, OnUnhealthy

#: An episode is over when its sign has been away for so long, by the machine's clock; what comes and goes is one.
_LINGERS_S: Final = {Kind.GPU_HOT: 600.0, Kind.DISK_NEARLY_FULL: 600.0}
_ENDED_BY_ITSELF: Final = frozenset({Reason.EXITED, Reason.KILLED_BY_SIGNAL})
_OF_A_DEVICE: Final = frozenset({Kind.GPU_BROKEN, Kind.GPU_SUSPECT})


def attend(tx: Transaction, row: AttemptRow, *, may_act: bool, job: JobRow | None = None) -> AttemptRow:
    """Looks at what is known of an attempt: says what is new, and sets why it is to stop, if it is.

    `job` is the attempt's, where it is in hand: only its file is looked at.
    """
    findings = examine(row.observed, _policy(tx, row, job))
    known: dict[str, Any] = row.observed.get("health") or {}
    if not findings and not known:
        return row
    now = float((row.observed.get("sample") or {}).get("at") or 0.0)
    health = _summary(findings) | {"open": _say_changes(tx, row, findings, known.get("open") or {}, now)}
    changes: dict[str, Any] = {}
    worst = next((each for each in findings if each.reason is not None), None)
    if worst is not None and may_act and row.stop_reason is None and row.status is AttemptStatus.RUNNING:
        changes["stop_reason"] = worst.reason
        health["acted"] = {"reason": worst.reason, "text": worst.sentence}
        done = "restarted" if worst.action is OnUnhealthy.RESTART else "stopped"
        text = f"attempt {row.number} is {done}: {worst.sentence}"
        append_event(tx, row.job_id, "health.acted", text, {"kind": worst.kind, "attempt": row.number})
    elif "acted" in known:
        health["acted"] = known["acted"]
    if not changes and health == known:
        return row
    tx.wake(f"job:{row.job_id}")
    return change(tx, row, observed={**row.observed, "health": health}, **changes)


def _policy(tx: Transaction, row: AttemptRow, job: JobRow | None) -> Health | None:
    written = (job or JobRow.get(tx, row.job_id)).spec.get("health")
    return None if written is None else Health.model_validate(written)


def _summary(findings: list[Finding]) -> dict[str, Any]:
    if not findings:
        return {"state": "ok"}
    worst = findings[0]
    return {"state": worst.severity, "kind": worst.kind, "text": worst.sentence, "since": worst.since}


def _say_changes(
    tx: Transaction, row: AttemptRow, findings: list[Finding], open_: dict[str, Any], now: float
) -> dict[str, Any]:
    """One event as an episode begins, and one as it ends. Returns the episodes that go on."""
    going_on: dict[str, Any] = {}
    for each in findings:
        if each.key not in open_:
            data = {
                "kind": each.kind, "severity": each.severity, "about": each.about, "attempt": row.number,
                "action": each.action,
            }  # fmt: skip
            append_event(tx, row.job_id, f"health.{each.kind}", each.sentence, data)
        going_on[each.key] = {"kind": each.kind, "seen": now}
    for key, episode in open_.items():
        if key in going_on:
            continue
        if now - float(episode["seen"]) < _LINGERS_S.get(Kind(episode["kind"]), 0.0):
            going_on[key] = episode
        else:
            text = f"over: {str(episode['kind']).replace('_', ' ')}"
            data = {"kind": episode["kind"], "attempt": row.number}
            append_event(tx, row.job_id, "health.over", text, data)
    return going_on


def conclude(row: AttemptRow, verdict: Verdict) -> Verdict:
    """How an attempt ended, with what was known of its health: what it was stopped for, or what it died of."""
    health: dict[str, Any] = row.observed.get("health") or {}
    acted = health.get("acted") or {}
    if acted.get("reason") == verdict.reason:
        return replace(verdict, explanation=acted["text"])
    if verdict.status is not AttemptStatus.FAILED or verdict.reason not in _ENDED_BY_ITSELF:
        return verdict
    findings = examine(row.observed, None)
    broken = next((each for each in findings if each.kind in _OF_A_DEVICE), None)
    if broken is not None:
        return Verdict(
            AttemptStatus.INTERRUPTED, Reason.GPU_ERROR, f"{broken.sentence}; {verdict.explanation}"
        )
    full = next((each for each in findings if each.kind is Kind.GPU_OUT_OF_MEMORY), None)
    return replace(verdict, explanation=f"{verdict.explanation}; {full.sentence}") if full else verdict


def note_unreachable(tx: Transaction, row: AttemptRow, node: NodeRow) -> AttemptRow:
    """Nobody answers on the attempt's machine: says so once, until somebody answers again."""
    known: dict[str, Any] = row.observed.get("health") or {}
    if known.get("kind") == Kind.NODE_UNREACHABLE:
        return row
    text = f"{node.name} cannot be reached"
    append_event(
        tx,
        row.job_id,
        f"health.{Kind.NODE_UNREACHABLE}",
        text,
        {"kind": Kind.NODE_UNREACHABLE, "attempt": row.number},
    )
    since = (node.lost_since or tx.now).timestamp()
    health = {
        **known, "state": Severity.UNHEALTHY, "kind": Kind.NODE_UNREACHABLE, "text": text, "since": since
    }  # fmt: skip
    tx.wake(f"job:{row.job_id}")
    return change(tx, row, observed={**row.observed, "health": health})


def note_reachable(tx: Transaction, row: AttemptRow) -> AttemptRow:
    """Somebody answers again."""
    known: dict[str, Any] = row.observed.get("health") or {}
    if known.get("kind") != Kind.NODE_UNREACHABLE:
        return row
    away = format_duration(max(tx.now.timestamp() - float(known["since"]), 0.0))
    append_event(
        tx,
        row.job_id,
        "health.over",
        f"its machine answers again after {away}",
        {"kind": Kind.NODE_UNREACHABLE},
    )
    rest = {key: value for key, value in known.items() if key in ("open", "acted")}
    return change(tx, row, observed={**row.observed, "health": {"state": "ok", **rest}})


def devices_at_rest(tx: Transaction, node_id: str) -> set[str]:
    """The GPUs of a machine that broke a short while ago: they are not handed out yet."""

    resting = [reason for reason, cause in CAUSES.items() if cause.rests_device]
    table = tables.attempts
    rows = tx.execute(
        select(table.c.observed).where(
            or_(table.c.node_id == node_id, table.c.id.in_(ids_on(node_id))),
            table.c.reason.in_(resting),
            table.c.ended_at > tx.now - REST_OF_DEVICE,
        )
    )
    return {
        each.about.partition("/")[0]
        for row in rows
        for each in examine(row[0], None)
        if each.kind in _OF_A_DEVICE
    }
