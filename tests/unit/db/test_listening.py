"""Servers of one database: who may join, and what they hear of each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from tests.unit.db.conftest import MakePostgres
from tradewind.db.listening import Presence
from tradewind.db.postgres import PostgresStore
from tradewind.domain.clock import SystemClock
from tradewind.domain.errors import ConflictError

WAIT_S = 20
Join = Callable[..., Awaitable[Presence]]


class FastClock(SystemClock):
    """Waits for nothing for long: what a server waits for is there, or never comes."""

    def __init__(self) -> None:
        self.naps = 0

    async def sleep(self, seconds: float) -> None:
        self.naps += 1
        await asyncio.sleep(0.001)


@pytest.fixture
async def join(make_postgres_store: MakePostgres) -> AsyncIterator[Join]:
    made: list[Presence] = []

    async def join(
        store: PostgresStore | None = None, *, shares_files: bool = True, lets_others_in: bool = True
    ) -> Presence:
        presence = Presence(store or make_postgres_store(), FastClock(), shares_files=shares_files)
        made.append(presence)
        await presence.join()
        if lets_others_in:
            await presence.let_others_in()
        return presence

    yield join
    for presence in made:
        await presence.close()


@asynccontextmanager
async def hearing(*presences: Presence) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(presence.run()) for presence in presences]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_first_is_alone_and_those_with_the_same_files_join(join: Join) -> None:
    first, second, third = await join(), await join(), await join()
    assert [each.is_alone for each in (first, second, third)] == [True, False, False]


async def test_who_joins_waits_until_the_first_has_started(join: Join) -> None:
    first = await join(lets_others_in=False)
    with pytest.raises(ConflictError, match="another server"):
        await join()
    await first.let_others_in()
    assert not (await join()).is_alone


@pytest.mark.parametrize("first_shares", [True, False])
async def test_a_server_with_files_of_its_own_is_the_only_one(join: Join, first_shares: bool) -> None:
    await join(shares_files=first_shares)
    with pytest.raises(ConflictError, match="keeps the files") as refused:
        await join(shares_files=not first_shares)
    assert refused.value.hint is not None
    assert "TRADEWIND_STORAGE" in refused.value.hint


async def test_a_place_is_free_as_soon_as_its_server_is_gone(join: Join) -> None:
    first = await join(shares_files=False)
    await first.close()
    assert (await join(shares_files=False)).is_alone


async def test_a_wake_up_reaches_the_other_server_after_the_commit(
    make_postgres_store: MakePostgres, join: Join
) -> None:
    ours, theirs = make_postgres_store(), make_postgres_store()
    presence = await join(theirs)
    with theirs.wakeups.subscribe("jobs") as woken, theirs.wakeups.subscribe("other") as other:
        async with hearing(presence):
            # Everybody is woken once the server listens.
            await asyncio.wait_for(other.wait(), WAIT_S)
            for event in (woken, other):
                event.clear()
            with pytest.raises(LookupError):
                await ours.run(_wake_and_fail)
            await ours.run(lambda tx: tx.wake("another"))
            await ours.run(lambda tx: tx.wake("jobs"))
            await asyncio.wait_for(woken.wait(), WAIT_S)
            assert not other.is_set()


def _wake_and_fail(tx: object) -> None:
    assert hasattr(tx, "wake")
    tx.wake("other")
    raise LookupError("on purpose")


async def test_without_a_connection_everybody_looks_and_then_it_comes_back(
    make_postgres_store: MakePostgres, join: Join
) -> None:
    ours, theirs = make_postgres_store(), make_postgres_store()
    presence = await join(theirs)
    with theirs.wakeups.subscribe("jobs") as woken, theirs.wakeups.subscribe("poll") as polled:
        async with hearing(presence):
            await asyncio.wait_for(polled.wait(), WAIT_S)
            polled.clear()
            await ours.run(
                lambda tx: tx.execute(
                    text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND query LIKE 'LISTEN%' OR datname = current_database() AND query = 'SELECT 1'"
                        " AND pid <> pg_backend_pid()"
                    )
                ).close()
            )
            # Once when the connection is missed, and once when it listens again.
            await asyncio.wait_for(polled.wait(), WAIT_S)

            async def until_heard() -> None:
                while True:
                    woken.clear()
                    polled.clear()
                    await ours.run(lambda tx: tx.wake("jobs"))
                    await asyncio.sleep(0.05)
                    if woken.is_set() and not polled.is_set():
                        return

            await asyncio.wait_for(until_heard(), WAIT_S)
    # It has kept its place: nobody with files of their own gets in.
    with pytest.raises(ConflictError):
        await join(shares_files=False)
