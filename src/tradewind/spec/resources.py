"""What a job needs of a machine."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Tag,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from tradewind.spec.fields import CountAmount, Name, Number, SizeAmount, WholeNumber
from tradewind.spec.wording import FORM_MARK, FieldError, name_type

_ACCELERATOR_PATTERN: Final = r"^[A-Za-z][A-Za-z0-9 ._/-]*(:[0-9]+(\.[0-9]+)?)?$"
_ACCELERATOR: Final = re.compile(r"([A-Za-z][A-Za-z0-9 ._/-]*?)\s*(?::\s*([0-9]{1,6}(?:\.[0-9]{1,20})?))?")
#: Machines that are simply there: nothing takes them back, so they are never spot.
_NEVER_SPOT: Final = frozenset({"local"})
#: Of `any_of`: each is planned for by itself.
MOST_ALTERNATIVES: Final = 16


class SpecModel(BaseModel):
    """Base of every part of a job file: it cannot be changed, and knows no other keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", serialize_by_alias=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_nothing(cls, value: Any) -> Any:
        """A key with nothing after it counts as absent."""
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if item is not None}
        return value


class Spot(StrEnum):
    """Whether machines that can be taken back at any time will do."""

    NEVER = "never"
    AUTO = "auto"
    ONLY = "only"


class AcceleratorRequest(SpecModel):
    """Accelerators by name; written `A100-80GB:8`, or as a mapping."""

    name: Annotated[
        str,
        Field(
            pattern=r"^[A-Za-z]([A-Za-z0-9 ._/-]*[A-Za-z0-9._/-])?$", max_length=64, examples=["A100-80GB"]
        ),
    ] = Field(default="", description="The accelerator's name. Needed unless `mig` is given.")
    count: Annotated[Number, Field(ge=0.001, le=100_000, examples=[8])] = Field(
        default=1.0, description="How many per node; less than one asks for a share."
    )
    mig: Annotated[str | None, Field(pattern=r"^[0-9]g\.[0-9]+gb$", examples=["3g.40gb"])] = Field(
        default=None, description="A MIG slice of an accelerator."
    )

    @model_validator(mode="before")
    @classmethod
    def _read(cls, value: Any) -> Any:
        if isinstance(value, str):
            match = _ACCELERATOR.fullmatch(value.strip())
            if match is None or len(match[1]) > 64:
                raise FieldError(f"{value!r} is not an accelerator", "write for example H100 or A100-80GB:8")
            if match[2] is not None and not 0.001 <= float(match[2]) <= 100_000:
                raise FieldError(
                    f"{value!r} asks for none, or for more than there are",
                    "leave it out, or ask for at least one",
                )
            return {"name": match[1], "count": float(match[2] or 1)}
        if not isinstance(value, dict):
            raise FieldError(f"must be an accelerator such as A100-80GB:8, not {name_type(value)}")
        if value.get("name") is None and value.get("mig") is None:
            raise FieldError("needs a `name` or a `mig` slice", "write for example A100-80GB:8")
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        text = {"type": "string", "pattern": _ACCELERATOR_PATTERN}
        return {"anyOf": [text, handler.resolve_ref_schema(handler(core_schema))]}

    @model_serializer
    def _write(self) -> str | dict[str, str | float]:
        if self.mig is None:
            return str(self)
        return {"name": self.name, "count": self.count, "mig": self.mig} if self.name else {
            "count": self.count, "mig": self.mig
        }  # fmt: skip

    def __str__(self) -> str:
        count = f"{Decimal(repr(self.count)).normalize():f}"
        return f"{self.name or self.mig}:{count}"


class NodeRange(SpecModel):
    """How many nodes an elastic job can live with."""

    min: Annotated[WholeNumber, Field(ge=1, examples=[2])] = Field(description="The fewest nodes.")
    max: Annotated[WholeNumber, Field(ge=1, examples=[8])] = Field(description="The most nodes.")

    @field_validator("max")
    @classmethod
    def _is_not_below_min(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("min", value):
            raise FieldError(f"{value} is less than `min`, {info.data['min']}")
        return value


_COUNT_FORM, _RANGE_FORM = f"{FORM_MARK}count", f"{FORM_MARK}range"


def _tag_nodes(value: object) -> str | None:
    if isinstance(value, dict | NodeRange):
        return _RANGE_FORM
    return _COUNT_FORM if isinstance(value, int) and not isinstance(value, bool) else None


Nodes = Annotated[
    Annotated[Annotated[WholeNumber, Field(ge=1)], Tag(_COUNT_FORM)] | Annotated[NodeRange, Tag(_RANGE_FORM)],
    Discriminator(
        _tag_nodes,
        custom_error_type="nodes_type",
        custom_error_message="must be a whole number or a mapping with `min` and `max`",
    ),
]


def _allow_one(schema: dict[str, Any]) -> None:
    """One accelerator need not be written as a list."""
    array = {"type": schema.pop("type"), "items": schema.pop("items")}
    schema["anyOf"] = [array, array["items"]]


def _allow_one_or_none(schema: dict[str, Any]) -> None:
    """The same where the key may be left out."""
    array = next(each for each in schema.pop("anyOf") if each.get("type") == "array")
    schema["anyOf"] = [array, array["items"]]


def _accept_one(value: object) -> object:
    return [value] if isinstance(value, str | dict) else value


def _has_each_once(value: tuple[AcceleratorRequest, ...]) -> tuple[AcceleratorRequest, ...]:
    seen: set[tuple[str, float, str | None]] = set()
    for request in value:
        key = (request.name.casefold(), request.count, request.mig)
        if key in seen:
            raise FieldError(f"`{request}` is listed twice", "keep one of them")
        seen.add(key)
    return value


def _names_each_once(value: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((name for name in value if value.count(name) > 1), None)
    if twice is not None:
        raise FieldError(f"`{twice}` is listed twice", "keep one of them")
    return value


def _find_never_spot(providers: tuple[str, ...], spot: Spot | None) -> FieldError | None:
    """What is wrong with asking these providers for nothing but spot."""
    if not providers or not _NEVER_SPOT.issuperset(providers) or spot is not Spot.ONLY:
        return None
    return FieldError(
        f"`{', '.join(providers)}` has no spot machines, and `spot: only` accepts nothing else",
        "write `spot: auto`, or name another provider",
    )


Accelerators = Annotated[
    tuple[AcceleratorRequest, ...], BeforeValidator(_accept_one), AfterValidator(_has_each_once)
]
Providers = Annotated[tuple[Name, ...], AfterValidator(_names_each_once)]
Regions = tuple[Annotated[str, Field(min_length=1, max_length=128)], ...]


class ResourceOverrides(SpecModel):
    """One alternative of `any_of`: what is left out is as `resources` has it."""

    accelerators: Accelerators | None = Field(
        default=None,
        description="As `resources.accelerators`; an empty list asks for none.",
        examples=[["H100:8"]],
        json_schema_extra=_allow_one_or_none,
    )
    nodes: Nodes | None = Field(default=None, description="As `resources.nodes`.", examples=[1])
    cpus: CountAmount | None = Field(default=None, description="As `resources.cpus`.", examples=["8+"])
    memory: SizeAmount | None = Field(default=None, description="As `resources.memory`.", examples=["64GB+"])
    disk: SizeAmount | None = Field(default=None, description="As `resources.disk`.", examples=["200GB"])
    spot: Spot | None = Field(default=None, description="As `resources.spot`.", examples=["only"])
    providers: Providers | None = Field(
        default=None,
        description="As `resources.providers`; an empty list stands for every connected provider.",
        examples=[["lambda"]],
    )
    regions: Regions | None = Field(
        default=None,
        description="As `resources.regions`; an empty list stands for every region.",
        examples=[["us-*"]],
    )

    def __str__(self) -> str:
        """`A100-80GB:8, spot, lambda`."""
        said = self.model_dump(mode="json", exclude_none=True)
        words = []
        if self.accelerators is not None:
            words.append(" or ".join(map(str, self.accelerators)) or "no accelerator")
        words += [
            f"{said[key]} {noun}"
            for key, noun in (("cpus", "processors"), ("memory", "memory"), ("disk", "disk"))
            if key in said
        ]
        if self.spot is not None:
            words.append(
                {Spot.NEVER: "on demand", Spot.AUTO: "spot or on demand", Spot.ONLY: "spot"}[self.spot]
            )
        if self.providers is not None:
            words.append(" or ".join(self.providers) or "any provider")
        if self.regions is not None:
            words.append(" or ".join(self.regions) or "any region")
        return ", ".join(words) or "nothing else"


class Resources(SpecModel):
    """What a job needs of each machine, and where it may be."""

    accelerators: Accelerators = Field(
        default=(),
        description="Accelerators per node, any of the list; one need not be written as a list. None when left out.",
        examples=[["A100-80GB:8", "H100:4"]],
        json_schema_extra=_allow_one,
    )
    nodes: Nodes = Field(
        default=1, description="Nodes, or a range of nodes for elastic launchers.", examples=[1]
    )
    cpus: CountAmount | None = Field(
        default=None, description="Processors per node; `+` says that more will do.", examples=["8+"]
    )
    memory: SizeAmount | None = Field(
        default=None,
        description="Memory per node; GB means GiB, and so does a bare number. `+` says that more will do.",
        examples=["64GB+"],
    )
    disk: SizeAmount | None = Field(
        default=None, description="Disk per node, as `memory`.", examples=["200GB"]
    )
    spot: Spot = Field(
        default=Spot.AUTO,
        description="Whether machines that can be taken back at any time will do: never, auto (when it pays) or only.",
        examples=["auto"],
    )
    providers: Providers = Field(
        default=(),
        description="Where it may run; every connected provider when left out.",
        examples=[["lambda", "runpod", "local"]],
    )
    regions: Regions = Field(
        default=(), description="Regions it may run in; * stands for anything.", examples=[["us-*"]]
    )

    any_of: Annotated[tuple[ResourceOverrides, ...], Field(max_length=MOST_ALTERNATIVES)] = Field(
        default=(),
        description="Alternatives, of which one has to do; each overrides the keys above.",
        examples=[[{"accelerators": "H100:8"}, {"accelerators": "A100-80GB:8"}]],
    )
    ordered: bool = Field(
        default=True,
        description="Whether `any_of` is in order of preference: the next is for where the one before cannot be had. "
        "If not, the best deal of all of them is taken.",
        examples=[True],
    )

    @field_validator("providers")
    @classmethod
    def _can_be_spot(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        problem = _find_never_spot(value, info.data.get("spot"))
        if problem is not None:
            raise problem
        return value

    @field_validator("any_of")
    @classmethod
    def _are_possible(
        cls, value: tuple[ResourceOverrides, ...], info: ValidationInfo
    ) -> tuple[ResourceOverrides, ...]:
        """Each with what it takes over from the keys beside `any_of`."""
        if not {"accelerators", "providers", "spot"} <= info.data.keys():
            # Those have faults of their own.
            return value
        base = cls.model_construct(**info.data)
        seen: list[Resources] = []
        for index, each in enumerate(value):
            merged = base.overridden_by(each)
            problem = _find_never_spot(merged.providers, merged.spot)
            if problem is not None:
                key = "providers" if each.providers is not None else "spot"
                at = (index, key) if getattr(each, key) is not None else (index,)
                raise FieldError(str(problem), problem.hint, at=at)
            if merged in seen:
                said = f"asks for the same as alternative {seen.index(merged) + 1}"
                raise FieldError(said, "keep one of them", at=(index,))
            seen.append(merged)
        return value

    @field_validator("ordered")
    @classmethod
    def _orders_something(cls, value: bool, info: ValidationInfo) -> bool:
        if not value and info.data.get("any_of") == ():
            raise FieldError(
                "says nothing without `any_of`", "leave it out, or list alternatives in `any_of`"
            )
        return value

    def overridden_by(self, alternative: ResourceOverrides) -> Resources:
        """What one alternative asks for."""
        said = {name: getattr(alternative, name) for name in ResourceOverrides.model_fields}
        kept = {name: value for name, value in said.items() if value is not None}
        return self.model_copy(update={**kept, "any_of": (), "ordered": True})

    def alternatives(self) -> tuple[Resources, ...]:
        """What will do, none of them with alternatives of its own: one, unless `any_of` has more."""
        return tuple(self.overridden_by(each) for each in self.any_of) if self.any_of else (self,)
