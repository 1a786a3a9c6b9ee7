"""The contract that every provider of machines fulfils, scenario by scenario.

A provider's test module subclasses `ProviderContract` and gives it a `World`. A scenario that a provider has no part in
is declared in `World.gaps` with the reason, and asserted by the provider's own tests; it is never left out in silence.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Final

import pytest

from tests.providers.office import Office
from tests.providers.wire_server import Break, Fault, Reply, Request
from tests.providers.world import INSTALLATION, OTHER_INSTALLATION, World, node_key
from tests.ssh_machines import Watch, in_thread, request_of
from tests.sshd_for_tests import Sshd
from tradewind.domain.clock import SystemClock
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import CreateIdempotency, SelfTermination
from tradewind.domain.status import AttemptStatus, NodeStatus, Reason
from tradewind.providers.access import Access, machine_name
from tradewind.providers.base import GangProvider, Handle, Login, MachinePhase
from tradewind.providers.bundle import build_bundle
from tradewind.providers.normalising import NO_PRICE
from tradewind.providers.ssh.bootstrap import Bundle
from tradewind.providers.ssh.connection import Links
from tradewind.providers.ssh.host import SshHost

SCENARIOS: Final = {
    1: "create, ready, log in, terminate",
    2: "idempotent create",
    3: "no capacity",
    4: "quota, balance, credentials, permission",
    5: "asked too often",
    6: "taken back",
    7: "terminate",
    8: "what is owned",
    9: "killed at every call",
    10: "offers",
    11: "unknown answers",
    12: "ends by itself",
    13: "the bill",
}
#: Adds this test to the table of results.
scenario = pytest.mark.scenario
KEEP: Final = timedelta(minutes=30)


class ProviderContract:
    """Thirteen scenarios; see `SCENARIOS`."""

    #: Makes the world of one test.
    world_type: ClassVar[type[World]]
    #: Exchanges with the vendor at which the controller is killed, at most.
    most_moments: ClassVar[int] = 60

    @pytest.fixture
    async def world(self) -> AsyncIterator[World]:
        async with self.world_type() as world:
            yield world

    @pytest.fixture
    async def office(self, world: World, tmp_path: Path) -> AsyncIterator[Office]:
        office = Office(world, tmp_path)
        await office.open(await world.offer())
        yield office
        office.close()

    # -- 1 -------------------------------------------------------------------------------------------------------

    @scenario(1)
    async def test_a_machine_from_rented_to_gone(self, world: World) -> None:
        provider = world.provider
        handle = await provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert (await provider.get(handle)).phase in (MachinePhase.STARTING, MachinePhase.UNKNOWN)
        await world.boot()
        view = await provider.get(handle)
        assert view.phase is MachinePhase.READY
        assert view.login is not None
        assert view.login.host
        assert len(world.living()) == 1
        await provider.terminate(handle)
        await world.end()
        assert await phase_of(world, handle) is MachinePhase.GONE
        assert world.living() == []

    @scenario(1)
    async def test_a_job_runs_on_a_machine_with_the_agent_delivered(
        self, world: World, tmp_path: Path
    ) -> None:
        """The machine is a real sshd at the address that the vendor told, with the keys that the vendor handed it."""
        await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        await world.boot()
        handle = await world.provider.find(node_key())
        assert handle is not None
        login = (await world.provider.get(handle)).login
        assert login is not None
        folder = tmp_path / "machine"
        folder.mkdir()
        machine = Sshd(folder, host=login.host, port=login.port)
        try:
            machine.start(*world.host_material(machine_name(node_key())))
            await runs_a_job(login, world.access, tmp_path)
        finally:
            machine.kill()
        await world.provider.terminate(handle)
        await world.end()
        assert world.living() == []

    @scenario(1)
    async def test_the_machines_of_a_gang_reach_each_other(self, world: World) -> None:
        provider = world.provider
        if not provider.capabilities.has_multi_node:
            assert provider.capabilities.gaps["has_multi_node"]
            return
        names = [machine_name(node_key(number)) for number in (1, 2, 3, 4)]
        made = [await create_member(world, number, gang) for number, gang in ((1, 1), (2, 1), (3, 2))]
        made.append(await provider.create(await world.offer(), node_key(4), world.clock.now() + KEEP))
        await world.boot()
        views = [await provider.get(each) for each in made]
        assert {each.phase for each in views} == {MachinePhase.READY}
        addresses = [each.private_address for each in views]
        assert all(addresses)
        assert len(set(addresses)) == len(made)
        assert world.reaches(names[0], names[1])
        assert world.reaches(names[1], names[0])
        if isinstance(provider, GangProvider):
            others = [
                (one, two) for one in names for two in names if one != two and {one, two} != set(names[:2])
            ]
            assert [each for each in others if world.reaches(*each)] == []
        for each in made:
            await provider.terminate(each)
        await world.end()
        assert {await phase_of(world, each) for each in made} == {MachinePhase.GONE}
        assert (world.living(), world.made_for_gangs()) == ([], [])

    # -- 2 -------------------------------------------------------------------------------------------------------

    @scenario(2)
    async def test_a_repeated_create_of_a_member_changes_nothing(self, world: World) -> None:
        if not isinstance(world.provider, GangProvider):
            return
        first = await create_member(world, 1)
        world.clock.advance(60)
        world.provider = world.connect()
        assert await create_member(world, 1) == first
        assert len(world.living()) == len(world.made_for_gangs()) == 1
        world.clock.advance(world.provider.capabilities.list_lag.total_seconds())
        assert await world.provider.find(node_key()) == first
        (owned,) = await world.provider.list_owned()
        assert owned.handle == first

    @scenario(2)
    async def test_a_lost_answer_makes_no_second_machine(self, world: World, office: Office) -> None:
        world.server.faults.append(Fault(Break.AFTER, world.is_create))
        node = await office.until(NodeStatus.READY)
        assert node.key is not None
        assert [each.name for each in world.living()] == [machine_name(node.key)]
        assert (await office.give_back()).status is NodeStatus.GONE
        assert world.living() == []

    @scenario(2)
    async def test_a_request_that_never_arrived_is_made_up_for(self, world: World, office: Office) -> None:
        world.server.faults.append(Fault(Break.BEFORE, world.is_create))
        await office.until(NodeStatus.READY)
        assert len(world.living()) == 1
        await office.give_back()
        assert world.living() == []

    @scenario(2)
    async def test_half_an_answer_is_a_lost_one(self, world: World) -> None:
        world.server.faults.append(Fault(Break.TRUNCATED, world.is_create))
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is ProviderFault.AMBIGUOUS
        assert len(world.living()) == 1

    @scenario(2)
    async def test_a_repeated_create_where_the_provider_says_that_it_is_harmless(self, world: World) -> None:
        way = world.provider.capabilities.create_idempotency
        offer = await world.offer()
        first = await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        if way in (CreateIdempotency.TOKEN, CreateIdempotency.UNIQUE_NAME):
            world.clock.advance(60)
            again = await world.connect().create(offer, node_key(), world.clock.now() + KEEP)
            assert again == first
        world.clock.advance(world.provider.capabilities.list_lag.total_seconds())
        assert await world.provider.find(node_key()) == first
        assert await world.provider.find(node_key(2)) is None
        assert len(world.living()) == 1

    # -- 3, 4, 5 -------------------------------------------------------------------------------------------------

    @scenario(3)
    async def test_no_capacity_is_said_at_once_and_not_asked_again(
        self, world: World, office: Office
    ) -> None:
        refusal = world.refuse_create(ProviderFault.CAPACITY, times=100)
        node = await office.until(NodeStatus.REFUSED)
        assert node.reason is Reason.NO_CAPACITY
        assert 100 - refusal.times == 1
        assert world.living() == []

    @scenario(3)
    @pytest.mark.parametrize("fault", [ProviderFault.CAPACITY, ProviderFault.QUOTA])
    @pytest.mark.parametrize("which", [1, 2])
    async def test_part_of_a_gang_is_none_of_it(
        self, world: World, tmp_path: Path, fault: ProviderFault, which: int
    ) -> None:
        """One machine is had and the other is refused: it is said why, and all is given back."""
        if not world.provider.capabilities.has_multi_node:
            return
        office = Office(world, tmp_path)
        await office.open(await world.offer(), nodes=2)
        seen = 0

        def is_it(request: Request) -> bool:
            nonlocal seen
            seen += world.is_create(request)
            return world.is_create(request) and seen == which

        world.server.faults.append(Fault(world.refusals()[fault], is_it))
        while not any(each.status is NodeStatus.REFUSED for each in await office.nodes()):
            await office.step()
            await world.boot()
        attempt = await office.look_at_gang()
        assert attempt.status is AttemptStatus.INTERRUPTED
        reason = Reason.NO_CAPACITY if fault is ProviderFault.CAPACITY else Reason.NO_QUOTA
        assert attempt.reason is reason
        await office.until(NodeStatus.GONE, NodeStatus.REFUSED)
        assert (world.living(), world.made_for_gangs()) == ([], [])
        refused = [each for each in await office.nodes() if each.reason is reason]
        assert len(refused) == 1
        assert {each[2] for each in await office.refused_places()} == {fault.value}
        office.close()

    @scenario(4)
    @pytest.mark.parametrize(
        "fault",
        [ProviderFault.QUOTA, ProviderFault.BALANCE, ProviderFault.CREDENTIALS, ProviderFault.PERMISSION,
         ProviderFault.INVALID],
    )  # fmt: skip
    async def test_each_no_is_told_apart(self, world: World, fault: ProviderFault) -> None:
        if fault not in world.refusals():
            assert fault in (ProviderFault.QUOTA, ProviderFault.BALANCE, ProviderFault.PERMISSION)
            return
        offer = await world.offer()
        refusal = world.refuse_create(fault, times=100)
        with pytest.raises(ProviderError) as caught:
            await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        assert caught.value.fault is fault
        assert 100 - refusal.times == 1
        assert_tells_no_secret(world, caught.value)

    @scenario(4)
    async def test_credentials_are_examined(self, world: World) -> None:
        account = await world.provider.examine()
        assert account.identity
        wrong = {name: f"wrong-{value}" for name, value in world.credentials.items()}
        with pytest.raises(ProviderError) as caught:
            await world.connect(wrong).examine()
        assert caught.value.fault is ProviderFault.CREDENTIALS
        assert_tells_no_secret(world, caught.value)

    @scenario(5)
    async def test_asked_too_often_waits_as_long_as_it_is_told_to(self, world: World) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        slow = Reply(status=429, text="slow down", headers={"retry-after": "17"})
        world.server.faults.append(Fault(slow, times=2, is_published=False))
        before = world.clock.now()
        await world.provider.get(handle)
        assert world.clock.now() - before >= timedelta(seconds=34)

    @scenario(5)
    async def test_asked_too_often_for_ever_is_given_up(self, world: World) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        plain = Fault(Reply(status=429, text="Too Many Requests"), times=1000, is_published=False)
        world.server.faults.append(plain)
        with pytest.raises(ProviderError) as caught:
            await world.provider.get(handle)
        assert caught.value.fault is ProviderFault.RATE_LIMIT
        assert 1000 - plain.times <= 10
        plain.times = 0

    @scenario(5)
    async def test_a_server_that_fails_at_reading_is_asked_again(self, world: World) -> None:
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        world.server.faults.append(Fault(Reply(status=503, text="<html>"), times=2, is_published=False))
        assert (await world.provider.get(handle)).phase is not MachinePhase.GONE

    # -- 6 -------------------------------------------------------------------------------------------------------

    @scenario(6)
    async def test_a_machine_that_was_taken_back_is_gone_and_costs_no_more(
        self, world: World, tmp_path: Path
    ) -> None:
        if 6 in world.gaps:
            assert not world.provider.capabilities.has_spot
            return
        office = Office(world, tmp_path)
        await office.open(await world.offer(world.reclaimed_market))
        node = await office.until(NodeStatus.READY)
        assert node.key is not None
        await world.reclaim(machine_name(node.key))
        world.clock.advance(60)
        node = await office.until(NodeStatus.GONE)
        assert node.reason in (Reason.RECLAIMED, Reason.VANISHED)
        assert world.living() == []
        office.close()

    # -- 7 -------------------------------------------------------------------------------------------------------

    @scenario(7)
    async def test_terminate_again_and_again(self, world: World) -> None:
        offer = await world.offer()
        handle = await world.provider.create(offer, node_key(), world.clock.now() + KEEP)
        # Before it has booted, while it ends, and when it is gone.
        await world.provider.terminate(handle)
        await world.provider.terminate(handle)
        await world.end()
        await world.provider.terminate(handle)
        assert await phase_of(world, handle) is MachinePhase.GONE
        assert world.living() == []

    @scenario(7)
    async def test_a_terminate_whose_answer_was_lost(self, world: World, office: Office) -> None:
        await office.until(NodeStatus.READY)
        seen = len(world.server.exchanges)
        world.server.faults.append(Fault(Break.AFTER, lambda request: request.method != "GET"))
        node = await office.give_back()
        assert node.status is NodeStatus.GONE
        assert world.living() == []
        assert len(world.server.exchanges) > seen

    # -- 8 -------------------------------------------------------------------------------------------------------

    @scenario(8)
    async def test_only_what_is_ours_is_owned(self, world: World) -> None:
        offer = await world.offer()
        keys = [node_key(number) for number in (1, 2, 3)]
        for key in keys:
            await world.provider.create(offer, key, world.clock.now() + KEEP)
        await world.add_foreign("somebody-elses")
        await world.add_foreign(machine_name(node_key(9, OTHER_INSTALLATION)))
        await world.boot()
        world.clock.advance(world.provider.capabilities.list_lag.total_seconds())
        # A server that knows nothing of what another one made finds it all the same.
        owned = await world.connect().list_owned()
        assert sorted(each.key for each in owned) == keys
        for each in owned:
            await world.provider.terminate(each.handle)
        await world.end()
        left = [each for each in await world.provider.list_owned() if each.phase is not MachinePhase.GONE]
        assert left == []
        assert len(world.living()) == 2

    @scenario(8)
    async def test_more_than_fit_on_a_page(self, world: World) -> None:
        offer = await world.offer()
        # On either side: ours are on no first page, whichever way the vendor lists them.
        for number in range(60):
            await world.add_foreign(f"somebody-elses-{number}")
        for number in range(1, 8):
            await world.provider.create(offer, node_key(number), world.clock.now() + KEEP)
        for number in range(60, 120):
            await world.add_foreign(f"somebody-elses-{number}")
        await world.boot()
        world.clock.advance(world.provider.capabilities.list_lag.total_seconds())
        assert {each.key for each in await world.provider.list_owned()} == {
            node_key(number) for number in range(1, 8)
        }
        found = await world.provider.find(node_key(7))
        assert found is not None

    # -- 9 -------------------------------------------------------------------------------------------------------

    @scenario(9)
    async def test_a_controller_that_is_killed_at_any_call_loses_nothing(self, tmp_path: Path) -> None:
        for moment in range(1, self.most_moments):
            async with self.world_type() as world:
                office = Office(world, tmp_path / str(moment))
                await office.open(await world.offer())
                was_killed = await office.killed_at(moment)
                office.restart()
                node = await office.until(NodeStatus.READY, NodeStatus.REFUSED)
                assert node.status is NodeStatus.READY, (moment, node.explanation)
                assert len(world.living()) == 1, moment
                await office.give_back()
                assert world.living() == [], moment
                office.close()
            if not was_killed:
                assert moment > 4
                return
        raise AssertionError("it is never ready")

    @scenario(9)
    async def test_a_controller_of_a_gang_that_is_killed_at_any_call_leaves_nothing(
        self, tmp_path: Path
    ) -> None:
        # Every third moment, arrivals and departures by turns: two machines take twice as many as one.
        for moment in range(1, 2 * self.most_moments, 3):
            async with self.world_type() as world:
                if not world.provider.capabilities.has_multi_node:
                    return
                office = Office(world, tmp_path / str(moment))
                await office.open(await world.offer(), nodes=2)
                was_killed = await office.killed_at(moment)
                office.restart()
                if moment // 2 % 2:
                    # The job goes on; else nobody wants the machines any more when the new process looks.
                    await office.until(NodeStatus.READY)
                    assert len(world.living()) == 2, moment
                    one, other = (machine_name(each.key or "") for each in await office.nodes())
                    assert world.reaches(one, other), moment
                    is_narrow = isinstance(world.provider, GangProvider)
                    assert len(world.made_for_gangs()) == is_narrow, moment
                await office.give_back()
                assert world.living() == [], moment
                # What was made for machines that were never asked for is found by what looks for orphans.
                world.clock.advance(3600)
                assert [
                    each for each in await world.provider.list_owned() if each.phase is not MachinePhase.GONE
                ] == []
                assert world.made_for_gangs() == [], moment
                office.close()
            if not was_killed:
                assert moment > 8
                return
        raise AssertionError("it is never ready")

    # -- 10 ------------------------------------------------------------------------------------------------------

    @scenario(10)
    async def test_offers_are_in_our_units(self, world: World) -> None:
        offers = await world.provider.list_offers()
        assert {each.provider for each in offers} == {world.provider_id}
        offer = await world.offer()
        assert offer.rate.currency == "USD"
        assert offer.accelerator_count >= 1
        assert 100_000 < offer.rate.micro_per_unit / offer.accelerator_count < 20_000_000
        assert NO_PRICE not in offer.flags
        assert len({(each.region, each.zone, each.instance_type, each.market) for each in offers}) == len(
            offers
        )
        await world.provider.validate(offer)

    # -- 11 ------------------------------------------------------------------------------------------------------

    @scenario(11)
    async def test_a_state_that_nobody_knows_is_no_end(self, world: World, office: Office) -> None:
        node = await office.until(NodeStatus.READY)
        assert node.key is not None
        problems = list(world.server.problems)
        await world.surprise(machine_name(node.key))
        view = await world.provider.get(Handle(node.handle or {}))
        assert view.phase is MachinePhase.UNKNOWN
        owned = await world.provider.list_owned()
        assert [each.key for each in owned if each.phase is not MachinePhase.GONE] == [node.key]
        assert (await office.step()).status is NodeStatus.READY
        # The surprise itself is what the contract does not have.
        world.server.problems[:] = problems

    # -- 12 ------------------------------------------------------------------------------------------------------

    @scenario(12)
    async def test_how_it_ends_without_us_is_declared(self, world: World) -> None:
        way = world.provider.capabilities.self_termination
        handle = await world.provider.create(await world.offer(), node_key(), world.clock.now() + KEEP)
        if way is SelfTermination.PROVIDER_TTL:
            await self.ends_at_its_time(world, handle)
        elif way is SelfTermination.POWEROFF_ENDS_BILLING:
            await world.boot()
            await self.ends_when_switched_off(world, handle)
        else:
            await world.provider.keep(handle, world.clock.now() + 2 * KEEP)
            assert len(world.living()) == 1

    async def ends_at_its_time(self, world: World, handle: Handle) -> None:
        """Kept once, it outlives its first time; then nobody keeps it, and the provider ends it."""
        await world.boot()
        await world.provider.keep(handle, world.clock.now() + 2 * KEEP)
        world.clock.advance(KEEP.total_seconds() + 60)
        assert len(world.living()) == 1
        world.clock.advance(2 * KEEP.total_seconds())
        assert world.living() == []
        assert await phase_of(world, handle) is MachinePhase.GONE

    async def ends_when_switched_off(self, world: World, handle: Handle) -> None:
        """The machine switches itself off."""
        await world.switch_off(machine_name(node_key()))
        assert world.living() == []
        assert await phase_of(world, handle) is MachinePhase.GONE

    # -- 13 ------------------------------------------------------------------------------------------------------

    @scenario(13)
    async def test_the_ledger_has_what_the_vendor_bills(self, world: World, office: Office) -> None:
        await office.until(NodeStatus.READY)
        world.clock.advance(3 * 3600 + 7)
        await office.step()
        await office.give_back()
        (bill,) = world.billed()
        assert bill.ended_at is not None
        hours = (bill.ended_at - bill.began_at).total_seconds() / 3600
        # We may hear of the end a moment after it; never before.
        slack_s = self.slack_s(world)
        charged = await office.charged_micro()
        assert charged >= bill.micro_per_hour * hours * 0.999
        assert charged <= bill.micro_per_hour * (hours + slack_s / 3600) * 1.001 + 1

    def slack_s(self, world: World) -> float:
        """How much later than the vendor we may take a machine for gone, and how coarsely it bills."""
        return 180.0


async def runs_a_job(login: Login, access: Access, root: Path) -> None:
    """Greets the machine and runs an attempt there; its output arrives once, whole, over two connections."""
    agent = build_bundle(root / "agent")
    links = Links(access.login.private, Bundle(agent, "~/.tradewind"))
    host = SshHost(links.to(login), root / "attempts", SystemClock(), in_thread)
    try:
        greeting = await host.greet()
        if login.host_keys:
            assert greeting.host_keys == login.host_keys
        assert greeting.inventory is not None
        # What runs of an attempt is known by its id, on the whole of the machine that all tests share.
        request = request_of(root, "for i in 1 2 3; do echo step $i; done", uuid.uuid4().hex)
        watch = Watch(host, await host.submit(request, f"inst/{request.attempt_id}"))
        seen = await watch.until_gone()
    finally:
        links.close()
    assert seen.exit is not None
    assert (seen.exit.reason, seen.exit.exit_code) == ("exited", 0)
    log = request.directory / "logs" / "stdout.log"
    assert log.read_text() == "step 1\nstep 2\nstep 3\n"


async def phase_of(world: World, handle: Handle) -> MachinePhase:
    """What the provider says, and what control makes of a provider that has forgotten it."""
    try:
        return (await world.provider.get(handle)).phase
    except ProviderError as error:
        assert error.fault is ProviderFault.NOT_FOUND
        return MachinePhase.GONE


def assert_tells_no_secret(world: World, error: ProviderError) -> None:
    """No credential is in anything that a user may see of it."""
    text = f"{error.message} {error.hint} {error.causes} {error!r}"
    for name, value in world.credentials.items():
        assert name in world.open_credentials or value not in text


async def create_member(world: World, number: int, gang: int = 1) -> Handle:
    """Rents a machine for a gang, in the way control does."""
    provider, offer, key = world.provider, await world.offer(), node_key(number)
    keep_until = world.clock.now() + KEEP
    if isinstance(provider, GangProvider):
        return await provider.create_member(offer, key, keep_until, f"att_{gang:020d}")
    return await provider.create(offer, key, keep_until)


async def at_the_same_time(count: int, world: World) -> list[Handle | BaseException]:
    """So many create calls at once."""
    offer = await world.offer()
    calls = [
        world.provider.create(offer, node_key(number), world.clock.now() + KEEP)
        for number in range(1, count + 1)
    ]
    return list(await asyncio.gather(*calls, return_exceptions=True))


__all__ = [
    "INSTALLATION",
    "SCENARIOS",
    "ProviderContract",
    "at_the_same_time",
    "create_member",
    "phase_of",
    "scenario",
]
