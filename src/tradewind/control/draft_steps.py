"""The steps in which a job is asked for, and which keys of a job file belong to each. Pure."""

from __future__ import annotations

from functools import cache
from typing import Final

from tradewind.domain.schemas_drafts import (
    ChoiceView,
    DraftField,
    DraftStep,
    DraftStepAbout,
    UnsupportedView,
)
from tradewind.spec.explain import render_value
from tradewind.spec.faults import KeyPath
from tradewind.spec.json_schema import find_choices, find_keys, list_keys
from tradewind.spec.supported import NOT_SUPPORTED, UNSUPPORTED, Unsupported

STEPS: Final = (
    DraftStepAbout(id="source", title="Source", about="What the job is called, and the files it needs."),
    DraftStepAbout(
        id="data", title="Data and outputs", about="Where it writes checkpoints, and which files are kept."
    ),
    DraftStepAbout(
        id="resources", title="Resources", about="The accelerators, processors, memory and disk that will do."
    ),
    DraftStepAbout(
        id="configuration",
        title="Configuration",
        about="The command that trains, what prepares it, and what happens when it fails.",
    ),
    DraftStepAbout(id="provider", title="Provider", about="Where it may run, and what it may cost."),
    DraftStepAbout(id="review", title="Review", about="The plan, the whole job file, and the start."),
)
#: The longest path that leads to a key decides; anything else is for the review, where the whole file is.
_STEP_OF: Final[dict[tuple[str, ...], DraftStep]] = {
    **dict.fromkeys([("version",), ("name",), ("project",), ("workdir",), ("tags",)], "source"),
    **dict.fromkeys([("data",), ("checkpoints",), ("outputs",)], "data"),
    **dict.fromkeys([("resources",), ("estimate",)], "resources"),
    **dict.fromkeys(
        [
            ("run",), ("setup",), ("env",), ("secrets",), ("image",), ("launcher",), ("retry",), ("health",),
            ("priority",), ("on_lost_contact",), ("depends_on",), ("sweep",),
        ],
        "configuration",
    ),
    **dict.fromkeys(
        [
            ("resources", "providers"), ("resources", "regions"), ("resources", "spot"), ("resources", "any_of"),
            ("resources", "ordered"),
            ("constraints",), ("strategy",), ("migrate",), ("profile",),
        ],
        "provider",
    ),
}  # fmt: skip

#: What a value of a key means, where its name does not say it all.
_EXPLAINED: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "strategy": {
        "cheapest": ("Cheapest", "The lowest expected cost."),
        "fastest": ("Fastest", "The least wait, set-up and training together."),
        "balanced": (
            "Balanced",
            "The cheapest, or one that is better in several ways for at most 20 % more.",
        ),
        "reliable": ("Reliable", "Your own or an on-demand machine with the least risk."),
        "data-local": ("Near the data", "The region of the data, then the lowest cost with traffic."),
        "geo-distributed": (
            "Spread over regions",
            "Independent tasks in turn over the cheapest place of each region.",
        ),
        "hybrid": ("Own machines first", "Your own machines as far as they can; the cloud for the rest."),
    },
    "resources.spot": {
        "never": ("Never", "Only machines that nobody takes back."),
        "auto": ("When it pays", "Machines that can be taken back, where that is cheaper in the end."),
        "only": ("Only", "Nothing but machines that can be taken back."),
    },
    "on_lost_contact": {
        "finish": ("Finish", "It goes on, within its limits."),
        "checkpoint-and-stop": ("Checkpoint and stop", "It writes a checkpoint and ends."),
    },
}


def step_of(path: KeyPath) -> DraftStep:
    """The step that asks for the value at these keys."""
    names = tuple(part for part in path if isinstance(part, str))
    for length in range(len(names), 0, -1):
        if names[:length] in _STEP_OF:
            return _STEP_OF[names[:length]]
    return "review"


@cache
def list_fields() -> list[DraftField]:
    """Every key of the format, in its order."""
    fields = []
    for path in list_keys():
        key, schema = ".".join(path), find_keys(path)[0]
        default = schema.get("default")
        fields.append(
            DraftField(
                key=key,
                step=step_of(path),
                meaning=str(schema.get("description", "")),
                example=render_value(schema["examples"][0]) if schema.get("examples") else "",
                default="" if default in (None, [], {}) else render_value(default),
                choices=_choices(key, path),
                is_supported=not any(_refuses(entry, path) for entry in UNSUPPORTED),
            )
        )
    return fields


def list_unsupported() -> list[UnsupportedView]:
    """What belongs to the format, but not to this version."""
    return [
        UnsupportedView(
            where=".".join(entry.path),
            message=f"{_subject(entry)} {NOT_SUPPORTED}",
            hint=entry.hint,
            step=step_of(entry.path),
        )
        for entry in UNSUPPORTED
    ]


def _refuses(entry: Unsupported, path: tuple[str, ...]) -> bool:
    """Whether this key cannot be used at all: it is refused itself, or it belongs to a mapping that is."""
    if entry.path != path[: len(entry.path)]:
        return False
    return not entry.part or (len(path) > len(entry.path) and entry.applies({}))


def _subject(entry: Unsupported) -> str:
    if not entry.subject or "{" in entry.subject:
        subject = entry.part or f"`{'.'.join(entry.path)}` is"
    else:
        subject = f"{entry.subject} is"
    return subject[:1].upper() + subject[1:]


def _choices(key: str, path: tuple[str, ...]) -> list[ChoiceView]:
    explained = _EXPLAINED.get(key, {})
    refused = [entry for entry in UNSUPPORTED if entry.path == path and entry.part]
    return [
        ChoiceView(
            value=str(value),
            label=explained.get(str(value), (str(value), ""))[0],
            explanation=explained.get(str(value), ("", ""))[1],
            is_supported=not any(entry.applies(value) for entry in refused),
        )
        for value in find_choices(path)
        if key != "version"
    ]
