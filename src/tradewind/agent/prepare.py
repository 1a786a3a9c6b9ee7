"""`prepare`: the attempt's virtual environment, made by its setup or taken over from an attempt with the same one.

It runs as the attempt's first process, marked like the command, so everything that ends a command ends it too. Its
output streams are the setup's log; what it found out goes to `environment.json`:
`{"key", "path", "cached", "reason"}`, or `{"problem"}` where there is no exit code that says it.

    environments/<key>/lock           held while one is being made
    environments/<key>/complete.json  {"name": "<attempt>"}: which one others may use; written last
    environments/<key>/<attempt>/     a virtual environment; stays where it was made, because its scripts name its path
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys

from .durable import read_json, replace_json
from .environment_key import environment_key, snapshot_workdir, why_private
from .lock import take_lock
from .spawn import find_program
from .spec import Spec, read_spec

_FAILED = 1


def prepare(directory: str) -> int:
    """Make or find the environment. Returns the exit code of what failed, 0 if nothing did."""
    spec = read_spec(directory)
    assert spec.setup is not None
    assert spec.python is not None
    assert spec.environments_dir is not None
    try:
        key = environment_key(spec.setup, spec.workdir, spec.python)
    except (OSError, subprocess.SubprocessError) as error:
        return _give_up(directory, "{} cannot be run: {}".format(spec.python, error))
    folder = os.path.join(spec.environments_dir, key)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    lock = os.open(os.path.join(folder, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    ready = _complete(folder)
    if ready is not None:
        _say(
            directory, key, ready, cached=True, reason="another attempt had the same setup, files and Python"
        )
        return 0
    remove_abandoned(folder)
    path = os.path.join(folder, spec.attempt)
    os.mkdir(path, 0o700)
    replace_json(os.path.join(folder, spec.attempt + ".owner.json"), {"directory": directory})
    code = _make(spec, directory, path)
    if code != 0:
        shutil.rmtree(path, ignore_errors=True)
        return code
    return _publish(spec, directory, folder, key, path)


def _make(spec: Spec, directory: str, path: str) -> int:
    assert spec.python is not None
    assert spec.setup is not None
    made = subprocess.run([spec.python, "-I", "-m", "venv", path], stdin=subprocess.DEVNULL, check=False)
    if made.returncode != 0:
        text = "`{} -m venv` failed (on Debian and Ubuntu it needs the package python3-venv)".format(
            spec.python
        )
        return _give_up(directory, text)
    from .command_environment import with_virtual_environment

    environment = with_virtual_environment(dict(os.environ), path)
    shell = find_program("bash", environment["PATH"]) or find_program("sh", os.defpath) or "/bin/sh"
    before = snapshot_workdir(spec.workdir)
    done = subprocess.run(
        [shell, "-c", spec.setup], cwd=spec.workdir, env=environment, stdin=subprocess.DEVNULL, check=False
    )
    if done.returncode != 0:
        # In a shell's terms: 128 and the signal.
        return done.returncode if done.returncode > 0 else 128 - done.returncode
    replace_json(os.path.join(path, "private.json"), {"reason": why_private(spec.workdir, before, path)})
    return 0


def _publish(spec: Spec, directory: str, folder: str, key: str, path: str) -> int:
    private = (read_json(os.path.join(path, "private.json")) or {}).get("reason")
    if private is None:
        replace_json(os.path.join(folder, "complete.json"), {"name": spec.attempt}, durably=True)
        reason = "no attempt had the same setup, files and Python before"
    else:
        reason = "made for this attempt alone: " + private
    _say(directory, key, path, cached=False, reason=reason)
    return 0


def _complete(folder: str) -> str | None:
    name = (read_json(os.path.join(folder, "complete.json")) or {}).get("name")
    path = os.path.join(folder, name) if isinstance(name, str) else None
    return path if path is not None and os.path.exists(os.path.join(path, "bin", "python")) else None


def remove_abandoned(folder: str) -> None:
    """Remove environments that are in nobody's use and that nobody may use: interrupted ones, and private ones.

    The caller holds the lock of the folder, and nothing in it is complete.
    """
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if not os.path.isdir(path) or os.path.islink(path):
            continue
        owner = path + ".owner.json"
        if _is_in_use((read_json(owner) or {}).get("directory")):
            continue
        shutil.rmtree(path, ignore_errors=True)
        if os.path.exists(owner):
            os.unlink(owner)


def _is_in_use(directory: object) -> bool:
    if not isinstance(directory, str) or not os.path.isdir(directory):
        return False
    lock = take_lock(directory)
    if lock is None:
        return True
    os.close(lock)
    return False


def _say(directory: str, key: str, path: str, *, cached: bool, reason: str) -> None:
    found = {"key": key, "path": path, "cached": cached, "reason": reason}
    replace_json(os.path.join(directory, "environment.json"), found)


def _give_up(directory: str, problem: str) -> int:
    sys.stderr.write("tradewind: {}\n".format(problem))
    replace_json(os.path.join(directory, "environment.json"), {"problem": problem})
    return _FAILED
