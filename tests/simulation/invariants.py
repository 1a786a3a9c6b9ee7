"""What must hold after every commit, and at the end. Each is checked against the place's own account."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import func, select

from tradewind.db import price_tables, tables
from tradewind.db.rows import AttemptRow
from tradewind.db.store import Transaction
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.status import AttemptStatus, has_ended
from tradewind.providers.simulated import SimulatedPlatform


def check_always(tx: Transaction, platform: SimulatedPlatform) -> None:
    """Holds after every commit."""
    attempts = [AttemptRow.of(row) for row in tx.execute(AttemptRow.select())]
    live = [attempt for attempt in attempts if not has_ended(attempt.status)]
    _one_live_attempt_per_task(live)
    _nothing_runs_unknown(tx, platform, live)
    _capacity_is_kept(tx)
    _events_have_no_gaps(tx)
    _money_is_held_while_it_runs(tx, live)
    _what_was_foretold_is_kept(tx)


def _one_live_attempt_per_task(live: list[AttemptRow]) -> None:
    twice = [task for task, count in Counter(attempt.task_id for attempt in live).items() if count > 1]
    assert not twice, f"two live attempts of {twice}"


def _nothing_runs_unknown(tx: Transaction, platform: SimulatedPlatform, live: list[AttemptRow]) -> None:
    live_ids = {attempt.id for attempt in live}
    keys = {row[0] for row in tx.execute(select(tables.intents.c.key))}
    running = Counter[str]()
    for key, machine in platform.machines.items():
        assert key in keys, f"{key} was created without an intent"
        if platform.is_alive(machine):
            assert machine.request.attempt_id in live_ids, f"{key} runs, but its attempt has ended"
            running[machine.request.job_id] += 1
    assert all(count == 1 for count in running.values()), f"runs twice: {running}"


def _capacity_is_kept(tx: Transaction) -> None:
    table = tables.allocations
    held = tx.execute(select(func.sum(table.c.milli_cpus)).where(table.c.released_at.is_(None))).scalar() or 0
    cpus = tx.execute(select(tables.nodes.c.inventory)).scalar_one()["cpus"]
    assert held <= cpus * 1000, f"{held} thousandths of {cpus} processors are held"


def _events_have_no_gaps(tx: Transaction) -> None:
    events, jobs = tables.events, tables.jobs
    rows = tx.execute(
        select(jobs.c.id, jobs.c.event_seq, func.count(events.c.seq), func.max(events.c.seq))
        .join_from(jobs, events, events.c.job_id == jobs.c.id)
        .group_by(jobs.c.id)
    )
    for job_id, counter, count, highest in rows:
        assert counter == count == highest, (
            f"{job_id}: {count} events, the last is {highest}, the counter {counter}"
        )


def _money_is_held_while_it_runs(tx: Transaction, live: list[AttemptRow]) -> None:
    table = tables.reservations
    held = {row[0] for row in tx.execute(select(table.c.attempt_id).where(table.c.released_at.is_(None)))}
    assert held == {attempt.id for attempt in live}, "money is held for what has ended, or not for what runs"


def _what_was_foretold_is_kept(tx: Transaction) -> None:
    jobs, predictions = tables.jobs, price_tables.predictions
    placed = {row[0] for row in tx.execute(select(tables.attempts.c.job_id))}
    ended = {row[0] for row in tx.execute(select(jobs.c.id).where(jobs.c.ended_at.is_not(None)))}
    rows = list(tx.execute(select(predictions.c.job_id, predictions.c.closed_at)))
    assert sorted(row.job_id for row in rows) == sorted(placed), (
        "not one prediction for each job that was placed"
    )
    closed = {row.job_id for row in rows if row.closed_at is not None}
    assert closed == placed & ended, "a prediction was closed before its job ended, or left open after it"


def check_at_the_end(tx: Transaction, platform: SimulatedPlatform) -> None:
    """Holds once every job has ended: nothing is left, and the ledger is the place's own bill."""
    attempts = [AttemptRow.of(row) for row in tx.execute(AttemptRow.select())]
    assert all(has_ended(attempt.status) for attempt in attempts)
    assert not any(platform.is_alive(machine) for machine in platform.machines.values())
    live_allocations = select(func.count()).where(tables.allocations.c.released_at.is_(None))
    assert tx.execute(live_allocations).scalar_one() == 0
    assert tx.execute(select(func.count()).where(tables.intents.c.closed_at.is_(None))).scalar_one() == 0
    bill = {
        machine.request.attempt_id: round(platform.energy_j(machine))
        for machine in platform.machines.values()
    }
    ledger = {row.attempt_id: row for row in tx.execute(select(tables.ledger))}
    assert set(ledger) == set(bill), "an attempt without its ledger row, or a row without an attempt"
    rate = Rate(micro_per_unit=200_000, per=Quantity.KWH)
    for attempt_id, energy_j in bill.items():
        assert ledger[attempt_id].energy_j == energy_j
        assert ledger[attempt_id].amount_micro == rate.charge(energy_j).micro
    started = {attempt.id for attempt in attempts if attempt.accepted_at is not None}
    assert started == set(bill)
    unfinished = {
        AttemptStatus.CREATING,
        AttemptStatus.STARTING,
        AttemptStatus.RUNNING,
        AttemptStatus.STOPPING,
    }
    assert not unfinished & {attempt.status for attempt in attempts}
