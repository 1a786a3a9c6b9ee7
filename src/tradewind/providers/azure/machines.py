"""Rents Azure virtual machines.

A machine is four things of one name, made by what costs least and deleted with the machine: an address, an interface,
the machine, its disk. Creating by name is harmless to repeat, so a create call that was cut short anywhere is simply
made again. Where Azure refuses the machine, what was made before it is deleted at once; if Azure does not let go of it
yet (for three minutes it keeps interfaces for a machine that it refused), the create call counts as accepted, `get`
tells the refusal, and control deletes until nothing is left.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Capabilities, CreateIdempotency, Market, Offer, SelfTermination
from tradewind.providers.access import key_of_name, machine_name
from tradewind.providers.azure.arm import ADDRESS, DISK, INTERFACE, MACHINE, Arm, Deletion
from tradewind.providers.azure.bodies import USER, Order
from tradewind.providers.azure.examining import examine_account, refuse_what_cannot_be_had
from tradewind.providers.azure.network import Networks
from tradewind.providers.azure.states import created_at, phase_in_list, state_of
from tradewind.providers.base import Account, Handle, Login, MachinePhase, MachineView, OwnedMachine
from tradewind.providers.renting import Setup, login_for

CAPABILITIES: Final = Capabilities(
    create_idempotency=CreateIdempotency.UNIQUE_NAME,
    self_termination=SelfTermination.NONE,
    list_lag=timedelta(minutes=2),
    boot_timeout=timedelta(minutes=25),
    termination_lag=timedelta(minutes=15),
    reclaim_notice="azure",
    has_spot=True,
    has_multi_node=True,
    gaps={
        "has_images": "commands run on the machine's own image, not in a container",
        "has_mig": "whole accelerators only",
        "can_stop_and_start": "a stopped machine still costs its disk and its address; it is given back instead",
        "self_termination": "a machine that switches itself off goes on costing money until it is deallocated",
    },
)
#: What belongs to a machine, in the order in which Azure lets go of it.
_BELONGINGS: Final = (INTERFACE, ADDRESS, DISK)


@dataclass(slots=True)
class _Owned:
    """What a listing has under one name."""

    group: str
    machine: dict[str, Any] | None = None

    def handle(self, name: str) -> Handle:
        priority = ((self.machine or {}).get("properties") or {}).get("priority")
        return _handle(self.group, name, is_spot=priority == "Spot")


class AzureMachines:
    """A `MachineProvider` on Azure."""

    id = "azure"
    capabilities = CAPABILITIES

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._arm = Arm(setup)
        self._networks = Networks(setup, self._arm)
        #: Names of machines that have been there: those may vanish, and not merely be late to show.
        self._seen: set[str] = set()
        #: The private address of each machine by its name: it has it for life.
        self._inside: dict[str, str] = {}

    async def examine(self) -> Account:
        return await examine_account(self._setup, self._arm, self._networks)

    async def list_offers(self) -> list[Offer]:
        rentable = (Market.ON_DEMAND, Market.SPOT)
        return [each for each in await self._setup.listed() if each.market in rentable]

    async def validate(self, offer: Offer) -> None:
        self._networks.sources()
        await refuse_what_cannot_be_had(self._arm, offer)

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        order = self._order(offer, key)
        group = self._networks.group_of(offer.region)
        handle = _handle(group, order.name, is_spot=order.is_spot)
        if await self._arm.get(MACHINE, group, order.name) is not None:
            return handle
        subnet_id = await self._networks.open(offer.region)
        try:
            await self._make(group, order, subnet_id)
        except ProviderError as error:
            self._networks.forget(offer.region)
            if error.fault is ProviderFault.AMBIGUOUS or await self._is_cleared(group, order.name):
                raise
            return Handle(handle.values | {"fault": error.fault.value, "why": error.message})
        return handle

    def _order(self, offer: Offer, key: str) -> Order:
        access = self._setup.access
        return Order(
            name=machine_name(key),
            offer=offer,
            tags=self._networks.tags(),
            settings=self._setup.wire.settings,
            login_key=access.login.public,
            user_data=access.user_data(key, user=USER),
        )

    async def _make(self, group: str, order: Order, subnet_id: str) -> None:
        arm, name = self._arm, order.name
        body = order.machine(arm.id_of(INTERFACE, group, name))
        await arm.make(ADDRESS, group, name, order.address())
        await arm.make(INTERFACE, group, name, order.interface(subnet_id, arm.id_of(ADDRESS, group, name)))
        # Booting takes minutes: `get` follows it.
        await arm.put(MACHINE, group, name, body)

    async def find(self, key: str) -> Handle | None:
        name = machine_name(key)
        found = (await self._owned()).get(name)
        return None if found is None else found.handle(name)

    async def get(self, handle: Handle) -> MachineView:
        group, name = str(handle.values["group"]), str(handle.values["name"])
        machine = await self._arm.get(MACHINE, group, name, expand="instanceView")
        if machine is None:
            return await self._without_machine(handle, group, name)
        self._seen.add(name)
        state = state_of(machine)
        login = inside = None
        if state.phase is MachinePhase.READY:
            await self._networks.follow(str(machine.get("location") or "").replace(" ", "").lower())
            login = await self._login(group, name)
            inside = await self._private_address(group, name)
        is_reachable = state.phase is not MachinePhase.READY or login is not None
        return MachineView(
            phase=state.phase if is_reachable else MachinePhase.STARTING,
            login=login,
            private_address=inside,
            explanation=state.text,
            billed_from=created_at(machine),
            fault=state.fault,
        )

    async def _login(self, group: str, name: str) -> Login | None:
        key = key_of_name(name, self._setup.access.installation_id)
        address = await self._arm.get(ADDRESS, group, name) or {}
        host = (address.get("properties") or {}).get("ipAddress")
        if not host or key is None:
            return None
        return login_for(self._setup, key, str(host), user=USER)

    async def _private_address(self, group: str, name: str) -> str | None:
        """Where other machines of the same network reach it."""
        if name not in self._inside:
            interface = await self._arm.get(INTERFACE, group, name) or {}
            for each in (interface.get("properties") or {}).get("ipConfigurations") or []:
                said = (each.get("properties") or {}).get("privateIPAddress")
                if said:
                    self._inside[name] = str(said)
        return self._inside.get(name)

    async def _without_machine(self, handle: Handle, group: str, name: str) -> MachineView:
        """Half of it was made, half of it is left, or it is gone."""
        values = handle.values
        self._inside.pop(name, None)
        refusal = ProviderFault(values["fault"]) if "fault" in values else None
        was_there = name in self._seen
        was_reclaimed = bool(values.get("is_spot")) and was_there
        why = str(values.get("why") or "")
        if was_reclaimed:
            why = "Azure has taken the spot machine back"
        for kind in _BELONGINGS:
            if await self._arm.get(kind, group, name) is not None:
                return MachineView(
                    phase=MachinePhase.UNKNOWN,
                    explanation=why or f"there is a {kind.title} without its machine: it is deleted",
                    was_reclaimed=was_reclaimed,
                    fault=refusal or ProviderFault.PROVIDER_FAULT,
                )
        if refusal is None and not was_there:
            raise ProviderError(ProviderFault.NOT_FOUND, f"Azure has nothing called {name}")
        return MachineView(
            phase=MachinePhase.GONE, explanation=why, was_reclaimed=was_reclaimed, fault=refusal
        )

    async def keep(self, handle: Handle, until: datetime) -> None:
        return

    async def terminate(self, handle: Handle) -> None:
        await self._clear(str(handle.values["group"]), str(handle.values["name"]))

    async def _clear(self, group: str, name: str) -> bool:
        """Deletes what is there of a machine. Whether nothing is left; what belongs to it goes with it, and later."""
        if await self._arm.delete(MACHINE, group, name) is not Deletion.ABSENT:
            return False
        is_clear = True
        for kind in _BELONGINGS:
            is_clear = await self._arm.remove(kind, group, name) and is_clear
        return is_clear

    async def _is_cleared(self, group: str, name: str) -> bool:
        try:
            return await self._clear(group, name)
        except ProviderError:
            return False

    async def list_owned(self) -> list[OwnedMachine]:
        installation = self._setup.access.installation_id
        owned = []
        for name, each in (await self._owned()).items():
            key = key_of_name(name, installation)
            if key is not None:
                phase = phase_in_list(each.machine) if each.machine else MachinePhase.UNKNOWN
                owned.append(OwnedMachine(key=key, handle=each.handle(name), phase=phase))
        return owned

    async def _owned(self) -> dict[str, _Owned]:
        """Machines of this installation by name, and what there is of machines that were never made, or are gone."""
        within, installation = self._networks.own_group, self._setup.access.installation_id
        kinds = (MACHINE, *_BELONGINGS)
        listed = await asyncio.gather(*(self._arm.all_of(kind, within) for kind in kinds))
        found: dict[str, _Owned] = {}
        for kind, things in zip(kinds, listed, strict=True):
            for thing in things:
                name = str(thing.get("name") or "").lower()
                if key_of_name(name, installation) is None:
                    continue
                # Azure writes the names of groups in capitals in some lists.
                group = within or str(thing["id"]).split("/")[4].lower()
                each = found.setdefault(name, _Owned(group))
                if kind is MACHINE:
                    each.machine = thing
        return found


def _handle(group: str, name: str, *, is_spot: bool) -> Handle:
    return Handle({"group": group, "name": name, "is_spot": is_spot})
