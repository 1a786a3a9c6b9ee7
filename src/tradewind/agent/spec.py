"""`spec.json`, checked: what to run and how."""

from __future__ import annotations

import json
import os

from . import PROTOCOLS
from .reclaim import checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NUMBER = (int, float)
_NOTHING = type(None)

_REQUIRED: dict[str, tuple[type, ...]] = {
    "attempt": (str,),
    "run": (str,),
    "workdir": (str,),
}
_OPTIONAL: dict[str, tuple[tuple[type, ...], Any]] = {
    "job": ((str,), ""),
    "job_name": ((str,), ""),
    "attempt_number": ((int,), 1),
    "rank": ((int,), 0),
    "fence": ((int,), 0),
    "setup": ((str, _NOTHING), None),
    "environments_dir": ((str, _NOTHING), None),
    "python": ((str, _NOTHING), None),
    "env": ((dict,), {}),
    "search_path": ((str, _NOTHING), None),
    "pass_env": ((list,), []),
    "max_duration_s": ((*_NUMBER, _NOTHING), None),
    "grace_s": (_NUMBER, 30),
    "lease_ttl_s": ((*_NUMBER, _NOTHING), None),
    "on_lost_contact": ((str,), "finish"),
    "memory_limit_bytes": ((int, _NOTHING), None),
    "log_cap_bytes": ((int, _NOTHING), None),
    "sample_every_s": (_NUMBER, 5.0),
    "checkpoints": ((dict, _NOTHING), None),
    "resume_from": ((str, _NOTHING), None),
    "accelerators": ((list,), []),
    "cpus": ((*_NUMBER, _NOTHING), None),
    "power": ((dict, _NOTHING), None),
    "reclaim_notice": ((dict, _NOTHING), None),
    "device_locks": ((str, _NOTHING), None),
}
_ON_LOST_CONTACT = ("finish", "checkpoint-and-stop")


class SpecError(Exception):
    """What is wrong with spec.json, in words for a person."""


class Spec:
    """The checked values of spec.json, under the names they have there."""

    attempt: str
    run: str
    workdir: str
    job: str
    job_name: str
    attempt_number: int
    rank: int
    fence: int
    setup: str | None
    environments_dir: str | None
    python: str | None
    env: dict[str, str]
    search_path: str | None
    pass_env: list[str]
    max_duration_s: float | None
    grace_s: float
    lease_ttl_s: float | None
    on_lost_contact: str
    memory_limit_bytes: int | None
    log_cap_bytes: int | None
    sample_every_s: float
    checkpoints: dict[str, Any] | None
    resume_from: str | None
    accelerators: list[dict[str, Any]]
    cpus: float | None
    power: dict[str, Any] | None
    reclaim_notice: dict[str, Any] | None
    device_locks: str | None

    def __init__(self, values: dict[str, Any]) -> None:
        if values.get("protocol") not in PROTOCOLS:
            raise SpecError(
                "spec.json asks for protocol {!r}; this agent speaks {}".format(
                    values.get("protocol"), ", ".join(str(number) for number in PROTOCOLS)
                )
            )
        for name, kinds in _REQUIRED.items():
            if name not in values:
                raise SpecError("spec.json lacks `{}`".format(name))
            setattr(self, name, _checked(name, values[name], kinds))
        for name, (kinds, default) in _OPTIONAL.items():
            setattr(self, name, _checked(name, values.get(name, default), kinds))
        self._check_contents()

    def _check_contents(self) -> None:
        if not self.attempt:
            raise SpecError("spec.json: `attempt` is empty")
        if self.setup is not None and (self.python is None or self.environments_dir is None):
            raise SpecError("spec.json: `setup` needs `python` and `environments_dir`")
        if self.on_lost_contact not in _ON_LOST_CONTACT:
            raise SpecError(
                "spec.json: `on_lost_contact` is {!r}; it must be {}".format(
                    self.on_lost_contact, " or ".join(_ON_LOST_CONTACT)
                )
            )
        if self.sample_every_s <= 0:
            raise SpecError("spec.json: `sample_every_s` must be more than 0")
        if self.checkpoints is not None and not isinstance(self.checkpoints.get("path"), str):
            raise SpecError("spec.json: `checkpoints` lacks a `path`")
        if self.reclaim_notice is not None:
            try:
                self.reclaim_notice = checked(self.reclaim_notice)
            except ValueError as error:
                raise SpecError("spec.json: `reclaim_notice`: {}".format(error)) from error
        for name, value in self.env.items():
            if not isinstance(value, str) or "\0" in value or "=" in name or "\0" in name or not name:
                raise SpecError("spec.json: `env.{}` is not a variable with a text value".format(name))

    @property
    def checkpoint_dir(self) -> str | None:
        """Where the job keeps its checkpoints, or None if it keeps none."""
        return None if self.checkpoints is None else os.path.join(self.workdir, self.checkpoints["path"])


def _checked(name: str, value: Any, kinds: tuple[type, ...]) -> Any:
    if isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds):
        return value
    names = " or ".join("null" if kind is _NOTHING else kind.__name__ for kind in kinds)
    raise SpecError("spec.json: `{}` must be {}, not {}".format(name, names, type(value).__name__))


def read_spec(directory: str) -> Spec:
    """The spec of an attempt directory. Raises SpecError."""
    path = os.path.join(directory, "spec.json")
    try:
        with open(path, "rb") as file:
            values = json.loads(file.read())
    except OSError as error:
        raise SpecError("{}: {}".format(path, error.strerror)) from error
    except ValueError as error:
        raise SpecError("{} is not JSON: {}".format(path, error)) from error
    if not isinstance(values, dict):
        raise SpecError("{} is not a JSON object".format(path))
    return Spec(values)
