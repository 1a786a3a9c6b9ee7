"""Rents virtual machines of Google Compute Engine.

Facts are from Google's published API (revision 20261106). An insert answers with an operation, and much of what can go
wrong goes wrong inside of it: no capacity, no quota. A create waits for it a short while; what comes later is found by
`get`, for a machine that never came to be leaves nothing but its operation behind.

A name is unique in its zone and `requestId` makes a repeated insert the same one, so a create may be repeated. The
longest life that Google can enforce (`maxRunDuration`) cannot be changed while a machine runs, so it is no lease that
can be renewed: what ends the cost without us is the machine that switches itself off. What is left then is its disk.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Capabilities, CreateIdempotency, Market, Offer, SelfTermination
from tradewind.providers.access import key_of_name, machine_name
from tradewind.providers.asking import base_url
from tradewind.providers.base import Account, Handle, Login, MachinePhase, MachineView, OwnedMachine
from tradewind.providers.gcp.account import examine
from tradewind.providers.gcp.faults import already_exists, classify, operation_fault
from tradewind.providers.gcp.firewall import Firewall, ranges_of
from tradewind.providers.gcp.gangs import GangRules
from tradewind.providers.gcp.instance import (
    GANG_LABEL,
    LABEL,
    USER,
    Kind,
    Wishes,
    installation_label,
    instance_body,
    kind_of,
)
from tradewind.providers.gcp.places import KnownPlaces, offers_in_zones, region_of, scoped
from tradewind.providers.gcp.tokens import GoogleTokens
from tradewind.providers.renting import Setup, login_for
from tradewind.providers.rest import Rest, refusing_what_is_unknown

_BASE: Final = "https://compute.googleapis.com"
_CONFLICT: Final = 409
#: How long a create waits for its operation, and how often it looks. Most refusals come within seconds.
_WAIT_S: Final = 15.0
_LOOK_EVERY_S: Final = 2.0
_PHASES: Final = {
    "PENDING": MachinePhase.STARTING,
    "PROVISIONING": MachinePhase.STARTING,
    "STAGING": MachinePhase.STARTING,
    "RUNNING": MachinePhase.READY,
    # On its way out, or being mended: how it ends is not known yet.
    "PENDING_STOP": MachinePhase.UNKNOWN,
    "STOPPING": MachinePhase.UNKNOWN,
    "DEPROVISIONING": MachinePhase.UNKNOWN,
    "SUSPENDING": MachinePhase.UNKNOWN,
    "REPAIRING": MachinePhase.UNKNOWN,
    "STOPPED": MachinePhase.STOPPED,
    "TERMINATED": MachinePhase.STOPPED,
    "SUSPENDED": MachinePhase.STOPPED,
}
_PREEMPTED: Final = "compute.instances.preempted"
#: Operations after which a machine stands still because somebody wanted it to.
_WANTED_ENDS: Final = frozenset({"stop", "suspend", "delete", "compute.instances.guestTerminate"})
_ENDS: Final = _WANTED_ENDS | {_PREEMPTED}
CAPABILITIES: Final = Capabilities(
    create_idempotency=CreateIdempotency.UNIQUE_NAME,
    self_termination=SelfTermination.POWEROFF_ENDS_BILLING,
    list_lag=timedelta(seconds=30),
    boot_timeout=timedelta(minutes=20),
    reclaim_notice="gce",
    has_spot=True,
    has_multi_node=True,
    gaps={
        "has_images": "commands run on the machine's own image, not in a container",
        "has_mig": "whole accelerators only",
        "can_stop_and_start": "a stopped machine still pays for its disk, and may not start again for lack of capacity",
    },
)


class GcpMachines:
    """A `MachineProvider` on Google Compute Engine. Settings are documented in `docs/providers/gcp.md`."""

    id = "gcp"
    capabilities = CAPABILITIES

    def __init__(self, setup: Setup) -> None:
        wire = setup.wire
        self._setup = setup
        self._clock = wire.clock
        self._tokens = GoogleTokens(wire)
        self._api = Rest(wire, setup.entropy, base_url(wire, _BASE), self._tokens.headers, classify=classify)
        self._places = KnownPlaces(self._api, wire.clock)
        network = str(wire.settings.get("network") or "default")
        port = int(wire.settings.get("ssh_port", 22))
        self._firewall = Firewall(self._api, wire.clock, setup.access, network, wire.settings, port)
        self._gangs = GangRules(self._api, wire.clock, setup.access, network)

    async def examine(self) -> Account:
        return await examine(self._api, self._tokens, await self._root(), self._setup.wire.settings)

    async def list_offers(self) -> list[Offer]:
        places = await self._places.get(await self._root())
        return offers_in_zones(await self._setup.listed(), places)

    async def validate(self, offer: Offer) -> None:
        kind = _kind(offer)
        ranges_of(self._setup.wire.settings)
        Wishes.of(self._setup.wire.settings)
        zone = f"{await self._root()}/zones/{offer.zone}"
        wanted = [f"{zone}/machineTypes/{kind.machine_type}"]
        wanted += [f"{zone}/acceleratorTypes/{kind.card}"] if kind.card else []
        for each in wanted:
            try:
                await self._api.get(each)
            except ProviderError as error:
                if error.fault is not ProviderFault.NOT_FOUND:
                    raise
                raise ProviderError(
                    ProviderFault.INVALID, f"Google has no {each.rpartition('/')[2]} in {offer.zone}"
                ) from None

    # -- creating ------------------------------------------------------------------------------------------------

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        return await self._create(offer, key, None)

    async def create_member(self, offer: Offer, key: str, keep_until: datetime, gang: str) -> Handle:
        root, name = await self._root(), self._gangs.name_of(gang)
        try:
            return await self._create(offer, key, name)
        except ProviderError as error:
            if error.fault is not ProviderFault.AMBIGUOUS:
                await self._let_go(root, name)
            raise

    async def _let_go(self, root: str, gang: str) -> None:
        """The rule of a gang of which no machine could be had goes at once; if it does not, when things are tidied."""
        with suppress(ProviderError):
            await self._gangs.release(root, gang)

    async def _create(self, offer: Offer, key: str, gang: str | None) -> Handle:
        kind, name = _kind(offer), machine_name(key)
        wishes = Wishes.of(self._setup.wire.settings)
        body = instance_body(offer, kind, key, self._setup.access, wishes, gang)
        root = await self._root()
        await self._let_in(root, gang)
        token = {"requestId": str(uuid.uuid5(uuid.NAMESPACE_URL, f"tradewind machine {key}"))}
        zone = f"{root}/zones/{offer.zone}"
        call = self._api.change("POST", f"{zone}/instances", body, token, accepting=(_CONFLICT,))
        answer = await refusing_what_is_unknown(call)
        if answer.status == _CONFLICT or not answer.body.get("targetId"):
            return await self._existing(zone, name, answer.body)
        return await self._settled(zone, name, answer.body, gang)

    async def _let_in(self, root: str, gang: str | None) -> None:
        """The firewall rules first: a machine that cannot be reached is of no use."""
        what = "the firewall rule for SSH"
        try:
            await self._firewall.ensure(root)
            if gang is not None:
                what = "the firewall rule of the gang"
                await self._gangs.ensure(root, gang)
        except ProviderError as error:
            # About the network, or the rule: no machine was asked for.
            meant = {
                ProviderFault.NOT_FOUND: ProviderFault.INVALID,
                ProviderFault.AMBIGUOUS: ProviderFault.PROVIDER_FAULT,
            }
            raise ProviderError(
                meant.get(error.fault, error.fault),
                f"{what}: {error.message}",
                hint=error.hint,
                retry_after_s=error.retry_after_s,
            ) from None

    async def _existing(self, zone: str, name: str, said: dict[str, Any]) -> Handle:
        """The machine that has the name: an earlier call of ours made it."""
        try:
            instance = await self._api.get(f"{zone}/instances/{name}")
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise ProviderError(ProviderFault.AMBIGUOUS, error.message, hint=error.hint) from None
            what = "is taken" if already_exists(said) else "was accepted"
            raise ProviderError(
                ProviderFault.AMBIGUOUS,
                f"Google says that the name {name} {what}, and shows no machine of it",
            ) from None
        if (instance.get("labels") or {}).get(LABEL) != installation_label(
            self._setup.access.installation_id
        ):
            raise ProviderError(ProviderFault.INVALID, f"there is a machine called {name} that is not ours")
        return _handle(zone, instance)

    async def _settled(self, zone: str, name: str, operation: dict[str, Any], gang: str | None) -> Handle:
        """Waits for the operation a while. Once it was accepted, nothing but its own end says that it failed."""
        known = {"name": name, "id": operation["targetId"], "labels": {GANG_LABEL: gang} if gang else {}}
        handle = _handle(zone, known)
        until = self._clock.monotonic() + _WAIT_S
        while operation.get("status") != "DONE" and self._clock.monotonic() < until:
            await self._clock.sleep(_LOOK_EVERY_S)
            try:
                operation = await self._api.get(f"{zone}/operations/{operation['name']}")
            except ProviderError:
                return handle
        if operation.get("status") != "DONE":
            return handle
        if already_exists(operation):
            return await self._existing(zone, name, operation)
        refused = operation_fault(operation)
        if refused is None:
            return handle
        try:
            if await self._has_disk(zone, name):
                # What a failed call left behind is given back like any machine.
                return handle
        except ProviderError:
            return handle
        raise refused

    async def find(self, key: str) -> Handle | None:
        name, root = machine_name(key), await self._root()
        async for zone, each in scoped(self._api, root, "instances", f'name eq "{name}"'):
            if each.get("name") == name:
                return _handle(zone, each)
        return None

    # -- watching ------------------------------------------------------------------------------------------------

    async def get(self, handle: Handle) -> MachineView:
        root = await self._root()
        zone = f"{root}/zones/{handle.values['zone']}"
        name = str(handle.values["name"])
        try:
            instance = await self._api.get(f"{zone}/instances/{name}")
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise
            return await self._absent(root, zone, handle, error)
        phase = _phase(instance)
        if phase is MachinePhase.STOPPED:
            return await self._stopped(zone, instance)
        address = _address(instance)
        if phase is MachinePhase.READY and not address:
            phase = MachinePhase.STARTING
        troubles = [await self._firewall.refresh(root)]
        if phase is MachinePhase.READY and GANG_LABEL in handle.values:
            troubles.append(await self._gangs.refresh(root, str(handle.values[GANG_LABEL])))
        said = [f"Google says: {instance.get('status')}", *(each for each in troubles if each)]
        return MachineView(
            phase=phase,
            login=self._login(name, address) if address else None,
            private_address=_private_address(instance),
            explanation="; ".join(said),
            billed_from=_time(instance.get("creationTimestamp")),
        )

    def _login(self, name: str, address: str) -> Login | None:
        key = key_of_name(name, self._setup.access.installation_id)
        if key is None:
            return None
        return login_for(self._setup, key, address, user=USER)

    async def _stopped(self, zone: str, instance: dict[str, Any]) -> MachineView:
        """It stands still, and pays for its disk until it is deleted."""
        types = {str(each.get("operationType")) for each in await self._story(zone, str(instance["id"]))}
        is_spot = (instance.get("scheduling") or {}).get("provisioningModel") == "SPOT"
        was_reclaimed = _PREEMPTED in types or (is_spot and not types & _WANTED_ENDS)
        why = "Google took it back" if was_reclaimed else "it was switched off"
        return MachineView(
            phase=MachinePhase.STOPPED,
            explanation=f"{why} (Google says: {instance.get('status')})",
            was_reclaimed=was_reclaimed,
            billed_from=_time(instance.get("creationTimestamp")),
            billed_until=_time(instance.get("lastStopTimestamp")),
        )

    async def _absent(self, root: str, zone: str, handle: Handle, error: ProviderError) -> MachineView:
        """Google has no such machine. Its operations tell whether there will be one, or why there is none."""
        operations = await self._story(zone, str(handle.values["id"]))
        inserted = next((each for each in operations if each.get("operationType") == "insert"), {})
        if inserted and inserted.get("status") != "DONE":
            return MachineView(phase=MachinePhase.STARTING, explanation="Google is making it")
        if GANG_LABEL in handle.values:
            # Before it is called gone: after that nobody asks again.
            await self._gangs.release(root, str(handle.values[GANG_LABEL]))
        refused = operation_fault(inserted)
        is_left = await self._has_disk(zone, str(handle.values["name"]))
        phase = MachinePhase.STOPPED if is_left else MachinePhase.GONE
        if refused is not None:
            return MachineView(phase=phase, explanation=refused.message, fault=refused.fault)
        ends = [each for each in operations if each.get("operationType") in _ENDS]
        if not ends and not is_left:
            raise error
        was_reclaimed = any(each["operationType"] == _PREEMPTED for each in ends)
        times = [at for each in ends if (at := _time(each.get("endTime"))) is not None]
        return MachineView(
            phase=phase,
            explanation="Google took it back" if was_reclaimed else "it was deleted",
            was_reclaimed=was_reclaimed,
            billed_until=max(times, default=None),
        )

    async def _story(self, zone: str, instance_id: str) -> list[dict[str, Any]]:
        """The operations that this machine has seen, as far as Google remembers them."""
        answer = await self._api.get(f"{zone}/operations", {"filter": f"targetId = {instance_id}"})
        return [each for each in answer.get("items") or [] if str(each.get("targetId")) == instance_id]

    async def _has_disk(self, zone: str, name: str) -> bool:
        """Whether the boot disk is still there, and belongs to no machine."""
        try:
            disk = await self._api.get(f"{zone}/disks/{name}")
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise
            return False
        return not disk.get("users")

    async def keep(self, handle: Handle, until: datetime) -> None:
        return

    # -- ending --------------------------------------------------------------------------------------------------

    async def terminate(self, handle: Handle) -> None:
        zone = f"{await self._root()}/zones/{handle.values['zone']}"
        name = str(handle.values["name"])
        if not await self._delete(f"{zone}/instances/{name}") and await self._has_disk(zone, name):
            await self._delete(f"{zone}/disks/{name}")

    async def _delete(self, path: str) -> bool:
        """False where there is no such thing."""
        try:
            await self._api.change("DELETE", path, is_repeatable=True)
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise
            return False
        return True

    async def list_owned(self) -> list[OwnedMachine]:
        installation_id = self._setup.access.installation_id
        wanted = f'labels.{LABEL} = "{installation_label(installation_id)}"'
        owned, gangs, root = [], set(), await self._root()
        async for zone, each in scoped(self._api, root, "instances", wanted):
            key = key_of_name(str(each.get("name") or ""), installation_id)
            if key is not None:
                owned.append(OwnedMachine(key=key, handle=_handle(zone, each), phase=_phase(each)))
                gangs.add(str((each.get("labels") or {}).get(GANG_LABEL)))
        await self._gangs.tidy(root, gangs)
        return owned

    async def _root(self) -> str:
        return f"/compute/v1/projects/{await self._tokens.project()}"


def _kind(offer: Offer) -> Kind:
    """Raises ProviderError where the offer is none of a machine in a zone."""
    kind = kind_of(offer.instance_type)
    if kind is None:
        raise ProviderError(
            ProviderFault.INVALID, f"{offer.instance_type} cannot be rented as a machine here"
        )
    if not offer.zone or region_of(offer.zone) != offer.region:
        raise ProviderError(
            ProviderFault.INVALID, f"{offer.instance_type} is rented in a zone, and none is named"
        )
    if offer.market not in (Market.ON_DEMAND, Market.SPOT):
        raise ProviderError(
            ProviderFault.INVALID, f"Google's machines are not rented on terms of {offer.market}"
        )
    return kind


def _handle(zone: str, instance: dict[str, Any]) -> Handle:
    values = {"zone": zone.rpartition("/")[2], "name": str(instance["name"]), "id": str(instance["id"])}
    gang = (instance.get("labels") or {}).get(GANG_LABEL)
    return Handle(values if gang is None else values | {GANG_LABEL: str(gang)})


def _phase(instance: dict[str, Any]) -> MachinePhase:
    return _PHASES.get(str(instance.get("status")), MachinePhase.UNKNOWN)


def _address(instance: dict[str, Any]) -> str | None:
    for interface in instance.get("networkInterfaces") or []:
        for access in interface.get("accessConfigs") or []:
            if access.get("natIP"):
                return str(access["natIP"])
    return None


def _private_address(instance: dict[str, Any]) -> str | None:
    for interface in instance.get("networkInterfaces") or []:
        if interface.get("networkIP"):
            return str(interface["networkIP"])
    return None


def _time(said: Any) -> datetime | None:
    """A moment as Google writes it, with the offset of some place; None where it says none."""
    try:
        at = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo is not None else None
