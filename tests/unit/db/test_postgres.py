"""What PostgreSQL does otherwise than SQLite: transactions that really run at once."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from tests.unit.conftest import HandClock
from tests.unit.db.conftest import MakePostgres
from tests.unit.jobs_for_tests import add_attempt, add_job, task_of
from tradewind.control import leases
from tradewind.control.submitting import recall, remember
from tradewind.db import tables
from tradewind.db.events import append_event, events_after, stream_after
from tradewind.db.moves import change, set_job_status, set_task_status
from tradewind.db.owners import Caller, ensure_defaults
from tradewind.db.postgres import PostgresStore
from tradewind.db.rows import JobRow, StaleRowError, TaskRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.status import JobStatus, TaskStatus

WAIT_S = 20


@pytest.fixture
def store(make_postgres_store: MakePostgres) -> PostgresStore:
    return make_postgres_store()


@pytest.fixture
async def caller(store: PostgresStore) -> Caller:
    return (await store.run(lambda tx: ensure_defaults(tx, "ana")))[1]


class Meeting:
    """Holds a transaction at a point until the test lets it go on. Only the first run of the function stops."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._go_on = threading.Event()
        self.runs = 0

    def stop_here(self) -> None:
        self.runs += 1
        if self.runs == 1:
            self._reached.set()
            assert self._go_on.wait(WAIT_S)

    async def reached(self) -> None:
        assert await asyncio.to_thread(self._reached.wait, WAIT_S)

    def go_on(self) -> None:
        self._go_on.set()


async def test_the_time_is_the_databases_and_one_for_a_transaction(store: PostgresStore) -> None:
    def look(tx: Transaction) -> tuple[datetime, datetime, datetime]:
        tx.execute(text("SELECT pg_sleep(0.01)"))
        begun = tx.execute(text("SELECT transaction_timestamp()")).scalar_one()
        return tx.now, begun, tx.execute(text("SELECT clock_timestamp()")).scalar_one()

    for run in (store.run, store.read):
        now, begun, after = await run(look)
        assert now == begun < after
        assert now.tzinfo is UTC
        # The clock that the store was given stands still in January.
        assert now.year > 2025
        assert now.month > 0


async def test_a_read_sees_one_instant_and_cannot_write(store: PostgresStore, caller: Caller) -> None:
    meeting = Meeting()

    def count(tx: Transaction) -> int:
        return int(tx.execute(select(func.count()).select_from(tables.jobs)).scalar_one())

    def twice(tx: Transaction) -> tuple[int, int]:
        first = count(tx)
        meeting.stop_here()
        return first, count(tx)

    reading = asyncio.create_task(store.read(twice))
    await meeting.reached()
    await store.run(lambda tx: add_job(tx, caller))
    meeting.go_on()
    assert await reading == (0, 0)
    with pytest.raises(Exception, match="read-only transaction"):
        await store.read(lambda tx: add_job(tx, caller))
    assert await store.read(count) == 1


# -- the stream ------------------------------------------------------------------------------------------------------


async def test_the_stream_never_skips_an_event_that_commits_late(
    store: PostgresStore, caller: Caller
) -> None:
    """One transaction has its event early and commits late; another one begins after it and commits before it."""
    first, second = await store.run(lambda tx: (add_job(tx, caller), add_job(tx, caller)))
    start = max(row["position"] for row in await store.read(lambda tx: stream_after(tx, caller, 0, 100)))
    meeting = Meeting()

    def slow(tx: Transaction) -> None:
        append_event(tx, first.id, "job.slow", "appended first, committed last")
        tx.flush()
        meeting.stop_here()

    late = asyncio.create_task(store.run(slow))
    await meeting.reached()
    await store.run(lambda tx: append_event(tx, second.id, "job.quick", "appended last, committed first"))
    seen = await store.read(lambda tx: stream_after(tx, caller, start, 100))
    assert [row["type"] for row in seen] == ["job.quick"]
    meeting.go_on()
    await late
    after = seen[-1]["position"]
    assert [row["type"] for row in await store.read(lambda tx: stream_after(tx, caller, after, 100))] == [
        "job.slow"
    ]


async def test_a_reader_that_follows_many_writers_sees_every_event_once_and_in_order(
    make_postgres_store: MakePostgres,
) -> None:
    stores = [make_postgres_store() for _ in range(3)]
    _, caller = await stores[0].run(lambda tx: ensure_defaults(tx, "ana"))
    jobs = await stores[0].run(lambda tx: [add_job(tx, caller) for _ in range(4)])
    start = max(row["position"] for row in await stores[0].read(lambda tx: stream_after(tx, caller, 0, 100)))
    writers_are_done = asyncio.Event()
    seen: list[dict[str, Any]] = []

    def write(tx: Transaction, number: int) -> None:
        append_event(tx, jobs[number % 4].id, "job.tick", str(number))
        # Between its number in the job's story and its commit, others come and go.
        tx.execute(text("SELECT pg_sleep(:s)"), {"s": (number * 7 % 5) / 1000})

    async def follow() -> None:
        after = start
        while True:
            is_last = writers_are_done.is_set()
            rows = await stores[2].read(lambda tx, after=after: stream_after(tx, caller, after, 7))  # type: ignore[misc]
            seen.extend(rows)
            after = seen[-1]["position"] if seen else start
            if is_last and not rows:
                return

    following = asyncio.create_task(follow())
    await asyncio.gather(
        *(stores[number % 2].run(lambda tx, number=number: write(tx, number)) for number in range(120))  # type: ignore[misc]
    )
    writers_are_done.set()
    await following
    assert sorted(int(row["message"]) for row in seen) == list(range(120))
    positions = [row["position"] for row in seen]
    assert positions == sorted(set(positions))
    for job in jobs:
        story = await stores[0].read(lambda tx, job=job: events_after(tx, job.id, 0, 1000))  # type: ignore[misc]
        assert [row["seq"] for row in story] == list(range(1, len(story) + 1))
        assert [row["position"] for row in story] == sorted(row["position"] for row in story)


# -- claims ----------------------------------------------------------------------------------------------------------


async def test_two_who_claim_at_once_never_get_the_same_row(make_postgres_store: MakePostgres) -> None:
    ours, theirs = make_postgres_store(), make_postgres_store()
    _, caller = await ours.run(lambda tx: ensure_defaults(tx, "ana"))

    def add(tx: Transaction) -> None:
        leases.wake(tx, tables.jobs, *(add_job(tx, caller).id for _ in range(60)))

    await ours.run(add)
    lease = timedelta(seconds=30)

    async def take(store: PostgresStore, token: str) -> list[str]:
        mine: list[str] = []
        while rows := await store.run(lambda tx: leases.claim(tx, JobRow, token, lease, 4)):
            assert len(rows) <= 4
            mine += [row.id for row in rows]
        return mine

    taken = await asyncio.gather(*(take(store, f"{n}") for n, store in enumerate((ours, theirs) * 4)))
    every = [row_id for mine in taken for row_id in mine]
    assert len(every) == len(set(every)) == 60


async def test_a_claim_does_not_wait_for_a_row_that_another_transaction_holds(
    store: PostgresStore, caller: Caller
) -> None:
    held, free = await store.run(lambda tx: (add_job(tx, caller), add_job(tx, caller)))
    await store.run(lambda tx: leases.wake(tx, tables.jobs, held.id, free.id))
    meeting = Meeting()

    def hold(tx: Transaction) -> None:
        leases.wake(tx, tables.jobs, held.id)
        tx.flush()
        meeting.stop_here()

    holding = asyncio.create_task(store.run(hold))
    await meeting.reached()
    claimed = await store.run(lambda tx: leases.claim(tx, JobRow, "a", timedelta(seconds=30), 10))
    assert [row.id for row in claimed] == [free.id]
    meeting.go_on()
    await holding


async def test_only_the_rows_asked_for_are_claimed(store: PostgresStore, caller: Caller) -> None:
    ours, theirs = await store.run(lambda tx: (add_job(tx, caller), add_job(tx, caller)))
    await store.run(lambda tx: leases.wake(tx, tables.jobs, ours.id, theirs.id))
    only = tables.jobs.c.id == ours.id
    claimed = await store.run(lambda tx: leases.claim(tx, JobRow, "a", timedelta(seconds=30), 10, only))
    assert [row.id for row in claimed] == [ours.id]
    assert await store.read(lambda tx: leases.next_due(tx, tables.jobs, tables.jobs.c.id == "job_0")) is None


# -- transactions that meet ------------------------------------------------------------------------------------------


async def test_who_read_a_row_that_changed_is_run_again(store: PostgresStore, caller: Caller) -> None:
    job = await store.run(lambda tx: add_job(tx, caller))
    meeting = Meeting()

    def slow(tx: Transaction) -> JobRow:
        found = JobRow.get(tx, job.id)
        meeting.stop_here()
        return change(tx, found, tags={**found.tags, "slow": "1"})

    late = asyncio.create_task(store.run(slow))
    await meeting.reached()
    await store.run(lambda tx: change(tx, JobRow.get(tx, job.id), tags={"quick": "1"}))
    meeting.go_on()
    assert (await late).tags == {"quick": "1", "slow": "1"}
    assert meeting.runs == 2


async def test_what_stays_stale_is_given_to_the_caller(store: PostgresStore, caller: Caller) -> None:
    job = await store.run(lambda tx: add_job(tx, caller))
    await store.run(lambda tx: change(tx, job, tags={"a": "b"}))
    with pytest.raises(StaleRowError):
        await store.run(lambda tx: change(tx, job, tags={}))


async def test_one_task_is_placed_once_when_two_nodes_see_it_waiting(
    make_postgres_store: MakePostgres,
) -> None:
    stores = [make_postgres_store(), make_postgres_store()]
    _, caller = await stores[0].run(lambda tx: ensure_defaults(tx, "ana"))
    jobs = await stores[0].run(lambda tx: [add_job(tx, caller) for _ in range(20)])

    def place(tx: Transaction, job: JobRow) -> bool:
        task = task_of(tx, job)
        if task.status is not TaskStatus.WAITING:
            return False
        tx.execute(text("SELECT pg_sleep(0.002)"))
        set_task_status(tx, task, TaskStatus.ACTIVE, fence=task.fence + 1)
        add_attempt(tx, job, task.fence + 1)
        return True

    placed = await asyncio.gather(
        *(store.run(lambda tx, job=job: place(tx, job)) for job in jobs for store in stores)  # type: ignore[misc]
    )
    assert sum(placed) == 20
    table = tables.attempts
    counts = await stores[0].read(
        lambda tx: tx.execute(select(func.count(), table.c.task_id).group_by(table.c.task_id)).all()
    )
    assert [row[0] for row in counts] == [1] * 20


async def test_transactions_that_lock_each_other_out_both_end(store: PostgresStore, caller: Caller) -> None:
    one, two = await store.run(lambda tx: (add_job(tx, caller), add_job(tx, caller)))
    both_hold_one = threading.Barrier(2)
    runs = [0, 0]

    def cross(tx: Transaction, number: int, first: JobRow, second: JobRow) -> None:
        runs[number] += 1
        append_event(tx, first.id, "job.cross", "first")
        tx.flush()
        if runs[number] == 1:
            both_hold_one.wait(WAIT_S)
        append_event(tx, second.id, "job.cross", "second")

    await asyncio.gather(
        store.run(lambda tx: cross(tx, 0, one, two)), store.run(lambda tx: cross(tx, 1, two, one))
    )
    assert sorted(runs) == [1, 2]
    for job in (one, two):
        story = await store.read(lambda tx, job=job: events_after(tx, job.id, 0, 100))  # type: ignore[misc]
        assert [row["seq"] for row in story] == list(range(1, len(story) + 1))
        assert [row["type"] for row in story].count("job.cross") == 2


async def test_one_answer_to_a_request_that_arrives_twice_at_once(make_postgres_store: MakePostgres) -> None:
    stores = [make_postgres_store(), make_postgres_store()]
    _, caller = await stores[0].run(lambda tx: ensure_defaults(tx, "ana"))

    def once(tx: Transaction, key: str) -> str:
        known = recall(tx, caller, key, "digest")
        if known is not None:
            return str(known["job"])
        job = add_job(tx, caller)
        tx.execute(text("SELECT pg_sleep(0.005)"))
        remember(tx, caller, key, "digest", {"job": job.id})
        return job.id

    for key in ("one", "two", "three"):
        answers = await asyncio.gather(
            *(store.run(lambda tx, key=key: once(tx, key)) for store in stores * 2)  # type: ignore[misc]
        )
        assert len(set(answers)) == 1
    jobs = select(func.count()).select_from(tables.jobs)
    assert await stores[0].read(lambda tx: tx.execute(jobs).scalar_one()) == 3


async def test_servers_that_start_on_a_new_database_lay_the_first_rows_once(
    make_postgres_store: MakePostgres,
) -> None:
    stores = [make_postgres_store() for _ in range(4)]
    found = await asyncio.gather(*(store.run(lambda tx: ensure_defaults(tx, "ana")) for store in stores))
    assert len({installation for installation, _ in found}) == 1
    assert len({caller.project_id for _, caller in found}) == 1


async def test_counting_up_at_once_loses_nothing(store: PostgresStore, caller: Caller) -> None:
    job = await store.run(lambda tx: add_job(tx, caller))
    await asyncio.gather(*(store.run(lambda tx: leases.wake(tx, tables.jobs, job.id)) for _ in range(40)))
    assert (await store.read(lambda tx: JobRow.get(tx, job.id))).wakes == job.wakes + 40


async def test_a_cancelled_caller_neither_undoes_its_commit_nor_swallows_the_wake_up(
    store: PostgresStore, caller: Caller
) -> None:
    meeting = Meeting()

    def add(tx: Transaction) -> None:
        add_job(tx, caller)
        tx.wake("topic")
        meeting.stop_here()

    with store.wakeups.subscribe("topic") as woken:
        task = asyncio.create_task(store.run(add))
        await meeting.reached()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        meeting.go_on()
        await asyncio.wait_for(woken.wait(), WAIT_S)
    jobs = select(func.count()).select_from(tables.jobs)
    assert await store.read(lambda tx: tx.execute(jobs).scalar_one()) == 1


# -- what goes wrong -------------------------------------------------------------------------------------------------


async def test_connections_that_were_cut_are_made_anew(store: PostgresStore, caller: Caller) -> None:
    def cut(tx: Transaction) -> None:
        tx.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )

    await asyncio.gather(*(store.check() for _ in range(4)))
    await store.run(cut)
    await store.check()
    runs = 0

    def die_once(tx: Transaction) -> str:
        nonlocal runs
        runs += 1
        job = add_job(tx, caller)
        if runs == 1:
            tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return job.id

    kept = await store.run(die_once)
    rows = await store.read(lambda tx: [row[0] for row in tx.execute(select(tables.jobs.c.id))])
    assert (rows, runs) == ([kept], 2)


async def test_a_value_that_fits_no_column_is_the_askers_fault(store: PostgresStore, caller: Caller) -> None:
    job = await store.run(lambda tx: add_job(tx, caller))
    with pytest.raises(InvalidInputError, match="too large or too long"):
        await store.run(lambda tx: tx.execute(update(tables.jobs).values(name="x" * 65)))
    with pytest.raises(InvalidInputError):
        await store.read(lambda tx: tx.execute(select(tables.jobs).where(tables.jobs.c.exit_code == 2**40)))
    assert await store.read(lambda tx: events_after(tx, job.id, 2**63 - 1, 10)) == []


async def test_a_zero_byte_in_a_text_breaks_nothing(store: PostgresStore, caller: Caller) -> None:
    job = await store.run(lambda tx: add_job(tx, caller))
    await store.run(
        lambda tx: append_event(tx, job.id, "job.odd", "before\x00after", {"raw": "before\x00after"})
    )
    (event,) = await store.read(lambda tx: events_after(tx, job.id, 1, 10))
    assert event["message"] == "before\ufffdafter"
    assert event["data"] == {"raw": "before\x00after"}
    assert (
        await store.read(lambda tx: tx.execute(TaskRow.select().where(tables.tasks.c.id == "\x00")).all())
        == []
    )


async def test_a_story_is_whole_when_its_transaction_fails(store: PostgresStore, caller: Caller) -> None:
    job = await store.run(lambda tx: add_job(tx, caller))

    def fail(tx: Transaction) -> None:
        set_job_status(tx, JobRow.get(tx, job.id), JobStatus.STARTING, "going")
        raise LookupError("on purpose")

    with pytest.raises(LookupError):
        await store.run(fail)
    assert (await store.read(lambda tx: JobRow.get(tx, job.id))).status is JobStatus.QUEUED
    await store.run(lambda tx: set_job_status(tx, JobRow.get(tx, job.id), JobStatus.STARTING, "going"))
    story = await store.read(lambda tx: events_after(tx, job.id, 0, 10))
    assert [(row["seq"], row["type"]) for row in story] == [(1, "job.submitted"), (2, "job.starting")]


async def test_values_come_back_as_they_were_written(store: PostgresStore, clock: HandClock) -> None:
    at = datetime(2026, 5, 4, 3, 2, 1, 987654, tzinfo=UTC)
    await store.run(
        lambda tx: tx.execute(insert(tables.installation).values(id="inst_1", created_at=at)).close()
    )
    assert (
        await store.read(lambda tx: tx.execute(select(tables.installation.c.created_at)).scalar_one()) == at
    )
