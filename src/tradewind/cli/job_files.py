"""Reads the job file that a command names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tradewind.cli.application import Application
from tradewind.domain.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class JobFile:
    """A job file that was checked: the mapping to send, and the folder to upload if it names one."""

    name: str
    mapping: dict[str, Any]
    workdir: Path | None


def read_job_file(
    app: Application, path: Path, *, name: str | None = None, environment: tuple[str, ...] = ()
) -> JobFile:
    """The job file with what the command line adds: another name, variables, a project.

    Raises InvalidInputError with file, line and column of each mistake.
    """
    from tradewind.spec.checks import check_workdir
    from tradewind.spec.loading import load_job_file

    try:
        loaded = load_job_file(path)
        workdir = check_workdir(loaded)
    except InvalidInputError as error:
        for detail in error.details:
            detail.setdefault("file", str(path))
        raise
    mapping = dict(loaded.mapping)
    if name is not None:
        mapping["name"] = name
    if environment:
        mapping["env"] = {**(mapping.get("env") or {}), **dict(map(_read_variable, environment))}
    project = app.settings.project
    if project is not None and ("project" in app.flags or "project" not in mapping):
        mapping["project"] = project
    return JobFile(str(mapping.get("name") or loaded.spec.name), mapping, workdir)


def _read_variable(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not key:
        raise InvalidInputError(
            f"--env {text!r} names no variable", hint="write --env KEY=VALUE, or --env KEY"
        )
    if sign:
        return key, value
    if key not in os.environ:
        raise InvalidInputError(
            f"--env {key}: there is no such variable here", hint=f"write --env {key}=VALUE"
        )
    return key, os.environ[key]
