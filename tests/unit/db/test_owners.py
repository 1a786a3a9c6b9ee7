"""Who asks: tokens, links and what they may see."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.conftest import HandClock
from tests.unit.jobs_for_tests import add_job
from tradewind.control.submitting import find_job
from tradewind.db.owners import Caller, caller_for, ensure_defaults, find_token, redeem_link, store_token
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.errors import NotFoundError


async def test_defaults_are_made_once(store: SqlStore) -> None:
    first = await store.run(lambda tx: ensure_defaults(tx, "ana"))
    second = await store.run(lambda tx: ensure_defaults(tx, "somebody else"))
    assert first == second
    assert second[1].user_name == "ana"


async def test_only_a_known_unexpired_token_of_the_right_kind_stands_for_a_user(
    store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    await store.run(
        lambda tx: store_token(tx, caller.user_id, "session", "secret", "browser", timedelta(hours=1))
    )

    async def who(secret: str, kind: str) -> str | None:
        found = await store.read(lambda tx: find_token(tx, secret, (kind,)))
        return None if found is None else found.user_id

    assert await who("secret", "session") == caller.user_id
    assert await who("secret", "api") is None
    assert await who("other", "session") is None
    clock.advance(3601)
    assert await who("secret", "session") is None


async def test_a_link_works_once_and_not_for_long(store: SqlStore, caller: Caller, clock: HandClock) -> None:
    def add(tx: Transaction) -> None:
        store_token(tx, caller.user_id, "link", "one", "link", timedelta(minutes=5))
        store_token(tx, caller.user_id, "link", "two", "link", timedelta(minutes=5))

    await store.run(add)
    assert await store.run(lambda tx: redeem_link(tx, "one")) == caller.user_id
    assert await store.run(lambda tx: redeem_link(tx, "one")) is None
    clock.advance(301)
    assert await store.run(lambda tx: redeem_link(tx, "two")) is None


async def test_a_caller_sees_only_their_own_project(store: SqlStore, caller: Caller) -> None:
    from dataclasses import replace

    job = await store.run(lambda tx: add_job(tx, caller))
    stranger = replace(caller, project_id="proj_other")
    assert (await store.read(lambda tx: find_job(tx, caller, job.id))).id == job.id
    with pytest.raises(NotFoundError):
        await store.read(lambda tx: find_job(tx, stranger, job.id))
    with pytest.raises(NotFoundError):
        await store.read(lambda tx: find_job(tx, stranger, job.name))
    assert await store.read(lambda tx: caller_for(tx, caller.user_id)) == caller
