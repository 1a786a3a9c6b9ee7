"""Attempts on a machine behind a real sshd."""

from __future__ import annotations

import asyncio
import sys

from tests.ssh_machines import Fleet, Watch
from tradewind.providers.base import Handle, Phase

_PRINTS = f"""exec {sys.executable} -c '
import os, sys
print("hello from", os.getcwd())
print(open("data.txt").read())
print("complaint", file=sys.stderr)
import json
open(os.environ["TRADEWIND_METRICS"], "a").write(json.dumps(dict(step=3, loss=0.5)) + chr(10))
sys.exit(7)'"""


async def test_an_attempt_runs_to_its_end(fleet: Fleet) -> None:
    host = fleet.host(fleet.machine())
    request = fleet.request("one", _PRINTS, files={"data.txt": b"it came along", "folder/x.py": b"1"})
    key = f"inst_tests/{fleet.id('one')}"
    assert await host.find(key) is None
    handle = await host.submit(request, key)
    assert await host.find(key) == handle
    # A second start has no second effect.
    assert await host.submit(request, key) == handle
    watch = Watch(host, handle)
    end = await watch.until_gone()
    assert end.exit is not None
    assert (end.exit.reason, end.exit.exit_code) == ("exited", 7)
    lines = fleet.log("one").decode().splitlines()
    assert lines[0].endswith(f"/.tradewind/attempts/{fleet.id('one')}/work")
    assert lines[1:] == ["it came along"]
    assert fleet.log("one", "stderr") == b"complaint\n"
    assert [record["values"] for record in watch.of_type("metrics")] == [{"loss": 0.5}]
    assert [record["phase"] for record in watch.of_type("phase")] == ["running"]
    mirrored = (fleet.root / f"attempts/{fleet.id('one')}/records.jsonl").read_bytes()
    assert (
        mirrored
        == (fleet.machines[0].home / f".tradewind/attempts/{fleet.id('one')}/records.jsonl").read_bytes()
    )


async def test_the_agent_is_delivered_once_and_a_connection_is_shared(fleet: Fleet) -> None:
    machine = fleet.machine()
    host = fleet.host(machine)
    link = fleet.link(machine)
    await asyncio.gather(
        host.submit(fleet.request("one", "true"), f"k/{fleet.id('one')}"),
        host.submit(fleet.request("two", "true"), f"k/{fleet.id('two')}"),
    )
    assert (link.connects, link.deliveries) == (1, 1)
    anew = fleet.server()
    again = fleet.host(machine, anew)
    watch = Watch(
        again,
        (await again.find(f"k/{fleet.id('one')}"))
        or await again.submit(fleet.request("one", "true"), f"k/{fleet.id('one')}"),
    )
    await watch.until_gone()
    assert (anew.to(fleet.login(machine)).connects, anew.to(fleet.login(machine)).deliveries) == (1, 0)
    assert len(list((machine.home / ".tradewind/agent").iterdir())) == 1


async def test_a_damaged_agent_is_delivered_again(fleet: Fleet) -> None:
    machine = fleet.machine()
    await fleet.host(machine).greet()
    (agent,) = (machine.home / ".tradewind/agent").iterdir()
    agent.write_bytes(agent.read_bytes()[:-1] + b"!")
    anew = fleet.server()
    await fleet.host(machine, anew).greet()
    assert anew.to(fleet.login(machine)).deliveries == 1
    assert agent.read_bytes() == fleet.agent.read_bytes()


async def test_a_stop_is_told(fleet: Fleet) -> None:
    host = fleet.host(fleet.machine())
    handle = await host.submit(fleet.request("one", "echo up; exec sleep 600"), f"k/{fleet.id('one')}")
    watch = Watch(host, handle)
    await watch.until(lambda _seen: fleet.log("one") == b"up\n", "the first line")
    assert list((await host.survey()).running) == [fleet.id("one")]
    await host.stop(handle, "stopped_by_user", 2.0)
    end = await watch.until_gone()
    assert end.exit is not None
    assert end.exit.reason == "stopped_by_user"
    there = await host.survey()
    assert (there.running, there.left) == ({}, {fleet.id("one"): Handle({"directory": fleet.id("one")})})
    await host.forget(handle)
    await host.forget(handle)
    assert (await host.survey()).left == {}
    assert (await watch.poll()).phase is Phase.GONE


async def test_its_end_is_told_at_once(fleet: Fleet) -> None:
    host = fleet.host(fleet.machine())
    handle = await host.submit(fleet.request("one", "exec sleep 600"), f"k/{fleet.id('one')}")
    woken = asyncio.Event()
    await host.watch(handle, woken.set)
    await host.stop(handle, "stopped_by_user", 0.0)
    async with asyncio.timeout(30):
        await woken.wait()
    assert (await Watch(host, handle).until_gone()).exit is not None


async def test_inventory_comes_from_the_machine(fleet: Fleet) -> None:
    greeting = await fleet.host(fleet.machine()).greet()
    assert greeting.inventory is not None
    assert greeting.inventory.cpus >= 1
    assert greeting.inventory.memory_bytes > 1 << 28
    assert greeting.host_keys == (fleet.key_of("one").public,)
