"""Connections that break, servers that start anew, machines that die, impostors."""

from __future__ import annotations

import contextlib
import shutil
import sys
from pathlib import Path

import pytest

from tests.ssh_machines import Fleet, Watch
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.base import Login

_COUNTS = f"""exec {sys.executable} -c '
import os, time
for number in range(100000):
    print("line", number)
    if number % 50 == 0:
        time.sleep(0.01)
    if os.path.exists("enough"):
        print("last", number)
        break'"""


def _is_whole(text: bytes) -> bool:
    """True if the lines are those that were printed: none missing, none twice."""
    lines = text.decode().splitlines()
    numbers = [int(line.split()[1]) for line in lines if line.startswith("line")]
    return numbers == list(range(len(numbers))) and lines[-1] == f"last {numbers[-1]}"


async def test_after_a_cut_logs_go_on_without_gaps_or_repeats(fleet: Fleet) -> None:
    machine = fleet.machine()
    host, link = fleet.host(machine), fleet.link(machine)
    watch = Watch(host, await host.submit(fleet.request("one", _COUNTS), f"k/{fleet.id('one')}"))
    for cut in range(1, 4):
        have = len(fleet.log("one"))
        await watch.until(lambda _seen, have=have: len(fleet.log("one")) > have, "more of the log")  # type: ignore[misc]
        machine.cut()
        # What is asked in the moment of the cut may fail, once; then it is asked over a new connection.
        with contextlib.suppress(ProviderError):
            await watch.poll()
        await watch.poll()
        assert link.connects == cut + 1
    (machine.home / f".tradewind/attempts/{fleet.id('one')}/work/enough").touch()
    end = await watch.until_gone()
    assert end.exit is not None
    assert end.exit.exit_code == 0
    assert _is_whole(fleet.log("one"))
    times = [record["t"] for record in watch.records]
    assert times == sorted(times)


async def test_a_server_that_was_started_anew_goes_on_where_the_old_one_was(fleet: Fleet) -> None:
    machine = fleet.machine()
    host = fleet.host(machine)
    handle = await host.submit(fleet.request("one", _COUNTS), f"k/{fleet.id('one')}")
    before = Watch(host, handle)
    await before.until(lambda _seen: len(fleet.log("one")) > 1000, "some of the log")
    for links in fleet.hosts:
        links.close()
    anew = fleet.host(machine, fleet.server())
    assert await anew.find(f"k/{fleet.id('one')}") == handle
    after = Watch(anew, handle)
    after.cursor = before.cursor
    (machine.home / f".tradewind/attempts/{fleet.id('one')}/work/enough").touch()
    end = await after.until_gone()
    assert end.exit is not None
    assert (end.exit.reason, end.exit.exit_code) == ("exited", 0), fleet.log("one", "stderr")
    assert _is_whole(fleet.log("one"))
    said = [str(record) for record in (*before.records, *after.records)]
    assert len(said) == len(set(said))
    theirs = machine.home / f".tradewind/attempts/{fleet.id('one')}"
    ours = fleet.root / f"attempts/{fleet.id('one')}"
    for name in ("records.jsonl", "logs/stdout.idx", "logs/stdout.log"):
        assert (ours / name).read_bytes() == (theirs / name).read_bytes(), name


async def test_what_is_lost_here_is_fetched_again(fleet: Fleet) -> None:
    host = fleet.host(fleet.machine())
    watch = Watch(host, await host.submit(fleet.request("one", "echo all of it"), f"k/{fleet.id('one')}"))
    await watch.until_gone()
    (fleet.root / f"attempts/{fleet.id('one')}/logs/stdout.log").unlink()
    await watch.poll()
    assert fleet.log("one") == b"all of it\n"


async def test_a_machine_that_dies_cannot_be_reached(fleet: Fleet) -> None:
    machine = fleet.machine()
    host = fleet.host(machine)
    watch = Watch(
        host, await host.submit(fleet.request("one", "echo up; exec sleep 600"), f"k/{fleet.id('one')}")
    )
    await watch.until(lambda _seen: fleet.log("one") == b"up\n", "the first line")
    machine.kill()
    assert machine.processes() == []
    for _ in range(2):
        with pytest.raises(ProviderError) as raised:
            await watch.poll()
        assert raised.value.fault is ProviderFault.PROVIDER_FAULT
    machine.restart()
    # The machine is there again and its processes are not: that is an end.
    end = await watch.until_gone()
    assert end.exit is not None
    assert end.exit.reason == "supervisor_lost"


async def test_a_machine_with_another_host_key_is_told_nothing(fleet: Fleet) -> None:
    machine = fleet.machine()
    await fleet.host(machine).greet()
    machine.kill()
    machine.start(fleet.key_of("another").private.reveal(), fleet.access.login.public)
    with pytest.raises(ProviderError, match="does not have the host key that it is known by") as raised:
        await fleet.host(machine, fleet.server()).greet()
    assert raised.value.fault is ProviderFault.CREDENTIALS
    assert (
        "Accepted publickey"
        not in (machine.folder / "sshd.log").read_text().rpartition("Server listening")[2]
    )


async def test_the_first_key_is_pinned_where_none_is_known(fleet: Fleet) -> None:
    machine = fleet.machine()
    links = fleet.server()
    link = links.to(fleet.login(machine, pinned=False))
    await link.ask("hello")
    (seen,) = link.host_keys
    assert seen.split()[:2] == fleet.key_of("one").public.split()[:2]
    # By the key that was pinned it is the same machine, over the same connection.
    pinned = Login(host=machine.host, port=machine.port, user=machine.user, host_keys=link.host_keys)
    assert links.to(pinned) is link
    machine.kill()
    machine.start(fleet.key_of("another").private.reveal(), fleet.access.login.public)
    # The first word may still go into the old connection.
    with contextlib.suppress(ProviderError):
        await link.ask("hello")
    with pytest.raises(ProviderError, match="host key"):
        await link.ask("hello")


async def test_a_key_that_is_not_let_in(fleet: Fleet) -> None:
    machine = fleet.machine()
    (machine.folder / "authorized_keys").write_text(fleet.key_of("nobody").public + "\n")
    with pytest.raises(ProviderError, match="does not accept the key that is offered") as raised:
        await fleet.host(machine).greet()
    assert raised.value.fault is ProviderFault.CREDENTIALS


async def test_a_machine_without_python(fleet: Fleet, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sh").symlink_to(shutil.which("sh") or "/bin/sh")
    machine = fleet.machine(path=str(tmp_path / "bin"))
    # A system's own Python is found by its path, so that one has to be hidden from the shell.
    link = fleet.link(machine)
    link._bundle.command = link._bundle.command.replace("/usr/bin/python3", "").replace(
        "/usr/local/bin/python3", ""
    )
    with pytest.raises(ProviderError, match=r"no Python 3\.8 or newer") as raised:
        await link.session()
    assert raised.value.fault is ProviderFault.INVALID


async def test_a_base_folder_that_cannot_be_made(fleet: Fleet) -> None:
    machine = fleet.machine()
    (machine.home / "file").write_text("not a folder")
    host = fleet.host(machine, fleet.server(base="~/file/below"))
    with pytest.raises(ProviderError, match="does not let its user write there") as raised:
        await host.greet()
    assert raised.value.fault is ProviderFault.PERMISSION
