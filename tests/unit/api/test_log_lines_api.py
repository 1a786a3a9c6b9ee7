"""Lines of logs over HTTP."""

from __future__ import annotations

import struct
from typing import Any

import httpx2
import pytest

from tests.unit.jobs_for_tests import add_attempt, add_job
from tradewind.control.context import Context
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import SqlStore
from tradewind.domain.status import AttemptStatus, Reason

Api = httpx2.AsyncClient


class Shown:
    """A job with an attempt that has written something."""

    def __init__(self, api: Api, context: Context, job: JobRow) -> None:
        self.api, self.context, self.job = api, context, job

    async def attempt(self, number: int, output: str, errors: str = "", **columns: Any) -> AttemptRow:
        columns = {"status": AttemptStatus.RUNNING, **columns}
        made = await self.context.store.run(lambda tx: add_attempt(tx, self.job, number, **columns))
        folder = self.context.attempt_directory(made.id) / "logs"
        folder.mkdir(parents=True)
        for name, text in (("stdout", output), ("stderr", errors)):
            (folder / f"{name}.log").write_text(text)
            record = struct.pack("<QQQ", len(text), text.count("\n"), 1_767_225_600_000)
            (folder / f"{name}.idx").write_bytes(record)
        return made

    async def lines(self, **query: Any) -> dict[str, Any]:
        return await self._get("lines", query)

    async def search(self, **query: Any) -> dict[str, Any]:
        return await self._get("search", query)

    async def _get(self, what: str, query: dict[str, Any]) -> dict[str, Any]:
        answer = await self.api.get(f"/jobs/{self.job.id}/logs/{what}", params=query)
        found: dict[str, Any] = answer.json()
        return found if answer.status_code == 200 else {"status": answer.status_code, **found}


@pytest.fixture
async def shown(api: Api, context: Context, store: SqlStore, caller: Caller) -> Shown:
    return Shown(api, context, await store.run(lambda tx: add_job(tx, caller)))


async def test_a_job_without_an_attempt_says_so(shown: Shown) -> None:
    answer = await shown.lines()
    assert (answer["attempt"], answer["total"], answer["lines"]) == (0, 0, [])
    assert answer["note"] == "No attempt has begun yet: logs come with the first one."
    assert not answer["is_complete"]


async def test_lines_of_the_newest_attempt(shown: Shown) -> None:
    await shown.attempt(1, "old\n", status=AttemptStatus.FAILED)
    await shown.attempt(2, "a\nb\nc\n", "oh: error\n")
    answer = await shown.lines(start=1, limit=2)
    assert (answer["attempt"], answer["start"], answer["total"]) == (2, 1, 4)
    assert [(each["number"], each["stream"], each["text"]) for each in answer["lines"]] == [
        (1, "stdout", "b"),
        (2, "stdout", "c"),
    ]
    assert answer["lines"][0]["at"] == "2026-01-01T00:00:00Z"
    assert [(each["id"], each["lines"]) for each in answer["streams"]] == [
        ("all", 4),
        ("setup", 0),
        ("stdout", 3),
        ("stderr", 1),
    ]
    assert (await shown.lines(attempt=1))["lines"][0]["text"] == "old"
    assert (await shown.lines(stream="stderr"))["lines"][0]["level"] == "error"


async def test_a_negative_start_counts_from_the_end(shown: Shown) -> None:
    await shown.attempt(1, "a\nb\nc\n")
    assert [each["text"] for each in (await shown.lines(start=-2))["lines"]] == ["b", "c"]
    assert (await shown.lines(start=-99))["start"] == 0


async def test_what_became_of_the_logs_is_said(shown: Shown, context: Context) -> None:
    await shown.attempt(1, "a\n")
    assert (await shown.lines())["note"] == "Live: lines are kept as they come."
    await shown.attempt(2, "a\n", status=AttemptStatus.SUCCEEDED, reason=Reason.EXITED)
    ended = await shown.lines()
    assert (ended["note"], ended["is_complete"]) == ("Complete, and kept here.", True)
    await shown.attempt(3, "", status=AttemptStatus.SUCCEEDED)
    assert (await shown.lines())["note"] == "Nothing was written."
    await shown.attempt(
        4, "x\n" * 1000, status=AttemptStatus.SUCCEEDED, observed={"dropped": {"stdout": [[200, 1500]]}}
    )
    assert (await shown.lines())["note"] == (
        "The log cap was reached: 1.3 KB in the middle of output were dropped; the beginning and the end are kept."
    )
    gone = await context.store.run(lambda tx: add_attempt(tx, shown.job, 5, status=AttemptStatus.SUCCEEDED))
    assert gone.number == 5
    assert (await shown.lines())["note"] == "The logs of this attempt are not here any more."


async def test_a_search_tells_how_many_match_and_pages_both_ways(shown: Shown) -> None:
    await shown.attempt(1, "".join(f"step {number}\n" for number in range(50)), "step aside\n")
    answer = await shown.search(q="STEP 1", limit=3)
    assert (answer["matched"], answer["total"], answer["skipped"]) == (11, 51, 0)
    assert answer["text"] == "11 of 51 lines match"
    assert [each["number"] for each in answer["lines"]] == [1, 10, 11]
    more = await shown.search(q="step 1", after=11, limit=2)
    assert (more["skipped"], [each["number"] for each in more["lines"]]) == (3, [12, 13])
    back = await shown.search(q="step 1", before=11, limit=1)
    assert (back["skipped"], [each["number"] for each in back["lines"]]) == (1, [10])
    placed = await shown.search(q="step 1", start=-2)
    assert (placed["skipped"], [each["number"] for each in placed["lines"]]) == (9, [18, 19])
    assert (await shown.search(q="nowhere"))["text"] == "0 of 51 lines match"
    assert (await shown.search(q=r"^step \d$", regex=True))["matched"] == 10


async def test_searches_that_cannot_be(shown: Shown) -> None:
    await shown.attempt(1, "a\n")
    assert "no regular expression" in (await shown.search(q="(", regex=True))["detail"]
    assert (await shown.search())["detail"] == "say what to search for"
    assert (await shown.search(q="a", after=1, before=2))["status"] == 422
    assert (await shown.lines(attempt=9))["note"] == "There is no attempt 9 yet."


async def test_logs_of_others_are_not_there(shown: Shown, connect: Any) -> None:
    await shown.attempt(1, "secret\n")
    stranger = await connect("ana").get("/jobs/job_0000000000000000/logs/lines")
    assert stranger.status_code == 404
    assert "secret" not in stranger.text
