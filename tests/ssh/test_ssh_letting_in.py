"""One more key may log in to a rented machine: exactly that, and nothing else that a line of that file could do."""

from __future__ import annotations

import stat

import pytest

from tests.ssh_machines import Fleet, access
from tradewind.domain.errors import ProviderError
from tradewind.providers.base import Handle

KEY = access("somebody-else").login.public


async def test_a_key_is_let_in_once(fleet: Fleet) -> None:
    machine = fleet.machine()
    host, handle = fleet.host(machine), Handle({"directory": "att_1", "key": "inst/att_1"})
    directory = await host.let_in(handle, KEY)
    assert directory == f"{machine.home}/.tradewind/attempts/att_1/work"
    file = machine.home / ".ssh" / "authorized_keys"
    assert file.read_text().split()[:2] == KEY.split()[:2]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    await host.let_in(handle, KEY)
    assert len(file.read_text().splitlines()) == 1
    # What was there before stays, also where its last line has no end.
    file.write_text("ssh-ed25519 AAAAowner owner")
    await host.let_in(handle, KEY)
    assert file.read_text().splitlines()[0] == "ssh-ed25519 AAAAowner owner"
    assert len(file.read_text().splitlines()) == 2


async def test_without_a_key_nothing_is_written(fleet: Fleet) -> None:
    machine = fleet.machine()
    await fleet.host(machine).let_in(Handle({"directory": "att_1"}), None)
    assert not (machine.home / ".ssh").exists()


@pytest.mark.parametrize(
    "line",
    [
        f"{KEY}\ncommand=\"rm -rf /\" {KEY}",
        f"command=\"true\" {KEY}",
        "ssh-ed25519 AAAA nobody",
        f"{KEY} from=*",
        "",
        KEY.replace("ssh-ed25519", "ssh-rsa", 1),
    ],
)  # fmt: skip
async def test_what_is_no_key_is_refused(fleet: Fleet, line: str) -> None:
    machine = fleet.machine()
    with pytest.raises(ProviderError, match="no public key"):
        await fleet.host(machine).let_in(Handle({"directory": "att_1"}), line)
    assert not (machine.home / ".ssh" / "authorized_keys").exists()
