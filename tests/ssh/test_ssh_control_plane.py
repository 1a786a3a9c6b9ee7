"""The whole control plane over real sshds: rented, greeted, run, taken back, resumed elsewhere, given back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.ssh.sshd_cloud import SshdCloud
from tests.ssh_machines import access, in_thread
from tradewind.control.context import Context
from tradewind.control.loops import ensure_loops
from tradewind.control.submitting import insert_jobs, stop_job
from tradewind.db import tables
from tradewind.db.events import events_after
from tradewind.db.opening import bring_up_to_date, open_sqlite
from tradewind.db.owners import ensure_defaults
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import SqlStore
from tradewind.domain.clock import SystemClock, SystemEntropy
from tradewind.domain.offers import SelfTermination
from tradewind.domain.schemas import JobSubmission
from tradewind.domain.status import AttemptStatus, JobStatus, NodeStatus, Reason, has_ended
from tradewind.estimate.tariff import Tariff
from tradewind.providers.bundle import build_bundle
from tradewind.providers.ssh.reach import SshReach
from tradewind.server.wiring import controllers_of, loops_of
from tradewind.spec.models import JobSpec
from tradewind.storage.disk import DiskStorage
from tradewind.storage.workdirs import Workdirs

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


class World:
    """One server, its database and its cloud."""

    def __init__(self, root: Path, keep_idle: timedelta = timedelta(0), **cloud: Any) -> None:
        self.root = root
        clock, entropy = SystemClock(), SystemEntropy()
        engine = open_sqlite(root / "tradewind.db")
        bring_up_to_date(engine)
        self.store = SqlStore(engine, clock, entropy)
        self.access = access()
        self.cloud = SshdCloud(root / "machines", self.access, **cloud)
        self.reach = SshReach(self.access, build_bundle(root / "agent"), root / "attempts", clock, in_thread)
        self.context = Context(
            store=self.store, clock=clock, entropy=entropy, backends={}, machines={self.cloud.id: self.cloud},
            reach=self.reach, storage=DiskStorage(root / "kept"), workdirs=Workdirs(root / "workdirs"), root=root,
            tariff=Tariff(micro_usd_per_kwh=200_000, carbon_g_per_kwh=400.0, price_note="", carbon_note=""),
            installation_id="inst_tests", offload=in_thread, keep_idle=keep_idle,
        )  # fmt: skip
        self._tasks: list[asyncio.Task[Any]] = []

    async def start(self) -> None:
        _, self.caller = await self.store.run(lambda tx: ensure_defaults(tx, "tester"))
        await self.store.run(lambda tx: ensure_loops(tx, loops_of(self.context)))
        self._tasks = [asyncio.create_task(each.run()) for each in controllers_of(self.context)]

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.reach.close()
        await asyncio.to_thread(self.cloud.close)
        self.store.close()

    async def submit(self, **job: Any) -> str:
        mapping: dict[str, Any] = {"version": 1, "name": "digits", **job}
        spec = JobSpec.model_validate(mapping)
        submission = JobSubmission(spec=mapping)
        return (await self.store.run(lambda tx: insert_jobs(tx, self.caller, [(submission, spec)])))[0]

    async def job(self, job_id: str) -> JobRow:
        return await self.store.read(lambda tx: JobRow.get(tx, job_id))

    async def ended(self, job_id: str) -> JobRow:
        """The job, once it has ended."""

        async def look() -> JobRow | None:
            job = await self.job(job_id)
            return job if has_ended(job.status) else None

        found: JobRow = await self.until(look)
        return found

    async def attempts(self) -> list[AttemptRow]:
        rows = await self.store.read(lambda tx: list(tx.execute(AttemptRow.select())))
        return sorted((AttemptRow.of(row) for row in rows), key=lambda each: each.number)

    async def nodes(self) -> list[NodeRow]:
        rows = await self.store.read(lambda tx: list(tx.execute(NodeRow.select())))
        return [NodeRow.of(row) for row in rows]

    async def column(self, column: Any) -> list[Any]:
        return await self.store.read(lambda tx: list(tx.execute(select(column)).scalars()))

    async def until(self, condition: Callable[[], Any]) -> Any:
        """What the condition (a coroutine function) returns, once it is true."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not (found := await condition()):  # noqa: ASYNC110 -- a row is waited for
                    await asyncio.sleep(0.05)
                return found
        except TimeoutError:
            job_ids = await self.column(tables.jobs.c.id)
            told = await self.store.read(lambda tx: [events_after(tx, each, 0, 1000) for each in job_ids])
            raise AssertionError([row["message"] for rows in told for row in rows]) from None


async def _is_gone(path: Path) -> bool:
    return not await asyncio.to_thread(path.exists)


@pytest.fixture
async def world(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[World]:
    made = World(tmp_path, **getattr(request, "param", {}))
    await made.start()
    yield made
    await made.end()


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
