"""Who uses the GPUs of a host without Tradewind is seen, said, and left alone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.gpus_for_tests import FakeGpus
from tests.ssh.own_hosts import OwnHosts
from tests.ssh_machines import Fleet
from tradewind.control.node_views import node_views
from tradewind.domain.schemas_nodes import NodeView
from tradewind.domain.status import JobStatus, Reason

_WAITS = f"""exec {sys.executable} -c '
import os, time
print("sees", os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
while not os.path.exists("enough"):
    time.sleep(0.02)'"""


@pytest.fixture
async def plane(fleet: Fleet) -> AsyncIterator[OwnHosts]:
    made = OwnHosts(fleet)
    await made.start()
    yield made
    await made.end()


@pytest.fixture
def ana() -> Iterator[tuple[str, int]]:
    """Somebody who works on the machine besides: a user name and the pid of what runs."""
    user = "nobody" if os.getuid() == 0 else None
    process = subprocess.Popen(["sleep", "600"], user=user)
    yield user or Path(f"/proc/{process.pid}").owner(), process.pid
    process.kill()
    process.wait()


async def _view(plane: OwnHosts) -> NodeView:
    node = await plane.node("one")
    return (await plane.store.read(lambda tx: node_views(tx, [node], timedelta(0))))[0]


async def _has_states(plane: OwnHosts, *states: str) -> bool:
    return [each.use for each in (await _view(plane)).accelerators] == list(states)


async def test_what_others_use_is_said_and_not_handed_out(plane: OwnHosts, ana: tuple[str, int]) -> None:
    user, pid = ana
    machine = await asyncio.to_thread(plane.fleet.machine, "one")
    gpus = FakeGpus(machine)
    gpus.use((1, pid))
    host = await plane.add_again(machine)
    said = f"1 of 2 in use by others: {user} (pid {pid})"
    assert host.others == said
    view = await _view(plane)
    assert view.others == said
    first, second = view.accelerators
    assert (first.index, first.name, first.memory_bytes, first.use) == (
        0, "NVIDIA A100-SXM4-80GB", 80 << 30, "free",
    )  # fmt: skip
    assert (second.use, second.label) == ("others", f"in use by others: {user} (pid {pid})")
    (other,) = second.users
    assert (other.pid, other.user, other.command, other.memory_bytes) == (pid, user, "python3", 1 << 30)

    both = await plane.submit_to("one", name="both", run=_WAITS, resources={"accelerators": "A100:2"})

    async def waits() -> bool:
        job = await plane.job(both)
        return job.reason is Reason.WAITING_FOR_CAPACITY and said in (job.explanation or "")

    await plane.until(waits)
    assert await plane.attempts() == []
    # They leave.
    gpus.use()
    await plane.look_again("one")
    (attempt,) = await plane.until(plane.running)
    assert attempt.job_id == both
    # What it runs there is no stranger: by the machine's own word it belongs to an attempt of ours.
    own_pid = next(
        each.pid
        for each in machine.processes()
        if each.environ().get("TRADEWIND_ATTEMPT") == attempt.id and "enough" in " ".join(each.cmdline())
    )
    gpus.use((0, own_pid), (1, pid))
    await plane.look_again("one")
    await plane.until(lambda: _is_seen(plane, pid))
    view = await _view(plane)
    assert [each.use for each in view.accelerators] == ["held", "held"]
    assert [each.job_id for each in view.accelerators] == [both, both]
    assert view.accelerators[0].users == []
    assert view.accelerators[1].label == f"held by both; also in use by others: {user} (pid {pid})"
    assert view.others == said
    (plane.there(machine, attempt) / "work/enough").touch()
    assert (await plane.ended(both)).status is JobStatus.SUCCEEDED
    await plane.until(lambda: _has_states(plane, "free", "others"))
    # The one of the two that nobody uses.
    one = await plane.submit_to(
        "one", name="alone", run="echo $CUDA_VISIBLE_DEVICES", resources={"accelerators": "A100:1"}
    )
    assert (await plane.ended(one)).status is JobStatus.SUCCEEDED
    alone = next(each for each in await plane.attempts() if each.job_id == one)
    assert [each["uuid"] for each in alone.offer["accelerators"]] == [gpus.uuids[0]]


async def _is_seen(plane: OwnHosts, pid: int) -> bool:
    return any(user.pid == pid for slot in (await _view(plane)).accelerators for user in slot.users)


async def test_the_owner_may_hand_them_out_all_the_same(plane: OwnHosts, ana: tuple[str, int]) -> None:
    user, pid = ana
    machine = await asyncio.to_thread(plane.fleet.machine, "one")
    FakeGpus(machine).use((0, pid), (1, pid))
    host = await plane.add_again(machine, ignores_others=True)
    # They are seen, and it is said of them; only nothing is kept for them.
    assert (host.ignores_others, host.others) == (True, f"2 of 2 in use by others: {user} (pid {pid})")
    slots = (await _view(plane)).accelerators
    assert [each.use for each in slots] == ["free", "free"]
    assert slots[0].label == f"free, though in use by others: {user} (pid {pid})"
    job = await plane.submit_to("one", run="true", resources={"accelerators": "A100:2"})
    assert (await plane.ended(job)).status is JobStatus.SUCCEEDED


async def test_a_job_goes_where_nobody_is_in_its_way(plane: OwnHosts, ana: tuple[str, int]) -> None:
    _user, pid = ana
    machines = [await asyncio.to_thread(plane.fleet.machine, name) for name in ("one", "two")]
    FakeGpus(machines[0]).use((0, pid), (1, pid))
    free = FakeGpus(machines[1])
    for machine in machines:
        await plane.add_again(machine)
    job = await plane.submit_to("one", "two", run="true", resources={"accelerators": "A100:2"})
    assert (await plane.ended(job)).status is JobStatus.SUCCEEDED
    (attempt,) = await plane.attempts()
    assert sorted(each["uuid"] for each in attempt.offer["accelerators"]) == sorted(free.uuids)
