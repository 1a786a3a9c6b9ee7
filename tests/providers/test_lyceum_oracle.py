"""The vendor's own command line tool against the same simulator: if it works there, the simulator is no mere echo.

It needs packages that Tradewind does not want beside its own, so it lives in an environment of its own:
`python -m venv DIR && DIR/bin/pip install lyceum-cli==1.2.2`, and `TRADEWIND_LYCEUM_CLI=DIR/bin/lyceum`.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.providers.lyceum_simulator import KEY, LyceumWorld
from tests.providers.suite import KEEP
from tests.providers.world import node_key
from tradewind.providers.access import machine_name
from tradewind.providers.base import MachinePhase

pytestmark = [pytest.mark.oracle, pytest.mark.slow]


class Tool:
    """The vendor's tool, with a home of its own that points it to the simulator."""

    def __init__(self, command: str, home: Path, url: str) -> None:
        self._command = command
        self._home = home
        folder = home / ".lyceum"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps({"api_key": KEY, "base_url": url}), encoding="utf-8")

    async def __call__(self, *arguments: str) -> str:
        """What it prints; its exit code has to be 0."""
        process = await asyncio.create_subprocess_exec(
            self._command, *arguments,
            env={"HOME": str(self._home), "PATH": os.environ["PATH"], "COLUMNS": "300", "NO_COLOR": "1"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await process.communicate()
        assert process.returncode == 0, printed.decode()
        return printed.decode()

    async def json(self, *arguments: str) -> Any:
        """What it prints as JSON."""
        return json.loads(await self(*arguments, "--json"))


@pytest.fixture
async def world() -> AsyncIterator[LyceumWorld]:
    async with LyceumWorld() as world:
        yield world


@pytest.fixture
def tool(world: LyceumWorld, tmp_path: Path) -> Tool:
    command = os.environ.get("TRADEWIND_LYCEUM_CLI")
    if not command:
        pytest.skip("TRADEWIND_LYCEUM_CLI does not name the vendor's command line tool")
    return Tool(command, tmp_path, world.server.url)


async def test_what_the_tool_makes_the_adapter_finds(world: LyceumWorld, tool: Tool) -> None:
    name = machine_name(node_key())
    await tool("vm", "start", "-h", "a100", "-k", world.access.login.public, "-g", "2", "-n", name, "--async")
    (vm,) = world.vms.values()
    assert (vm.profile, vm.count, vm.public_key) == ("a100", 2, world.access.login.public)
    handle = await world.provider.find(node_key())
    assert handle is not None
    await world.boot()
    assert (await world.provider.get(handle)).phase is MachinePhase.READY
    await tool("vm", "stop", vm.id, "--force")
    assert (await world.provider.get(handle)).phase is MachinePhase.GONE
    assert world.living() == []


async def test_what_the_adapter_makes_the_tool_shows(world: LyceumWorld, tool: Tool) -> None:
    offer = await world.offer("spot")
    handle = await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
    await world.boot()
    listed = await tool.json("vm", "list")
    rows = listed["vms"] if isinstance(listed, dict) else listed
    assert [(each["vm_id"], each["display_name"]) for each in rows] == [
        (handle.values["id"], machine_name(node_key()))
    ]
    shown = await tool.json("vm", "status", handle.values["id"])
    assert (shown["status"], shown["instance_type"]) == ("ready", "spot")
    await world.provider.terminate(handle)
    alive = await tool.json("vm", "list", "--no-terminated")
    assert (alive["vms"] if isinstance(alive, dict) else alive) == []


async def test_what_is_to_be_had(world: LyceumWorld, tool: Tool) -> None:
    printed = await tool("vm", "availability")
    assert "a100" in printed
