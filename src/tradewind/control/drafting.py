"""Says of a job file that is being written what is wrong with it, what to know of it, and how far it is."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tradewind.control.draft_steps import STEPS, step_of
from tradewind.control.draft_summaries import summarise
from tradewind.control.draft_warnings import find_warnings
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.schemas_drafts import (
    DraftCheck,
    DraftCheckRequest,
    DraftFault,
    DraftStep,
    DraftStepView,
    WorkdirView,
)
from tradewind.spec.faults import Fault, format_path
from tradewind.spec.inspecting import Inspected, inspect_mapping, inspect_text

_SAFE_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a job file is held against: who asks, what is at hand, and the files that go along."""

    project: str
    now: datetime
    #: Connected providers.
    providers: frozenset[str] = field(default_factory=frozenset)
    files: WorkdirView | None = None
    #: What is wrong with those files, where something is.
    files_problem: InvalidInputError | None = None


def check_draft(request: DraftCheckRequest, around: Around) -> DraftCheck:
    """The answer to a draft. `around.files` is what was found under `request.workdir`."""
    text = request.yaml
    found = inspect_mapping(request.spec or {}) if text is None else inspect_text(text)
    mapping = found.mapping or {}
    faults = [_view(fault) for fault in (*found.faults, *_faults_here(request, found, around))]
    warnings = [] if found.mapping is None else find_warnings(mapping, found.spec, around)
    steps = [
        DraftStepView(
            id=each.id,
            title=each.title,
            faults=sum(fault.step == each.id for fault in faults),
            warnings=sum(warning.step == each.id for warning in warnings),
            summary=summarise(each.id, mapping, around.files),
        )
        for each in STEPS
    ]
    line, note = command_line(mapping, has_files=request.workdir is not None)
    return DraftCheck(
        is_valid=not faults,
        spec=found.mapping,
        yaml=found.yaml,
        faults=_of_step(faults, request.step),
        warnings=[each for each in warnings if request.step in (None, each.step)],
        steps=steps,
        command_line=line,
        command_note=note,
        files=around.files,
    )


def _faults_here(request: DraftCheckRequest, found: Inspected, around: Around) -> list[Fault]:
    """What only this server can know."""
    faults = []
    mapping = found.mapping or {}
    project = mapping.get("project")
    if isinstance(project, str) and project != around.project:
        faults.append(
            Fault(
                path=("project",),
                message=f"there is no project {project!r}",
                hint=f"leave `project` out to use {around.project!r}",
            )
        )
    problem = around.files_problem
    if problem is not None:
        faults.append(Fault(path=("workdir",), message=problem.message, hint=problem.hint))
    elif request.workdir is not None and around.files is None:
        faults.append(
            Fault(
                path=("workdir",),
                message="the files are not on the server any more",
                hint="choose them again: they are sent once more",
            )
        )
    return faults


def _view(fault: Fault) -> DraftFault:
    line, column = fault.position or (None, None)
    return DraftFault(
        path=list(fault.path),
        where=format_path(fault.path),
        line=line,
        column=column,
        message=fault.message,
        hint=fault.hint,
        step=step_of(fault.path),
        is_unsupported=fault.is_unsupported,
    )


def _of_step(faults: Iterable[DraftFault], step: DraftStep | None) -> list[DraftFault]:
    return [fault for fault in faults if step in (None, fault.step)]


def command_line(mapping: dict[str, Any], *, has_files: bool) -> tuple[str, str]:
    """The command that does the same, and what has to be done before."""
    name = mapping.get("name")
    is_plain = isinstance(name, str) and _SAFE_NAME.fullmatch(name) is not None
    file = f"{name if is_plain else 'job'}.yaml"
    where = "the folder with its files" if has_files or mapping.get("workdir") else "any folder"
    return f"tradewind run {file}", f"Save the job file as {file} in {where} first."


def fill_gaps(mapping: dict[str, Any]) -> dict[str, Any]:
    """A draft with what an estimate does not depend on put in where it is missing, so that it can be estimated."""
    gaps = {"version": 1, "name": "draft", "run": "true"}
    return {**mapping, **{key: value for key, value in gaps.items() if not mapping.get(key)}}
