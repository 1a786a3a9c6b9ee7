"""Who goes first when there is not room for all, and that asking twice is asking once."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.books import check_books
from tests.e2e.installation import Installation

pytestmark = pytest.mark.e2e


def _all_processors(installation: Installation) -> float:
    inventory = json.loads(installation.rows("SELECT inventory FROM nodes")[0]["inventory"])
    return float(inventory["cpus"])


def test_one_at_a_time_by_priority_and_then_by_age(installation: Installation) -> None:
    whole = {"resources": {"cpus": _all_processors(installation)}}
    order = installation.outside / "order"
    blocker = installation.submit({"name": "blocker", "run": "sleep 300", **whole})
    installation.wait_for_status(blocker, "running")
    jobs = []
    for name, priority in [("a", "normal"), ("b", "low"), ("c", "high"), ("d", "normal"), ("e", "high")]:
        run = f"echo {name}-begins >> {order}; sleep 0.2; echo {name}-ends >> {order}"
        jobs.append(installation.submit({"name": name, "run": run, "priority": priority, **whole}))
    waiting = installation.job("c")
    assert waiting["status"] == "queued"
    assert waiting["reason"] == "waiting_for_capacity"
    assert "1 running job" in waiting["explanation"]
    installation.stop_job(blocker, now=True)
    for job in jobs:
        assert installation.wait_until_ended(job)["status"] == "succeeded"
    expected = [f"{name}-{what}" for name in "ceadb" for what in ("begins", "ends")]
    assert order.read_text(encoding="ascii").split() == expected
    check_books(installation)


def test_small_jobs_share_what_there_is_and_no_more(installation: Installation) -> None:
    share = _all_processors(installation) / 4
    marks = installation.outside / "running"
    marks.mkdir()
    run = f"touch {marks}/$TRADEWIND_ATTEMPT; ls {marks} | wc -l; sleep 0.5; rm {marks}/$TRADEWIND_ATTEMPT"
    bodies = {"jobs": [_body(f"share-{n}", run, share) for n in range(12)]}
    answer = installation.request("POST", "/api/v1/jobs/batch", bodies)
    assert answer.status == 201, answer
    together = []
    for job in answer.json["ids"]:
        assert installation.wait_until_ended(job)["status"] == "succeeded"
        together.append(int(installation.raw_log(job)))
    assert max(together) <= 4
    assert max(together) > 1
    check_books(installation)


def test_jobs_that_can_never_be_placed_hold_nobody_up(cold: Installation) -> None:
    cold.start()
    blocker = cold.submit(
        {"name": "blocker", "run": "sleep 300", "resources": {"cpus": _all_processors(cold)}}
    )
    cold.wait_for_status(blocker, "running")
    bodies = {"jobs": [_body(f"stuck-{number}", "true", 0.1) for number in range(150)]}
    assert cold.request("POST", "/api/v1/jobs/batch", bodies).status == 201
    cold.kill()
    # As if the machine had lost what they were accepted for, more of them than are looked at in one step.
    with contextlib.closing(sqlite3.connect(cold.state / "tradewind.db")) as connection, connection:
        connection.execute(
            "UPDATE jobs SET spec = json_replace(spec, '$.resources.cpus', 4096) WHERE name LIKE 'stuck-%'"
        )
    cold.start()
    cold.stop_job(blocker, now=True)
    job = cold.submit(_body("fits", "true", 0.1)["spec"])
    assert cold.wait_until_ended(job, timeout_s=20)["status"] == "succeeded"
    stuck = cold.job("stuck-149")
    assert (stuck["status"], stuck["reason"]) == ("queued", "no_offer")
    assert "4096" in stuck["explanation"]


def test_a_batch_is_accepted_as_a_whole_or_not_at_all(installation: Installation) -> None:
    bodies = {"jobs": [_body("good", "true", 0.1), _body("Not A Name", "true", 0.1)]}
    assert installation.request("POST", "/api/v1/jobs/batch", bodies).status == 422
    assert installation.rows("SELECT id FROM jobs") == []


def test_the_same_request_twice_makes_one_job(installation: Installation) -> None:
    body = _body("once", "true", 0.1)
    key = {"Idempotency-Key": "one"}
    first, second = (installation.request("POST", "/api/v1/jobs", body, key) for _ in range(2))
    assert (first.status, second.status) == (201, 201)
    assert first.json == second.json
    other = installation.request("POST", "/api/v1/jobs", _body("other", "true", 0.1), key)
    assert other.status == 422
    assert "Idempotency-Key" in other.json["detail"]
    # The answer is remembered across a crash too.
    installation.kill()
    installation.start()
    assert installation.request("POST", "/api/v1/jobs", body, key).json["id"] == first.json["id"]
    job = first.json["id"]
    installation.wait_until_ended(job)
    path, again = f"/api/v1/jobs/{job}/retry", {"Idempotency-Key": "two"}
    retries = {installation.request("POST", path, None, again).json["id"] for _ in range(3)}
    assert len(retries) == 1
    assert len(installation.rows("SELECT id FROM jobs")) == 2
    installation.wait_until_ended(retries.pop())


def test_fifty_at_once_under_one_key_make_one_job(installation: Installation) -> None:
    body = _body("fifty", f"echo x >> {installation.outside}/count", 0.1)

    def ask(_number: int) -> tuple[int, str]:
        answer = installation.request("POST", "/api/v1/jobs", body, {"Idempotency-Key": "same"})
        return answer.status, answer.json.get("id", "")

    with ThreadPoolExecutor(50) as pool:
        answers = set(pool.map(ask, range(50)))
    assert len(answers) == 1
    status, job = answers.pop()
    assert status == 201
    assert installation.wait_until_ended(job)["status"] == "succeeded"
    assert len(installation.rows("SELECT id FROM jobs")) == 1
    assert (installation.outside / "count").read_text(encoding="ascii") == "x\n"
    check_books(installation)


def _body(name: str, run: str, cpus: float) -> dict[str, Any]:
    return {"spec": {"version": 1, "name": name, "run": run, "resources": {"cpus": cpus}}}
