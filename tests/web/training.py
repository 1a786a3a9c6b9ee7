"""A training run on the stage: as virtual time passes it writes what a real one leaves in its attempt's files."""

from __future__ import annotations

import json
import math
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tradewind.hardware.accelerators import all_models
from tradewind.providers.base import AttemptRequest
from tradewind.providers.simulated.process import Process, Work

_INDEX = struct.Struct("<QQQ")
_GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Work):
    """What a job's command does. `seconds` is all of its work; a line, metrics and a sample come every so often."""

    step_s: float = 4.0
    sample_s: float = 10.0
    #: Of the accelerator, while it computes.
    gpu_percent: float = 93.0
    memory_share: float = 0.78
    #: What the loss tends to, and what it begins with.
    loss: tuple[float, float] = (0.42, 2.9)
    rate: float = 3e-4
    #: Lines of traceback before an exit that is a failure.
    last_words: tuple[str, ...] = ()
    #: It stops computing after so much work, and hangs.
    hangs_after_s: float | None = None
    #: It never tells how far it is.
    is_silent: bool = False


class LogFile:
    """A log as the agent leaves it: the bytes, and an index of when they came."""

    def __init__(self, folder: Path, stream: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{stream}.log"
        self._index = folder / f"{stream}.idx"
        self._size = self._path.stat().st_size if self._path.exists() else 0
        self._lines = 0
        if self._index.exists():
            with self._index.open("rb") as index:
                index.seek(-_INDEX.size, 2)
                self._lines = _INDEX.unpack(index.read())[1]

    def write(self, entries: list[tuple[datetime, str]]) -> None:
        """Appends lines with their times."""
        if not entries:
            return
        with self._path.open("ab") as file, self._index.open("ab") as index:
            for at, text in entries:
                data = f"{text}\n".encode()
                file.write(data)
                self._size += len(data)
                self._lines += text.count("\n") + 1
                index.write(_INDEX.pack(self._size, self._lines, int(at.timestamp() * 1000)))


@dataclass
class Training(Process):
    """One attempt. What it wrote is there up to the last look, as with any machine."""

    _shown_until: datetime | None = field(default=None)
    _energy_j: float = 0.0
    _chance: random.Random = field(default_factory=random.Random)
    _is_over: bool = False

    @classmethod
    def start(cls, request: AttemptRequest, work: Work, now: datetime) -> Training:
        # Time leaps on the stage; whoever plays the machines decides when one of them is lost.
        training = super().start(replace(request, lease_ttl_s=None), work, now)
        assert isinstance(training, Training)
        training._chance = random.Random(f"{request.job_name}/{request.number}")
        return training

    @property
    def run(self) -> Run:
        """What it does."""
        assert isinstance(self.work, Run)
        return self.work

    @property
    def energy_j(self) -> float:
        """What it drew until the last look."""
        return self._energy_j

    def _show(self, until: datetime) -> None:
        if self._shown_until is None:
            self._begin()
        self._go_on(until)
        if not self.run.is_silent:
            super()._show(until)
        if self.exit is not None and not self._is_over:
            self._is_over = True
            self._end_words()

    # -- what is written -----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._shown_until = self.runs_from
        setup = [
            (self.started_at, f"$ {self.request.setup or 'python -m venv .venv'}"),
            (self.started_at + timedelta(seconds=self.work.setup_s * 0.4), "Collecting torch==2.9.1"),
            (
                self.started_at + timedelta(seconds=self.work.setup_s * 0.8),
                "Successfully installed torch-2.9.1",
            ),
        ]
        self._log("setup").write(setup)
        names = [each.name for each in self.request.accelerators] or ["cpu"]
        lines = [
            f"torch 2.9.1, {len(names)} x {names[0]}",
            f"dataset: 1,281,167 samples, {self._total_steps:,} steps",
        ]
        if self.request.resume_from is not None:
            lines.append(
                f"resumed from {self.request.resume_from.name} at step {self._step_at(self.runs_from):,}"
            )
        self._log("stdout").write([(self.runs_from, line) for line in lines])
        self._log("stderr").write(
            [
                (
                    self.runs_from,
                    "UserWarning: `torch.cuda.amp.GradScaler` is deprecated, use `torch.amp.GradScaler`",
                )
            ]
        )

    def _go_on(self, until: datetime) -> None:
        assert self._shown_until is not None
        begin, run = self.runs_from, self.run
        if run.hangs_after_s is not None:
            until = min(until, begin + timedelta(seconds=run.hangs_after_s))
        lines: list[tuple[datetime, str]] = []
        records: list[dict[str, Any]] = []
        for at in _ticks(begin, self._shown_until, until, run.step_s):
            line, metrics = self._step_line(at)
            lines.append((at, line))
            records.append(metrics)
        records += [self._sample(at) for at in _ticks(begin, self._shown_until, until, run.sample_s)]
        self._shown_until = max(self._shown_until, until)
        if records:
            self._log("stdout").write(lines)
            self.keep(sorted(records, key=lambda each: float(each["t"])))

    def _end_words(self) -> None:
        assert self.exit is not None
        at = self.exit.ended_at
        if self.exit.reason == "exited" and self.exit.exit_code:
            self._log("stderr").write([(at, line) for line in self.run.last_words])
        elif self.exit.reason == "exited":
            self._log("stdout").write(
                [(at, f"done: {self._total_steps:,} steps, saved model to out/model.pt")]
            )

    def keep(self, records: list[dict[str, Any]]) -> None:
        """Tells the control plane, and leaves it in the attempt's records."""
        self.records += records
        self.request.directory.mkdir(parents=True, exist_ok=True)
        with (self.request.directory / "records.jsonl").open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(each) + "\n" for each in records)

    def _log(self, stream: str) -> LogFile:
        return LogFile(self.request.directory / "logs", stream)

    # -- what is in it -------------------------------------------------------------------------------------------

    @property
    def _total_steps(self) -> int:
        return max(round(self.work.seconds / self.run.step_s * 10), 1)

    def _step_at(self, at: datetime) -> int:
        return self._step_after(self.done_at(at))

    def _step_after(self, done_s: float) -> int:
        return round(done_s / self.run.step_s * 10)

    def _step_line(self, at: datetime) -> tuple[str, dict[str, Any]]:
        step, share = self._step_at(at), self.done_at(at) / self.work.seconds
        low, high = self.run.loss
        noise = self._chance.gauss(0, 0.035) * (1.2 - share)
        loss = low + (high - low) * math.exp(-5.0 * share) + noise
        rate = self.run.rate * min(share / 0.05, 1.0) * (0.5 + 0.5 * math.cos(math.pi * share))
        pace = 10 / self.run.step_s * (1 + self._chance.gauss(0, 0.02))
        values = {"loss": round(loss, 4), "lr": rate, "it_per_s": round(pace, 2)}
        line = f"step {step:>7}/{self._total_steps} | loss {loss:.4f} | lr {rate:.3e} | {pace:.2f} it/s"
        return line, {"t": at.timestamp(), "type": "metrics", "step": step, "values": values}

    def _sample(self, at: datetime) -> dict[str, Any]:
        gpus = []
        watts = 0.35 * self.request.watts_max if not self.request.accelerators else 90.0
        for place, each in enumerate(self.request.accelerators):
            model = all_models().get(_key_of(each.name))
            tdp = each.tdp_watts or (model.tdp_watts if model and model.tdp_watts else 300.0)
            busy = max(min(self.run.gpu_percent + self._chance.gauss(0, 3.0) - place, 100.0), 0.0)
            drawn = tdp * (0.15 + 0.8 * busy / 100) * (1 + self._chance.gauss(0, 0.01))
            watts += drawn
            gpus.append(
                {
                    "uuid": each.uuid,
                    "util_percent": round(busy, 1),
                    "memory_bytes": int(each.memory_bytes * self.run.memory_share),
                    "watts": round(drawn, 1),
                    "temperature_c": round(46 + busy * 0.24),
                }
            )
        self._energy_j += watts * self.run.sample_s
        return {
            "t": at.timestamp(),
            "type": "sample",
            "cpu_percent": round(
                min(self.request.cpus * 60 + self._chance.gauss(0, 20), self.request.cpus * 100), 1
            ),
            "memory_bytes": int(18 * _GIB + self._chance.random() * _GIB),
            "processes": 9,
            "gpus": gpus,
            "watts": round(watts, 1),
            "energy_j": round(self._energy_j, 1),
            "basis": "metered" if gpus else "modelled",
            "quiet_s": 1.0,
            "disk_free_bytes": 412 * _GIB,
        }


def _ticks(begin: datetime, after: datetime, until: datetime, every_s: float) -> list[datetime]:
    """Moments every so often, counted from the beginning: later than `after`, and not later than `until`."""
    first = math.floor((after - begin).total_seconds() / every_s) + 1
    last = math.floor((until - begin).total_seconds() / every_s)
    return [begin + timedelta(seconds=every_s * number) for number in range(first, last + 1)]


def _key_of(name: str) -> str:
    return name.replace("NVIDIA ", "").replace(" ", "-")


Behaves = Callable[[AttemptRequest], Run]
