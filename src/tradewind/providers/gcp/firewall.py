"""The firewall rule of an installation: SSH to its machines, from where the control plane is and nowhere else.

The rule is shared by all machines and stays: it costs nothing. Its name holds the addresses that it lets in, so that
when those change a new one is there before the old one goes.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import uuid
from collections.abc import Mapping
from typing import Any, Final

from tradewind.domain.clock import Clock
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.access import Access, name_prefix
from tradewind.providers.gcp.instance import network_tag
from tradewind.providers.gcp.rules import Rules
from tradewind.providers.rest import Rest

#: Looked after so often while machines are watched: somebody may have deleted it.
_GOOD_FOR_S: Final = 900.0
#: After a failure, while machines are watched.
_AGAIN_S: Final = 60.0


def ranges_of(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """The networks that `ssh_from` names. Raises ProviderError where it names none."""
    said = settings.get("ssh_from")
    parts = said.split(",") if isinstance(said, str) else list(said or ())
    try:
        found = {str(ipaddress.ip_network(str(each).strip(), strict=False)) for each in parts}
    except ValueError:
        raise ProviderError(
            ProviderFault.INVALID,
            "`ssh_from` of the Google connection holds something that is no address",
            hint="give addresses or networks, for example `203.0.113.7` or `203.0.113.0/24`",
        ) from None
    if not found:
        raise ProviderError(
            ProviderFault.INVALID,
            "`ssh_from` of the Google connection does not say from where its machines may be logged in to",
            hint="set it to the address that this server is seen from",
        )
    return tuple(sorted(found))


class Firewall:
    """Keeps the rule as the settings have it."""

    def __init__(
        self, api: Rest, clock: Clock, access: Access, network: str, settings: Mapping[str, Any], port: int
    ) -> None:
        self._rules = Rules(api, clock)
        self._clock = clock
        self._access = access
        self._network = network
        self._settings = settings
        self._port = port
        self._good_until = float("-inf")
        self._trouble: str | None = None
        self._trouble_until = float("-inf")
        self._lock = asyncio.Lock()

    async def ensure(self, root: str) -> None:
        """The rule is there, and no older one. Raises ProviderError. `root` is the project's path."""
        async with self._lock:
            if self._clock.monotonic() < self._good_until:
                return
            await self._ensure(root)
            self._good_until = self._clock.monotonic() + _GOOD_FOR_S

    async def refresh(self, root: str) -> str | None:
        """As `ensure`, while machines run: a failure is no reason to lose sight of them. Returns what went wrong."""
        if self._clock.monotonic() < self._trouble_until:
            return self._trouble
        try:
            await self.ensure(root)
        except ProviderError as error:
            self._trouble = f"the firewall rule for SSH cannot be kept up: {error.message}"
            self._trouble_until = self._clock.monotonic() + _AGAIN_S
            return self._trouble
        return None

    async def _ensure(self, root: str) -> None:
        ranges = ranges_of(self._settings)
        prefix = f"{name_prefix(self._access.installation_id)}ssh-"
        facts = f"{self._network} {self._port} {' '.join(ranges)}"
        name = prefix + hashlib.sha256(facts.encode()).hexdigest()[:10]
        names = {str(each["name"]) for each in await self._rules.called(root, prefix)}
        if name not in names:
            request_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"tradewind firewall {name}"))
            await self._rules.insert(root, self._body(name, ranges), request_id)
        for old in sorted(names - {name}):
            await self._rules.delete(root, old)

    def _body(self, name: str, ranges: tuple[str, ...]) -> dict[str, Any]:
        return {
            "name": name,
            "description": "SSH from Tradewind to the machines that it rents.",
            "network": f"global/networks/{self._network}",
            "direction": "INGRESS",
            "allowed": [{"IPProtocol": "tcp", "ports": [str(self._port)]}],
            "sourceRanges": list(ranges),
            "targetTags": [network_tag(self._access.installation_id)],
        }
