"""A machine whose creation was accepted and that comes to nothing: what the control plane makes of each way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.providers.office import Office
from tests.providers.wire_server import Reply, Request
from tests.providers.world import Billed, Living, World
from tradewind.control import refusals
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Capabilities, CreateIdempotency, Offer, SelfTermination
from tradewind.domain.status import NodeStatus, Reason
from tradewind.providers.base import Account, Handle, MachinePhase, MachineView, OwnedMachine

OFFER = Offer(
    provider="test",
    region="here",
    zone=None,
    instance_type="big",
    cpus=8,
    memory_bytes=1 << 36,
    disk_bytes=0,
    accelerator="H100",
    accelerator_count=1,
    market="on_demand",
    rate=Rate(micro_per_unit=3_600_000_000, per=Quantity.HOUR, currency="USD"),
)


class Frail:
    """One machine, that is as the test says."""

    id = "test"
    capabilities = Capabilities(
        create_idempotency=CreateIdempotency.UNIQUE_NAME, self_termination=SelfTermination.NONE
    )

    def __init__(self) -> None:
        self.view = MachineView(phase=MachinePhase.STARTING)
        self.is_there = False

    async def examine(self) -> Account:
        return Account(identity="test")

    async def list_offers(self) -> list[Offer]:
        return [OFFER]

    async def validate(self, offer: Offer) -> None:
        return

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        self.is_there = True
        return Handle({"key": key})

    async def find(self, key: str) -> Handle | None:
        return Handle({"key": key}) if self.is_there else None

    async def get(self, handle: Handle) -> MachineView:
        if not self.is_there:
            return MachineView(phase=MachinePhase.GONE)
        return self.view

    async def keep(self, handle: Handle, until: datetime) -> None:
        return

    async def terminate(self, handle: Handle) -> None:
        self.is_there = False

    async def list_owned(self) -> list[OwnedMachine]:
        return []


class FrailWorld(World):
    """No wire: the provider is one of ours."""

    provider_id = "test"
    credentials: Mapping[str, str] = {}  # type: ignore[misc]
    instance_type = "big"
    region = "here"

    def __init__(self) -> None:
        super().__init__()
        self.frail = Frail()

    def connect(self, credentials: Mapping[str, str] | None = None) -> Any:
        return self.frail

    def boot_data(self, name: str) -> str | None:
        return None

    def contract(self) -> None:
        return None

    async def handle(self, request: Request) -> Reply:
        raise AssertionError(request.target)

    def living(self) -> list[Living]:
        return [Living(id="1", name="1")] if self.frail.is_there else []

    def billed(self) -> list[Billed]:
        return []

    async def boot(self) -> None:
        return

    async def end(self) -> None:
        return

    async def reclaim(self, name: str) -> None:
        return

    async def add_foreign(self, name: str) -> None:
        return

    async def surprise(self, name: str) -> None:
        return

    def is_create(self, request: Request) -> bool:
        return False

    def refusals(self) -> Mapping[ProviderFault, Reply]:
        return {}


@pytest.fixture
async def world() -> AsyncIterator[FrailWorld]:
    async with FrailWorld() as world:
        yield world


@pytest.fixture
async def office(world: FrailWorld, tmp_path: Path) -> AsyncIterator[Office]:
    office = Office(world, tmp_path)
    await office.open(OFFER)
    await office.until(NodeStatus.STARTING)
    yield office
    office.close()


async def is_refused(office: Office) -> bool:
    found = await office.store.read(refusals.live_refusals)
    return any(each.concerns(OFFER) for each in found)


@pytest.mark.parametrize(
    ("fault", "reason", "ran"),
    [
        (ProviderFault.CAPACITY, Reason.NO_CAPACITY, False),
        (ProviderFault.QUOTA, Reason.NO_QUOTA, False),
        (ProviderFault.PROVIDER_FAULT, Reason.START_FAILED, True),
    ],
)
async def test_before_it_was_ready_it_is_a_refusal(
    world: FrailWorld, office: Office, fault: ProviderFault, reason: Reason, ran: bool
) -> None:
    world.frail.view = MachineView(phase=MachinePhase.UNKNOWN, fault=fault, explanation="no room after all")
    node = await office.until(NodeStatus.TERMINATING)
    assert node.reason is reason
    assert (node.explanation or "").startswith("no room after all; not asked again for ")
    assert await is_refused(office)
    world.clock.advance(30)
    node = await office.until(NodeStatus.GONE)
    assert node.reason is reason
    assert not world.frail.is_there
    assert (await office.charged_micro() > 0) is ran


async def test_one_that_was_ready_is_lost_and_no_word_about_its_place(
    world: FrailWorld, office: Office
) -> None:
    world.frail.view = MachineView(phase=MachinePhase.READY)
    await office.until(NodeStatus.READY)
    world.frail.view = MachineView(phase=MachinePhase.UNKNOWN, fault=ProviderFault.CAPACITY)
    node = await office.until(NodeStatus.GONE)
    assert node.reason is Reason.NODE_LOST
    assert not await is_refused(office)
    assert await office.charged_micro() > 0


async def test_one_that_is_gone_already_needs_no_giving_back(world: FrailWorld, office: Office) -> None:
    world.frail.view = MachineView(phase=MachinePhase.GONE, fault=ProviderFault.CAPACITY, explanation="full")
    node = await office.until(NodeStatus.GONE)
    assert node.reason is Reason.NO_CAPACITY
    assert (node.explanation or "").startswith("full; not asked again for ")
    assert await is_refused(office)
    assert await office.charged_micro() == 0


async def test_what_a_reclaimed_machine_left_behind_is_given_back(world: FrailWorld, office: Office) -> None:
    world.frail.view = MachineView(phase=MachinePhase.READY)
    await office.until(NodeStatus.READY)
    world.frail.view = MachineView(phase=MachinePhase.UNKNOWN, was_reclaimed=True)
    node = await office.until(NodeStatus.GONE)
    assert node.reason is Reason.RECLAIMED
    assert not world.frail.is_there


async def test_a_provider_that_forgot_it_says_so_by_an_error(world: FrailWorld, office: Office) -> None:
    async def forgot(handle: Handle) -> MachineView:
        raise ProviderError(ProviderFault.NOT_FOUND, "nothing is called so")

    world.frail.get = forgot  # type: ignore[method-assign]
    node = await office.until(NodeStatus.GONE)
    assert node.reason is Reason.VANISHED
