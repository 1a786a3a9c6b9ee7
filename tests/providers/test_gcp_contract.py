"""Google Compute Engine: the adapter against a simulator that is held to Google's published API in both directions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Final

import pytest

from tests.providers import gcp_simulator as google
from tests.providers.contracts import Contract, discovery
from tests.providers.gcp_simulator import Google, Vm, error, failed_at_once, failure
from tests.providers.mutating import Mutation
from tests.providers.office import Office
from tests.providers.suite import (
    KEEP,
    ProviderContract,
    assert_tells_no_secret,
    create_member,
    phase_of,
    scenario,
)
from tests.providers.wire_server import Break, Fault, Reply, Request
from tests.providers.world import Billed, Living, World, node_key
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.domain.status import NodeStatus, Reason
from tradewind.providers.access import machine_name
from tradewind.providers.base import Handle, MachinePhase, MachineProvider
from tradewind.providers.gcp import faults
from tradewind.providers.gcp.instance import GUARD_S
from tradewind.providers.gcp.tokens import CREDENTIAL
from tradewind.providers.normalising import GIB, Machine, make_offer

_DOLLARS: Final = {Market.ON_DEMAND: Decimal("0.85"), Market.SPOT: Decimal("0.34")}


def listed_offer(instance_type: str, market: Market, zone: str | None, label: str = "L4") -> Offer:
    """An offer as a price list has it: with a zone, or for a whole region."""
    machine = Machine(
        provider="gcp", region=google.REGION, zone=zone, instance_type=instance_type, label=label, count=1
    )
    return make_offer(machine, dollars=_DOLLARS[market], market=market, source="shipped", seen_at=None)


class GcpWorld(World):
    provider_id: ClassVar[str] = "gcp"
    credentials: ClassVar[Mapping[str, str]] = {}
    instance_type: ClassVar[str] = "g2-standard-8"
    region: ClassVar[str] = google.REGION

    def __init__(self) -> None:
        super().__init__()
        self.google = Google(self.clock)
        self.ssh_from: Any = "203.0.113.7"
        self.more_settings: dict[str, Any] = {}

    def connect(self, credentials: Mapping[str, str] | None = None) -> MachineProvider:
        if not self.credentials:
            # The key names the address that gives tokens, and that is known now.
            self.credentials = {CREDENTIAL: google.key_file(f"{self.server.url}/token")}  # type: ignore[misc]
        return super().connect(credentials)

    def settings(self) -> Mapping[str, Any]:
        return {**super().settings(), "ssh_from": self.ssh_from, **self.more_settings}

    async def listed(self) -> list[Offer]:
        both = (Market.ON_DEMAND, Market.SPOT)
        return [
            *(listed_offer("g2-standard-8", market, "us-central1-a") for market in both),
            *(listed_offer("n1-highmem-8+1xT4", market, None, "T4") for market in both),
            listed_offer("a2-highgpu-1g", Market.ON_DEMAND, "us-central1-f", "A100"),
            listed_offer("v5litepod-8", Market.ON_DEMAND, "us-central1-a", "tpu-v5litepod-8"),
        ]

    def contract(self) -> Contract:
        return google.contract()

    async def handle(self, request: Request) -> Reply:
        return self.google.handle(request)

    def boot_data(self, name: str) -> str | None:
        (vm,) = (each for each in self.google.vms.values() if each.name == name)
        return vm.metadata["user-data"]

    def living(self) -> list[Living]:
        self.google.settle()
        running = [vm for vm in self.google.vms.values() if vm.status != "TERMINATED"]
        machines = {(vm.zone, vm.name) for vm in running}
        # A disk without a running machine costs money of its own.
        return [Living(id=str(vm.id), name=vm.name) for vm in running] + [
            Living(id=disk["id"], name=name)
            for (zone, name), disk in self.google.disks.items()
            if (zone, name) not in machines
        ]

    def billed(self) -> list[Billed]:
        ended: list[tuple[Vm, datetime | None]] = [*self.google.past]
        ended += [(vm, vm.stopped_at) for vm in self.google.vms.values()]
        return [
            Billed(name=vm.name, began_at=vm.created_at, ended_at=at, micro_per_hour=850_000)
            for vm, at in ended
        ]

    async def boot(self) -> None:
        self.google.settle(all_of="insert")
        for vm in self.google.vms.values():
            if vm.status in ("PROVISIONING", "STAGING"):
                vm.status = "RUNNING"

    async def end(self) -> None:
        self.google.settle(all_of="delete")

    async def reclaim(self, name: str) -> None:
        (vm,) = (each for each in self.google.vms.values() if each.name == name)
        if vm.is_spot:
            self.google.preempt(vm)
        else:
            self.google.stop(vm, "compute.instances.hostError")

    async def switch_off(self, name: str) -> None:
        (vm,) = (each for each in self.google.vms.values() if each.name == name)
        self.google.stop(vm, "compute.instances.guestTerminate")

    async def add_foreign(self, name: str) -> None:
        labels = {"tradewind": name.split("-")[1]} if name.startswith("tw-") else {"team": "weather"}
        disks = [{"boot": True, "autoDelete": True}]
        self.google.add("us-central1-b", {"name": name, "labels": labels, "disks": disks}).status = "RUNNING"

    def reaches(self, name: str, other: str) -> bool:
        vms = {vm.name: vm for vm in self.google.vms.values()}
        return self.google.reaches(vms[name], vms[other])

    def made_for_gangs(self) -> list[str]:
        return sorted(each for each in self.google.rules if "-gang-" in each)

    async def surprise(self, name: str) -> None:
        (vm,) = (each for each in self.google.vms.values() if each.name == name)
        vm.status, vm.extra = "HIBERNATING", {"quantumState": "both"}

    def is_create(self, request: Request) -> bool:
        return request.method == "POST" and request.path.endswith("/instances")

    def refusals(self) -> Mapping[ProviderFault, Reply]:
        disabled = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "BILLING_DISABLED"}
        word = "PERMISSION_DENIED"
        return {
            ProviderFault.CAPACITY: failed_at_once(failure("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS")),
            ProviderFault.QUOTA: failed_at_once(
                failure("QUOTA_EXCEEDED", "Quota 'GPUS_ALL_REGIONS' exceeded.")
            ),
            ProviderFault.BALANCE: error(403, "forbidden", "It requires billing.", word, details=[disabled]),
            ProviderFault.CREDENTIALS: error(401, "authError", "Invalid Credentials", "UNAUTHENTICATED"),
            ProviderFault.PERMISSION: error(403, "forbidden", "Required 'compute.instances.create'.", word),
            ProviderFault.INVALID: error(400, "invalid", f"Invalid value: {self.credentials[CREDENTIAL]}"),
        }


MUTATIONS: Final = (
    Mutation("tradewind.providers.gcp.machines", 'f"{zone}/instances"', 'f"{zone}/instance"'),
    Mutation("tradewind.providers.gcp.machines", '"RUNNING": MachinePhase', '"ACTIVE": MachinePhase'),
    Mutation("tradewind.providers.gcp.machines", '"TERMINATED": MachinePhase', '"OVER": MachinePhase'),
    Mutation("tradewind.providers.gcp.machines", '"compute.instances.preempted"', '"preempted"'),
    Mutation("tradewind.providers.gcp.machines", 'get("natIP")', 'get("natIp")'),
    Mutation("tradewind.providers.gcp.machines", "accepting=(_CONFLICT,)", "accepting=()"),
    Mutation("tradewind.providers.gcp.machines", "if await self._has_disk(zone, name):", "if False:"),
    Mutation("tradewind.providers.gcp.places", '"nextPageToken"', '"nextPage"'),
    Mutation("tradewind.providers.gcp.instance", '"instanceTerminationAction"', '"terminationAction"'),
    Mutation("tradewind.providers.gcp.instance", '"SPOT" if', '"PREEMPTIBLE" if'),
    Mutation("tradewind.providers.gcp.instance", '"autoDelete": True', '"autoDelete": False'),
    Mutation("tradewind.providers.gcp.instance", "str(wishes.disk_gb)", "wishes.disk_gb / 3"),
    Mutation("tradewind.providers.gcp.faults", '"ZONE_RESOURCE_POOL_EXHAUSTED_WITH', '"POOL_EXHAUSTED_WITH'),
    Mutation("tradewind.providers.gcp.firewall", '"sourceRanges"', '"sourceRange"'),
    Mutation("tradewind.providers.gcp.gangs", '"sourceTags"', '"sourceTag"'),
    Mutation("tradewind.providers.gcp.gangs", '"IPProtocol": "all"', '"IPProtocol": "tcp"'),
    Mutation("tradewind.providers.gcp.gangs", '"creationTimestamp"', '"creationTime"'),
    Mutation("tradewind.providers.gcp.instance", '"tradewind_gang"', '"Tradewind_gang"'),
    Mutation("tradewind.providers.gcp.instance", '"resourcePolicies"', '"resourcePolicy"'),
    Mutation("tradewind.providers.gcp.machines", '"networkIP"', '"networkIp"'),
    Mutation("tradewind.providers.gcp.rules", "/global/firewalls/{name}", "/global/firewall/{name}"),
    Mutation("tradewind.providers.gcp.tokens", 'f"Bearer {', 'f"Token {'),
)


class TestGcpContract(ProviderContract):
    world_type = GcpWorld

    # -- 2: names and tokens -------------------------------------------------------------------------------------

    @scenario(2)
    async def test_a_name_that_is_taken_is_the_machine_that_was_made(self, world: World) -> None:
        """Google forgets request ids after some time; the name still says that there is one."""
        cloud = google_of(world)
        first = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        for each in cloud.operations:
            each.request_id = None
        again = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert again == first
        assert len(world.living()) == 1

    @scenario(2)
    async def test_a_name_that_somebody_else_took_is_no_machine_of_ours(self, world: World) -> None:
        cloud, name = google_of(world), machine_name(node_key())
        cloud.add("us-central1-a", {"name": name, "labels": {}, "disks": [{"autoDelete": True}]})
        with pytest.raises(ProviderError, match="not ours") as caught:
            await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.INVALID

    @scenario(2)
    async def test_a_name_that_was_taken_while_the_operation_ran(self, world: World) -> None:
        """The call was accepted, and found out only then that an earlier one had been faster."""
        first = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        taken = failed_at_once(failure("RESOURCE_ALREADY_EXISTS"))
        world.server.faults.append(Fault(taken, world.is_create))
        assert await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP) == first

    @scenario(2)
    async def test_a_repeated_create_says_exactly_the_same(self, world: World) -> None:
        offer = await world.offer()
        await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        world.clock.advance(3600)
        await world.connect().create(offer, node_key(), world.clock.now() + KEEP)
        first, second = (each.request for each in world.server.exchanges if world.is_create(each.request))
        assert (first.target, first.raw) == (second.target, second.raw)

    # -- 3: operations that fail ---------------------------------------------------------------------------------

    @scenario(3)
    @pytest.mark.parametrize("takes_s", [0.0, 6.0, 40.0])
    async def test_no_capacity_is_found_whenever_the_operation_fails(
        self, world: World, office: Office, takes_s: float
    ) -> None:
        """At once, while the create waits, and long after it was taken for rented."""
        cloud = google_of(world)
        cloud.insert_takes_s = takes_s
        cloud.failures = [[failure("ZONE_RESOURCE_POOL_EXHAUSTED", "The zone does not have enough.")]]
        node = await office.step()
        while node.status not in (NodeStatus.REFUSED, NodeStatus.GONE):
            node = await office.step()
        assert node.status is (NodeStatus.GONE if takes_s > 15 else NodeStatus.REFUSED)
        assert node.reason is Reason.NO_CAPACITY
        assert "not asked again for 2m" in (node.explanation or "")
        assert world.living() == []
        assert await office.charged_micro() == 0
        assert sum(world.is_create(each.request) for each in world.server.exchanges) == 1

    @scenario(3)
    async def test_a_place_that_said_no_late_is_left_alone(self, world: World, office: Office) -> None:
        cloud = google_of(world)
        cloud.insert_takes_s, cloud.failures = 40.0, [[failure("QUOTA_EXCEEDED")]]
        node = await office.step()
        while node.status is not NodeStatus.GONE:
            node = await office.step()
        assert node.reason is Reason.NO_QUOTA
        assert await office.refused_places() == [("us-central1", "", "quota")]

    @scenario(3)
    @pytest.mark.parametrize("takes_s", [0.0, 40.0])
    async def test_a_disk_that_a_failed_create_left_behind_is_deleted(
        self, world: World, office: Office, takes_s: float
    ) -> None:
        cloud = google_of(world)
        cloud.insert_takes_s, cloud.forgets_disks = takes_s, True
        cloud.failures = [[failure("ZONE_RESOURCE_POOL_EXHAUSTED")]]
        node = await office.until(NodeStatus.GONE)
        assert node.reason is Reason.NO_CAPACITY
        assert world.living() == []
        assert await office.charged_micro() == 0

    @scenario(3)
    async def test_a_repeated_create_whose_first_call_had_failed(self, world: World, office: Office) -> None:
        """The answer is lost, the operation fails, and Google answers the repeated call with that operation."""
        cloud = google_of(world)
        cloud.failures = [[failure("ZONE_RESOURCE_POOL_EXHAUSTED")]]
        world.server.faults.append(Fault(Break.AFTER, world.is_create))
        node = await office.until(NodeStatus.REFUSED)
        assert node.reason is Reason.NO_CAPACITY
        assert world.living() == []

    @scenario(3)
    async def test_an_operation_that_cannot_be_looked_at_is_no_refusal(self, world: World) -> None:
        broken = Reply(status=503, text="<html>")
        asks = lambda request: "/operations/" in request.path and "zones" in request.path  # noqa: E731
        world.server.faults.append(Fault(broken, asks, times=100, is_published=False))
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert await world.provider.find(node_key()) == handle

    # -- 4: words for no -----------------------------------------------------------------------------------------

    @scenario(4)
    @pytest.mark.parametrize(("code", "fault"), faults.CODES.items())
    async def test_each_code_of_an_operation(self, world: World, code: str, fault: ProviderFault) -> None:
        assert await self.refused_with(world, failed_at_once(failure(code))) is fault
        busy = error(400, code, "It was told at once.")
        assert await self.refused_with(world, busy) is fault

    @scenario(4)
    @pytest.mark.parametrize(("reason", "fault"), faults.REASONS.items())
    async def test_each_reason_of_an_error(self, world: World, reason: str, fault: ProviderFault) -> None:
        # A create that names something unknown is wrong; nothing is gone.
        expected = ProviderFault.INVALID if fault is ProviderFault.NOT_FOUND else fault
        assert await self.refused_with(world, error(418, reason, "No.")) is expected

    @scenario(4)
    @pytest.mark.parametrize(("reason", "fault"), faults.DETAILS.items())
    async def test_each_reason_in_the_details(self, world: World, reason: str, fault: ProviderFault) -> None:
        details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
        assert await self.refused_with(world, error(403, "forbidden", "No.", details=details)) is fault

    @scenario(4)
    async def test_words_that_nobody_knows(self, world: World) -> None:
        assert await self.refused_with(world, failed_at_once(failure("MERCURY_IN_RETROGRADE"))) is (
            ProviderFault.PROVIDER_FAULT
        )
        assert await self.refused_with(world, error(403, "odd", "No.")) is ProviderFault.PERMISSION
        assert await self.refused_with(world, error(503, "backendError", "Oh.")) is ProviderFault.AMBIGUOUS

    async def refused_with(self, world: World, reply: Reply) -> ProviderFault:
        """What a create makes of an answer."""
        refusal = Fault(reply, world.is_create, times=100)
        world.server.faults.append(refusal)
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        refusal.times = 0
        assert_tells_no_secret(world, caught.value)
        return caught.value.fault

    @scenario(4)
    async def test_the_account_has_quotas_and_says_what_is_missing(self, world: World) -> None:
        account = await world.provider.examine()
        assert google.EMAIL in account.identity
        assert account.regions == (google.REGION,)
        assert [(each.name, each.limit, each.used, each.region) for each in account.quotas] == [
            ("GPUS_ALL_REGIONS", 8.0, 1.0, ""),
            ("PREEMPTIBLE_NVIDIA_T4_GPUS", 4.0, 0.0, google.REGION),
        ]
        assert account.missing == ()
        no = error(403, "forbidden", "Required 'compute.firewalls.list'.", "PERMISSION_DENIED")
        world.server.faults.append(Fault(no, lambda request: request.path.endswith("/firewalls")))
        assert (await world.provider.examine()).missing == ("compute.firewalls.list",)

    @scenario(4)
    async def test_a_key_that_was_deleted(self, world: World) -> None:
        other = json.loads(world.credentials[CREDENTIAL]) | {"client_email": "other@example.com"}
        with pytest.raises(ProviderError) as caught:
            await world.connect({CREDENTIAL: json.dumps(other)}).examine()
        assert caught.value.fault is ProviderFault.CREDENTIALS
        assert "Invalid JWT Signature" in caught.value.message

    # -- 6: taken back -------------------------------------------------------------------------------------------

    @scenario(6)
    async def test_a_spot_machine_that_was_taken_back(self, world: World, tmp_path: Path) -> None:
        """Google deletes it, and tells of it by an operation alone."""
        office = Office(world, tmp_path)
        await office.open(await world.offer("spot"))
        node = await office.until(NodeStatus.READY)
        assert node.key is not None
        (vm,) = google_of(world).vms.values()
        assert vm.body["scheduling"]["provisioningModel"] == "SPOT"
        await world.reclaim(machine_name(node.key))
        taken_at = world.clock.now()
        world.clock.advance(3600)
        node = await office.until(NodeStatus.GONE)
        assert (node.reason, node.ended_at) == (Reason.RECLAIMED, taken_at)
        assert world.living() == []
        office.close()

    @scenario(6)
    @pytest.mark.parametrize("how", ["host_error", "preempted", "guest"])
    async def test_what_stands_still_is_given_back_with_its_disk(
        self, world: World, tmp_path: Path, how: str
    ) -> None:
        office = Office(world, tmp_path)
        await office.open(await world.offer("spot" if how == "preempted" else "on_demand"))
        node = await office.until(NodeStatus.READY)
        (vm,) = google_of(world).vms.values()
        if how == "preempted":
            vm.body["scheduling"]["instanceTerminationAction"] = "STOP"
            google_of(world).preempt(vm)
        else:
            kind = "hostError" if how == "host_error" else "guestTerminate"
            google_of(world).stop(vm, f"compute.instances.{kind}")
        stopped_at = world.clock.now()
        assert len(world.living()) == 1
        # Nobody looks for hours: a machine that stands still is not charged.
        world.clock.advance(5 * 3600)
        node = await office.until(NodeStatus.GONE)
        assert node.reason is (Reason.RECLAIMED if how == "preempted" else Reason.VANISHED)
        assert node.ended_at == stopped_at
        assert world.living() == []
        office.close()

    # -- 7: what is left -----------------------------------------------------------------------------------------

    @scenario(7)
    async def test_a_disk_that_outlives_its_machine_is_deleted_too(self, world: World) -> None:
        cloud = google_of(world)
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        (vm,) = cloud.vms.values()
        vm.body["disks"][0]["autoDelete"] = False
        await world.provider.terminate(handle)
        await world.end()
        assert (await world.provider.get(handle)).phase is MachinePhase.STOPPED
        await world.provider.terminate(handle)
        assert await phase_of(world, handle) is MachinePhase.GONE
        assert world.living() == []

    # -- 9: gangs ------------------------------------------------------------------------------------------------

    @scenario(9)
    async def test_the_rule_of_a_gang_names_nobody_else(self, world: World) -> None:
        cloud = google_of(world)
        await create_member(world, 1)
        (name,) = world.made_for_gangs()
        rule, (vm,) = cloud.rules[name], cloud.vms.values()
        assert rule["sourceTags"] == rule["targetTags"] == [name]
        assert "sourceRanges" not in rule
        assert vm.body["labels"]["tradewind_gang"] == name
        assert vm.tags == {name, name.partition("-gang-")[0]}

    @scenario(9)
    async def test_the_rule_stays_until_the_last_machine_is_gone(self, world: World) -> None:
        first, second = [await create_member(world, number) for number in (1, 2)]
        await world.boot()
        for handle, left in ((first, 1), (second, 0)):
            await world.provider.terminate(handle)
            await world.end()
            assert await phase_of(world, handle) is MachinePhase.GONE
            assert len(world.made_for_gangs()) == left

    @scenario(9)
    async def test_a_machine_is_not_gone_before_the_rule_of_its_gang(self, world: World) -> None:
        handle = await create_member(world, 1)
        await world.boot()
        await world.provider.terminate(handle)
        await world.end()
        no = Reply(status=503, text="<html>")
        is_it = lambda request: request.method == "DELETE" and "firewalls" in request.path  # noqa: E731
        broken = Fault(no, is_it, times=100, is_published=False)
        world.server.faults.append(broken)
        with pytest.raises(ProviderError):
            await world.provider.get(handle)
        broken.times = 0
        assert await phase_of(world, handle) is MachinePhase.GONE
        assert world.made_for_gangs() == []

    @scenario(9)
    async def test_a_rule_that_may_not_be_deleted_keeps_no_machine(self, world: World) -> None:
        handle = await create_member(world, 1)
        await world.boot()
        await world.provider.terminate(handle)
        await world.end()
        no = error(403, "forbidden", "Required 'compute.firewalls.delete'.", "PERMISSION_DENIED")
        is_it = lambda request: request.method == "DELETE" and "firewalls" in request.path  # noqa: E731
        world.server.faults.append(Fault(no, is_it))
        assert await phase_of(world, handle) is MachinePhase.GONE
        world.clock.advance(600)
        await world.provider.list_owned()
        assert world.made_for_gangs() == []

    @scenario(9)
    async def test_a_rule_that_was_deleted_is_made_again(self, world: World) -> None:
        cloud = google_of(world)
        handle = await create_member(world, 1)
        await world.boot()
        (name,) = world.made_for_gangs()
        del cloud.rules[name]
        world.clock.advance(600)
        await world.provider.get(handle)
        assert world.made_for_gangs() == [name]

    @scenario(9)
    async def test_a_rule_that_cannot_be_kept_up_does_not_hide_the_machine(self, world: World) -> None:
        handle = await create_member(world, 1)
        await world.boot()
        no = error(403, "forbidden", "Required 'compute.firewalls.list'.", "PERMISSION_DENIED")
        is_it = lambda request: "firewalls" in request.path and "gang" in request.target  # noqa: E731
        asked = Fault(no, is_it, times=9)
        world.server.faults.append(asked)
        provider = world.connect()
        for _ in range(3):
            view = await provider.get(handle)
            assert view.phase is MachinePhase.READY
            assert "the firewall rule of its gang" in view.explanation
        assert asked.times == 8
        asked.times = 0

    @scenario(9)
    async def test_rules_of_gangs_that_are_being_made_are_not_tidied_away(self, world: World) -> None:
        cloud = google_of(world)
        await create_member(world, 1)
        cloud.vms.clear()
        cloud.disks.clear()
        await world.provider.list_owned()
        assert len(world.made_for_gangs()) == 1
        no = Reply(status=503, text="<html>")
        is_it = lambda request: "firewalls" in request.path  # noqa: E731
        broken = Fault(no, is_it, times=100, is_published=False)
        world.clock.advance(600)
        world.server.faults.append(broken)
        # What cannot be tidied now is tidied later: machines are listed all the same.
        assert await world.provider.list_owned() == []
        broken.times = 0
        await world.provider.list_owned()
        assert world.made_for_gangs() == []

    @scenario(9)
    async def test_machines_of_a_gang_stand_close_where_there_is_a_policy(self, world: World) -> None:
        assert isinstance(world, GcpWorld)
        cloud, world.more_settings = google_of(world), {"placement_policy": "close"}
        world.provider = world.connect()
        await create_member(world, 1)
        await world.provider.create(await world.offer(), node_key(2), world.clock.now() + KEEP)
        member, single = cloud.vms.values()
        assert member.body["resourcePolicies"] == [f"regions/{google.REGION}/resourcePolicies/close"]
        assert "resourcePolicies" not in single.body

    # -- 9: the rule ---------------------------------------------------------------------------------------------

    @scenario(9)
    async def test_one_rule_lets_in_the_control_plane_and_nobody_else(self, world: World) -> None:
        cloud = google_of(world)
        offer = await world.offer()
        for number in (1, 2):
            await world.provider.create(offer, node_key(number), world.clock.now() + KEEP)
        (rule,) = cloud.rules.values()
        assert rule["sourceRanges"] == ["203.0.113.7/32"]
        assert rule["allowed"] == [{"IPProtocol": "tcp", "ports": [str(world.ssh_port)]}]
        assert rule["targetTags"] == next(iter(cloud.vms.values())).body["tags"]["items"]

    @scenario(9)
    async def test_the_rule_follows_the_address_and_the_port(self, world: World) -> None:
        assert isinstance(world, GcpWorld)
        cloud = google_of(world)
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        (old,) = cloud.rules
        await world.boot()
        world.ssh_from, world.more_settings = (
            ["198.51.100.0/24", "203.0.113.9"],
            {"ssh_port": "2222", "ssh_user": "sailor"},
        )
        # A look at a machine is enough: it runs already.
        view = await world.connect().get(handle)
        assert view.login is not None
        assert (view.login.port, view.login.user) == (2222, "sailor")
        (rule,) = cloud.rules.values()
        assert rule["name"] != old
        assert rule["sourceRanges"] == ["198.51.100.0/24", "203.0.113.9/32"]
        assert rule["allowed"][0]["ports"] == ["2222"]

    @scenario(9)
    async def test_a_rule_that_cannot_be_made_does_not_hide_the_machine(self, world: World) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        await world.boot()
        no = error(403, "forbidden", "Required 'compute.firewalls.list'.", "PERMISSION_DENIED")
        world.server.faults.append(Fault(no, lambda request: "firewalls" in request.path, times=9))
        view = await world.connect().get(handle)
        assert view.phase is MachinePhase.READY
        assert "compute.firewalls.list" in view.explanation

    @scenario(9)
    @pytest.mark.parametrize("ssh_from", [None, "", "everywhere", "10.0.0.0/99"])
    async def test_nothing_is_opened_that_nobody_named(self, world: World, ssh_from: object) -> None:
        assert isinstance(world, GcpWorld)
        offer = await world.offer()
        world.ssh_from = ssh_from
        with pytest.raises(ProviderError, match="ssh_from") as caught:
            await world.connect().create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.INVALID
        assert google_of(world).rules == {}
        assert world.living() == []

    # -- 10: offers ----------------------------------------------------------------------------------------------

    @scenario(10)
    async def test_regions_become_zones_and_zones_are_checked(self, world: World) -> None:
        offers = await world.provider.list_offers()
        assert {(each.instance_type, each.zone, each.market, each.is_available) for each in offers} == {
            ("g2-standard-8", "us-central1-a", "on_demand", True),
            ("g2-standard-8", "us-central1-a", "spot", True),
            # Of the region's zones one alone has the card.
            ("n1-highmem-8+1xT4", "us-central1-a", "on_demand", True),
            ("n1-highmem-8+1xT4", "us-central1-a", "spot", True),
            ("a2-highgpu-1g", "us-central1-f", "on_demand", False),
        }
        found = next(each for each in offers if each.instance_type == "g2-standard-8")
        assert (found.cpus, found.memory_bytes) == (8.0, 32 * GIB)
        (missing,) = (each for each in offers if not each.is_available)
        assert missing.availability is Availability.UNAVAILABLE

    @scenario(10)
    async def test_what_google_has_is_not_asked_for_twice_a_minute(self, world: World) -> None:
        await world.provider.list_offers()
        asked = len(world.server.exchanges)
        world.clock.advance(30)
        await world.provider.list_offers()
        assert len(world.server.exchanges) == asked
        world.clock.advance(7 * 3600)
        await world.provider.list_offers()
        assert len(world.server.exchanges) > asked

    @scenario(10)
    @pytest.mark.parametrize(
        ("instance_type", "zone", "market"),
        [
            ("a2-highgpu-8g", "us-central1-a", "spot"),
            ("n1-highmem-8+1xT4", "us-central1-b", "spot"),
            ("v5litepod-8", "us-central1-a", "on_demand"),
            ("g2-standard-8", None, "on_demand"),
            ("g2-standard-8", "europe-west4-a", "on_demand"),
            ("g2-standard-8", "us-central1-a", "reserved"),
        ],
    )
    async def test_what_cannot_be_rented_is_told_before(
        self, world: World, instance_type: str, zone: str | None, market: str
    ) -> None:
        offer = replace(await world.offer(), instance_type=instance_type, zone=zone, market=market)
        for call in (
            world.provider.validate(offer),
            world.provider.create(offer, node_key(), world.clock.now() + KEEP),
        ):
            with pytest.raises(ProviderError) as caught:
                await call
            assert caught.value.fault is ProviderFault.INVALID
        assert world.living() == []

    @scenario(10)
    async def test_cards_are_attached_where_they_are_no_part_of_the_type(self, world: World) -> None:
        offers = await world.provider.list_offers()
        attached = next(each for each in offers if "+" in each.instance_type)
        await world.provider.validate(attached)
        await world.provider.create(attached, node_key(), world.clock.now() + KEEP)
        (vm,) = google_of(world).vms.values()
        assert vm.body["machineType"].endswith("/n1-highmem-8")
        assert vm.body["guestAccelerators"] == [
            {"acceleratorType": "zones/us-central1-a/acceleratorTypes/nvidia-tesla-t4", "acceleratorCount": 1}
        ]

    # -- 12: without us ------------------------------------------------------------------------------------------

    async def ends_when_switched_off(self, world: World, handle: Handle) -> None:
        """The machine costs nothing more by itself; its disk does, until it is given back."""
        (vm,) = google_of(world).vms.values()
        assert f'"+{GUARD_S // 60}"' in vm.metadata["user-data"]
        assert f"shutdown -P +{GUARD_S // 60}" in vm.metadata["startup-script"]
        await world.switch_off(machine_name(node_key()))
        switched_off_at = world.clock.now()
        world.clock.advance(3600)
        assert [bill.ended_at for bill in world.billed()] == [switched_off_at]
        view = await world.provider.get(handle)
        assert (view.phase, view.billed_until) == (MachinePhase.STOPPED, switched_off_at)
        await world.provider.terminate(handle)
        await world.end()
        assert await phase_of(world, handle) is MachinePhase.GONE
        assert world.living() == []

    @scenario(12)
    @pytest.mark.parametrize("market", ["on_demand", "spot"])
    async def test_a_longest_life_that_google_enforces_can_be_set(self, world: World, market: str) -> None:
        assert isinstance(world, GcpWorld)
        world.more_settings = {"max_run_h": 48}
        await world.connect().create(await world.offer(market), node_key(), world.clock.now() + KEEP)
        (vm,) = google_of(world).vms.values()
        assert vm.body["scheduling"]["maxRunDuration"] == {"seconds": "172800"}
        assert vm.body["scheduling"]["instanceTerminationAction"] == "DELETE"


def google_of(world: World) -> Google:
    assert isinstance(world, GcpWorld)
    return world.google


def test_what_google_would_refuse_is_found() -> None:
    """The checks themselves: misspelt names, other types, values and places are breaches."""
    compute = discovery("gcp/compute.v1.json")
    path = f"{google.ROOT}/zones/us-central1-a/instances"
    good = {"name": "tw-a", "scheduling": {"provisioningModel": "SPOT"}}
    assert compute.request("POST", path, good) == []
    for wrong in (
        {"name": "Capitals"},
        {"name": "tw-a", "scheduling": {"provisioningModel": "CHEAP"}},
        {"name": "tw-a", "scheduling": {"provisioningModell": "SPOT"}},
        {"name": "tw-a", "disks": [{"autoDelete": "true"}]},
        {"name": "tw-a", "disks": [{"initializeParams": {"diskSizeGb": 1.5}}]},
    ):
        assert compute.request("POST", path, wrong), wrong
    assert compute.request("POST", path, None)
    assert compute.request("POST", f"{google.ROOT}/zones/US-1/instances", good)
    assert compute.request("GET", f"{path}?maxResults=many", None)
    assert compute.request("GET", f"{path}?maxResults=-1", None)
    assert compute.request("GET", f"{path}?zone=us-central1-a", None)
    assert compute.request("DELETE", f"{path}/tw-a?noGracefulShutdown=yes", None)
    assert compute.request("PUT", path, good)
    assert compute.response("GET", f"{path}/tw-a", 200, {"status": "FINE"})
    assert compute.response("GET", f"{path}/tw-a", 201, {"status": "RUNNING"})
    assert compute.response("GET", f"{path}/tw-a", 404, {"message": "no"})
    assert compute.response("GET", f"{path}/tw-a", 404, error(403, "forbidden", "No.").body)
    assert compute.response("GET", f"{path}/tw-a", 404, error(404, "notFound", "No.").body) == []
