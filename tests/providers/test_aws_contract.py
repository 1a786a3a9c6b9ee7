"""Amazon EC2: the adapter against moto, behind a proxy that holds every request to botocore's model."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from tests.providers.aws_simulator import (
    ON_DEMAND,
    REGION,
    REGIONS,
    SPOT,
    AwsWorld,
    Price,
    is_call,
    refusal,
    stop_moto,
)
from tests.providers.mutating import Mutation
from tests.providers.office import Office
from tests.providers.suite import KEEP, ProviderContract, at_the_same_time, create_member, phase_of, scenario
from tests.providers.wire_server import Break, Fault, Reply, Request, WireServer
from tests.providers.world import INSTALLATION, World, node_key
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Market
from tradewind.domain.status import NodeStatus, Reason
from tradewind.providers.about import find_about
from tradewind.providers.access import machine_name
from tradewind.providers.aws.faults import FAULTS, HINTS, fault_of_code
from tradewind.providers.aws.permissions import TRIED
from tradewind.providers.base import MachinePhase
from tradewind.providers.normalising import NO_PRICE

MACHINES: Final = "tradewind.providers.aws.machines"
MUTATIONS: Final = (
    Mutation(MACHINES, '"ClientToken": name', '"ClientTokens": name'),
    Mutation(MACHINES, 'Behavior": "terminate"', 'Behavior": "stop"'),
    Mutation(MACHINES, '"DeleteOnTermination": True', '"DeleteOnTermination": False'),
    Mutation(MACHINES, '"HttpTokens": "required"', '"HttpTokens": "optional"'),
    Mutation(MACHINES, 'f"tag:{_OWNER}"', '"tag:owner"'),
    Mutation(MACHINES, '"MarketType": "spot"', '"MarketType": "on-demand"'),
    Mutation("tradewind.providers.aws.seeing", '"running": MachinePhase', '"runs": MachinePhase'),
    Mutation("tradewind.providers.aws.seeing", '"Server.SpotInstanceTermination"', '"Server.SpotEnd"'),
    Mutation("tradewind.providers.aws.faults", '"InsufficientInstanceCapacity"', '"NoInstanceCapacity"'),
    Mutation("tradewind.providers.aws.calling", '"total_max_attempts": 1', '"total_max_attempts": 3'),
    Mutation("tradewind.providers.aws.calling", 'parameters["NextToken"] = token', "return rows"),
    Mutation("tradewind.providers.aws.gangs", '"IpProtocol": "-1"', '"IpProtocol": "icmp"'),
    Mutation("tradewind.providers.aws.gangs", '"DependencyViolation"', '"DependentObject"'),
    Mutation("tradewind.providers.aws.gangs", '"delete_security_group"', '"delete_security_groups"'),
    Mutation("tradewind.providers.aws.gangs", "if self._is_old(group):", "if True:"),
    Mutation(MACHINES, '"tradewind-gang"', '"tradewind-key"'),
    Mutation("tradewind.providers.aws.gate", "stale = [each for each in ours", "stale = [each for each in ()"),
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def moto() -> Iterator[None]:
    """One moto for all tests here."""
    yield
    stop_moto()


# -- what a create call says ---------------------------------------------------------------------------------------


@asynccontextmanager
async def world_with(**settings: Any) -> AsyncIterator[AwsWorld]:
    """A world whose connection has further settings."""
    world = AwsWorld()
    world.further_settings = settings
    async with world:
        yield world


async def created(world: AwsWorld, market: str = "on_demand", number: int = 1) -> dict[str, str]:
    """The form of a create call."""
    await world.provider.create(await world.offer(market), node_key(number), world.clock.now() + KEEP)
    return last_call(world, "RunInstances")


def calls_of(world: AwsWorld, action: str) -> list[dict[str, str]]:
    return [each.request.body for each in world.server.exchanges if is_call(each.request, action)]


def last_call(world: AwsWorld, action: str) -> dict[str, str]:
    return calls_of(world, action)[-1]


async def test_a_machine_ends_itself_takes_its_disk_along_and_says_whose_it_is() -> None:
    async with AwsWorld() as world:
        body = await created(world)
        assert body["InstanceInitiatedShutdownBehavior"] == "terminate"
        assert body["MetadataOptions.HttpTokens"] == "required"
        assert body["BlockDeviceMapping.1.Ebs.DeleteOnTermination"] == "true"
        assert body["BlockDeviceMapping.1.Ebs.VolumeSize"] == "200"
        assert body["BlockDeviceMapping.1.DeviceName"] == "/dev/sda1"
        assert body["ImageId"] == world.state.images[REGION]
        assert "KeyName" not in body
        assert "InstanceMarketOptions.MarketType" not in body
        assert [body[f"TagSpecification.{number}.ResourceType"] for number in (1, 2, 3)] == [
            "instance", "volume", "network-interface",
        ]  # fmt: skip
        told = base64.b64decode(body["UserData"]).decode()
        document = json.loads(told.removeprefix("#cloud-config\n"))
        assert ["cloud-init-per", "once", "tradewind-guard", "shutdown", "-P", "+45"] in document["bootcmd"]
        (volume,) = world.backend().volumes.values()
        assert {each["key"]: each["value"] for each in volume.get_tags()}["tradewind"] == INSTALLATION


async def test_spot_is_asked_for_once_and_to_be_terminated() -> None:
    async with AwsWorld() as world:
        body = await created(world, "spot")
        options = {name: value for name, value in body.items() if name.startswith("InstanceMarketOptions")}
        assert options == {
            "InstanceMarketOptions.MarketType": "spot",
            "InstanceMarketOptions.SpotOptions.SpotInstanceType": "one-time",
            "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior": "terminate",
        }
        assert body["Placement.AvailabilityZone"].startswith(REGION)


async def test_how_a_machine_is_reached() -> None:
    async with world_with(ssh_port=2222, ssh_user="admin") as world:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        await world.boot()
        login = (await world.provider.get(handle)).login
        assert login is not None
        assert (login.port, login.user) == (2222, "admin")
        assert login.host.startswith("127.")
        assert login.host_keys == (world.access.host_key(node_key()).public,)
        (from_outside,) = calls_of(world, "AuthorizeSecurityGroupIngress")
        assert from_outside["IpPermissions.1.FromPort"] == "2222"


async def test_a_vpc_of_ones_own_and_a_placement_group() -> None:
    async with AwsWorld() as before:
        vpc = before.backend().create_vpc("10.0.0.0/16")
        zones = [f"{REGION}a", f"{REGION}b"]
        subnets = [
            before.backend().create_subnet(vpc.id, f"10.0.{number}.0/24", availability_zone=zone)
            for number, zone in enumerate(zones)
        ]
        before.further_settings = {"vpcs": {REGION: vpc.id}, "placement_group": "close", "disk_gb": 500}
        before.provider = before.connect()
        body = await created(before, "spot")
        in_zone = {each.availability_zone: each.id for each in subnets}
        assert body["NetworkInterface.1.SubnetId"] == in_zone[body["Placement.AvailabilityZone"]]
        assert len(in_zone) == 2
        assert body["NetworkInterface.1.AssociatePublicIpAddress"] == "true"
        assert body["Placement.GroupName"] == "close"
        assert body["BlockDeviceMapping.1.Ebs.VolumeSize"] == "500"
        assert "SecurityGroupId.1" not in body
        anywhere = await created(before, number=2)
        assert anywhere["NetworkInterface.1.SubnetId"] in in_zone.values()


async def test_where_there_is_no_default_vpc_the_user_is_told() -> None:
    async with AwsWorld() as world:
        world.server.faults.append(Fault(_no_vpcs(), lambda request: is_call(request, "DescribeVpcs")))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.INVALID
        assert "`vpcs`" in str(caught.value.hint)


def _no_vpcs() -> Reply:
    return Reply(text="<DescribeVpcsResponse><requestId>r</requestId><vpcSet/></DescribeVpcsResponse>")


async def test_a_repeated_create_with_another_image_finds_the_first_machine() -> None:
    async with AwsWorld() as world:
        offer = await world.offer()
        first = await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        world.state.images[REGION] = "ami-0a000000000000000"
        assert await world.connect().create(offer, node_key(), world.clock.now() + KEEP) == first
        assert len(world.living()) == 1


def _is(action: str) -> Callable[[Request], bool]:
    return lambda request: is_call(request, action)


async def amd_availability(world: AwsWorld) -> set[bool]:
    """Whether a machine type with a GPU of AMD's, which moto does not have, is to be had."""
    gpu = "<item><name>Radeon Pro V520</name><manufacturer>AMD</manufacturer><count>1</count></item>"
    kind = f"<instanceType>g4ad.xlarge</instanceType><gpuInfo><gpus>{gpu}</gpus></gpuInfo>"
    types = world.own("DescribeInstanceTypes", f"<instanceTypeSet><item>{kind}</item></instanceTypeSet>")
    place = f"<instanceType>g4ad.xlarge</instanceType><location>{REGION}a</location>"
    places = world.own(
        "DescribeInstanceTypeOfferings",
        f"<instanceTypeOfferingSet><item>{place}</item></instanceTypeOfferingSet>",
    )
    for action, reply in (("DescribeInstanceTypes", types), ("DescribeInstanceTypeOfferings", places)):
        world.server.faults.append(Fault(reply, _is(action)))
    offers = await world.connect().list_offers()
    return {each.is_available for each in offers if each.instance_type == "g4ad.xlarge"}


@pytest.mark.parametrize("code", ["IdempotentParameterMismatch", "IdempotentInstanceTerminated"])
async def test_a_repeated_create_after_the_end_makes_no_second_machine(code: str) -> None:
    async with AwsWorld() as world:
        offer = await world.offer()
        first = await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        await world.boot()
        await world.switch_off(machine_name(node_key()))
        world.server.faults.append(Fault(refusal(400, code, "as before"), world.is_create))
        again = await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert again == first
        assert (await world.provider.get(again)).phase is MachinePhase.GONE
        assert world.living() == []
        # A token that is known, and no machine: nobody knows what became of it.
        world.server.faults.append(Fault(refusal(400, code, "as before"), world.is_create))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(2), world.clock.now() + KEEP)
        assert caught.value.fault is FAULTS[code]


# -- images --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["no parameter", "may not read it", "an image that is gone"])
async def test_without_the_parameter_the_newest_image_of_amazons_is_taken(way: str) -> None:
    async with AwsWorld() as world:
        newest = world.state.images[REGION]
        if way == "no parameter":
            world.state.has_parameter = False
        elif way == "may not read it":
            world.state.denied.add("GetParameter")
        else:
            world.state.images[REGION] = "ami-0dead000000000000"
        assert (await created(world))["ImageId"] == newest


async def test_an_image_of_ones_own() -> None:
    async with world_with(ami=[f"{REGION}=ami-0a000000000000000"]) as world:
        assert (await created(world))["ImageId"] == "ami-0a000000000000000"
        # Whoever brings an image knows what it drives.
        assert await amd_availability(world) == {True}
    async with AwsWorld() as world:
        assert await amd_availability(world) == {False}
    async with world_with(ami="ami-0dead000000000000") as world:
        with pytest.raises(ProviderError, match="ami-0dead000000000000") as caught:
            await created(world)
        assert caught.value.fault is ProviderFault.INVALID


# -- who may come in -----------------------------------------------------------------------------------------------


def open_to(world: AwsWorld) -> set[str]:
    """From where the group lets in."""
    (group,) = (
        each for each in world.backend().describe_security_groups() if each.name.startswith("tradewind")
    )
    rules = group.ingress_rules
    port = world.ssh_port
    assert {(each.ip_protocol, each.from_port, each.to_port) for each in rules} == {("tcp", port, port)}
    return {each.ip_range.get("CidrIp") or each.ip_range["CidrIpv6"] for each in rules}


async def test_machines_of_one_gang_are_told_their_private_addresses() -> None:
    async with AwsWorld() as world:
        handles = [await create_member(world, number) for number in (1, 2)]
        await world.boot()
        views = [await world.provider.get(each) for each in handles]
        instances = world.backend().all_instances()
        assert [each.private_address for each in views] == [each.private_ip for each in instances]
        assert len({each.subnet_id for each in instances}) == 1
        (name,) = world.made_for_gangs()
        for each in instances:
            assert {group.name for group in each.security_groups} == {f"tradewind-{INSTALLATION}", name}
            assert {tag["key"]: tag["value"] for tag in each.get_tags()}["tradewind-gang"] == name
        open_to(world)
        # Each rule is made once.
        _, among_themselves = calls_of(world, "AuthorizeSecurityGroupIngress")
        assert among_themselves["IpPermissions.1.IpProtocol"] == "-1"
        assert among_themselves["IpPermissions.1.Groups.1.GroupId"] == among_themselves["GroupId"]


async def test_members_in_a_vpc_of_ones_own() -> None:
    async with AwsWorld() as world:
        vpc = world.backend().create_vpc("10.0.0.0/16")
        world.backend().create_subnet(vpc.id, "10.0.1.0/24", availability_zone=f"{REGION}a")
        world.further_settings = {"vpcs": {REGION: vpc.id}}
        world.provider = world.connect()
        handles = [await create_member(world, number) for number in (1, 2)]
        body = last_call(world, "RunInstances")
        groups = {body[f"NetworkInterface.1.SecurityGroupId.{number}"] for number in (1, 2)}
        found = {each.id: each for each in world.backend().describe_security_groups() if each.id in groups}
        assert {each.vpc_id for each in found.values()} == {vpc.id}
        assert world.reaches(*(machine_name(node_key(number)) for number in (1, 2)))
        for each in handles:
            await world.provider.terminate(each)
        await world.end()
        for each in handles:
            assert await phase_of(world, each) is MachinePhase.GONE
        assert world.made_for_gangs() == []


async def test_the_group_of_a_gang_stays_until_the_last_machine_is_gone() -> None:
    async with AwsWorld() as world:
        first, second = [await create_member(world, number) for number in (1, 2)]
        await world.boot()
        for handle, left in ((first, 1), (second, 0)):
            await world.provider.terminate(handle)
            await world.end()
            assert await phase_of(world, handle) is MachinePhase.GONE
            assert len(world.made_for_gangs()) == left


async def test_a_group_that_cannot_be_deleted_keeps_no_machine_and_is_tidied_away_later() -> None:
    async with AwsWorld() as world:
        handle = await create_member(world, 1)
        await world.boot()
        world.state.denied.add("DeleteSecurityGroup")
        await world.provider.terminate(handle)
        await world.end()
        assert await phase_of(world, handle) is MachinePhase.GONE
        await world.provider.list_owned()
        assert len(world.made_for_gangs()) == 1
        world.state.denied.clear()
        # One that is young may be about to get its first machine.
        await world.provider.list_owned()
        assert len(world.made_for_gangs()) == 1
        world.clock.advance(600)
        await world.provider.list_owned()
        assert world.made_for_gangs() == []


async def test_groups_with_machines_do_not_keep_others_from_being_tidied_away() -> None:
    async with AwsWorld() as world:
        first, second, third = [await create_member(world, number, number) for number in (1, 2, 3)]
        await world.boot()
        await world.switch_off(machine_name(node_key(2)))
        world.clock.advance(600)
        await world.provider.list_owned()
        kept = {str(each.values["gang"]) for each in (first, third)}
        assert set(world.made_for_gangs()) == kept
        assert second.values["gang"] not in kept


async def test_a_group_that_was_deleted_a_moment_ago_is_made_again() -> None:
    async with AwsWorld() as world:
        gone = refusal(400, "InvalidGroup.NotFound", "The security group does not exist")
        world.server.faults.append(Fault(gone, world.is_create))
        with pytest.raises(ProviderError) as caught:
            await create_member(world, 1)
        assert caught.value.fault is ProviderFault.PROVIDER_FAULT
        assert world.made_for_gangs() == []
        await create_member(world, 1)
        assert len(world.made_for_gangs()) == len(world.living()) == 1


async def test_a_group_that_somebody_else_makes_at_the_same_time_is_taken() -> None:
    async with AwsWorld() as world:
        made = await asyncio.gather(*(create_member(world, number) for number in (1, 2, 3)))
        assert len({each.values["gang"] for each in made}) == len(world.made_for_gangs()) == 1
        (group,) = [each for each in world.backend().describe_security_groups() if "-gang-" in each.name]
        assert len(group.ingress_rules) == 1
        assert len(world.uses(group.id)) == 3


async def test_only_this_control_plane_is_let_in_and_the_rule_follows_it() -> None:
    address = "203.0.113.9"

    async def tell(_request: Request) -> Reply:
        return Reply(text=f"{address}\n")

    async with WireServer(tell, None) as teller, world_with(ssh_from=None, address_url=teller.url) as world:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        await world.boot()
        assert open_to(world) == {"203.0.113.9/32"}
        asked = len(teller.exchanges)
        await world.provider.get(handle)
        assert len(teller.exchanges) == asked
        address = "198.51.100.4"
        world.clock.advance(181)
        await world.provider.get(handle)
        assert open_to(world) == {"198.51.100.4/32"}
        address = "2001:db8::7"
        await world.provider.create(await world.offer(), node_key(2), world.clock.now() + KEEP)
        assert "198.51.100.4/32" not in open_to(world)
        # Who cannot tell its address does not lose sight of its machines, and rents no more.
        address = "<html>"
        world.clock.advance(181)
        assert (await world.provider.get(handle)).phase is MachinePhase.READY
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(await world.offer(), node_key(3), world.clock.now() + KEEP)
        assert "ssh_from" in str(caught.value.hint)


async def test_rules_that_somebody_else_made_are_left_alone() -> None:
    async with world_with(ssh_from=["203.0.113.0/28", "203.0.113.200/32"]) as world:
        await created(world)
        backend = world.backend()
        (group,) = (each for each in backend.describe_security_groups() if each.name.startswith("tradewind"))
        backend.authorize_security_group_ingress(
            group.id,
            "tcp",
            world.ssh_port,
            world.ssh_port,
            [{"CidrIp": "192.0.2.1/32", "Description": "my laptop"}],
        )
        await created(world, number=2)
        assert open_to(world) == {"203.0.113.0/28", "203.0.113.200/32", "192.0.2.1/32"}


async def test_an_address_that_is_none_is_refused() -> None:
    async with world_with(ssh_from="everywhere") as world:
        with pytest.raises(ProviderError, match="everywhere") as caught:
            await created(world)
        assert caught.value.fault is ProviderFault.INVALID


# -- words and permissions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", sorted(FAULTS))
@pytest.mark.parametrize("status", [400, 503])
def test_the_code_decides_whatever_the_status(code: str, status: int) -> None:
    assert fault_of_code(code, status, ProviderFault.AMBIGUOUS) is FAULTS[code]


def test_a_code_that_nobody_knows() -> None:
    unsure = ProviderFault.AMBIGUOUS
    assert fault_of_code("InternalError", 500, unsure) is unsure
    assert fault_of_code("InvalidAMIID.NotFound", 400, unsure) is ProviderFault.INVALID
    assert fault_of_code("SomethingNew", 429, unsure) is ProviderFault.RATE_LIMIT
    assert set(HINTS) <= set(FAULTS)


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("InsufficientInstanceCapacity", ProviderFault.CAPACITY),
        ("Unsupported", ProviderFault.CAPACITY),
        ("SpotMaxPriceTooLow", ProviderFault.CAPACITY),
        ("MaxSpotInstanceCountExceeded", ProviderFault.QUOTA),
        ("VcpuLimitExceeded", ProviderFault.QUOTA),
        ("InvalidSubnetID.NotFound", ProviderFault.INVALID),
        ("InternalError", ProviderFault.AMBIGUOUS),
    ],
)
async def test_each_no_to_a_create_call_over_the_wire(code: str, fault: ProviderFault) -> None:
    async with AwsWorld() as world:
        status = 500 if code in ("InsufficientInstanceCapacity", "InternalError") else 400
        no = Fault(refusal(status, code, "no"), world.is_create, times=10)
        world.server.faults.append(no)
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is fault
        assert no.times == 9


async def test_a_machine_that_amazon_does_not_know() -> None:
    async with AwsWorld() as world:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        unknown = refusal(400, "InvalidInstanceID.NotFound", "The instance ID does not exist")
        world.server.faults.append(Fault(unknown, lambda request: is_call(request, "DescribeInstances")))
        with pytest.raises(ProviderError) as caught:
            await world.provider.get(handle)
        assert caught.value.fault is ProviderFault.NOT_FOUND
        world.server.faults.append(Fault(unknown, lambda request: is_call(request, "TerminateInstances")))
        await world.provider.terminate(handle)


async def test_missing_permissions_are_named() -> None:
    async with AwsWorld() as world:
        assert (await world.provider.examine()).missing == ()
        world.state.denied = {"RunInstances", "CreateSecurityGroup"}
        account = await world.provider.examine()
        assert sorted(account.missing) == ["ec2:CreateSecurityGroup", "ec2:RunInstances"]
        assert account.regions == tuple(sorted(REGIONS))
        assert account.identity.startswith("arn:aws:")
        assert world.living() == []


def allowed_actions() -> set[str]:
    """What the policy that `tradewind connect aws --policy` prints allows."""
    (policy,) = find_about("aws").policies
    actions = [each["Action"] for each in json.loads(policy.text())["Statement"]]
    return {action for each in actions for action in ([each] if isinstance(each, str) else each)}


async def test_every_call_is_in_the_policy() -> None:
    async with AwsWorld() as world:
        handle = await world.provider.create(await world.offer("spot"), node_key(), world.clock.now() + KEEP)
        await world.boot()
        await world.provider.get(handle)
        await world.provider.find(node_key())
        await world.provider.terminate(handle)
        member = await create_member(world, 2)
        await world.provider.terminate(member)
        await world.end()
        await world.provider.get(member)
        called = {
            f"ec2:{each.request.body['Action']}"
            for each in world.server.exchanges
            if "Action" in each.request.body
        }
    assert "ec2:DeleteSecurityGroup" in called
    assert called <= allowed_actions()
    assert set(TRIED) <= allowed_actions()
    assert {"ec2:RevokeSecurityGroupIngress", "ec2:CreateTags", "ssm:GetParameter"} <= allowed_actions()
    # Nothing is asked for that is never used.
    assert len(allowed_actions()) == len(TRIED) + 9


async def test_regions_that_the_account_may_not_use() -> None:
    async with world_with(regions=["mars-north-1"]) as world:
        with pytest.raises(ProviderError, match="mars-north-1") as caught:
            await world.provider.list_offers()
        assert REGION in str(caught.value.hint)


async def test_a_type_that_is_not_sold_there() -> None:
    async with AwsWorld() as world:
        offer = await world.offer("spot")
        for wrong in (replace(offer, instance_type="g9.nano"), replace(offer, zone=f"{REGION}z")):
            with pytest.raises(ProviderError) as caught:
                await world.provider.validate(wrong)
            assert caught.value.fault is ProviderFault.INVALID
        # Nor does the contract have it.
        assert {"g9.nano" in each for each in world.server.problems} == {True}
        world.server.problems.clear()


async def test_without_boto3_the_user_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    async with AwsWorld() as world:
        monkeypatch.setitem(sys.modules, "boto3", None)
        with pytest.raises(ProviderError, match="not installed") as caught:
            await world.provider.examine()
        assert caught.value.hint == "pip install 'tradewind[aws]'"


# -- the contract ----------------------------------------------------------------------------------------------------


class TestAwsContract(ProviderContract):
    world_type = AwsWorld

    @scenario(7)
    async def test_a_terminate_of_which_nothing_was_heard(self, world: World) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        world.server.faults.append(Fault(Break.AFTER, lambda request: is_call(request, "TerminateInstances")))
        await world.provider.terminate(handle)
        await world.end()
        assert world.living() == []

    @scenario(3)
    async def test_a_machine_that_ends_before_it_runs_for_lack_of_capacity(self, tmp_path: Path) -> None:
        async with AwsWorld() as world:
            office = Office(world, tmp_path)
            await office.open(await world.offer())
            await office.step()
            (made,) = world.state.instances.values()
            made.reason = ("Server.InsufficientInstanceCapacity", "Server.InsufficientInstanceCapacity: none")
            world.finish(made)
            node = await office.until(NodeStatus.GONE)
            assert "InsufficientInstanceCapacity" in (node.explanation or "")
            assert world.living() == []
            office.close()

    @scenario(6)
    async def test_a_reclaimed_machine_is_known_as_one(self, tmp_path: Path) -> None:
        async with AwsWorld() as world:
            office = Office(world, tmp_path)
            await office.open(await world.offer("spot"))
            node = await office.until(NodeStatus.READY)
            assert node.key is not None
            await world.reclaim(machine_name(node.key))
            assert (await office.until(NodeStatus.GONE)).reason is Reason.RECLAIMED
            office.close()

    @scenario(8)
    async def test_machines_are_found_in_every_region(self) -> None:
        async with world_with(regions=list(REGIONS)) as world:
            first = await world.offer()
            for number, region in enumerate(REGIONS, 1):
                offer = next(
                    each for each in await world.provider.list_offers()
                    if (each.region, each.market, each.instance_type) == (region, "on_demand", "g5.xlarge")
                )  # fmt: skip
                await world.provider.create(offer, node_key(number), world.clock.now() + KEEP)
            assert first.region == REGION
            owned = await world.connect().list_owned()
            assert {(each.key, each.handle.values["region"]) for each in owned} == {
                (node_key(number), region) for number, region in enumerate(REGIONS, 1)
            }
            found = await world.provider.find(node_key(2))
            assert found is not None
            assert found.values["region"] == REGIONS[1]

    @scenario(13)
    async def test_the_bill_of_a_spot_machine_follows_its_price(self, tmp_path: Path) -> None:
        async with AwsWorld() as world:
            office = Office(world, tmp_path)
            await office.open(await world.offer("spot"))
            await office.until(NodeStatus.READY)
            began_at = next(iter(world.state.instances.values())).began_at
            world.state.prices.append(Price(began_at + timedelta(hours=1), SPOT * 2))
            world.clock.advance(3 * 3600)
            await office.give_back()
            (bill,) = world.billed()
            assert bill.ended_at is not None
            hours = Decimal((bill.ended_at - began_at).total_seconds()) / 3600
            expected = (SPOT + 2 * SPOT * (hours - 1)) * 1_000_000
            assert abs(await office.charged_micro() - expected) < 1_000
            office.close()

    @scenario(13)
    async def test_less_than_a_minute_costs_a_minute(self, world: World, office: Office) -> None:
        assert (await world.offer()).rate.minimum == 60
        await office.step()
        world.clock.advance(20)
        await office.give_back()
        (bill,) = world.billed()
        assert bill.ended_at is not None
        assert (bill.ended_at - bill.began_at).total_seconds() < 60
        assert await office.charged_micro() == round(ON_DEMAND * 1_000_000 / 60)

    @scenario(10)
    async def test_spot_is_told_by_zone_and_what_cannot_be_driven_is_not_to_be_had(
        self, world: World
    ) -> None:
        offers = await world.provider.list_offers()
        spot = {each.zone or "": each for each in offers if each.market == Market.SPOT}
        assert sorted(spot) == [f"{REGION}a", f"{REGION}b"]
        assert {each.rate.micro_per_unit for each in spot.values()} == {402_100}
        assert {each.disk_bytes for each in offers} == {200 * 10**9}
        on_demand = {each.instance_type: each for each in offers if each.market == Market.ON_DEMAND}
        assert on_demand["g5.xlarge"].rate.micro_per_unit == 1_006_000
        assert (on_demand["p4d.24xlarge"].accelerator, on_demand["p4d.24xlarge"].accelerator_count) == (
            "A100-SXM-40GB", 8,
        )  # fmt: skip
        assert NO_PRICE in on_demand["p4d.24xlarge"].flags

    async def test_twenty_at_once(self, world: World) -> None:
        made = await at_the_same_time(20, world)
        assert not [each for each in made if isinstance(each, BaseException)]
        assert len(world.living()) == 20
        assert isinstance(world, AwsWorld)
        groups = [
            each for each in world.backend().describe_security_groups() if each.name.startswith("tradewind")
        ]
        assert [each.name for each in groups] == [f"tradewind-{INSTALLATION}"]
