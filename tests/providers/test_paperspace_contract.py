"""Paperspace: the adapter against a simulator that is held to its own tool's description of the API."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from tests.providers.mutating import Mutation
from tests.providers.office import Office
from tests.providers.paperspace_simulator import RATE, TYPES, PaperspaceWorld, refusal, templates
from tests.providers.suite import KEEP, ProviderContract, scenario
from tests.providers.wire_server import Break, Fault, Reply, Request
from tests.providers.world import access_of, node_key
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.status import NodeStatus, Reason
from tradewind.providers.access import machine_name
from tradewind.providers.base import Handle, MachinePhase
from tradewind.providers.paperspace.refusals import WORDINGS, classify_create
from tradewind.providers.paperspace.startup import startup_script
from tradewind.providers.paperspace.templates import choose_template, region_of, type_of

_MODULE: Final = "tradewind.providers.paperspace.machines"
MUTATIONS: Final = (
    Mutation(_MODULE, "_API}/machines", "_API}/machine"),
    Mutation(_MODULE, '"machineType": type_of', '"machine_type": type_of'),
    Mutation(_MODULE, '"startupScriptId": await', '"scriptId": await'),
    Mutation(_MODULE, '"publicIpType": "dynamic"', '"publicIpType": "static"'),
    Mutation(_MODULE, '"ready": MachinePhase', '"running": MachinePhase'),
    Mutation(_MODULE, '"off": MachinePhase.UNKNOWN', '"off": MachinePhase.GONE'),
    Mutation(_MODULE, '{"after": ', '{"page": '),
    Mutation(_MODULE, "usageRate", "hourlyRate"),
    Mutation(_MODULE, "        await self._delete_scripts(str(handle", "        str((handle"),
    Mutation("tradewind.providers.paperspace.refusals", "out of capacity", "sold out"),
    Mutation("tradewind.providers.paperspace.templates", "machineTypeLabel", "machineType"),
)


def is_script(method: str) -> Any:
    """Requests of this method on startup scripts."""

    def matches(request: Request) -> bool:
        return request.method == method and "startup-scripts" in request.path

    return matches


class TestPaperspaceContract(ProviderContract):
    world_type = PaperspaceWorld

    @scenario(1)
    async def test_what_a_machine_is_given(self, world: PaperspaceWorld) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        body = world.vms[handle.values["id"]].body
        (script,) = world.scripts.values()
        assert body["startupScriptId"] == script.id
        assert (script.name, script.is_run_once) == (machine_name(node_key()), True)
        assert script.script == startup_script(world.access, node_key())
        assert (body["templateId"], body["diskSize"]) == ("t-ml", 150)
        assert body["region"] == "East Coast (NY2)"
        assert (body["autoShutdownEnabled"], body["autoShutdownTimeout"]) == (True, 168)
        assert body["publicIpType"] == "dynamic"
        await world.boot()
        login = (await world.provider.get(handle)).login
        assert login is not None
        assert login.host_keys == (world.access.host_key(node_key()).public,)

    async def test_template_disk_timer_and_port_can_be_set(self) -> None:
        class Elsewhere(PaperspaceWorld):
            def settings(self) -> Mapping[str, Any]:
                return {
                    "base_url": self.server.url,
                    "template": "t-ubuntu",
                    "disk_gb": 500,
                    "auto_shutdown_hours": 24,
                    "ssh_port": 2222,
                }

        async with Elsewhere() as world:
            handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
            await world.boot()
            body = world.vms[handle.values["id"]].body
            assert (body["templateId"], body["diskSize"], body["autoShutdownTimeout"]) == (
                "t-ubuntu", 500, 24,
            )  # fmt: skip
            login = (await world.provider.get(handle)).login
            assert login is not None
            assert (login.user, login.port) == ("paperspace", 2222)

    @scenario(3)
    async def test_a_refused_create_leaves_no_script(self, world: PaperspaceWorld) -> None:
        offer = await world.offer()
        for fault in (ProviderFault.CAPACITY, ProviderFault.QUOTA, ProviderFault.INVALID):
            world.refuse_create(fault)
            with pytest.raises(ProviderError):
                await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
            assert world.scripts == {}, fault

    @scenario(4)
    async def test_a_create_that_names_something_unknown_is_refused_for_good(
        self, world: PaperspaceWorld
    ) -> None:
        offer = await world.offer()
        for unknown in (replace(offer, instance_type="B900"), replace(offer, region="moon-1")):
            with pytest.raises(ProviderError) as caught:
                await world.provider.create(unknown, node_key(), world.clock.now() + KEEP)
            assert caught.value.fault is ProviderFault.INVALID
        world.server.faults.append(Fault(refusal(404, "Template not found"), world.is_create))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.INVALID
        assert world.scripts == {}

    @scenario(2)
    async def test_an_uncertain_create_keeps_its_script_and_uses_it_again(
        self, world: PaperspaceWorld
    ) -> None:
        offer = await world.offer()
        world.server.faults.append(Fault(Break.BEFORE, world.is_create))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.AMBIGUOUS
        assert len(world.scripts) == 1
        await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert len(world.scripts) == 1

    @scenario(2)
    async def test_a_lost_answer_on_the_script_makes_no_second_one(
        self, world: PaperspaceWorld, office: Office
    ) -> None:
        world.server.faults.append(Fault(Break.AFTER, is_script("POST")))
        assert (await office.until(NodeStatus.READY)).status is NodeStatus.READY
        assert len(world.scripts) == 1
        await office.give_back()
        assert (world.scripts, world.living()) == ({}, [])

    @scenario(7)
    async def test_the_script_goes_with_the_machine(self, world: PaperspaceWorld) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        other = await world.provider.create(await world.offer(), node_key(2), world.clock.now() + KEEP)
        world.add_script({"name": "somebody-elses", "script": "", "isRunOnce": True})
        await world.provider.terminate(handle)
        names = sorted(each.name for each in world.scripts.values())
        assert names == ["somebody-elses", other.values["name"]]

    @scenario(9)
    async def test_a_controller_that_is_killed_at_any_call_loses_nothing(self, tmp_path: Path) -> None:
        """As for every provider, and no script is lost either."""
        for moment in range(1, self.most_moments):
            async with PaperspaceWorld() as world:
                office = Office(world, tmp_path / str(moment))
                await office.open(await world.offer())
                was_killed = await office.killed_at(moment)
                office.restart()
                node = await office.until(NodeStatus.READY, NodeStatus.REFUSED)
                assert node.status is NodeStatus.READY, (moment, node.explanation)
                assert (len(world.living()), len(world.scripts)) == (1, 1), moment
                await office.give_back()
                assert (world.living(), world.scripts) == ([], {}), moment
                office.close()
            if not was_killed:
                assert moment > 4
                return
        raise AssertionError("it is never ready")

    @scenario(8)
    async def test_a_script_that_was_left_alone_is_found_and_deleted(self, world: PaperspaceWorld) -> None:
        world.server.faults.append(Fault(Break.BEFORE, world.is_create))
        with pytest.raises(ProviderError):
            await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert await world.provider.find(node_key()) is None
        (left,) = await world.provider.list_owned()
        assert (left.key, left.phase) == (node_key(), MachinePhase.UNKNOWN)
        view = await world.provider.get(left.handle)
        assert (view.phase, view.price_changes[0].micro_per_hour) == (MachinePhase.UNKNOWN, 0)
        await world.provider.terminate(left.handle)
        assert world.scripts == {}
        with pytest.raises(ProviderError) as caught:
            await world.provider.get(left.handle)
        assert caught.value.fault is ProviderFault.NOT_FOUND
        await world.provider.terminate(left.handle)

    @scenario(8)
    async def test_a_script_in_use_is_not_owned_for_itself(self, world: PaperspaceWorld) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert [each.handle for each in await world.provider.list_owned()] == [handle]

    @scenario(7)
    async def test_a_machine_with_a_time_of_its_end_is_gone(self, world: PaperspaceWorld) -> None:
        world.shows_the_dead = True
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        await world.provider.terminate(handle)
        await world.end()
        assert (await world.provider.get(handle)).phase is MachinePhase.GONE
        assert await world.provider.find(node_key()) is None
        assert [each.phase for each in await world.provider.list_owned()] == [MachinePhase.GONE]

    @scenario(11)
    @pytest.mark.parametrize(
        "text", ["", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"]
    )
    async def test_a_time_that_cannot_be_its_end_is_no_end(self, world: PaperspaceWorld, text: str) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        await world.boot()
        world.vms[handle.values["id"]].extra = {"dtDeleted": text}
        assert (await world.provider.get(handle)).phase is MachinePhase.READY
        assert await world.provider.find(node_key()) == handle

    @scenario(7)
    @pytest.mark.parametrize("state", ["off", "stopping"])
    async def test_switched_off_is_no_end(self, world: PaperspaceWorld, state: str) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        world.vms[handle.values["id"]].state = state
        assert (await world.provider.get(handle)).phase is MachinePhase.UNKNOWN
        assert await world.provider.find(node_key()) == handle

    @scenario(7)
    async def test_switched_off_while_it_starts_it_is_given_back(
        self, world: PaperspaceWorld, office: Office
    ) -> None:
        await office.until(NodeStatus.STARTING)
        (vm,) = world.vms.values()
        vm.state = "off"
        node = await office.until(NodeStatus.GONE, steps=600)
        assert node.reason is Reason.START_FAILED
        assert (world.living(), world.scripts) == ([], {})

    @scenario(13)
    async def test_the_machines_own_price_counts(self, world: PaperspaceWorld, office: Office) -> None:
        await office.until(NodeStatus.STARTING)
        (vm,) = world.vms.values()
        vm.extra = {"usageRate": 2 * RATE}
        await office.until(NodeStatus.READY)
        world.clock.advance(3600)
        await office.give_back()
        hours = (world.clock.now() - vm.began_at).total_seconds() / 3600
        assert await office.charged_micro() == pytest.approx(2 * RATE * 1e6 * hours, rel=0.05)

    @scenario(10)
    async def test_a_type_that_is_not_there_any_more_cannot_be_had(self, world: PaperspaceWorld) -> None:
        by_type = {each.instance_type: each for each in await world.provider.list_offers()}
        assert (by_type["A100"].is_available, by_type["A5000"].is_available) == (True, False)
        with pytest.raises(ProviderError) as caught:
            await world.provider.validate(by_type["A5000"])
        assert caught.value.fault is ProviderFault.INVALID

    @scenario(10)
    async def test_an_empty_catalog_is_no_offer_and_no_question(self, world: PaperspaceWorld) -> None:
        class Empty(PaperspaceWorld):
            async def listed(self) -> list[Any]:
                return []

        async with Empty() as other:
            assert await other.provider.list_offers() == []
            assert other.server.exchanges == []

    async def test_whose_key_it_is(self, world: PaperspaceWorld) -> None:
        await world.add_foreign("somebody-elses")
        account = await world.provider.examine()
        assert account.identity == "Paperspace team example"
        assert [(each.name, each.limit, each.used) for each in account.quotas] == [("machines", 5, 1)]

    @scenario(11)
    async def test_answers_without_what_they_must_have_are_faults(self, world: PaperspaceWorld) -> None:
        offer = await world.offer()
        world.server.faults.append(Fault(Reply(body={}), world.is_create, is_published=False))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.AMBIGUOUS
        bodies: tuple[Any, ...] = ({}, [], {"items": None}, {"items": [], "hasMore": True, "nextPage": None})
        for body in bodies:
            world.server.faults.append(Fault(Reply(body=body), is_published=False))
            with pytest.raises(ProviderError) as caught:
                await world.provider.find(node_key())
            assert caught.value.fault is ProviderFault.PROVIDER_FAULT
            world.server.faults.append(Fault(Reply(body=body), is_published=False))
            with pytest.raises(ProviderError) as caught:
                await world.provider.get(Handle({"id": "ps1", "name": machine_name(node_key())}))
            assert caught.value.fault is ProviderFault.PROVIDER_FAULT


REFUSALS: Final = (
    (400, "We are currently out of capacity for the selected VM type.", ProviderFault.CAPACITY),
    (500, "We are currently out of capacity for the selected VM type.", ProviderFault.CAPACITY),
    (400, "There is not enough capacity in this region", ProviderFault.CAPACITY),
    (400, "Your team has an outstanding balance", ProviderFault.BALANCE),
    (402, "Add a credit card", ProviderFault.BALANCE),
    (403, "You need to request access to this machine type", ProviderFault.QUOTA),
    (400, "You have reached your machine limit", ProviderFault.QUOTA),
    (500, "Your quota could not be read", None),
    (401, "out of capacity", None),
    (429, "quota exceeded", None),
    (400, "name: Required", None),
    (500, "Internal Server Error", None),
)


@pytest.mark.parametrize(("status", "message", "fault"), REFUSALS)
def test_what_a_refused_create_means(status: int, message: str, fault: ProviderFault | None) -> None:
    assert classify_create(status, refusal(status, message).body) is fault


def test_every_row_of_the_table_is_met_by_one_of_the_sentences() -> None:
    for pattern, _, source in WORDINGS:
        assert any(pattern.search(message) for _, message, _ in REFUSALS), pattern.pattern
        assert source


@pytest.mark.parametrize("body", [None, [], "text", {}, {"message": 5}])
def test_a_refusal_without_a_sentence_is_its_status(body: Any) -> None:
    assert classify_create(400, body) is None


async def test_names_of_the_catalog_and_of_paperspace() -> None:
    async with PaperspaceWorld() as world:
        offer = await world.offer()
    assert type_of(replace(offer, instance_type="A100-sxm4-80GB")) == "A100-80G"
    assert type_of(offer) == "A100"
    assert region_of(replace(offer, region="ams1")) == "Europe (AMS1)"
    assert region_of(replace(offer, region="Europe (AMS1)")) == "Europe (AMS1)"


class TestTemplates:
    def test_the_one_with_drivers_where_it_is_to_be_had(self) -> None:
        assert choose_template(templates(), "A100", None).id == "t-ml"
        assert choose_template(templates(), "H100", None).id == "t-ubuntu"

    def test_the_one_that_was_asked_for(self) -> None:
        assert choose_template(templates(), "A100", "t-own").id == "t-own"
        assert choose_template(templates(), "A100", "t-ml").least_gb == 150

    def test_no_such_type_and_nothing_to_start_from(self) -> None:
        windows = [each for each in templates() if each["id"] == "t-windows"]
        for listed, kind in (
            (templates(), "P4000"),
            (templates(), "B200"),
            (windows, TYPES[0]),
            ([], TYPES[0]),
        ):
            with pytest.raises(ProviderError) as caught:
                choose_template(listed, kind, None)
            assert caught.value.fault is ProviderFault.INVALID


def test_the_startup_script_sets_the_keys(tmp_path: Path) -> None:
    access, key = access_of(), node_key()
    text = startup_script(access, key)
    for path in ("/etc/ssh", "/home/paperspace"):
        (tmp_path / path.removeprefix("/")).mkdir(parents=True)
        text = text.replace(path, f"{tmp_path}{path}")
    old = tmp_path / "etc/ssh/ssh_host_rsa_key"
    old.write_text("the image's own")
    mine = tmp_path / "home/paperspace/.ssh"
    mine.mkdir()
    (mine / "authorized_keys").write_text("ssh-ed25519 AAAA laptop\n")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name in ("chown", "systemctl"):
        (commands / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/calls\n')
        (commands / name).chmod(0o755)
    script = tmp_path / "script"
    script.write_text(text)
    environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}"}
    subprocess.run(["bash", str(script)], check=True, env=environment, timeout=60)
    private = tmp_path / "etc/ssh/ssh_host_ed25519_key"
    assert private.stat().st_mode & 0o777 == 0o600
    assert private.read_text() == access.host_key(key).private.reveal()
    assert Path(f"{private}.pub").read_text().strip() == access.host_key(key).public
    assert not old.exists()
    assert (mine / "authorized_keys").read_text() == f"ssh-ed25519 AAAA laptop\n{access.login.public}\n"
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [f"chown -R paperspace:paperspace {mine}", "systemctl restart ssh"]
