"""An accelerator is one attempt's at a time, whoever started it."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from tests.agent.attempts import Attempt

DEVICES = [{"vendor": "none", "index": 0, "uuid": "GPU-1"}, {"vendor": "none", "index": 1, "uuid": "GPU/2"}]


def test_a_held_accelerator_refuses_a_second_start(
    make_attempt: Callable[..., Attempt], tmp_path: Path
) -> None:
    folder = tmp_path / "devices"
    first, second, other = (make_attempt(name) for name in ("first", "second", "other"))
    both = {"device_locks": str(folder), "accelerators": DEVICES}
    first.start("sleep 600", **both)
    second.write_spec(run="sleep 600", **both)
    refused = second.verb("start")
    assert "is held by another installation" in refused["error"]
    assert not (second.directory / "begun.json").exists()
    # Another one is free, and the folder is everybody's.
    free = [{"vendor": "none", "index": 2, "uuid": "GPU-3"}]
    assert other.run("true", device_locks=str(folder), accelerators=free)["exit_code"] == 0
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777
    assert all(stat.S_IMODE(each.stat().st_mode) == 0o666 for each in folder.iterdir())
    # However it ends, the lock ends with it.
    first.end()
    first.assert_nothing_left()
    assert second.verb("start")["started"] is True


def test_a_lock_is_never_taken_through_a_link(make_attempt: Callable[..., Attempt], tmp_path: Path) -> None:
    folder, victim = tmp_path / "devices", tmp_path / "victim"
    folder.mkdir()
    (folder / "GPU-1.lock").symlink_to(victim)
    attempt = make_attempt()
    attempt.write_spec(run="true", device_locks=str(folder), accelerators=DEVICES[:1])
    assert "error" in attempt.verb("start")
    assert not victim.exists()
