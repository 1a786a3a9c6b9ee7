"""The guard: a machine that hears nothing ends itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.ssh_machines import PATIENCE_S, Fleet


async def _until_there(path: Path) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not path.exists():  # noqa: ASYNC110, ASYNC240 -- another process makes it
            await asyncio.sleep(0.02)


async def test_it_acts_when_it_is_not_renewed(fleet: Fleet, tmp_path: Path) -> None:
    machine = fleet.machine()
    host = fleet.host(
        machine, poweroff=("touch", str(tmp_path / "off")), cancel=("touch", str(tmp_path / "cancelled"))
    )
    await host.guard(3600.0)
    # The guard that was set at the first boot is taken back once there is another one.
    assert (tmp_path / "cancelled").exists()
    assert not (tmp_path / "off").exists()
    (tmp_path / "cancelled").unlink()
    # A renewal starts no second one, and counts from now. It outlives every connection.
    await host.guard(0.5)
    assert not (tmp_path / "cancelled").exists()
    for links in fleet.hosts:
        links.close()
    machine.cut()
    await _until_there(tmp_path / "off")


async def test_a_dead_guard_is_started_again(fleet: Fleet, tmp_path: Path) -> None:
    machine = fleet.machine()
    host = fleet.host(machine, poweroff=("touch", str(tmp_path / "off")), cancel=("true",))
    await host.guard(3600.0)
    guards = [each for each in machine.processes() if "guard" in each.cmdline()]
    assert len(guards) == 1
    guards[0].kill()
    guards[0].wait(PATIENCE_S)
    await host.guard(0.2)
    await _until_there(tmp_path / "off")
