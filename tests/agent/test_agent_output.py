"""Logs that are large, fast, strange or too long, and checkpoints."""

from __future__ import annotations

import contextlib
import os
import struct
import sys
import time
from pathlib import Path

import pytest

from tests.agent.attempts import Attempt, wait_until

_LARGEST_AGENT_KB = 25 * 1024
_ONE_LONG_LINE = """\
import os
block = b"x" * (1 << 20)
for _ in range(1024):
    os.write(1, block)
os.write(1, b"\\nepoch 2/4 loss=0.5\\n")
"""
_FAST = """\
import sys, time
started = time.monotonic()
written = 0
while (elapsed := time.monotonic() - started) < {seconds}:
    while written < elapsed * 10000:
        sys.stdout.write(f"line {{written}} of a very busy program: loss={{written}}.5 and some more of it\\n")
        written += 1
    sys.stdout.flush()
    time.sleep(0.005)
sys.stdout.write(f"written {{written}}\\n")
"""


def _peak_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    raise AssertionError("no VmHWM")


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _index(attempt: Attempt, name: str = "stdout") -> list[tuple[int, int, int]]:
    data = (attempt.directory / "logs" / f"{name}.idx").read_bytes()
    return list(struct.iter_unpack("<QQQ", data))


needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads peak memory from /proc")


@needs_proc
@pytest.mark.slow
def test_a_gigabyte_without_a_newline_stays_out_of_memory(attempt: Attempt) -> None:
    attempt.start(attempt.script(_ONE_LONG_LINE, then="sleep 100"))
    agent = attempt.wait_for_agent()
    wait_until(lambda: attempt.records("progress"), "the line after it to be read", 60)
    peak_kb = _peak_kb(agent)
    attempt.change_control(stop={"reason": "stopped_by_user", "grace_s": 0})
    attempt.wait()
    assert attempt.records("metrics")[0]["values"] == {"loss": 0.5}
    size = (1 << 30) + len("\nepoch 2/4 loss=0.5\n")
    assert _index(attempt)[-1][:2] == (size, 2)
    assert (attempt.directory / "logs" / "stdout.log").stat().st_size == size
    assert peak_kb < _LARGEST_AGENT_KB


@needs_proc
@pytest.mark.slow
def test_ten_thousand_lines_a_second_are_kept_and_cost_little(attempt: Attempt) -> None:
    seconds = float(os.environ.get("TRADEWIND_FAST_LINES_S", "6"))
    attempt.start(attempt.script(_FAST.format(seconds=seconds)))
    agent = attempt.wait_for_agent()
    used = [0.0]

    def ended() -> bool:
        with contextlib.suppress(OSError):
            used.append(_cpu_s(agent))
        return (attempt.directory / "exit.json").exists()

    wait_until(ended, "the end", seconds + 30)
    *lines, last = attempt.log().splitlines()
    written = int(last.split()[1])
    assert written > 5000 * seconds
    assert [int(line.split()[1]) for line in lines] == list(range(written))
    assert _index(attempt)[-1][1] == written + 1
    # Not a measure of speed: it would be ten times as much if every line were parsed.
    assert max(used) < 0.1 * seconds
    metrics = attempt.records("metrics")
    assert len(metrics) <= 4 * seconds + 45
    assert metrics[-1]["values"]["loss"] == written - 0.5


def test_the_index_covers_every_byte_in_order(attempt: Attempt) -> None:
    attempt.run("for i in 1 2 3 4; do echo line $i; sleep 0.3; done; printf unfinished")
    index = _index(attempt)
    assert index == sorted(index)
    assert index[-1][:2] == (len(attempt.log()), 4)
    assert len(index) >= 3
    assert abs(index[-1][2] / 1000 - time.time()) < 60


_GROWING = """\
import os, sys, time
for number in range(160):
    os.write(1, (b"%07d\\n" % number) * 2048)
    time.sleep(0.005)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="holes are counted in Linux's blocks")
def test_a_log_over_its_cap_loses_its_middle_and_says_so(attempt: Attempt) -> None:
    cap = 1 << 20
    end = attempt.run(attempt.script(_GROWING), log_cap_bytes=cap)
    assert end["exit_code"] == 0
    expected = b"".join((b"%07d\n" % number) * 2048 for number in range(160))
    log = attempt.log()
    assert len(log) == len(expected)
    dropped = attempt.records("log_dropped")[-1]
    assert (dropped["stream"], dropped["start"]) == ("stdout", cap // 4)
    start, stop = dropped["start"], dropped["end"]
    assert log[:start] == expected[:start]
    assert log[stop:] == expected[stop:]
    assert not log[start:stop].strip(b"\0")
    kept = len(log) - (stop - start)
    assert cap <= kept <= cap + cap // 16 + 8192
    used = (attempt.directory / "logs" / "stdout.log").stat().st_blocks * 512
    assert used <= kept + 8192
    assert [record["code"] for record in attempt.records("notice")] == ["log_dropped"]


def test_carriage_returns_are_lines_to_the_parsers(attempt: Attempt) -> None:
    program = (
        "import sys, time\n"
        "for step in range(0, 11, 2):\n"
        "    sys.stderr.write(f'\\r{step * 10:3d}%|###   | {step}/10 [00:01<00:01, 4.0it/s, loss={1 - step / 20}]')\n"
        "    sys.stderr.flush()\n"
        "    time.sleep(0.3)\n"
    )
    attempt.start(attempt.script(program, then="sleep 100"))
    # The bar stands there without an end of line; it is seen all the same.
    wait_until(
        lambda: any(one.get("step") == 10 for one in attempt.records("progress")), "the last state of the bar"
    )
    progress = attempt.records("progress")
    assert [one["step"] for one in progress] == [0, 2, 4, 6, 8, 10]
    assert progress[-1]["fraction"] == 1.0
    assert attempt.records("metrics")[-1]["values"] == {"loss": 0.5}


def test_numbers_that_json_does_not_have_are_noticed_once_a_name(attempt: Attempt) -> None:
    program = (
        "import tradewind, time\n"
        "for step in range(3):\n"
        "    tradewind.report(step=step, loss=float('nan'), accuracy=0.5)\n"
        "    print(f'step {step} val_loss=inf')\n"
        "    time.sleep(0.3)\n"
    )
    attempt.run(attempt.script(program))
    notices = attempt.records("notice")
    assert sorted(one["message"].split()[0] for one in notices) == ["loss", "val_loss"]
    assert {one["code"] for one in notices} == {"non_finite_metric"}
    assert {name for one in attempt.records("metrics") for name in one["values"]} == {"accuracy"}


def test_bad_lines_of_the_channel_are_counted_and_quoted_once(attempt: Attempt) -> None:
    attempt.run(
        'printf \'nonsense\\n[1]\\n{"step": 1, "loss": 2.5, "name": "x", "flag": true}\\n\\n{"step": 2, "loss": 1.5}\''
        " >> $TRADEWIND_METRICS; sleep 0.4"
    )
    assert [(one["step"], one["values"]) for one in attempt.records("metrics")] == [
        (1, {"loss": 2.5}),
        (2, {"loss": 1.5}),
    ]
    notices = {one["code"]: one["message"] for one in attempt.records("notice")}
    assert "nonsense" in notices["bad_metrics_line"]
    assert notices["bad_metrics_lines"].startswith("2 lines")


_CHECKPOINTS = """\
import os, time
os.makedirs("ckpt/step-100")
with open("ckpt/step-100/weights.bin", "wb") as file:
    for _ in range(6):
        file.write(b"x" * 1000)
        file.flush()
        time.sleep(0.4)
open("ckpt/model_200.pt.tmp", "w").write("not yet")
open("ckpt/.hidden", "w").write("x")
os.symlink("step-100", "ckpt/latest")
time.sleep({pause})
open("ckpt/model_300.pt", "wb").write(b"y" * 10)
{last}
"""


def test_checkpoints_are_noticed_when_they_stop_growing(attempt: Attempt) -> None:
    (attempt.workdir / "ckpt").mkdir()
    (attempt.workdir / "ckpt" / "model_1.pt").write_text("of an earlier attempt")
    time.sleep(0.05)
    end = attempt.run(attempt.script(_CHECKPOINTS.format(pause=2.5, last="")), checkpoints={"path": "ckpt"})
    assert end["exit_code"] == 0
    found = [
        (one["path"], one["step"], one["size_bytes"], one["file_count"])
        for one in attempt.records("checkpoint")
    ]
    assert found == [("ckpt/step-100", 100, 6000, 1), ("ckpt/model_300.pt", 300, 10, 1)]


def test_what_a_killed_command_was_writing_is_no_checkpoint(attempt: Attempt) -> None:
    last = "import signal; os.kill(os.getpid(), signal.SIGKILL)"
    attempt.run(attempt.script(_CHECKPOINTS.format(pause=0, last=last)), checkpoints={"path": "ckpt"})
    assert attempt.records("checkpoint") == []


def test_a_checkpoint_that_changes_is_said_again(attempt: Attempt) -> None:
    attempt.start(
        "echo one > c/last.ckpt; until [ -e go ]; do sleep 0.05; done; echo three >> c/last.ckpt",
        checkpoints={"path": "c"},
    )
    wait_until(lambda: attempt.records("checkpoint"), "the checkpoint to be noticed")
    (attempt.workdir / "go").touch()
    attempt.wait()
    assert [one["size_bytes"] for one in attempt.records("checkpoint")] == [4, 10]


def test_samples_measure_the_tree(attempt: Attempt) -> None:
    program = (
        "import subprocess, sys, time\n"
        "busy = 'import time; held = bytearray(50 << 20)\\n'\n"
        "busy += 'while time.process_time() < 2.0: pass'\n"
        "subprocess.run([sys.executable, '-c', busy])\n"
    )
    end = attempt.run(attempt.script(program), sample_every_s=0.5)
    samples = attempt.records("sample")
    assert max(one["memory_bytes"] for one in samples) > 50 << 20
    assert max(one["processes"] for one in samples) == 2
    assert 5 < max(one["cpu_percent"] for one in samples) < 160
    assert {one["basis"] for one in samples} == {"modelled"}
    assert 1.9 < samples[-1]["cpu_s"] < 4.0
    # Between idle and full power, for the time that it ran.
    took_s = end["ended_at"] - end["started_at"]
    cpus = os.cpu_count() or 1
    assert 10.0 / cpus * took_s * 0.9 < end["energy_j"] < 45.0 * (took_s + 1)
