"""The health of jobs under simulated time: what is seen, what is done about it, and what it counts against."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.simulation.test_lifecycle import play
from tests.simulation.world import World
from tradewind.db.events import events_after
from tradewind.domain.status import JobStatus, Reason
from tradewind.providers.base import AttemptRequest
from tradewind.providers.simulated import Behaviour

LONG = timedelta(days=2)


def sample(quiet_s: float, **more: Any) -> dict[str, Any]:
    return {"type": "sample", "cpu_percent": 0.5, "quiet_s": quiet_s, **more}


SILENT = Behaviour(
    runs_for=LONG, says=tuple((float(after), sample(float(after))) for after in range(20, 1200, 20))
)
NAN = Behaviour(
    runs_for=LONG,
    says=(
        (5.0, {"type": "metrics", "values": {"loss": 2.0}, "step": 1}),
        (9.0, {"type": "metrics", "values": {}, "step": 2, "non_finite": {"loss": "nan"}}),
    ),
)
BROKEN_GPU = Behaviour(runs_for=LONG, says=((5.0, {"type": "gpu_error", "uuid": "GPU-1", "xid": 79}),))


def at_first(behaviour: Behaviour, tries: int = 1) -> Callable[[AttemptRequest], Behaviour]:
    """Ill in the first tries, well after them."""
    return lambda request: behaviour if request.number <= tries else Behaviour()


async def events_of(world: World, job_id: str) -> list[dict[str, Any]]:
    return await world.store.read(lambda tx: events_after(tx, job_id, 0, 1000))


def test_a_job_that_goes_silent_is_restarted(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        job_id = await world.submit(health={"stall_after": "3m"})
        (job,) = await world.until_ended(job_id)
        assert job.status is JobStatus.SUCCEEDED
        events = await events_of(world, job_id)
        kinds = [event["type"] for event in events]
        assert kinds.count("health.stalled") == 1, "one event for each episode, not for each look"
        assert kinds.count("health.acted") == 1
        (retry,) = [event for event in events if event["type"] == "job.retry"]
        assert "no output, progress or metric for 3m" in retry["message"]
        stalled = next(event for event in events if event["type"] == "health.stalled")
        assert timedelta(minutes=3) <= stalled["at"] - job.created_at < timedelta(minutes=4)

    play(tmp_path, story, at_first(SILENT))


def test_stalls_are_counted_apart_and_end(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        job_id = await world.submit(
            health={"stall_after": "1m"}, retry={"unhealthy": 1, "failures": 9, "interruptions": 9}
        )
        (job,) = await world.until_ended(job_id)
        assert (job.status, job.reason) == (JobStatus.FAILED, Reason.STALLED)
        assert len(world.platform.machines) == 2

    play(tmp_path, story, at_first(SILENT, tries=99))


def test_a_stall_can_be_the_end_or_only_be_said(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        ended = await world.submit(health={"stall_after": "1m", "on_stall": "stop"})
        told = await world.submit(health={"stall_after": "1m", "on_stall": "notify"})
        (job,) = await world.until_ended(ended)
        assert (job.status, job.reason) == (JobStatus.FAILED, Reason.STALLED)
        await asyncio.sleep(60)
        kinds = [event["type"] for event in await events_of(world, told)]
        assert "health.stalled" in kinds
        assert "health.acted" not in kinds
        assert (await world.job(told)).status is JobStatus.RUNNING
        await world.stop(told)
        await world.until_ended(told)

    play(tmp_path, story, at_first(SILENT, tries=99))


def test_a_nan_loss_stops_a_job_that_asks_for_it_and_no_other(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        asks, other = await world.submit(health={"stop_on_nan": True}), await world.submit()
        (job,) = await world.until_ended(asks)
        assert (job.status, job.reason) == (JobStatus.FAILED, Reason.NAN_LOSS)
        assert job.explanation == "loss was nan at step 2"
        await asyncio.sleep(60)
        assert (await world.job(other)).status is JobStatus.RUNNING
        assert "health.nan_loss" in [event["type"] for event in await events_of(world, other)]
        await world.stop(other)
        await world.until_ended(other)

    play(tmp_path, story, at_first(NAN, tries=99))


def test_a_nan_loss_is_restarted_where_the_job_says_so(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        (job,) = await world.until_ended(await world.submit(health={"on_nan": "restart"}))
        assert job.status is JobStatus.SUCCEEDED

    play(tmp_path, story, at_first(NAN, tries=2))


def test_a_broken_gpu_is_no_fault_of_the_job(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        enough = await world.submit(retry={"failures": 0, "interruptions": 0})
        (job,) = await world.until_ended(enough)
        assert job.status is JobStatus.SUCCEEDED
        few = await world.submit(name="few", retry={"node_failures": 1})
        (job,) = await world.until_ended(few)
        assert (job.status, job.reason) == (JobStatus.FAILED, Reason.GPU_ERROR)
        assert "fallen off the bus" in str(job.explanation)

    play(tmp_path, story, at_first(BROKEN_GPU, tries=2))


def test_a_command_that_died_of_its_gpu_is_tried_again(tmp_path: Path) -> None:
    def behave(request: AttemptRequest) -> Behaviour:
        if request.number > 1:
            return Behaviour()
        # 94 does not stop a job by itself: only the program that met it is lost.
        says = ((5.0, {"type": "gpu_error", "uuid": "GPU-1", "xid": 94}),)
        return Behaviour(runs_for=timedelta(seconds=9), exit_code=1, says=says)

    async def story(world: World) -> None:
        (job,) = await world.until_ended(await world.submit(retry={"failures": 0}))
        assert job.status is JobStatus.SUCCEEDED

    play(tmp_path, story, behave)


def test_a_server_that_was_away_takes_no_job_for_stalled(tmp_path: Path) -> None:
    lively = tuple((float(after), sample(1.0)) for after in range(5, 1200, 5))

    async def story(world: World) -> None:
        job_id = await world.submit(health={"stall_after": "1m"})
        await asyncio.sleep(60)
        await world.kill()
        await asyncio.sleep(600)
        world.start()
        await asyncio.sleep(60)
        kinds = [event["type"] for event in await events_of(world, job_id)]
        assert not [kind for kind in kinds if kind.startswith("health.")]
        await world.stop(job_id)
        await world.until_ended(job_id)

    play(tmp_path, story, lambda _request: Behaviour(runs_for=LONG, says=lively))


def test_an_episode_that_ends_and_comes_back_is_two(tmp_path: Path) -> None:
    says = (
        (70.0, sample(70)), (80.0, sample(80)), (100.0, sample(0)), (110.0, sample(10)),
        (180.0, sample(80)), (190.0, sample(0)),
    )  # fmt: skip

    async def story(world: World) -> None:
        job_id = await world.submit(health={"stall_after": "1m", "on_stall": "notify"})
        await world.until_ended(job_id)
        kinds = [event["type"] for event in await events_of(world, job_id)]
        assert [kind for kind in kinds if kind.startswith("health.")] == [
            "health.stalled", "health.over", "health.stalled", "health.over"
        ]  # fmt: skip

    play(tmp_path, story, lambda _request: Behaviour(runs_for=timedelta(minutes=4), says=says))
