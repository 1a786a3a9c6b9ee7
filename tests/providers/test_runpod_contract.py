"""RunPod: the adapter against a simulator that is held to RunPod's second published API in both directions."""

from __future__ import annotations

import getpass
from dataclasses import replace
from typing import Final

import pytest

from tests.providers.mutating import Mutation
from tests.providers.office import Office
from tests.providers.runpod_simulator import GPU, PRICE, RunpodWorld
from tests.providers.suite import KEEP, ProviderContract, scenario
from tests.providers.wire_server import Break, Fault, Reply
from tests.providers.world import World, node_key
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Availability
from tradewind.domain.status import NodeStatus, Reason
from tradewind.providers.access import machine_name
from tradewind.providers.base import MachinePhase
from tradewind.providers.container_start import COMMAND, main_script
from tradewind.providers.runpod.refusals import WORDINGS, Wording, classify, sentence

_MACHINES: Final = "tradewind.providers.runpod.machines"
MUTATIONS: Final = (
    Mutation(_MACHINES, '"/v2/pods"', '"/v2/pod"'),
    Mutation(_MACHINES, '"dataCenterIds"', '"dataCenterId"'),
    Mutation(_MACHINES, '"args": COMMAND', '"dockerArgs": COMMAND'),
    Mutation(_MACHINES, '"RUNNING": MachinePhase', '"ACTIVE": MachinePhase'),
    Mutation(_MACHINES, 'status == "EXITED"', 'status == "STOPPED"'),
    Mutation(_MACHINES, '"nextCursor"', '"next"'),
    Mutation(_MACHINES, '.get("direct")', '.get("proxy")'),
    Mutation("tradewind.providers.runpod.refusals", "no longer any instances", "not any more instances"),
)


class TestRunpodContract(ProviderContract):
    world_type = RunpodWorld

    @scenario(6)
    async def test_a_pod_that_was_stopped_is_given_back(self, world: World, office: Office) -> None:
        node = await office.until(NodeStatus.READY)
        assert node.key is not None
        await world.reclaim(machine_name(node.key))
        assert len(world.living()) == 1
        node = await office.until(NodeStatus.GONE)
        assert (node.reason, node.explanation) == (Reason.RECLAIMED, "RunPod has stopped it")
        assert world.living() == []

    @scenario(6)
    async def test_a_pod_that_is_stopped_before_it_was_ready_has_failed_to_start(
        self, world: World, office: Office
    ) -> None:
        node = await office.until(NodeStatus.STARTING)
        assert node.key is not None
        await world.reclaim(machine_name(node.key))
        node = await office.until(NodeStatus.GONE)
        assert node.reason is Reason.START_FAILED
        assert world.living() == []

    @scenario(1)
    async def test_the_pod_is_what_was_offered_and_starts_our_sshd(self, world: World) -> None:
        assert isinstance(world, RunpodWorld)
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        body = world.pods[handle.values["id"]].body
        assert (body["gpu"], body["cloud"], body["dataCenterIds"]) == (
            {"id": GPU, "count": 1},
            "SECURE",
            ["EU-RO-1"],
        )
        assert body["args"] == COMMAND
        assert body["env"]["TRADEWIND_START"] == main_script(world.access, node_key())
        await world.boot()
        login = (await world.provider.get(handle)).login
        assert login is not None
        assert (login.port, login.user) == (world.ssh_port, getpass.getuser())
        assert login.host_keys == (world.access.host_key(node_key()).public,)

    @scenario(1)
    @pytest.mark.parametrize(
        ("status", "phase"),
        [
            ("PROVISIONING", MachinePhase.STARTING),
            ("STARTING", MachinePhase.STARTING),
            ("RUNNING", MachinePhase.READY),
            ("EXITED", MachinePhase.UNKNOWN),
            ("ERROR", MachinePhase.UNKNOWN),
            ("TERMINATED", MachinePhase.GONE),
        ],
    )
    async def test_every_published_state(self, world: World, status: str, phase: MachinePhase) -> None:
        assert isinstance(world, RunpodWorld)
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        await world.boot()
        world.pods[handle.values["id"]].status = status
        view = await world.provider.get(handle)
        assert (view.phase, view.was_reclaimed) == (phase, status == "EXITED")
        (owned,) = await world.provider.list_owned()
        assert owned.phase is phase

    @scenario(3)
    @pytest.mark.parametrize("wording", WORDINGS, ids=lambda each: str(each.words))
    async def test_every_wording_is_known(self, world: World, wording: Wording) -> None:
        refusal = Reply(status=500, body={"title": "Oh", "status": 500, "detail": wording.example})
        world.server.faults.append(Fault(refusal, world.is_create))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is wording.fault
        assert classify(400, {"detail": wording.example.upper()}) is wording.fault
        assert classify(403, {"detail": wording.example}) is None

    @scenario(3)
    async def test_a_failure_in_other_words_leaves_it_open_whether_a_pod_was_made(self, world: World) -> None:
        failed = Reply(status=500, body={"title": "Oh", "status": 500, "detail": "Something went wrong."})
        world.server.faults.append(Fault(failed, world.is_create))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.AMBIGUOUS

    @scenario(4)
    async def test_what_is_unknown_is_invalid(self, world: World) -> None:
        offer = await world.offer()
        unknown = replace(offer, instance_type="1x NVIDIA ZETA 9", region="")
        for wrong in (unknown, replace(offer, instance_type="gpu_1x_a100"), replace(offer, market="spot")):
            for call in (
                world.provider.create(wrong, node_key(), world.clock.now() + KEEP),
                world.provider.validate(wrong),
            ):
                with pytest.raises(ProviderError) as caught:
                    await call
                assert caught.value.fault is ProviderFault.INVALID
        assert world.living() == []

    async def test_a_violation_of_the_contract_is_told_with_its_field(self) -> None:
        body = {
            "title": "Unprocessable",
            "status": 422,
            "detail": "Validation failed.",
            "errors": ["$.a: no"],
        }
        assert sentence(body) == "Validation failed. $.a: no"
        assert sentence({"errors": "x"}) is None

    @scenario(3)
    async def test_stock_that_is_gone_is_noticed_before(self, world: World) -> None:
        offer = await world.offer()
        with pytest.raises(ProviderError) as caught:
            await world.provider.validate(replace(offer, region="US-TX-3"))
        assert caught.value.fault is ProviderFault.CAPACITY
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(
                replace(offer, region="US-TX-3"), node_key(), world.clock.now() + KEEP
            )
        assert caught.value.fault is ProviderFault.CAPACITY

    @scenario(13)
    async def test_a_pod_that_costs_more_than_was_offered_is_given_back(self, world: World) -> None:
        assert isinstance(world, RunpodWorld)
        offer = await world.offer()
        world.cost = PRICE * 1.2
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.CAPACITY
        assert "$1.97" in caught.value.message
        assert world.living() == []

    @scenario(13)
    async def test_a_dear_pod_that_cannot_be_given_back_is_not_forgotten(self, world: World) -> None:
        assert isinstance(world, RunpodWorld)
        offer = await world.offer()
        world.cost = PRICE * 1.2
        world.server.faults.append(Fault(Break.BEFORE, lambda request: request.method == "DELETE", times=100))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.AMBIGUOUS
        assert await world.provider.find(node_key()) is not None

    @scenario(13)
    async def test_the_ledger_takes_the_price_that_the_pod_has(self, world: World, office: Office) -> None:
        assert isinstance(world, RunpodWorld)
        world.cost = PRICE * 1.05
        await office.until(NodeStatus.READY)
        world.clock.advance(7200)
        await office.give_back()
        (bill,) = world.billed()
        assert bill.ended_at is not None
        hours = (bill.ended_at - bill.began_at).total_seconds() / 3600
        assert await office.charged_micro() >= PRICE * 1.05e6 * hours * 0.999

    @scenario(10)
    async def test_what_nobody_knows_is_listed(self, world: World) -> None:
        offers = {each.instance_type: each for each in await world.provider.list_offers()}
        assert offers["1x NVIDIA ZETA 9"].accelerator == "NVIDIA ZETA 9"
        assert offers[f"1x {GPU} (community)"].flags == ("community",)
        assert offers["1x NVIDIA ZETA 9"].availability is Availability.LOW
