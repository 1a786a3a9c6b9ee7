"""Attempts on real sshds, as tests start and watch them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.network_for_tests import Network, NetworkHost
from tests.sshd_for_tests import Sshd
from tradewind.domain.clock import SystemClock
from tradewind.domain.secrets import Secret
from tradewind.providers.access import Access
from tradewind.providers.base import AttemptRequest, Handle, Login, Observation, Phase
from tradewind.providers.bundle import build_bundle
from tradewind.providers.ssh.bootstrap import Bundle
from tradewind.providers.ssh.connection import Link, Links
from tradewind.providers.ssh.host import SshHost

PATIENCE_S = 40.0


def access(name: str = "tests") -> Access:
    """The keys of an installation; the same name, the same keys."""
    seed = hashlib.sha256(name.encode()).digest()
    return Access(installation_id="inst_tests", seed=Secret(base64.b64encode(seed).decode()))


async def in_thread(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    return await asyncio.to_thread(fn, *args, **kwargs)


def request_of(root: Path, run: str, name: str = "one", **changes: Any) -> AttemptRequest:
    """An attempt whose files are laid out below `root`; `files` are put into its working directory."""
    directory = root / "attempts" / f"att_{name}"
    work = directory / "work"
    work.mkdir(parents=True, exist_ok=True)
    for path, data in changes.pop("files", {}).items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_bytes(data)
    values: dict[str, Any] = {
        "attempt_id": directory.name, "job_id": "job_1", "job_name": "digits", "number": 1, "fence": 1,
        "run": run, "setup": None, "env": {}, "search_path": None, "directory": directory, "workdir": work,
        "resume_from": None, "checkpoint_path": None, "checkpoint_every_s": None, "max_duration_s": None,
        "grace_s": 2.0, "lease_ttl_s": None, "on_lost_contact": "finish", "memory_limit_bytes": None,
        "log_cap_bytes": 1 << 30, "cpus": 1.0, "accelerators": (), "watts_idle": 1.0, "watts_max": 5.0,
    }  # fmt: skip
    return AttemptRequest(**(values | changes))


class Fleet:
    """Machines, and a server's way to them. Every machine that is started is killed at the end."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.access = access()
        self.agent = build_bundle(root / "agent")
        self.machines: list[Sshd] = []
        self.hosts: list[Links] = []
        self._mark = uuid.uuid4().hex[:12]

    def machine(self, name: str = "one", **options: Any) -> Sshd:
        """A machine that runs."""
        folder = self.root / "machines" / name
        folder.mkdir(parents=True)
        machine = Sshd(folder, **options)
        self.machines.append(machine)
        machine.start(self.key_of(name).private.reveal(), self.access.login.public)
        return machine

    def key_of(self, name: str) -> Any:
        return self.access.host_key(f"inst_tests/node_{name}")

    def login(self, machine: Sshd, *, pinned: bool = True) -> Login:
        keys = (self.key_of(machine.folder.name).public,) if pinned else ()
        return Login(host=machine.host, port=machine.port, user=machine.user, host_keys=keys)

    def server(self, base: str = "~/.tradewind") -> Links:
        """A server's connections; a second call is a server that was started anew."""
        links = Links(self.access.login.private, Bundle(self.agent, base))
        self.hosts.append(links)
        return links

    def host(self, machine: Sshd, links: Links | None = None) -> SshHost:
        return SshHost(self.link(machine, links), self.root / "attempts", SystemClock(), in_thread)

    def link(self, machine: Sshd, links: Links | None = None) -> Link:
        return (links or self.hosts[-1] if self.hosts else self.server()).to(self.login(machine))

    def id(self, name: str) -> str:
        """The id of an attempt: another one in every test, as what runs of an attempt is known by it."""
        return f"att_{name}_{self._mark}"

    def request(self, name: str, run: str, **changes: Any) -> AttemptRequest:
        """An attempt whose files are laid out; `files` are put into its working directory."""
        return request_of(self.root, run, f"{name}_{self._mark}", **changes)

    def log(self, name: str, stream: str = "stdout") -> bytes:
        """A log as it has come here."""
        path = self.root / "attempts" / self.id(name) / "logs" / f"{stream}.log"
        return path.read_bytes() if path.exists() else b""

    def end(self) -> None:
        for links in self.hosts:
            links.close()
        for machine in self.machines:
            machine.kill()


class NetworkFleet(Fleet):
    """Machines that are hosts of a network, each with an address of its own."""

    def __init__(self, root: Path, network: Network) -> None:
        super().__init__(root)
        self.network = network
        self.network_hosts: dict[str, NetworkHost] = {}

    def machine(self, name: str = "one", **options: Any) -> Sshd:
        host = self.network_hosts[name] = self.network.host(name)
        assert host.address is not None
        return super().machine(name, host=host.address, port=22, inside=host.prefix, **options)


class Watch:
    """What polls of one attempt have told so far."""

    def __init__(self, host: SshHost, handle: Handle) -> None:
        self.host = host
        self.handle = handle
        self.cursor = 0
        self.records: list[dict[str, Any]] = []

    async def poll(self) -> Observation:
        seen = await self.host.poll(self.handle, self.cursor)
        self.cursor = seen.cursor
        self.records += seen.records
        return seen

    async def until(self, condition: Callable[[Observation], Any], what: str) -> Observation:
        """Polls until the condition holds."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                seen = await self.poll()
                if condition(seen):
                    return seen
                await asyncio.sleep(0.02)
        raise AssertionError(what)

    async def until_gone(self) -> Observation:
        return await self.until(lambda seen: seen.phase is Phase.GONE, "the attempt to end")

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == kind]
