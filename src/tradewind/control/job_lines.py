"""A job as text: its file as YAML, and lines for a shell that do something with it."""

from __future__ import annotations

import shlex
from typing import Any, Final

import yaml

from tradewind.db.rows import JobRow
from tradewind.domain.schemas import CommandView
from tradewind.domain.schemas_jobs import SpecView
from tradewind.domain.status import JobStatus, has_ended

#: Keys that a reader looks for first, in the order of the documentation; others follow as they came.
_FIRST: Final = (
    "version",
    "name",
    "project",
    "workdir",
    "image",
    "setup",
    "run",
    "env",
    "secrets",
    "resources",
)


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    # Line ends of other alphabets and what has no picture are lost in a plain scalar.
    if not value.replace("\n", "").isprintable():
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def spec_yaml(spec: dict[str, Any]) -> str:
    """A job file as YAML that reads back as the same."""
    ordered: dict[str, Any] = {key: spec[key] for key in _FIRST if key in spec}
    ordered |= {key: value for key, value in spec.items() if key not in ordered}
    return yaml.dump(
        ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=100
    )


def spec_view(job: JobRow) -> SpecView:
    """A job's file in every form, and how to submit it again."""
    file = f"{job.name}.yaml"
    return SpecView(
        job=job.id,
        spec=job.spec,
        yaml=spec_yaml(job.spec),
        workdir=job.workdir_sha256,
        file_name=file,
        command=f"tradewind run {shlex.quote(file)}",
        clone_path=f"/new?clone={job.id}",
    )


def commands_of(job: JobRow) -> list[CommandView]:
    """What can be done with a job in a shell now."""
    found = []
    if job.status is JobStatus.RUNNING:
        found += [
            CommandView(label="Open a shell", command=f"tradewind ssh {job.id}"),
            CommandView(label="Copy a file from there", command=f"tradewind cp {job.id}:PATH ."),
            CommandView(label="Forward a port", command=f"tradewind forward {job.id} 6006"),
        ]
    follow = "" if has_ended(job.status) else "-f "
    found.append(CommandView(label="Read its logs", command=f"tradewind logs {follow}{job.id}"))
    found.append(CommandView(label="Show it", command=f"tradewind jobs show {job.id}"))
    if job.attempt_id:
        found.append(CommandView(label="Why it runs where", command=f"tradewind jobs decisions {job.id}"))
    return found
