"""One security group for each gang: its machines let each other in, at all ports, and nobody else.

The group is made before the first machine of the gang, and deleted when the last one is gone. Amazon itself deletes no
group that a machine is in. What a server that was killed in between leaves behind is deleted later, once it is older
than any create call: when it was made is in its tags, for Amazon does not tell.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.access import gang_name, gang_prefix
from tradewind.providers.aws.calling import Aws, AwsRefusalError
from tradewind.providers.renting import Setup

log = structlog.get_logger(__name__)
_OWNER: Final = "tradewind"
_MADE: Final = "tradewind-made"
_OF_OURS: Final = "machines of one job"
#: A create call makes its machine within so long of the group.
_YOUNG: Final = timedelta(minutes=10)
#: It is gone already, or another machine is in it.
_NOT_NOW: Final = frozenset({"InvalidGroup.NotFound", "DependencyViolation", "InvalidGroup.InUse"})


class GangGroups:
    """The security groups of all gangs of one installation."""

    def __init__(self, setup: Setup, aws: Aws) -> None:
        self._clock = setup.wire.clock
        self._aws = aws
        self._installation_id = setup.access.installation_id

    def name_of(self, gang: str) -> str:
        """What the gang is called at Amazon."""
        return gang_name(self._installation_id, gang)

    async def open(self, region: str, vpc: str, name: str) -> str:
        """The id of the group, whose machines let each other in. Raises ProviderError."""
        found = await self._find(region, name, vpc)
        group = found[0] if found else await self._make(region, vpc, name)
        group_id = str(group["GroupId"])
        if not _lets_in(group, group_id):
            await self._let_in_each_other(region, group_id)
        return group_id

    async def _find(self, region: str, name: str, vpc: str | None = None) -> list[dict[str, Any]]:
        filters = [{"Name": "group-name", "Values": [name]}]
        if vpc is not None:
            filters.append({"Name": "vpc-id", "Values": [vpc]})
        return await self._aws.pages(region, "describe_security_groups", "SecurityGroups", Filters=filters)

    async def _make(self, region: str, vpc: str, name: str) -> dict[str, Any]:
        tags = {_OWNER: self._installation_id, _MADE: self._clock.now().isoformat()}
        try:
            return await self._aws.change(
                region,
                "create_security_group",
                GroupName=name,
                Description="Machines that Tradewind rents for one job reach each other",
                VpcId=vpc,
                TagSpecifications=[
                    {
                        "ResourceType": "security-group",
                        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                    }
                ],
            )
        except AwsRefusalError as error:
            found = await self._find(region, name, vpc) if error.aws_code == "InvalidGroup.Duplicate" else []
            if not found:
                raise
            return found[0]

    async def _let_in_each_other(self, region: str, group_id: str) -> None:
        permission = {
            "IpProtocol": "-1",
            "UserIdGroupPairs": [{"GroupId": group_id, "Description": _OF_OURS}],
        }
        try:
            await self._aws.change(
                region,
                "authorize_security_group_ingress",
                is_repeatable=True,
                GroupId=group_id,
                IpPermissions=[permission],
            )
        except AwsRefusalError as error:
            if error.aws_code == "InvalidGroup.NotFound":
                # Amazon does not know everywhere yet what it has just made.
                raise ProviderError(ProviderFault.PROVIDER_FAULT, error.message) from None
            # Somebody was faster, or an answer was lost.
            if error.aws_code != "InvalidPermission.Duplicate":
                raise

    async def release(self, region: str, name: str) -> None:
        """Deletes the group, unless a machine is in it. Never fails: what is left is tidied later."""
        try:
            for group in await self._find(region, name):
                await self._delete(region, group)
        except ProviderError as error:
            log.warning("aws.gang_not_released", region=region, group=name, error=error.message)

    async def _delete(self, region: str, group: dict[str, Any]) -> None:
        try:
            await self._aws.change(
                region, "delete_security_group", is_repeatable=True, GroupId=str(group["GroupId"])
            )
        except AwsRefusalError as error:
            if error.aws_code not in _NOT_NOW:
                raise

    async def tidy(self, region: str) -> None:
        """Deletes the groups of gangs that have no machine, and are not being made. Never fails."""
        name = f"{gang_prefix(self._installation_id)}*"
        try:
            for group in await self._find(region, name):
                if self._is_old(group):
                    await self._delete(region, group)
        except ProviderError as error:
            log.warning("aws.gangs_not_tidied", region=region, error=error.message)

    def _is_old(self, group: dict[str, Any]) -> bool:
        tags = {each["Key"]: each["Value"] for each in group.get("Tags") or []}
        try:
            made_at = datetime.fromisoformat(str(tags.get(_MADE)))
        except ValueError:
            return False
        return made_at.tzinfo is not None and self._clock.now() - made_at >= _YOUNG


def _lets_in(group: dict[str, Any], group_id: str) -> bool:
    """True if the machines of a group are let in with all they send."""
    return any(
        each.get("GroupId") == group_id
        for permission in group.get("IpPermissions") or []
        if permission.get("IpProtocol") == "-1"
        for each in permission.get("UserIdGroupPairs") or []
    )
