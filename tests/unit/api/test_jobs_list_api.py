"""Lists of jobs over HTTP: filters, orders, pages, counts, and the same for many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, update

from tests.unit.conftest import HandClock
from tests.unit.jobs_for_tests import add_attempt, add_job
from tradewind.control.context import Context
from tradewind.control.job_list import _Cursor
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import JobRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.status import AttemptStatus, JobStatus, Reason, TaskStatus

OFFER = {
    "rate": {"micro_per_unit": 2_000_000, "per": "hour", "currency": "USD", "granularity": 1, "minimum": 0},
    "watts_idle": 10.0, "watts_max": 100.0, "carbon_g_per_kwh": 400.0, "instance_type": "box",
}  # fmt: skip

# The web framework sets an alias on bodies that its own schema library then says has no effect.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")


async def _lay(store: SqlStore, caller: Caller, clock: HandClock) -> dict[str, str]:
    """Four jobs: one waits, one runs for two hours at 2 $/h, one has failed after one hour, one was cancelled early."""

    names = {}
    for name, tags in (
        ("wait", {"team": "a"}), ("run", {"team": "b", "größe": "XL"}), ("fail", {}), ("gone", {"team": "a"}),
    ):  # fmt: skip
        job = await store.run(lambda tx, name=name, tags=tags: add_job(tx, caller, name=name, tags=tags))  # type: ignore[misc]
        names[name] = job.id
        clock.advance(0.01)

    def lay(tx: Transaction) -> None:
        for name, hours, status, kind in (
            ("run", 2, JobStatus.RUNNING, "L4"), ("fail", 1, JobStatus.FAILED, "A100-80GB"),
        ):  # fmt: skip
            job = JobRow.get(tx, names[name])
            began = tx.now
            ended = None if status is JobStatus.RUNNING else tx.now
            attempt = add_attempt(
                tx, job, offer=OFFER, accelerator=kind, provider="local" if name == "run" else "box",
                status=AttemptStatus.RUNNING if ended is None else AttemptStatus.FAILED,
                accepted_at=began, started_at=began, ended_at=ended,
                observed={"metrics": {"lr": 0.1, "val_loss": 0.5, "loss": 0.25}},
            )  # fmt: skip
            _set(tx, job.id, status=status, attempt_id=attempt.id, started_at=began)
            if ended is not None:
                tx.insert(tables.ledger, _entry(tx, job, attempt.id, 2_000_000 * hours))
        _set(tx, names["gone"], status=JobStatus.CANCELLED, ended_at=tx.now)
        others = tables.tasks.c.job_id.in_([names["run"], names["gone"]])
        tx.execute(update(tables.tasks).where(others).values(status=TaskStatus.CANCELLED))

    await store.run(lay)
    clock.advance(3600)
    await store.run(lambda tx: _set(tx, names["fail"], ended_at=tx.now))
    clock.advance(3600)
    return names


def _set(tx: Transaction, job_id: str, **values: Any) -> None:
    tx.execute(update(tables.jobs).where(tables.jobs.c.id == job_id).values(**values))


def _entry(tx: Transaction, job: JobRow, attempt_id: str, micro: int) -> dict[str, Any]:
    return {
        "id": tx.new_id("led"), "project_id": job.project_id, "creator_id": job.creator_id, "job_id": job.id,
        "attempt_id": attempt_id, "provider": "box", "kind": "compute", "started_at": tx.now, "ended_at": tx.now,
        "duration_ms": 1, "quantity": 1, "rate_micro_per_unit": 1, "rate_per": "hour", "amount_micro": micro,
        "currency": "USD", "energy_j": 0, "carbon_mg": 0, "basis": "modelled", "note": "",
    }  # fmt: skip


async def _names(api: httpx2.AsyncClient, **query: Any) -> list[str]:
    answer = await api.get("/jobs", params=query)
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["items"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["gone", "fail", "run", "wait"]),
        ({"status": ["queued", "failed"]}, ["fail", "wait"]),
        ({"active": "true"}, ["run", "wait"]),
        ({"q": "RU"}, ["run"]),
        ({"q": "a"}, ["gone", "fail", "run", "wait"]),  # `team` is a tag of three
        ({"q": "größe"}, ["run"]),
        ({"q": "%"}, []),
        ({"q": "fa il"}, ["fail"]),
        ({"provider": ["local"]}, ["run"]),
        ({"provider": ["local", "box"]}, ["fail", "run"]),
        ({"accelerator": ["A100-80GB"]}, ["fail"]),
        ({"creator": ["ben"]}, []),
        ({"creator": ["ana"], "status": ["running"]}, ["run"]),
        ({"tag": ["team=a"]}, ["gone", "wait"]),
        ({"tag": ["team"]}, ["gone", "run", "wait"]),
        ({"tag": ["größe=XL", "team=a"]}, ["gone", "run", "wait"]),
        ({"tag": ["nobody"]}, []),
        ({"since": "2026-01-01T00:00:00Z"}, ["gone", "fail", "run", "wait"]),
        ({"since": "2026-01-01T00:00:01"}, []),
        ({"until": "2026-01-01T00:00:00Z"}, []),
        ({"sort": "oldest"}, ["wait", "run", "fail", "gone"]),
        ({"sort": "name"}, ["fail", "gone", "run", "wait"]),
        ({"sort": "name", "reverse": "true"}, ["wait", "run", "gone", "fail"]),
        ({"sort": "cost"}, ["run", "fail", "gone", "wait"]),
        ({"sort": "cost", "reverse": "true"}, ["gone", "wait", "fail", "run"]),
        ({"sort": "elapsed"}, ["run", "fail", "gone", "wait"]),
        ({"sort": "status"}, ["run", "wait", "fail", "gone"]),
    ],
)
async def test_jobs_are_narrowed_down_and_put_in_order(
    api: httpx2.AsyncClient,
    store: SqlStore,
    caller: Caller,
    clock: HandClock,
    query: dict[str, Any],
    expected: list[str],
) -> None:
    await _lay(store, caller, clock)
    found = await _names(api, **query)
    assert (set(found), len(found)) == (set(expected), len(expected))
    if "sort" in query:
        assert found == expected
    # The same, one by one.
    pages, cursor = [], None
    for _ in range(len(expected) + 1):
        page = (
            await api.get("/jobs", params={**query, "limit": 1, **({"cursor": cursor} if cursor else {})})
        ).json()
        pages += [each["name"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert pages == found


async def test_a_row_says_all_that_a_list_shows(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    await _lay(store, caller, clock)
    jobs = {each["name"]: each for each in (await api.get("/jobs")).json()["items"]}
    run, wait, fail = jobs["run"], jobs["wait"], jobs["fail"]
    assert (run["state"]["label"], run["state"]["tone"]) == ("Running", "busy")
    assert run["cost"]["amount"]["text"] == "$4.00"
    assert run["cost"]["per_hour"]["text"] == "$2.00/h"
    assert run["last_metric"] == {"name": "loss", "value": 0.25, "text": "loss 0.25"}
    assert run["accelerators"] is None or run["accelerators"].startswith("L4")
    assert run["waiting"] is None
    (stop, clone) = run["permitted"]
    assert (stop["id"], clone["id"]) == ("stop", "clone")
    assert "It costs $2.00/h now." in stop["confirm"]
    assert wait["waiting"]["queue_text"] == "1 of 2 in the queue"
    assert wait["waiting"]["code"] == "waiting_for_capacity"
    assert wait["cost"]["per_hour"]["text"] == "$0.00/h"
    assert [each["id"] for each in fail["permitted"]] == ["retry", "clone"]
    assert (fail["cost"]["amount"]["text"], fail["cost"]["per_hour"], fail["cost"]["is_final"]) == (
        "$2.00",
        None,
        True,
    )


async def test_counts_tell_what_each_filter_would_let_through(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    await _lay(store, caller, clock)
    facets = (await api.get("/jobs", params={"facets": "true", "status": "running"})).json()["facets"]
    assert (facets["total"], facets["matching"]) == (4, 1)
    # The states are counted as if none was chosen; the others among those that run.
    assert {each["value"]: each["count"] for each in facets["status"]} == {
        "queued": 1, "starting": 0, "running": 1, "stopping": 0, "succeeded": 0, "failed": 1, "cancelled": 1,
    }  # fmt: skip
    assert facets["provider"] == [{"value": "local", "label": "local", "count": 1, "badge": None}]
    assert [each["value"] for each in facets["accelerator"]] == ["L4"]
    assert {each["value"]: each["count"] for each in facets["tag"]} == {"team=b": 1, "größe=XL": 1}
    assert [(each["value"], each["count"]) for each in facets["creator"]] == [("ana", 1)]
    assert facets["per_hour"]["text"] == "$2.00/h"
    assert facets["empty_text"] is None


async def test_an_empty_answer_says_which_filter_to_loosen(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    nothing = (await api.get("/jobs", params={"facets": "true"})).json()["facets"]
    assert nothing["empty_text"] == "There are no jobs yet."
    await _lay(store, caller, clock)
    query = {"facets": "true", "q": "run", "status": "failed"}
    facets = (await api.get("/jobs", params=query)).json()["facets"]
    assert facets["empty_text"] == "0 of 4 jobs match. Without the search, 1 job matches."
    assert [(each["filter"], each["matching"]) for each in facets["looser"]] == [("q", 1), ("statuses", 1)]
    query = {"facets": "true", "q": "nothing", "creator": "nobody"}
    facets = (await api.get("/jobs", params=query)).json()["facets"]
    assert "clear them all" in facets["empty_text"]


async def test_others_projects_are_never_seen(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    names = await _lay(store, caller, clock)

    def move(tx: Transaction) -> None:
        values = {"id": "proj_other", "team_id": caller.team_id, "name": "other", "created_at": tx.now}
        tx.execute(tables.projects.insert().values(**values))
        for table in (tables.jobs, tables.attempts, tables.nodes, tables.ledger):
            tx.execute(update(table).values(project_id="proj_other"))

    await store.run(move)
    page = (await api.get("/jobs", params={"facets": "true", "sort": "cost"})).json()
    assert (page["items"], page["facets"]["total"], page["facets"]["per_hour"]["micro"]) == ([], 0, 0)
    answer = (await api.post("/jobs/bulk", json={"action": "stop", "jobs": [names["run"]]})).json()
    assert answer["items"][0]["outcome"] == "refused"


@pytest.mark.parametrize("sort", ["newest", "name", "cost", "elapsed"])
async def test_a_cursor_of_another_list_is_refused(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock, sort: str
) -> None:
    await _lay(store, caller, clock)
    other = "name" if sort != "name" else "cost"
    cursor = (await api.get("/jobs", params={"sort": other, "limit": 1})).json()["next_cursor"]
    for wrong in (cursor, "x", "%00", "e30"):
        answer = await api.get("/jobs", params={"sort": sort, "cursor": wrong})
        assert answer.status_code == 422, answer.text
        assert "cursor" in answer.json()["detail"]


@given(text=st.text(max_size=60))
def test_no_text_breaks_the_reading_of_a_cursor(text: str) -> None:
    with pytest.raises(InvalidInputError):
        _Cursor.read(text, int)


async def test_a_page_takes_as_many_statements_however_long_it_is(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    await _lay(store, caller, clock)
    await api.get("/jobs")
    counted: list[str] = []
    event.listen(store._engine, "before_cursor_execute", lambda *each: counted.append(each[2]))
    await api.get("/jobs", params={"facets": "true"})
    few = len(counted)
    await _lay(store, caller, clock)
    await _lay(store, caller, clock)
    counted.clear()
    assert len(await _names(api, facets="true")) == 12
    assert len(counted) == few


async def test_bulk_asks_first_and_answers_for_each(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    names = await _lay(store, caller, clock)
    wanted = {
        "action": "stop",
        "jobs": [names["run"], names["wait"], names["fail"], "job_nothing", names["run"]],
    }
    tried = (await api.post("/jobs/bulk", json={**wanted, "dry_run": True})).json()
    assert tried["text"] == "Stop: 2 jobs? (1 needs nothing, 1 cannot) Together they cost $2.00/h now."
    assert not tried["is_done"]
    assert (await _names(api, status="stopping")) == []
    done = (await api.post("/jobs/bulk", json=wanted)).json()
    assert [each["outcome"] for each in done["items"]] == ["done", "done", "unchanged", "refused"]
    assert done["items"][2]["text"] == "it is failed already"
    jobs = {each["name"]: each for each in (await api.get("/jobs")).json()["items"]}
    assert jobs["run"]["is_stopping"]
    assert [each["id"] for each in jobs["run"]["permitted"]] == ["stop_now", "clone"]
    again = (await api.post("/jobs/bulk", json=wanted)).json()
    assert (again["done"], again["unchanged"]) == (0, 3)
    assert again["text"].startswith("There is nothing to do")


async def test_bulk_runs_ended_jobs_again_once_per_key(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, clock: HandClock, context: Context
) -> None:
    object.__setattr__(context, "machines", {"cloud": object()})
    object.__setattr__(context, "reach", lambda *_: None)
    names = await _lay(store, caller, clock)
    wanted = {"action": "retry", "jobs": [names["fail"], names["run"]]}
    headers = {"Idempotency-Key": "once"}
    first = (await api.post("/jobs/bulk", json=wanted, headers=headers)).json()
    assert [each["outcome"] for each in first["items"]] == ["done", "refused"]
    assert "is running" in first["items"][1]["text"]
    assert (await api.post("/jobs/bulk", json=wanted, headers=headers)).json() == first
    assert (await _names(api, name="fail")) == ["fail", "fail"]
    assert first["items"][0]["new_job"] != names["fail"]


async def test_a_wait_for_a_budget_is_said_to_be_one(
    connect: Callable[[str], httpx2.AsyncClient], store: SqlStore, caller: Caller, clock: HandClock
) -> None:
    names = await _lay(store, caller, clock)
    await store.run(
        lambda tx: _set(
            tx, names["wait"], reason=Reason.WAITING_FOR_BUDGET, explanation="budget vision is used up"
        )
    )
    (job,) = (await connect("ben").get("/jobs", params={"status": "queued"})).json()["items"]
    assert (job["state"]["label"], job["state"]["icon"]) == ("Waiting for budget", "lock")
    assert job["waiting"]["text"] == "budget vision is used up"
