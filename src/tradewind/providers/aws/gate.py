"""Who may reach the machines: one security group per installation and VPC, which lets in SSH from here only.

Who else reaches them, for an attempt on several, is up to the groups of gangs (`gangs.py`).

The address that this control plane is seen under can change. The rule follows it: it is looked at before each create
call, and every few minutes while machines are watched, so that one which cannot be reached any more can be again.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Final

import structlog

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.asking import asking, read_body
from tradewind.providers.aws.by_region import in_region
from tradewind.providers.aws.calling import Aws, AwsRefusalError
from tradewind.providers.renting import Setup

log = structlog.get_logger(__name__)
_TELLS_ADDRESS: Final = "https://checkip.amazonaws.com"
_BETWEEN_LOOKS_S: Final = 180.0
#: What our own rules say; rules that somebody else made in the group are left alone.
_OURS: Final = "tradewind control plane"


class Gate:
    """Settings: `ssh_from` (a CIDR, or several), else the address that `address_url` tells; `vpcs` (region to id)."""

    def __init__(self, setup: Setup, aws: Aws) -> None:
        self._wire = setup.wire
        self._aws = aws
        self._port = int(setup.wire.settings.get("ssh_port", 22))
        self._name = f"tradewind-{setup.access.installation_id}"
        self._installation_id = setup.access.installation_id
        self._looked_at_s: dict[str, float] = {}

    @property
    def is_fixed(self) -> bool:
        """Whether a setting says who may come in."""
        return bool(self._wire.settings.get("ssh_from"))

    async def open(self, region: str) -> tuple[str, str]:
        """The ids of the VPC and of the group there, which lets this control plane in."""
        sources = await self._sources()
        vpc = await self._vpc(region)
        group = await self._find(region, vpc)
        is_new = group is None
        if group is None:
            group = await self._make(region, vpc)
        try:
            await self._let_in(region, group, sources)
        except AwsRefusalError as error:
            if not (is_new and error.aws_code == "InvalidGroup.NotFound"):
                raise
            # Amazon does not know everywhere yet what it has just made.
            raise ProviderError(ProviderFault.PROVIDER_FAULT, error.message) from None
        self._looked_at_s[region] = self._wire.clock.monotonic()
        return vpc, str(group["GroupId"])

    async def follow(self, region: str) -> None:
        """Lets this control plane in again if its address is another one now. Never fails, and is rarely a call."""
        now_s = self._wire.clock.monotonic()
        if self.is_fixed or now_s - self._looked_at_s.get(region, float("-inf")) < _BETWEEN_LOOKS_S:
            return
        self._looked_at_s[region] = now_s
        try:
            await self.open(region)
        except ProviderError as error:
            log.warning("aws.rule_not_followed", region=region, error=error.message)

    async def _sources(self) -> tuple[str, ...]:
        given = self._wire.settings.get("ssh_from")
        if given:
            return tuple(_network(str(each)) for each in ([given] if isinstance(given, str) else given))
        url = str(self._wire.settings.get("address_url") or _TELLS_ADDRESS)
        try:
            async with asking(self._wire, "GET", url, headers={"accept": "text/plain"}) as answer:
                text = (
                    (await read_body(answer, "the service that tells addresses", 1024))
                    .decode("ascii")
                    .strip()
                )
            return (_network(str(ipaddress.ip_address(text))),)
        except (ProviderError, ValueError) as error:
            said = error.message if isinstance(error, ProviderError) else "it sent no address"
            raise ProviderError(
                ProviderFault.PROVIDER_FAULT,
                f"the address of this control plane is not known: {said}",
                hint="set `ssh_from` in the connection's settings to the addresses that may log in",
            ) from None

    async def _vpc(self, region: str) -> str:
        given = in_region(self._wire.settings.get("vpcs"), region)
        if given:
            return given
        found = await self._aws.pages(
            region, "describe_vpcs", "Vpcs", Filters=[{"Name": "is-default", "Values": ["true"]}]
        )
        if not found:
            raise ProviderError(
                ProviderFault.INVALID,
                f"{region} has no default VPC",
                hint="name one in the setting `vpcs`, or make it: aws ec2 create-default-vpc",
            )
        return str(found[0]["VpcId"])

    async def _find(self, region: str, vpc: str) -> dict[str, Any] | None:
        found = await self._aws.pages(
            region,
            "describe_security_groups",
            "SecurityGroups",
            Filters=[{"Name": "group-name", "Values": [self._name]}, {"Name": "vpc-id", "Values": [vpc]}],
        )
        return found[0] if found else None

    async def _make(self, region: str, vpc: str) -> dict[str, Any]:
        try:
            return await self._aws.change(
                region,
                "create_security_group",
                GroupName=self._name,
                Description="SSH from the Tradewind control plane",
                VpcId=vpc,
                TagSpecifications=[
                    {
                        "ResourceType": "security-group",
                        "Tags": [{"Key": "tradewind", "Value": self._installation_id}],
                    }
                ],
            )
        except AwsRefusalError as error:
            found = await self._find(region, vpc) if error.aws_code == "InvalidGroup.Duplicate" else None
            if found is None:
                raise
            return found

    async def _let_in(self, region: str, group: dict[str, Any], sources: tuple[str, ...]) -> None:
        ours, all_open = _open_to(group, self._port)
        missing = [each for each in sources if each not in all_open]
        stale = [each for each in ours if each not in sources]
        # The new one first: at no moment is nobody let in.
        for operation, cidrs in (
            ("authorize_security_group_ingress", missing),
            ("revoke_security_group_ingress", stale),
        ):
            if cidrs:
                await self._change_rule(region, operation, str(group["GroupId"]), cidrs)

    async def _change_rule(self, region: str, operation: str, group_id: str, cidrs: list[str]) -> None:
        permission: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": self._port, "ToPort": self._port}
        for cidr in cidrs:
            kind, name = ("Ipv6Ranges", "CidrIpv6") if ":" in cidr else ("IpRanges", "CidrIp")
            permission.setdefault(kind, []).append({name: cidr, "Description": _OURS})
        await self._change(region, operation, group_id, permission)

    async def _change(self, region: str, operation: str, group_id: str, permission: dict[str, Any]) -> None:
        try:
            await self._aws.change(
                region, operation, is_repeatable=True, GroupId=group_id, IpPermissions=[permission]
            )
        except AwsRefusalError as error:
            # Somebody was faster, or an answer was lost.
            if error.aws_code not in ("InvalidPermission.Duplicate", "InvalidPermission.NotFound"):
                raise


def _open_to(group: dict[str, Any], port: int) -> tuple[list[str], set[str]]:
    """From where the port can be reached: by our own rules, and by any."""
    ours, all_open = [], set()
    for permission in group.get("IpPermissions") or []:
        if (permission.get("IpProtocol"), permission.get("FromPort"), permission.get("ToPort")) != (
            "tcp",
            port,
            port,
        ):
            continue
        for each in [*(permission.get("IpRanges") or []), *(permission.get("Ipv6Ranges") or [])]:
            cidr = str(each.get("CidrIp") or each.get("CidrIpv6"))
            all_open.add(cidr)
            if each.get("Description") == _OURS:
                ours.append(cidr)
    return ours, all_open


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ProviderError(
            ProviderFault.INVALID, f"`ssh_from` has {text!r}, which is no network (such as 203.0.113.7/32)"
        ) from None
