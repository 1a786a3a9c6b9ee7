"""What a job file may say, and its author might regret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from tradewind.control.draft_steps import step_of
from tradewind.domain.errors import NotFoundError
from tradewind.domain.schemas_drafts import DraftWarning
from tradewind.domain.units import format_duration
from tradewind.estimate.presets import near_names, preset
from tradewind.hardware.names import identify
from tradewind.providers.about import find_about
from tradewind.spec.models import JobSpec
from tradewind.spec.resources import Resources, Spot

if TYPE_CHECKING:
    from tradewind.control.drafting import Around

_SECRET: Final = re.compile(r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|CREDENTIALS?)(_|$)")
Found = Iterator[tuple[str, str, str, str | None]]


def find_warnings(mapping: dict[str, Any], spec: JobSpec | None, around: Around) -> list[DraftWarning]:
    """Of a whole job file, or of one that is still being written as far as it goes."""
    found = list(_of_files(mapping, around))
    if spec is not None:
        for look in (_of_spot, _of_keeping, _of_limits, _of_length, _of_secrets):
            found += look(spec)
        found += _of_time(spec, around)
        found += _of_places(spec, around)
    return [
        DraftWarning(
            code=code, where=where, message=message, hint=hint, step=step_of(tuple(where.split(".")))
        )
        for code, where, message, hint in found
    ]


def _of_files(mapping: dict[str, Any], around: Around) -> Found:
    if isinstance(mapping.get("workdir"), str) and around.files is None:
        yield (
            "workdir_without_files",
            "workdir",
            "the job file names a workdir, but no files go along: the job starts in an empty folder",
            "choose a folder or an archive, or leave `workdir` out",
        )
    if around.files is not None:
        for note in around.files.notes:
            yield "odd_files", "workdir", note, None


def _may_be_spot(spec: JobSpec) -> bool:
    return any(
        each.spot is not Spot.NEVER and not (each.providers and all(map(_is_owned, each.providers)))
        for each in spec.resources.alternatives()
    )


def _is_owned(provider: str) -> bool:
    try:
        return find_about(provider).kind == "owned"
    except NotFoundError:
        return False


def _of_spot(spec: JobSpec) -> Found:
    if not _may_be_spot(spec):
        return
    if spec.checkpoints is None:
        yield (
            "spot_without_checkpoints",
            "checkpoints",
            "its machine may be taken back at any time, and it writes no checkpoints: it would start over",
            "name the folder it writes checkpoints to, or set spot to never",
        )
    if spec.retry.interruptions == 0:
        yield (
            "spot_without_retry",
            "retry.interruptions",
            "its machine may be taken back at any time, and it is not resumed then",
            "allow some interruptions, or set spot to never",
        )


def _of_keeping(spec: JobSpec) -> Found:
    if not spec.outputs and spec.checkpoints is None:
        yield (
            "nothing_kept",
            "outputs",
            "nothing but its log and its metrics is kept when it ends",
            "name the files to keep, for example out/**",
        )
    limit, checkpoints = spec.constraints.max_duration, spec.checkpoints
    if limit is not None and checkpoints is not None and checkpoints.every >= limit:
        yield (
            "checkpoint_after_end",
            "checkpoints.every",
            f"it is stopped after {format_duration(limit)}, before its first checkpoint",
            "write one more often",
        )


def _of_limits(spec: JobSpec) -> Found:
    limits = spec.constraints
    if limits.budget_micro_usd is None and limits.max_duration is None:
        yield (
            "no_limit",
            "constraints.budget",
            "nothing limits what it may cost but the budgets of your project",
            "set a budget or a longest duration",
        )


def _of_length(spec: JobSpec) -> Found:
    said = spec.estimate
    if said is None:
        yield (
            "no_estimate",
            "estimate",
            "how long it takes is not said: places compare by the hour until a run of it is known",
            "give hours, or a model and how much it is trained on",
        )
    elif said.model is not None and preset(said.model) is None:
        near = near_names(said.model)
        yield (
            "unknown_model",
            "estimate.model",
            f"{said.model!r} is not a known model: nothing can be worked out from it",
            f"did you mean {', '.join(near)}?" if near else "name a known model, or give hours",
        )
    elif said.model is not None and said.tokens is None and said.samples is None:
        yield (
            "no_amount",
            "estimate.tokens",
            f"how much {said.model} is trained on is not said: hours and cost stay unknown",
            "give tokens, or samples and epochs",
        )


def _of_secrets(spec: JobSpec) -> Found:
    for name in spec.env:
        if _SECRET.search(name.upper()):
            yield (
                "secret_in_env",
                f"env.{name}",
                f"{name} looks like a secret, and whoever may see the job can read it",
                "let the job read it from a file that only you can read",
            )


def _of_time(spec: JobSpec, around: Around) -> Found:
    deadline = spec.constraints.deadline
    if deadline is not None and deadline <= around.now:
        yield (
            "deadline_passed",
            "constraints.deadline",
            "the deadline has passed already",
            "set a later one, or none",
        )


def _of_places(spec: JobSpec, around: Around) -> Found:
    said: set[str] = set()
    for index, each in enumerate(spec.resources.alternatives()):
        over = spec.resources.any_of[index] if spec.resources.any_of else None
        here = f"resources.any_of[{index}]"
        providers, accelerators = (
            "resources" if over is None or getattr(over, key) is None else here
            for key in ("providers", "accelerators")
        )
        for found in _of_alternative(each, around, f"{providers}.providers", f"{accelerators}.accelerators"):
            if found[2] not in said:
                said.add(found[2])
                yield found


def _of_alternative(resources: Resources, around: Around, providers: str, accelerators: str) -> Found:
    for name in resources.providers:
        if _id_of(name) not in around.providers:
            yield "not_connected", providers, *_not_connected(name)
    for request in resources.accelerators:
        if request.name and identify(request.name).model is None:
            yield (
                "unknown_accelerator",
                accelerators,
                f"nothing is known of an accelerator called {request.name!r}: only a machine with that very name fits",
                "the list of offers has the names that are known",
            )


def _id_of(name: str) -> str:
    try:
        return find_about(name).id
    except NotFoundError:
        return name


def _not_connected(name: str) -> tuple[str, str | None]:
    try:
        about = find_about(name)
    except NotFoundError:
        return f"nobody knows a provider called {name!r}", "leave it out"
    if not about.can_run:
        return f"this version compares prices of {about.title}, but cannot run jobs there yet", "leave it out"
    return f"{about.title} is not connected: the job cannot go there yet", f"tradewind connect {about.id}"
