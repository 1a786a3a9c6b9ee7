"""A training run on a simulated machine: it makes progress, writes checkpoints, and ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from tradewind.providers.base import AttemptRequest, Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a job's command does: so many seconds of work in all, with a checkpoint every so often, then its exit."""

    seconds: float = 60.0
    setup_s: float = 2.0
    exit_code: int = 0
    #: Ends with `exit_code` after so many seconds of work in this attempt; None: when all work is done.
    fails_after_s: float | None = None


@dataclass(slots=True)
class Process:
    """One attempt on a machine. `done_s` is the work that the checkpoint it began with had."""

    request: AttemptRequest
    work: Work
    started_at: datetime
    done_s: float = 0.0
    renewed_at: datetime | None = None
    stop: tuple[str, datetime] | None = None
    ended_at: datetime | None = None
    exit: Exit | None = None
    records: list[dict[str, Any]] = field(default_factory=list)
    _kept_s: float = 0.0
    _said_running: bool = False
    _said_share: float = 0.0

    @classmethod
    def start(cls, request: AttemptRequest, work: Work, now: datetime) -> Process:
        """Begins, where its checkpoint left off."""
        done = 0.0
        if request.resume_from is not None:
            done = float(json.loads(request.resume_from.read_text())["done_s"])
        return cls(request=request, work=work, started_at=now, done_s=done, renewed_at=now, _kept_s=done)

    @property
    def runs_from(self) -> datetime:
        """When its command begins."""
        return self.started_at + timedelta(seconds=self.work.setup_s)

    def done_at(self, moment: datetime) -> float:
        """Seconds of work done by then, those of earlier attempts included."""
        ran = max((moment - self.runs_from).total_seconds(), 0.0)
        return min(self.done_s + ran, self.work.seconds)

    def advance(self, now: datetime, is_looked_at: bool) -> None:
        """Brings it up to this time. What it wrote appears when somebody looks: until then nobody can have it."""
        if self.ended_at is None:
            self._run_until(now)
        if is_looked_at:
            self._show(self.ended_at or now)

    def _run_until(self, now: datetime) -> None:
        reason, ends = self._end()
        if not self._said_running and min(now, ends) >= self.runs_from:
            self._said_running = True
            self.records.append({"t": self.runs_from.timestamp(), "type": "phase", "phase": "running"})
        if now < ends:
            return
        self.ended_at = ends
        code = None
        if reason == "exited":
            failed = self.work.fails_after_s is not None
            code = (self.work.exit_code or 1) if failed else self.work.exit_code
        self.exit = Exit(
            reason=reason, message="", exit_code=code, signal=None, started_at=self.runs_from, ended_at=ends
        )

    def _show(self, until: datetime) -> None:
        if until > self.runs_from:
            share = round(self.done_at(until) / self.work.seconds, 6)
            # A script that tells its progress does so now and then, not whenever somebody looks.
            if share - self._said_share >= 0.01 or (share == 1.0 and self._said_share < 1.0):
                self._said_share = share
                self.records.append({"t": until.timestamp(), "type": "progress", "fraction": share})
        was_told = self.exit is not None and self.exit.reason not in ("exited", "lost_contact")
        self._write_checkpoint(until, is_last=was_told)

    def _end(self) -> tuple[str, datetime]:
        left = self.work.seconds - self.done_s
        if self.work.fails_after_s is not None:
            left = min(left, self.work.fails_after_s)
        ends: list[tuple[datetime, str]] = [(self.runs_from + timedelta(seconds=max(left, 0.0)), "exited")]
        if self.stop is not None:
            ends.append((self.stop[1], self.stop[0]))
        if self.request.max_duration_s is not None:
            ends.append((self.started_at + timedelta(seconds=self.request.max_duration_s), "max_duration"))
        if self.request.lease_ttl_s is not None and self.renewed_at is not None:
            ends.append((self.renewed_at + timedelta(seconds=self.request.lease_ttl_s), "lost_contact"))
        at, reason = min(ends, key=lambda each: each[0])
        return reason, at

    def _write_checkpoint(self, moment: datetime, *, is_last: bool) -> None:
        path, every = self.request.checkpoint_path, self.request.checkpoint_every_s
        if path is None or every is None:
            return
        done = self.done_at(moment)
        whole = done if is_last else every * int(done // every)
        if whole <= self._kept_s:
            return
        self._kept_s = whole
        relative = f"{path}/step-{int(whole * 1000):012d}.json"
        target: Path = self.request.workdir / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps({"done_s": whole}))
        at = moment.timestamp()
        self.records.append(
            {
                "t": at,
                "type": "checkpoint",
                "path": relative,
                "mtime_ns": at * 1e9,
                "step": self._step_after(whole),
            }
        )

    def _step_after(self, done_s: float) -> float:
        """The step that so much work comes to; the process counts seconds unless a script counts otherwise."""
        return done_s

    def tell_to_stop(self, reason: str, at: datetime) -> None:
        """It ends by then, after a last checkpoint. A more urgent word replaces an earlier one."""
        if self.stop is None or at < self.stop[1]:
            self.stop = (reason, at)


Behave = Callable[[AttemptRequest], Work]
