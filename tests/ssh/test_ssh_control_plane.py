"""The whole control plane over real sshds: rented, greeted, run, taken back, resumed elsewhere, given back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.ssh.control_plane import ControlPlane
from tests.ssh.sshd_cloud import SshdCloud
from tests.ssh_machines import access
from tradewind.control.submitting import stop_job
from tradewind.db import tables
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.domain.clock import SystemClock
from tradewind.domain.offers import SelfTermination
from tradewind.domain.status import AttemptStatus, JobStatus, NodeStatus, Reason

_PATIENCE_S = 120.0
_TRAINS = f"""exec {sys.executable} -c '
import os, pathlib, time
folder = pathlib.Path(os.environ["TRADEWIND_CHECKPOINT_DIR"])
before = os.environ.get("TRADEWIND_CHECKPOINT")
start = int(pathlib.Path(before).read_text()) if before else 0
print("from", start)
(folder / "state-1").write_text("1")
if not before:
    time.sleep(600)
os.makedirs("out/deep")
pathlib.Path("out/deep/model.bin").write_bytes(bytes(3 << 20))
pathlib.Path("scratch").write_text("not asked for")
print("done")'"""


async def _is_gone(path: Path) -> bool:
    return not await asyncio.to_thread(path.exists)


class World(ControlPlane):
    """A control plane whose only provider rents out real sshds."""

    def __init__(self, root: Path, keep_idle: timedelta = timedelta(0), **cloud: Any) -> None:
        self.cloud = SshdCloud(root / "machines", access(), **cloud)
        super().__init__(root, access(), [self.cloud], keep_idle)


@pytest.fixture
async def world(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    made = World(tmp_path, **getattr(request, "param", {}))
    await made.start()
    yield made
    await made.end()
    await asyncio.to_thread(made.cloud.close)


@pytest.mark.slow
async def test_a_job_is_taken_back_and_resumes_on_another_machine(world: World) -> None:
    job_id = await world.submit(
        run=_TRAINS,
        checkpoints={"path": "ckpt", "every": "1m"},
        outputs=["out/**"],
        retry={"interruptions": 3},
    )
    await world.until(lambda: world.column(tables.checkpoints.c.id))
    (running,) = await world.attempts()
    await world.until(lambda: _is_gone(world.root / "attempts" / running.id / "work/ckpt/state-1"))
    (first,) = world.cloud.machines
    await world.cloud.take_back(first)
    job = await world.ended(job_id)
    assert job.status is JobStatus.SUCCEEDED, job.explanation
    one, two = await world.attempts()
    assert (one.status, one.reason) == (AttemptStatus.INTERRUPTED, Reason.RECLAIMED)
    assert two.resumed_from is not None
    logs = [(world.root / "attempts" / each.id / "logs/stdout.log").read_text() for each in (one, two)]
    assert logs == ["from 0\n", "from 1\ndone\n"]
    # What was brought is kept in one place, not in two.
    assert all(not (world.root / "attempts" / each.id / "work").exists() for each in (one, two))
    # Outputs are kept before the machine goes, and nothing but them.
    assert await world.column(tables.artifacts.c.path) == ["out/deep/model.bin"]
    assert await world.column(tables.artifacts.c.size_bytes) == [3 << 20]

    async def all_gone() -> bool:
        return all(each.status is NodeStatus.GONE for each in await world.nodes())

    await world.until(all_gone)
    assert set(world.cloud.ended) == set(world.cloud.machines)
    nodes = await world.nodes()
    assert all(each.inventory["cpus"] >= 1 for each in nodes)
    assert all(each.observed["login"]["host_keys"] for each in nodes)


@pytest.mark.parametrize("world", [{"tells_host_keys": False}], indirect=True)
async def test_the_key_seen_first_is_kept_with_the_machine(world: World) -> None:
    await world.submit(run="exec sleep 600")

    async def runs() -> list[AttemptRow]:
        return [each for each in await world.attempts() if each.status is AttemptStatus.RUNNING]

    await world.until(runs)
    (node,) = await world.nodes()
    (seen,) = node.observed["login"]["host_keys"]
    assert node.key is not None
    assert seen.split()[1] == world.access.host_key(node.key).public.split()[1]


@pytest.mark.slow
async def test_a_stop_during_a_cut_is_told_later(world: World) -> None:
    job_id = await world.submit(run="echo up; exec sleep 600", outputs=["made"])

    async def runs() -> list[AttemptRow]:
        return [each for each in await world.attempts() if each.status is AttemptStatus.RUNNING]

    (attempt,) = await world.until(runs)
    (machine,) = world.cloud.machines.values()
    (machine.home / f".tradewind/attempts/{attempt.id}/work/made").write_text("before the end")
    await asyncio.to_thread(machine.cut)
    await asyncio.to_thread(machine.stop_listening)
    await world.store.run(lambda tx: stop_job(tx, world.caller, job_id, now=False))

    async def is_noticed() -> bool:
        return (await world.nodes())[0].lost_since is not None

    await world.until(is_noticed)
    assert (await world.attempts())[0].status is AttemptStatus.RUNNING
    await asyncio.to_thread(machine.restart)
    job = await world.ended(job_id)
    assert job.status is JobStatus.CANCELLED
    assert (await world.nodes())[0].lost_since is None
    assert await world.column(tables.artifacts.c.path) == ["made"]


@pytest.mark.parametrize("world", [{"keep_idle": timedelta(hours=1)}], indirect=True)
async def test_a_kept_machine_is_tidied_for_the_next_job(world: World) -> None:
    first = await world.ended(await world.submit(run="echo first"))
    assert first.status is JobStatus.SUCCEEDED

    async def is_idle() -> bool:
        return "idle_since" in (await world.nodes())[0].observed

    await world.until(is_idle)
    second = await world.ended(await world.submit(run="echo second"))
    assert second.status is JobStatus.SUCCEEDED
    (machine,) = world.cloud.machines.values()
    newest = sorted(await world.attempts(), key=lambda each: each.created_at)[-1]
    there = [path.name for path in (machine.home / ".tradewind/attempts").iterdir()]
    assert there == [newest.id]


@pytest.mark.parametrize(
    "world", [{"self_termination": SelfTermination.POWEROFF_ENDS_BILLING}], indirect=True
)
async def test_a_machine_whose_being_off_ends_its_cost_is_guarded(world: World) -> None:
    await world.submit(run="exec sleep 600")

    async def guarded() -> list[NodeRow]:
        return [each for each in await world.nodes() if each.observed.get("guarded_until")]

    (node,) = await world.until(guarded)
    left_s = node.observed["guarded_until"] - SystemClock().now().timestamp()
    assert 29 * 60 < left_s <= 30 * 60
    (machine,) = world.cloud.machines.values()
    assert machine.shutdowns == ["-c"]
    assert len([each for each in machine.processes() if "guard" in each.cmdline()]) == 1
