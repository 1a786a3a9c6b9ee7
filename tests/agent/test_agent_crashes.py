"""`kill -9` of whatever stands beside the command."""

from __future__ import annotations

import os
import signal
import time

import psutil
import pytest

from tests.agent.attempts import Attempt, wait_until

# Both say a number every 0.3 s, slower than the agent's limit of four a second: none may be missing, none repeated.
_REPORTS = """\
import sys, time
import tradewind
for step in range(1, 15):
    tradewind.report(step=step, loss=1 / step)
    print(f"step {step}/14 train_loss={step}.5")
    sys.stderr.buffer.write(b"\\xff\\xfe raw\\r")
    sys.stderr.flush()
    time.sleep(0.3)
"""


def _wait_for_more_metrics(attempt: Attempt) -> None:
    seen = len(attempt.records("metrics"))
    wait_until(lambda: len(attempt.records("metrics")) > seen, "the agent to say more")


@pytest.mark.slow
def test_killing_the_agent_again_and_again_loses_and_repeats_nothing(attempt: Attempt) -> None:
    attempt.start(attempt.script(_REPORTS))
    agent = None
    for _ in range(4):
        agent = attempt.wait_for_agent(other_than=agent)
        _wait_for_more_metrics(attempt)
        os.kill(agent, signal.SIGKILL)
    end = attempt.wait()
    assert (end["reason"], end["exit_code"], end["strays"]) == ("exited", 0, 0)
    assert attempt.log() == b"".join(b"step %d/14 train_loss=%d.5\n" % (step, step) for step in range(1, 15))
    assert attempt.log("stderr") == b"\xff\xfe raw\r" * 14
    metrics = attempt.records("metrics")
    steps = list(range(1, 15))
    assert [one["step"] for one in metrics if one["source"] == "channel"] == steps
    assert [one["values"]["train_loss"] for one in metrics if one["source"] == "stdout"] == [
        s + 0.5 for s in steps
    ]
    assert [one["step"] for one in attempt.records("progress") if one["source"] == "channel"] == steps
    assert [record["phase"] for record in attempt.records("phase")] == ["running"]
    energies = [record["energy_j"] for record in attempt.records("sample")]
    assert energies == sorted(energies)
    assert end["energy_j"] == energies[-1] > 0


def test_an_agent_that_is_killed_during_its_last_words_does_not_keep_the_end_from_being_written(
    attempt: Attempt,
) -> None:
    attempt.start("echo epoch 1/2; sleep 0.5; echo epoch 2/2")
    os.kill(attempt.wait_for_agent(), signal.SIGSTOP)
    end = attempt.wait()
    assert (end["reason"], end["exit_code"]) == ("exited", 0)
    assert attempt.log() == b"epoch 1/2\nepoch 2/2\n"


def test_when_the_supervisor_is_killed_the_agent_ends_the_command_and_says_why(attempt: Attempt) -> None:
    attempt.start("trap 'echo asked; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    attempt.wait_for_stdout(b"ready")
    attempt.wait_for_agent()
    os.kill(attempt.supervisor(), signal.SIGKILL)
    end = attempt.wait()
    assert (end["reason"], end["exit_code"]) == ("supervisor_lost", None)
    assert end["strays"] >= 1
    assert attempt.log() == b"ready\nasked\n"
    attempt.assert_nothing_left()


def test_when_both_are_killed_reap_ends_the_command(attempt: Attempt) -> None:
    attempt.start(
        "trap '' TERM; echo ready; (sleep 100 &); until [ -e go ]; do sleep 0.05; done; echo epoch 1/2; sleep 100",
        grace_s=0.2,
    )
    attempt.wait_for_stdout(b"ready")
    agent, supervisor = attempt.wait_for_agent(), attempt.supervisor()
    os.kill(agent, signal.SIGSTOP)
    (attempt.workdir / "go").touch()
    attempt.wait_for_stdout(b"epoch 1/2")
    os.kill(supervisor, signal.SIGKILL)
    os.kill(agent, signal.SIGKILL)
    wait_until(
        lambda: agent not in attempt.processes() and supervisor not in attempt.processes(), "both to be gone"
    )
    assert attempt.processes()
    answer = attempt.verb("reap")
    assert answer["state"] == "ended"
    assert answer["exit"]["reason"] == "supervisor_lost"
    attempt.assert_nothing_left()
    # What was written while no agent was there is read all the same.
    assert [one["epoch"] for one in attempt.records("progress")] == [1]
    assert attempt.verb("reap") == {"state": "ended", "ended_processes": 0, "exit": answer["exit"]}


def test_killing_everything_at_once_is_told_by_reap(attempt: Attempt) -> None:
    attempt.start("sleep 100")
    attempt.wait_for_agent()
    supervisor = attempt.supervisor()
    # Stopped first, so that none can act on the death of another.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in attempt.processes():
            os.kill(pid, number)
    wait_until(lambda: supervisor not in attempt.processes(), "the supervisor to be gone")
    assert attempt.verb("reap")["exit"]["reason"] == "supervisor_lost"


@pytest.mark.slow
@pytest.mark.parametrize("delay_ms", [0, 5, 10, 20, 30, 40, 60, 80, 120])
def test_a_supervisor_killed_at_any_moment_of_a_start_leaves_a_clear_state(
    attempt: Attempt, delay_ms: int
) -> None:
    attempt.write_spec(run="echo ran >> runs; sleep 100", grace_s=0)
    attempt.verb("start")
    time.sleep(delay_ms / 1000)
    supervisor = attempt.supervisor()
    os.kill(supervisor, signal.SIGKILL)
    wait_until(
        lambda: not psutil.pid_exists(supervisor) or supervisor not in attempt.processes(), "it to be gone"
    )
    wait_until(lambda: attempt.verb("reap")["state"] == "ended", "the attempt to be reaped")
    assert attempt.json("exit.json")["reason"] == "supervisor_lost"
    assert attempt.verb("start") == {"started": False, "reason": "already_ended"}
    attempt.assert_nothing_left()
    runs = attempt.workdir / "runs"
    assert not runs.exists() or runs.read_text() == "ran\n"


def test_a_bundle_that_is_deleted_while_the_command_runs_does_no_harm(attempt: Attempt) -> None:
    import shutil

    copy = attempt.directory / "agent.pyz"
    shutil.copy(attempt.bundle, copy)
    original, attempt.bundle = attempt.bundle, copy
    attempt.start("sleep 0.6; exit 7")
    agent = attempt.wait_for_agent()
    copy.unlink()
    os.kill(agent, signal.SIGKILL)
    end = attempt.wait()
    assert (end["reason"], end["exit_code"]) == ("exited", 7)
    attempt.bundle = original
