"""A trace of jobs as CSV: one line per job, with the columns of `COLUMNS` and hours per kind of accelerator.

A column `v100_s`, `a100_h` or the like holds how long the job takes on that kind. What else there is goes by; columns
that are named as filters may be any.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tradewind.domain.errors import InvalidInputError
from tradewind.spec.faults import Fault, make_error, shorten
from tradewind.spec.mix import MOST_JOBS

#: What each column means. One of the first pair is needed, and hours of some kind.
COLUMNS: Final = {
    "arrival_s": "when it comes, in seconds since the beginning (or `arrival_h`, in hours)",
    "hours": "how long it takes, wherever it runs, or on what `on` names (or `duration_s`)",
    "on": "the accelerator that `hours` was measured on: `V100:4`",
    "gpus": "accelerators in all; more than 8 are 8 on each of several nodes; 1 when left out, 0 for none",
    "cpus": "processors per node",
    "memory_gb": "memory per node",
    "deadline_h": "when it must be done, in hours after its arrival (or `deadline_s`)",
    "budget_usd": "the most it may cost",
    "checkpoint_min": "minutes of training between checkpoints (or `checkpoint_s`)",
    "priority": "low, normal or high",
    "name": "what it is called",
}
_ALSO: Final = {"arrival_h", "duration_s", "deadline_s", "checkpoint_s"}
_KIND: Final = re.compile(r"([a-z][a-z0-9 .-]{0,40})_(s|h)")
_UNIT: Final = {"s": 1.0, "h": 3_600.0}
_MOST_FAULTS: Final = 20
_MOST_SECONDS: Final = 1e9
GPUS_PER_NODE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceJob:
    """One line. Times in seconds; `by_kind` are seconds per kind of accelerator."""

    line: int
    name: str
    arrival_s: int
    gpus: float
    duration_s: float | None = None
    on: str | None = None
    by_kind: Mapping[str, float] = field(default_factory=dict)
    cpus: float | None = None
    memory_gb: float | None = None
    deadline_s: float | None = None
    budget_usd: float | None = None
    checkpoint_s: float | None = None
    priority: str = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The jobs, in the order of their arrival, and what of the file was not used."""

    jobs: tuple[TraceJob, ...]
    unused: tuple[str, ...] = ()
    #: Lines without a length.
    without_length: int = 0
    filtered: int = 0


def read_trace(
    text: str, filename: str, *, where: Mapping[str, str] | None = None, limit: int | None = None
) -> Trace:
    """The jobs in a CSV text; only those whose columns are as `where` says, and the first `limit` of them.

    Raises:
        InvalidInputError: `details` has the first faults with line and column (the number of the cell).
    """
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        columns = _check_header(header, where or {}, filename)
        rows: list[TraceJob] = []
        faults: list[Fault] = []
        without = filtered = 0
        for cells in reader:
            if not any(cells):
                continue
            row = _Row(header, cells, reader.line_num, faults)
            if any(row.text(name) != value for name, value in (where or {}).items()):
                filtered += 1
                continue
            job = row.read(columns)
            if len(faults) >= _MOST_FAULTS:
                break
            if job is None:
                continue
            if job.duration_s is None and not job.by_kind:
                without += 1
                continue
            rows.append(job)
            if len(rows) > MOST_JOBS and limit is None:
                raise InvalidInputError(
                    f"{filename}: more than {MOST_JOBS:,} jobs", hint="take the first ones only, with a limit"
                )
    except csv.Error as error:
        raise InvalidInputError(f"{filename}: line {reader.line_num}: not CSV: {error}") from None
    if faults:
        raise make_error(faults, filename)
    if not rows:
        raise InvalidInputError(
            f"{filename}: no job that can be replayed", hint="each needs an arrival and hours of some kind"
        )
    rows.sort(key=lambda job: (job.arrival_s, job.line))
    rows = rows[: min(limit or MOST_JOBS, MOST_JOBS)]
    used = set(COLUMNS) | _ALSO | set(columns) | set(where or {})
    unused = tuple(name for name in header if name and name not in used)
    return Trace(jobs=tuple(rows), unused=unused, without_length=without, filtered=filtered)


def _check_header(header: list[str], where: Mapping[str, str], filename: str) -> dict[str, tuple[str, float]]:
    """The columns with hours per kind of accelerator: what the kind is called, and seconds per unit."""
    known = set(COLUMNS) | _ALSO
    columns: dict[str, tuple[str, float]] = {}
    for name in header:
        match = _KIND.fullmatch(name)
        if match and name not in known:
            columns[name] = (match[1].upper(), _UNIT[match[2]])
    faults = []
    if not {"arrival_s", "arrival_h"} & set(header):
        hint = f"columns that are known: {', '.join(COLUMNS)}, and hours per accelerator such as v100_s"
        faults.append(
            Fault(path=("arrival_s",), message="there is no column `arrival_s`", hint=hint, position=(1, 1))
        )
    if not columns and not {"hours", "duration_s"} & set(header):
        message = "no column says how long the jobs take"
        hint = "add `hours`, or hours per accelerator such as `v100_h`"
        faults.append(Fault(path=("hours",), message=message, hint=hint, position=(1, 1)))
    for name in where:
        if name not in header:
            hint = f"columns: {', '.join(header[:20])}"
            faults.append(
                Fault(path=(name,), message=f"there is no column `{name}`", hint=hint, position=(1, 1))
            )
    if faults:
        raise make_error(faults, filename)
    return columns


class _Row:
    """One line of the file."""

    def __init__(self, header: list[str], cells: list[str], line: int, faults: list[Fault]) -> None:
        self._line = line
        self._faults = faults
        self._cells = dict(zip(header, (cell.strip() for cell in cells), strict=False))
        self._places = {name: place + 1 for place, name in enumerate(header)}
        if len(cells) != len(header):
            message = f"{len(cells)} cells in a table of {len(header)} columns"
            faults.append(Fault(message=message, position=(line, min(len(cells), len(header)))))

    def text(self, name: str) -> str:
        """A cell; empty where there is none."""
        return self._cells.get(name, "")

    def read(self, columns: Mapping[str, tuple[str, float]]) -> TraceJob | None:
        """The job, or nothing if something is wrong with it."""
        before = len(self._faults)
        arrival = self._number("arrival_s", most=_MOST_SECONDS)
        if arrival is None:
            arrival = self._hours("arrival_h")
        if arrival is None and len(self._faults) == before:
            self._refuse("arrival_s", "it has no arrival")
        by_kind = {}
        for name, (kind, unit) in columns.items():
            seconds = self._number(name, unit, above=True)
            if seconds is not None:
                by_kind[kind] = seconds
        gpus = self._number("gpus", most=100_000)
        if gpus is not None and gpus > GPUS_PER_NODE and gpus != int(gpus):
            self._refuse("gpus", f"{gpus:g} accelerators cannot be shared out over nodes")
        duration = self._number("duration_s", above=True)
        if duration is None:
            duration = self._hours("hours", above=True)
        deadline, checkpoint = (
            self._number("deadline_s", above=True),
            self._number("checkpoint_s", above=True),
        )
        if deadline is None:
            deadline = self._hours("deadline_h", above=True)
        if checkpoint is None:
            checkpoint = self._number("checkpoint_min", 60.0, above=True)
        priority = self.text("priority").lower() or "normal"
        if priority not in ("low", "normal", "high"):
            self._refuse("priority", f"{shorten(priority)!r} is not low, normal or high")
        cpus, memory = self._number("cpus", above=True), self._number("memory_gb", above=True)
        budget = self._number("budget_usd", above=True)
        if len(self._faults) > before or arrival is None:
            return None
        return TraceJob(
            line=self._line,
            name=shorten(self.text("name"), 63) or f"line-{self._line}",
            arrival_s=round(arrival),
            gpus=1.0 if gpus is None else gpus,
            duration_s=duration,
            on=self.text("on") or None,
            by_kind=by_kind,
            cpus=cpus,
            memory_gb=memory,
            deadline_s=deadline,
            budget_usd=budget,
            checkpoint_s=checkpoint,
            priority=priority,
        )

    def _hours(self, name: str, *, above: bool = False) -> float | None:
        return self._number(name, 3_600.0, above=above)

    def _number(
        self, name: str, unit: float = 1.0, *, above: bool = False, most: float = _MOST_SECONDS
    ) -> float | None:
        text = self.text(name)
        if not text:
            return None
        try:
            value = float(text) * unit
        except ValueError:
            self._refuse(name, f"{shorten(text)!r} is not a number")
            return None
        if not math.isfinite(value) or value < 0 or (above and value == 0) or value > most:
            self._refuse(
                name, f"{shorten(text)} is {'too much' if value > most else 'less than there can be'}"
            )
            return None
        return value

    def _refuse(self, name: str, message: str) -> None:
        position = (self._line, self._places.get(name, 1))
        self._faults.append(Fault(path=(name,), message=message, position=position))
