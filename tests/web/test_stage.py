"""The stage itself: the real server, whose time the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.web.clock import START
from tests.web.stage import Stage
from tests.web.training import Run


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Stage]:
    with Stage.open(tmp_path) as stage:
        yield stage


def _logs(stage: Stage, job: str, attempt: int) -> str:
    return stage.api.get(f"/jobs/{job}/logs/raw", params={"attempt": attempt}).text


def test_a_link_signs_in_once(bare: Stage) -> None:
    link = bare.sign_in_link()
    with httpx2.Client(follow_redirects=True) as browser:
        assert browser.get(link).status_code == 200
        assert browser.get(f"{bare.url}/api/v1/info").json()["user"] == "ana"
    with httpx2.Client(follow_redirects=True) as another:
        assert another.get(link).status_code == 401


def test_a_job_runs_as_time_passes_and_stands_still_with_it(bare: Stage) -> None:
    job = bare.submit(Run(seconds=600, setup_s=20), name="digits")
    bare.advance(60)
    running = bare.job(job["id"])
    assert running["status"] == "running"
    first = _logs(bare, job["id"], 1)
    assert "loss" in first
    assert _logs(bare, job["id"], 1) == first
    bare.advance(120)
    assert _logs(bare, job["id"], 1).startswith(first)
    assert bare.job(job["id"])["cost"]["amount"]["micro"] > running["cost"]["amount"]["micro"]
    ended = bare.until(job["id"], "succeeded")
    assert ended["ended_at"] > START.isoformat()


def test_a_spot_machine_is_taken_back_and_the_job_goes_on(bare: Stage) -> None:
    bare.connect("vast")
    job = bare.submit(
        Run(seconds=3000),
        name="tuned",
        resources={"accelerators": "H100-SXM:1", "spot": "only", "providers": ["vast"]},
        checkpoints={"path": "ckpt", "every": "5m"},
        constraints={"max_duration": "4h"},
    )
    bare.until(job["id"], "running")
    bare.advance(700)
    bare.interrupt(job["id"])
    bare.advance(900)
    bare.restart()
    again = bare.job(job["id"])
    assert (again["status"], again["attempt"]) == ("running", 2)
    first, second = again["tasks"][0]["attempts"]
    assert first["reason"] == "reclaimed"
    assert second["resumed_from"]
    assert "resumed from" in _logs(bare, job["id"], 2)
    assert bare.until(job["id"], "succeeded")["cost"]["is_final"]


def test_the_same_seed_tells_the_same_story(tmp_path: Path) -> None:
    stories = []
    for name in ("one", "two"):
        with Stage.open(tmp_path / name) as stage:
            stage.connect("runpod")
            job = stage.submit(Run(seconds=900), name="same", resources={"accelerators": "L40S:1"})
            stage.advance(600)
            shown = stage.job(job["id"])
            events = stage.get(f"/jobs/{job['id']}/events")["items"]
            stories.append((shown, events, _logs(stage, job["id"], 1)))
    assert stories[0] == stories[1]
