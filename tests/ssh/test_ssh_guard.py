"""The guard: a machine that hears nothing ends itself. `shutdown` there only says that it was called."""

from __future__ import annotations

import asyncio

import pytest

from tests.agent.attempts import wait_until
from tests.ssh_machines import PATIENCE_S, Fleet


@pytest.mark.slow
async def test_it_acts_when_it_is_not_renewed(fleet: Fleet) -> None:
    machine = fleet.machine()
    host = fleet.host(machine)
    await host.guard(3600.0)
    # The shutdown that was set at the first boot is taken back once there is a guard.
    assert machine.shutdowns == ["-c"]
    # A renewal starts no second one, and counts from now. The guard outlives every connection.
    await host.guard(0.5)
    for links in fleet.hosts:
        links.close()
    machine.cut()
    await asyncio.to_thread(wait_until, lambda: machine.shutdowns == ["-c", "-P now"], "the shutdown")


async def test_a_dead_guard_is_started_again(fleet: Fleet) -> None:
    machine = fleet.machine()
    host = fleet.host(machine)
    await host.guard(3600.0)
    (guard,) = [each for each in machine.processes() if "guard" in each.cmdline()]
    guard.kill()
    guard.wait(PATIENCE_S)
    await host.guard(0.2)
    await asyncio.to_thread(wait_until, lambda: machine.shutdowns == ["-c", "-c", "-P now"], "the shutdown")
