"""What a job's time went into: stretches without gaps from its submission to its end, or to now. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from tradewind.control.place_names import shown_place
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.domain.schemas_job_parts import SegmentView
from tradewind.domain.schemas_shown import Tone
from tradewind.domain.status import REASON_TEXT, AttemptStatus, has_ended


@dataclass(frozen=True, slots=True)
class _Stage:
    """What happens from `since` on, until the next stage begins."""

    kind: str
    label: str
    owner: str
    tone: Tone
    since: datetime
    attempt: int | None = None
    explanation: str | None = None


def timeline(
    job: JobRow, attempts: Sequence[AttemptRow], nodes: Mapping[str, NodeRow], now: datetime
) -> list[SegmentView]:
    """The stretches in order; each begins where the one before ended. `attempts` are in order."""
    # Why it waited once is not why it waits now.
    why = None if attempts else job.explanation
    stages = [_Stage("queue", "Waiting for a place", "queue", "quiet", job.created_at, 1, why)]
    for attempt in attempts:
        stages += _stages_of(attempt, nodes.get(attempt.node_id))
        if attempt.ended_at is not None:
            stages.append(_gap_after(attempt))
    end = job.ended_at or now
    if stages[-1].kind == "gap" and has_ended(job.status):
        # Nothing followed: it was what it takes until what is left of it is kept.
        stages[-1] = replace(
            stages[-1],
            kind="finishing",
            label="Finishing",
            owner="tradewind",
            tone="quiet",
            attempt=len(attempts),
        )
    first_run = next((each.since for each in stages if each.kind == "running"), None)
    found = []
    for position, stage in enumerate(stages):
        last = position == len(stages) - 1
        until = end if last else min(max(stages[position + 1].since, stage.since), end)
        since = min(max([stage.since, *(each.since for each in stages[:position])]), end)
        until = max(until, since)
        is_open = last and not has_ended(job.status)
        # Clocks of machines differ: a stage that another overtook is left out, and so is a gap after the last attempt.
        if until == since and not is_open and len(stages) > 1:
            continue
        found.append(
            SegmentView(
                kind=stage.kind,
                label=stage.label,
                owner=stage.owner,
                tone=stage.tone,
                started_at=since,
                ended_at=None if is_open else until,
                seconds=(until - since).total_seconds(),
                attempt=stage.attempt,
                is_startup=first_run is None or since < first_run,
                explanation=stage.explanation,
            )
        )
    return found


def _stages_of(attempt: AttemptRow, node: NodeRow | None) -> list[_Stage]:
    number, place = attempt.number, shown_place(attempt)
    found = []
    if attempt.is_rented:
        provider = attempt.provider
        found.append(
            _Stage("provisioning", "Renting a machine", provider, "busy", attempt.created_at, number, place)
        )
        # One that was kept idle was there before.
        if node is not None and node.accepted_at is not None and node.accepted_at >= attempt.created_at:
            found.append(
                _Stage("host_start", "Machine starts", provider, "busy", node.accepted_at, number, place)
            )
        ready = None if node is None else node.ready_at
        if ready is not None:
            ready = max(ready, attempt.created_at)
            found.append(
                _Stage("delivery", "Bringing the job there", "tradewind", "busy", ready, number, place)
            )
    else:
        found.append(
            _Stage(
                "delivery", "Bringing the job there", "tradewind", "busy", attempt.created_at, number, place
            )
        )
    if attempt.accepted_at is not None:
        found.append(_Stage("setup", "Setting up", "job", "busy", attempt.accepted_at, number, place))
    if attempt.started_at is not None:
        text = f"attempt {number} on {place}"
        found.append(_Stage("running", "Running", "job", "good", attempt.started_at, number, text))
    return found


def _gap_after(attempt: AttemptRow) -> _Stage:
    reason = "" if attempt.reason is None else REASON_TEXT[attempt.reason]
    text = attempt.explanation or reason or None
    tone: Tone = "bad" if attempt.status is AttemptStatus.FAILED else "warning"
    since = attempt.ended_at or attempt.created_at
    return _Stage("gap", "Between attempts", "queue", tone, since, attempt.number + 1, text)
