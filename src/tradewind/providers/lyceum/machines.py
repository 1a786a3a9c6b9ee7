"""Rents Lyceum virtual machines.

Lyceum publishes no description of its API; what is known is from its client and from recorded answers. A create has no
idempotency token and names are not unique, so a machine is known by its display name, which holds our key. Dead
machines stay in the list under their old names.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Capabilities, CreateIdempotency, Market, Offer, SelfTermination
from tradewind.providers.access import key_of_name, machine_name
from tradewind.providers.asking import base_url, credential
from tradewind.providers.base import Account, Handle, MachinePhase, MachineView, OwnedMachine, Quota
from tradewind.providers.lyceum.prices import LyceumPricing
from tradewind.providers.lyceum.reading import created_at, login_of
from tradewind.providers.renting import Setup
from tradewind.providers.rest import Rest, bearer, refusing_what_is_unknown

_BASE: Final = "https://api.lyceum.technology"
_API: Final = "/api/v2/external"
_VMS: Final = f"{_API}/vms"
_TYPE: Final = re.compile(r"([a-z0-9_-]+)\.(\d{1,4})x")
_COUNTS: Final = (1, 2, 4, 8)
_MARKETS: Final = {Market.ON_DEMAND: "on-demand", Market.SPOT: "spot"}
#: A create that finds no machine is answered like a fault of the server; only this sentence tells them apart.
_NO_CAPACITY: Final = "could not be provisioned"
#: Without these the list has every machine there ever was.
_LISTED: Final = {
    "include_provisioning": "true",
    "include_ready": "true",
    "include_failed": "true",
    "include_terminated": "false",
}
_PHASES: Final = {
    "pending": MachinePhase.STARTING,
    "provisioning": MachinePhase.STARTING,
    "running": MachinePhase.READY,
    "ready": MachinePhase.READY,
    "terminated": MachinePhase.GONE,
}
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
#: It will never be of use. Whether it costs anything is not known, so it is given back before it is taken for gone.
_FAILED: Final = ("failed", "error")
CAPABILITIES: Final = Capabilities(
    create_idempotency=CreateIdempotency.TAG,
    self_termination=SelfTermination.NONE,
    list_lag=timedelta(minutes=1),
    boot_timeout=timedelta(minutes=15),
    has_spot=True,
    gaps={
        "has_multi_node": "Lyceum rents single machines; they share no network",
        "has_images": "commands run on Lyceum's own image, not in a container",
        "has_mig": "whole accelerators only",
        "can_stop_and_start": "Lyceum's machines can only be given back",
    },
)


class LyceumMachines:
    """A `MachineProvider` on Lyceum."""

    id = "lyceum"
    capabilities = CAPABILITIES

    def __init__(self, setup: Setup) -> None:
        wire = setup.wire
        self._setup = setup
        self._prices = LyceumPricing()
        base, authorize = base_url(wire, _BASE), bearer(credential(wire, "LYCEUM_API_KEY"))
        self._api = Rest(wire, setup.entropy, base, authorize)
        # The sentence on capacity means something only here: a fault while a machine is given back stays a fault.
        self._creates = Rest(wire, setup.entropy, base, authorize, classify=classify_create)

    async def examine(self) -> Account:
        await self._list()
        # What these two answers hold is not published, and not every account has them: taken where it is there.
        name = _first(await self._told(f"{_API}/user/org"), ("name", "slug", "org_id"))
        credit = await self._told(f"{_API}/billing/credits")
        balance = _first(credit, ("credit_balance", "available_credits", "balance", "credits"))
        return Account(
            identity=f"Lyceum organisation {name}" if name is not None else "Lyceum account",
            quotas=(Quota(name="credit (USD)", limit=float(balance)),) if _is_number(balance) else (),
            notes=("Lyceum is prepaid: what happens to machines when the credit is used up is not known.",),
        )

    async def _told(self, path: str) -> Any:
        try:
            return await self._api.get(path)
        except ProviderError as error:
            if error.fault in (ProviderFault.CREDENTIALS, ProviderFault.RATE_LIMIT):
                raise
            return None

    async def list_offers(self) -> list[Offer]:
        return await self._prices.fetch(self._setup.wire)

    async def validate(self, offer: Offer) -> None:
        profile, count = _size(offer)
        market = _market(offer)
        answer = await self._api.get(f"{_VMS}/availability")
        for each in answer.get("available_instance_variants") or []:
            if (each.get("hardware_profile"), each.get("instance_type")) == (profile, market):
                if count in (each.get("available_gpus_per_instance") or []):
                    return
                raise ProviderError(
                    ProviderFault.CAPACITY, f"Lyceum has no {offer.instance_type} ({market}) now"
                )
        raise ProviderError(ProviderFault.INVALID, f"Lyceum sells no {profile} {market}")

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        profile, count = _size(offer)
        name = machine_name(key)
        body = {
            "user_public_key": self._setup.access.login.public,
            "hardware_profile": profile,
            "instance_type": _market(offer),
            # Anywhere else the number is passed over, and one accelerator comes and is charged for.
            "instance_specs": {"gpu_count": count},
            "display_name": name,
        }
        answer = await refusing_what_is_unknown(self._creates.change("POST", f"{_VMS}/create", body))
        made = answer.body.get("vm_id") if isinstance(answer.body, dict) else None
        if not made:
            raise ProviderError(ProviderFault.AMBIGUOUS, "Lyceum did not say which machine it made")
        return Handle({"id": str(made), "name": name})

    async def find(self, key: str) -> Handle | None:
        name = machine_name(key)
        alive = [
            each
            for each in await self._list()
            if each.get("display_name") == name
            and _status(each) not in _FAILED
            and _phase(each) is not MachinePhase.GONE
        ]
        newest = max(alive, key=lambda each: created_at(each) or _LONG_AGO, default=None)
        return None if newest is None else Handle({"id": str(newest["vm_id"]), "name": name})

    async def get(self, handle: Handle) -> MachineView:
        vm = await self._api.get(f"{_VMS}/{handle.values['id']}/status")
        status, phase = _status(vm), _phase(vm)
        login = login_of(vm, self._setup)
        if phase is MachinePhase.READY and login is None:
            # Seen with the vendor: ready, and no address yet.
            phase = MachinePhase.STARTING
        if status in _FAILED:
            await self.terminate(handle)
            phase = MachinePhase.GONE
        return MachineView(
            phase=phase,
            login=login,
            explanation=f"Lyceum says: {status}",
            # A machine that was taken back is told of in no other way than by its state.
            was_reclaimed=status == "terminated" and vm.get("instance_type") == "spot",
            billed_from=created_at(vm),
        )

    async def keep(self, handle: Handle, until: datetime) -> None:
        return

    async def terminate(self, handle: Handle) -> None:
        try:
            await self._api.change("DELETE", f"{_VMS}/{handle.values['id']}", is_repeatable=True)
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise

    async def list_owned(self) -> list[OwnedMachine]:
        owned = []
        for each in await self._list():
            name = str(each.get("display_name") or "")
            key = key_of_name(name, self._setup.access.installation_id)
            if key is not None:
                handle = Handle({"id": str(each["vm_id"]), "name": name})
                owned.append(OwnedMachine(key=key, handle=handle, phase=_phase(each)))
        return owned

    async def _list(self) -> list[dict[str, Any]]:
        answer = await self._api.get(f"{_VMS}/list", _LISTED)
        rows = answer.get("vms") if isinstance(answer, dict) else None
        if not isinstance(rows, list):
            # An empty list would say that a machine which may exist does not.
            raise ProviderError(ProviderFault.PROVIDER_FAULT, "Lyceum sent no list of machines")
        return [each for each in rows if isinstance(each, dict) and each.get("vm_id")]


def classify_create(status: int, body: Any) -> ProviderFault | None:
    """What a refused create means: no capacity is a 500 with a sentence, any other 500 may have made a machine."""
    detail = body.get("detail") if isinstance(body, dict) else None
    if status == 500 and isinstance(detail, str) and _NO_CAPACITY in detail.lower():
        return ProviderFault.CAPACITY
    return None


def _size(offer: Offer) -> tuple[str, int]:
    """Profile and number of accelerators. Raises ProviderError for a number that Lyceum would change by itself."""
    said = _TYPE.fullmatch(offer.instance_type)
    if said is None or int(said[2]) not in _COUNTS:
        counts = ", ".join(map(str, _COUNTS))
        raise ProviderError(
            ProviderFault.INVALID,
            f"{offer.instance_type!r} is no machine of Lyceum's: a profile and one of {counts}, as in a100.2x",
        )
    return said[1], int(said[2])


def _market(offer: Offer) -> str:
    market = _MARKETS.get(Market(offer.market))
    if market is None:
        raise ProviderError(ProviderFault.INVALID, f"Lyceum sells nothing on the terms {offer.market}")
    return market


def _status(vm: dict[str, Any]) -> str:
    return str(vm.get("status") or "").strip().lower()


def _phase(vm: dict[str, Any]) -> MachinePhase:
    return _PHASES.get(_status(vm), MachinePhase.UNKNOWN)


def _first(answer: Any, names: tuple[str, ...]) -> Any:
    found = answer if isinstance(answer, dict) else {}
    return next((found[name] for name in names if found.get(name) is not None), None)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
