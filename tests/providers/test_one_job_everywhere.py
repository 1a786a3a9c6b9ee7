"""One job, unchanged, on every provider: rented, run, interrupted, resumed from its checkpoint, paid, given back.

The whole control plane with its real clock, the real adapter against its counterpart, and every machine a real sshd at
the address that the vendor told, with the keys that the vendor handed to it.
"""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import select

from tests.providers import world as world_module
from tests.providers.suite import ProviderContract
from tests.providers.world import World
from tests.ssh.control_plane import ControlPlane
from tests.ssh_machines import in_thread
from tests.sshd_for_tests import Sshd
from tradewind.control import rentals
from tradewind.control.node_desk import stop_node
from tradewind.db import tables
from tradewind.db.rows import AttemptRow
from tradewind.domain.clock import SystemClock
from tradewind.domain.errors import ProviderFault
from tradewind.domain.offers import Offer
from tradewind.domain.status import AttemptStatus, JobStatus, NodeStatus, Reason, has_ended
from tradewind.providers.access import machine_name
from tradewind.providers.base import Handle, MachinePhase, MachineView

_FOLDER: Final = Path(__file__).parent
#: Trains in two steps, and waits in between unless it was resumed.
_TRAINS: Final = f"""exec {sys.executable} -c '
import json, os, pathlib, time
folder = pathlib.Path(os.environ["TRADEWIND_CHECKPOINT_DIR"])
before = os.environ.get("TRADEWIND_CHECKPOINT")
start = int(pathlib.Path(before).read_text()) if before else 0
print("from step", start, flush=True)
with open(os.environ["TRADEWIND_METRICS"], "a") as metrics:
    metrics.write(json.dumps(dict(step=start + 1, loss=1.0 / (start + 1))) + chr(10))
(folder / "step-1").write_text("1")
if not before:
    time.sleep(600)
print("done", flush=True)'"""


def worlds() -> dict[str, type[World]]:
    """The counterpart of every provider that has contract tests."""
    for path in sorted(_FOLDER.glob("test_*_contract.py")):
        importlib.import_module(f"tests.providers.{path.stem}")
    found: dict[str, type[World]] = {}
    pending = list(ProviderContract.__subclasses__())
    while pending:
        kind = pending.pop()
        pending += kind.__subclasses__()
        if hasattr(kind, "world_type"):
            found[kind.world_type.provider_id] = kind.world_type
    return dict(sorted(found.items()))


@pytest.fixture(autouse=True)
def no_call_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is not found any more is otherwise taken for one that is not shown yet, for two minutes."""
    monkeypatch.setattr(rentals, "CALL_LIFETIME", timedelta(seconds=1))


class _Clock(SystemClock):
    """The system's time, where a counterpart would like to hurry it."""

    def advance(self, seconds: float) -> None:
        return


class Backed:
    """A provider whose machines are real sshds once its vendor calls them running."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.id = world.provider.id
        # Its counterpart shows at once what it has: nobody need wait until that is certain.
        self.capabilities = replace(world.provider.capabilities, list_lag=timedelta(0))
        self.machines: dict[str, Sshd] = {}
        self._folder = folder
        self._names: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.provider, name)

    async def goes_about_its_business(self) -> None:
        """What is starting starts, and what ends has ended, a moment later."""
        while True:
            await self.world.boot()
            await self.world.end()
            await asyncio.sleep(0.3)

    async def list_offers(self) -> list[Offer]:
        market = self.world.reclaimed_market
        return [each for each in await self.world.provider.list_offers() if each.market == market]

    async def create(self, offer: Offer, key: str, keep_until: Any) -> Handle:
        handle = await self.world.provider.create(offer, key, keep_until)
        self._names[str(handle.values)] = machine_name(key)
        return handle

    async def get(self, handle: Handle) -> MachineView:
        view = await self.world.provider.get(handle)
        name = self._names[str(handle.values)]
        if view.phase is MachinePhase.READY and view.login is not None and name not in self.machines:
            folder = self._folder / name
            folder.mkdir(parents=True)
            machine = self.machines[name] = Sshd(folder, host=view.login.host, port=view.login.port)
            await asyncio.to_thread(machine.start, *self.world.host_material(name))
        return view

    async def terminate(self, handle: Handle) -> None:
        await self.world.provider.terminate(handle)
        await self._die(self._names[str(handle.values)])

    async def take_back(self, name: str) -> None:
        """The vendor needs the machine itself."""
        await self.world.reclaim(name)
        await self._die(name)

    async def _die(self, name: str) -> None:
        if name in self.machines:
            await asyncio.to_thread(self.machines[name].kill)

    def close(self) -> None:
        """Ends every machine."""
        for machine in self.machines.values():
            machine.kill()


@asynccontextmanager
async def backed(provider_id: str, folder: Path) -> AsyncIterator[Backed]:
    """A provider of a test's own, in real time."""
    # Counterparts keep the clock that they were made with.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world_module, "HurriedClock", _Clock)
        world = worlds()[provider_id]()
    world.offload = in_thread
    async with world:
        made = Backed(world, folder)
        business = asyncio.create_task(made.goes_about_its_business())
        try:
            yield made
        finally:
            business.cancel()
            await asyncio.gather(business, return_exceptions=True)
            await asyncio.to_thread(made.close)


async def run_until_interrupted(
    plane: ControlPlane, provider: Backed, providers: list[str], before: Callable[[], None] = lambda: None
) -> str:
    """The job runs, has kept a checkpoint, and after `before` its machine is taken away; its id."""
    job_id = await plane.submit(
        run=_TRAINS,
        checkpoints={"path": "ckpt", "every": "1m"},
        retry={"interruptions": 5, "node_failures": 5},
        resources={"providers": providers, "spot": "auto"},
    )
    await plane.until(lambda: plane.column(tables.checkpoints.c.id))
    before()
    name = list(provider.machines)[-1]
    if 6 in provider.world.gaps:
        # Nobody takes machines back there: somebody gives it back.
        (node,) = (each for each in await plane.nodes() if each.status is NodeStatus.READY)
        await plane.store.run(lambda tx: stop_node(tx, plane.caller, node.id, now=True))
    else:
        await provider.take_back(name)
    return job_id


async def ran(plane: ControlPlane) -> list[AttemptRow]:
    """The attempts that a machine was found for, in order."""
    return [each for each in await plane.attempts() if each.accepted_at is not None]


async def check_story(plane: ControlPlane, job_id: str) -> None:
    """It went on from its checkpoint, lost no line, each part is paid, and nothing is left."""
    job = await plane.ended(job_id)
    assert job.status is JobStatus.SUCCEEDED, job.explanation
    one, two = await ran(plane)
    assert one.status is AttemptStatus.INTERRUPTED
    assert one.reason in (Reason.RECLAIMED, Reason.VANISHED, Reason.GIVEN_BACK, Reason.NODE_LOST)
    assert two.resumed_from is not None
    logs = [(plane.root / "attempts" / each.id / "logs/stdout.log").read_text() for each in (one, two)]
    assert logs == ["from step 0\n", "from step 1\ndone\n"]
    assert (one.observed["metrics"]["loss"], two.observed["metrics"]["loss"]) == (1.0, 0.5)

    async def all_gone() -> bool:
        return all(has_ended(each.status) for each in await plane.nodes())

    await plane.until(all_gone)
    lines = tables.ledger.c
    statement = select(lines.attempt_id, lines.provider, lines.amount_micro)
    paid = await plane.store.read(lambda tx: tx.execute(statement).all())
    assert {row.attempt_id for row in paid} == {one.id, two.id}
    assert {row.provider for row in paid} == {one.provider, two.provider}
    assert all(row.amount_micro > 0 for row in paid)


@pytest.mark.slow
@pytest.mark.parametrize("provider_id", worlds())
async def test_one_job_file_runs_everywhere(provider_id: str, tmp_path: Path) -> None:
    async with backed(provider_id, tmp_path / "machines") as provider:
        plane = ControlPlane(tmp_path, provider.world.access, [provider])
        await plane.start()
        try:
            job_id = await run_until_interrupted(plane, provider, [provider_id])
            await check_story(plane, job_id)
        finally:
            await plane.end()
        assert provider.world.living() == []


@pytest.mark.slow
async def test_interrupted_on_one_provider_it_resumes_on_another(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(backed("vast", tmp_path / "first"))
        second = await stack.enter_async_context(backed("lambda", tmp_path / "second"))
        plane = ControlPlane(tmp_path, first.world.access, [first])
        await plane.start()
        stack.push_async_callback(plane.end)
        job_id = await run_until_interrupted(
            plane, first, ["vast", "lambda"], before=lambda: change_places(plane, first, second)
        )
        await check_story(plane, job_id)
        one, two = await ran(plane)
        assert (one.provider, two.provider) == ("vast", "lambda")
        assert first.world.living() == second.world.living() == []


def change_places(plane: ControlPlane, first: Backed, second: Backed) -> None:
    """The first provider has no more machines to give; another one is connected."""
    first.world.refuse_create(ProviderFault.CAPACITY, times=100)
    plane.context.machines[second.id] = second
