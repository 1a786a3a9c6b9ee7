"""A machine of the user's own over SSH, from its first look to its end, with the real server and a real sshd."""

from __future__ import annotations

import getpass
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import Installation
from tests.e2e.own_machines import Machine
from tests.e2e.waiting import eventually
from tests.gpus_for_tests import FakeGpus

pytestmark = pytest.mark.e2e


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "machine")
    try:
        yield made
    finally:
        made.sshd.kill()


def add(installation: Installation, machine: Machine, *more: str) -> subprocess.CompletedProcess[str]:
    return installation.cli(
        "hosts", "add", "gpu1", machine.login, "--key", str(machine.key_file), "--price", "$0.90/h", *more
    )


def hosts(installation: Installation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(installation.cli("hosts", "ls", "-o", "json").stdout)
    return found


def test_a_job_runs_on_a_host_that_was_added(installation: Installation, machine: Machine) -> None:
    wrong = add(installation, machine, "--fingerprint", "SHA256:0000")
    assert wrong.returncode == 2
    assert f"shows the host key {machine.fingerprint}, not SHA256:0000" in wrong.stderr
    for said in ((), ("-y",)):
        nobody = add(installation, machine, *said)
        assert nobody.returncode == 2
        assert "nobody is there to say" in nobody.stderr
        assert "give it with --fingerprint" in nobody.stderr
    assert hosts(installation) == []
    done = add(installation, machine, "--fingerprint", machine.fingerprint)
    assert done.returncode == 0, done.stderr
    assert "gpu1 is added" in done.stdout
    (host,) = hosts(installation)
    assert (host["name"], host["status"], host["fingerprint"]) == ("gpu1", "ready", machine.fingerprint)
    run = "echo home $HOME; echo made there > out.txt; sleep 1.5"
    job = installation.submit(
        {"name": "there", "run": run, "resources": {"providers": ["ssh"]}, "outputs": ["out.txt"]}
    )
    ended = installation.wait_until_ended(job)
    assert ended["status"] == "succeeded", installation.events(job)
    assert installation.raw_log(job) == f"home {machine.sshd.home}\n".encode()
    (attempt,) = installation.attempts(job)
    assert attempt["provider"] == "ssh"
    (artifact,) = installation.get(f"/jobs/{job}/artifacts")["items"]
    assert artifact["path"] == "out.txt"
    # A machine that has its price is charged by the hour, not by its electricity.
    (line,) = installation.rows("SELECT rate_micro_per_unit, rate_per, amount_micro FROM ledger")
    assert (line["rate_micro_per_unit"], line["rate_per"]) == (900_000, "hour")
    assert line["amount_micro"] > 0
    # What is not asked for there goes on running here.
    here = installation.submit({"name": "here", "run": "true", "resources": {"providers": ["local"]}})
    assert installation.wait_until_ended(here)["status"] == "succeeded"
    assert installation.attempts(here)[0]["provider"] == "local"


def test_a_running_job_can_be_looked_into(
    installation: Installation, machine: Machine, tmp_path: Path
) -> None:
    assert add(installation, machine, "--fingerprint", machine.fingerprint).returncode == 0
    job = installation.submit(
        {"name": "open", "run": "echo inside > note.txt; sleep 600", "resources": {"providers": ["ssh"]}}
    )
    installation.wait_for_status(job, "running")
    shown = installation.cli("ssh", "open", "cat", "note.txt")
    assert (shown.returncode, shown.stdout) == (0, "inside\n"), shown.stderr
    assert installation.cli("ssh", "open", "sh", "-c", "exit 7").returncode == 7
    copied = installation.cli("cp", "open:note.txt", str(tmp_path / "note.txt"))
    assert copied.returncode == 0, copied.stderr
    assert (tmp_path / "note.txt").read_text() == "inside\n"
    (tmp_path / "sent.txt").write_text("from here")
    assert installation.cli("cp", str(tmp_path / "sent.txt"), "open:sent.txt").returncode == 0
    assert installation.cli("ssh", "open", "cat", "sent.txt").stdout == "from here"
    neither = installation.cli("cp", "here", "there")
    assert neither.returncode == 2
    assert "one of the two must be JOB:PATH" in neither.stderr
    # The same on this machine, without a login.
    installation.submit(
        {"name": "near", "run": "echo near > note.txt; sleep 600", "resources": {"providers": ["local"]}}
    )
    installation.wait_for_status(installation.get("/jobs?name=near")["items"][0]["id"], "running")
    assert installation.cli("ssh", "near", "cat", "note.txt").stdout == "near\n"
    for each in ("open", "near"):
        installation.cli("stop", each, "--now", "-y")
    ended = eventually("it has ended", lambda: installation.job(job)["status"] == "cancelled")
    assert ended
    gone = installation.cli("ssh", "open", "true")
    assert gone.returncode == 5
    assert "runs nowhere now" in gone.stderr


def test_a_host_that_is_lost_for_good_lets_go_of_its_job(
    installation: Installation, machine: Machine
) -> None:
    assert add(installation, machine, "--fingerprint", machine.fingerprint).returncode == 0
    job = installation.submit({"name": "moves", "run": "sleep 600", "resources": {"providers": ["ssh"]}})
    installation.wait_for_status(job, "running")
    busy = installation.cli("hosts", "rm", "gpu1", "-y")
    assert busy.returncode == 5
    assert "1 job runs on gpu1" in busy.stderr
    machine.sshd.kill()
    eventually(
        "the host is seen to be unreachable",
        lambda: hosts(installation)[0]["status"] == "unreachable",
        timeout_s=150.0,
    )
    # It may come back with the job still running there: until somebody says that it does not, no other attempt is made.
    assert len(installation.attempts(job)) == 1
    assert installation.cli("hosts", "rm", "gpu1", "--lost", "-y").returncode == 0
    assert hosts(installation) == []
    eventually("its attempt has ended", lambda: installation.attempts(job)[0]["reason"] == "node_lost")
    waits = eventually(
        "the job waits for another place",
        lambda: installation.job(job)["reason"] == "no_offer",
        timeout_s=60.0,
    )
    assert waits
    installation.stop_job(job, now=True)


def test_hosts_are_taken_from_a_file(installation: Installation, machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "hosts.yaml"
    address, port = machine.sshd.host, machine.sshd.port
    file.write_text(
        f"hosts:\n  one: {{address: {address}, port: {port}, user: {machine.sshd.user}, key: {machine.key_file}}}\n"
        f"  two: {{address: {address}, port: 1, user: nobody, key: {machine.key_file}}}\n"
    )
    installation.extra_environment["TRADEWIND_TRUST_FIRST_HOST_KEY"] = "1"
    done = installation.cli("hosts", "import", str(file), "-y", "-o", "json")
    results = {each["name"]: each["result"] for each in json.loads(done.stdout)}
    assert results["one"] == "added"
    assert "no SSH server answers" in results["two"]
    config = tmp_path / "ssh_config"
    config.write_text(
        f"Host three\n  HostName {address}\n  Port {port}\n  User {machine.sshd.user}\n"
        f"  IdentityFile {machine.key_file}\nHost *.example\n  User x\n"
    )
    shown = installation.cli("hosts", "import", str(config), "th*", "-y")
    assert "added" in shown.stdout, shown
    assert {each["name"] for each in hosts(installation)} == {"one", "three"}


def test_who_else_uses_a_hosts_gpus_is_shown(installation: Installation, machine: Machine) -> None:
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        FakeGpus(machine.sshd).use((1, stranger.pid))
        said = f"1 of 2 in use by others: {getpass.getuser()} (pid {stranger.pid})"
        added = add(installation, machine, "--fingerprint", machine.fingerprint)
        assert said in added.stdout, added
        (host,) = hosts(installation)
        assert host["others"] == said
        _, slot = installation.get(f"/nodes/{host['node']}")["accelerators"]
        assert (slot["index"], slot["use"], slot["users"][0]["pid"]) == (1, "others", stranger.pid)
        shown = installation.cli("nodes", "show", "gpu1").stdout
        assert "[0] NVIDIA A100-SXM4-80GB 80.0 GB: free\n" in shown
        assert f"[1] NVIDIA A100-SXM4-80GB 80.0 GB: {said.removeprefix('1 of 2 ')}, 1.0 GB used\n" in shown
        add(installation, machine, "--fingerprint", machine.fingerprint, "--ignore-others")
        (host,) = hosts(installation)
        assert (host["ignores_others"], host["others"]) == (True, said)
        assert ": free, though in use by others" in installation.cli("nodes", "show", "gpu1").stdout
    finally:
        stranger.kill()
        stranger.wait()
