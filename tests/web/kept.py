"""The past of a scene, played once and kept: what made it decides under which name.

A month takes the control plane most of a minute; it is the same month every time, until what makes it changes.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.simulation.clocks import SeededEntropy
from tests.web.clock import settle

if TYPE_CHECKING:
    from datetime import datetime

    from tests.web.stage import Stage

_ROOT: Final = Path(__file__).parents[2]
_KEPT: Final = _ROOT / ".cache" / "stage"
#: What plays the past. What only shows it (routes, views) may change.
_MAKERS: Final = (
    "src/tradewind/catalog", "src/tradewind/control", "src/tradewind/db", "src/tradewind/domain",
    "src/tradewind/estimate", "src/tradewind/hardware", "src/tradewind/ledger", "src/tradewind/placement",
    "src/tradewind/providers/simulated", "src/tradewind/spec", "src/tradewind/storage", "tests/simulation/clocks.py",
    "tests/web/clock.py", "tests/web/clouds.py", "tests/web/kept.py", "tests/web/rich.py", "tests/web/training.py",
    "tests/web/workstation.py",
)  # fmt: skip
_SHOWS: Final = ("views.py", "schemas", "series.py", "log_lines.py", "desk.py")
_FIGURES: Final = {".py", ".csv", ".json"}


def past(stage: Stage, name: str, play: Callable[[], None], until: datetime) -> None:
    """Puts a past on the stage: as it was kept, or else it is played first. Nothing may be rented at its end."""
    folder = _KEPT / f"{name}-{_digest()}"
    if not folder.exists():
        play()
        stage.stop()
        _keep(stage, folder)
    else:
        stage.stop()
    state = stage.folder / "state"
    shutil.rmtree(state)
    shutil.copytree(folder / "state", state)
    # Both ways lead here, so that what follows is the same for both.
    machines = pickle.loads((folder / "machines.pickle").read_bytes())
    for number, (cloud_id, cloud) in enumerate(sorted(stage.world.clouds.items())):
        cloud.machines = machines[cloud_id]
        cloud.creates.clear()
        cloud.reseed(SeededEntropy(1000 + number))
    stage.world.entropy.reseed(1)
    stage.world.names.reseed(2)
    stage.world.workstation.box.processes.clear()
    for host in stage.world.hosts.values():
        host.box.processes.clear()
    stage.clock.set(until)
    stage.resume()
    stage.call(settle)


def _keep(stage: Stage, folder: Path) -> None:
    now = stage.now
    for cloud in stage.world.clouds.values():
        assert not cloud.living(now), f"{cloud.id} still has machines"
        for machine in cloud.machines.values():
            machine.processes = {}
    _KEPT.mkdir(parents=True, exist_ok=True)
    for old in sorted(_KEPT.iterdir(), key=lambda each: each.stat().st_mtime)[:-3]:
        shutil.rmtree(old, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=_KEPT))
    shutil.copytree(stage.folder / "state", draft / "state")
    machines = {name: cloud.machines for name, cloud in stage.world.clouds.items()}
    (draft / "machines.pickle").write_bytes(pickle.dumps(machines))
    try:
        os.replace(draft, folder)  # noqa: PTH105
    except OSError:
        # Another process was faster: it played the same.
        shutil.rmtree(draft)


@cache
def _digest() -> str:
    digest = hashlib.sha256()
    for maker in _MAKERS:
        path = _ROOT / maker
        files = [path] if path.is_file() else sorted(path.rglob("*"))
        for file in files:
            if file.suffix in _FIGURES and not any(word in file.name for word in _SHOWS):
                digest.update(str(file.relative_to(_ROOT)).encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
