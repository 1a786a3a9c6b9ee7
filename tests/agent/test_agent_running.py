"""A command from start to exit record."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.agent.attempts import Attempt, wait_until

_NOISE = """\
import os, random, sys
source = random.Random(7)
for stream in (1, 2):
    for _ in range(50):
        os.write(stream, source.randbytes(source.randrange(1, 5000)))
"""


def _noise(which: int) -> bytes:
    import random

    source = random.Random(7)
    streams = [b"".join(source.randbytes(source.randrange(1, 5000)) for _ in range(50)) for _ in (1, 2)]
    return streams[which]


def test_logs_hold_exactly_the_bytes_that_were_written(attempt: Attempt) -> None:
    end = attempt.run(attempt.script(_NOISE))
    assert (end["reason"], end["exit_code"], end["signal"]) == ("exited", 0, None)
    assert attempt.log("stdout") == _noise(0)
    assert attempt.log("stderr") == _noise(1)


def test_everything_works_on_the_oldest_python(
    make_attempt: Callable[..., Attempt], oldest_python: str
) -> None:
    attempt = make_attempt(python=oldest_python)
    end = attempt.run(
        f"{sys.executable} -c 'import tradewind; tradewind.report(step=3, loss=0.5)'; echo epoch 1/2 loss=0.25; exit 5",
        setup="true", python=oldest_python, checkpoints={"path": "ckpt"}, log_cap_bytes=1 << 20,
        memory_limit_bytes=1 << 40, accelerators=[{"vendor": "nvidia", "index": 0}, {"vendor": "amd", "index": 0}],
    )  # fmt: skip
    assert (end["reason"], end["exit_code"]) == ("exited", 5)
    values = {record["source"]: (record["values"], record["step"]) for record in attempt.records("metrics")}
    assert values == {"stdout": ({"loss": 0.25}, 1), "channel": ({"loss": 0.5}, 3)}
    assert [record["phase"] for record in attempt.records("phase")] == ["setup", "running"]
    assert (attempt.directory / "agent.log").read_text() == ""


def test_every_module_compiles_for_the_oldest_python(bundle: Path, oldest_python: str) -> None:
    program = (
        "import sys, zipimport, zipfile\n"
        "names = zipfile.ZipFile(sys.argv[1]).namelist()\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "for name in names:\n"
        "    if name.startswith('tradewind_agent/'):\n"
        "        __import__(name[:-3].replace('/', '.').replace('.__init__', ''))\n"
    )
    done = subprocess.run(
        [oldest_python, "-I", "-S", "-c", program, str(bundle)], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize(
    ("run", "reason", "code", "number"),
    [
        ("exit 0", "exited", 0, None),
        ("exit 3", "exited", 3, None),
        ("kill -KILL $$", "killed_by_signal", 137, 9),
        ("kill -TERM $$", "killed_by_signal", 143, 15),
        ("kill -SEGV $$", "killed_by_signal", 139, 11),
        ("sh -c 'kill -KILL $$'; exit $?", "exited", 137, None),
    ],
)
def test_the_end_is_told_in_a_shells_terms(
    attempt: Attempt, run: str, reason: str, code: int, number: int | None
) -> None:
    end = attempt.run(run)
    assert (end["reason"], end["exit_code"], end["signal"]) == (reason, code, number)
    assert end["started_at"] <= end["ended_at"]


def test_a_command_that_does_not_exist_is_named(attempt: Attempt) -> None:
    end = attempt.run("pyhton train.py")
    assert end["reason"] == "command_not_found"
    assert end["exit_code"] == 127
    assert "pyhton" in end["message"]


def test_the_command_sees_the_contract_and_nothing_else(
    attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "of the server")
    monkeypatch.setenv("LANG", "C.UTF-8")
    end = attempt.run(
        "env -0; [ -t 0 ] || cat; ulimit -c", env={"SEED": "7", "PYTHONPATH": "/users/own"},
        checkpoints={"path": "ckpt", "every_s": 600}, resume_from="/old/ckpt", rank=2, attempt_number=3,
    )  # fmt: skip
    assert end["reason"] == "exited"
    *variables, rest = attempt.log().split(b"\0")
    seen = dict(entry.decode().split("=", 1) for entry in variables)
    for name in ("_", "SHLVL", "PWD", "OLDPWD", "HOME"):
        seen.pop(name, None)
    assert rest == b"0\n"
    assert seen == {
        "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1", "SEED": "7",
        "PYTHONPATH": f"/users/own:{attempt.directory}/shim",
        "CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": "",
        "TRADEWIND_JOB": "job_1", "TRADEWIND_JOB_NAME": "digits", "TRADEWIND_ATTEMPT": attempt.name,
        "TRADEWIND_ATTEMPT_NUMBER": "3", "TRADEWIND_RANK": "2",
        "TRADEWIND_METRICS": f"{attempt.directory}/metrics.jsonl",
        "TRADEWIND_CHECKPOINT_DIR": f"{attempt.workdir}/ckpt", "TRADEWIND_CHECKPOINT_EVERY_S": "600",
        "TRADEWIND_CHECKPOINT": "/old/ckpt",
    }  # fmt: skip
    assert (attempt.workdir / "ckpt").is_dir()


def test_held_accelerators_are_pinned(attempt: Attempt) -> None:
    held = [
        {"vendor": "nvidia", "index": 1, "uuid": "GPU-aa"},
        {"vendor": "nvidia", "index": 3, "uuid": None},
    ]
    attempt.run(
        "echo $CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER ${HIP_VISIBLE_DEVICES-unset}", accelerators=held
    )
    assert attempt.log() == b"GPU-aa,3 PCI_BUS_ID unset\n"


def test_amd_accelerators_are_not_hidden_by_the_variable_of_the_other_vendor(attempt: Attempt) -> None:
    attempt.run(
        "echo $ROCR_VISIBLE_DEVICES ${CUDA_VISIBLE_DEVICES-unset}",
        accelerators=[{"vendor": "amd", "index": 1}],
    )
    assert attempt.log() == b"1 unset\n"


def test_signals_are_delivered_as_to_any_program(attempt: Attempt) -> None:
    # The supervisor ignores some signals, and what is ignored is inherited unless it is put right.
    attempt.run("grep -E 'SigIgn|SigBlk' /proc/self/status")
    masks = {name.rstrip(b":"): int(mask, 16) for name, mask in map(bytes.split, attempt.log().splitlines())}
    # glibc keeps 32 and 33 for itself; what its posix_spawn starts (the children of make, say) ignores them.
    reserved = 1 << 31 | 1 << 32
    assert {name: mask & ~reserved for name, mask in masks.items()} == {b"SigBlk": 0, b"SigIgn": 0}


def test_no_descriptor_is_left_open_for_the_command(attempt: Attempt) -> None:
    attempt.run(f"exec {sys.executable} -I -S -c \"import os; print(sorted(os.listdir('/proc/self/fd')))\"")
    # The fourth is the directory that is being listed.
    assert attempt.log() == b"['0', '1', '2', '3']\n"


def test_a_second_start_starts_nothing(attempt: Attempt) -> None:
    attempt.start("echo once; sleep 60")
    assert attempt.verb("start") == {"started": False, "reason": "already_running"}
    attempt.change_control(stop={"reason": "stopped_by_user", "grace_s": 1})
    attempt.wait()
    wait_until(
        lambda: attempt.verb("start") == {"started": False, "reason": "already_ended"}, "the lock to be free"
    )
    assert attempt.log() == b"once\n"


def test_starts_that_race_make_one_run(attempt: Attempt) -> None:
    attempt.write_spec(run="echo ran >> runs; sleep 0.5")
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: attempt.verb("start"), range(6)))
    assert sum(answer["started"] for answer in answers) == 1
    attempt.wait()
    assert (attempt.workdir / "runs").read_text() == "ran\n"


def test_what_has_begun_is_not_started_again_after_its_end_was_lost(attempt: Attempt) -> None:
    attempt.start("sleep 60", grace_s=0)
    for pid in (attempt.wait_for_agent(), attempt.supervisor()):
        os.kill(pid, signal.SIGSTOP if pid != attempt.supervisor() else signal.SIGKILL)
    wait_until(lambda: attempt.verb("start")["reason"] == "already_begun", "the supervisor to be gone")
    assert attempt.verb("reap")["exit"]["reason"] == "supervisor_lost"


def test_reaping_what_never_began_keeps_it_from_beginning(attempt: Attempt) -> None:
    attempt.write_spec(run="touch ran")
    assert attempt.verb("reap")["exit"]["reason"] == "start_failed"
    assert attempt.verb("start") == {"started": False, "reason": "already_ended"}
    assert not (attempt.workdir / "ran").exists()


def test_reap_leaves_a_running_attempt_alone(attempt: Attempt) -> None:
    attempt.start("sleep 0.5; echo done")
    assert attempt.verb("reap") == {"state": "running"}
    assert attempt.wait()["reason"] == "exited"
    assert attempt.log() == b"done\n"


def test_an_attempt_from_before_a_restart_of_the_machine_is_told_apart(attempt: Attempt) -> None:
    attempt.write_spec(run="true")
    begun = {"boot_id": "another", "pid": 1, "start_time": 1, "marker": attempt.name, "time": 1000.0}
    (attempt.directory / "begun.json").write_text(json.dumps(begun))
    assert attempt.verb("reap")["exit"]["reason"] == "machine_restarted"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"protocol": 99}, "protocol 99"),
        ({"grace_s": "soon"}, "`grace_s`"),
        ({"workdir": "/nowhere/at/all"}, "/nowhere/at/all does not exist"),
        ({"on_lost_contact": "panic"}, "checkpoint-and-stop"),
        ({"env": {"A": 1}}, "`env.A`"),
    ],
)
def test_a_spec_that_cannot_be_run_is_refused_in_words(
    attempt: Attempt, change: dict[str, object], complaint: str
) -> None:
    attempt.write_spec(**change)
    assert complaint in attempt.verb("start")["error"]
    assert not (attempt.directory / "begun.json").exists()
    attempt.spec["workdir"] = str(attempt.workdir)


def test_version_names_the_protocols(attempt: Attempt) -> None:
    assert attempt.verb("version")["protocols"] == [1]


def test_the_supervisor_survives_signals_that_are_sent_to_it(attempt: Attempt) -> None:
    attempt.start("sleep 0.5; echo done")
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        os.kill(attempt.supervisor(), number)
    assert attempt.wait()["reason"] == "exited"
    assert attempt.log() == b"done\n"
