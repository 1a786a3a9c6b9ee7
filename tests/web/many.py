"""More than anybody has: ten thousand jobs, and a log of a million lines, made in seconds."""

from __future__ import annotations

import random
import struct
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.web.training import Run

if TYPE_CHECKING:
    from tests.web.stage import Stage

JOBS: Final = 10_000
LINES: Final = 1_000_000
#: The job with so many lines.
LONG: Final = "long-log"
_BATCH: Final = 1_000
_RECORD: Final = struct.Struct("<QQQ")
_NAMES: Final = ("bert-tiny", "digits", "gnn", "llama-lora", "resnet50", "unet", "vit-b16", "whisper")
_TEAMS: Final = ("nlp", "vision", "speech", "chem")


def fill(stage: Stage, jobs: int = JOBS, lines: int = LINES) -> None:
    """Puts the scene on: jobs that wait, as a queue has them, and one that has written much."""
    stage.connect("vast")
    long = stage.submit(Run(seconds=30.0, setup_s=2.0), name=LONG, resources={"providers": ["local"]})
    stage.until(long["id"], "succeeded", grain_s=10.0)
    attempt = stage.job(long["id"])["tasks"][0]["attempts"][0]
    write_lines(stage.folder / "state" / "attempts" / attempt["id"], lines, stage.now)
    chance = random.Random(3)
    for first in range(0, jobs, _BATCH):
        batch = [_job(chance, number) for number in range(first, min(first + _BATCH, jobs))]
        stage.post("/jobs/batch", {"jobs": [{"spec": each} for each in batch]})
    stage.advance(60, 60)


def _job(chance: random.Random, number: int) -> dict[str, object]:
    name = chance.choice(_NAMES)
    return {
        "version": 1,
        "name": f"{name}-{number:05d}",
        "run": "python train.py",
        "resources": {"accelerators": "B200:8", "providers": ["vast"]},
        "tags": {"team": chance.choice(_TEAMS), "sweep": f"s{number % 40:02d}"},
        "priority": chance.choice(("low", "normal", "high")),
    }


def write_lines(attempt: Path, lines: int, until: datetime, every: int = 1_000) -> None:
    """Writes a log of so many lines as the agent leaves it: one note of its growth for each thousand."""
    folder = attempt / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    size = 0
    begin = until - timedelta(seconds=lines / every)
    with (folder / "stdout.log").open("wb") as log, (folder / "stdout.idx").open("wb") as index:
        for first in range(0, lines, every):
            text = "".join(_line(number) for number in range(first, min(first + every, lines)))
            data = text.encode()
            log.write(data)
            size += len(data)
            at_ms = int((begin + timedelta(seconds=first / every)).timestamp() * 1000)
            index.write(_RECORD.pack(size, min(first + every, lines), at_ms))


def _line(number: int) -> str:
    if number % 99_999 == 77_777:
        return f"step {number}: ValueError: the loss is not a number\n"
    return f"step {number:>7} | loss {2.5 / (1 + number / 1e5):.4f} | lr 3.000e-04 | 2.50 it/s\n"
