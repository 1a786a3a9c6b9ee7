"""A disk that fills up while the command writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tradewind.providers.bundle import build_bundle

# Runs in a mount namespace of its own, where the small disk is; it ends everything before it goes, because processes
# in the namespace are out of the test's sight.
_INSIDE = """\
import json, os, pathlib, shutil, subprocess, sys, time
disk, bundle, result = map(pathlib.Path, sys.argv[1:4])
is_freed = sys.argv[4] == "freed"
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)], check=True)
directory = disk / "attempt"
work = directory / "work"
work.mkdir(parents=True)
(work / "filler").write_bytes(b"x" * 200000)
program = '''
import os, sys, time
total = 0
try:
    for number in range(100000):
        total += os.write(1, b"step %%d loss=0.5 %%s\\\\n" %% (number, b"x" * 2000))
except OSError as error:
    complaint = error
time.sleep(0.7)
if %r:
    os.unlink("filler")
time.sleep(0.8)
sys.exit(42 if complaint.errno == 28 else 1)
''' % is_freed
(work / "program.py").write_text(program)
(directory / "spec.json").write_text(json.dumps({
    "protocol": 1, "attempt": "att_full", "run": "exec " + sys.executable + " program.py", "workdir": str(work),
    "search_path": os.environ["PATH"], "sample_every_s": 0.2, "grace_s": 1,
}))
def verb(name):
    call = [sys.executable, "-I", "-S", str(bundle), name, "--dir", str(directory)]
    return json.loads(subprocess.run(call, capture_output=True).stdout)
started = verb("start")
deadline = time.monotonic() + 20
while not (directory / "exit.json").exists() and time.monotonic() < deadline:
    time.sleep(0.02)
end = verb("reap")
records = (directory / "records.jsonl").read_bytes()
log = (directory / "logs/stdout.log").read_bytes()
free = os.statvfs(disk).f_bavail
result.write_text(json.dumps({
    "started": started, "end": json.loads((directory / "exit.json").read_text()), "free_blocks": free,
    "records": [json.loads(line) for line in records.splitlines()], "log_bytes": len(log),
    "is_log_right": all(line.startswith(b"step %d loss" % n) for n, line in enumerate(log.split(b"\\n")[:-1])),
    "agent_log": (directory / "agent.log").read_text(), "reaped": end,
}))
"""


def _unshare() -> list[str]:
    for arguments in (["unshare", "-m"], ["unshare", "-rm"]):
        try:
            if subprocess.run([*arguments, "true"], capture_output=True, check=False).returncode == 0:
                return arguments
        except OSError:
            break
    pytest.skip("no private mount namespace can be had here, so there is no disk to fill")


@pytest.mark.parametrize("disk_is", ["full", "freed"])
def test_the_end_is_written_on_a_full_disk(tmp_path: Path, disk_is: str) -> None:
    disk, result = tmp_path / "disk", tmp_path / "result.json"
    disk.mkdir()
    script = tmp_path / "inside.py"
    script.write_text(_INSIDE)
    bundle = build_bundle(tmp_path)
    done = subprocess.run(
        [*_unshare(), sys.executable, str(script), str(disk), str(bundle), str(result), disk_is],
        capture_output=True, check=False, timeout=60, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    seen = json.loads(result.read_text())
    assert seen["started"]["started"] is True
    assert (seen["free_blocks"] == 0) is (disk_is == "full")
    assert (seen["end"]["reason"], seen["end"]["exit_code"]) == ("exited", 42)
    assert seen["reaped"] == {"state": "ended", "ended_processes": 0, "exit": seen["end"]}
    assert seen["log_bytes"] > 1 << 20
    assert seen["is_log_right"]
    # The agent went through all of it without dying.
    assert seen["agent_log"] == ""
    if disk_is == "freed":
        said = [(record["type"], record.get("code")) for record in seen["records"]]
        assert ("phase", None) in said
        assert ("notice", "disk_full") in said
        assert ("sample", None) in said


def test_a_start_on_a_full_disk_is_refused_and_can_be_tried_again(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    bundle = build_bundle(tmp_path)
    program = (
        "import json, os, pathlib, subprocess, sys\n"
        "disk, bundle = map(pathlib.Path, sys.argv[1:])\n"
        "subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=256k', 'none', str(disk)], check=True)\n"
        "spec = {'protocol': 1, 'attempt': 'att_full', 'run': 'true', 'workdir': str(disk)}\n"
        "(disk / 'spec.json').write_text(json.dumps(spec))\n"
        "filler = open(disk / 'filler', 'wb', 0)\n"
        "try:\n"
        "    while True: filler.write(b'x' * 4096)\n"
        "except OSError: filler.close()\n"
        "call = [sys.executable, '-I', '-S', str(bundle), 'start', '--dir', str(disk)]\n"
        "print(subprocess.run(call, capture_output=True, text=True).stdout)\n"
        "(disk / 'filler').unlink()\n"
        "print(subprocess.run(call, capture_output=True, text=True).stdout)\n"
        "import time\n"
        "deadline = time.monotonic() + 20\n"
        "while not (disk / 'exit.json').exists() and time.monotonic() < deadline: time.sleep(0.01)\n"
        "print((disk / 'exit.json').read_text())\n"
    )
    done = subprocess.run(
        [*_unshare(), sys.executable, "-c", program, str(disk), str(bundle)],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    first, second, end = (json.loads(line) for line in done.stdout.splitlines() if line)
    assert "No space left on device" in first["error"]
    assert second["started"] is True
    assert end["reason"] == "exited"
