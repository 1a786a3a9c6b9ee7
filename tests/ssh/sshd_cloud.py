"""A provider whose machines are real sshds on this machine."""

from __future__ import annotations

import asyncio
import getpass
from datetime import datetime
from pathlib import Path

from tests.sshd_for_tests import Sshd
from tradewind.domain.clock import SystemClock
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Availability, Capabilities, CreateIdempotency, Offer, SelfTermination
from tradewind.providers.access import Access, machine_name
from tradewind.providers.base import Account, Handle, Login, MachinePhase, MachineView, OwnedMachine


class SshdCloud:
    """A `MachineProvider`. Its machines boot at once; `take_back` is an interruption without a word."""

    id = "sshds"

    def __init__(
        self,
        root: Path,
        access: Access,
        *,
        tells_host_keys: bool = True,
        self_termination: SelfTermination = SelfTermination.NONE,
    ) -> None:
        self.capabilities = Capabilities(
            create_idempotency=CreateIdempotency.UNIQUE_NAME, self_termination=self_termination
        )
        self.machines: dict[str, Sshd] = {}
        self.ended: dict[str, bool] = {}
        self._root = root
        self._access = access
        self._tells_host_keys = tells_host_keys

    async def examine(self) -> Account:
        return Account(identity="tester")

    async def list_offers(self) -> list[Offer]:
        return [
            Offer(
                provider=self.id, region="loop", zone="back", instance_type="small", cpus=2.0,
                memory_bytes=8 << 30, disk_bytes=1 << 40, market="on_demand",
                rate=Rate(micro_per_unit=1_000_000, per=Quantity.HOUR, granularity=1),
                availability=Availability.HIGH, grams_co2e_per_kwh=300.0, seen_at=SystemClock().now(),
            )
        ]  # fmt: skip

    async def validate(self, offer: Offer) -> None:
        return

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        if key not in self.machines:
            folder = self._root / machine_name(key)
            folder.mkdir(parents=True)
            machine = self.machines[key] = Sshd(folder)
            host_key = self._access.host_key(key).private.reveal()
            await asyncio.to_thread(machine.start, host_key, self._access.login.public)
        return Handle({"key": key})

    async def find(self, key: str) -> Handle | None:
        return Handle({"key": key}) if key in self.machines and key not in self.ended else None

    async def get(self, handle: Handle) -> MachineView:
        key = str(handle.values["key"])
        if key not in self.machines:
            raise ProviderError(ProviderFault.NOT_FOUND, "there is no such machine")
        if key in self.ended:
            return MachineView(phase=MachinePhase.GONE, was_reclaimed=self.ended[key])
        keys = (self._access.host_key(key).public,) if self._tells_host_keys else ()
        machine = self.machines[key]
        login = Login(host=machine.host, port=machine.port, user=getpass.getuser(), host_keys=keys)
        return MachineView(phase=MachinePhase.READY, login=login)

    async def keep(self, handle: Handle, until: datetime) -> None:
        return

    async def terminate(self, handle: Handle) -> None:
        await self._end(str(handle.values["key"]), reclaimed=False)

    async def take_back(self, key: str) -> None:
        """The cloud needs the machine itself."""
        await self._end(key, reclaimed=True)

    async def _end(self, key: str, *, reclaimed: bool) -> None:
        if key not in self.ended:
            self.ended[key] = reclaimed
            await asyncio.to_thread(self.machines[key].kill)

    async def list_owned(self) -> list[OwnedMachine]:
        return [
            OwnedMachine(
                key=key,
                handle=Handle({"key": key}),
                phase=MachinePhase.GONE if key in self.ended else MachinePhase.READY,
            )
            for key in self.machines
        ]

    def close(self) -> None:
        """Ends every machine."""
        for machine in self.machines.values():
            machine.kill()
