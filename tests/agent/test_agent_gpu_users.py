"""Processes on accelerators, as vendors' drivers tell of them."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tradewind.agent.gpu_users import find_users
from tradewind.agent.gpus_amd import list_amd
from tradewind.agent.gpus_nvidia import list_nvidia

_NVIDIA = [{"vendor": "nvidia", "uuid": "GPU-1"}]


def _tool(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch, *, status: int = 0) -> None:
    (folder / "said").write_text(text)
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n/bin/cat {folder}/said\nexit {status}\n")
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_the_vendors_tool_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={"TRADEWIND_ATTEMPT": "att_7"}
    )
    try:
        gone = 1 << 30
        _tool(
            tmp_path,
            f"GPU-1, {own.pid}, /opt/a, b/python3, 512\nGPU-2, {gone}, [Insufficient Permissions], [N/A]\n\nno row\n",
            monkeypatch,
        )
        first, second = find_users(_NVIDIA)
        assert first == {
            "uuid": "GPU-1", "pid": own.pid, "user": getpass.getuser(), "command": "python3",
            "memory_bytes": 512 << 20, "attempt": "att_7",
        }  # fmt: skip
        # It is there, though neither its name nor its owner may be known.
        assert second == {
            "uuid": "GPU-2", "pid": gone, "user": None, "command": "", "memory_bytes": None, "attempt": None,
        }  # fmt: skip
        # Without any of its GPUs it is not asked.
        assert find_users([]) == []
    finally:
        own.communicate()


@pytest.mark.parametrize("status", [9, None])
def test_a_tool_that_fails_or_is_missing_tells_of_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int | None
) -> None:
    _tool(tmp_path, f"GPU-1, {os.getpid()}, python3, 512\n", monkeypatch, status=status or 0)
    assert len(find_users(_NVIDIA)) == (1 if status is None else 0)
    (tmp_path / "nvidia-smi").unlink()
    assert find_users(_NVIDIA) == []
    assert list_nvidia() == []


def test_gpus_are_listed_by_the_tool_where_the_library_is_not_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tradewind.agent.gpus_nvidia.open_nvidia", lambda _held: None)
    _tool(tmp_path, "0, GPU-1, NVIDIA L4, 23034, 72.00\n1, GPU-2, NVIDIA L4, 23034, [N/A]\n", monkeypatch)
    one, two = list_nvidia()
    assert one == {
        "vendor": "nvidia", "index": 0, "uuid": "GPU-1", "name": "NVIDIA L4", "memory_bytes": 23034 << 20,
        "tdp_watts": 72.0,
    }  # fmt: skip
    assert (two["index"], two["tdp_watts"]) == (1, None)


def test_amds_compute_driver_is_read(tmp_path: Path) -> None:
    for card, minor in ((0, 128), (1, 129)):
        device = tmp_path / f"drm/card{card}/device"
        (device / f"drm/renderD{minor}").mkdir(parents=True)
        (device / "vendor").write_text("0x1002\n")
        (device / "mem_info_vram_total").write_text(f"{64 << 30}\n")
        (device / "unique_id").write_text(f"amd{card}\n")
    # Node 0 is the processor; the devices come in another order than the cards.
    for node, (gpu_id, minor) in enumerate([(0, 0), (900, 129), (800, 128)]):
        folder = tmp_path / f"kfd/topology/nodes/{node}"
        folder.mkdir(parents=True)
        (folder / "gpu_id").write_text(f"{gpu_id}\n")
        (folder / "properties").write_text(f"cpu_cores_count 0\ndrm_render_minor {minor}\nsimd_count 304\n")
    process = tmp_path / f"kfd/proc/{os.getpid()}"
    process.mkdir(parents=True)
    (process / "vram_900").write_text(f"{3 << 30}\n")
    (process / "vram_800").write_text("0\n")
    gpus = list_amd(str(tmp_path / "drm"))
    assert [each["uuid"] for each in gpus] == ["amd0", "amd1"]
    (found,) = find_users(gpus, str(tmp_path / "kfd"))
    assert (found["uuid"], found["pid"], found["user"], found["memory_bytes"]) == (
        "amd1", os.getpid(), getpass.getuser(), 3 << 30,
    )  # fmt: skip
