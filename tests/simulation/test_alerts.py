"""Alerts under virtual time: whatever crashes, a change is in the outbox once, and every message arrives."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.simulation.loop import run_simulated
from tests.simulation.world import World
from tests.unit.catalog.offers_for_tests import offer
from tradewind.control import alert_desk
from tradewind.control.alerting import Alerting
from tradewind.control.alerts import MOST_TRIES, PriceWatch
from tradewind.control.notifying import DeliveryError, Message
from tradewind.db import price_tables
from tradewind.db.owners import Caller
from tradewind.db.sealing import Sealer
from tradewind.db.store import Transaction
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.schemas_alerts import AlertPatch, AlertRequest, ChannelRequest
from tradewind.domain.secrets import Secret
from tradewind.providers.simulated.platform import Behaviour
from tradewind.server.wiring import alert_controllers_of

DOLLAR = 1_000_000
GOOD, BAD, SLOW = "jsons://good.example/x", "jsons://bad.example/x", "jsons://slow.example/x"


class Prices:
    """A catalogue of one offer whose price the test sets."""

    def __init__(self) -> None:
        self.micro = 3 * DOLLAR
        self.takes_s = 0.05

    async def table(self, caller: Caller) -> OfferTable:
        await asyncio.sleep(self.takes_s)
        return OfferTable.of([offer(self.micro)])


class Postman:
    """Delivers after a while; a bad address fails, a slow one takes nearly for ever."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.tries: Counter[str] = Counter()

    async def send(self, url: Secret, message: Message) -> None:
        self.tries[url.reveal()] += 1
        await asyncio.sleep(20 if url.reveal() == SLOW else 0.2)
        if url.reveal() == BAD:
            raise DeliveryError("the service answered 500", hint="wait")
        self.taken.append((url.reveal(), message.title))


class AlertWorld(World):
    """A control plane with alerts."""

    def __init__(self, seed: int, root: Path) -> None:
        super().__init__(seed, root, lambda _: Behaviour())
        self.prices, self.postman = Prices(), Postman()
        self.alert_tasks: list[asyncio.Task[Any]] = []

    async def begin(self) -> None:
        await self.create()
        self.store.invariants = check_outbox
        await self.store.run(self._add_source)

    def _add_source(self, tx: Transaction) -> None:
        tx.execute(
            insert(price_tables.price_sources).values(
                id="psrc_1", name="test", settings={}, created_at=tx.now, snapshot_version=1
            )
        )

    def start_alerts(self) -> None:
        alerting = Alerting(
            shelf=self.prices, notifier=self.postman, sealer=Sealer(self.root / "secret.key", self.entropy)
        )
        loops: list[Coroutine[Any, Any, None]] = [
            runner.run() for runner in alert_controllers_of(self.context, alerting)
        ]
        loops.append(PriceWatch(self.context).run())
        self.alert_tasks = [asyncio.create_task(loop) for loop in loops]

    async def kill_alerts(self) -> None:
        for task in self.alert_tasks:
            task.cancel()
        await asyncio.gather(*self.alert_tasks, return_exceptions=True)

    async def set_price(self, dollars: float) -> None:
        """A new snapshot."""
        self.prices.micro = round(dollars * DOLLAR)
        table = price_tables.price_sources
        await self.store.run(
            lambda tx: tx.execute(update(table).values(snapshot_version=table.c.snapshot_version + 1))
        )

    async def add(self, *urls: str, **changes: Any) -> str:
        """An alert below two dollars, told on channels at these addresses."""
        sealer = Sealer(self.root / "secret.key", self.entropy)
        condition = {"kind": "price_below", "below_micro": 2 * DOLLAR}

        def add(tx: Transaction) -> str:
            names = []
            for number, url in enumerate(urls):
                request = ChannelRequest(name=f"c{number}", url=Secret(url))
                names.append(alert_desk.add_channel(tx, self.caller, sealer, request).name)
            values = {"name": "cheap", "condition": condition, "channels": names, **changes}
            return alert_desk.add_alert(tx, self.caller, AlertRequest.model_validate(values)).id

        return await self.store.run(add)

    async def rows(self, table: Any) -> list[Any]:
        return await self.store.read(lambda tx: list(tx.execute(select(table).order_by(table.c.id))))


def check_outbox(tx: Transaction) -> None:
    """Holds after every commit: findings are counted without gaps, and each is told once per channel."""
    alerts, firings, notes = (
        price_tables.price_alerts,
        price_tables.alert_firings,
        price_tables.notifications,
    )
    for alert in tx.execute(select(alerts)):
        numbers = sorted(tx.execute(select(firings.c.number).where(firings.c.alert_id == alert.id)).scalars())
        assert numbers == list(range(1, alert.state["number"] + 1)), f"{alert.id}: {numbers}"
    pairs = tx.execute(select(notes.c.firing_id, notes.c.channel_id))
    told = Counter((row.firing_id, row.channel_id) for row in pairs)
    assert all(count == 1 for count in told.values()), f"told twice: {told}"
    for note in tx.execute(select(notes)):
        assert "jsons://" not in (note.error or "") + note.title + note.body


def play(seed: int, root: Path, story: Callable[[AlertWorld], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        world = AlertWorld(seed, root)
        await world.begin()
        await story(world)
        await world.kill_alerts()
        world.raise_violations()
        world.store.close()

    run_simulated(seed, main())


@pytest.mark.parametrize("seed", range(3))
def test_each_change_is_told_once(seed: int, tmp_path: Path) -> None:
    async def story(world: AlertWorld) -> None:
        world.start_alerts()
        await world.add(GOOD)
        for price in (3.0, 1.9, 1.8, 1.9, 3.0, 1.7, 1.7):
            await world.set_price(price)
            await asyncio.sleep(300)
        titles = [title for _, title in world.postman.taken]
        assert len(titles) == 2, titles
        assert titles[0].startswith("cheap: $1.90/GPU-h")
        assert titles[1].startswith("cheap: $1.70/GPU-h")
        assert {note.state for note in await world.rows(price_tables.notifications)} == {"sent"}

    play(seed, tmp_path, story)


@pytest.mark.parametrize("seed", range(15))
def test_a_crash_between_any_two_steps_loses_and_doubles_nothing(seed: int, tmp_path: Path) -> None:
    async def story(world: AlertWorld) -> None:
        await world.add(GOOD, "jsons://other.example/x")
        world.start_alerts()
        for price in (1.9, 3.0, 1.5):
            await world.set_price(price)
            for _ in range(4):
                # Dead at any point of looking, writing, sending and noting; leases run out in the meantime.
                await asyncio.sleep(world.entropy.uniform() * 1.5)
                await world.kill_alerts()
                await asyncio.sleep(world.entropy.uniform() * 60)
                world.start_alerts()
            await asyncio.sleep(600)
        firings = await world.rows(price_tables.alert_firings)
        assert [firing.number for firing in firings] == [1, 2]
        notes = await world.rows(price_tables.notifications)
        assert len(notes) == 4
        assert all(note.state == "sent" for note in notes)
        # At least once: a message may arrive twice, but none is missing.
        arrived = Counter(world.postman.taken)
        assert len(arrived) == 4

    play(seed, tmp_path, story)


def test_a_failing_and_a_slow_channel_do_not_hold_up_others(tmp_path: Path) -> None:
    async def story(world: AlertWorld) -> None:
        world.start_alerts()
        await world.add(BAD, SLOW, GOOD)
        await world.set_price(1.5)
        await asyncio.sleep(33)
        assert [url for url, _ in world.postman.taken if url == GOOD] == [GOOD]
        await asyncio.sleep(6 * 3600)
        by_state = {note.state: note for note in await world.rows(price_tables.notifications)}
        assert set(by_state) == {"sent", "failed"}
        failed = by_state["failed"]
        assert failed.tries == MOST_TRIES == world.postman.tries[BAD]
        assert failed.error == "the service answered 500; wait"
        assert failed.next_due_at is None

    play(1, tmp_path, story)


def test_many_messages_to_a_slow_channel_leave_room_for_others(tmp_path: Path) -> None:
    async def story(world: AlertWorld) -> None:
        await world.add(SLOW, GOOD, channels=["c0"])
        condition = {"kind": "price_below", "below_micro": 2 * DOLLAR}
        for number in range(20):
            values = {"name": f"a{number}", "condition": condition, "channels": ["c0"]}
            request = AlertRequest.model_validate(values)
            await world.store.run(lambda tx, request=request: alert_desk.add_alert(tx, world.caller, request))  # type: ignore[misc]
        last = AlertRequest.model_validate({"name": "z", "condition": condition, "channels": ["c1"]})
        await world.store.run(lambda tx: alert_desk.add_alert(tx, world.caller, last))
        world.prices.micro = DOLLAR
        world.start_alerts()
        await asyncio.sleep(18)
        assert [url for url, _ in world.postman.taken] == [GOOD]
        await asyncio.sleep(1200)
        assert Counter(url for url, _ in world.postman.taken) == {GOOD: 1, SLOW: 21}

    play(1, tmp_path, story)


def test_a_muted_alert_keeps_what_it_finds_and_tells_nobody(tmp_path: Path) -> None:
    async def story(world: AlertWorld) -> None:
        world.start_alerts()
        alert = await world.add(GOOD, is_muted=True)
        await world.set_price(1.5)
        await asyncio.sleep(120)
        (firing,) = await world.rows(price_tables.alert_firings)
        assert firing.was_muted
        await world.store.run(
            lambda tx: alert_desk.change_alert(tx, world.caller, alert, AlertPatch(is_muted=False))
        )
        await asyncio.sleep(7200)
        assert world.postman.taken == []
        await world.set_price(3.0)
        await asyncio.sleep(120)
        await world.set_price(1.4)
        await asyncio.sleep(120)
        assert len(world.postman.taken) == 1

    play(1, tmp_path, story)


def test_an_alert_is_looked_at_hourly_where_no_price_changes(tmp_path: Path) -> None:
    async def story(world: AlertWorld) -> None:
        world.start_alerts()
        await world.add()
        await asyncio.sleep(60)
        first = (await world.rows(price_tables.price_alerts))[0].state["looked_at_us"]
        # Not announced by any snapshot.
        world.prices.micro = DOLLAR
        await asyncio.sleep(3600)
        (alert,) = await world.rows(price_tables.price_alerts)
        assert 3500 * 10**6 < alert.state["looked_at_us"] - first < 3700 * 10**6
        assert alert.fired_at is not None

    play(1, tmp_path, story)


def test_a_change_of_the_condition_during_a_look_is_not_overwritten(tmp_path: Path) -> None:
    async def story(world: AlertWorld) -> None:
        alert = await world.add(GOOD)
        world.prices.micro, world.prices.takes_s = round(1.5 * DOLLAR), 5.0
        world.start_alerts()
        patch = AlertPatch.model_validate({"condition": {"kind": "price_below", "below_micro": DOLLAR}})
        # While the offers are being fetched for the old condition.
        await asyncio.sleep(2)
        await world.store.run(lambda tx: alert_desk.change_alert(tx, world.caller, alert, patch))
        await asyncio.sleep(600)
        (row,) = await world.rows(price_tables.price_alerts)
        firings = await world.rows(price_tables.alert_firings)
        assert row.condition["below_micro"] == DOLLAR
        assert firings == []
        assert not row.state["is_told"]

    play(1, tmp_path, story)
