"""Rents Lambda Cloud instances.

Facts are from Lambda's published API (1.10): `launch` has no idempotency token and names are not unique, so a machine
is known by its name, which holds our key, and a launch whose answer was lost is looked for before another one is sent.
The API takes one request a second and a launch every twelve.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Capabilities, CreateIdempotency, Offer, SelfTermination
from tradewind.providers.access import key_of_name, machine_name
from tradewind.providers.asking import base_url, credential
from tradewind.providers.base import Account, Handle, MachinePhase, MachineView, OwnedMachine
from tradewind.providers.lambda_cloud.prices import LambdaTypes
from tradewind.providers.renting import Setup, login_for
from tradewind.providers.rest import Pace, Rest, bearer, refusing_what_is_unknown

_BASE: Final = "https://cloud.lambda.ai"
_API: Final = "/api/v1"
_LAUNCH: Final = f"{_API}/instance-operations/launch"
_USER: Final = "ubuntu"
_BETWEEN_CALLS_S: Final = 1.0
_BETWEEN_LAUNCHES_S: Final = 12.0
_FAULTS: Final = {
    "instance-operations/launch/insufficient-capacity": ProviderFault.CAPACITY,
    "global/quota-exceeded": ProviderFault.QUOTA,
    "global/invalid-api-key": ProviderFault.CREDENTIALS,
    "global/account-inactive": ProviderFault.PERMISSION,
    "global/forbidden": ProviderFault.PERMISSION,
    "global/invalid-address": ProviderFault.BALANCE,
    "global/object-does-not-exist": ProviderFault.NOT_FOUND,
    "global/invalid-parameters": ProviderFault.INVALID,
    "instance-operations/launch/file-system-in-wrong-region": ProviderFault.INVALID,
}
_PHASES: Final = {
    "booting": MachinePhase.STARTING,
    "active": MachinePhase.READY,
    # It exists and is paid for. Whether it is of any use shows when it is logged in to.
    "unhealthy": MachinePhase.READY,
    "terminating": MachinePhase.UNKNOWN,
    "terminated": MachinePhase.GONE,
    "preempted": MachinePhase.GONE,
}
CAPABILITIES: Final = Capabilities(
    create_idempotency=CreateIdempotency.TAG,
    self_termination=SelfTermination.NONE,
    list_lag=timedelta(minutes=1),
    boot_timeout=timedelta(minutes=20),
    gaps={
        "has_spot": "Lambda sells no interruptible machines",
        "has_multi_node": "Lambda does not say whether machines get through to each other's private addresses",
        "has_images": "commands run on Lambda's own image, not in a container",
        "has_mig": "whole accelerators only",
        "can_stop_and_start": "Lambda's machines can be restarted and terminated, not stopped",
    },
)


class LambdaMachines:
    """A `MachineProvider` on Lambda Cloud."""

    id = "lambda"
    capabilities = CAPABILITIES

    def __init__(self, setup: Setup) -> None:
        wire = setup.wire
        self._setup = setup
        self._prices = LambdaTypes()
        self._launches = Pace(wire.clock, _BETWEEN_LAUNCHES_S)
        self._api = Rest(
            wire,
            setup.entropy,
            base_url(wire, _BASE),
            bearer(credential(wire, "LAMBDA_API_KEY")),
            classify=_classify,
            pace=Pace(wire.clock, _BETWEEN_CALLS_S),
        )

    async def examine(self) -> Account:
        keys = await self._list("ssh-keys")
        regions = await self._list("regions")
        return Account(
            identity=f"Lambda account with {len(keys)} SSH keys",
            regions=tuple(sorted(str(each["name"]) for each in regions)),
            notes=("Lambda's API does not tell quotas.",),
        )

    async def list_offers(self) -> list[Offer]:
        return await self._prices.fetch(self._setup.wire)

    async def validate(self, offer: Offer) -> None:
        types = (await self._api.get(f"{_API}/instance-types"))["data"]
        if offer.instance_type not in types:
            raise ProviderError(ProviderFault.INVALID, f"Lambda has no instance type {offer.instance_type}")
        regions = {each["name"] for each in types[offer.instance_type]["regions_with_capacity_available"]}
        if offer.region not in regions:
            where = ", ".join(sorted(regions)) or "no region"
            raise ProviderError(
                ProviderFault.CAPACITY,
                f"{offer.instance_type} is not to be had in {offer.region} now (it is in: {where})",
            )

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        name = machine_name(key)
        login_key = await self._login_key()
        body = {
            "region_name": offer.region,
            "instance_type_name": offer.instance_type,
            "ssh_key_names": [login_key],
            "name": name,
            "hostname": name,
            "user_data": self._setup.access.user_data(key, user=_USER),
            "tags": [{"key": "tradewind", "value": name}],
        }
        async with self._launches.alone():
            answer = await refusing_what_is_unknown(self._api.change("POST", _LAUNCH, body))
        made = answer.body["data"]["instance_ids"]
        return Handle({"id": str(made[0]), "name": name})

    async def _login_key(self) -> str:
        """The name under which Lambda knows our login key: it wants one on every launch."""
        access = self._setup.access
        kind_and_key = access.login.public.rpartition(" ")[0]
        known = await self._list("ssh-keys")
        for each in known:
            if str(each["public_key"]).startswith(kind_and_key):
                return str(each["name"])
        name = f"tradewind-{access.installation_id}"
        await self._api.change("POST", f"{_API}/ssh-keys", {"name": name, "public_key": access.login.public})
        return name

    async def find(self, key: str) -> Handle | None:
        name = machine_name(key)
        for each in await self._list("instances"):
            if each.get("name") == name and _phase(each) is not MachinePhase.GONE:
                return Handle({"id": str(each["id"]), "name": name})
        return None

    async def get(self, handle: Handle) -> MachineView:
        instance = (await self._api.get(f"{_API}/instances/{handle.values['id']}"))["data"]
        phase, address = _phase(instance), instance.get("ip")
        if phase is MachinePhase.READY and not address:
            phase = MachinePhase.STARTING
        key = key_of_name(str(handle.values["name"]), self._setup.access.installation_id)
        login = None
        if address and key is not None:
            login = login_for(self._setup, key, str(address), user=_USER)
        return MachineView(
            phase=phase,
            login=login,
            explanation=f"Lambda says: {instance['status']}",
            was_reclaimed=instance["status"] == "preempted",
        )

    async def keep(self, handle: Handle, until: datetime) -> None:
        return

    async def terminate(self, handle: Handle) -> None:
        body = {"instance_ids": [handle.values["id"]]}
        try:
            await self._api.change("POST", f"{_API}/instance-operations/terminate", body, is_repeatable=True)
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise

    async def list_owned(self) -> list[OwnedMachine]:
        owned = []
        for each in await self._list("instances"):
            name = str(each.get("name") or "")
            key = key_of_name(name, self._setup.access.installation_id)
            if key is not None:
                handle = Handle({"id": str(each["id"]), "name": name})
                owned.append(OwnedMachine(key=key, handle=handle, phase=_phase(each)))
        return owned

    async def _list(self, what: str) -> list[dict[str, Any]]:
        rows = (await self._api.get(f"{_API}/{what}"))["data"]
        return [each for each in rows if isinstance(each, dict)]


def _phase(instance: dict[str, Any]) -> MachinePhase:
    return _PHASES.get(str(instance.get("status")), MachinePhase.UNKNOWN)


def _classify(_status: int, body: Any) -> ProviderFault | None:
    error = body.get("error") if isinstance(body, dict) else None
    code = str(error.get("code")) if isinstance(error, dict) else ""
    if code.startswith("provider/"):
        # Something behind Lambda failed: nobody knows after what.
        return ProviderFault.AMBIGUOUS
    return _FAULTS.get(code)
