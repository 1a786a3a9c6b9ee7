"""Rents Amazon EC2 instances, on demand and spot.

A create call carries a token that is made from the machine's key: saying it again makes no second machine. Machines are
told apart by tags, end themselves when they switch off, and take their disk with them.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Capabilities, CreateIdempotency, Market, Offer, SelfTermination
from tradewind.providers.access import machine_name
from tradewind.providers.aws.by_region import in_region
from tradewind.providers.aws.calling import Aws, AwsRefusalError
from tradewind.providers.aws.gangs import GangGroups
from tradewind.providers.aws.gate import Gate
from tradewind.providers.aws.images import Image, Images, disk_gb_for
from tradewind.providers.aws.offers import Offers
from tradewind.providers.aws.permissions import find_missing, who
from tradewind.providers.aws.seeing import SpotPrices, ended_at_of, explain, phase_of, was_reclaimed
from tradewind.providers.aws.types import MachineTypes
from tradewind.providers.base import (
    Account,
    Handle,
    MachinePhase,
    MachineView,
    OwnedMachine,
)
from tradewind.providers.renting import Setup, login_for

#: Offers are looked for in these, unless the setting `regions` names others.
_REGIONS: Final = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1")
_DISK_GB: Final = 200
_GB: Final = 10**9
#: A machine that nobody ever logs in to switches itself off after this long.
_GUARD_S: Final = 45 * 60
_USER: Final = "ubuntu"
_OWNER: Final = "tradewind"
_KEY: Final = "tradewind-key"
_GANG: Final = "tradewind-gang"
_TAGGED: Final = ("instance", "volume", "network-interface")
_PAGE: Final = 200
#: A create call with this token has made a machine before, which is there or has ended.
_SAID_BEFORE: Final = ("IdempotentParameterMismatch", "IdempotentInstanceTerminated")
CAPABILITIES: Final = Capabilities(
    create_idempotency=CreateIdempotency.TOKEN,
    self_termination=SelfTermination.POWEROFF_ENDS_BILLING,
    list_lag=timedelta(minutes=1),
    boot_timeout=timedelta(minutes=15),
    has_spot=True,
    reclaim_notice="ec2",
    has_multi_node=True,
    gaps={
        "has_images": "commands run on Amazon's image with NVIDIA's driver, not in a container",
        "has_mig": "whole accelerators only",
        "can_stop_and_start": "machines are terminated, not stopped: a stopped one's disk goes on costing money",
    },
)


class AwsMachines:
    """A `MachineProvider` on Amazon EC2."""

    id = "aws"
    capabilities = CAPABILITIES

    def __init__(self, setup: Setup) -> None:
        wire, settings = setup.wire, setup.wire.settings
        self._setup = setup
        self._user = str(settings.get("ssh_user") or _USER)
        self._home = wire.credentials.get("AWS_DEFAULT_REGION") or _REGIONS[0]
        self._aws = Aws(setup)
        self._types = MachineTypes(self._aws)
        self._images = Images(self._aws, wire.clock, settings.get("ami"))
        self._gate = Gate(setup, self._aws)
        self._gangs = GangGroups(setup, self._aws)
        disk_bytes = int(settings.get("disk_gb") or _DISK_GB) * _GB
        self._offers = Offers(setup, self._aws, self._types, disk_bytes)
        self._prices = SpotPrices(self._aws, wire.clock)

    # -- the account ---------------------------------------------------------------------------------------------

    async def examine(self) -> Account:
        identity = await who(self._aws, self._home)
        enabled = await self._enabled()
        return Account(
            identity=identity,
            regions=enabled,
            missing=await find_missing(self._aws, self._home),
            notes=(
                f"Permissions were tried in {self._home}, by dry runs; those for tagged things only are not tried.",
                "Quotas are not read: AWS counts vCPUs of each family, on-demand and spot apart.",
            ),
        )

    async def _enabled(self) -> tuple[str, ...]:
        """The regions that this account may use."""
        answer = await self._aws.read("ec2", self._home, "describe_regions", AllRegions=False)
        return tuple(sorted(str(each["RegionName"]) for each in answer["Regions"]))

    async def list_offers(self) -> list[Offer]:
        enabled = await self._enabled()
        wanted = self._setup.wire.settings.get("regions")
        if wanted:
            unknown = sorted(set(wanted) - set(enabled))
            if unknown:
                raise ProviderError(
                    ProviderFault.INVALID,
                    f"the account may not use {', '.join(unknown)}",
                    hint=f"its regions: {', '.join(enabled)}",
                )
            return await self._offers.fetch(wanted)
        return await self._offers.fetch(each for each in _REGIONS if each in enabled)

    async def validate(self, offer: Offer) -> None:
        await self._types.get(offer.region, offer.instance_type)
        zones = (await self._offers.zones(offer.region, [offer.instance_type])).get(offer.instance_type)
        if not zones or (offer.zone and offer.zone not in zones):
            where = ", ".join(sorted(zones or ())) or "no zone"
            raise ProviderError(
                ProviderFault.INVALID,
                f"{offer.instance_type} is not sold in {offer.zone or offer.region} (it is in: {where})",
            )

    # -- machines ------------------------------------------------------------------------------------------------

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        return await self._create(offer, key, None)

    async def create_member(self, offer: Offer, key: str, keep_until: datetime, gang: str) -> Handle:
        name = self._gangs.name_of(gang)
        try:
            return await self._create(offer, key, name)
        except ProviderError as error:
            if error.fault is not ProviderFault.AMBIGUOUS:
                await self._gangs.release(offer.region, name)
            raise

    async def _create(self, offer: Offer, key: str, gang: str | None) -> Handle:
        machine_type = await self._types.get(offer.region, offer.instance_type)
        image = await self._images.find(offer.region, machine_type.architecture)
        vpc, group = await self._gate.open(offer.region)
        groups = [group]
        if gang is not None:
            groups.append(await self._gangs.open(offer.region, vpc, gang))
        network = await self._network(offer, vpc, groups, key)
        request = self._request(offer, key, image, gang) | network
        try:
            answer = await self._aws.change(offer.region, "run_instances", **request)
        except AwsRefusalError as error:
            if gang is not None and error.aws_code == "InvalidGroup.NotFound":
                # Not known everywhere yet, or deleted a moment ago: the next call makes it again.
                raise ProviderError(ProviderFault.PROVIDER_FAULT, error.message) from None
            if error.aws_code not in _SAID_BEFORE:
                raise
            # An earlier call with this token, perhaps with another image or group, had its effect.
            found = await self._find_in(offer.region, key, or_gone=True)
            if found is None:
                raise
            return found
        return _handle(answer["Instances"][0], offer.region, key)

    def _request(self, offer: Offer, key: str, image: Image, gang: str | None) -> dict[str, Any]:
        access, settings = self._setup.access, self._setup.wire.settings
        name = machine_name(key)
        tags = [
            {"Key": "Name", "Value": name},
            {"Key": _OWNER, "Value": access.installation_id},
            {"Key": _KEY, "Value": key},
        ]
        if gang is not None:
            tags.append({"Key": _GANG, "Value": gang})
        disk = {
            "VolumeSize": disk_gb_for(
                offer.disk_bytes or int(settings.get("disk_gb") or _DISK_GB) * _GB, image
            ),
            "VolumeType": "gp3",
            "DeleteOnTermination": True,
        }
        request: dict[str, Any] = {
            "ImageId": image.id,
            "InstanceType": offer.instance_type,
            "MinCount": 1,
            "MaxCount": 1,
            "ClientToken": name,
            "UserData": access.user_data(key, user=self._user, guard_s=_GUARD_S),
            "InstanceInitiatedShutdownBehavior": "terminate",
            "MetadataOptions": {"HttpEndpoint": "enabled", "HttpTokens": "required"},
            "BlockDeviceMappings": [{"DeviceName": image.root_device, "Ebs": disk}],
            "TagSpecifications": [{"ResourceType": each, "Tags": tags} for each in _TAGGED],
        }
        placement = {
            "AvailabilityZone": offer.zone,
            "GroupName": settings.get("placement_group"),
        }
        placement = {name: value for name, value in placement.items() if value}
        if placement:
            request["Placement"] = placement
        if offer.market == Market.SPOT:
            request["InstanceMarketOptions"] = {
                "MarketType": "spot",
                "SpotOptions": {
                    "SpotInstanceType": "one-time",
                    "InstanceInterruptionBehavior": "terminate",
                },
            }
        return request

    async def _network(self, offer: Offer, vpc: str, groups: list[str], key: str) -> dict[str, Any]:
        """Where the machine is connected: in a default VPC Amazon chooses the subnet, in any other one we do."""
        if not in_region(self._setup.wire.settings.get("vpcs"), offer.region):
            return {"SecurityGroupIds": groups}
        filters = [{"Name": "vpc-id", "Values": [vpc]}]
        if offer.zone:
            filters.append({"Name": "availability-zone", "Values": [offer.zone]})
        subnets = await self._aws.pages(offer.region, "describe_subnets", "Subnets", Filters=filters)
        if not subnets:
            raise ProviderError(ProviderFault.INVALID, f"{vpc} has no subnet in {offer.zone or offer.region}")
        # The same key gives the same subnet, however often it is asked for; different keys spread.
        names = sorted(str(each["SubnetId"]) for each in subnets)
        chosen = names[sum(key.encode()) % len(names)]
        interface = {
            "DeviceIndex": 0,
            "SubnetId": chosen,
            "Groups": groups,
            "AssociatePublicIpAddress": self._setup.wire.settings.get("address") != "private",
            "DeleteOnTermination": True,
        }
        return {"NetworkInterfaces": [interface]}

    async def find(self, key: str) -> Handle | None:
        regions = await self._enabled()
        found = await asyncio.gather(*(self._find_in(each, key) for each in regions))
        return next((each for each in found if each is not None), None)

    async def _find_in(self, region: str, key: str, *, or_gone: bool = False) -> Handle | None:
        found = await self._instances(region, {f"tag:{_KEY}": key})
        there = [each for each in found if phase_of(each) is not MachinePhase.GONE]
        chosen = there or (found if or_gone else [])
        return _handle(chosen[0], region, key) if chosen else None

    async def get(self, handle: Handle) -> MachineView:
        region, key = str(handle.values["region"]), str(handle.values["key"])
        answer = await self._aws.read("ec2", region, "describe_instances", InstanceIds=[handle.values["id"]])
        instances = [each for row in answer["Reservations"] for each in row["Instances"]]
        if not instances:
            raise ProviderError(ProviderFault.NOT_FOUND, f"Amazon does not know {handle.values['id']}")
        instance = instances[0]
        phase, address = phase_of(instance), self._address(instance)
        if phase is MachinePhase.READY and not address:
            phase = MachinePhase.STARTING
        if phase is MachinePhase.READY:
            await self._gate.follow(region)
        login = login_for(self._setup, key, address, user=_USER) if address else None
        if phase is MachinePhase.GONE and "gang" in handle.values:
            await self._gangs.release(region, str(handle.values["gang"]))
        ended_at = ended_at_of(instance) if phase is MachinePhase.GONE else None
        return MachineView(
            phase=phase,
            login=login,
            private_address=instance.get("PrivateIpAddress"),
            explanation=explain(instance),
            was_reclaimed=was_reclaimed(instance),
            billed_from=instance["LaunchTime"].astimezone(UTC),
            billed_until=ended_at,
            price_changes=await self._prices.changes(instance, region, ended_at),
        )

    def _address(self, instance: dict[str, Any]) -> str | None:
        kind = (
            "PrivateIpAddress" if self._setup.wire.settings.get("address") == "private" else "PublicIpAddress"
        )
        address = instance.get(kind)
        return str(address) if address else None

    async def keep(self, handle: Handle, until: datetime) -> None:
        return

    async def terminate(self, handle: Handle) -> None:
        region, ids = str(handle.values["region"]), [handle.values["id"]]
        try:
            await self._aws.change(region, "terminate_instances", is_repeatable=True, InstanceIds=ids)
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise

    async def list_owned(self) -> list[OwnedMachine]:
        regions = await self._enabled()
        owner = self._setup.access.installation_id
        found = await asyncio.gather(*(self._instances(each, {f"tag:{_OWNER}": owner}) for each in regions))
        await asyncio.gather(*(self._gangs.tidy(each) for each in regions))
        owned = []
        for region, instances in zip(regions, found, strict=True):
            for each in instances:
                key = _tags(each).get(_KEY, "")
                if key.startswith(f"{owner}/"):
                    owned.append(
                        OwnedMachine(key=key, handle=_handle(each, region, key), phase=phase_of(each))
                    )
        return owned

    async def _instances(self, region: str, wanted: dict[str, str]) -> list[dict[str, Any]]:
        rows = await self._aws.pages(
            region,
            "describe_instances",
            "Reservations",
            Filters=[{"Name": name, "Values": [value]} for name, value in wanted.items()],
            MaxResults=_PAGE,
        )
        return [each for row in rows for each in row["Instances"]]


def _handle(instance: dict[str, Any], region: str, key: str) -> Handle:
    values = {"id": str(instance["InstanceId"]), "region": region, "key": key}
    gang = _tags(instance).get(_GANG)
    return Handle(values if gang is None else values | {"gang": gang})


def _tags(instance: dict[str, Any]) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in instance.get("Tags") or []}
