"""Rents DigitalOcean GPU Droplets.

Facts are from DigitalOcean's published API. A create has no idempotency token and names are not unique, so a Droplet
carries two tags, one of the installation and one of its own, which holds our key; a create whose answer was lost is
looked for before another one is sent. A Droplet that is switched off costs as much as one that runs.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Capabilities, CreateIdempotency, Offer, SelfTermination
from tradewind.providers.access import key_of_name, machine_name, name_prefix
from tradewind.providers.asking import MAX_PAGES, base_url, credential, rows_of, too_many_pages
from tradewind.providers.base import (
    Account,
    Handle,
    MachinePhase,
    MachineView,
    OwnedMachine,
    Quota,
)
from tradewind.providers.digitalocean.prices import DigitalOceanSizes
from tradewind.providers.digitalocean.refusals import classify
from tradewind.providers.renting import Setup, login_for
from tradewind.providers.rest import Pace, Rest, bearer, refusing_what_is_unknown

_BASE: Final = "https://api.digitalocean.com"
_DROPLETS: Final = "/v2/droplets"
_KEYS: Final = "/v2/account/keys"
_PER_PAGE: Final = 200
#: 250 calls a minute, and a little less.
_BETWEEN_CALLS_S: Final = 0.25
_AMD: Final = re.compile(r"^gpu-mi\d")
_EIGHT: Final = re.compile(r"x8-")
_PHASES: Final = {
    "new": MachinePhase.STARTING,
    "active": MachinePhase.READY,
    # Switched off or put away it goes on costing money: it is no end, and control gives it back.
    "off": MachinePhase.UNKNOWN,
    "archive": MachinePhase.UNKNOWN,
}
CAPABILITIES: Final = Capabilities(
    create_idempotency=CreateIdempotency.TAG,
    self_termination=SelfTermination.NONE,
    list_lag=timedelta(minutes=1),
    boot_timeout=timedelta(minutes=15),
    has_multi_node=True,
    gaps={
        "has_spot": "DigitalOcean sells no interruptible machines",
        "has_images": "commands run on DigitalOcean's own image, not in a container",
        "has_mig": "whole accelerators only",
        "can_stop_and_start": "a Droplet that is switched off costs as much as one that runs",
    },
)


class DigitalOceanMachines:
    """A `MachineProvider` on DigitalOcean."""

    id = "digitalocean"
    capabilities = CAPABILITIES

    def __init__(self, setup: Setup) -> None:
        wire = setup.wire
        self._setup = setup
        self._prices = DigitalOceanSizes()
        self._api = Rest(
            wire,
            setup.entropy,
            base_url(wire, _BASE),
            bearer(credential(wire, "DIGITALOCEAN_ACCESS_TOKEN")),
            classify=classify,
            pace=Pace(wire.clock, _BETWEEN_CALLS_S),
        )

    async def examine(self) -> Account:
        account = _part(await self._api.get("/v2/account"), "account")
        # Those without accelerators count as well, and are listed apart.
        used = sum(
            [len(await self._all(_DROPLETS, "droplets", {"type": each})) for each in ("gpus", "droplets")]
        )
        regions = await self._all("/v2/regions", "regions")
        limit, status = account.get("droplet_limit"), account.get("status")
        notes = ["How many Droplets of one size are allowed is not told by DigitalOcean's API."]
        if status != "active":
            notes.append(f"DigitalOcean calls the account {status!r}: {account.get('status_message')}")
        return Account(
            identity=f"DigitalOcean account {account.get('uuid')}",
            regions=tuple(sorted(str(each.get("slug")) for each in regions if each.get("available"))),
            quotas=(Quota(name="Droplets", limit=float(limit), used=used),) if limit is not None else (),
            notes=tuple(notes),
        )

    async def list_offers(self) -> list[Offer]:
        return await self._prices.fetch(self._setup.wire)

    async def validate(self, offer: Offer) -> None:
        for size in await self._all("/v2/sizes", "sizes"):
            if size.get("slug") == offer.instance_type:
                if size.get("available") and offer.region in (size.get("regions") or []):
                    return
                raise ProviderError(
                    ProviderFault.CAPACITY, f"{offer.instance_type} is not to be had in {offer.region} now"
                )
        raise ProviderError(ProviderFault.INVALID, f"DigitalOcean has no size {offer.instance_type}")

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        name = machine_name(key)
        body = {
            "name": name,
            "region": offer.region,
            "size": offer.instance_type,
            "image": str(self._setup.wire.settings.get("image") or image_of(offer.instance_type)),
            "ssh_keys": [await self._login_key()],
            "tags": [self._mark, name],
            "user_data": self._setup.access.user_data(key),
            "backups": False,
            "monitoring": False,
            "with_droplet_agent": False,
        }
        answer = await refusing_what_is_unknown(self._api.change("POST", _DROPLETS, body))
        # 202: it is being made. Whether that works out is seen by looking at it.
        try:
            return _handle(_part(answer.body, "droplet"))
        except ProviderError as error:
            raise ProviderError(ProviderFault.AMBIGUOUS, error.message) from None

    async def _login_key(self) -> int:
        """DigitalOcean's number of our login key. Without one it would make a password and mail it to the owner."""
        access = self._setup.access
        found = await self._find_key()
        if found is not None:
            return found
        body = {"name": f"tradewind-{access.installation_id}", "public_key": access.login.public}
        try:
            answer = await self._api.change("POST", _KEYS, body, is_repeatable=True)
        except ProviderError as error:
            # Whoever was faster has registered it: one key cannot be there twice.
            found = await self._find_key() if error.fault is ProviderFault.INVALID else None
            if found is None:
                raise
            return found
        return int(_part(answer.body, "ssh_key")["id"])

    async def _find_key(self) -> int | None:
        kind_and_key = self._setup.access.login.public.rpartition(" ")[0]
        for each in await self._all(_KEYS, "ssh_keys"):
            if each.get("id") and str(each.get("public_key")).startswith(kind_and_key):
                return int(each["id"])
        return None

    async def find(self, key: str) -> Handle | None:
        name = machine_name(key)
        for each in await self._marked(name):
            if each.get("name") == name:
                return _handle(each)
        return None

    async def get(self, handle: Handle) -> MachineView:
        droplet = _part(await self._api.get(f"{_DROPLETS}/{handle.values['id']}"), "droplet")
        phase, address = _phase(droplet), _address(droplet, "public")
        if phase is MachinePhase.READY and address is None:
            phase = MachinePhase.STARTING
        key = key_of_name(str(handle.values["name"]), self._setup.access.installation_id)
        login = None
        if address is not None and key is not None:
            login = login_for(self._setup, key, address, user="root")
        return MachineView(
            phase=phase,
            login=login,
            private_address=_address(droplet, "private"),
            explanation=f"DigitalOcean says: {droplet.get('status')}",
            billed_from=_made_at(droplet),
        )

    async def keep(self, handle: Handle, until: datetime) -> None:
        return

    async def terminate(self, handle: Handle) -> None:
        try:
            await self._api.change("DELETE", f"{_DROPLETS}/{handle.values['id']}", is_repeatable=True)
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise

    async def list_owned(self) -> list[OwnedMachine]:
        owned = []
        for each in await self._marked(self._mark):
            key = key_of_name(str(each.get("name") or ""), self._setup.access.installation_id)
            if key is not None:
                owned.append(OwnedMachine(key=key, handle=_handle(each), phase=_phase(each)))
        return owned

    @property
    def _mark(self) -> str:
        """The tag of everything this installation makes."""
        return name_prefix(self._setup.access.installation_id).rstrip("-")

    async def _marked(self, tag: str) -> list[dict[str, Any]]:
        """Every Droplet that may carry the tag.

        The API shows Droplets with accelerators only when it is asked for them, and a tag cannot be asked for at the
        same time. Whether a list by tag has them is not written down: so both lists are read.
        """
        by_tag = await self._all(_DROPLETS, "droplets", {"tag_name": tag})
        by_kind = await self._all(_DROPLETS, "droplets", {"type": "gpus"})
        return list({each["id"]: each for each in (*by_tag, *by_kind) if each.get("id")}.values())

    async def _all(
        self, path: str, what: str, query: dict[str, str | int] | None = None
    ) -> list[dict[str, Any]]:
        """Every row of a list, page by page."""
        rows: list[dict[str, Any]] = []
        for page in range(1, MAX_PAGES + 1):
            answer = await self._api.get(path, {**(query or {}), "per_page": _PER_PAGE, "page": page})
            rows += [each for each in rows_of(answer, what, path) if isinstance(each, dict)]
            if not ((answer.get("links") or {}).get("pages") or {}).get("next"):
                return rows
        raise too_many_pages(path)


def image_of(size: str) -> str:
    """The image with drivers for a size. The names are from others' scripts and lists, not from the contract."""
    if _AMD.match(size):
        return "gpu-amd-base"
    return "gpu-h100x8-base" if _EIGHT.search(size) else "gpu-h100x1-base"


def _part(answer: Any, name: str) -> dict[str, Any]:
    """The object under a name that says which one it is. Raises ProviderError where there is none."""
    part = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(part, dict) or not (part.get("id") or part.get("uuid")):
        raise ProviderError(ProviderFault.PROVIDER_FAULT, f"DigitalOcean sent no {name}")
    return part


def _handle(droplet: dict[str, Any]) -> Handle:
    return Handle({"id": int(droplet["id"]), "name": str(droplet.get("name"))})


def _phase(droplet: dict[str, Any]) -> MachinePhase:
    return _PHASES.get(str(droplet.get("status")), MachinePhase.UNKNOWN)


def _address(droplet: dict[str, Any], kind: str) -> str | None:
    """Its public address, or the private one: there others of its VPC reach it, and nobody from outside."""
    for each in (droplet.get("networks") or {}).get("v4") or []:
        if each.get("type") == kind and each.get("ip_address"):
            return str(each["ip_address"])
    return None


def _made_at(droplet: dict[str, Any]) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(droplet.get("created_at")))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
