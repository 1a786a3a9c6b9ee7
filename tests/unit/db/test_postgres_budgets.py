"""Budgets on PostgreSQL: launches that really happen at once never get past a limit together."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from tests.unit.db.conftest import MakePostgres
from tests.unit.db.test_postgres import Meeting
from tests.unit.jobs_for_tests import add_attempt, add_job, task_of
from tradewind.control import leases
from tradewind.control.budget_desk import add_budget, change_budget
from tradewind.control.budget_waiting import hold_back, note_an_end
from tradewind.db import tables
from tradewind.db.owners import Caller, ensure_defaults
from tradewind.db.postgres import PostgresStore
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import Transaction
from tradewind.domain.budgets import Action, Scope
from tradewind.domain.schemas_budgets import BudgetPatch, BudgetRequest
from tradewind.domain.status import Reason
from tradewind.ledger import reservations
from tradewind.ledger.limits import Launch, Refusal, left_for_renewal, why_not
from tradewind.ledger.reservations import Hold

COST = 100


@pytest.fixture
def store(make_postgres_store: MakePostgres) -> PostgresStore:
    return make_postgres_store()


@pytest.fixture
async def caller(store: PostgresStore) -> Caller:
    return (await store.run(lambda tx: ensure_defaults(tx, "ana")))[1]


def launch(caller: Caller, job: JobRow) -> Launch:
    return Launch(
        project_id=caller.project_id,
        team_id=caller.team_id,
        creator_id=caller.user_id,
        provider="simulated",
        market="spot",
        hourly_micro=COST,
        worst_case_micro=COST,
        currency="USD",
        job_id=job.id,
    )


def hold_for(tx: Transaction, job: JobRow) -> AttemptRow:
    attempt = add_attempt(tx, job)
    reservations.reserve(
        tx,
        project_id=job.project_id,
        creator_id=job.creator_id,
        job_id=job.id,
        attempt_id=attempt.id,
        currency="USD",
        hold=Hold(COST, tx.now + timedelta(hours=1), 0, COST),
        provider="simulated",
        market="spot",
    )
    return attempt


def held(tx: Transaction) -> tuple[int, int]:
    table = tables.reservations
    row = tx.execute(
        select(func.count(), func.coalesce(func.sum(table.c.amount_micro), 0)).where(
            table.c.released_at.is_(None)
        )
    ).one()
    return int(row[0]), int(row[1])


async def test_a_launch_waits_for_another_that_has_been_let_through_but_holds_nothing_yet(
    store: PostgresStore, caller: Caller
) -> None:
    first, second = await store.run(lambda tx: (add_job(tx, caller), add_job(tx, caller)))
    request = BudgetRequest(name="b", amount_micro=COST, action=Action.BLOCK_NEW)
    await store.run(lambda tx: add_budget(tx, caller, request))
    meeting = Meeting()

    def slow(tx: Transaction) -> Refusal | None:
        refusal = why_not(tx, launch(caller, first))
        meeting.stop_here()
        if refusal is None:
            hold_for(tx, first)
        return refusal

    def quick(tx: Transaction) -> Refusal | None:
        refusal = why_not(tx, launch(caller, second))
        if refusal is None:
            hold_for(tx, second)
        return refusal

    one = asyncio.create_task(store.run(slow))
    await meeting.reached()
    other = asyncio.create_task(store.run(quick))
    # The second is at the lock before the first goes on: the database says so.
    await _until_somebody_waits(store)
    assert not other.done()
    meeting.go_on()
    assert await one is None
    refusal = await other
    assert refusal is not None
    assert refusal.limit == "amount"
    assert await store.read(held) == (1, COST)


@pytest.mark.parametrize(
    ("limit", "most"),
    [
        ({"amount_micro": 5 * COST, "action": "block_new"}, 5),
        ({"max_hourly_micro": 4 * COST}, 4),
        ({"max_concurrent_jobs": 3}, 3),
    ],
)
async def test_many_launches_at_once_over_three_servers_stay_within_every_limit(
    make_postgres_store: MakePostgres, limit: dict[str, int], most: int
) -> None:
    stores = [make_postgres_store() for _ in range(3)]
    _, caller = await stores[0].run(lambda tx: ensure_defaults(tx, "ana"))
    jobs = await stores[0].run(lambda tx: [add_job(tx, caller) for _ in range(24)])
    for name, scope in (("z", Scope.PROJECT), ("a", Scope.TEAM), ("m", Scope.USER)):
        request = BudgetRequest.model_validate({"name": name, "scope": scope, **limit})
        await stores[0].run(lambda tx, request=request: add_budget(tx, caller, request))  # type: ignore[misc]
    counts: list[int] = []

    def try_one(tx: Transaction, job: JobRow, number: int) -> bool:
        refusal = why_not(tx, launch(caller, job))
        tx.execute(text("SELECT pg_sleep(:s)"), {"s": (number * 7 % 5) / 1000})
        if refusal is not None:
            return False
        hold_for(tx, job)
        return True

    async def go(number: int) -> bool:
        done = await stores[number % 3].run(lambda tx: try_one(tx, jobs[number], number))
        counts.append((await stores[2].read(held))[0])
        return done

    results = await asyncio.gather(*(go(number) for number in range(len(jobs))))
    assert sum(results) == most
    assert max(counts) == most


async def test_an_end_that_meets_a_refusal_wakes_who_was_refused(
    store: PostgresStore, caller: Caller
) -> None:
    """The refusal is under way when the other ends: the end waits for it, and then sees who is to be woken."""

    def prepare(tx: Transaction) -> tuple[JobRow, AttemptRow, JobRow]:
        runs, waits = add_job(tx, caller, name="runs"), add_job(tx, caller, name="waits")
        add_budget(tx, caller, BudgetRequest(name="b", max_concurrent_jobs=1))
        return runs, hold_for(tx, runs), waits

    _, attempt, waits = await store.run(prepare)
    meeting = Meeting()

    def refuse(tx: Transaction) -> None:
        refusal = why_not(tx, launch(caller, waits))
        assert refusal is not None
        hold_back(tx, JobRow.get(tx, waits.id), task_of(tx, waits), refusal)
        meeting.stop_here()

    def end(tx: Transaction) -> None:
        reservations.release(tx, attempt.id)
        note_an_end(tx, attempt.id)

    refusing = asyncio.create_task(store.run(refuse))
    await meeting.reached()
    ending = asyncio.create_task(store.run(end))
    await _until_somebody_waits(store)
    meeting.go_on()
    await refusing
    await ending

    def look(tx: Transaction) -> tuple[Reason | None, bool]:
        not_before = task_of(tx, waits).not_before
        return JobRow.get(tx, waits.id).reason, not_before is not None and not_before <= tx.now

    assert await store.read(look) == (Reason.WAITING_FOR_BUDGET, True)


async def test_launches_and_ends_at_once_never_block_each_other_for_good(
    make_postgres_store: MakePostgres,
) -> None:
    """Placers hold their node when they ask; ends wake it. Both take nodes before budgets."""
    stores = [make_postgres_store() for _ in range(3)]
    _, caller = await stores[0].run(lambda tx: ensure_defaults(tx, "ana"))
    await stores[0].run(lambda tx: add_budget(tx, caller, BudgetRequest(name="b", max_concurrent_jobs=4)))
    await stores[0].run(lambda tx: add_budget(tx, caller, BudgetRequest(name="c", amount_micro=10**9)))
    jobs = await stores[0].run(lambda tx: [add_job(tx, caller) for _ in range(24)])
    nodes = tables.nodes
    node_id = (await stores[0].run(lambda tx: hold_for(tx, add_job(tx, caller)))).node_id

    placed: list[str] = []
    ended: list[str] = []

    def place(tx: Transaction, job: JobRow) -> str | None:
        placed.append(job.id)
        tx.execute(select(nodes.c.id).where(nodes.c.id == node_id).with_for_update(key_share=True)).all()
        tx.execute(text("SELECT pg_sleep(0.003)"))
        if why_not(tx, launch(caller, job)) is not None:
            return None
        return hold_for(tx, job).id

    def end(tx: Transaction, attempt_id: str) -> None:
        ended.append(attempt_id)
        reservations.release(tx, attempt_id)
        note_an_end(tx, attempt_id)
        tx.execute(text("SELECT pg_sleep(0.003)"))
        leases.wake(tx, nodes, node_id)

    async def go(number: int) -> None:
        store = stores[number % 3]
        attempt_id = await store.run(lambda tx: place(tx, jobs[number]))
        if attempt_id is not None:
            await store.run(lambda tx: end(tx, attempt_id))

    await asyncio.gather(*(go(number) for number in range(len(jobs))))
    # One that the database had to break up would have been run again.
    assert (len(placed), len(set(ended))) == (len(jobs), len(ended))
    assert (await stores[0].read(held))[0] == 1


async def test_a_limit_that_is_lowered_holds_from_its_commit_on(store: PostgresStore, caller: Caller) -> None:
    job = await store.run(lambda tx: add_job(tx, caller))
    request = BudgetRequest(name="b", amount_micro=5 * COST, action=Action.STOP_ALL)
    await store.run(lambda tx: add_budget(tx, caller, request))
    meeting = Meeting()

    def lower(tx: Transaction) -> None:
        change_budget(tx, caller, "b", BudgetPatch(amount_micro=COST - 1))
        meeting.stop_here()

    lowering = asyncio.create_task(store.run(lower))
    await meeting.reached()
    asking = asyncio.create_task(store.run(lambda tx: why_not(tx, launch(caller, job))))
    await _until_somebody_waits(store)
    meeting.go_on()
    await lowering
    refusal = await asking
    assert refusal is not None
    assert not refusal.can_pass


async def test_a_renewal_gets_what_others_left(store: PostgresStore, caller: Caller) -> None:
    def play(tx: Transaction) -> tuple[int | None, str]:
        add_budget(
            tx,
            caller,
            BudgetRequest(name="wide", amount_micro=9 * COST, action=Action.STOP_ALL, scope=Scope.TEAM),
        )
        add_budget(tx, caller, BudgetRequest(name="narrow", amount_micro=4 * COST, action=Action.STOP_ALL))
        add_budget(tx, caller, BudgetRequest(name="soft", amount_micro=0, action=Action.BLOCK_NEW))
        one = hold_for(tx, add_job(tx, caller))
        hold_for(tx, add_job(tx, caller))
        # Of four: the other holds one, and this one has used up a half of what it holds.
        return left_for_renewal(tx, one.id, COST // 2)

    assert await store.run(play) == (4 * COST - COST - COST // 2, "narrow")


async def _until_somebody_waits(store: PostgresStore) -> None:
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    for _ in range(2_000):
        if await store.read(lambda tx: tx.execute(waits).scalar_one()):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("nobody waits for a lock")
