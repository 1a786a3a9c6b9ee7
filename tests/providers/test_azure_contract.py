"""Azure: the adapter against a simulator that is held to Microsoft's published API in both directions."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest

from tests.providers.azure_contract import azure_contract
from tests.providers.azure_simulator import (
    ADDRESS,
    CLIENT,
    DISK,
    FIREWALL,
    INTERFACE,
    MACHINE,
    MICRO_PER_HOUR,
    REGION,
    SECRET,
    SIZE,
    SUBSCRIPTION,
    TENANT,
    AzureCloud,
    refusal,
)
from tests.providers.contracts import Contract
from tests.providers.mutating import Mutation
from tests.providers.office import Office
from tests.providers.suite import KEEP, ProviderContract, assert_tells_no_secret, phase_of, scenario
from tests.providers.wire_server import Reply, Request
from tests.providers.world import INSTALLATION, Billed, Living, World, node_key
from tradewind.control import refusals
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Market, Offer
from tradewind.domain.status import NodeStatus, Reason
from tradewind.providers.access import machine_name
from tradewind.providers.azure.bodies import USER
from tradewind.providers.base import Handle, MachinePhase
from tradewind.providers.normalising import GIB, Machine, make_offer, read_amount

_QUOTA: Final = (
    "Operation could not be completed as it results in exceeding approved Total Regional Cores quota."
)
_MAY_NOT: Final = (
    f"The client '{CLIENT}' with object id 'f00' does not have authorization to perform action "
    "'Microsoft.Compute/virtualMachines/write' over scope '/subscriptions/s' or the scope is invalid."
)


class AzureWorld(World):
    provider_id: ClassVar[str] = "azure"
    credentials: ClassVar[Mapping[str, str]] = {
        "AZURE_TENANT_ID": TENANT,
        "AZURE_CLIENT_ID": CLIENT,
        "AZURE_CLIENT_SECRET": SECRET,
        "AZURE_SUBSCRIPTION_ID": SUBSCRIPTION,
    }
    open_credentials: ClassVar[frozenset[str]] = frozenset(credentials) - {"AZURE_CLIENT_SECRET"}
    instance_type: ClassVar[str] = SIZE
    region: ClassVar[str] = REGION

    def __init__(self) -> None:
        super().__init__()
        self.cloud = AzureCloud(self.clock)
        self.more_settings: dict[str, Any] = {}

    def contract(self) -> Contract:
        return azure_contract()

    def settings(self) -> Mapping[str, Any]:
        url = self.server.url
        mine = {"base_url": url, "login_url": url, "ssh_from": "203.0.113.7"}
        return {**super().settings(), **mine, **self.more_settings}

    def boot_data(self, name: str) -> str | None:
        (found,) = (each for each in self.cloud.machines() if each.name == name)
        return base64.b64decode(found.properties["osProfile"]["customData"]).decode()

    async def listed(self) -> list[Offer]:
        machine = Machine(
            provider="azure",
            region=REGION,
            instance_type=SIZE,
            label="A100-80GB",
            count=1,
            cpus=24,
            memory_bytes=220 * GIB,
        )
        prices = ((Market.ON_DEMAND, "3.673"), (Market.SPOT, "0.955"), (Market.RESERVED, "2.3"))
        return [
            make_offer(
                machine,
                dollars=read_amount(price),
                market=market,
                source="azure-retail",
                seen_at=self.clock.now(),
            )
            for market, price in prices
        ]

    async def handle(self, request: Request) -> Reply:
        return self.cloud.answer(request)

    def living(self) -> list[Living]:
        self.cloud.settle()
        kinds = (MACHINE, INTERFACE, ADDRESS, DISK)
        names = {each.name: each.id for each in self.cloud.things.values() if each.kind in kinds}
        return [Living(id=thing_id, name=name) for name, thing_id in names.items()]

    def billed(self) -> list[Billed]:
        ended = [
            Billed(name=name, began_at=began, ended_at=end, micro_per_hour=MICRO_PER_HOUR)
            for name, began, end in self.cloud.ended
        ]
        return ended + [
            Billed(name=each.name, began_at=each.made_at, ended_at=None, micro_per_hour=MICRO_PER_HOUR)
            for each in self.cloud.machines()
        ]

    async def boot(self) -> None:
        self.cloud.boot()

    async def end(self) -> None:
        for each in self.cloud.machines():
            if each.state == "Deleting":
                self.cloud.end_machine(each)

    async def reclaim(self, name: str) -> None:
        (found,) = (each for each in self.cloud.machines() if each.name == name)
        self.cloud.end_machine(found)

    async def add_foreign(self, name: str) -> None:
        self.cloud.add_machine(name)

    def reaches(self, name: str, other: str) -> bool:
        return self.cloud.reaches(name, other)

    async def surprise(self, name: str) -> None:
        (found,) = (each for each in self.cloud.machines() if each.name == name)
        found.power, found.extra = "entangled", {"quantumState": "both"}

    def is_create(self, request: Request) -> bool:
        return request.method == "PUT" and "/virtualMachines/" in request.path

    def refusals(self) -> Mapping[ProviderFault, Reply]:
        return {
            ProviderFault.CAPACITY: refusal(409, "SkuNotAvailable", "The requested size is not available."),
            ProviderFault.QUOTA: refusal(409, "OperationNotAllowed", _QUOTA),
            ProviderFault.BALANCE: refusal(409, "ReadOnlyDisabledSubscription", "It is disabled."),
            ProviderFault.CREDENTIALS: refusal(401, "InvalidAuthenticationToken", "The token is invalid."),
            ProviderFault.PERMISSION: refusal(403, "AuthorizationFailed", _MAY_NOT),
            ProviderFault.INVALID: refusal(400, "InvalidParameter", f"Not a good value: {SECRET}"),
        }

    def left(self) -> list[str]:
        """Everything that is there of a machine, in a word each."""
        self.cloud.settle()
        kinds = {MACHINE: "machine", INTERFACE: "interface", ADDRESS: "address", DISK: "disk"}
        return sorted(kinds[each.kind] for each in self.cloud.things.values() if each.kind in kinds)


MUTATIONS: Final = (
    Mutation("tradewind.providers.azure.arm", "Network/publicIPAddresses", "Network/publicIpAddress"),
    Mutation("tradewind.providers.azure.arm", '"2026-03-02"', '"2025-03-02"'),
    Mutation("tradewind.providers.azure.bodies", '"vmSize"', '"size"'),
    Mutation("tradewind.providers.azure.bodies", '_GONE_WITH_IT: Final = "Delete"', '_GONE_WITH_IT: Final = "Detach"'),
    Mutation("tradewind.providers.azure.bodies", '"evictionPolicy": "Delete"', '"evictionPolicy": "Remove"'),
    Mutation("tradewind.providers.azure.bodies", '"Standard", "tier"', '"Usual", "tier"'),
    Mutation("tradewind.providers.azure.states", '"Creating", "Updating")', '"Creation", "Updating")'),
    Mutation("tradewind.providers.azure.states", "ProvisioningState/failed/", "ProvisioningState/error/"),
    Mutation("tradewind.providers.azure.states", 'power == "running"', 'power == "runs"'),
    Mutation("tradewind.providers.azure.faults", '"AllocationFailed"', '"AllocationFailure"'),
    Mutation("tradewind.providers.azure.faults", '"quota" in message', '"cores" not in message'),
    Mutation("tradewind.providers.azure.network", "str(self.port)", '"*"'),
    Mutation("tradewind.providers.azure.network", '"Inbound"', '"Incoming"'),
    Mutation("tradewind.providers.azure.network", '"sourceAddressPrefix"', '"sourcePrefix"'),
    Mutation("tradewind.providers.azure.network", '"protocol": "*"', '"protocol": "Any"'),
    Mutation("tradewind.providers.azure.machines", '"privateIPAddress"', '"privateIpAddress"'),
    Mutation("tradewind.providers.azure.bodies", '"proximityPlacementGroup"', '"proximityGroup"'),
    Mutation("tradewind.providers.azure.arm", '"nextLink"', '"next"'),
    Mutation("tradewind.providers.azure.login", '"expires_in"', '"expires"'),
)  # fmt: skip


class TestAzureContract(ProviderContract):
    world_type = AzureWorld
    most_moments = 120

    @pytest.fixture
    async def azure(self, world: World) -> AzureWorld:
        assert isinstance(world, AzureWorld)
        return world

    @pytest.fixture
    async def spot_office(self, world: World, tmp_path: Path) -> AsyncIterator[Office]:
        office = Office(world, tmp_path)
        await office.open(await world.offer("spot"))
        yield office
        office.close()

    # -- what is asked for -----------------------------------------------------------------------------------------

    @scenario(1)
    async def test_what_a_machine_is_made_of(self, azure: AzureWorld) -> None:
        handle = await self.rent(azure, azure.settings())
        assert (await azure.provider.get(handle)).phase is MachinePhase.STARTING
        (machine,) = azure.cloud.machines()
        asked = machine.properties
        assert asked["osProfile"]["adminUsername"] == USER
        (key,) = asked["osProfile"]["linuxConfiguration"]["ssh"]["publicKeys"]
        assert key["keyData"] == azure.access.login.public
        assert machine.body["tags"] == {"tradewind": INSTALLATION}
        assert "priority" not in asked
        assert {
            each.name for each in azure.cloud.things.values() if each.kind in (INTERFACE, ADDRESS, DISK)
        } == {machine_name(node_key())}

    async def rent(self, azure: AzureWorld, settings: Mapping[str, Any], market: str = "on_demand") -> Handle:
        azure.more_settings = dict(settings)
        provider = azure.connect()
        return await provider.create(await azure.offer(market), node_key(), azure.clock.now() + KEEP)

    @scenario(1)
    async def test_the_host_key_and_the_user_are_known_before_it_boots(self, azure: AzureWorld) -> None:
        handle = await self.rent(azure, {"ssh_port": 2022, "ssh_user": None})
        await azure.boot()
        view = await azure.connect().get(handle)
        assert view.login is not None
        assert (view.login.user, view.login.port) == (USER, 2022)
        assert view.login.host_keys == (azure.access.host_key(node_key()).public,)
        told = azure.boot_data(machine_name(node_key()))
        assert told == azure.access.user_data(node_key(), user=USER)

    @scenario(1)
    async def test_only_the_control_plane_is_let_in_and_only_by_ssh(self, azure: AzureWorld) -> None:
        await self.rent(azure, {"ssh_from": ["203.0.113.7", "198.51.100.0/24"], "ssh_port": 2022})
        (firewall,) = (each for each in azure.cloud.things.values() if each.kind == FIREWALL)
        rule, among_themselves = firewall.properties["securityRules"]
        said = rule["properties"]
        assert said["sourceAddressPrefixes"] == ["198.51.100.0/24", "203.0.113.7/32"]
        assert (said["access"], said["protocol"], said["destinationPortRange"]) == ("Allow", "Tcp", "2022")
        subnet = among_themselves["properties"]["sourceAddressPrefix"]
        assert subnet == among_themselves["properties"]["destinationAddressPrefix"] == "10.83.0.0/20"

    @scenario(1)
    async def test_machines_stand_close_where_there_is_a_group(self, azure: AzureWorld) -> None:
        where = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/proximityPlacementGroups/close"
        with pytest.raises(ProviderError, match="proximity_placement_group") as caught:
            await self.rent(azure, {"proximity_placement_group": "close"})
        assert caught.value.fault is ProviderFault.INVALID
        assert azure.left() == []
        await self.rent(azure, {"proximity_placement_group": where})
        (machine,) = azure.cloud.machines()
        assert machine.properties["proximityPlacementGroup"] == {"id": where}

    @scenario(1)
    async def test_a_firewall_of_an_older_version_learns_that_machines_reach_each_other(
        self, azure: AzureWorld
    ) -> None:
        handle = await self.rent(azure, {})
        await azure.boot()
        (firewall,) = (each for each in azure.cloud.things.values() if each.kind == FIREWALL)
        name, ours = machine_name(node_key()), firewall.properties["securityRules"].pop()
        assert not azure.reaches(name, name)
        await azure.connect().get(handle)
        assert firewall.properties["securityRules"][-1]["name"] == ours["name"]
        assert azure.reaches(name, name)

    @scenario(1)
    async def test_another_address_of_the_control_plane_changes_the_rule_and_no_other(
        self, azure: AzureWorld
    ) -> None:
        handle = await self.rent(azure, {})
        await azure.boot()
        (firewall,) = (each for each in azure.cloud.things.values() if each.kind == FIREWALL)
        theirs = {"name": "theirs", "properties": firewall.properties["securityRules"][0]["properties"]}
        firewall.properties["securityRules"].append(theirs)
        azure.more_settings = {"ssh_from": "198.51.100.9"}
        provider = azure.connect()
        await provider.get(handle)
        rules = {each["name"]: each["properties"] for each in firewall.body["properties"]["securityRules"]}
        assert set(rules) == {"theirs", "tradewind-ssh", "tradewind-machines"}
        assert rules["tradewind-ssh"]["sourceAddressPrefixes"] == ["198.51.100.9/32"]
        count = azure.server.count("PUT", "networkSecurityGroups")
        await provider.get(handle)
        assert azure.server.count("PUT", "networkSecurityGroups") == count

    @pytest.mark.parametrize(
        "settings",
        [{"ssh_from": None}, {"ssh_from": "everywhere"}, {"image": "ubuntu"}],
        ids=lambda each: str(each),
    )
    async def test_settings_that_are_no_good_make_nothing(
        self, azure: AzureWorld, settings: dict[str, Any]
    ) -> None:
        with pytest.raises(ProviderError) as caught:
            await self.rent(azure, settings)
        assert caught.value.fault is ProviderFault.INVALID
        assert azure.left() == []

    async def test_an_image_of_ones_own_and_a_zone(self, azure: AzureWorld) -> None:
        azure.more_settings = {"image": "/subscriptions/s/images/mine", "disk_gb": 512}
        offer = replace(await azure.offer(), zone="2")
        with pytest.raises(ProviderError):
            # The simulator has only Microsoft's image.
            await azure.connect().create(offer, node_key(), azure.clock.now() + KEEP)
        put = next(each.request for each in azure.server.exchanges if azure.is_create(each.request))
        assert put.body["zones"] == ["2"]
        storage = put.body["properties"]["storageProfile"]
        assert storage["imageReference"] == {"id": "/subscriptions/s/images/mine"}
        assert storage["osDisk"]["diskSizeGB"] == 512
        assert azure.left() == []

    async def test_everything_in_a_group_that_the_user_has_named(self, azure: AzureWorld) -> None:
        azure.cloud.groups["mine"] = {"location": REGION}
        handle = await self.rent(azure, {"resource_group": "mine"})
        assert {each.group for each in azure.cloud.things.values()} == {"mine"}
        provider = azure.connect()
        assert [each.handle for each in await provider.list_owned()] == [handle]
        asked = [each.request.path for each in azure.server.exchanges]
        assert not any("/resourcegroups/" in path for path in asked)
        assert all("/resourceGroups/mine/" in path for path in asked if "Microsoft." in path)

    async def test_a_group_that_is_not_there_owns_nothing(self, azure: AzureWorld) -> None:
        azure.more_settings = {"resource_group": "absent"}
        assert await azure.connect().list_owned() == []

    async def test_the_network_is_laid_once(self, azure: AzureWorld) -> None:
        offer = await azure.offer()
        for number in (1, 2, 3):
            await azure.provider.create(offer, node_key(number), azure.clock.now() + KEEP)
        for kind in ("networkSecurityGroups", "virtualNetworks", "resourcegroups"):
            assert azure.server.count("PUT", kind) == 1
        await azure.connect().create(offer, node_key(4), azure.clock.now() + KEEP)
        for kind in ("networkSecurityGroups", "virtualNetworks", "resourcegroups"):
            assert azure.server.count("PUT", kind) == 1

    # -- no room ---------------------------------------------------------------------------------------------------

    @scenario(3)
    @pytest.mark.parametrize(
        ("code", "text", "reason"),
        [
            ("AllocationFailed", "We do not have sufficient capacity.", Reason.NO_CAPACITY),
            ("ZonalAllocationFailed", "There is not enough capacity in the zone.", Reason.NO_CAPACITY),
            ("OverconstrainedAllocationRequest", "Too many constraints.", Reason.NO_CAPACITY),
            ("SkuNotAvailable", "Not available.", Reason.NO_CAPACITY),
            ("OperationNotAllowed", _QUOTA, Reason.NO_QUOTA),
            ("InternalExecutionError", "An internal error occurred.", Reason.START_FAILED),
        ],
    )
    async def test_a_machine_that_comes_to_nothing_after_it_was_accepted(
        self, azure: AzureWorld, office: Office, code: str, text: str, reason: Reason
    ) -> None:
        azure.cloud.fail_late(code, text)
        node = await office.until(NodeStatus.GONE)
        assert node.reason is reason
        assert text in (node.explanation or "")
        assert azure.left() == []
        live = await office.store.read(refusals.live_refusals)
        assert [each.concerns(await azure.offer()) for each in live] == [True]
        never_ran = reason in (Reason.NO_CAPACITY, Reason.NO_QUOTA)
        assert (await office.charged_micro() == 0) is never_ran

    @scenario(3)
    async def test_an_interface_that_azure_does_not_let_go_of_at_once(
        self, azure: AzureWorld, office: Office
    ) -> None:
        azure.cloud.refusing.append((409, "SkuNotAvailable", "The requested size is not available."))
        node = await office.until(NodeStatus.STARTING)
        assert azure.left() == ["address", "interface"]
        office.restart()
        node = await office.until(NodeStatus.GONE)
        assert node.reason is Reason.NO_CAPACITY
        assert azure.left() == []
        assert await office.charged_micro() == 0
        assert azure.server.count("PUT", "virtualMachines") == 1

    @scenario(9)
    @pytest.mark.slow
    async def test_killed_while_what_was_refused_is_cleared_away(self, tmp_path: Path) -> None:
        ends = (NodeStatus.REFUSED, NodeStatus.GONE)
        # Up to the refusal it is as with every machine; after it the calls are much alike.
        for moment in range(29, 300, 9):
            async with AzureWorld() as world:
                no_room = (409, "SkuNotAvailable", "The requested size is not available.")
                world.cloud.refusing = [no_room] * 9
                office = Office(world, tmp_path / str(moment))
                await office.open(await world.offer())
                was_killed = await office.killed_at(moment, ends)
                office.restart()
                node = await office.until(*ends)
                assert node.reason is Reason.NO_CAPACITY, (moment, node.explanation)
                assert world.left() == [], moment
                assert await office.charged_micro() == 0, moment
                office.close()
            if not was_killed:
                assert moment > 30
                return
        raise AssertionError("it is never refused")

    @scenario(4)
    async def test_a_missing_permission_is_named(self, azure: AzureWorld) -> None:
        azure.refuse_create(ProviderFault.PERMISSION)
        with pytest.raises(ProviderError) as caught:
            await azure.provider.create(await azure.offer(), node_key(), azure.clock.now() + KEEP)
        assert "Microsoft.Compute/virtualMachines/write" in caught.value.message

    @scenario(4)
    async def test_what_a_subscription_may_not_have_is_known_before(self, azure: AzureWorld) -> None:
        offer = await azure.offer()
        azure.cloud.restrictions = [
            {"type": "Zone", "restrictionInfo": {"zones": ["1"]}, "reasonCode": "NotAvailableForSubscription"}
        ]
        await azure.provider.validate(offer)
        for refused, reason, fault in (
            (replace(offer, zone="1"), "NotAvailableForSubscription", ProviderFault.CAPACITY),
            (offer, "QuotaId", ProviderFault.QUOTA),
            (replace(offer, instance_type="Standard_NC1"), "QuotaId", ProviderFault.INVALID),
        ):
            if refused.zone is None:
                azure.cloud.restrictions = [{"type": "Location", "values": [REGION], "reasonCode": reason}]
            with pytest.raises(ProviderError) as caught:
                await azure.provider.validate(refused)
            assert caught.value.fault is fault

    @scenario(4)
    async def test_quotas_of_accelerators_are_told(self, azure: AzureWorld) -> None:
        account = await azure.provider.examine()
        told = {(each.name, each.region): (each.used, each.limit) for each in account.quotas}
        assert told == {
            ("Total Regional vCPUs", REGION): (24.0, 100.0),
            ("Total Regional Spot vCPUs", REGION): (0.0, 48.0),
            ("Standard NCADS_A100_v4 Family vCPUs", REGION): (24.0, 48.0),
        }
        assert account.missing == ()
        azure.more_settings = {"ssh_from": ""}
        notes = (await azure.connect().examine()).notes
        assert any("`ssh_from`" in each for each in notes)

    # -- spot ------------------------------------------------------------------------------------------------------

    @scenario(6)
    async def test_a_spot_machine_that_azure_evicts(self, azure: AzureWorld, spot_office: Office) -> None:
        node = await spot_office.until(NodeStatus.READY)
        (machine,) = azure.cloud.machines()
        asked = machine.properties
        assert (asked["priority"], asked["evictionPolicy"]) == ("Spot", "Delete")
        assert asked["billingProfile"] == {"maxPrice": -1}
        assert node.key is not None
        found = await azure.provider.find(node.key)
        assert found == Handle(node.handle or {})
        await azure.reclaim(machine_name(node.key))
        node = await spot_office.until(NodeStatus.GONE)
        assert node.reason is Reason.RECLAIMED
        assert azure.left() == []

    @scenario(6)
    async def test_what_an_eviction_leaves_behind_is_deleted(
        self, azure: AzureWorld, spot_office: Office
    ) -> None:
        await spot_office.until(NodeStatus.READY)
        (machine,) = azure.cloud.machines()
        machine.properties["networkProfile"]["networkInterfaces"][0]["properties"]["deleteOption"] = "Detach"
        machine.properties["storageProfile"]["osDisk"]["deleteOption"] = "Detach"
        azure.cloud.end_machine(machine)
        assert azure.left() == ["address", "disk", "interface"]
        node = await spot_office.until(NodeStatus.GONE)
        assert node.reason is Reason.RECLAIMED
        assert azure.left() == []

    @scenario(6)
    @pytest.mark.parametrize("power", ["stopped", "deallocated"])
    async def test_a_machine_that_is_switched_off_is_given_back(
        self, azure: AzureWorld, office: Office, power: str
    ) -> None:
        await office.until(NodeStatus.READY)
        azure.cloud.machines()[0].power = power
        node = await office.until(NodeStatus.GONE)
        assert node.reason is Reason.NODE_LOST
        assert azure.left() == []

    async def test_a_machine_that_runs_although_something_failed_is_not_taken_away(
        self, azure: AzureWorld, office: Office
    ) -> None:
        await office.until(NodeStatus.READY)
        (machine,) = azure.cloud.machines()
        machine.state = "Failed"
        assert (await office.step()).status is NodeStatus.READY
        assert (await office.step()).status is NodeStatus.READY

    # -- nothing is left -------------------------------------------------------------------------------------------

    @scenario(7)
    async def test_interface_address_and_disk_vanish_with_the_machine(
        self, azure: AzureWorld, office: Office
    ) -> None:
        await office.until(NodeStatus.READY)
        assert azure.left() == ["address", "disk", "interface", "machine"]
        assert (await office.give_back()).status is NodeStatus.GONE
        assert azure.left() == []
        deleted = [each.request.path for each in azure.server.exchanges if each.request.method == "DELETE"]
        assert deleted
        # It was Azure that deleted them: one machine, and nothing else, was asked to go.
        assert all("/virtualMachines/" in path for path in deleted)

    @scenario(8)
    async def test_a_machine_on_a_later_page_is_not_taken_for_half_a_one(self, azure: AzureWorld) -> None:
        handle = await self.rent(azure, {})
        for number in range(120):
            await azure.add_foreign(f"somebody-elses-{number}")
        await azure.boot()
        (owned,) = await azure.provider.list_owned()
        assert (owned.handle, owned.phase) == (handle, MachinePhase.READY)

    @scenario(7)
    @pytest.mark.parametrize("count", [1, 2, 3])
    async def test_half_a_machine_is_found_and_deleted(self, azure: AzureWorld, count: int) -> None:
        handle = await self.rent(azure, {})
        if count < 3:
            (machine,) = azure.cloud.machines()
            for kind in (MACHINE, DISK, INTERFACE)[: 4 - count]:
                del azure.cloud.things[kind, machine.group, machine.name]
        else:
            azure.cloud.things = {key: each for key, each in azure.cloud.things.items() if key[0] != MACHINE}
        provider = azure.connect()
        (owned,) = await provider.list_owned()
        assert (owned.key, owned.handle) == (node_key(), handle)
        assert owned.phase is MachinePhase.UNKNOWN
        assert await provider.find(node_key()) == handle
        view = await provider.get(handle)
        assert (view.phase, view.fault) == (MachinePhase.UNKNOWN, ProviderFault.PROVIDER_FAULT)
        await provider.terminate(handle)
        assert await phase_of(azure, handle) is MachinePhase.GONE
        assert azure.left() == []
        assert await provider.list_owned() == []

    # -- the login -------------------------------------------------------------------------------------------------

    async def test_a_token_is_kept_until_shortly_before_it_ends(self, azure: AzureWorld) -> None:
        await azure.provider.examine()
        await azure.provider.examine()
        assert len(azure.cloud.tokens) == 1
        azure.clock.advance(3599 - 290)
        await azure.provider.examine()
        assert len(azure.cloud.tokens) == 2

    async def test_a_token_that_is_not_accepted_is_not_used_again(self, azure: AzureWorld) -> None:
        await azure.provider.examine()
        azure.cloud.tokens.clear()
        with pytest.raises(ProviderError) as caught:
            await azure.provider.list_owned()
        assert caught.value.fault is ProviderFault.CREDENTIALS
        await azure.provider.list_owned()

    @pytest.mark.parametrize(
        ("name", "wrong", "said"),
        [
            ("AZURE_TENANT_ID", "nobody", "AZURE_TENANT_ID"),
            ("AZURE_CLIENT_ID", "nobody", "AZURE_CLIENT_ID"),
            ("AZURE_CLIENT_SECRET", "wrong", "client secret is wrong"),
            ("AZURE_SUBSCRIPTION_ID", "nobody", "SubscriptionNotFound"),
        ],
    )
    async def test_which_credential_is_wrong_is_said(
        self, azure: AzureWorld, name: str, wrong: str, said: str
    ) -> None:
        with pytest.raises(ProviderError) as caught:
            await azure.connect({**azure.credentials, name: wrong}).examine()
        assert caught.value.fault is ProviderFault.CREDENTIALS
        assert said in caught.value.message
        assert_tells_no_secret(azure, caught.value)

    async def test_a_subscription_that_is_not_there_ends_no_machine(self, azure: AzureWorld) -> None:
        handle = await self.rent(azure, {})
        other = azure.connect({**azure.credentials, "AZURE_SUBSCRIPTION_ID": "nobody"})
        with pytest.raises(ProviderError) as caught:
            await other.get(handle)
        assert caught.value.fault is ProviderFault.CREDENTIALS
