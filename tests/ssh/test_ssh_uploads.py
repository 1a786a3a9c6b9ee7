"""A working directory on its way to a host, cut off and gone on with."""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.ssh_machines import NetworkFleet, Watch
from tests.sshd_for_tests import Sshd
from tradewind.domain.errors import ProviderError

_MODEL = random.Random(1).randbytes(6 << 20)
_FILES = {
    "first.bin": random.Random(2).randbytes(1 << 20),
    "model.bin": _MODEL,
    "z/last.txt": b"last",
}
_SUMS = f"""exec {sys.executable} -c '
import hashlib, os
for folder, folders, names in sorted(os.walk(".")):
    for name in sorted(names):
        path = os.path.join(folder, name)
        print(path, hashlib.sha256(open(path, "rb").read()).hexdigest())'"""


def _sums(files: dict[str, bytes]) -> str:
    import hashlib

    return "".join(sorted(f"./{path} {hashlib.sha256(data).hexdigest()}\n" for path, data in files.items()))


async def _cut_off(fleet: NetworkFleet, machine: Sshd, enough: Callable[[Path], bool]) -> None:
    """Begins an upload over a slow link, and cuts it once enough of it is there."""
    network, host = fleet.network, fleet.network_hosts["one"]
    await fleet.host(machine).greet()
    network.slow(host, 8_000_000)
    request = fleet.request("one", _SUMS, files=_FILES)
    sending = asyncio.ensure_future(fleet.host(machine).submit(request, f"k/{fleet.id('one')}"))
    directory = machine.home / f".tradewind/attempts/{fleet.id('one')}"

    async def until_enough() -> None:
        while not any(enough(each) for each in directory.glob(".work.*.new")):
            assert not sending.done(), "the link was too fast for this test"
            await asyncio.sleep(0.01)

    async with asyncio.timeout(120):
        await until_enough()
    await asyncio.to_thread(machine.cut)
    with pytest.raises(ProviderError):
        await sending
    network.quick(host)


def _has_part_of_the_model(partial: Path) -> bool:
    model = partial / "model.bin"
    return model.exists() and model.stat().st_size >= 2 << 20


async def _ends(fleet: NetworkFleet, machine: Sshd, files: dict[str, bytes]) -> int:
    """Sends it again, and runs it to its end. How much was sent."""
    network, host = fleet.network, fleet.network_hosts["one"]
    # The connection is made, and the agent there, before it is counted.
    await fleet.host(machine).greet()
    before = network.bytes_to(host)
    request = fleet.request("one", _SUMS, files=files)
    handle = await fleet.host(machine).submit(request, f"k/{fleet.id('one')}")
    sent = network.bytes_to(host) - before
    end = await Watch(fleet.host(machine), handle).until_gone()
    assert end.exit is not None
    assert end.exit.exit_code == 0, fleet.log("one", "stderr")
    assert "".join(sorted(fleet.log("one").decode().splitlines(keepends=True))) == _sums(files)
    directory = machine.home / f".tradewind/attempts/{fleet.id('one')}"
    assert list(directory.glob(".work.*.new")) == []
    return sent


@pytest.mark.slow
async def test_what_had_come_is_not_sent_again(far_fleet: NetworkFleet) -> None:
    machine = far_fleet.machine()
    await _cut_off(far_fleet, machine, _has_part_of_the_model)
    sent = await _ends(far_fleet, machine, _FILES)
    # All of the first file and 2 MiB of the second were there; encryption and headers need a little.
    assert sent < sum(map(len, _FILES.values())) - (2 << 20)


@pytest.mark.slow
async def test_what_has_changed_meanwhile_is_sent_anew(far_fleet: NetworkFleet) -> None:
    machine = far_fleet.machine()
    await _cut_off(far_fleet, machine, _has_part_of_the_model)
    (far_fleet.root / f"attempts/{far_fleet.id('one')}/work/first.bin").unlink()
    # Another beginning, and longer than what came; one file is gone, another is shorter than what came of it.
    await _ends(far_fleet, machine, {"model.bin": b"other" + _MODEL, "z/last.txt": b"x"})


@pytest.mark.slow
async def test_links_and_folders_come_again(far_fleet: NetworkFleet) -> None:
    machine = far_fleet.machine()
    await _cut_off(far_fleet, machine, _has_part_of_the_model)
    (partial,) = (machine.home / f".tradewind/attempts/{far_fleet.id('one')}").glob(".work.*.new")
    # As if it had been cut after its links were made; whoever is on the other side may have put it there.
    outside = machine.home / "outside.txt"
    outside.write_text("not ours")
    (partial / "z").mkdir(exist_ok=True)
    (partial / "z/last.txt").symlink_to(outside)
    (partial / "empty/deep").mkdir(parents=True)
    await _ends(far_fleet, machine, _FILES)
    assert outside.read_text() == "not ours"
    work = machine.home / f".tradewind/attempts/{far_fleet.id('one')}/work"
    assert not (work / "empty").exists()
    assert (work / "z/last.txt").read_text() == "last"
