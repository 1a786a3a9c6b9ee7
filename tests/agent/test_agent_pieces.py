"""Parts of the agent by themselves: lines, records, sampling, processes."""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.agent.attempts import wait_until
from tradewind.agent.checkpoints import step_in_name
from tradewind.agent.gpus_amd import AmdGpus
from tradewind.agent.gpus_nvidia import NvidiaGpus
from tradewind.agent.kernel_log import KernelLog
from tradewind.agent.lines import LineReader
from tradewind.agent.memory import recall
from tradewind.agent.parsers.reading import Reading
from tradewind.agent.processes import below, list_processes, marked, read_process
from tradewind.agent.processes_ps import parse_cpu_time_s, parse_ps
from tradewind.agent.rapl import Rapl
from tradewind.agent.records import Records
from tradewind.agent.sources import Source
from tradewind.agent.voice import Voice


@given(st.binary(max_size=400), st.lists(st.integers(1, 60), max_size=20))
def test_lines_are_the_same_however_the_file_grew(data: bytes, steps: list[int]) -> None:
    reader = LineReader(0, 1 << 18)
    end = 0
    found: list[tuple[str, int]] = []
    for step in [*steps, len(data)]:
        end = min(len(data), end + step)
        found += [
            (line.text, line.end) for line in reader.look(lambda start, size: data[start : start + size], end)
        ]
    position = 0
    expected = []
    for piece in data.replace(b"\r", b"\n").split(b"\n")[:-1]:
        position += len(piece) + 1
        if piece:
            expected.append((piece.decode("utf-8", "replace"), position))
    assert found == expected


def test_only_the_newest_text_is_read_and_long_lines_are_skipped() -> None:
    data = b"first\n" + b"x" * 1000 + b"\nsecond\nthird\n"
    asked: list[int] = []

    def read(start: int, size: int) -> bytes:
        asked.append(size)
        return data[start : start + size]

    reader = LineReader(0, 100)
    assert [line.text for line in reader.look(read, len(data))] == ["second", "third"]
    assert max(asked) <= 100
    assert reader.skipped_bytes == len(data) - 100
    reader = LineReader(0, 1 << 18, longest_line_bytes=10)
    for end in range(0, len(data) + 1, 7):
        reader.look(lambda start, size: data[start : start + size], end)
    assert reader.offset > 1006


def _say(records: Records, directory: Path) -> Voice:
    return Voice(records, recall(str(directory), records, 1000.0))


def test_records_survive_a_half_written_line(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    whole = json.dumps(
        {"t": 1, "type": "metrics", "source": "stdout", "offset": 70, "values": {"loss": 1}, "step": 7}
    )
    path.write_text(whole + '\n{"t": 2, "type": "met')
    records = Records(str(tmp_path))
    memory = recall(str(tmp_path), records, 1000.0)
    assert path.read_text() == whole + "\n"
    assert memory.was_said("stdout", "metrics", 70)
    assert not memory.was_said("stdout", "metrics", 71)
    assert not memory.was_said("stdout", "progress", 70)
    assert memory.step == 7


def test_a_snapshot_and_what_came_after_it_are_put_together(tmp_path: Path) -> None:
    records = Records(str(tmp_path))
    memory = recall(str(tmp_path), records, 1000.0)
    voice = Voice(records, memory)
    voice.say("phase", phase="running")
    voice.notice("code", "before the snapshot")
    assert records.write()
    memory.offsets["stdout"] = 55
    records.save_cursor(memory.snapshot())
    voice.say("checkpoint", path="a", step=1, size_bytes=2, file_count=3, mtime_ns=4)
    assert records.write()
    again = recall(str(tmp_path), Records(str(tmp_path)), 1000.0)
    assert again.phases_said == 1
    assert again.start_offset("stdout") == 55
    assert again.checkpoints == {"a": [2, 3, 4]}
    Voice(records, again).notice("code", "the same again")
    assert records.write()
    assert (tmp_path / "records.jsonl").read_text().count("notice") == 1


def test_a_source_thins_out_what_comes_too_fast(tmp_path: Path) -> None:
    records = Records(str(tmp_path))
    memory = recall(str(tmp_path), records, 4e9)
    source = Source("stdout", Voice(records, memory), memory)
    for step in range(1000):
        source.take(Reading({}, {"loss": step}, step), step)
        source.take(Reading({}, {"val_loss": step}, step), step)
        source.speak()
    source.speak(now=True)
    records.write()
    said = [json.loads(line) for line in (tmp_path / "records.jsonl").read_text().splitlines()]
    assert len(said) < 40
    assert [one["values"] for one in said[-2:]] == [{"loss": 999}, {"val_loss": 999}]
    assert [one["offset"] for one in said] == sorted(one["offset"] for one in said)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("checkpoint-500", 500),
        ("model_12.h5", 12),
        ("epoch=3-step=100.ckpt", 100),
        ("last.ckpt", None),
        ("final", None),
    ],
)
def test_the_step_in_a_name(name: str, step: int | None) -> None:
    assert step_in_name(name) == step


class _FakeNvml:
    """Answers as NVML does: through pointers, with 0 for success."""

    def __init__(self, *, has_counter: bool) -> None:
        if has_counter:
            self.nvmlDeviceGetTotalEnergyConsumption = self._energy

    def nvmlDeviceGetHandleByUUID(self, uuid: bytes, device: Any) -> int:  # noqa: N802
        device._obj.value = 7
        return 0 if uuid == b"GPU-right" else 6

    def nvmlDeviceGetHandleByIndex_v2(self, index: ctypes.c_uint, device: Any) -> int:  # noqa: N802
        device._obj.value = 8
        return 0 if index.value == 1 else 2

    def nvmlDeviceGetUtilizationRates(self, device: Any, into: Any) -> int:  # noqa: N802
        into._obj.gpu = 83
        return 0

    def nvmlDeviceGetMemoryInfo(self, device: Any, into: Any) -> int:  # noqa: N802
        into._obj.used = 5 << 30
        return 0

    def nvmlDeviceGetPowerUsage(self, device: Any, into: Any) -> int:  # noqa: N802
        into._obj.value = 250_500
        return 0

    def nvmlDeviceGetTemperature(self, device: Any, sensor: Any, into: Any) -> int:  # noqa: N802
        into._obj.value = 66
        return 0

    def nvmlDeviceGetPciInfo_v3(self, device: Any, into: Any) -> int:  # noqa: N802
        into._obj.domain, into._obj.bus, into._obj.device = 0, 0x3B, 0
        return 0

    def _energy(self, device: Any, into: Any) -> int:
        into._obj.value = 1_000_500
        return 0


def test_nvidia_is_read_by_uuid_or_index() -> None:
    held = [{"vendor": "nvidia", "index": 0, "uuid": "GPU-right"}, {"vendor": "nvidia", "index": 1, "uuid": None},
            {"vendor": "nvidia", "index": 5, "uuid": "GPU-gone"}]  # fmt: skip
    first, second = NvidiaGpus(_FakeNvml(has_counter=True), held).read()
    assert first.as_record() == {
        "uuid": "GPU-right", "util_percent": 83, "memory_bytes": 5 << 30, "watts": 250.5, "temperature_c": 66
    }  # fmt: skip
    assert first.energy_j == 1000.5
    assert second.uuid == "index:1"
    assert NvidiaGpus(_FakeNvml(has_counter=False), held).read()[0].energy_j is None


class _IllNvml(_FakeNvml):
    """A GPU that is hot, has errors in its memory and can replace no more of it."""

    def nvmlDeviceGetTotalEccErrors(self, device: Any, kind: Any, since: Any, into: Any) -> int:  # noqa: N802
        assert (kind.value, since.value) == (1, 0)
        into._obj.value = 4
        return 0

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, device: Any, into: Any) -> int:  # noqa: N802
        into._obj.value = 0x40 | 0x4
        return 0

    def nvmlDeviceGetRemappedRows(self, device: Any, *outs: Any) -> int:  # noqa: N802
        outs[3]._obj.value = 1
        return 0


class _LostNvml(_FakeNvml):
    def nvmlDeviceGetTotalEccErrors(self, device: Any, *_rest: Any) -> int:  # noqa: N802
        return 15


def test_the_health_of_a_gpu_is_read_where_the_driver_tells() -> None:
    held = [{"vendor": "nvidia", "index": 0, "uuid": "GPU-right"}]
    ill = NvidiaGpus(_IllNvml(has_counter=True), held).read()[0].as_record()
    assert (ill["ecc_uncorrected"], ill["is_hot"], ill["remap_failed"]) == (4, True, True)
    lost = NvidiaGpus(_LostNvml(has_counter=True), held).read()[0].as_record()
    assert lost["is_lost"] is True


def _said_by(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (directory / "records.jsonl").read_text().splitlines()]


def test_errors_in_the_kernel_log_are_said_of_ones_own_gpus_once(tmp_path: Path) -> None:
    log = tmp_path / "kmsg"
    log.write_text("6,1,1,-;NVRM: Xid (PCI:0000:3b:00): 13, an old one\n")
    records = Records(str(tmp_path))
    voice = Voice(records, recall(str(tmp_path), records, 0.0))
    addresses = NvidiaGpus(_FakeNvml(has_counter=True), [{"uuid": "GPU-right"}]).addresses()
    kernel_log = KernelLog(addresses, voice, str(log))
    with log.open("a") as file:
        file.write("6,2,2,-;NVRM: Xid (PCI:0000:3b:00): 79, pid=1, GPU has fallen off the bus.\n")
        file.write("6,3,3,-;NVRM: Xid (PCI:0000:af:00): 48, of another's\n6,4,4,-;usb 1-1: new device\n")
        file.write("6,5,5,-;NVRM: Xid (PCI:0000:3b:00): 79, again\n")
    kernel_log.look()
    kernel_log.look()
    records.write()
    said = [(each["type"], each["uuid"], each["xid"]) for each in _said_by(tmp_path)]
    assert said == [("gpu_error", "GPU-right", 79)]


def test_a_kernel_log_that_may_not_be_read_is_no_trouble(tmp_path: Path) -> None:
    records = Records(str(tmp_path))
    voice = Voice(records, recall(str(tmp_path), records, 0.0))
    KernelLog({(0, 1, 0): "GPU-right"}, voice, str(tmp_path / "none")).look()
    records.write()
    assert _said_by(tmp_path) == []


def test_what_is_not_finite_is_said_each_time_beside_what_is(tmp_path: Path) -> None:
    records = Records(str(tmp_path))
    source = Source(
        "stdout", Voice(records, recall(str(tmp_path), records, 0.0)), recall(str(tmp_path), records, 0.0)
    )
    source.take(Reading({"step": 3}, {"loss": float("nan"), "lr": 0.1}, 3), 10)
    source.speak(now=True)
    records.write()
    said = {each["type"]: each for each in _said_by(tmp_path)}
    assert (said["notice"]["metric"], said["notice"]["value"], said["notice"]["step"]) == ("loss", "nan", 3)
    assert (said["metrics"]["values"], said["metrics"]["non_finite"]) == ({"lr": 0.1}, {"loss": "nan"})


def test_amd_is_read_from_the_kernels_files(tmp_path: Path) -> None:
    for card, vendor in (("card0", "0x10de"), ("card1", "0x1002"), ("card10", "0x1002")):
        device = tmp_path / card / "device"
        (device / "hwmon" / "hwmon3").mkdir(parents=True)
        (device / "vendor").write_text(vendor + "\n")
        (device / "gpu_busy_percent").write_text("41\n" if card == "card10" else "7\n")
        (device / "mem_info_vram_used").write_text("1048576\n")
        (device / "hwmon" / "hwmon3" / "power1_average").write_text("30500000\n")
    (reading,) = AmdGpus([{"vendor": "amd", "index": 1, "uuid": None}], str(tmp_path)).read()
    assert reading.as_record() == {
        "uuid": "index:1", "util_percent": 41, "memory_bytes": 1 << 20, "watts": 30.5, "temperature_c": None
    }  # fmt: skip


def test_package_energy_runs_over_and_parts_are_not_counted_twice(tmp_path: Path) -> None:
    for name, kind in (
        ("intel-rapl:0", "package-0"),
        ("intel-rapl:0:0", "core"),
        ("intel-rapl:1", "package-1"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(kind)
        (tmp_path / name / "energy_uj").write_text("9000000")
        (tmp_path / name / "max_energy_range_uj").write_text("10000000")
    rapl = Rapl(str(tmp_path))
    assert rapl.is_available
    assert rapl.joules_since_last() is None
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("1000000")
    (tmp_path / "intel-rapl:1" / "energy_uj").write_text("9500000")
    assert rapl.joules_since_last() == 2.5
    assert not Rapl(str(tmp_path / "nothing")).is_available


def test_the_table_of_processes_holds_this_one_and_its_child() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        env={"TRADEWIND_ATTEMPT": "att_x y", "PATH": ""},
    )
    try:
        table = list_processes()
        assert child.pid in below(table, [os.getpid()])
        assert child.pid not in below(table, [os.getpid()], [child.pid])
        assert table[os.getpid()].memory_bytes > 1 << 20
        # The kernel shows the environment an instant after the program was executed.
        wait_until(lambda: marked(table, "att_x y") == {child.pid}, "the child's environment")
        assert marked(table, "att_x") == set()
        first = read_process(child.pid)
        assert first is not None
        assert first.parent == os.getpid()
    finally:
        child.communicate(b"\n")
    assert read_process(child.pid) is None


def test_the_output_of_ps_is_understood() -> None:
    text = (
        "    1     0     1 Ss    12:34.56   9000 Sun Nov 22 23:25:26 2026\n"
        "  501     1   501 Z     2-01:02:03  12 Sun Nov  1 03:05:06 2026\n"
        "garbage\n"
    )
    table = parse_ps(text)
    assert sorted(table) == [1, 501]
    assert table[1].cpu_s == pytest.approx(754.56)
    assert table[1].memory_bytes == 9000 * 1024
    assert table[501].is_zombie
    assert table[501].start_time == 1793502306
    assert parse_cpu_time_s("01:02:03") == 3723
