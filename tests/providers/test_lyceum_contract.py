"""Lyceum: the adapter against a simulator, and against what was recorded of the live service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.providers.contracts import contracts_folder
from tests.providers.lyceum_simulator import LyceumWorld, no_capacity, refusal
from tests.providers.mutating import Mutation
from tests.providers.office import Office
from tests.providers.suite import KEEP, ProviderContract, scenario
from tests.providers.wire_server import Fault, Reply, Request
from tests.providers.world import World, node_key
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.status import NodeStatus, Reason
from tradewind.providers.access import machine_name
from tradewind.providers.base import Handle, MachinePhase
from tradewind.providers.lyceum.machines import classify_create

_MODULE: Final = "tradewind.providers.lyceum.machines"
MUTATIONS: Final = (
    Mutation(_MODULE, "}/status", "}/state"),
    Mutation(_MODULE, '"hardware_profile": profile', '"profile": profile'),
    Mutation(_MODULE, '"instance_specs": {"gpu_count": count}', '"gpu_count": count'),
    Mutation(_MODULE, '"ready": MachinePhase', '"active": MachinePhase'),
    Mutation(_MODULE, '"terminated": MachinePhase', '"deleted": MachinePhase'),
    Mutation(_MODULE, "could not be provisioned", "is out of capacity"),
    Mutation(_MODULE, '"include_terminated": "false"', '"include_dead": "false"'),
    Mutation("tradewind.providers.lyceum.reading", 'vm.get("ip_address")', 'vm.get("ip")'),
)


class Unset(LyceumWorld):
    """A connection without settings of the user's own."""

    def settings(self) -> Mapping[str, Any]:
        return {"base_url": self.server.url}


class TestLyceumContract(ProviderContract):
    world_type = LyceumWorld

    @scenario(3)
    async def test_another_fault_of_the_server_may_have_made_a_machine(self, world: World) -> None:
        world.server.faults.append(Fault(refusal(500, "Internal Server Error"), world.is_create))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.AMBIGUOUS

    @scenario(3)
    async def test_the_sentence_on_capacity_means_nothing_when_a_machine_is_given_back(
        self, world: World
    ) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        world.server.faults.append(Fault(no_capacity(), lambda request: request.method == "DELETE"))
        await world.provider.terminate(handle)
        assert world.server.count("DELETE", handle.values["id"]) == 2
        assert world.living() == []

    @scenario(3)
    async def test_a_machine_that_fails_after_it_was_made_is_given_back(
        self, world: LyceumWorld, office: Office
    ) -> None:
        await office.until(NodeStatus.STARTING)
        (vm,) = world.vms.values()
        vm.status = "failed"
        node = await office.until(NodeStatus.GONE)
        assert node.explanation == "Lyceum says: failed"
        assert world.living() == []

    @scenario(3)
    async def test_a_variant_without_machines_is_no_capacity_and_one_that_is_not_there_is_invalid(
        self, world: World
    ) -> None:
        offer = await world.offer()
        for name, market, fault in (
            ("h100.8x", "on_demand", ProviderFault.CAPACITY),
            ("a100.2x", "spot", ProviderFault.CAPACITY),
            ("l40s.1x", "spot", ProviderFault.INVALID),
        ):
            with pytest.raises(ProviderError) as caught:
                await world.provider.validate(replace(offer, instance_type=name, market=market))
            assert caught.value.fault is fault

    @pytest.mark.parametrize("name", ["a100.0x", "a100.3x", "a100.16x", "a100", "a100.-1x", ".1x"])
    async def test_a_number_that_would_be_changed_is_never_sent(self, world: World, name: str) -> None:
        offer = replace(await world.offer(), instance_type=name)
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.INVALID
        assert world.server.count("POST", "vms") == 0

    async def test_terms_that_are_not_sold_are_never_sent(self, world: World) -> None:
        offer = replace(await world.offer(), market="reserved")
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.INVALID

    @scenario(6)
    async def test_a_spot_machine_that_is_terminated_was_taken_back(self, world: LyceumWorld) -> None:
        offer = await world.offer("spot")
        handle = await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        await world.boot()
        (vm,) = world.vms.values()
        assert (vm.market, vm.count) == ("spot", 1)
        await world.reclaim(machine_name(node_key()))
        view = await world.provider.get(handle)
        assert (view.phase, view.was_reclaimed) == (MachinePhase.GONE, True)

    @scenario(6)
    async def test_a_machine_on_demand_that_is_terminated_has_vanished(
        self, world: LyceumWorld, office: Office
    ) -> None:
        node = await office.until(NodeStatus.READY)
        assert node.key is not None
        await world.reclaim(machine_name(node.key))
        assert (await office.until(NodeStatus.GONE)).reason is Reason.VANISHED

    @scenario(1)
    async def test_ready_without_an_address_is_not_ready(self, world: LyceumWorld) -> None:
        world.is_slow_with_addresses = True
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        await world.boot()
        view = await world.provider.get(handle)
        assert (view.phase, view.login) == (MachinePhase.STARTING, None)

    @pytest.mark.parametrize(
        ("address", "host", "port"),
        [
            ("127.0.0.9", "127.0.0.9", 22),
            ("127.0.0.9:2222", "127.0.0.9", 2222),
            ("::1", "::1", 22),
            ("[::1]:2222", "::1", 2222),
            ("[::1]", "::1", 22),
        ],
    )
    async def test_addresses_in_every_form(self, address: str, host: str, port: int) -> None:
        async with Unset() as world:
            handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
            await world.boot()
            world.vms[handle.values["id"]].address = address
            login = (await world.provider.get(handle)).login
        assert login is not None
        assert (login.host, login.port, login.user, login.host_keys) == (host, port, "lyceum", ())

    @pytest.mark.parametrize("address", ["127.0.0.9:ssh", "127.0.0.9:0", "127.0.0.9:70000", ":22", "a:b:c"])
    async def test_an_address_that_cannot_be_read_is_not_guessed(
        self, world: LyceumWorld, address: str
    ) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        await world.boot()
        world.vms[handle.values["id"]].address = address
        with pytest.raises(ProviderError) as caught:
            await world.provider.get(handle)
        assert caught.value.fault is ProviderFault.PROVIDER_FAULT

    @scenario(8)
    @pytest.mark.parametrize("status", ["terminated", "failed", "error"])
    async def test_a_dead_machine_under_the_old_name_is_not_found(
        self, world: LyceumWorld, status: str
    ) -> None:
        offer = await world.offer()
        dead = await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        world.vms[dead.values["id"]].status = status
        assert await world.provider.find(node_key()) is None
        world.clock.advance(60)
        alive = await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert await world.provider.find(node_key()) == alive

    async def test_credit_and_owner_are_shown(self, world: World) -> None:
        account = await world.provider.examine()
        assert account.identity == "Lyceum organisation Example"
        assert [(each.name, each.limit) for each in account.quotas] == [("credit (USD)", 500.0)]

    @pytest.mark.parametrize("status", [403, 404, 500])
    async def test_an_account_without_a_page_of_its_owner_is_good_all_the_same(
        self, world: World, status: int
    ) -> None:
        silent = Fault(refusal(status, "Not Found"), lambda request: "/vms/" not in request.path, times=100)
        world.server.faults.append(silent)
        account = await world.provider.examine()
        assert (account.identity, account.quotas) == ("Lyceum account", ())

    async def test_the_login_key_goes_into_the_create(self, world: LyceumWorld) -> None:
        await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        (vm,) = world.vms.values()
        assert vm.public_key == world.access.login.public


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (500, "error_500_capacity", ProviderFault.CAPACITY),
        (500, {"detail": "COULD NOT BE PROVISIONED"}, ProviderFault.CAPACITY),
        (500, {"detail": "Internal Server Error"}, None),
        (500, {"detail": ["could not be provisioned"]}, None),
        (500, "could not be provisioned", None),
        (500, None, None),
        (503, {"detail": "could not be provisioned"}, None),
        (400, {"detail": "could not be provisioned"}, None),
    ],
)
def test_what_a_refused_create_means(status: int, body: Any, fault: ProviderFault | None) -> None:
    said = recorded(body) if isinstance(body, str) and body.startswith("error_") else body
    assert classify_create(status, said) is fault


def recorded(name: str) -> Any:
    """What the live service answered once."""
    text = (contracts_folder() / "lyceum" / "recorded" / f"{name}.json").read_text(encoding="utf-8")
    return json.loads(text)


def at(path_part: str, body: Any, status: int = 200) -> Fault:
    """The next request to such a path is answered as it was by the live service."""

    def matches(request: Request) -> bool:
        return path_part in request.path

    return Fault(Reply(status=status, body=body), matches)


class TestRecordedAnswers:
    """Every recorded answer means the right thing, and keeps to the contract."""

    @pytest.fixture
    async def world(self) -> Any:
        async with LyceumWorld() as world:
            yield world

    async def test_create(self, world: LyceumWorld) -> None:
        offer = await world.offer()
        world.server.faults.append(at("/vms/create", recorded("vm_create_pending")))
        handle = await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert handle.values["id"] == "9918b72c1dce41a6875abaf5d5ab64e9"

    async def test_a_list_with_a_dead_machine_of_the_same_name(self, world: LyceumWorld) -> None:
        body = recorded("vm_list_mixed")
        for each in body["vms"]:
            if each["display_name"] == "sky-cluster-abc":
                each["display_name"] = machine_name(node_key())
        world.server.faults += [at("/vms/list", body), at("/vms/list", body)]
        found = await world.provider.find(node_key())
        assert found is not None
        assert found.values["id"] == "9918b72c1dce41a6875abaf5d5ab64e9"
        owned = await world.provider.list_owned()
        assert [each.phase for each in owned] == [MachinePhase.GONE, MachinePhase.READY]

    async def test_an_empty_list(self, world: LyceumWorld) -> None:
        world.server.faults.append(at("/vms/list", recorded("vm_list_empty")))
        assert await world.provider.find(node_key()) is None

    async def test_a_list_that_is_none_is_not_taken_for_an_empty_one(self, world: LyceumWorld) -> None:
        bodies: tuple[Any, ...] = ({}, {"vms": None}, [])
        for body in bodies:
            world.server.faults.append(
                Fault(Reply(body=body), lambda request: "/vms/list" in request.path, is_published=False)
            )
            with pytest.raises(ProviderError) as caught:
                await world.provider.find(node_key())
            assert caught.value.fault is ProviderFault.PROVIDER_FAULT

    @pytest.mark.parametrize(
        ("name", "phase", "host"),
        [
            ("vm_status_ready_bare_ip", MachinePhase.READY, "203.0.113.10"),
            ("vm_status_ready_host_port", MachinePhase.READY, "198.51.100.20"),
            ("vm_status_ready_null_ip", MachinePhase.STARTING, None),
        ],
    )
    async def test_status(self, world: LyceumWorld, name: str, phase: MachinePhase, host: str | None) -> None:
        world.server.faults.append(at("/status", recorded(name)))
        view = await world.provider.get(Handle({"id": "any", "name": machine_name(node_key())}))
        assert view.phase is phase
        assert (view.login.host if view.login else None) == host
        assert view.billed_from is not None
        assert view.billed_from.utcoffset() is not None

    async def test_terminate(self, world: LyceumWorld) -> None:
        world.server.faults.append(at("/vms/any", recorded("vm_terminate_ok")))
        await world.provider.terminate(Handle({"id": "any", "name": machine_name(node_key())}))
        world.server.faults.append(at("/vms/any", recorded("error_404_vm_not_found"), 404))
        await world.provider.terminate(Handle({"id": "any", "name": machine_name(node_key())}))

    @pytest.mark.parametrize(
        ("name", "status", "fault"),
        [
            ("error_400_invalid_request", 400, ProviderFault.INVALID),
            ("error_400_unknown_profile", 400, ProviderFault.INVALID),
            ("error_404_vm_not_found", 404, ProviderFault.INVALID),
            ("error_500_capacity", 500, ProviderFault.CAPACITY),
        ],
    )
    async def test_refused_creates(
        self, world: LyceumWorld, name: str, status: int, fault: ProviderFault
    ) -> None:
        offer = await world.offer()
        world.server.faults.append(at("/vms/create", recorded(name), status))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is fault
        assert recorded(name)["detail"] in caught.value.message

    async def test_prices_and_what_is_to_be_had(self, world: LyceumWorld) -> None:
        world.server.faults += [
            at("/pricing", recorded("pricing_vm_running")),
            at("/vms/availability", recorded("vms_availability")),
            at("/vms/availability", recorded("vms_availability")),
        ]
        offers = await world.provider.list_offers()
        (offer,) = (each for each in offers if (each.instance_type, each.market) == ("h100.8x", "spot"))
        assert offer.is_available
        await world.provider.validate(offer)
