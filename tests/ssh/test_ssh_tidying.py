"""What attempts leave on machines of the user's own goes once it is here, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.ssh.own_hosts import OwnHosts
from tests.ssh_machines import Fleet
from tests.sshd_for_tests import Sshd
from tradewind.control.tidying import tidy
from tradewind.db import tables
from tradewind.domain.errors import ProviderError
from tradewind.domain.status import AttemptStatus, JobStatus
from tradewind.providers.base import Handle


@pytest.fixture
async def plane(fleet: Fleet) -> AsyncIterator[OwnHosts]:
    made = OwnHosts(fleet)
    await made.start()
    yield made
    await made.end()


def _names(machine: Sshd) -> set[str]:
    return {each.name for each in (machine.home / ".tradewind/attempts").iterdir()}


async def test_what_has_ended_is_removed_and_what_was_fetched_stays_here(plane: OwnHosts) -> None:
    machine = await plane.add("one")
    keeps = await plane.submit_to("one", name="keeps", run="echo up; exec sleep 600")
    (running,) = await plane.until(plane.running)
    job = await plane.ended(
        await plane.submit_to("one", name="ends", run="echo said; echo made > out.txt", outputs=["out.txt"])
    )
    assert job.status is JobStatus.SUCCEEDED, job.explanation
    ended = next(each for each in await plane.attempts() if each.job_id == job.id)
    # Another installation's, which no row tells of.
    (machine.home / ".tradewind/attempts/att_foreign/work").mkdir(parents=True)
    assert _names(machine) == {running.id, ended.id, "att_foreign"}
    await plane.look_again("one")

    async def is_removed() -> bool:
        return ended.id not in _names(machine)

    await plane.until(is_removed)
    assert _names(machine) == {running.id, "att_foreign"}
    assert plane.log(ended) == b"said\n"
    assert await plane.column(tables.artifacts.c.path) == ["out.txt"]
    # The one that runs was not touched, and there is nothing left to do.
    assert (await plane.job(keeps)).status is JobStatus.RUNNING
    assert await tidy(plane.context, await plane.node("one")) == []


async def test_a_removal_that_fails_is_made_up_for(plane: OwnHosts) -> None:
    machine = await plane.add("one")
    job = await plane.ended(await plane.submit_to("one", run="echo said"))
    assert job.status is JobStatus.SUCCEEDED, job.explanation
    (attempt,) = await plane.attempts()
    node = await plane.node("one")
    host = plane.context.machine_of(node)
    handle = Handle(attempt.handle or {})
    await asyncio.to_thread(machine.cut)
    # The connection breaks in the middle: on either side of it, the next look does what is left to do.
    for _ in range(3):
        try:
            assert await tidy(plane.context, node) in ([attempt.id], [])
            break
        except ProviderError:
            continue
    assert _names(machine) == set()
    await host.forget(handle)
    assert await tidy(plane.context, node) == []


async def test_what_was_never_fetched_is_left_alone(plane: OwnHosts) -> None:
    machine = await plane.add("one")
    await plane.submit_to("one", run="echo up > work.txt; exec sleep 600", retry={"node_failures": 0})
    (attempt,) = await plane.until(plane.running)
    await plane.remove("one", is_lost=True)

    async def has_ended() -> bool:
        return (await plane.attempts())[0].status is AttemptStatus.INTERRUPTED

    await plane.until(has_ended)
    # It was not lost after all. Nobody wants what still runs there: it is ended, not taken up again.
    await plane.add_again(machine)
    await plane.look_again("one")
    await plane.until(lambda: _is_ended(machine, attempt.id))
    assert await tidy(plane.context, await plane.node("one")) == []
    assert (machine.home / f".tradewind/attempts/{attempt.id}/work/work.txt").read_text() == "up\n"


async def _is_ended(machine: Sshd, attempt: str) -> bool:
    return await asyncio.to_thread(Path.exists, machine.home / f".tradewind/attempts/{attempt}/exit.json")
