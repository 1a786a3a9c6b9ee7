"""Stories of attempts on several rented machines: all of them or none, and one death ends all."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.simulation.fleet import Fleet
from tests.simulation.test_rented import DOLLAR, cloud, kinds, machines, play, steps, stock
from tradewind.control.idling import GANG
from tradewind.control.ranks import attempt_of, ranks_of
from tradewind.db import tables
from tradewind.db.rows import AttemptRow, JobRow, NodeRow, TaskRow
from tradewind.domain.status import AttemptStatus, JobStatus, Reason
from tradewind.providers.base import AttemptRequest
from tradewind.providers.simulated import Machine, Process, Work

TWO: dict[str, Any] = {"resources": {"nodes": 2, "spot": "never"}}


def processes(fleet: Fleet) -> list[tuple[Machine, Process]]:
    return [(machine, each) for machine in machines(fleet) for each in machine.processes.values()]


async def attempts(fleet: Fleet) -> list[AttemptRow]:
    statement = AttemptRow.select().order_by(tables.attempts.c.number)
    return await fleet.store.read(lambda tx: [AttemptRow.of(row) for row in tx.execute(statement)])


async def until_started(fleet: Fleet, count: int) -> None:
    async with asyncio.timeout(3600.0):
        while len(processes(fleet)) < count:  # noqa: ASYNC110 -- in virtual time
            await asyncio.sleep(1.0)


async def until_it_waits(fleet: Fleet) -> JobRow:
    async with asyncio.timeout(3600.0):
        while (job := (await fleet.jobs())[0]).reason is None:  # noqa: ASYNC110 -- in virtual time
            await asyncio.sleep(1.0)
    return job


def test_all_ranks_start_when_all_machines_are_there(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        job_id = await fleet.submit(resources={"nodes": 3, "spot": "never"})
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        (attempt,) = await attempts(fleet)
        ranks = await fleet.store.read(lambda tx: ranks_of(tx, attempt.id))
        assert [each.outcome for each in ranks] == [AttemptStatus.SUCCEEDED] * 3
        assert (await kinds(fleet, job_id)).count("attempt.rank_ended") == 3
        held = tables.reservations
        amount, hourly = await fleet.store.read(
            lambda tx: tx.execute(select(held.c.amount_micro, held.c.hourly_micro)).one()
        )
        # An hour, and ten minutes for their going away, of each of the three, rounded up.
        assert (amount, hourly) == (3 * (DOLLAR * 70 // 60 + 1), 3 * DOLLAR)

    fleet = play(tmp_path, story, cloud(stock()))
    started = processes(fleet)
    assert len(started) == len(machines(fleet)) == 3
    ready = max(machine.ready_at for machine, _ in started if machine.ready_at is not None)
    assert all(process.started_at >= ready for _, process in started)
    told = [process.request for _, process in started]
    assert sorted(each.rank for each in told) == [0, 1, 2]
    assert len({each.attempt_id for each in told}) == 3
    assert len({attempt_of(each.attempt_id) for each in told}) == 1
    first = next(machine.id for machine, process in started if process.request.rank == 0)
    assert {each.env["MASTER_ADDR"] for each in told} == {f"{first}.internal"}
    assert len({each.env["MASTER_PORT"] for each in told}) == 1
    by_rank = {process.request.rank: f"{machine.id}.internal" for machine, process in started}
    for each in told:
        assert each.env["TRADEWIND_NODE_IPS"].splitlines() == [by_rank[rank] for rank in range(3)]
        assert each.env["NODE_RANK"] == each.env["TRADEWIND_NODE_RANK"] == str(each.rank)
        assert each.env["TRADEWIND_NUM_NODES"] == "3"


def test_capacity_for_some_is_capacity_for_none(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(**TWO)
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        first, second = await attempts(fleet)
        assert (first.status, first.reason) == (AttemptStatus.INTERRUPTED, Reason.NO_CAPACITY)
        assert first.accepted_at is None
        # The dearer zone has two.
        assert second.offer["zone"] == "r0b"
        (task,) = await fleet.store.read(lambda tx: [TaskRow.of(row) for row in tx.execute(TaskRow.select())])
        assert (task.interruptions, task.failures) == (0, 0)

    one_left, enough = stock("r0a", DOLLAR, capacity=1), stock("r0b", 2 * DOLLAR)
    fleet = play(tmp_path, story, cloud(one_left, enough))
    alone = [each for each in machines(fleet) if each.stock.zone == "r0a"]
    # The one that was to be had was rented, or not even that; nothing ever ran on it, and it was given back.
    assert len(alone) <= 1
    assert all(not each.processes and each.why == "terminated" for each in alone)
    assert len([each for each in machines(fleet) if each.stock.zone == "r0b"]) == 2


def test_one_machine_that_dies_takes_the_others_with_it(tmp_path: Path) -> None:
    def behave(request: AttemptRequest) -> Work:
        # The first rank ends with an error as soon as nobody answers it, which is before anybody knows why.
        fails = 19.0 if request.number == 1 and request.rank == 0 else None
        return Work(seconds=200.0, setup_s=2.0, fails_after_s=fails)

    async def story(fleet: Fleet) -> None:
        await fleet.submit(
            **TWO, checkpoints={"path": "ckpt", "every": "10s"}, retry={"failures": 0, "interruptions": 3}
        )
        await until_started(fleet, 2)
        (victim,) = [machine for machine, process in processes(fleet) if process.request.rank == 1]
        victim.end_by(fleet.clock.now() + timedelta(seconds=20), "died")
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED, job.explanation
        first, second = await attempts(fleet)
        # The command failed, but because its machine was gone: that is no failure of the job's.
        assert (first.status, first.reason) == (AttemptStatus.INTERRUPTED, Reason.VANISHED)
        assert "rank 1" in (first.explanation or "")
        assert second.resumed_from is not None
        rows = await fleet.store.read(lambda tx: ranks_of(tx, first.id))
        assert {each.reason for each in rows} == {Reason.EXITED, Reason.VANISHED}

    fleet = play(tmp_path, story, cloud(stock()), behave=behave)
    resumed = [process for _, process in processes(fleet) if process.request.number == 2]
    # Every rank of the second attempt begins where the first rank's checkpoint left off.
    assert len(resumed) == 2
    assert len({process.done_s for process in resumed}) == 1
    assert resumed[0].done_s > 0


def test_a_rank_that_fails_ends_the_others(tmp_path: Path) -> None:
    def behave(request: AttemptRequest) -> Work:
        return Work(seconds=3000.0, fails_after_s=20.0 if request.rank == 1 else None)

    async def story(fleet: Fleet) -> None:
        job_id = await fleet.submit(**TWO, retry={"failures": 0})
        (job,) = await fleet.until_ended()
        assert (await kinds(fleet, job_id)).count("attempt.stopping_all") == 1
        assert (job.status, job.reason, job.exit_code) == (JobStatus.FAILED, Reason.EXITED, 1)
        assert "rank 1" in (job.explanation or "")
        (attempt,) = await attempts(fleet)
        ranks = await fleet.store.read(lambda tx: ranks_of(tx, attempt.id))
        assert [each.reason for each in ranks] == [Reason.PEER_ENDED, Reason.EXITED]

    fleet = play(tmp_path, story, cloud(stock()), behave=behave)
    assert all(process.ended_at is not None for _, process in processes(fleet))


def test_a_spot_machine_that_is_taken_back_moves_all_of_it(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(
            resources={"nodes": 2, "spot": "only"}, checkpoints={"path": "ckpt", "every": "10s"},
            retry={"interruptions": 5},
        )  # fmt: skip
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        first, *others = await attempts(fleet)
        assert (first.status, first.reason) == (AttemptStatus.INTERRUPTED, Reason.RECLAIMED)
        assert others
        assert others[-1].status is AttemptStatus.SUCCEEDED

    # After two minutes there is room for one only: one of the two is taken, with a notice.
    spot = stock(market="spot", capacity=steps((0, 2), (150, 1), (400, 2)))
    play(tmp_path, story, cloud(spot, notice_s=20.0), work=Work(seconds=180.0))


def test_a_budget_for_one_machine_is_none_for_two(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        job_id = await fleet.submit(**TWO, constraints={"budget": "$1.50"})
        job = await until_it_waits(fleet)
        assert "over your budget of $1.50; the cheapest takes at least $2.00" in (job.explanation or "")
        await fleet.stop(job_id)
        await fleet.until_ended()

    fleet = play(tmp_path, story, cloud(stock()))
    assert not machines(fleet)


def test_a_stop_ends_all_ranks(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        job_id = await fleet.submit(**TWO)
        await until_started(fleet, 2)
        await fleet.stop(job_id)
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.CANCELLED

    fleet = play(tmp_path, story, cloud(stock()), work=Work(seconds=3000.0))
    assert len(processes(fleet)) == 2


def test_a_provider_whose_machines_do_not_reach_each_other_is_passed_over(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(**TWO)
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        assert {each.provider for each in await attempts(fleet)} == {"dear"}

    cheap = cloud(stock(micro=DOLLAR // 10), name="cheap", has_multi_node=False)
    fleet = play(tmp_path, story, cheap, cloud(stock(), name="dear"))
    assert not fleet.clouds["cheap"].machines


def test_where_nobody_has_several_it_says_so(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        job_id = await fleet.submit(**TWO)
        job = await until_it_waits(fleet)
        assert job.reason is Reason.NO_OFFER
        assert "needs 2 nodes that reach each other" in (job.explanation or "")
        await fleet.stop(job_id)
        await fleet.until_ended()

    play(tmp_path, story, cloud(stock(), has_multi_node=False))


def test_machines_that_were_kept_are_used_again(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(name="first", **TWO)
        await fleet.until_ended()
        await fleet.submit(name="second", **TWO)
        jobs = await fleet.until_ended()
        assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}

    fleet = play(tmp_path, story, cloud(stock()), keep_idle=timedelta(minutes=10))
    assert len(machines(fleet)) == 2
    assert all(len(each.processes) == 2 for each in machines(fleet))


async def gangs(fleet: Fleet) -> list[str | None]:
    """For which gang each machine was rented, in the order in which they were."""
    statement = NodeRow.select().where(tables.nodes.c.is_rented).order_by(tables.nodes.c.id)
    rows = await fleet.store.read(lambda tx: [NodeRow.of(row) for row in tx.execute(statement)])
    return [each.observed.get(GANG) for each in rows]


def test_a_single_machine_that_was_kept_is_not_used_by_a_gang(tmp_path: Path) -> None:
    """Where each gang has a rule of its own, the others could not reach it. The other way round nothing is lost."""

    async def story(fleet: Fleet) -> None:
        await fleet.submit(name="single", resources={"spot": "never"})
        await fleet.until_ended()
        await fleet.submit(name="gang", **TWO)
        await fleet.until_ended()
        (gang,) = {row.id for row in await attempts(fleet) if row.nodes == 2}
        assert await gangs(fleet) == [None, gang, gang]
        await fleet.submit(name="single-again", resources={"spot": "never"})
        await fleet.until_ended()
        assert await gangs(fleet) == [None, gang, gang]

    play(tmp_path, story, cloud(stock()), keep_idle=timedelta(minutes=10))


def test_what_a_gang_lacks_is_rented_to_join_the_machines_that_were_kept(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(name="two", **TWO)
        await fleet.until_ended()
        await fleet.submit(name="three", resources={"nodes": 3, "spot": "never"})
        jobs = await fleet.until_ended()
        assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}
        first = (await attempts(fleet))[0]
        assert await gangs(fleet) == [first.id] * 3

    play(tmp_path, story, cloud(stock()), keep_idle=timedelta(minutes=10))
