"""Vast.ai: the adapter against a simulator that is held to Vast.ai's published API in both directions."""

from __future__ import annotations

import getpass
import json
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.providers.mutating import Mutation
from tests.providers.office import Office
from tests.providers.suite import KEEP, ProviderContract, at_the_same_time, scenario
from tests.providers.vast_simulator import KEY, LEAST_BID, MACHINE, ON_DEMAND, VastWorld
from tests.providers.wire_server import Fault, Reply
from tests.providers.world import World, node_key
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.status import NodeStatus, Reason
from tradewind.providers.access import machine_name
from tradewind.providers.base import MachinePhase
from tradewind.providers.container_start import background_script
from tradewind.providers.vast.refusals import CODES, Code, classify, sentence

_MACHINES: Final = "tradewind.providers.vast.machines"
_INSTANCES: Final = "tradewind.providers.vast.instances"
MUTATIONS: Final = (
    Mutation(_MACHINES, '"/api/v0/asks/"', '"/api/v0/ask/"'),
    Mutation(_MACHINES, '"cancel_unavail"', '"cancel_unavailable"'),
    Mutation(_MACHINES, '"target_state": "running"', '"target_state": "started"'),
    Mutation(_MACHINES, '"next_token"', '"next"'),
    Mutation(_MACHINES, '"new_contract"', '"new_instance"'),
    Mutation(_MACHINES, 'body["price"]', 'body["bid"]'),
    Mutation(_INSTANCES, '"running": MachinePhase', '"active": MachinePhase'),
    Mutation(_INSTANCES, '== "exited"', '== "ended"'),
    Mutation(_INSTANCES, '}/tcp"', '}/udp"'),
    Mutation("tradewind.providers.vast.refusals", '"no_such_ask"', '"no_such_offer"'),
    Mutation("tradewind.providers.vast.prices", '"allocated_storage"', '"allocated_disk"'),
)
_DISK: Final = 0.025


class TestVastContract(ProviderContract):
    world_type = VastWorld

    @scenario(1)
    async def test_the_instance_is_what_was_offered(self, world: World) -> None:
        assert isinstance(world, VastWorld)
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        asked = world.instances[int(handle.values["id"])].asked
        assert (asked["disk"], asked["runtype"], asked["target_state"]) == (
            50,
            "ssh_direc ssh_proxy",
            "running",
        )
        assert "price" not in asked
        assert asked["onstart"] == background_script(world.access, node_key(), port=2222)
        assert len(asked["onstart"]) <= 4048
        await world.boot()
        view = await world.provider.get(handle)
        assert view.login is not None
        assert (view.login.host, view.login.port, view.login.user) == (
            "127.79.0.101",
            world.ssh_port,
            getpass.getuser(),
        )
        assert view.login.host_keys == (world.access.host_key(node_key()).public,)
        world.instances[100].has_port = False
        view = await world.provider.get(handle)
        assert (view.phase, view.login) == (MachinePhase.STARTING, None)

    @scenario(3)
    async def test_a_machine_without_ports_of_its_own_is_not_rented(self, world: World) -> None:
        assert isinstance(world, VastWorld)
        offer = await world.offer()
        world.direct_ports = 1
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.CAPACITY

    @scenario(1)
    async def test_no_answer_brings_the_start_script_back(self, world: World) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        await world.provider.get(handle)
        await world.provider.list_owned()
        private = world.access.host_key(node_key()).private.reveal().splitlines()[1]
        answers = [each.reply for each in world.server.exchanges if each.reply is not None]
        assert not [each for each in answers if private in json.dumps(each.body)]

    @scenario(6)
    async def test_a_bid_pays_what_was_offered_and_its_disk(self, world: World) -> None:
        assert isinstance(world, VastWorld)
        offer = await world.offer("spot")
        assert offer.rate.micro_per_unit == round((LEAST_BID + _DISK) * 1e6)
        world.least_bid = 0.3
        handle = await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        instance = world.instances[int(handle.values["id"])]
        assert instance.asked["price"] == LEAST_BID
        assert instance.dph_total == pytest.approx(offer.rate.micro_per_unit / 1e6)

    @scenario(6)
    async def test_more_than_the_least_is_bid_where_the_user_says_so(self, world: World) -> None:
        assert isinstance(world, VastWorld)
        wire_settings = {**world.settings(), "bid_factor": 1.25, "disk_gb": 100}
        world.settings = lambda: wire_settings  # type: ignore[method-assign]
        world.provider = world.connect()
        offer = await world.offer("spot")
        assert offer.rate.micro_per_unit == round((LEAST_BID * 1.25 + 2 * _DISK) * 1e6)
        await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        asked = world.instances[100].asked
        assert (asked["price"], asked["disk"]) == (0.5, 100)

    @scenario(6)
    async def test_an_outbid_instance_is_given_back(self, world: World, office: Office) -> None:
        node = await office.until(NodeStatus.READY)
        assert node.key is not None
        await world.reclaim(machine_name(node.key))
        assert len(world.living()) == 1
        node = await office.until(NodeStatus.GONE)
        assert node.reason is Reason.RECLAIMED
        assert "outbid" in (node.explanation or "")
        assert world.living() == []

    @scenario(6)
    async def test_one_that_never_ran_has_failed_to_start(self, world: World, office: Office) -> None:
        assert isinstance(world, VastWorld)
        node = await office.until(NodeStatus.STARTING)
        assert node.key is not None
        instance = world.instance(machine_name(node.key))
        instance.actual_status, instance.intended_status = "created", "stopped"
        instance.status_msg = "Error response from daemon:\nOCI runtime create failed"
        node = await office.until(NodeStatus.GONE)
        assert node.reason is Reason.START_FAILED
        assert "daemon: OCI runtime" in (node.explanation or "")
        assert world.living() == []

    @scenario(1)
    @pytest.mark.parametrize(
        ("status", "intended", "phase", "is_stopped"),
        [
            (None, "running", MachinePhase.STARTING, False),
            ("created", "running", MachinePhase.STARTING, False),
            ("loading", "running", MachinePhase.STARTING, False),
            ("running", "running", MachinePhase.READY, False),
            ("exited", "running", MachinePhase.UNKNOWN, True),
            ("exited", "stopped", MachinePhase.UNKNOWN, True),
            ("loading", "stopped", MachinePhase.UNKNOWN, True),
            ("unknown", "running", MachinePhase.UNKNOWN, False),
            ("offline", "running", MachinePhase.UNKNOWN, False),
        ],
    )
    async def test_every_published_state(
        self, world: World, status: str | None, intended: str, phase: MachinePhase, is_stopped: bool
    ) -> None:
        assert isinstance(world, VastWorld)
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        instance = world.instances[100]
        instance.actual_status, instance.intended_status = status, intended
        view = await world.provider.get(handle)
        assert (view.phase, view.was_reclaimed) == (phase, is_stopped)
        (owned,) = await world.provider.list_owned()
        assert owned.phase is phase

    @scenario(3)
    async def test_a_machine_that_became_dearer_is_not_rented(self, world: World) -> None:
        assert isinstance(world, VastWorld)
        offers = [await world.offer(), await world.offer("spot")]
        world.on_demand, world.least_bid = ON_DEMAND + 0.01, LEAST_BID + 0.01
        for offer in offers:
            for call in (
                world.provider.create(offer, node_key(), world.clock.now() + KEEP),
                world.provider.validate(offer),
            ):
                with pytest.raises(ProviderError) as caught:
                    await call
                assert caught.value.fault is ProviderFault.CAPACITY
        assert world.server.count("PUT", "/asks/") == 0
        world.on_demand = ON_DEMAND - 0.01
        await world.provider.create(offers[0], node_key(), world.clock.now() + KEEP)
        assert len(world.living()) == 1

    @scenario(3)
    async def test_a_machine_that_is_gone_is_not_rented(self, world: World) -> None:
        offer = await world.offer()
        other = replace(offer, instance_type=f"4x RTX 4090 m{MACHINE}")
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(other, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.CAPACITY
        for wrong in (replace(offer, instance_type="RTX 4090"), replace(offer, market="reserved")):
            with pytest.raises(ProviderError) as caught:
                await world.provider.create(wrong, node_key(), world.clock.now() + KEEP)
            assert caught.value.fault is ProviderFault.INVALID
        assert world.server.count("PUT", "/asks/") == 0

    @scenario(3)
    @pytest.mark.parametrize("code", CODES, ids=lambda each: str(each.word))
    async def test_every_code_is_known(self, code: Code) -> None:
        assert classify(400, code.example) is code.fault
        assert sentence(code.example)

    @scenario(3)
    @pytest.mark.parametrize(
        ("body", "fault"),
        [
            ({"success": False}, ProviderFault.AMBIGUOUS),
            ({"success": False, "msg": "error 410/3907: no_such_ask"}, ProviderFault.CAPACITY),
        ],
    )
    async def test_a_good_status_without_an_instance(
        self, world: World, body: dict[str, Any], fault: ProviderFault
    ) -> None:
        world.server.faults.append(Fault(Reply(body=body), world.is_create, is_published=False))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is fault

    @scenario(5)
    async def test_eight_creates_at_once_keep_their_distance(self, world: World) -> None:
        made = await at_the_same_time(8, world)
        assert not [each for each in made if isinstance(each, BaseException)]
        assert len(world.living()) == 8
        assert not [each for each in world.server.exchanges if each.reply and each.reply.status == 429]

    @scenario(5)
    async def test_a_plain_429_at_create_is_waited_for(self, world: World) -> None:
        offer = await world.offer()
        slow = Reply(status=429, text="API requests too frequent endpoint threshold=4.5")
        world.server.faults.append(Fault(slow, world.is_create, times=2, is_published=False))
        before = world.clock.monotonic()
        await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert world.clock.monotonic() - before >= 9
        assert len(world.living()) == 1

    @scenario(4)
    async def test_an_empty_account_is_told_of(self, world: World) -> None:
        assert isinstance(world, VastWorld)
        world.balance = -0.5
        account = await world.provider.examine()
        assert "-0.50" in account.notes[0]
        assert KEY not in str(account)

    @scenario(4)
    async def test_settings_that_make_no_sense_are_refused(self, world: World) -> None:
        for wrong in ({"disk_gb": "much"}, {"disk_gb": 0.2}, {"bid_factor": 0.5}, {"bid_factor": "x"}):
            settings = {**world.settings(), **wrong}
            world.settings = lambda settings=settings: settings  # type: ignore[method-assign, misc]
            with pytest.raises(ProviderError) as caught:
                await world.connect().list_offers()
            assert caught.value.fault is ProviderFault.INVALID

    @scenario(13)
    async def test_the_ledger_has_what_the_instance_says(self, world: World, office: Office) -> None:
        assert isinstance(world, VastWorld)
        node = await office.until(NodeStatus.READY)
        assert node.key is not None
        instance = world.instance(machine_name(node.key))
        instance.dph_total *= 2
        world.clock.advance(7200)
        await office.step()
        await office.give_back()
        (bill,) = world.billed()
        assert bill.ended_at is not None
        hours = (bill.ended_at - bill.began_at).total_seconds() / 3600
        assert await office.charged_micro() >= bill.micro_per_hour * hours * 0.999
