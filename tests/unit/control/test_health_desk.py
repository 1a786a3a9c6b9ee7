"""What is done about the health of attempts, in the database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select

from tests.unit.jobs_for_tests import add_attempt, add_job
from tradewind.control import health_desk, spoiled
from tradewind.control.deciding import Verdict
from tradewind.control.nodes import Capacity
from tradewind.control.placing import latest_checkpoint
from tradewind.db import tables
from tradewind.db.events import events_after
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain import ids
from tradewind.domain.status import AttemptStatus, Reason

AT = datetime(2026, 5, 1, tzinfo=UTC)
BROKEN = {"phase": "running", "gpu_errors": {"GPU-1/79": {"uuid": "GPU-1", "xid": 79, "at": 5.0}}}
SUSPECT = {"phase": "running", "gpu_errors": {"GPU-1/94": {"uuid": "GPU-1", "xid": 94, "at": 5.0}}}


def add_checkpoint(tx: Transaction, attempt: AttemptRow, step: int | None, after_s: float) -> str:
    checkpoint_id = tx.new_id(ids.CHECKPOINT)
    tx.execute(
        insert(tables.checkpoints).values(
            id=checkpoint_id, project_id=attempt.project_id, creator_id=attempt.creator_id, job_id=attempt.job_id,
            task_id=attempt.task_id, attempt_id=attempt.id, attempt_number=attempt.number, fence=attempt.fence,
            path=f"ckpt/{checkpoint_id}", step=step, size_bytes=1, file_count=1, manifest=[], location=checkpoint_id,
            state="kept", created_at=AT + timedelta(seconds=after_s),
        )
    )  # fmt: skip
    return checkpoint_id


def nan_at(after_s: float, step: int | None) -> dict[str, Any]:
    since = (AT + timedelta(seconds=after_s)).timestamp()
    return {"phase": "running", "non_finite": {"loss": {"value": "nan", "step": step, "since": since}}}


@pytest.mark.parametrize(
    ("step", "good"),
    [(None, 1), (10, 0)],
    ids=["by the time", "by the step that a late loss names"],
)
async def test_a_restart_after_nan_goes_back_to_before_it(
    store: SqlStore, caller: Caller, step: int | None, good: int
) -> None:
    def play(tx: Transaction) -> None:
        job = add_job(tx, caller)
        attempt = add_attempt(tx, job, observed=nan_at(25, step))
        kept = [add_checkpoint(tx, attempt, at, float(at)) for at in (5, 20, 30)]
        spoiled.set_aside(tx, attempt)
        assert latest_checkpoint(tx, attempt.task_id) == kept[good]
        (event,) = [
            each for each in events_after(tx, job.id, 0, 99) if each["type"] == "checkpoint.passed_over"
        ]
        assert event["data"]["count"] == 2 - good
        assert kept[good] in event["message"]

    await store.run(play)


async def test_a_checkpoint_that_leads_to_nan_again_is_not_tried_for_ever(
    store: SqlStore, caller: Caller
) -> None:
    def play(tx: Transaction) -> None:
        job = add_job(tx, caller)
        first = add_attempt(tx, job)
        older, newer = add_checkpoint(tx, first, 5, 5), add_checkpoint(tx, first, 9, 9)
        second = add_attempt(tx, job, 2, observed=nan_at(25, 10), resumed_from=newer)
        add_checkpoint(tx, second, 30, 30)
        spoiled.set_aside(tx, second)
        assert latest_checkpoint(tx, first.task_id) == older

    await store.run(play)


async def test_without_nan_nothing_is_put_aside(store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> None:
        job = add_job(tx, caller)
        over = nan_at(1, 1)
        over["non_finite"]["loss"]["is_over"] = True
        attempt = add_attempt(tx, job, observed=over)
        kept = add_checkpoint(tx, attempt, 9, 9)
        spoiled.set_aside(tx, attempt)
        assert latest_checkpoint(tx, attempt.task_id) == kept

    await store.run(play)


@pytest.mark.parametrize(
    ("observed", "status", "reason", "expected"),
    [
        ({}, AttemptStatus.FAILED, Reason.EXITED, Reason.EXITED),
        (BROKEN, AttemptStatus.FAILED, Reason.EXITED, Reason.GPU_ERROR),
        (SUSPECT, AttemptStatus.FAILED, Reason.KILLED_BY_SIGNAL, Reason.GPU_ERROR),
        (BROKEN, AttemptStatus.SUCCEEDED, Reason.EXITED, Reason.EXITED),
        (BROKEN, AttemptStatus.FAILED, Reason.MAX_DURATION, Reason.MAX_DURATION),
        (BROKEN, AttemptStatus.CANCELLED, Reason.STOPPED_BY_USER, Reason.STOPPED_BY_USER),
    ],
)
async def test_what_an_attempt_died_of(
    store: SqlStore,
    caller: Caller,
    observed: dict[str, Any],
    status: AttemptStatus,
    reason: Reason,
    expected: Reason,
) -> None:
    def play(tx: Transaction) -> None:
        attempt = add_attempt(tx, add_job(tx, caller), observed=observed)
        ended = health_desk.conclude(attempt, Verdict(status, reason, "it ended"))
        assert ended.reason is expected
        assert (ended.status is AttemptStatus.INTERRUPTED) is (expected is Reason.GPU_ERROR)

    await store.run(play)


async def test_a_gpu_that_broke_is_left_alone_for_a_while(store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> None:
        job = add_job(tx, caller)
        recent: dict[str, Any] = {
            "status": AttemptStatus.INTERRUPTED,
            "reason": Reason.GPU_ERROR,
            "observed": BROKEN,
        }
        attempt = add_attempt(tx, job, ended_at=tx.now - timedelta(minutes=14), **recent)
        assert health_desk.devices_at_rest(tx, attempt.node_id) == {"GPU-1"}
        gpus = [{"uuid": f"GPU-{number}", "name": "H100", "memory_bytes": 80 << 30} for number in (1, 2)]
        inventory = {"cpus": 8, "memory_bytes": 1 << 40, "watts_idle": 1, "watts_max": 2, "accelerators": [
            {"vendor": "nvidia", "index": 0} | gpu for gpu in gpus
        ]}  # fmt: skip
        capacity = Capacity.of(tx, NodeRow.get(tx, attempt.node_id), inventory)
        assert [each.uuid for each in capacity.free_accelerators] == ["GPU-2"]
        old = add_attempt(tx, job, 2, ended_at=tx.now - timedelta(minutes=16), **recent)
        assert health_desk.devices_at_rest(tx, old.node_id) == set()

    await store.run(play)


async def test_a_machine_that_does_not_answer_is_said_once(store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> None:
        job = add_job(tx, caller)
        attempt = add_attempt(tx, job)
        node = NodeRow.get(tx, attempt.node_id)
        attempt = health_desk.note_unreachable(tx, attempt, node)
        attempt = health_desk.note_unreachable(tx, attempt, node)
        assert attempt.observed["health"]["state"] == "unhealthy"
        attempt = health_desk.note_reachable(tx, attempt)
        attempt = health_desk.note_reachable(tx, attempt)
        assert attempt.observed["health"]["state"] == "ok"
        kinds = [each["type"] for each in events_after(tx, job.id, 0, 99)]
        assert [kind for kind in kinds if kind.startswith("health.")] == [
            "health.node_unreachable",
            "health.over",
        ]

    await store.run(play)


async def test_what_was_looked_at_again_without_news_writes_nothing(store: SqlStore, caller: Caller) -> None:
    def play(tx: Transaction) -> None:
        job = add_job(tx, caller)
        attempt = add_attempt(tx, job, observed=nan_at(1, 1), status=AttemptStatus.RUNNING)
        once = health_desk.attend(tx, attempt, may_act=True)
        assert once.stop_reason is None
        assert health_desk.attend(tx, once, may_act=True).version == once.version
        assert tx.execute(select(tables.attempts.c.version)).scalar_one() == once.version

    await store.run(play)
