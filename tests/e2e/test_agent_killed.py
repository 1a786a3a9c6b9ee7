"""`kill -9` of what runs beside a job: its agent, its supervisor, both, and the server along with them."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.books import check_books, check_logs, runs
from tests.e2e.installation import Installation
from tests.e2e.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
_STEPS = 14
_STEP_S = 0.4


def test_a_killed_agent_is_replaced_and_nothing_is_said_twice(installation: Installation) -> None:
    job, attempt = _start(installation)
    directory = installation.directory(attempt["id"])
    for step in (3, 6, 9):
        _wait_for_step(installation, attempt["id"], step)
        pid = _pid(directory / "agent.json", directory)
        os.kill(pid, signal.SIGKILL)
        eventually("there is a new agent", lambda old=pid: _pid(directory / "agent.json", directory) != old)  # type: ignore[misc]
    assert installation.wait_until_ended(job)["status"] == "succeeded"
    assert [each["status"] for each in installation.attempts(job)] == ["succeeded"]
    assert runs(installation) == {attempt["id"]: 1}
    _check_records(directory)
    check_logs(installation, attempt["id"], job, 1)
    _check_index(directory)
    kept = [event for event in installation.events(job) if event["type"] == "checkpoint.kept"]
    paths = [event["data"]["path"] for event in kept]
    assert len(paths) == len(set(paths))
    assert f"ckpt/step-{_STEPS:06d}.json" in paths
    check_books(installation)


@pytest.mark.parametrize("victims", ["supervisor", "supervisor+agent", "supervisor+server", "all"])
def test_a_lost_supervisor_interrupts_the_attempt_and_the_next_resumes(
    installation: Installation, victims: str
) -> None:
    job, attempt = _start(installation)
    directory = installation.directory(attempt["id"])
    eventually(
        "a checkpoint is kept",
        lambda: installation.get(f"/jobs/{job}/checkpoints")["items"],
    )
    _wait_for_step(installation, attempt["id"], 5)
    supervisor = _pid(directory / "begun.json", directory)
    agent = _pid(directory / "agent.json", directory)
    os.kill(supervisor, signal.SIGKILL)
    if victims in ("supervisor+agent", "all"):
        os.kill(agent, signal.SIGKILL)
    if victims in ("supervisor+server", "all"):
        installation.kill()
        installation.start()
    assert installation.wait_until_ended(job)["status"] == "succeeded"
    first, second = installation.attempts(job)
    assert (first["status"], first["reason"]) == ("interrupted", "supervisor_lost")
    assert second["status"] == "succeeded"
    assert second["resumed_from"] is not None
    assert runs(installation) == {first["id"]: 1, second["id"]: 1}
    steps = {each["id"]: _steps(installation, each["id"]) for each in (first, second)}
    # The second went on behind a checkpoint that the first had written, and both together did every step.
    assert steps[second["id"]][0] > 1
    assert steps[second["id"]] == list(range(steps[second["id"]][0], _STEPS + 1))
    assert steps[second["id"]][0] <= steps[first["id"]][-1] + 1
    resumed = installation.raw_log(job, attempt=2).split(b"\n")[0]
    assert resumed == b"resumed from step %d" % (steps[second["id"]][0] - 1)
    for each in (first, second):
        check_logs(installation, each["id"], job, each["number"])
    check_books(installation)


def test_a_damaged_checkpoint_is_passed_over_for_an_older_one(installation: Installation) -> None:
    script = (
        'echo from ${TRADEWIND_CHECKPOINT##*/}; [ "$TRADEWIND_ATTEMPT_NUMBER" = 1 ] || exit 0;'
        " echo old > ckpt/step-1; sleep 0.1; echo new > ckpt/step-2; exit 1"
    )
    spec = {"name": "damaged", "run": script, "checkpoints": {"path": "ckpt"}, "retry": {"failures": 1}}
    job = installation.submit(spec)
    eventually(
        "the first attempt has ended",
        lambda: installation.attempts(job)[:1] and installation.attempts(job)[0]["ended_at"],
    )
    for kept in (installation.state / "kept" / job / "checkpoints" / "1").glob("*/content"):
        if kept.read_text() == "new\n":
            kept.write_text("")
    assert installation.wait_until_ended(job)["status"] == "succeeded"
    first, second, third = installation.attempts(job)
    assert [each["status"] for each in (first, second, third)] == ["failed", "interrupted", "succeeded"]
    assert "step-2 is damaged" in second["explanation"]
    assert installation.raw_log(job, attempt=3) == b"from step-1\n"
    notes = {each["path"]: each["note"] for each in installation.get(f"/jobs/{job}/checkpoints")["items"]}
    assert notes["ckpt/step-1"] is None
    assert "damaged" in notes["ckpt/step-2"]


def test_without_retries_a_lost_supervisor_fails_the_job_with_the_true_reason(
    installation: Installation,
) -> None:
    job, attempt = _start(installation, retry={"interruptions": 0})
    directory = installation.directory(attempt["id"])
    os.kill(_pid(directory / "begun.json", directory), signal.SIGKILL)
    ended = installation.wait_until_ended(job)
    assert (ended["status"], ended["reason"]) == ("failed", "supervisor_lost")
    assert "supervisor" in ended["explanation"]
    assert len(installation.attempts(job)) == 1
    check_books(installation)


def test_a_command_killed_by_somebody_is_not_taken_for_an_interruption(installation: Installation) -> None:
    job, attempt = _start(installation)
    directory = installation.directory(attempt["id"])
    os.kill(_pid(directory / "process.json", directory), signal.SIGKILL)
    ended = installation.wait_until_ended(job)
    assert (ended["status"], ended["reason"]) == ("failed", "killed_by_signal")
    assert "9" in ended["explanation"]
    check_books(installation)


def _start(installation: Installation, **more: Any) -> tuple[str, dict[str, Any]]:
    spec = {
        "name": "trained",
        "run": "exec " + installation.run_worker(_STEPS, _STEP_S),
        "checkpoints": {"path": "ckpt"},
        "resources": {"cpus": 0.1},
        **more,
    }
    job = installation.submit(spec)
    installation.wait_for_status(job, "running")
    attempt = installation.attempts(job)[0]
    _wait_for_step(installation, attempt["id"], 1)
    return job, attempt


def _steps(installation: Installation, attempt_id: str) -> list[int]:
    path = installation.outside / f"{attempt_id}.steps"
    return [int(line) for line in path.read_text(encoding="ascii").split()] if path.exists() else []


def _wait_for_step(installation: Installation, attempt_id: str, step: int) -> None:
    eventually(f"step {step} is done", lambda: _steps(installation, attempt_id)[-1:] >= [step])


def _pid(path: Path, directory: Path) -> int:
    """The process that the file names, which must be one of this attempt's."""
    pid = int(json.loads(path.read_text(encoding="utf-8"))["pid"])
    process = Path(f"/proc/{pid}")
    try:
        known_by = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return pid
    # A process that is just ending may have lost either of the two by the time it is read, or both.
    assert (
        not known_by
        or directory.name.encode() in known_by
        or str(directory.parent.parent).encode() in known_by
    )
    return pid


def _check_records(directory: Path) -> None:
    lines = (directory / "records.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b""
    records = [json.loads(line) for line in lines]
    phases = [record["phase"] for record in records if record["type"] == "phase"]
    assert phases == ["running"]
    for kind in ("metrics", "progress"):
        offsets = [r["offset"] for r in records if r["type"] == kind and r["source"] == "channel"]
        assert offsets == sorted(set(offsets)), kind
        assert offsets[-1] == (directory / "metrics.jsonl").stat().st_size, kind
    steps = [r["step"] for r in records if r["type"] == "metrics" and r["source"] == "channel"]
    assert steps[-1] == _STEPS
    assert steps == sorted(set(steps))
    energy = [record["energy_j"] for record in records if record["type"] == "sample"]
    assert energy == sorted(energy)


def _check_index(directory: Path) -> None:
    """The index of each log covers it to its end, in growing steps."""
    for stream in ("stdout", "stderr"):
        index = (directory / "logs" / f"{stream}.idx").read_bytes()
        ends = [int.from_bytes(index[at : at + 8], "little") for at in range(0, len(index), 24)]
        assert ends == sorted(set(ends)), stream
        assert ends[-1] == (directory / "logs" / f"{stream}.log").stat().st_size, stream
