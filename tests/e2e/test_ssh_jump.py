"""A host that nobody reaches but another machine, added and used through that one by the real command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.installation import Installation
from tests.e2e.own_machines import Machine, key_pair
from tests.e2e.test_ssh_hosts import hosts
from tests.e2e.waiting import eventually
from tests.network_for_tests import Network, NetworkHost

pytestmark = pytest.mark.e2e


class Way:
    """A gate at the switch, and a machine behind it at the end of a cable."""

    def __init__(self, root: Path, network: Network) -> None:
        self.network = network
        self.gate_host = network.host("gate")
        self.inner_host = network.host("inner", is_on_switch=False)
        inner_address = network.cable(self.gate_host, self.inner_host)
        assert self.gate_host.address is not None
        self.gate = _machine(root / "gate", self.gate_host, self.gate_host.address)
        self.inner = _machine(root / "inner", self.inner_host, inner_address)
        # Both let in the same owner.
        let_in = self.inner.key_file.with_suffix(".pub").read_text()
        (self.gate.sshd.folder / "authorized_keys").write_text(let_in)

    def add(self, installation: Installation, *more: str, via: str | None = None) -> tuple[int, str]:
        done = installation.cli(
            "hosts", "add", "inner", self.inner.login, "--key", str(self.inner.key_file), "--jump",
            via or self.gate.login, "-y", *more,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def end(self) -> None:
        self.inner.sshd.kill()
        self.gate.sshd.kill()


def _machine(folder: Path, host: NetworkHost, address: str) -> Machine:
    return Machine(folder, host=address, port=22, inside=host.prefix)


@pytest.fixture
def way(network: Network, tmp_path: Path) -> Iterator[Way]:
    made = Way(tmp_path / "machines", network)
    try:
        yield made
    finally:
        made.end()


@pytest.mark.slow
def test_a_host_behind_another_machine(way: Way, installation: Installation) -> None:
    alone = installation.cli("hosts", "add", "inner", way.inner.login, "--key", str(way.inner.key_file), "-y")
    assert "no SSH server answers" in alone.stderr
    # Nobody has said yet whether the gate's key is the right one: it is not even logged in to.
    status, said = way.add(installation, "--fingerprint", way.inner.fingerprint)
    assert status == 2
    assert way.gate.fingerprint in said
    assert "nobody is there to say" in said
    assert "Accepted publickey" not in (way.gate.sshd.folder / "sshd.log").read_text()
    installation.extra_environment["TRADEWIND_TRUST_FIRST_HOST_KEY"] = "1"
    status, said = way.add(installation, "--fingerprint", way.gate.fingerprint)
    assert status == 2
    assert f"shows the host key {way.inner.fingerprint}, not {way.gate.fingerprint}" in said
    status, said = way.add(installation, "--fingerprint", way.inner.fingerprint)
    assert status == 0, said
    (host,) = hosts(installation)
    assert (host["status"], host["jump"]) == ("ready", way.gate.login)
    # Each is known by its own key from now on.
    (row,) = installation.rows("SELECT handle, observed FROM nodes WHERE name = 'inner'")
    (via,) = json.loads(row["handle"])["way"]["via"]["host_keys"]
    (own,) = json.loads(row["observed"])["login"]["host_keys"]
    assert via.split()[1] == way.gate.host_key.split()[1]
    assert own.split()[1] == way.inner.host_key.split()[1]
    job = installation.submit(
        {
            "name": "there", "run": "echo home $HOME; echo out > out.txt", "outputs": ["out.txt"],
            "resources": {"providers": ["ssh"]},
        }
    )  # fmt: skip
    ended = installation.wait_until_ended(job)
    assert ended["status"] == "succeeded", installation.events(job)
    assert installation.raw_log(job) == f"home {way.inner.sshd.home}\n".encode()
    assert len(installation.get(f"/jobs/{job}/artifacts")["items"]) == 1
    # Another machine answers in the gate's place: it is told nothing, and its user is told why.
    way.gate.sshd.kill()
    another, _ = key_pair(way.gate.sshd.folder / "another")
    way.gate.sshd.start(another, way.inner.key_file.with_suffix(".pub").read_text().strip())
    accepted = (way.gate.sshd.folder / "sshd.log").read_text().count("Accepted publickey")
    waiting = installation.submit({"name": "waits", "run": "true", "resources": {"providers": ["ssh"]}})
    eventually("it is unreachable", lambda: hosts(installation)[0]["status"] == "unreachable")
    eventually("it is said why", lambda: "host key" in hosts(installation)[0]["explanation"])
    why = hosts(installation)[0]["explanation"]
    assert f"{way.gate.login} (on the way to {way.inner.login}) does not have the host key" in why
    assert (way.gate.sshd.folder / "sshd.log").read_text().count("Accepted publickey") == accepted
    installation.stop_job(waiting, now=True)
