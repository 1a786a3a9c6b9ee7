"""The job file as models: what can be written, what it means, and what holds when it is left out.

`JobSpec.model_validate(mapping)` reads the mapping that YAML or JSON gives; `model_dump` writes a mapping that reads
back as an equal spec. `spec.validation.validate_mapping` does the same and explains faults to the person who wrote it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from tradewind.domain.units import Amount
from tradewind.spec.fields import (
    Command,
    EnvironmentName,
    EnvironmentValue,
    Glob,
    Name,
    TagName,
    TagValue,
    Text,
    WorkdirPath,
)
from tradewind.spec.parts import (
    Checkpoints,
    Constraints,
    DataSource,
    Estimate,
    GitSource,
    Health,
    Launcher,
    Migrate,
    OnLostContact,
    Priority,
    Retry,
    Strategy,
    SweepRange,
)
from tradewind.spec.resources import (
    AcceleratorRequest,
    NodeRange,
    ResourceOverrides,
    Resources,
    SpecModel,
    Spot,
)
from tradewind.spec.wording import FORM_MARK

__all__ = [
    "AcceleratorRequest", "Amount", "Checkpoints", "Constraints", "DataSource", "Estimate", "GitSource", "Health",
    "JobSpec", "Launcher", "Migrate", "NodeRange", "OnLostContact", "Priority", "ResourceOverrides", "Resources",
    "Retry", "Spot", "Strategy", "SweepRange",
]  # fmt: skip


_PATH_FORM, _GIT_FORM = f"{FORM_MARK}path", f"{FORM_MARK}git"
_LIST_FORM, _RANGE_FORM = f"{FORM_MARK}list", f"{FORM_MARK}range"


def _tag_workdir(value: object) -> str | None:
    if isinstance(value, dict | GitSource):
        return _GIT_FORM
    return _PATH_FORM if isinstance(value, str) else None


def _tag_sweep(value: object) -> str | None:
    if isinstance(value, dict | SweepRange):
        return _RANGE_FORM
    return _LIST_FORM if isinstance(value, list) else None


Workdir = Annotated[
    Annotated[WorkdirPath, Tag(_PATH_FORM)] | Annotated[GitSource, Tag(_GIT_FORM)],
    Discriminator(
        _tag_workdir,
        custom_error_type="workdir_type",
        custom_error_message="must be a path, or a mapping with `url`",
    ),
]
SweepValues = Annotated[
    Annotated[Annotated[list[Any], Field(min_length=1)], Tag(_LIST_FORM)]
    | Annotated[SweepRange, Tag(_RANGE_FORM)],
    Discriminator(
        _tag_sweep,
        custom_error_type="sweep_type",
        custom_error_message="must be a list, or a mapping with `range`",
    ),
]


def _is_exactly_one(value: object) -> object:
    """Keeps `true` and `1.0` from passing for the version."""
    return value if type(value) is int else str(value)


class JobSpec(SpecModel):
    """A job, as a user asks for it."""

    version: Annotated[Literal[1], BeforeValidator(_is_exactly_one)] = Field(
        description="The version of this format.", examples=[1]
    )
    name: Name = Field(
        description="What the job is called: small letters, digits, `.`, `_` and `-`; at most 63 characters.",
        examples=["digits"],
    )
    project: Name = Field(
        default="default", description="The project that its work and cost belong to.", examples=["vision"]
    )
    workdir: Workdir | None = Field(
        default=None,
        description="The folder whose files the job needs, relative to the job file. No files when left out.",
        examples=["."],
    )
    image: Text | None = Field(
        default=None, description="The container image it runs in.", examples=["pytorch/pytorch:2.9"]
    )
    setup: Command | None = Field(
        default=None,
        description="A shell command that prepares the environment; its result is kept and used again.",
        examples=["pip install -r requirements.txt"],
    )
    run: Command = Field(
        description="The shell command that trains.", examples=["python train.py --epochs 20"]
    )
    env: dict[EnvironmentName, EnvironmentValue] = Field(
        default={},
        description="Environment variables. Names that start with TRADEWIND_ are reserved.",
        examples=[{"SEED": "1"}],
        json_schema_extra={"additionalProperties": False},
    )
    secrets: list[EnvironmentName] = Field(
        default=[], description="Stored secrets that become environment variables.", examples=[["HF_TOKEN"]]
    )
    resources: Resources = Field(
        default=Resources(),
        description="What it needs of a machine.",
        examples=[{"cpus": "8+", "memory": "64GB+"}],
    )
    profile: Name | None = Field(default=None, description="A compute profile.", examples=["my-aws"])
    launcher: Launcher = Field(
        default=Launcher.NONE, description="How a distributed framework is started.", examples=["torchrun"]
    )
    data: list[DataSource] = Field(
        default=[],
        description="Data sets that are mounted.",
        examples=[[{"uri": "s3://datasets/imagenet", "mount": "/data"}]],
    )
    checkpoints: Checkpoints | None = Field(
        default=None,
        description="Where the job writes checkpoints, so that it can be resumed from the newest.",
        examples=[{"path": "ckpt", "every": "10m", "keep": 3}],
    )
    outputs: list[Glob] = Field(
        default=[],
        description="Files that are kept when it ends: patterns relative to the workdir, ** for any depth.",
        examples=[["out/**"]],
    )
    constraints: Constraints = Field(
        default=Constraints(),
        description="What a place and a run must not exceed.",
        examples=[{"budget": "$100", "max_duration": "12h"}],
    )
    estimate: Estimate | None = Field(
        default=None,
        description="What is known about how long it takes.",
        examples=[{"hours": 10, "on": "RTX 4090"}],
    )
    strategy: Strategy = Field(
        default=Strategy.BALANCED,
        description="What matters when there is a choice of places.",
        examples=["balanced"],
    )
    priority: Priority = Field(
        default=Priority.NORMAL,
        description="Which jobs go first when there is not room for all.",
        examples=["normal"],
    )
    depends_on: list[Text] = Field(
        default=[], description="Jobs that must have succeeded first.", examples=[["prepare"]]
    )
    retry: Retry = Field(
        default=Retry(),
        description="How often it is tried again.",
        examples=[{"interruptions": 10, "failures": 1}],
    )
    health: Health | None = Field(
        default=None,
        description="Signs that it is not well.",
        examples=[{"stall_after": "15m", "stop_on_nan": True}],
    )
    on_lost_contact: OnLostContact = Field(
        default=OnLostContact.FINISH,
        description="What it does when the control plane cannot be reached for long.",
        examples=["finish"],
    )
    migrate: Migrate | None = Field(
        default=None, description="When to move to a better place.", examples=[{"when_cheaper_by": "25%"}]
    )
    sweep: dict[TagName, SweepValues] | None = Field(
        default=None,
        description="Values to try in every combination; makes it a job of many tasks.",
        examples=[{"lr": [0.1, 0.01], "seed": {"range": [0, 8]}}],
    )
    tags: dict[TagName, TagValue] = Field(
        default={},
        description="Names and values to find it and to group its cost by.",
        examples=[{"paper": "neurips"}],
    )

    def alternatives(self) -> tuple[JobSpec, ...]:
        """The job once for each of its alternatives, in their order, and without others: itself, where it has none."""
        if not self.resources.any_of:
            return (self,)
        return tuple(self.model_copy(update={"resources": each}) for each in self.resources.alternatives())

    def alternative(self, index: int | None) -> JobSpec:
        """The job with one of its alternatives; the first where nobody says which."""
        found = self.alternatives()
        return found[index] if index is not None and 0 <= index < len(found) else found[0]

    def up_to(self, index: int | None) -> JobSpec:
        """What a job that runs as this alternative may move to: in an order, none that comes after it."""
        if not self.resources.any_of or not self.resources.ordered or index is None:
            return self
        kept = self.resources.model_copy(update={"any_of": self.resources.any_of[: index + 1]})
        return self.model_copy(update={"resources": kept})
