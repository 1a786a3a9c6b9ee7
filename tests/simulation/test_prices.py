"""Price sources under simulated time: they fail, hang, talk nonsense and change their prices, and the server dies."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.simulation.clocks import SeededEntropy, SimulatedClock, inline
from tests.simulation.loop import run_simulated
from tests.simulation.world import SimulatedStore
from tests.unit.offers_for_tests import an_offer
from tradewind.catalog.shelf import Catalog
from tradewind.control.price_sources import Wanted, ensure_sources
from tradewind.control.prices import TIME_LIMIT_S, PriceController, Sources
from tradewind.control.runner import LeaseRunner
from tradewind.db import price_tables
from tradewind.db.owners import Caller, ensure_defaults
from tradewind.db.price_rows import PriceSourceRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Offer
from tradewind.providers.prices import PriceSource, Wire

Followed = dict[tuple[str, str], int]
SECRET = "key-that-nobody-may-see"


@dataclass
class FakeSource:
    """Says what it is told to say. `script` gives the next answer: offers, an error to raise, or None to hang."""

    id: str
    script: Callable[[], Any]
    title: str = "Fake"
    providers: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()
    max_age: timedelta = timedelta(hours=1)
    is_opt_in: bool = False
    asked_at: list[float] = field(default_factory=list)
    served: list[Followed] = field(default_factory=list)

    async def fetch(self, wire: Wire) -> list[Offer]:
        self.asked_at.append(wire.clock.monotonic())
        await asyncio.sleep(0.5)
        answer = self.script()
        if answer is None:
            await asyncio.sleep(1e9)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, list) and all(isinstance(each, Offer) for each in answer):
            self.served.append(followed(answer))
        result: list[Offer] = answer
        return result


def offers_at(**prices: float) -> list[Offer]:
    """One offer per region, at this price."""
    return [
        an_offer(price, region=region, seen_at=None, source="live", market="on_demand")
        for region, price in prices.items()
    ]


def followed(offers: list[Offer]) -> Followed:
    return {(each.region, each.market): each.rate.micro_per_unit for each in offers}


class PriceWorld:
    """The part of a server that looks after prices, which can be killed and started again."""

    def __init__(
        self, seed: int, sources: list[FakeSource], wanted: str, environment: dict[str, str]
    ) -> None:
        self.clock, self.entropy = SimulatedClock(), SeededEntropy(seed)
        self.store = SimulatedStore(self.clock, self.entropy)
        self.store.invariants = self._check
        self._checked: Any = None
        self.sources = {source.id: source for source in sources}
        self._wanted, self.environment = Wanted.parse(wanted), environment
        self.caller: Caller
        self.controller: PriceController
        self.catalog: Catalog
        self._task: asyncio.Task[None] | None = None

    def _check(self, tx: Transaction) -> None:
        changes, sources = price_tables.price_changes, price_tables.price_sources
        state = (
            tx.execute(select(func.max(changes.c.position))).scalar(),
            tx.execute(select(sources.c.id, sources.c.snapshot_version).order_by(sources.c.id)).all(),
        )
        if state != self._checked:
            history_equals_snapshots(tx)
            self._checked = state

    def _load(self, name: str) -> PriceSource:
        return self.sources[name]

    async def start(self) -> None:
        """A new process on the same database."""
        _, self.caller = await self.store.run(lambda tx: ensure_defaults(tx, "tester"))
        names = sorted(self.sources)
        shelf = Sources(names=names, load=self._load, environment=self.environment, make_http=_no_network)
        self.controller = PriceController(self.store, self.clock, self.entropy, inline, shelf, self._wanted)
        await self.store.run(lambda tx: ensure_sources(tx, names, self._wanted))
        self.catalog = Catalog(self.store, inline)
        self.catalog.on_ask = self.controller.ask
        runner = LeaseRunner(self.store, self.controller, self.clock, self.entropy, slots=8)
        self._task = asyncio.create_task(runner.run())

    async def kill(self) -> None:
        """Ends it wherever it is."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def prices(self, source: str | None = None) -> Followed:
        """What is served now."""
        table = await self.catalog.table(self.caller, source)
        return followed(table.offers(range(len(table))))

    async def row(self, name: str) -> PriceSourceRow:
        """The source as the database has it."""

        def read(tx: Transaction) -> PriceSourceRow:
            table = PriceSourceRow.table
            return PriceSourceRow.of(tx.execute(PriceSourceRow.select().where(table.c.name == name)).one())

        return await self.store.read(read)


@asynccontextmanager
async def _no_network() -> AsyncIterator[Any]:
    yield None


def history_equals_snapshots(tx: Transaction) -> None:
    """Playing back the changes of a source gives what its snapshot has, at any moment."""
    changes, sources = price_tables.price_changes, price_tables.price_sources
    now: dict[str, Followed] = {}
    for row in tx.execute(select(changes).order_by(changes.c.position)):
        state, key = now.setdefault(row.source_id, {}), (row.region, row.market)
        assert state.get(key) == row.previous_micro, "a change does not begin where the last one ended"
        if row.price_micro is None:
            del state[key]
        else:
            state[key] = row.price_micro
    for row in tx.execute(select(sources.c.id, sources.c.snapshot)):
        table = OfferTable.of(()) if row.snapshot is None else OfferTable.from_bytes(row.snapshot)
        assert now.get(row.id, {}) == followed(table.offers(range(len(table)))), "history and snapshot differ"


Story = Callable[[PriceWorld], Coroutine[Any, Any, None]]


def play(story: Story, *sources: FakeSource, seed: int = 1, wanted: str = "auto", **environment: str) -> None:
    async def main() -> None:
        world = PriceWorld(seed, list(sources), wanted, environment)
        try:
            await world.start()
            await story(world)
            if world.store.violations:
                raise world.store.violations[0]
        finally:
            await world.kill()
            world.store.close()

    run_simulated(seed, main())


def test_nobody_is_asked_before_somebody_wants_offers_and_then_once_per_age() -> None:
    source = FakeSource("list", lambda: offers_at(us=2.0))

    async def story(world: PriceWorld) -> None:
        await asyncio.sleep(7200)
        assert source.asked_at == []
        assert await world.prices() == {}
        await asyncio.sleep(5)
        assert await world.prices() == {("us", "on_demand"): 2_000_000}
        await asyncio.sleep(4 * 3600)
        pauses = [
            later - earlier for earlier, later in zip(source.asked_at, source.asked_at[1:], strict=False)
        ]
        assert len(source.asked_at) in (4, 5)
        assert min(pauses) >= 3600

    play(story, source)


def test_a_new_server_does_not_ask_again_what_is_fresh() -> None:
    source = FakeSource("list", lambda: offers_at(us=2.0))

    async def story(world: PriceWorld) -> None:
        await world.prices()
        await asyncio.sleep(60)
        await world.kill()
        await world.start()
        assert await world.prices() == {("us", "on_demand"): 2_000_000}
        await asyncio.sleep(1800)
        assert len(source.asked_at) == 1
        await asyncio.sleep(3600)
        assert len(source.asked_at) == 2

    play(story, source)


def test_what_ships_is_there_in_the_very_first_answer() -> None:
    async def story(world: PriceWorld) -> None:
        assert await world.prices() == {("us", "on_demand"): 5_000_000}

    hanging = FakeSource("list", lambda: None)
    play(story, FakeSource("shipped", lambda: offers_at(us=5.0)), hanging)


def test_one_that_fails_or_hangs_holds_up_no_other_and_keeps_what_it_said() -> None:
    answers: list[Any] = [offers_at(us=2.0), ProviderError(ProviderFault.PROVIDER_FAULT, "it is down")]
    failing = FakeSource("failing", lambda: answers.pop(0) if len(answers) > 1 else answers[0])
    hanging = FakeSource("hanging", lambda: None)
    working = FakeSource("working", lambda: offers_at(eu=3.0))

    async def story(world: PriceWorld) -> None:
        await world.prices()
        await asyncio.sleep(2 * 3600)
        assert await world.prices() == {("us", "on_demand"): 2_000_000, ("eu", "on_demand"): 3_000_000}
        failed, hung, fine = [await world.row(name) for name in ("failing", "hanging", "working")]
        assert failed.error == "it is down"
        assert failed.fetched_at is not None
        assert failed.tried_at is not None
        assert failed.tried_at > failed.fetched_at
        assert hung.error == f"it did not answer within {TIME_LIMIT_S:g} s"
        assert fine.error is None
        assert len(failing.asked_at) < 12
        answers[:] = [offers_at(us=2.5)]
        await asyncio.sleep(3 * 3600)
        assert (await world.row("failing")).error is None
        assert (await world.prices())["us", "on_demand"] == 2_500_000

    play(story, failing, hanging, working)


@pytest.mark.parametrize("nonsense", [["not an offer"], {"a": 1}, 7, [an_offer(), None]])
def test_nonsense_is_an_error_of_that_source_alone(nonsense: Any) -> None:
    async def story(world: PriceWorld) -> None:
        await world.prices()
        await asyncio.sleep(60)
        error = (await world.row("odd")).error
        assert error is not None
        assert error.startswith("its answer cannot be used")
        assert (await world.row("odd")).snapshot_version == 0

    play(story, FakeSource("odd", lambda: nonsense))


def test_credentials_are_asked_for_and_never_shown() -> None:
    source = FakeSource("paid", lambda: RuntimeError(f"bad key {SECRET}"), credentials=("PAID_KEY",))

    async def without(world: PriceWorld) -> None:
        await world.prices()
        await asyncio.sleep(60)
        assert source.asked_at == []
        assert await world.controller.state_of(await world.row("paid")) == "needs PAID_KEY"

    async def with_key(world: PriceWorld) -> None:
        await world.prices()
        await asyncio.sleep(60)
        error = (await world.row("paid")).error
        assert error is not None
        assert SECRET not in error
        assert "***" in error

    play(without, source)
    play(with_key, source, PAID_KEY=SECRET)


def test_a_credential_that_comes_later_sets_its_source_going() -> None:
    paid = FakeSource("paid", lambda: offers_at(us=2.0), credentials=("PAID_KEY",))
    wrong: list[Any] = [RuntimeError("bad key")]
    failing = FakeSource("failing", lambda: wrong.pop() if wrong else offers_at(eu=1.0), credentials=("KEY",))
    open_one = FakeSource("open", lambda: offers_at(jp=3.0))

    async def story(world: PriceWorld) -> None:
        # Nobody wants prices yet: nothing happens.
        await world.controller.credentials_changed()
        await world.prices()
        await asyncio.sleep(10)
        assert (len(paid.asked_at), len(failing.asked_at), len(open_one.asked_at)) == (0, 1, 1)
        world.environment["PAID_KEY"] = SECRET
        await world.controller.credentials_changed()
        await asyncio.sleep(10)
        # The one that had failed need not wait any longer; the one that is fresh is left alone.
        assert (len(paid.asked_at), len(failing.asked_at), len(open_one.asked_at)) == (1, 2, 1)
        assert set(await world.prices()) == {("us", "on_demand"), ("eu", "on_demand"), ("jp", "on_demand")}

    play(story, paid, failing, open_one, KEY="a key")


def test_a_large_one_is_asked_only_by_name() -> None:
    source = FakeSource("large", lambda: offers_at(us=1.0), is_opt_in=True)

    async def by_itself(world: PriceWorld) -> None:
        await world.prices()
        await asyncio.sleep(60)
        assert source.asked_at == []
        await world.controller.refresh(await world.row("large"))
        await asyncio.sleep(60)
        assert len(source.asked_at) == 1

    async def named(world: PriceWorld) -> None:
        await world.prices()
        await asyncio.sleep(60)
        assert len(source.asked_at) == 2

    play(by_itself, source)
    play(named, source, wanted="large")


def test_one_that_is_switched_off_is_neither_asked_nor_served() -> None:
    source = FakeSource("list", lambda: offers_at(us=1.0))

    async def story(world: PriceWorld) -> None:
        assert await world.prices() == {("us", "on_demand"): 5_000_000}
        await asyncio.sleep(3 * 3600)
        assert source.asked_at == []
        assert await world.controller.state_of(await world.row("list")) == "switched off"

    play(story, FakeSource("shipped", lambda: offers_at(us=5.0)), source, wanted="shipped")


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_history_equals_what_was_served(seed: int) -> None:
    chance = random.Random(seed)

    def answer() -> Any:
        kind = chance.random()
        if kind < 0.15:
            return ProviderError(ProviderFault.RATE_LIMIT, "too often", retry_after_s=chance.uniform(1, 900))
        if kind < 0.2:
            return None
        if kind < 0.3:
            return ["nonsense"]
        regions = chance.sample(("us", "eu", "ap", "sa"), chance.randrange(5))
        return offers_at(**{region: chance.choice((1.0, 2.0, 3.0)) for region in regions})

    sources = [FakeSource(name, answer) for name in ("a", "b", "c")]

    async def story(world: PriceWorld) -> None:
        for _ in range(8):
            await world.prices()
            await asyncio.sleep(chance.choice((0.2, 0.505, 0.51, 0.52, 30.0, 4000.0)))
            if chance.random() < 0.7:
                await world.kill()
                await world.start()
        await world.prices()
        await asyncio.sleep(5000)
        for source in sources:
            row = await world.row(source.id)
            if row.snapshot_version:
                assert await world.prices(source.id) in source.served

    play(story, *sources, seed=seed)
