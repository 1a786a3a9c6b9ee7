"""Machines of the user's own on the stage: the one that the server is on, and some over SSH."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tests.web.clouds import devices
from tests.web.training import Behaves, Training
from tradewind.domain.clock import Clock
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.money import Rate
from tradewind.domain.offers import Capabilities, Offer
from tradewind.domain.schemas_hosts import HostKeyView, HostProbe
from tradewind.providers.base import (
    AttemptRequest,
    Brought,
    DeviceUser,
    Greeting,
    Handle,
    Inventory,
    Observation,
    Phase,
    Survey,
)
from tradewind.providers.local import LocalPlatform
from tradewind.providers.own_offers import offer_of

_GIB = 1 << 30


def machine(
    name: str, accelerator: str | None, count: int, *, cpus: int = 32, memory_gib: int = 128
) -> Inventory:
    """A machine of one's own."""
    return Inventory(
        name=name,
        cpus=cpus,
        cpu_model="AMD Ryzen Threadripper 7970X",
        memory_bytes=memory_gib * _GIB,
        disk_free_bytes=1_400 * _GIB,
        accelerators=devices(accelerator, count, name),
        watts_idle=95.0 + 22.0 * count,
        watts_max=350.0 + 450.0 * count,
        power_source="data sheets",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Attempts that run on one machine of the user's own."""

    inventory: Inventory
    clock: Clock
    behave: Behaves
    processes: dict[str, Training]

    def start(self, request: AttemptRequest, key: str) -> None:
        """Starts an attempt, once."""
        if key not in self.processes:
            self.processes[key] = Training.start(request, self.behave(request), self.clock.now())

    def look(self, key: str, cursor: int) -> Observation:
        """How an attempt is now."""
        process = self.processes[key]
        process.advance(self.clock.now(), is_looked_at=True)
        records = process.records[cursor:]
        ended = process.exit
        if ended is not None:
            ended = replace(ended, energy_j=process.energy_j)
        return Observation(
            phase=Phase.RUNNING if ended is None else Phase.GONE,
            records=records,
            cursor=cursor + len(records),
            exit=ended,
        )

    def stop(self, key: str, reason: str, at: datetime) -> None:
        """It is told to end by then."""
        self.processes[key].tell_to_stop(reason, at)


class Workstation:
    """The machine that the server is on: a `JobPlatform` called `local`, like the real one."""

    id = "local"
    capabilities: Capabilities = LocalPlatform.capabilities

    def __init__(self, box: Box, rate: Rate, carbon: float) -> None:
        self.box = box
        self._rate = rate
        self._carbon = carbon

    async def inventory(self) -> Inventory:
        return self.box.inventory

    async def list_offers(self) -> list[Offer]:
        return [offer_of(self.box.inventory, self.id, self._rate, self._carbon)]

    async def submit(self, request: AttemptRequest, key: str) -> Handle:
        self.box.start(request, key)
        return Handle({"key": key, "directory": request.attempt_id})

    async def find(self, key: str) -> Handle | None:
        return Handle({"key": key}) if key in self.box.processes else None

    async def poll(self, handle: Handle, cursor: int) -> Observation:
        return self.box.look(str(handle.values["key"]), cursor)

    async def stop(self, handle: Handle, reason: str, grace_s: float) -> None:
        at = self.box.clock.now() + timedelta(seconds=min(grace_s, 2.0))
        self.box.stop(str(handle.values["key"]), reason, at)

    async def renew(self, handle: Handle, sequence: int) -> None:
        return

    async def list_owned(self) -> list[Handle]:
        now = self.box.clock.now()
        for each in self.box.processes.values():
            each.advance(now, is_looked_at=False)
        return [
            Handle({"key": key, "directory": each.request.attempt_id})
            for key, each in self.box.processes.items()
            if each.exit is None
        ]

    async def bring(self, handle: Handle, path: str, within_s: float) -> Brought:
        return Brought.SHARED

    async def files(self, handle: Handle) -> list[str] | None:
        return None

    async def watch(self, handle: Handle, wake: Callable[[], None]) -> None:
        return


class FarHost(Workstation):
    """A machine of the user's own over SSH: the same, and it has to be greeted first."""

    def __init__(self, box: Box, *, is_away: Callable[[], bool]) -> None:
        self.box = box
        self._is_away = is_away

    def _check(self) -> None:
        if self._is_away():
            raise ProviderError(ProviderFault.PROVIDER_FAULT, "no SSH server answers there")

    async def greet(self) -> Greeting:
        self._check()
        return Greeting(inventory=self.box.inventory)

    async def poll(self, handle: Handle, cursor: int) -> Observation:
        self._check()
        return await super().poll(handle, cursor)

    async def device_users(self) -> tuple[DeviceUser, ...]:
        self._check()
        return self.box.inventory.in_use

    async def survey(self) -> Survey:
        self._check()
        # What ends here leaves nothing behind.
        return Survey()

    async def guard(self, after_s: float) -> None:
        return

    async def forget(self, handle: Handle) -> None:
        return

    async def let_in(self, handle: Handle, public_key: str | None) -> str:
        return f"/var/lib/tradewind/{handle.values['key']}/work"


class StageKeys:
    """Host keys of machines that do not exist."""

    provider = "ssh"

    async def public_key(self) -> str:
        return "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJk1q2uS0m3wKzq9VtQ0b8l9m5cYtX4n8d7oF2hZrW6a tradewind"

    async def see(self, probe: HostProbe, agent_path: str | None) -> HostKeyView:
        jump = probe.jump
        if jump is not None and not jump.host_key:
            # Nothing is sent through a machine whose key nobody has looked at.
            key = self._key_at(jump.address, jump.port)
            return HostKeyView(
                host_key="", fingerprint="", jump_host_key=key, jump_fingerprint=self.fingerprint(key)
            )
        key = self._key_at(probe.address, probe.port)
        return HostKeyView(
            host_key=key,
            fingerprint=self.fingerprint(key),
            jump_host_key=None if jump is None else jump.host_key,
            jump_fingerprint=None if jump is None else self.fingerprint(jump.host_key),
        )

    @staticmethod
    def _key_at(address: str, port: int) -> str:
        if address.endswith(".invalid"):
            raise ProviderError(ProviderFault.PROVIDER_FAULT, f"no SSH server answers at {address}:{port}")
        return f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{address.encode().hex():0<43.43}"

    def fingerprint(self, host_key: str) -> str:
        if not host_key.startswith("ssh-"):
            raise ValueError("this is no host key")
        return f"SHA256:{host_key.split()[1][-43:]}"
