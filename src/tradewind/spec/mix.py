"""A job mix: which jobs come, how many and how often. What `tradewind simulate` replays.

version: 1
length: 7d                        # nothing arrives after this
own: [4x RTX 4090:2]              # machines to imagine; those of the server when left out
jobs:
  - job: train.yaml               # a job file, or its keys right here
    arrivals: poisson(3/d)        # or every: 2h; all at once when left out
    start: 1h
    count: 20
    hours: 6                      # in place of the job's own estimate
    deadline: 24h                 # after its arrival
    budget: $30
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tradewind.domain.errors import InvalidInputError
from tradewind.spec.document import DocumentError, read_document
from tradewind.spec.faults import Fault, KeyPath, Locate, make_error
from tradewind.spec.mix_values import Reader
from tradewind.spec.models import JobSpec
from tradewind.spec.validation import check_mapping
from tradewind.spec.wording import name_type

MOST_JOBS: Final = 20_000
MOST_ENTRIES: Final = 200
_POISSON: Final = re.compile(r"poisson\(\s*([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(?:/\s*(s|m|h|d|w))?\s*\)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_KEYS: Final = ("version", "name", "seed", "length", "own", "jobs")
_ENTRY_KEYS: Final = ("job", "count", "every", "arrivals", "start", "hours", "deadline", "budget")
#: What a job needs to be a job, and a replay does not.
_UNSAID: Final = {"version": 1, "run": "true"}

#: Gives the keys of the job file that an entry names.
ReadJob = Callable[[str], dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MixEntry:
    """Some jobs of one kind. `every_s` or `per_s` says how they arrive; neither: all at `start_s`."""

    spec: JobSpec
    #: None: for as long as the mix lasts.
    count: int | None
    start_s: int = 0
    every_s: int | None = None
    #: Arrivals per second, at random.
    per_s: float | None = None
    #: After arrival.
    deadline_s: int | None = None
    budget_micro: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Everything that a mix says. `own` is machines as `--own` takes them."""

    entries: tuple[MixEntry, ...]
    name: str = ""
    seed: int | None = None
    length_s: int | None = None
    own: tuple[str, ...] = ()


def load_mix_text(text: str, filename: str, read_job: ReadJob) -> dict[str, Any]:
    """What a mix says, with every job file that it names in its place: what is sent to a server.

    A plain job file is a mix of one job.

    Raises:
        InvalidInputError: it is wrong; `details` lists every fault with line and column.
    """
    try:
        document = read_document(text.removeprefix("\ufeff"))
    except DocumentError as error:
        raise make_error(error.faults, filename) from None
    said = document.value
    if isinstance(said, dict) and "jobs" not in said and "run" in said:
        _, found = check_mapping(said)
        if document.faults or found:
            raise make_error([*document.faults, *found], filename, document.locate)
        return {"version": 1, "jobs": [{"job": said}]}
    faults = list(document.faults)
    if isinstance(said, dict):
        said = _with_jobs(said, read_job, faults)
    _, found = check_mix(said)
    faults += found
    if faults:
        raise make_error(faults, filename, document.locate)
    assert isinstance(said, dict)
    return said


def validate_mix(mapping: object, locate: Locate | None = None, filename: str = "mix") -> Mix:
    """The mix that a mapping describes.

    Raises:
        InvalidInputError: `details` has one entry per fault.
    """
    mix, faults = check_mix(mapping)
    if mix is None or faults:
        raise make_error(faults, filename, locate)
    return mix


def check_mix(mapping: object) -> tuple[Mix | None, list[Fault]]:
    """The mix, if there is no fault, and every fault."""
    if not isinstance(mapping, dict):
        hint = "write `version: 1` and a list of `jobs`"
        return None, [Fault(message=f"a mix is a mapping, not {name_type(mapping)}", hint=hint)]
    faults = _unknown(mapping, _KEYS, ())
    read = Reader(mapping, (), faults)
    if mapping.get("version") != 1 or isinstance(mapping.get("version"), bool):
        faults.append(Fault(path=("version",), message="`version` must be 1", hint="write `version: 1`"))
    name, seed = mapping.get("name", ""), read.whole("seed", 0, (1 << 53) - 1)
    if not isinstance(name, str) or len(name) > 200:
        faults.append(Fault(path=("name",), message="`name` must be text of at most 200 characters"))
        name = ""
    length_s = read.duration("length")
    own = mapping.get("own") or []
    own = [own] if isinstance(own, str) else own
    if not isinstance(own, list) or not all(isinstance(each, str) for each in own):
        hint = "write for example own: [4x RTX 4090:2]"
        faults.append(Fault(path=("own",), message="`own` must be a list of machines", hint=hint))
        own = []
    entries = _entries(mapping.get("jobs"), length_s, faults)
    if faults:
        return None, faults
    return Mix(entries=tuple(entries), name=name, seed=seed, length_s=length_s, own=tuple(own)), []


def _entries(said: object, length_s: int | None, faults: list[Fault]) -> list[MixEntry]:
    if not isinstance(said, list) or not said:
        hint = "write `jobs:` and under it `- job: train.yaml`"
        faults.append(Fault(path=("jobs",), message="a mix needs a list of `jobs`", hint=hint))
        return []
    if len(said) > MOST_ENTRIES:
        faults.append(Fault(path=("jobs",), message=f"{len(said)} entries; {MOST_ENTRIES} is the most"))
        return []
    found = [_entry(each, ("jobs", place), length_s, faults) for place, each in enumerate(said)]
    count = sum(each.count or 0 for each in found if each is not None)
    if count > MOST_JOBS:
        faults.append(Fault(path=("jobs",), message=f"{count:,} jobs; {MOST_JOBS:,} is the most"))
    return [each for each in found if each is not None]


def _entry(said: object, path: KeyPath, length_s: int | None, faults: list[Fault]) -> MixEntry | None:
    if not isinstance(said, dict):
        hint = "write `- job: train.yaml`, and `count: 3` below it"
        message = f"an entry is a mapping with a `job`, not {name_type(said)}"
        faults.append(Fault(path=path, message=message, hint=hint))
        return None
    before = len(faults)
    faults += _unknown(said, _ENTRY_KEYS, path)
    read = Reader(said, path, faults)
    spec = _job(said.get("job"), (*path, "job"), faults)
    count = read.whole("count", 1, MOST_JOBS)
    every_s, start_s = read.duration("every"), read.duration("start", least=0)
    per_s = _rate(said.get("arrivals"), (*path, "arrivals"), faults)
    if every_s is not None and per_s is not None:
        message = "`every` and `arrivals` both say when the jobs come"
        faults.append(Fault(path=(*path, "arrivals"), message=message, hint="keep one of them", is_key=True))
    comes_on = every_s is not None or per_s is not None
    if comes_on and count is None and length_s is None:
        message = "nothing says how many jobs there are"
        hint = "write `count`, or `length` for the whole mix"
        faults.append(Fault(path=path, message=message, hint=hint))
    hours = read.number("hours", 1e-4, 100_000)
    deadline_s, budget = read.duration("deadline"), read.money("budget")
    if spec is None or len(faults) > before:
        return None
    if hours is not None:
        spec = _with_hours(spec, hours)
    return MixEntry(
        spec=spec,
        count=count if count is not None or comes_on else 1,
        start_s=start_s or 0,
        every_s=every_s,
        per_s=per_s,
        deadline_s=deadline_s,
        budget_micro=budget if budget is not None else spec.constraints.budget_micro_usd,
    )


def _with_jobs(said: dict[str, Any], read_job: ReadJob, faults: list[Fault]) -> dict[str, Any]:
    """The mix with the job files that it names in their places."""
    jobs = said.get("jobs")
    if not isinstance(jobs, list):
        return said
    whole = []
    for place, entry in enumerate(jobs):
        if isinstance(entry, dict) and isinstance(entry.get("job"), str):
            try:
                entry = {**entry, "job": read_job(entry["job"])}
            except InvalidInputError as error:
                faults += _of_job_file(error, ("jobs", place, "job"))
                entry = {**entry, "job": {}}
        whole.append(entry)
    return {**said, "jobs": whole}


def _of_job_file(error: InvalidInputError, path: KeyPath) -> list[Fault]:
    """What is wrong with a job file, said where the mix names it."""
    if not error.details:
        return [Fault(path=path, message=error.message, hint=error.hint)]
    name = error.message.partition(":")[0]
    found = []
    for each in error.details:
        where = f":{each['line']}:{each['column']}" if each.get("line") else ""
        hint = each.get("hint")
        found.append(
            Fault(
                path=path,
                message=f"{name}{where}: {each['message']}",
                hint=None if hint is None else str(hint),
            )
        )
    return found


def _job(said: object, path: KeyPath, faults: list[Fault]) -> JobSpec | None:
    if said is None:
        hint = "write `job: train.yaml`, or the keys of a job file"
        faults.append(Fault(path=path, message="an entry needs a `job`", hint=hint))
        return None
    if isinstance(said, str):
        message = f"{said!r} names a job file, which is to be read where it lies"
        faults.append(Fault(path=path, message=message, hint="send the keys of the job file"))
        return None
    if not isinstance(said, dict):
        faults.append(Fault(path=path, message=f"`job` must be a file or a mapping, not {name_type(said)}"))
        return None
    whole = {**_UNSAID, "name": f"job-{int(path[1]) + 1}", **said}
    spec, found = check_mapping(whole)
    left = [each for each in found if not (each.is_unsupported and _is_replayed(each.path))]
    if spec is not None and spec.resources.any_of:
        message, hint = "a replay does not know of alternatives", "leave it out, and name what it ran on"
        left.append(Fault(path=("resources", "any_of"), message=message, hint=hint, is_unsupported=True))
    faults += [replace(each, path=(*path, *each.path)) for each in left]
    return JobSpec.model_validate(whole) if found and not left else spec


def _is_replayed(path: KeyPath) -> bool:
    """Keys that a replay understands, though no job with them can be run yet."""
    return path[:1] == ("sweep",) or path[:2] in (("resources", "nodes"), ("constraints", "deadline"))


def _with_hours(spec: JobSpec, hours: float) -> JobSpec:
    estimate = {} if spec.estimate is None else spec.estimate.model_dump(mode="json", exclude_none=True)
    kept = {key: value for key, value in estimate.items() if key in ("on", "dataset_gb", "dataset_in")}
    whole = spec.model_dump(mode="json", exclude_none=True, exclude_unset=True)
    return JobSpec.model_validate({**whole, "estimate": {**kept, "hours": hours}})


def _rate(said: object, path: KeyPath, faults: list[Fault]) -> float | None:
    if said is None:
        return None
    match = _POISSON.fullmatch(said.strip()) if isinstance(said, str) else None
    rate = 0.0 if match is None else float(match[1]) / _SECONDS[match[2] or "h"]
    if not 0 < rate <= 1:
        hint = "write for example arrivals: poisson(3/h)"
        faults.append(Fault(path=path, message=f"{said!r} is not a rate of arrivals", hint=hint))
        return None
    return rate


def _unknown(said: Mapping[str, Any], known: tuple[str, ...], path: KeyPath) -> list[Fault]:
    return [
        Fault(
            path=(*path, key),
            message=f"`{key}` is not a key of {'an entry' if path else 'a mix'}",
            hint=f"known keys: {', '.join(known)}",
            is_key=True,
        )
        for key in said
        if key not in known
    ]


def read_mix_file(path: Path, read_job: ReadJob) -> dict[str, Any]:
    """`load_mix_text` of a file.

    Raises:
        InvalidInputError: it cannot be read, or is wrong.
    """
    from tradewind.spec.text_files import read_text

    return load_mix_text(read_text(path, 4 << 20), str(path), read_job)
