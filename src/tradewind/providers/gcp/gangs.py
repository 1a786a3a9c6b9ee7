"""One firewall rule for each gang: its machines reach each other at their internal addresses, at all ports.

The rule is made before the first machine of the gang, and deleted when none of them is there any more. What a server
that was killed in between leaves behind is deleted later: a rule of a gang without machines, once it is old enough that
no machine can be on its way.
"""

from __future__ import annotations

from collections.abc import Set
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from tradewind.domain.clock import Clock
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.access import Access, gang_name, gang_prefix
from tradewind.providers.gcp.instance import GANG_LABEL
from tradewind.providers.gcp.places import scoped
from tradewind.providers.gcp.rules import Rules
from tradewind.providers.rest import Rest

log = structlog.get_logger(__name__)
#: Looked after so often while machines are watched: somebody may have deleted it.
_GOOD_FOR_S: Final = 300.0
#: After a failure, while machines are watched.
_AGAIN_S: Final = 60.0
#: A create call makes its machine within so long of the rule.
_YOUNG: Final = timedelta(minutes=10)


class GangRules:
    """The rules of all gangs of one installation. A gang's name here is that of its rule, label and network tag."""

    def __init__(self, api: Rest, clock: Clock, access: Access, network: str) -> None:
        self._api = api
        self._clock = clock
        self._installation_id = access.installation_id
        self._network = network
        self._rules = Rules(api, clock)
        self._good_until: dict[str, float] = {}
        self._troubles: dict[str, tuple[float, str]] = {}

    def name_of(self, gang: str) -> str:
        """What the gang is called at Google."""
        return gang_name(self._installation_id, gang)

    async def ensure(self, root: str, name: str) -> None:
        """The rule is there. Raises ProviderError. `root` is the project's path."""
        if self._clock.monotonic() < self._good_until.get(name, float("-inf")):
            return
        if name not in {str(each["name"]) for each in await self._rules.called(root, name)}:
            # Without a request id: one that is made again after it was deleted would be taken for a repeated call.
            await self._rules.insert(root, self._body(name))
        self._good_until[name] = self._clock.monotonic() + _GOOD_FOR_S

    def _body(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "description": "Machines that Tradewind rents for one job reach each other.",
            "network": f"global/networks/{self._network}",
            "direction": "INGRESS",
            "allowed": [{"IPProtocol": "all"}],
            "sourceTags": [name],
            "targetTags": [name],
        }

    async def refresh(self, root: str, name: str) -> str | None:
        """As `ensure`, while machines run: a failure is no reason to lose sight of them. Returns what went wrong."""
        until, said = self._troubles.get(name, (float("-inf"), ""))
        if self._clock.monotonic() < until:
            return said
        try:
            await self.ensure(root, name)
        except ProviderError as error:
            said = f"the firewall rule of its gang cannot be kept up: {error.message}"
            self._troubles[name] = (self._clock.monotonic() + _AGAIN_S, said)
            return said
        return None

    async def release(self, root: str, name: str) -> None:
        """Deletes the rule, unless there still is a machine of the gang.

        Raises:
            ProviderError: not where it may not be deleted: that is no reason to wait for ever.
        """
        wanted = f'labels.{GANG_LABEL} = "{name}"'
        async for _ in scoped(self._api, root, "instances", wanted):
            return
        self._good_until.pop(name, None)
        self._troubles.pop(name, None)
        try:
            await self._rules.delete(root, name)
        except ProviderError as error:
            if error.fault is not ProviderFault.PERMISSION:
                raise
            log.warning("gcp.gang_not_released", rule=name, error=error.message)

    async def tidy(self, root: str, in_use: Set[str]) -> None:
        """Deletes the rules of gangs that have no machine, and are not being made. Never fails."""
        try:
            for rule in await self._rules.called(root, gang_prefix(self._installation_id)):
                name = str(rule["name"])
                if name not in in_use and self._is_old(rule):
                    await self.release(root, name)
        except ProviderError as error:
            log.warning("gcp.gangs_not_tidied", error=error.message)

    def _is_old(self, rule: dict[str, Any]) -> bool:
        try:
            made_at = datetime.fromisoformat(str(rule.get("creationTimestamp")))
        except ValueError:
            return False
        return made_at.tzinfo is not None and self._clock.now() - made_at.astimezone(UTC) >= _YOUNG
