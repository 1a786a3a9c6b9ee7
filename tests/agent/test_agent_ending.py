"""How commands are stopped, and that nothing of them is left."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import psutil
import pytest

from tests.agent.attempts import Attempt, wait_until

_DETACHED = """\
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {signals}
        os.environ.clear()
        open("daemon.pid", "w").write(str(os.getpid()))
        time.sleep(100)
    os._exit(0)
os.wait()
while not os.path.exists("daemon.pid"):
    time.sleep(0.01)
print("over")
"""
_IGNORE = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


@pytest.mark.parametrize(("signals", "grace_s"), [("pass", 5), (_IGNORE, 0.3)])
def test_what_detached_itself_is_ended_and_counted(attempt: Attempt, signals: str, grace_s: float) -> None:
    end = attempt.run(attempt.script(_DETACHED.format(signals=signals)), grace_s=grace_s)
    assert (end["reason"], end["exit_code"], end["strays"]) == ("exited", 0, 1)
    assert attempt.log() == b"over\n"
    assert not psutil.pid_exists(int((attempt.workdir / "daemon.pid").read_text()))


def test_a_stopped_command_has_its_grace_to_tidy_up(attempt: Attempt) -> None:
    attempt.start("trap 'sleep 0.5; echo saved; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    attempt.wait_for_stdout(b"ready")
    attempt.change_control(stop={"reason": "budget", "grace_s": 10, "message": "the budget of $5 is used up"})
    end = attempt.wait()
    assert (end["reason"], end["exit_code"]) == ("budget", 0)
    assert end["message"] == "the budget of $5 is used up"
    assert attempt.log() == b"ready\nsaved\n"


def test_a_child_that_saves_a_checkpoint_has_the_grace_though_its_shell_is_gone(attempt: Attempt) -> None:
    (attempt.workdir / "train.py").write_text(
        "import signal, sys, time\n"
        "def save(*_):\n"
        "    time.sleep(0.7)\n"
        "    print('saved', flush=True)\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, save)\n"
        "print('ready', flush=True)\n"
        "time.sleep(100)\n"
    )
    attempt.start(f"{sys.executable} train.py; echo never")
    attempt.wait_for_stdout(b"ready")
    attempt.change_control(stop={"reason": "stopped_by_user", "grace_s": 10})
    end = attempt.wait()
    assert (end["reason"], end["signal"]) == ("stopped_by_user", 15)
    assert attempt.log() == b"ready\nsaved\n"


def test_a_command_that_ignores_sigterm_is_killed_after_the_grace(attempt: Attempt) -> None:
    attempt.start("trap '' TERM; echo ready; while :; do sleep 0.05; done")
    attempt.wait_for_stdout(b"ready")
    attempt.change_control(stop={"reason": "stopped_by_user", "grace_s": 0.5})
    end = attempt.wait()
    assert (end["reason"], end["exit_code"], end["signal"]) == ("stopped_by_user", 137, 9)


def test_a_second_stop_can_be_less_patient(attempt: Attempt) -> None:
    attempt.start("trap '' TERM; echo ready; while :; do sleep 0.05; done")
    attempt.wait_for_stdout(b"ready")
    attempt.change_control(stop={"reason": "stopped_by_user", "grace_s": 1000})
    time.sleep(0.6)
    attempt.change_control(stop={"reason": "budget", "grace_s": 0})
    end = attempt.wait()
    assert (end["reason"], end["signal"]) == ("stopped_by_user", 9)


def test_max_duration_ends_the_command(attempt: Attempt) -> None:
    end = attempt.run("echo here; sleep 100", max_duration_s=0.5)
    assert (end["reason"], end["signal"]) == ("max_duration", 15)
    assert "0.5 s" in end["message"]


def test_max_duration_counts_without_an_agent(attempt: Attempt) -> None:
    import signal

    attempt.start("sleep 100", max_duration_s=1)
    os.kill(attempt.wait_for_agent(), signal.SIGSTOP)
    assert attempt.wait()["reason"] == "max_duration"


def test_a_newer_fence_ends_the_command(attempt: Attempt) -> None:
    attempt.start("sleep 100")
    attempt.change_control(fence=2)
    end = attempt.wait()
    assert end["reason"] == "fenced"
    assert "fence 2" in end["message"]


def test_a_lease_that_is_not_renewed_ends_the_command(attempt: Attempt) -> None:
    attempt.start("sleep 100", lease_ttl_s=1.2, on_lost_contact="checkpoint-and-stop")
    for sequence in range(1, 8):
        attempt.change_control(lease_seq=sequence)
        time.sleep(0.3)
        assert not (attempt.directory / "exit.json").exists()
    assert attempt.wait()["reason"] == "lost_contact"


def test_a_job_that_may_finish_without_contact_does(attempt: Attempt) -> None:
    end = attempt.run("sleep 1; echo done", lease_ttl_s=0.2, on_lost_contact="finish")
    assert (end["reason"], end["exit_code"]) == ("exited", 0)


def test_memory_over_the_limit_ends_the_command(attempt: Attempt) -> None:
    program = "import time; held = bytearray(80 << 20); print('held', flush=True); time.sleep(100)"
    end = attempt.run(attempt.script(program), memory_limit_bytes=60 << 20)
    assert end["reason"] == "memory_limit"
    assert "may use 0.06 GiB" in end["message"]


def test_memory_that_is_shared_counts_once(attempt: Attempt) -> None:
    program = (
        "import os, time\n"
        "held = b'x' * (40 << 20)\n"
        "children = [os.fork() for _ in range(1)]\n"
        "if children[-1] and os.fork() and os.fork():\n"
        "    print('forked', flush=True)\n"
        "time.sleep(2.5)\n"
    )
    end = attempt.run(attempt.script(program), memory_limit_bytes=100 << 20)
    assert end["reason"] == "exited"


def test_a_stop_during_setup_ends_setup(attempt: Attempt) -> None:
    attempt.start("touch ran", setup="echo $$ > setup.pid; sleep 100")
    wait_until((attempt.workdir / "setup.pid").exists, "setup to run")
    attempt.change_control(stop={"reason": "stopped_by_user", "grace_s": 2})
    end = attempt.wait()
    assert end["reason"] == "stopped_by_user"
    assert not (attempt.workdir / "ran").exists()
    attempt.assert_nothing_left()


def test_a_stop_that_was_there_first_wins(attempt: Attempt) -> None:
    attempt.control["stop"] = {"reason": "stopped_by_user", "grace_s": 0}
    end: dict[str, Any] = attempt.run("sleep 100")
    assert end["reason"] == "stopped_by_user"
