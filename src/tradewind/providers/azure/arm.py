"""The Azure Resource Manager: things of a kind, in a group, under a name.

What is made or deleted is followed by reading the thing itself until it says `Succeeded`, or is not there any more.
Answers also name addresses of operations and of further pages; our token goes to no address but our own, so of those
only the path is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final
from urllib.parse import urlsplit

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.asking import MAX_PAGES, base_url, credential, retry_after_s, too_many_pages
from tradewind.providers.azure.faults import classify, sentence
from tradewind.providers.azure.login import Tokens
from tradewind.providers.renting import Setup
from tradewind.providers.rest import Rest, refusing_what_is_unknown

_BASE: Final = "https://management.azure.com"
#: Making an address takes seconds; whoever waits for one holds up nothing else.
_LOOKS: Final = 12
_BETWEEN_LOOKS_S: Final = 2.0
_LONGEST_PAUSE_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of thing, and the version of the API that is spoken about it."""

    path: str
    version: str
    title: str


MACHINE: Final = Kind("Microsoft.Compute/virtualMachines", "2026-04-01", "virtual machine")
DISK: Final = Kind("Microsoft.Compute/disks", "2026-03-02", "disk")
INTERFACE: Final = Kind("Microsoft.Network/networkInterfaces", "2026-03-01", "network interface")
ADDRESS: Final = Kind("Microsoft.Network/publicIPAddresses", "2026-03-01", "public address")
FIREWALL: Final = Kind("Microsoft.Network/networkSecurityGroups", "2026-03-01", "network security group")
NETWORK: Final = Kind("Microsoft.Network/virtualNetworks", "2026-03-01", "virtual network")
_GROUPS_VERSION: Final = "2025-04-01"
SKUS_VERSION: Final = "2021-07-01"


class Deletion(Enum):
    """What became of a request to delete something."""

    ABSENT = auto()  #: there was no such thing
    BEGUN = auto()
    HELD = auto()  #: something else still holds it


class Arm:
    """One subscription."""

    def __init__(self, setup: Setup) -> None:
        wire = setup.wire
        self._wire = wire
        self._tokens = Tokens(wire)
        self._root = f"/subscriptions/{credential(wire, 'AZURE_SUBSCRIPTION_ID')}"
        self._rest = Rest(
            wire,
            setup.entropy,
            base_url(wire, _BASE),
            self._tokens.authorize,
            classify=self._classify,
            sentence=sentence,
        )

    def id_of(self, kind: Kind, group: str, name: str) -> str:
        """How things name each other."""
        return f"{self._root}/resourceGroups/{group}/providers/{kind.path}/{name}"

    async def get(
        self, kind: Kind, group: str, name: str, expand: str | None = None
    ) -> dict[str, Any] | None:
        """The thing; None where there is none."""
        params = {"api-version": kind.version, **({"$expand": expand} if expand else {})}
        try:
            found: dict[str, Any] = await self._rest.get(self.id_of(kind, group, name), params)
        except ProviderError as error:
            if error.fault is ProviderFault.NOT_FOUND:
                return None
            raise
        return found

    async def group(self, name: str, region: str, tags: Mapping[str, str]) -> None:
        """Makes the resource group, unless it is there."""
        path, params = f"{self._root}/resourcegroups/{name}", {"api-version": _GROUPS_VERSION}
        try:
            await self._rest.get(path, params)
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise
            body = {"location": region, "tags": dict(tags)}
            await refusing_what_is_unknown(self._rest.change("PUT", path, body, params, is_repeatable=True))

    async def put(self, kind: Kind, group: str, name: str, body: object) -> None:
        """Asks for the thing, once. `AMBIGUOUS` where nobody knows whether the request arrived."""
        path, params = self.id_of(kind, group, name), {"api-version": kind.version}
        await refusing_what_is_unknown(self._rest.change("PUT", path, body, params))

    async def make(self, kind: Kind, group: str, name: str, body: object) -> None:
        """Asks for the thing and waits until it is there. Asking again, also for what is there, changes nothing.

        Raises:
            ProviderError: `AMBIGUOUS` where it is still being made when nobody wants to wait any longer.
        """
        path, params = self.id_of(kind, group, name), {"api-version": kind.version}
        asked = self._rest.change("PUT", path, body, params, is_repeatable=True)
        answer = await refusing_what_is_unknown(asked)
        made, pause_s = answer.body, self._pause_s(answer.headers)
        for _ in range(_LOOKS):
            state = str((made.get("properties") or {}).get("provisioningState") if made else "")
            if state == "Succeeded":
                return
            if state in ("Failed", "Canceled"):
                raise ProviderError(
                    ProviderFault.PROVIDER_FAULT, f"Azure could not make the {kind.title} {name}"
                )
            await self._wire.clock.sleep(pause_s)
            made = await self.get(kind, group, name)
        raise ProviderError(ProviderFault.AMBIGUOUS, f"the {kind.title} {name} is still being made")

    async def delete(self, kind: Kind, group: str, name: str) -> Deletion:
        """Asks for the thing to be deleted. Nothing is waited for."""
        path, params = self.id_of(kind, group, name), {"api-version": kind.version}
        try:
            answer = await self._rest.change("DELETE", path, None, params, is_repeatable=True)
        except ProviderError as error:
            if error.fault is ProviderFault.NOT_FOUND:
                return Deletion.ABSENT
            if error.fault is ProviderFault.RATE_LIMIT:
                return Deletion.HELD
            raise
        return Deletion.ABSENT if answer.status == 204 else Deletion.BEGUN

    async def remove(self, kind: Kind, group: str, name: str) -> bool:
        """Deletes the thing and waits a while for it to be gone. Whether it is."""
        began = await self.delete(kind, group, name)
        for _ in range(_LOOKS if began is Deletion.BEGUN else 0):
            if await self.get(kind, group, name) is None:
                return True
            await self._wire.clock.sleep(_BETWEEN_LOOKS_S)
        return began is Deletion.ABSENT

    async def all_of(self, kind: Kind, group: str | None) -> list[dict[str, Any]]:
        """Everything of a kind in the group; None: in the subscription. Nothing where there is no such group."""
        inside = "" if group is None else f"/resourceGroups/{group}"
        try:
            return await self._pages(f"{inside}/providers/{kind.path}", {"api-version": kind.version})
        except ProviderError as error:
            if group is not None and error.fault is ProviderFault.NOT_FOUND:
                return []
            raise

    async def usages(self, region: str) -> list[dict[str, Any]]:
        """How much of each quota of processors is used there."""
        path = f"/providers/Microsoft.Compute/locations/{region}/usages"
        return await self._pages(path, {"api-version": MACHINE.version})

    async def sizes(self, region: str) -> list[dict[str, Any]]:
        """The machine sizes of a region, with what keeps this subscription from having them."""
        path = "/providers/Microsoft.Compute/skus"
        return await self._pages(path, {"api-version": SKUS_VERSION, "$filter": f"location eq '{region}'"})

    async def _pages(self, path: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        answer = await self._rest.get(self._root + path, params)
        for _ in range(MAX_PAGES):
            found += [each for each in answer["value"] if isinstance(each, dict)]
            link = answer.get("nextLink")
            if not link:
                return found
            following = urlsplit(str(link))
            answer = await self._rest.get(f"{following.path}?{following.query}")
        raise too_many_pages("the list of Azure")

    def _pause_s(self, headers: Mapping[str, str]) -> float:
        hint_s = retry_after_s(headers.get("retry-after"), self._wire)
        return min(hint_s or _BETWEEN_LOOKS_S, _LONGEST_PAUSE_S)

    def _classify(self, status: int, body: Any) -> ProviderFault | None:
        if status == 401:
            self._tokens.forget()
        return classify(status, body)
