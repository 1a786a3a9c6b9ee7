"""Real servers on PostgreSQL: one that is killed and comes back, and two that share a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.books import runs
from tests.e2e.installation import Installation
from tests.e2e.waiting import eventually
from tests.postgres_for_tests import Server, running_server

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
Make = Callable[..., Installation]


@pytest.fixture(scope="module")
def database_server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture
def make(tmp_path: Path, database_server: Server) -> Iterator[Make]:
    """Makes installations on one new database; `shares_files`: with one folder for the files of their jobs."""
    url = database_server.new_database()
    # One that could leak.
    url = url.replace("tester@", "tester:hunter2@")
    made: list[Installation] = []

    def make(*, shares_files: bool = True) -> Installation:
        installation = Installation(tmp_path / f"server-{len(made)}")
        made.append(installation)
        installation.extra_environment["TRADEWIND_DATABASE_URL"] = url
        if shares_files:
            installation.extra_environment["TRADEWIND_STORAGE"] = str(tmp_path / "shared")
        return installation

    yield make
    try:
        for installation in made:
            assert "hunter2" not in installation.server_log()
            installation.close()
    finally:
        database_server.drop_database(url)


def test_a_server_on_postgresql_runs_jobs_and_finds_them_again_when_it_was_killed(make: Make) -> None:
    installation = make(shares_files=False)
    installation.start()
    quick = installation.submit({"name": "quick", "run": installation.run_worker(2, 0.05)}, key="same")
    again = installation.submit({"name": "quick", "run": installation.run_worker(2, 0.05)}, key="same")
    assert quick == again
    slow = installation.submit({"name": "slow", "run": installation.run_worker(30, 0.1)})
    assert installation.wait_until_ended(quick)["status"] == "succeeded"
    installation.wait_for_status(slow, "running")
    installation.kill()
    installation.start()
    assert installation.wait_until_ended(slow)["status"] == "succeeded"
    assert len(installation.attempts(slow)) == 1
    attempts = [attempt["id"] for job in (quick, slow) for attempt in installation.attempts(job)]
    assert runs(installation) == dict.fromkeys(attempts, 1)
    for job in (quick, slow):
        assert [event["seq"] for event in installation.events(job)] == list(
            range(1, len(installation.events(job)) + 1)
        )
    shown = installation.cli("doctor")
    assert "PostgreSQL" in shown.stdout, shown
    assert installation.get("/info")["database"] == "postgresql"
    assert not (installation.state / "tradewind.db").exists()
    assert installation.stop() == 0


def test_what_a_killed_server_looked_after_is_taken_over_by_the_other(make: Make) -> None:
    first, second = make(), make()
    first.start()
    second.start()
    jobs = [
        first.submit({"name": f"job-{number}", "run": first.run_worker(25, 0.1), "resources": {"cpus": 0.2}})
        for number in range(3)
    ]
    for job in jobs:
        second.wait_for_status(job, "running")
    first.kill()
    for job in jobs:
        assert second.wait_until_ended(job, timeout_s=90)["status"] == "succeeded"
        assert len(second.attempts(job)) == 1
        story = second.events(job)
        assert [event["seq"] for event in story] == list(range(1, len(story) + 1))
        assert [event["type"] for event in story].count("job.succeeded") == 1
        assert second.raw_log(job)
    # Nothing ran twice: each attempt's command was started once.
    assert runs(first) == {second.attempts(job)[0]["id"]: 1 for job in jobs}
    # And the one that comes back works on.
    first.start()
    later = second.submit({"name": "later", "run": "true"})
    assert first.wait_until_ended(later)["status"] == "succeeded"


def test_jobs_outlive_a_restart_of_the_database(make: Make, database_server: Server) -> None:
    installation = make()
    installation.start()
    job = installation.submit({"name": "long", "run": installation.run_worker(30, 0.1)})
    installation.wait_for_status(job, "running")
    database_server.stop()
    eventually(
        "the server says that it cannot work",
        lambda: b"failing" in installation.request("GET", "/readyz", token=None).body,
    )
    database_server.start()
    eventually(
        "the server works again",
        lambda: b"failing" not in installation.request("GET", "/readyz", token=None).body,
    )
    assert installation.wait_until_ended(job)["status"] == "succeeded"
    assert len(installation.attempts(job)) == 1
    assert runs(installation) == {installation.attempts(job)[0]["id"]: 1}


def test_the_stream_of_one_server_has_what_happens_at_the_other(make: Make) -> None:
    first, second = make(), make()
    first.start()
    second.start()
    job = first.submit({"name": "told", "run": "true"})
    first.wait_until_ended(job)
    # The order of the whole stream is the same wherever it is read.
    ours, theirs = (each.get("/events?limit=5000")["items"] for each in (first, second))
    assert ours == theirs
    assert [event["position"] for event in ours] == sorted(event["position"] for event in ours)
    assert "job.succeeded" in [event["type"] for event in ours]


def test_a_second_server_without_a_shared_folder_says_why_it_does_not_start(make: Make) -> None:
    first, second = make(shares_files=False), make(shares_files=False)
    first.start()
    process = second.spawn_server()
    assert process.wait(timeout=60) == 5
    second.server = None
    said = second.server_log()
    assert "another server uses this database" in said
    assert "TRADEWIND_STORAGE" in said


def test_a_folder_that_is_not_the_others_is_refused(make: Make, tmp_path: Path) -> None:
    first, second = make(), make()
    first.start()
    second.extra_environment["TRADEWIND_STORAGE"] = str(tmp_path / "elsewhere")
    process = second.spawn_server()
    assert process.wait(timeout=60) == 5
    second.server = None
    assert "is not the folder that the other servers of this database use" in second.server_log()


def test_a_database_that_is_not_there_is_named_without_the_password(make: Make) -> None:
    installation = make(shares_files=False)
    url = installation.extra_environment["TRADEWIND_DATABASE_URL"]
    installation.extra_environment["TRADEWIND_DATABASE_URL"] = f"{url}_gone"
    process = installation.spawn_server()
    assert process.wait(timeout=60) == 8
    installation.server = None
    said = eventually("it says why", installation.server_log)
    assert "_gone" in said
    assert url.rpartition("/")[2] in said
