"""DigitalOcean: the adapter against a simulator that is held to the published API in both directions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest

from tests.providers.digitalocean_simulator import DigitalOceanWorld, refusal
from tests.providers.mutating import Mutation
from tests.providers.office import Office
from tests.providers.suite import KEEP, ProviderContract, at_the_same_time, scenario
from tests.providers.wire_server import Break, Fault, Reply
from tests.providers.world import World, node_key
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.status import NodeStatus, Reason
from tradewind.providers.access import machine_name
from tradewind.providers.base import Handle, MachinePhase
from tradewind.providers.digitalocean.machines import image_of
from tradewind.providers.digitalocean.refusals import WORDINGS, classify

_MODULE: Final = "tradewind.providers.digitalocean.machines"
MUTATIONS: Final = (
    Mutation(_MODULE, "/v2/droplets", "/v2/machines"),
    Mutation(_MODULE, '"size": offer', '"size_slug": offer'),
    Mutation(_MODULE, '"ssh_keys": [await', '"keys": [await'),
    Mutation(_MODULE, '"active": MachinePhase', '"running": MachinePhase'),
    Mutation(_MODULE, '"off": MachinePhase.UNKNOWN', '"off": MachinePhase.GONE'),
    Mutation(_MODULE, '{"type": "gpus"}', '{"type": "droplets"}'),
    Mutation(_MODULE, '"tags": [self._mark, name]', '"tags": []'),
    Mutation(_MODULE, '(droplet, "public")', '(droplet, "private")'),
    Mutation(_MODULE, '(droplet, "private")', '(droplet, "inside")'),
    Mutation(_MODULE, '.get("next")', '.get("following")'),
    Mutation("tradewind.providers.digitalocean.refusals", "size is not available", "size is sold out"),
    Mutation("tradewind.providers.digitalocean.refusals", "exceed your .*limit", "beyond your limit"),
)


class TestDigitalOceanContract(ProviderContract):
    world_type = DigitalOceanWorld

    async def test_the_login_key_is_registered_once(self, world: DigitalOceanWorld) -> None:
        made = await at_the_same_time(3, world)
        assert not [each for each in made if isinstance(each, BaseException)]
        await at_the_same_time(2, world)
        assert len(world.keys) == 2
        assert {tuple(each.ssh_keys) for each in world.droplets.values()} == {(512191,)}

    @scenario(2)
    async def test_a_lost_answer_on_the_login_key_is_made_up_for(self, world: DigitalOceanWorld) -> None:
        world.server.faults.append(
            Fault(Break.AFTER, lambda request: (request.method, request.path) == ("POST", "/v2/account/keys"))
        )
        await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert len(world.keys) == 2
        assert len(world.living()) == 1

    async def test_a_key_that_is_refused_makes_no_machine(self, world: DigitalOceanWorld) -> None:
        offer = await world.offer()
        no = refusal(422, "unprocessable_entity", "Key invalid, key should be of the format ...")
        world.server.faults.append(Fault(no, lambda request: request.method == "POST"))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.INVALID
        assert world.living() == []

    @scenario(1)
    async def test_what_a_machine_is_given(self, world: DigitalOceanWorld) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        droplet = world.droplets[handle.values["id"]]
        name = machine_name(node_key())
        assert droplet.name == name
        assert droplet.tags == [name.rpartition("-")[0], name]
        assert droplet.image == "gpu-h100x1-base"
        cloud_init = json.loads(droplet.user_data.removeprefix("#cloud-config\n"))
        assert cloud_init["ssh_keys"]["ed25519_public"] == world.access.host_key(node_key()).public
        assert cloud_init["ssh_authorized_keys"] == [world.access.login.public]
        # It would cost as much switched off.
        assert "bootcmd" not in cloud_init
        await world.boot()
        view = await world.provider.get(handle)
        assert view.login is not None
        assert view.login.host.startswith("127.77.1.")
        assert view.login.host_keys == (world.access.host_key(node_key()).public,)

    async def test_image_and_port_can_be_set(self, world: DigitalOceanWorld) -> None:
        class Elsewhere(DigitalOceanWorld):
            def settings(self) -> Mapping[str, Any]:
                return {"base_url": self.server.url, "image": "hardened", "ssh_port": 2222}

        async with Elsewhere() as other:
            handle = await other.provider.create(await other.offer(), node_key(), other.clock.now() + KEEP)
            await other.boot()
            assert other.droplets[handle.values["id"]].image == "hardened"
            login = (await other.provider.get(handle)).login
            assert login is not None
            assert (login.user, login.port) == ("root", 2222)

    @scenario(4)
    async def test_a_create_that_names_something_unknown_is_refused_for_good(self, world: World) -> None:
        offer = await world.offer()
        gone = refusal(404, "not_found", "The resource you were accessing could not be found.")
        world.server.faults.append(Fault(gone, world.is_create))
        for size in ("gpu-h100x1-80gb", "gpu-h900x1-80gb"):
            with pytest.raises(ProviderError) as caught:
                await world.provider.create(
                    replace(offer, instance_type=size), node_key(), world.clock.now() + KEEP
                )
            assert caught.value.fault is ProviderFault.INVALID

    @scenario(3)
    async def test_a_size_that_is_not_in_a_region_now_is_no_capacity(self, world: World) -> None:
        offer = await world.offer()
        for size, region, fault in (
            ("gpu-h100x8-640gb", "nyc2", ProviderFault.CAPACITY),
            ("gpu-h100x1-80gb", "tor1", ProviderFault.CAPACITY),
            ("gpu-h900x1-80gb", "nyc2", ProviderFault.INVALID),
        ):
            with pytest.raises(ProviderError) as caught:
                await world.provider.validate(replace(offer, instance_type=size, region=region))
            assert caught.value.fault is fault

    @scenario(3)
    async def test_a_machine_that_was_accepted_and_never_came_is_gone(
        self, world: DigitalOceanWorld, office: Office
    ) -> None:
        await office.until(NodeStatus.STARTING)
        (droplet,) = world.droplets.values()
        droplet.ended_at = world.clock.now()
        node = await office.until(NodeStatus.GONE, steps=400)
        assert node.reason is Reason.VANISHED

    @scenario(7)
    async def test_a_machine_that_is_never_ready_is_given_back(
        self, world: DigitalOceanWorld, office: Office
    ) -> None:
        await office.until(NodeStatus.STARTING)
        (droplet,) = world.droplets.values()
        droplet.status = "off"
        node = await office.until(NodeStatus.GONE, steps=400)
        assert node.reason is Reason.START_FAILED
        assert world.living() == []

    @scenario(7)
    @pytest.mark.parametrize("status", ["off", "archive"])
    async def test_switched_off_is_no_end(self, world: DigitalOceanWorld, status: str) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        world.droplets[handle.values["id"]].status = status
        assert (await world.provider.get(handle)).phase is MachinePhase.UNKNOWN
        (owned,) = await world.provider.list_owned()
        assert (owned.handle, owned.phase) == (handle, MachinePhase.UNKNOWN)
        await world.provider.terminate(handle)
        await world.end()
        assert world.living() == []

    @scenario(8)
    @pytest.mark.parametrize("lists_gpus_by_tag", [True, False])
    async def test_found_whatever_a_list_by_tag_shows(
        self, world: DigitalOceanWorld, lists_gpus_by_tag: bool
    ) -> None:
        world.lists_gpus_by_tag = lists_gpus_by_tag
        for number in range(2 * world.most_per_page):
            await world.add_foreign(f"somebody-elses-{number}")
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert await world.provider.find(node_key()) == handle
        assert [each.handle for each in await world.provider.list_owned()] == [handle]

    @scenario(8)
    async def test_a_tagged_machine_without_accelerators_is_found(self, world: DigitalOceanWorld) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        world.droplets[handle.values["id"]].has_gpu = False
        assert await world.provider.find(node_key()) == handle

    @scenario(5)
    async def test_no_more_than_250_calls_a_minute(self, world: DigitalOceanWorld) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        before = world.clock.monotonic()
        await asyncio.gather(*(world.provider.get(handle) for _ in range(300)))
        assert (world.clock.monotonic() - before) / 300 >= 60 / 250

    async def test_what_the_account_may_have(self, world: DigitalOceanWorld) -> None:
        await at_the_same_time(2, world)
        account = await world.provider.examine()
        (quota,) = account.quotas
        assert (quota.name, quota.limit, quota.used) == ("Droplets", 25, 2)
        assert account.regions == ("nyc2",)
        world.status = "locked"
        assert any("'locked'" in each for each in (await world.provider.examine()).notes)

    @scenario(11)
    async def test_an_answer_without_its_object_is_a_fault(self, world: World) -> None:
        offer = await world.offer()
        empty = Reply(status=202, body={"links": {"actions": []}})
        world.server.faults.append(Fault(empty, world.is_create, is_published=False))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.AMBIGUOUS
        world.server.faults.append(Fault(Reply(body={}), is_published=False))
        with pytest.raises(ProviderError) as caught:
            await world.provider.get(Handle({"id": 1, "name": "any"}))
        assert caught.value.fault is ProviderFault.PROVIDER_FAULT


@pytest.mark.parametrize(
    ("status", "message", "fault"),
    [
        (422, "creating this/these droplet(s) will exceed your droplet limit", ProviderFault.QUOTA),
        (422, "You have reached the GPU limit of your account", ProviderFault.QUOTA),
        (422, "This size is currently restricted please send an additional payment", ProviderFault.QUOTA),
        (422, "Size is not available in this region.", ProviderFault.CAPACITY),
        (422, "size is unavailable", ProviderFault.CAPACITY),
        (422, "Region is not available", ProviderFault.CAPACITY),
        (422, "There is not enough capacity", ProviderFault.CAPACITY),
        (422, "A payment method is required", ProviderFault.BALANCE),
        (422, "You specified an invalid size for Droplet creation.", None),
        (422, "SSH Key is already in use on your account", None),
        (403, "You are not authorized to perform this operation", None),
        (500, "Size is not available in this region.", None),
        (404, "Region is not available", None),
    ],
)
def test_what_a_refusal_means(status: int, message: str, fault: ProviderFault | None) -> None:
    assert classify(status, {"id": "unprocessable_entity", "message": message}) is fault


def test_every_row_of_the_table_is_met_by_one_of_the_sentences() -> None:
    sentences = [mark.args[1] for mark in test_what_a_refusal_means.pytestmark]  # type: ignore[attr-defined]
    texts = [row[1] for row in sentences[0]]
    for each in WORDINGS:
        assert any(each.pattern.search(text) for text in texts), each.pattern.pattern
        assert each.source


@pytest.mark.parametrize("body", [None, [], "text", {}, {"message": 5}])
def test_a_refusal_without_a_sentence_is_its_status(body: Any) -> None:
    assert classify(422, body) is None


@pytest.mark.parametrize(
    ("size", "image"),
    [
        ("gpu-h100x1-80gb", "gpu-h100x1-base"),
        ("gpu-h100x8-640gb", "gpu-h100x8-base"),
        ("gpu-l40sx1-48gb", "gpu-h100x1-base"),
        ("gpu-mi300x1-192gb", "gpu-amd-base"),
        ("gpu-mi325x8-2048gb", "gpu-amd-base"),
    ],
)
def test_which_image_has_the_drivers(size: str, image: str) -> None:
    assert image_of(size) == image
