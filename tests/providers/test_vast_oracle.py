"""A second opinion on our stand-in for Vast.ai: Vast.ai's own command line has to get along with it.

The client (`vastai`, tried with 1.9.1) needs versions of its own of what it uses, and so a virtual environment of its
own: `TRADEWIND_VASTAI` names the program, else it is looked for on the PATH.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.providers.suite import KEEP
from tests.providers.vast_simulator import KEY, MACHINE, VastWorld
from tests.providers.world import node_key
from tradewind.providers.base import MachinePhase

VASTAI = os.environ.get("TRADEWIND_VASTAI") or shutil.which("vastai")
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.slow,
    pytest.mark.skipif(
        VASTAI is None, reason="Vast.ai's own client is not installed (see this module's text)"
    ),
]
#: Asked for by the client to complete names, and in no published description.
_UNPUBLISHED = "/api/v0/gpu_names/unique/"


async def vastai(world: VastWorld, home: Path, *arguments: str) -> Any:
    """What the client prints, as JSON; None where it prints nothing that is."""
    assert VASTAI is not None
    process = await asyncio.create_subprocess_exec(
        VASTAI, *arguments, "--raw", "--api-key", KEY, "--url", world.server.url,
        env={"PATH": os.environ["PATH"], "HOME": str(home)},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-2000:]
    try:
        return json.loads(out)
    except ValueError:
        return None


async def test_the_vendors_client_rents_and_gives_back_there(tmp_path: Path) -> None:
    async with VastWorld() as world:
        (offer,) = await vastai(world, tmp_path, "search", "offers", "num_gpus=2", "--storage", "50")
        assert offer["machine_id"] == MACHINE
        made = await vastai(
            world, tmp_path, "create", "instance", str(offer["id"]), "--image", "vastai/pytorch", "--disk", "50",
            "--label", "by-hand", "--ssh", "--direct",
        )  # fmt: skip
        (instance,) = world.living()
        assert str(made["new_contract"]) == instance.id
        await world.boot()

        # Each sees what the other one rents.
        world.clock.advance(60)
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        listed = await vastai(world, tmp_path, "show", "instances")
        assert [str(each["id"]) for each in listed] == [instance.id, handle.values["id"]]
        assert (await world.provider.get(handle)).phase is MachinePhase.STARTING
        assert (await vastai(world, tmp_path, "show", "user"))["email"] == "a@example.com"

        await vastai(world, tmp_path, "destroy", "instance", handle.values["id"], "-y")
        assert [each.id for each in world.living()] == [instance.id]
        assert await world.provider.find(node_key()) is None
        world.server.problems[:] = [each for each in world.server.problems if _UNPUBLISHED not in each]
        assert not world.server.problems, world.server.problems
