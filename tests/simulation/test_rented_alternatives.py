"""Stories of jobs with alternatives on simulated clouds: what is full is passed over, and nothing else rented."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from tests.simulation.fleet import Fleet
from tests.simulation.test_rented import DOLLAR, cloud, kinds, machines, only_job, play, steps, stock
from tests.simulation.test_rented_gangs import attempts, processes
from tradewind.control.moving import decisions_of
from tradewind.db import tables
from tradewind.domain.status import JobStatus, Reason
from tradewind.domain.units import BYTES_PER_GIB
from tradewind.providers.simulated import Work

H100 = {"accelerators": "H100", "memory": "32GB"}
A100 = {"accelerators": "A100-80GB", "memory": "16GB"}
IN_ORDER: dict[str, Any] = {"resources": {"any_of": [H100, A100]}}
AS_A_SET: dict[str, Any] = {"resources": {"any_of": [H100, A100], "ordered": False}}


def h100(zone: str = "r0a", micro: int = 4 * DOLLAR, **more: Any) -> Any:
    return stock(zone, micro, accelerator="H100 SXM", **more)


def zones(fleet: Fleet) -> list[str]:
    return [each.stock.zone for each in machines(fleet)]


def test_a_full_alternative_falls_back_to_the_next(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(**IN_ORDER)
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        first, second = await attempts(fleet)
        assert (first.reason, first.offer["alternative"]) == (Reason.NO_CAPACITY, 0)
        assert (second.offer["alternative"], second.offer["accelerator"]) == (1, "A100 80GB PCIe")
        # The money held is that of what it really has: an hour and ten minutes of it, not of the first.
        held = tables.reservations
        (amount,) = await fleet.store.read(
            lambda tx: tx.execute(select(held.c.amount_micro).where(held.c.attempt_id == second.id)).scalars()
        )
        assert amount == DOLLAR * 70 // 60 + 1
        decisions = await fleet.store.read(lambda tx: decisions_of(tx, job))
        said = [each.explanation for each in reversed(decisions) if each.kind == "place"]
        assert "alternative 1 (H100:1, 32GB memory): the lowest" in said[0]
        assert "alternative 2 (A100-80GB:1, 16GB memory): " in said[1]
        assert "alternative 1 (H100:1, 32GB memory): said no a short while ago (cloud: " in said[1]

    fleet = play(tmp_path, story, cloud(h100(capacity=0), stock("r1a", DOLLAR)))
    assert zones(fleet) == ["r1a"]
    # What the attempt is told to keep to is of the alternative that it is.
    ((_, process),) = processes(fleet)
    assert process.request.memory_limit_bytes == 16 * BYTES_PER_GIB


def test_the_first_is_taken_though_the_next_is_cheaper_and_without_an_order_it_is_not(tmp_path: Path) -> None:
    for name, asked, taken in (("order", IN_ORDER, "r0a"), ("set", AS_A_SET, "r1a")):

        async def story(fleet: Fleet, asked: dict[str, Any] = asked) -> None:
            await fleet.submit(strategy="cheapest", **asked)
            (job,) = await fleet.until_ended()
            assert job.status is JobStatus.SUCCEEDED

        fleet = play(tmp_path / name, story, cloud(h100(), stock("r1a", DOLLAR)))
        assert zones(fleet) == [taken]


def test_what_none_allows_is_never_rented_and_the_wait_says_why_for_each(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(**IN_ORDER)
        await asyncio.sleep(120)
        job = await only_job(fleet)
        assert job.reason is Reason.NO_CAPACITY
        assert "alternative 1 (H100:1, 32GB memory): said no a short while ago" in (job.explanation or "")
        assert "alternative 2 (A100-80GB:1, 16GB memory): said no a short while ago" in (
            job.explanation or ""
        )
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED

    # The T4 is there all the time, and cheap.
    full = steps((0, 0), (900, 1))
    offers = (h100(capacity=full), stock("r1a", capacity=0), stock("r2a", 1000, accelerator="T4"))
    fleet = play(tmp_path, story, cloud(*offers))
    assert zones(fleet) == ["r0a"]


def test_after_an_interruption_the_list_begins_anew(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(
            checkpoints={"path": "ckpt", "every": "10s"},
            resources={"any_of": [{**H100, "spot": "never"}, {**A100, "spot": "only"}]},
        )
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        assert [each.offer["alternative"] for each in await attempts(fleet)][-2:] == [1, 0]

    spot = stock("r1a", DOLLAR // 4, "spot", capacity=steps((0, 1), (1500, 0)))
    first = h100(capacity=steps((0, 0), (1200, 1)))
    fleet = play(tmp_path, story, cloud(first, spot), work=Work(seconds=2400, setup_s=0))
    assert zones(fleet) == ["r1a", "r0a"]


def test_a_cheaper_alternative_further_down_is_no_reason_to_move(tmp_path: Path) -> None:
    job: dict[str, Any] = {
        "checkpoints": {"path": "ckpt", "every": "60s"},
        "migrate": {"when_cheaper_by": "25%"},
        "estimate": {"hours": 6},
    }
    for name, asked, moves in (("order", IN_ORDER, 0), ("set", AS_A_SET, 1)):

        async def story(fleet: Fleet, asked: dict[str, Any] = asked, moves: int = moves) -> None:
            job_id = await fleet.submit(strategy="cheapest", **job, **asked)
            (ended,) = await fleet.until_ended()
            assert ended.status is JobStatus.SUCCEEDED
            assert (await kinds(fleet, job_id)).count("job.migrating") == moves

        cheap = stock("r1a", DOLLAR // 2, capacity=steps((0, 0), (1800, 5)))
        fleet = play(
            tmp_path / name,
            story,
            cloud(h100(micro=2 * DOLLAR), cheap),
            work=Work(seconds=6 * 3600, setup_s=2),
        )
        assert zones(fleet) == (["r0a", "r1a"] if moves else ["r0a"])


def test_several_nodes_are_all_of_one_alternative(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        await fleet.submit(resources={"nodes": 2, "spot": "never", "any_of": [H100, A100]})
        (job,) = await fleet.until_ended()
        assert job.status is JobStatus.SUCCEEDED
        assert [each.offer["alternative"] for each in await attempts(fleet)] == [0, 1]

    fleet = play(tmp_path, story, cloud(h100(capacity=1), stock("r1a", DOLLAR)))
    assert [machine.stock.zone for machine, _ in processes(fleet)] == ["r1a", "r1a"]
    assert {process.request.memory_limit_bytes for _, process in processes(fleet)} == {16 * BYTES_PER_GIB}


def test_a_deadline_weighs_only_what_is_allowed(tmp_path: Path) -> None:
    async def story(fleet: Fleet) -> None:
        deadline = fleet.clock.now() + timedelta(hours=3)
        for asked in (IN_ORDER, AS_A_SET):
            await fleet.submit(
                checkpoints={"path": "ckpt", "every": "60s"},
                constraints={"deadline": deadline.isoformat()},
                estimate={"hours": 1},
                **asked,
            )
        for job in await fleet.until_ended():
            assert job.status is JobStatus.SUCCEEDED

    offers = (
        h100(),
        stock("r1a", DOLLAR),
        stock("r2a", 1000, accelerator="T4"),
        stock("r2b", 500, "spot", accelerator="T4"),
    )
    fleet = play(tmp_path, story, cloud(*offers), work=Work(seconds=3600, setup_s=2))
    assert sorted(zones(fleet)) == ["r0a", "r1a"]
