"""Which processes use which accelerators, and whose they are: also those that Tradewind did not start."""

from __future__ import annotations

import glob
import os
import shutil
import subprocess

from .processes import AGENT_MARKER, MARKER, read_small

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PATIENCE_S = 20
_KFD = "/sys/class/kfd/kfd"
_LONGEST_NAME = 64


def find_users(gpus: list[dict[str, Any]], kfd: str = _KFD) -> list[dict[str, Any]]:
    """For each process on each accelerator: `uuid`, `pid`, `user`, `command`, `memory_bytes`, `attempt`.

    `attempt` is the attempt of Tradewind that the process belongs to; None: to none, or nobody may know. A desktop
    that only draws is not told of.
    """
    found = []
    vendors = {each["vendor"] for each in gpus}
    if "nvidia" in vendors:
        found += _nvidia()
    if "amd" in vendors:
        found += _amd([each for each in gpus if each["vendor"] == "amd"], kfd)
    return found


def smi(*arguments: str) -> list[list[str]]:
    """Rows of what `nvidia-smi` prints as CSV; none where it is missing or fails."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        done = subprocess.run(
            [program, *arguments, "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PATIENCE_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    if done.returncode != 0:
        return []
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    return [[part.strip() for part in line.split(",")] for line in lines if line.strip()]


def _nvidia() -> list[dict[str, Any]]:
    found = []
    for row in smi("--query-compute-apps=gpu_uuid,pid,process_name,used_memory"):
        # A name may have commas in it.
        if len(row) >= 4 and row[1].isdigit():
            memory = int(row[-1]) << 20 if row[-1].isdigit() else None
            found.append(_user(row[0], int(row[1]), ",".join(row[2:-1]), memory))
    return found


def _amd(gpus: list[dict[str, Any]], kfd: str) -> list[dict[str, Any]]:
    """From the files of the kernel's compute driver: what each process has of each device's memory."""
    by_minor = {each.get("render_minor"): str(each["uuid"]) for each in gpus}
    found = []
    uuids = {}
    for node in glob.glob(os.path.join(kfd, "topology", "nodes", "*")):
        gpu_id = read_small(os.path.join(node, "gpu_id")).strip().decode("ascii", "replace")
        for line in read_small(os.path.join(node, "properties")).splitlines():
            name, _, value = line.partition(b" ")
            if name == b"drm_render_minor" and value.isdigit() and int(value) in by_minor:
                uuids[gpu_id] = by_minor[int(value)]
    for path in sorted(glob.glob(os.path.join(kfd, "proc", "*", "vram_*"))):
        pid = os.path.basename(os.path.dirname(path))
        memory = read_small(path).strip()
        uuid = uuids.get(os.path.basename(path)[len("vram_") :])
        # A process that has opened all devices and uses one has no memory of the others.
        if uuid is not None and pid.isdigit() and memory.isdigit() and int(memory):
            command = read_small("/proc/{}/comm".format(pid)).strip().decode("utf-8", "replace")
            found.append(_user(uuid, int(pid), command, int(memory)))
    return found


def _user(uuid: str, pid: int, command: str, memory_bytes: int | None) -> dict[str, Any]:
    name = os.path.basename(command)
    return {
        "uuid": uuid,
        "pid": pid,
        "user": _owner(pid),
        # What the driver may not tell stands in brackets; arguments may hold secrets, and are not asked for.
        "command": "" if name.startswith("[") else name[:_LONGEST_NAME],
        "memory_bytes": memory_bytes,
        "attempt": _attempt(pid),
    }


def _owner(pid: int) -> str | None:
    """Who runs it; None where that is hidden."""
    try:
        uid = os.stat("/proc/{}".format(pid)).st_uid
    except OSError:
        return None
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return "uid {}".format(uid)


def _attempt(pid: int) -> str | None:
    # Only one's own environment can be read; of others' processes nothing is believed.
    try:
        with open("/proc/{}/environ".format(pid), "rb") as file:
            entries = file.read().split(b"\0")
    except OSError:
        return None
    for marker in (MARKER, AGENT_MARKER):
        start = marker.encode() + b"="
        for entry in entries:
            if entry.startswith(start):
                return entry[len(start) :].decode("utf-8", "replace")[:128]
    return None
