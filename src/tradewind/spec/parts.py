"""The parts of a job file that are mappings or choices of their own."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from tradewind.spec.fields import (
    Duration,
    FolderInWorkdir,
    LargeCount,
    MoneyMicro,
    Number,
    Percent,
    PointInTime,
    PriceMicroPerHour,
    Text,
    WholeNumber,
    YesNo,
)
from tradewind.spec.resources import SpecModel
from tradewind.spec.wording import FieldError


class Launcher(StrEnum):
    """How a distributed framework is started."""

    NONE = "none"
    TORCHRUN = "torchrun"
    HOROVOD = "horovod"
    HOROVOD_ELASTIC = "horovod-elastic"
    TENSORFLOW = "tensorflow"
    ACCELERATE = "accelerate"
    DEEPSPEED = "deepspeed"
    MPI = "mpi"
    JAX = "jax"


class Strategy(StrEnum):
    """What matters when there is a choice of places."""

    CHEAPEST = "cheapest"
    FASTEST = "fastest"
    BALANCED = "balanced"
    RELIABLE = "reliable"
    DATA_LOCAL = "data-local"
    GEO_DISTRIBUTED = "geo-distributed"
    HYBRID = "hybrid"


class Priority(StrEnum):
    """Which jobs go first when there is not room for all."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class OnLostContact(StrEnum):
    """What a job does when the control plane cannot be reached for long."""

    FINISH = "finish"
    CHECKPOINT_AND_STOP = "checkpoint-and-stop"


class GitSource(SpecModel):
    """A workdir from a git repository."""

    url: Text = Field(description="The repository.", examples=["https://example.org/vision.git"])
    ref: Text = Field(default="HEAD", description="A branch, tag or commit.", examples=["main"])


class DataSource(SpecModel):
    """A data set that is mounted."""

    uri: Text = Field(description="Where the data is.", examples=["s3://datasets/imagenet"])
    mount: Text = Field(description="The folder it appears in.", examples=["/data"])
    locality: Literal["prefer", "require", "ignore"] = Field(
        default="prefer", description="Whether to run near the data.", examples=["prefer"]
    )
    replication: Text = Field(
        default="none", description="Whether to copy it closer first.", examples=["none"]
    )


class Checkpoints(SpecModel):
    """Where the job writes checkpoints and how many are kept."""

    path: FolderInWorkdir = Field(
        description="The folder the job writes checkpoints to, relative to the workdir.", examples=["ckpt"]
    )
    every: Duration = Field(
        default=timedelta(minutes=10),
        description="How often the job should write one.",
        examples=["10m"],
        json_schema_extra={"default": "10m"},
    )
    keep: Annotated[WholeNumber, Field(ge=1)] = Field(
        default=3, description="How many of the newest are kept.", examples=[3]
    )


class Constraints(SpecModel):
    """What a place and a run must not exceed."""

    budget_micro_usd: MoneyMicro | None = Field(
        default=None, alias="budget", description="The most the whole job may cost.", examples=["$100"]
    )
    deadline: PointInTime | None = Field(
        default=None, description="When it must be done, with a time zone.", examples=["2026-12-24T18:00Z"]
    )
    max_duration: Duration | None = Field(
        default=None, description="The longest one attempt may take; it is stopped then.", examples=["12h"]
    )
    max_price_micro_usd_per_hour: PriceMicroPerHour | None = Field(
        default=None, alias="max_price", description="The most a place may cost per hour.", examples=["$4/h"]
    )
    min_reliability: Annotated[Number, Field(gt=0, le=1)] | None = Field(
        default=None, description="The least reliability of a place, between 0 and 1.", examples=[0.9]
    )


class Estimate(SpecModel):
    """What is known beforehand about how long the job takes."""

    hours: Annotated[Number, Field(gt=0, le=100_000)] | None = Field(
        default=None, description="How long it takes, in hours.", examples=[10]
    )
    on: Text | None = Field(
        default=None,
        description="The accelerator that `hours` was measured on; the machine it runs on when left out.",
        examples=["RTX 4090"],
    )
    model: Text | None = Field(
        default=None,
        description="The model that is trained, to work the hours out.",
        examples=["llama-3.1-8b"],
    )
    method: Literal["pretrain", "full", "lora", "qlora", "adapter"] | None = Field(
        default=None, description="How `model` is trained.", examples=["lora"]
    )
    tokens: LargeCount | None = Field(
        default=None, description="How many tokens `model` is trained on.", examples=["50M"]
    )
    samples: LargeCount | None = Field(
        default=None,
        description="How many images, sequences or rows one epoch has.",
        examples=["1.28M"],
    )
    epochs: Annotated[Number, Field(gt=0, le=1_000_000)] | None = Field(
        default=None, description="How often `samples` are seen; once when left out.", examples=[90]
    )
    batch: Annotated[Number, Field(gt=0, le=1_000_000_000)] | None = Field(
        default=None, description="The batch of one step over all accelerators.", examples=[256]
    )
    sequence_length: Annotated[WholeNumber, Field(ge=1, le=100_000_000)] | None = Field(
        default=None, description="Tokens of one sequence.", examples=[4096]
    )
    image_size: Annotated[WholeNumber, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="Pixels of an image's side.", examples=[224]
    )
    precision: Literal["fp32", "tf32", "fp16", "bf16", "fp8"] | None = Field(
        default=None, description="The type that matrix products run in.", examples=["bf16"]
    )
    dataset_gb: Annotated[Number, Field(ge=0, le=10_000_000)] | None = Field(
        default=None,
        description="GB that have to be fetched before training; they cost set-up time and traffic.",
        examples=[150],
    )
    dataset_in: Text | None = Field(
        default=None,
        description="The provider, or provider/region, where the data are; with you when left out.",
        examples=["aws/us-east-1"],
    )

    @model_validator(mode="after")
    def _is_one_kind(self) -> Estimate:
        if self.hours is None and self.model is None:
            raise FieldError("needs `hours` or `model`", "write for example {hours: 10, on: RTX 4090}")
        if self.hours is not None and self.model is not None:
            raise FieldError("has both `hours` and `model`", "keep one of them")
        if self.tokens is not None and self.samples is not None:
            raise FieldError("has both `tokens` and `samples`", "keep one of them")
        return self


class Retry(SpecModel):
    """How often the job is tried again."""

    interruptions: Annotated[WholeNumber, Field(ge=0)] = Field(
        default=10, description="How many times it is resumed after the machine was lost.", examples=[10]
    )
    failures: Annotated[WholeNumber, Field(ge=0)] = Field(
        default=0, description="How many times it is tried again after the command failed.", examples=[1]
    )
    node_failures: Annotated[WholeNumber, Field(ge=0)] = Field(
        default=5,
        description="How many times it is resumed after a machine was lost or its GPU broke.",
        examples=[3],
    )
    unhealthy: Annotated[WholeNumber, Field(ge=0)] = Field(
        default=2,
        description="How many times it is restarted because it stalled or its loss was not a number.",
        examples=[1],
    )


class OnUnhealthy(StrEnum):
    """What is done about a job that is not well."""

    RESTART = "restart"
    STOP = "stop"
    NOTIFY = "notify"


class Health(SpecModel):
    """Signs that the job is not well, and what is done then."""

    stall_after: Duration | None = Field(
        default=None,
        description="How long without output, progress and metrics, and idle, counts as stalled. When left out, 30"
        " minutes are reported and nothing is done.",
        examples=["15m"],
    )
    no_progress_after: Duration | None = Field(
        default=None,
        description="How long step, epoch or fraction may stand still once they were reported, whatever is printed.",
        examples=["1h"],
    )
    on_stall: OnUnhealthy = Field(
        default=OnUnhealthy.RESTART,
        description="What is done when it stalled or makes no progress: restart from the newest checkpoint, stop,"
        " or notify only.",
        examples=["restart"],
    )
    stop_on_nan: YesNo = Field(
        default=False,
        description="Whether to stop when a loss is NaN or infinite; the same as `on_nan: stop`.",
        examples=[True],
    )
    on_nan: OnUnhealthy | None = Field(
        default=None,
        description="What is done when a loss is NaN or infinite: stop, notify, or restart from a checkpoint from"
        " before. When left out, it is reported.",
        examples=["restart"],
    )
    on_gpu_error: OnUnhealthy = Field(
        default=OnUnhealthy.RESTART,
        description="What is done when a GPU that it holds is broken.",
        examples=["restart"],
    )

    @model_validator(mode="after")
    def _is_one_answer_to_nan(self) -> Health:
        if self.stop_on_nan and self.on_nan is OnUnhealthy.NOTIFY:
            raise FieldError("has `stop_on_nan: true` and `on_nan: notify`", "keep one of them")
        return self

    @property
    def nan_action(self) -> OnUnhealthy:
        """What is done about a loss that is not a number."""
        if self.on_nan is not None:
            return self.on_nan
        return OnUnhealthy.STOP if self.stop_on_nan else OnUnhealthy.NOTIFY


class Migrate(SpecModel):
    """When to move to a better place."""

    when_cheaper_by: Percent = Field(description="How much cheaper another place must be.", examples=["25%"])


class SweepRange(SpecModel):
    """Whole numbers from the first up to, not including, the second."""

    range: Annotated[tuple[WholeNumber, WholeNumber], Field(description="First and end.", examples=[[0, 8]])]

    @field_validator("range")
    @classmethod
    def _is_not_empty(cls, value: tuple[int, int]) -> tuple[int, int]:
        if value[0] >= value[1]:
            raise FieldError(f"`{list(value)}` is an empty range", "write for example [0, 8]")
        return value
