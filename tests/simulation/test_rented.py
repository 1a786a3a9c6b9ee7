"""Stories of rented machines on simulated clouds: failover, interruption, moves, what is lost and found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.simulation.clocks import START
from tests.simulation.fleet import Fleet
from tests.simulation.loop import run_simulated
from tradewind.control.moving import decisions_of
from tradewind.control.prediction_views import prediction_view
from tradewind.db.events import events_after
from tradewind.db.rows import JobRow
from tradewind.domain.offers import CreateIdempotency, SelfTermination
from tradewind.domain.status import JobStatus, Reason
from tradewind.ledger.reports import spend_of_jobs
from tradewind.providers.base import AttemptRequest
from tradewind.providers.simulated import Faults, Machine, Profile, Steps, Stock, Work

Story = Callable[[Fleet], Coroutine[Any, Any, None]]
DOLLAR = 1_000_000


def stock(
    zone: str = "r0a",
    micro: int | Steps = DOLLAR,
    market: str = "on_demand",
    capacity: int | Steps = 5,
    accelerator: str | None = "A100 80GB PCIe",
) -> Stock:
    return Stock(
        region=zone[:2],
        zone=zone,
        instance_type="gpu-1",
        accelerator=accelerator,
        accelerator_count=1.0 if accelerator else 0.0,
        market=market,
        cpus=8,
        memory_bytes=64 << 30,
        price_micro_per_hour=micro if isinstance(micro, Steps) else Steps.constant(micro, START),
        capacity=capacity if isinstance(capacity, Steps) else Steps.constant(capacity, START),
    )


def cloud(*stocks: Stock, name: str = "cloud", **more: Any) -> Profile:
    return Profile(id=name, stocks=stocks, boot_s=(20.0, 20.0), termination_s=(10.0, 10.0), **more)


def steps(*changes: tuple[float, int]) -> Steps:
    return Steps(
        tuple(START + timedelta(seconds=second) for second, _ in changes),
        tuple(value for _, value in changes),
    )


def play(
    root: Path,
    story: Story,
    *profiles: Profile,
    work: Work | None = None,
    behave: Callable[[AttemptRequest], Work] | None = None,
    replicas: int = 1,
    **more: Any,
) -> Fleet:
    """Plays a story, then waits until everything is given back and checks what is left."""
    fleet = Fleet(7, root, list(profiles), behave or (lambda _: work or Work()), replicas=replicas, **more)

    async def main() -> None:
        try:
            await fleet.create()
            fleet.start_all()
            await story(fleet)
            await fleet.drain()
            await fleet.store.read(fleet.watcher.check_at_the_end)
        finally:
            await fleet.close()

    run_simulated(7, main())
    return fleet


def machines(fleet: Fleet) -> list[Machine]:
    return [each for cloud in fleet.clouds.values() for each in cloud.machines.values()]


async def only_job(fleet: Fleet) -> JobRow:
    (job,) = await fleet.jobs()
    return job


async def kinds(fleet: Fleet, job_id: str) -> list[str]:
    rows = await fleet.store.read(lambda tx: events_after(tx, job_id, 0, 1000))
    return [str(row["type"]) for row in rows]


def test_a_job_rents_a_machine_runs_and_gives_it_back(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        job_id = await fleet.submit()
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        told = [kind for kind in await kinds(fleet, job_id) if kind.startswith("node.")]
        assert told[:2] == ["node.starting", "node.ready"]

    fleet = play(tmp_path, story, cloud(stock()))
    (machine,) = machines(fleet)
    assert machine.why == "terminated"


def test_what_a_rented_job_will_cost_is_foretold_and_stands_beside_what_it_came_to(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        job_id = await fleet.submit(estimate={"hours": 2})
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        # The rent is settled once the machine is gone.
        await fleet.drain()
        view = await fleet.store.read(lambda tx: prediction_view(tx, job_id, "USD"))
        assert view is not None
        assert view.cost is not None
        assert view.actual_cost is not None
        assert 2 * DOLLAR <= view.cost.micro <= 3 * DOLLAR
        (bill,) = await fleet.store.read(lambda tx: list(spend_of_jobs(tx, [job_id]).values()))
        assert view.actual_cost.micro == bill.amount_micro > 0

    play(tmp_path, story, cloud(stock()), work=Work(seconds=7200.0))


def test_a_place_without_capacity_is_left_out_and_the_runner_up_taken(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(strategy="cheapest")
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED

    cheap, dear = stock("r0a", DOLLAR, capacity=0), stock("r1a", 2 * DOLLAR)
    fleet = play(tmp_path, story, cloud(cheap, dear))
    assert [each.stock.zone for each in machines(fleet)] == ["r1a"]
    # Asked once: what was refused is not asked again at once.
    assert len(fleet.clouds["cloud"].creates) == 2


def test_a_quota_is_told_apart_from_capacity(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(name="first")
        await asyncio.sleep(60)
        second = await fleet.submit(name="second")
        await asyncio.sleep(20)
        told = await fleet.store.read(lambda tx: events_after(tx, second, 0, 100))
        assert any(row["data"].get("reason") == Reason.NO_QUOTA for row in told)
        job = next(each for each in await fleet.jobs() if each.id == second)
        assert job.next_try_at is not None
        await fleet.until_ended()

    play(tmp_path, story, cloud(stock(), quota=1), work=Work(seconds=200))


def test_an_interruption_resumes_from_the_checkpoint_elsewhere(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(checkpoints={"path": "ckpt", "every": "10s"}, strategy="cheapest")
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED

    spot = stock("r0a", DOLLAR // 4, "spot", capacity=steps((0, 1), (200, 0)))
    fleet = play(tmp_path, story, cloud(spot, stock("r0b")), work=Work(seconds=300, setup_s=0))
    first, second = machines(fleet)
    assert (first.stock.market, first.why, second.stock.zone) == ("spot", "reclaimed", "r0b")
    (again,) = second.processes.values()
    # Of some 170 seconds of work at most the last stretch between two checkpoints is lost.
    assert again.done_s >= 140


def test_an_announced_interruption_loses_nothing(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(checkpoints={"path": "ckpt", "every": "1h"}, strategy="cheapest")
        await fleet.until_ended()

    spot = stock("r0a", DOLLAR // 4, "spot", capacity=steps((0, 1), (400, 0)))
    fleet = play(
        tmp_path, story, cloud(spot, stock("r0b"), notice_s=120.0), work=Work(seconds=600, setup_s=0)
    )
    first, second = machines(fleet)
    (before,), (after,) = first.processes.values(), second.processes.values()
    assert before.exit is not None
    assert before.exit.reason == "reclaimed"
    assert after.done_s == before.done_at(before.exit.ended_at)


def test_the_agent_of_a_spot_machine_is_told_where_to_hear_of_the_end(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(checkpoints={"path": "ckpt", "every": "10s"}, strategy="cheapest")
        await fleet.until_ended()

    spot = stock("r0a", DOLLAR // 4, "spot", capacity=steps((0, 1), (200, 0)))
    profile = cloud(spot, stock("r0b"), reclaim_notice="ec2")
    fleet = play(tmp_path, story, profile, work=Work(seconds=300, setup_s=0))
    told = {
        each.stock.market: process.request.reclaim_notice
        for each in machines(fleet)
        for process in each.processes.values()
    }
    assert told == {"spot": "ec2", "on_demand": None}


def test_a_machine_that_never_boots_is_given_back_and_another_place_tried(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(strategy="cheapest")
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED

    dead = Profile(id="dead", stocks=(stock("r0a", 1000),), dead_on_arrival=1.0, termination_s=(5.0, 5.0))
    fleet = play(tmp_path, story, dead, cloud(stock("r1a")))
    assert {each.stock.zone for each in machines(fleet)} == {"r0a", "r1a"}


def test_a_lost_answer_makes_no_second_machine_where_keys_are_honoured(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit()
        await fleet.until_ended()

    for way in (CreateIdempotency.TOKEN, CreateIdempotency.UNIQUE_NAME, CreateIdempotency.TAG):
        root = tmp_path / way
        faults = Faults(lost_reply=0.6)
        fleet = play(root, story, cloud(stock(), create_idempotency=way, list_lag_s=30.0, faults=faults))
        assert len(machines(fleet)) == 1, way


def test_a_machine_that_nobody_knows_is_found_and_paid_for_in_the_ledger(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit()
        await fleet.until_ended()
        # What a paused process may do: its create reaches the cloud when another's has long been recorded.
        cloud = fleet.clouds["cloud"]
        offer = (await cloud.list_offers())[0]
        until = fleet.clock.now() + timedelta(days=1)
        key = f"{fleet.installation}/node_of_the_past"
        fleet.watcher.allow(key)
        await cloud.create(offer, key, until)

    fleet = play(tmp_path, story, cloud(stock(), create_idempotency=CreateIdempotency.TAG))
    assert len(machines(fleet)) == 2
    assert all(each.why == "terminated" for each in machines(fleet))


def test_a_server_that_never_returns_leaves_no_machine_where_the_provider_can_end_it(tmp_path: Path) -> None:
    fleet = Fleet(3, tmp_path, [cloud(stock())], lambda _: Work(seconds=1e6), replicas=1)

    async def main() -> None:
        try:
            await fleet.create()
            fleet.start_all()
            await fleet.submit()
            await asyncio.sleep(120)
            await fleet.kill(fleet.replicas[0])
            await asyncio.sleep(3600 * 2)
            assert not fleet.clouds["cloud"].living(fleet.clock.now())
        finally:
            await fleet.close()

    run_simulated(3, main())
    assert [each.why for each in machines(fleet)] == ["ttl"]


def test_what_cannot_end_itself_is_still_there_and_taken_up_again(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit()
        await asyncio.sleep(120)
        await fleet.kill(fleet.replicas[0])
        await asyncio.sleep(3600 * 2)
        assert len(fleet.clouds["cloud"].living(fleet.clock.now())) == 1
        fleet.start_all()
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED

    profile = cloud(stock(), self_termination=SelfTermination.NONE)
    fleet = play(tmp_path, story, profile, work=Work(seconds=600))
    assert len(machines(fleet)) == 1


def test_a_job_moves_once_to_where_it_is_cheaper_and_does_not_come_back(tmp_path: Path) -> None:
    """The price of the first place doubles after two hours, and both prices then waver around each other."""

    async def story(fleet: Fleet) -> None:
        job_id = await fleet.submit(
            checkpoints={"path": "ckpt", "every": "60s"}, migrate={"when_cheaper_by": "25%"}, strategy="cheapest",
            resources={"spot": "only"},
        )  # fmt: skip
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        decisions = await fleet.store.read(lambda tx: decisions_of(tx, job))
        made = [each.kind for each in reversed(decisions)]
        assert made.count("migrate") == 1
        assert made[0] == "place"
        assert "stay" in made
        (move,) = [each for each in decisions if each.kind == "migrate"]
        assert (
            move.arithmetic["saving_micro"] == move.arithmetic["stay_micro"] - move.arithmetic["move_micro"]
        )
        assert (await kinds(fleet, job_id)).count("job.migrating") == 1

    hour = 3600.0
    here = steps((0, DOLLAR), *((2 * hour + n * 900, (4 if n % 2 else 3) * DOLLAR) for n in range(40)))
    there = steps((0, 2 * DOLLAR), *((3 * hour + n * 900, (3 if n % 2 else 2) * DOLLAR) for n in range(40)))
    fleet = play(
        tmp_path, story, cloud(stock("r0a", here, "spot"), stock("r1a", there, "spot")),
        work=Work(seconds=8 * hour, setup_s=0),
    )  # fmt: skip
    assert [each.stock.zone for each in machines(fleet)] == ["r0a", "r1a"]
    (again,) = machines(fleet)[1].processes.values()
    assert again.done_s > 2 * hour - 120


def test_three_servers_share_the_work_and_one_dies(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        for number in range(4):
            await fleet.submit(name=f"job-{number}")
        await asyncio.sleep(30)
        await fleet.kill(fleet.replicas[1])
        assert {job.status for job in await fleet.until_ended()} == {JobStatus.SUCCEEDED}

    fleet = play(tmp_path, story, cloud(stock()), work=Work(seconds=100), replicas=3)
    assert len(machines(fleet)) == 4


def by(hours: float) -> dict[str, Any]:
    """A job of two hours that has to be done so many hours after the start."""
    return {
        "estimate": {"hours": 2.0}, "constraints": {"deadline": (START + timedelta(hours=hours)).isoformat()},
        "checkpoints": {"path": "ckpt", "every": "60s"}, "strategy": "cheapest",
    }  # fmt: skip


def test_with_time_in_hand_a_job_waits_for_spot(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(**by(12))
        await asyncio.sleep(900)
        job = await only_job(fleet)
        assert job.reason is Reason.WAITING_FOR_SPOT
        assert job.next_try_at is not None
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        assert job.ended_at is not None
        assert job.ended_at < START + timedelta(hours=12)

    spot = stock("r0a", DOLLAR // 4, "spot", capacity=steps((0, 0), (3600, 5)))
    fleet = play(tmp_path, story, cloud(spot, stock("r0b", 4 * DOLLAR)), work=Work(seconds=7200))
    assert {each.stock.market for each in machines(fleet)} == {"spot"}


def test_on_demand_is_started_while_there_is_time_for_all_of_the_work(tmp_path: Path) -> None:
    """Spot comes and goes too fast to be of use, then never comes again."""

    async def story(fleet: Fleet) -> None:
        await fleet.submit(**by(6))
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        assert job.ended_at is not None
        assert job.ended_at <= START + timedelta(hours=6)

    flapping = steps(*((n * 600.0, 1 - n % 2) for n in range(12)), (7200.0, 0))
    spot = stock("r0a", DOLLAR // 4, "spot", capacity=flapping)
    fleet = play(tmp_path, story, cloud(spot, stock("r0b", 4 * DOLLAR)), work=Work(seconds=7200))
    assert machines(fleet)[-1].stock.market == "on_demand"
