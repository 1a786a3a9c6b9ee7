"""Where machines stand: a resource group, a virtual network and a firewall for each installation and region.

They cost nothing and stay. The firewall lets in SSH from the addresses in the setting `ssh_from`, and lets the machines
reach each other, for jobs on several; rules that somebody else adds to it are left alone.
"""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any, Final

import structlog

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.access import name_prefix
from tradewind.providers.azure.arm import FIREWALL, NETWORK, Arm
from tradewind.providers.renting import Setup

log = structlog.get_logger(__name__)
_SUBNET: Final = "machines"
_NETWORK_RANGE: Final = "10.83.0.0/16"
_SUBNET_RANGE: Final = "10.83.0.0/20"
_SSH_RULE: Final = "tradewind-ssh"
_MACHINES_RULE: Final = "tradewind-machines"


class Networks:
    """Settings: `ssh_from` (a network such as 203.0.113.7/32, or several), `ssh_port`, `resource_group`."""

    def __init__(self, setup: Setup, arm: Arm) -> None:
        self._settings = setup.wire.settings
        self._installation_id = setup.access.installation_id
        self._arm = arm
        self._lock = asyncio.Lock()
        self._ready: set[str] = set()
        self._followed: set[str] = set()

    @property
    def own_group(self) -> str | None:
        """The group that the user has named, in which everything is then made."""
        return str(self._settings.get("resource_group") or "") or None

    @property
    def port(self) -> int:
        """Where machines answer."""
        return int(self._settings.get("ssh_port", 22))

    def group_of(self, region: str) -> str:
        """The name of the group for machines of a region. Raises ProviderError for what is no region."""
        if not (region.isascii() and region.isalnum()):
            raise ProviderError(ProviderFault.INVALID, f"Azure has no region {region!r}")
        return self.own_group or f"{name_prefix(self._installation_id)}{region}-group"

    def tags(self) -> dict[str, str]:
        """What all things of this installation are marked with."""
        return {"tradewind": self._installation_id}

    async def open(self, region: str) -> str:
        """The id of the subnet there, behind a firewall that lets this control plane in."""
        group, name = self.group_of(region), self._name(region)
        async with self._lock:
            if region not in self._ready:
                sources = self.sources()
                if self.own_group is None:
                    await self._arm.group(group, region, self.tags())
                await self._let_in(group, name, region, sources)
                await self._lay(group, name, region)
                self._ready.add(region)
        return f"{self._arm.id_of(NETWORK, group, name)}/subnets/{_SUBNET}"

    async def follow(self, region: str) -> None:
        """After a start: machines that are there already are behind the firewall of the settings as they are now."""
        if region in self._ready | self._followed or not self._settings.get("ssh_from"):
            return
        self._followed.add(region)
        try:
            await self.open(region)
        except ProviderError as error:
            log.warning("azure.firewall_not_followed", region=region, error=error.message)

    def forget(self, region: str) -> None:
        """Something there is not as it was: the next machine has it looked over."""
        self._ready.discard(region)

    def sources(self) -> list[str]:
        """From where machines may be logged in to. Raises ProviderError where the settings do not say."""
        given = self._settings.get("ssh_from")
        if not given:
            raise ProviderError(
                ProviderFault.INVALID,
                "nothing says from where the machines may be logged in to",
                hint="set `ssh_from` in the connection's settings to this server's address, such as 203.0.113.7/32",
            )
        texts = [given] if isinstance(given, str) else list(given)
        try:
            return sorted({str(ipaddress.ip_network(str(each).strip())) for each in texts})
        except ValueError:
            raise ProviderError(
                ProviderFault.INVALID,
                f"`ssh_from` is {given!r}, which is no network (such as 203.0.113.7/32)",
            ) from None

    def _name(self, region: str) -> str:
        return f"{name_prefix(self._installation_id)}{region}-net"

    async def _let_in(self, group: str, name: str, region: str, sources: list[str]) -> None:
        found = await self._arm.get(FIREWALL, group, name) or {}
        rules = (found.get("properties") or {}).get("securityRules") or []
        ours = [self._ssh_rule(sources), self._machines_rule()]
        if all(any(_is_like(each, rule) for each in rules) for rule in ours):
            return
        others = [each for each in rules if each.get("name") not in (_SSH_RULE, _MACHINES_RULE)]
        body = {"location": region, "tags": self.tags(), "properties": {"securityRules": [*others, *ours]}}
        await self._arm.make(FIREWALL, group, name, body)

    def _ssh_rule(self, sources: list[str]) -> dict[str, Any]:
        return {
            "name": _SSH_RULE,
            "properties": {
                "description": "SSH from the Tradewind control plane",
                "protocol": "Tcp",
                "sourcePortRange": "*",
                "destinationPortRange": str(self.port),
                "sourceAddressPrefixes": sources,
                "destinationAddressPrefix": "*",
                "access": "Allow",
                "priority": 100,
                "direction": "Inbound",
            },
        }

    def _machines_rule(self) -> dict[str, Any]:
        """Azure's own default says so too, but comes after whatever somebody adds."""
        return {
            "name": _MACHINES_RULE,
            "properties": {
                "description": "Tradewind's machines among themselves",
                "protocol": "*",
                "sourcePortRange": "*",
                "destinationPortRange": "*",
                "sourceAddressPrefix": _SUBNET_RANGE,
                "destinationAddressPrefix": _SUBNET_RANGE,
                "access": "Allow",
                "priority": 110,
                "direction": "Inbound",
            },
        }

    async def _lay(self, group: str, name: str, region: str) -> None:
        found = await self._arm.get(NETWORK, group, name)
        if found is not None and (found.get("properties") or {}).get("provisioningState") == "Succeeded":
            return
        firewall = {"id": self._arm.id_of(FIREWALL, group, name)}
        subnet = {"addressPrefix": _SUBNET_RANGE, "networkSecurityGroup": firewall}
        body = {
            "location": region,
            "tags": self.tags(),
            "properties": {
                "addressSpace": {"addressPrefixes": [_NETWORK_RANGE]},
                "subnets": [{"name": _SUBNET, "properties": subnet}],
            },
        }
        await self._arm.make(NETWORK, group, name, body)


def _is_like(rule: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """True where the rule says all that is wanted; Azure adds to it."""
    said, ours = rule.get("properties") or {}, wanted["properties"]
    return rule.get("name") == wanted["name"] and all(
        sorted(said.get(name) or []) == value if isinstance(value, list) else said.get(name) == value
        for name, value in ours.items()
    )
