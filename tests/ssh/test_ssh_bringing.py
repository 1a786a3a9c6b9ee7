"""Files of an attempt that are brought here, and what goes there with it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.ssh_machines import Fleet, Watch
from tests.sshd_for_tests import Sshd
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.base import Brought, Handle
from tradewind.providers.ssh.host import SshHost

_LONG_S = 600.0


async def _started(
    fleet: Fleet, machine: Sshd, run: str = "exec sleep 600"
) -> tuple[SshHost, Handle, Path, Path]:
    """An attempt that runs: its host, its handle, its working directory there and the one here."""
    host = fleet.host(machine)
    handle = await host.submit(fleet.request("one", run), f"k/{fleet.id('one')}")
    return (
        host,
        handle,
        machine.home / f".tradewind/attempts/{fleet.id('one')}/work",
        fleet.root / f"attempts/{fleet.id('one')}/work",
    )


async def test_a_large_file_comes_in_slices_and_goes_on_after_a_restart(fleet: Fleet) -> None:
    machine = fleet.machine()
    host, handle, there, here = await _started(fleet, machine)
    data = os.urandom(9 << 20)
    (there / "model.bin").write_bytes(data)
    # No time at all is one piece at a time.
    assert await host.bring(handle, "model.bin", 0.0) is Brought.PART
    assert not (here / "model.bin").exists()
    (partial,) = (here.parent / "incoming").iterdir()
    assert partial.stat().st_size == 2 << 20
    anew = fleet.host(machine, fleet.server())
    slices = 1
    while await anew.bring(handle, "model.bin", 0.0) is Brought.PART:
        slices += 1
        machine.cut()
        anew = fleet.host(machine, fleet.server())
    assert slices == 4
    assert (here / "model.bin").read_bytes() == data
    assert list((here.parent / "incoming").iterdir()) == []
    # What is here is not sent again.
    mark = (here / "model.bin").stat().st_ino
    assert await anew.bring(handle, "model.bin", 0.0) is Brought.WHOLE
    assert (here / "model.bin").stat().st_ino == mark


async def test_a_file_that_changes_on_the_way_is_thrown_away(fleet: Fleet) -> None:
    host, handle, there, here = await _started(fleet, fleet.machine())
    (there / "model.bin").write_bytes(bytes(5 << 20))
    assert await host.bring(handle, "model.bin", 0.0) is Brought.PART
    newer = os.urandom(5 << 20)
    (there / "model.bin").write_bytes(newer)
    assert await host.bring(handle, "model.bin", _LONG_S) is Brought.WHOLE
    assert (here / "model.bin").read_bytes() == newer
    (there / "model.bin").unlink()
    assert await host.bring(handle, "model.bin", _LONG_S) is Brought.CHANGED
    assert not (here / "model.bin").exists()


async def test_a_folder_comes_as_it_is_there(fleet: Fleet) -> None:
    host, handle, there, here = await _started(fleet, fleet.machine())
    (there / "ckpt/step/deep").mkdir(parents=True)
    (there / "ckpt/step/weights").write_bytes(os.urandom(3 << 20))
    (there / "ckpt/step/deep/ä name").write_bytes(b"x")
    (there / "ckpt/step/run.sh").write_bytes(b"#!")
    (there / "ckpt/step/run.sh").chmod(0o755)
    (there / "ckpt/step/latest").symlink_to("weights")
    (there / "ckpt/step/passwords").symlink_to("/etc/passwd")
    assert await host.bring(handle, "ckpt/step", 0.0) is Brought.PART
    assert await host.bring(handle, "ckpt/step", _LONG_S) is Brought.WHOLE
    found = {path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()}
    assert found == {f"ckpt/step/{name}" for name in ("weights", "deep/ä name", "run.sh", "latest")}
    assert (here / "ckpt/step/latest").read_bytes() == (there / "ckpt/step/weights").read_bytes()
    assert os.access(here / "ckpt/step/run.sh", os.X_OK)
    assert (here / "ckpt/step/weights").stat().st_mtime_ns == (there / "ckpt/step/weights").stat().st_mtime_ns
    (there / "ckpt/step/run.sh").unlink()
    assert await host.bring(handle, "ckpt/step", _LONG_S) is Brought.WHOLE
    assert not (here / "ckpt/step/run.sh").exists()


@pytest.mark.parametrize("path", ["../control.json", "/etc/passwd", "a/../../spec.json", ""])
async def test_nothing_outside_is_brought(fleet: Fleet, path: str) -> None:
    host, handle, _there, _here = await _started(fleet, fleet.machine())
    with pytest.raises(ProviderError) as raised:
        await host.bring(handle, path, _LONG_S)
    assert raised.value.fault is ProviderFault.INVALID


async def test_a_link_that_leads_out_is_refused_over_there(fleet: Fleet) -> None:
    machine = fleet.machine()
    host, handle, there, _here = await _started(fleet, machine)
    (there / "out").symlink_to("/etc")
    for path in ("out/passwd", "out"):
        with pytest.raises(ProviderError, match="leads out of the working directory"):
            await host.bring(handle, path, _LONG_S)
    link = fleet.link(machine)
    for attempt in ("../..", f"{fleet.id('one')}/../..", ".."):
        with pytest.raises(ProviderError, match="not a plain name"):
            await link.ask("read", path="x", offset=0, length=1, attempt=attempt)
    with pytest.raises(ProviderError, match="not a plain name"):
        await link.ask("write", b"x", attempt=fleet.id("one"), name="../../agent/x")
    assert await host.files(handle) == []


_RESUMES = f"""exec {sys.executable} -c '
import os, pathlib, time
folder = pathlib.Path(os.environ["TRADEWIND_CHECKPOINT_DIR"])
before = os.environ.get("TRADEWIND_CHECKPOINT")
if before is None:
    (folder / "step-5").mkdir()
    (folder / "step-5" / "state").write_text("five")
    print("saved", flush=True)
    time.sleep(600)
print("resumed from", pathlib.Path(before, "state").read_text())'"""


async def test_a_checkpoint_is_resumed_from_on_another_machine(fleet: Fleet) -> None:
    first = fleet.machine("one")
    host = fleet.host(first)
    request = fleet.request("one", _RESUMES, checkpoint_path="ckpt", files={"ckpt/.keep": b""})
    handle = await host.submit(request, f"k/{fleet.id('one')}")
    watch = Watch(host, handle)
    await watch.until(lambda _seen: watch.of_type("checkpoint"), "the checkpoint")
    assert watch.of_type("checkpoint")[0]["path"] == "ckpt/step-5"
    assert await host.bring(handle, "ckpt/step-5", _LONG_S) is Brought.WHOLE
    first.kill()
    state = (fleet.root / f"attempts/{fleet.id('one')}/work/ckpt/step-5/state").read_bytes()
    second = fleet.request(
        "two", _RESUMES, checkpoint_path="ckpt", number=2, files={"ckpt/step-5/state": state}
    )
    resumed = fleet.request(
        "two", _RESUMES, checkpoint_path="ckpt", number=2, resume_from=second.workdir / "ckpt/step-5"
    )
    elsewhere = fleet.host(fleet.machine("two"))
    again = Watch(elsewhere, await elsewhere.submit(resumed, f"k/{fleet.id('two')}"))
    await again.until_gone()
    assert fleet.log("two") == b"resumed from five\n"


async def test_dropped_log_stays_dropped_here(fleet: Fleet) -> None:
    run = f"exec {sys.executable} -c 'for n in range(200): print(str(n) * 20000)'"
    host = fleet.host(fleet.machine())
    watch = Watch(
        host, await host.submit(fleet.request("one", run, log_cap_bytes=1 << 20), f"k/{fleet.id('one')}")
    )
    await watch.until_gone()
    ours = fleet.root / f"attempts/{fleet.id('one')}/logs/stdout.log"
    theirs = fleet.machines[0].home / f".tradewind/attempts/{fleet.id('one')}/logs/stdout.log"
    assert watch.of_type("log_dropped")
    assert ours.read_bytes() == theirs.read_bytes()
    assert ours.stat().st_size > 8 << 20
    assert ours.stat().st_blocks * 512 < 3 << 20
