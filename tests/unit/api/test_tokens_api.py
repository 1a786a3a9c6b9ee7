"""API tokens and sessions over HTTP: shown once, listed without their secrets, worthless once revoked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.unit.api.conftest import Api
from tests.unit.conftest import HandClock
from tradewind.db.owners import Caller, store_token
from tradewind.db.store import SqlStore

pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")


@pytest.fixture
def clock() -> HandClock:
    """One whose monotonic time moves with it: what the guard remembers for a while is forgotten in time."""

    class Both(HandClock):
        def monotonic(self) -> float:
            return self.time.timestamp()

    return Both()


async def test_a_token_lets_in_is_shown_once_and_is_worthless_once_revoked(
    api: Api, clock: HandClock
) -> None:
    made = await api.post("/tokens", json={"name": "ci runner", "expires_in_days": 30})
    assert made.status_code == 201
    secret, token_id = made.json()["secret"], made.json()["id"]
    mine = {"Authorization": f"Bearer {secret}"}
    assert (await api.get("/info", headers=mine)).json()["user"] == "ana"
    listed = (await api.get("/tokens")).text
    assert "ci runner" in listed
    assert secret not in listed
    assert (await api.delete(f"/tokens/{token_id}")).status_code == 204
    clock.advance(11)
    assert (await api.get("/info", headers=mine)).status_code == 401


async def test_when_it_was_used_last_is_written_down_to_the_hour(api: Api, clock: HandClock) -> None:
    made = (await api.post("/tokens", json={"name": "ci"})).json()
    assert (made["used_at"], made["badge"]["label"]) == (None, "Never used")
    mine = {"Authorization": f"Bearer {made['secret']}"}

    async def used_at() -> str:
        items = (await api.get("/tokens", headers=mine)).json()["items"]
        (own,) = [each for each in items if each["id"] == made["id"]]
        assert (own["is_current"], own["badge"]["label"]) == (True, "In use here")
        return str(own["used_at"])

    first = await used_at()
    clock.advance(1800)
    assert await used_at() == first
    clock.advance(1900)
    assert await used_at() > first


async def test_a_token_runs_out(api: Api, clock: HandClock) -> None:
    made = (await api.post("/tokens", json={"name": "ci", "expires_in_days": 1})).json()
    clock.advance(timedelta(days=1).total_seconds() + 1)
    answer = await api.get("/info", headers={"Authorization": f"Bearer {made['secret']}"})
    assert answer.status_code == 401
    (badge,) = [
        each["badge"]["label"] for each in (await api.get("/tokens")).json()["items"] if each["name"] == "ci"
    ]
    assert badge == "Expired"


async def test_sessions_are_listed_and_can_be_signed_out(
    api: Api, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    await store.run(
        lambda tx: store_token(
            tx, caller.user_id, "session", "secret-of-a-session", "browser", timedelta(days=7)
        )
    )
    await store.run(
        lambda tx: store_token(tx, caller.user_id, "link", "secret-of-a-link", "link", timedelta(minutes=5))
    )
    items = (await api.get("/tokens")).json()["items"]
    assert {each["kind"] for each in items} == {"api", "session"}
    (session,) = [each for each in items if each["kind"] == "session"]
    assert session["actions"][0]["label"] == "Sign out"
    cookies = {"Cookie": "tradewind_session=secret-of-a-session"}
    without = {**cookies, "Authorization": ""}
    assert (await api.get("/info", headers=without)).status_code == 200
    assert (await api.delete(f"/tokens/{session['id']}")).status_code == 204
    clock.advance(11)
    assert (await api.get("/info", headers=without)).status_code == 401


async def test_the_token_of_the_command_line_stays(api: Api, store: SqlStore, caller: Caller) -> None:
    await store.run(lambda tx: store_token(tx, caller.user_id, "api", "of-the-file", "local", None))
    (local,) = [each for each in (await api.get("/tokens")).json()["items"] if each["name"] == "local"]
    assert local["actions"] == []
    refused = await api.delete(f"/tokens/{local['id']}")
    assert (refused.status_code, "command line" in refused.text) == (409, True)
    assert (await api.post("/tokens", json={"name": "local"})).status_code == 409


async def test_names_are_taken_once_and_others_see_nothing(connect: Callable[[str], Api]) -> None:
    ana, ben = connect("ana"), connect("ben")
    made = (await ana.post("/tokens", json={"name": "ci"})).json()
    assert (await ana.post("/tokens", json={"name": "ci"})).status_code == 409
    assert "ci" not in [each["name"] for each in (await ben.get("/tokens")).json()["items"]]
    assert (await ben.delete(f"/tokens/{made['id']}")).status_code == 404
