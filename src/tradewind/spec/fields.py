"""The kinds of value a job file holds: each reads what people write, and writes what reads back the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from tradewind.domain.money import MICRO
from tradewind.domain.units import (
    Amount,
    parse_amount,
    parse_duration,
    parse_money_micro,
    parse_price_micro_per_hour,
    parse_size_amount,
)
from tradewind.spec.wording import FieldError, name_type

#: Linux refuses a single argument or environment string of 128 KiB or more; some room is left for its name.
MAX_TEXT_BYTES: Final = 120 * 1024

NAME_PATTERN: Final = r"^[a-z0-9][a-z0-9._-]{0,62}$"
_NAME: Final = re.compile(NAME_PATTERN.strip("^$"))
_ENVIRONMENT_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_COUNT: Final = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,18})?)\s*([kmbt]?)", re.IGNORECASE | re.ASCII)
_THOUSANDS: Final = {"": 0, "k": 1, "m": 2, "b": 3, "t": 4}


def _scalar(value: object, noun: str) -> str | int | float:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FieldError(f"must be {noun}, not {name_type(value)}")
    return value


def _read_duration(value: object) -> timedelta:
    span = value if isinstance(value, timedelta) else parse_duration(_scalar(value, "a duration"))
    if span <= timedelta(0):
        raise FieldError("must be longer than nothing", "write for example 30s, 10m, 1h30m or 2d")
    return span


def _read_amount(parse: Callable[[Any], Amount], noun: str) -> Callable[[object], Amount]:
    def read(value: object) -> Amount:
        return value if isinstance(value, Amount) else parse(_scalar(value, noun))

    return read


def _read_size(value: str | int) -> Amount:
    amount = parse_size_amount(value)
    if amount.value < 1:
        raise FieldError("must be more than nothing", "write for example 512MB, 64GB or 1TB")
    return amount


def _read_money(parse: Callable[[str | float], int], example: str) -> Callable[[object], int]:
    def read(value: object) -> int:
        micro = parse(_scalar(value, "an amount of money"))
        if micro <= 0:
            raise FieldError("must be more than nothing", f"write for example {example}")
        return micro

    return read


def _read_time(value: object) -> datetime:
    example = "write for example 2026-12-24T18:00Z"
    if not isinstance(value, datetime):
        if not isinstance(value, str):
            raise FieldError(f"must be a point in time, not {name_type(value)}", example)
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise FieldError(f"{value!r} is not a point in time", example) from None
    if value.tzinfo is None:
        raise FieldError(f"'{value.isoformat()}' has no time zone", "end it with Z for UTC, or with +02:00")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise FieldError(f"'{value.isoformat()}' is not a point in time", example) from None


def _read_percent(value: object) -> float:
    text = str(_scalar(value, "a percentage")).strip().removesuffix("%").strip()
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", text) or not 0 < float(text) < 100:
        raise FieldError(f"{value!r} is not a percentage between 0 and 100", "write for example 25%")
    return float(text)


def _read_count(value: object) -> int:
    match = _COUNT.fullmatch(str(_scalar(value, "a count")).strip())
    number = Decimal(match[1]) * 1000 ** _THOUSANDS[match[2].lower()] if match else Decimal(0)
    if not 1 <= number < 10**18:
        raise FieldError(f"{value!r} is not a count", "write for example 50M")
    return int(number)


def _plain_number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{Decimal(repr(value)):f}"


def _write_duration(span: timedelta) -> str:
    microseconds = span // timedelta(microseconds=1)
    for unit, seconds in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        if microseconds % (seconds * MICRO) == 0:
            return f"{microseconds // (seconds * MICRO)}{unit}"
    return f"{Decimal(microseconds) / MICRO:f}s"


def _write_size(amount: Amount) -> str:
    count, unit = int(amount.value), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if count % 1024:
            break
        count, unit = count // 1024, larger
    return f"{count}{unit}{'+' if amount.or_more else ''}"


def _write_count(amount: Amount) -> str:
    return _plain_number(amount.value) + ("+" if amount.or_more else "")


def _write_money(micro: int) -> str:
    whole, rest = divmod(micro, MICRO)
    return f"${whole}" + (f".{rest:06d}".rstrip("0") if rest else "")


def _is_inside_workdir(value: str) -> str:
    path = PurePosixPath(value)
    if not value.strip():
        raise FieldError("must not be empty")
    if path.is_absolute() or value.startswith("~"):
        raise FieldError(f"{value!r} must be relative to the workdir", "leave out what leads to the workdir")
    if ".." in path.parts:
        raise FieldError(
            f"{value!r} leads out of the workdir", "name something inside the workdir, without `..`"
        )
    return value


def _is_not_the_workdir(value: str) -> str:
    if not PurePosixPath(value).parts:
        raise FieldError(f"{value!r} is the whole workdir", "name a folder inside it")
    return value


def _is_path(value: str) -> str:
    if not value.strip():
        raise FieldError("must not be empty", "write . for the folder of the job file")
    return value


def _is_command(value: str) -> str:
    if not value.strip():
        raise FieldError("must not be empty", "write the command to run")
    if len(value.encode()) > MAX_TEXT_BYTES:
        raise FieldError("is longer than 120 KiB", "put it into a script and run that")
    return value


def _is_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        similar = re.sub(r"[^a-z0-9._-]+", "-", value.lower()).strip("-._")[:63]
        raise FieldError(
            f"{value!r} is not a name: small letters, digits, `.`, `_` and `-`, a letter or digit first, at most 63",
            f"write for example {similar or 'my-job'}",
        )
    return value


def _is_environment_name(name: str) -> str:
    if not _ENVIRONMENT_NAME.fullmatch(name):
        raise FieldError(
            f"{name!r} is not a name for the environment", "use letters, digits and _, and no digit first"
        )
    if name.startswith("TRADEWIND_"):
        raise FieldError(
            f"{name!r} is reserved: such names are what Tradewind tells the job", "give it another name"
        )
    return name


def to_text(value: object) -> object:
    """Scalars become the text that YAML and JSON have for them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if value is None:
        raise FieldError("has no value", 'write "" for an empty one')
    return value


def _fits_in_environment(value: str) -> str:
    if len(value.encode()) > MAX_TEXT_BYTES:
        raise FieldError("is longer than 120 KiB, more than the environment can hold", "put it into a file")
    return value


def _as_schema(kind: str | list[str], **more: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": kind, **more})


_NUMBER_OR_TEXT: Final = ["string", "number"]

Duration = Annotated[
    timedelta, PlainValidator(_read_duration), PlainSerializer(_write_duration), _as_schema(_NUMBER_OR_TEXT)
]
CountAmount = Annotated[
    Amount,
    PlainValidator(_read_amount(parse_amount, "a count")),
    PlainSerializer(_write_count),
    _as_schema(_NUMBER_OR_TEXT, pattern=r"^[0-9]+(\.[0-9]+)?\+?$", exclusiveMinimum=0),
]
SizeAmount = Annotated[
    Amount,
    PlainValidator(_read_amount(_read_size, "a size")),
    PlainSerializer(_write_size),
    _as_schema(
        _NUMBER_OR_TEXT, pattern=r"^[0-9]+(\.[0-9]+)? *([kKmMgGtTpP][iI]?)?[bB]?\+?$", exclusiveMinimum=0
    ),
]
MoneyMicro = Annotated[
    int,
    PlainValidator(_read_money(parse_money_micro, "$100 or 12.50")),
    PlainSerializer(_write_money),
    _as_schema(_NUMBER_OR_TEXT, exclusiveMinimum=0),
]
PriceMicroPerHour = Annotated[
    int,
    PlainValidator(_read_money(parse_price_micro_per_hour, "$4/h")),
    PlainSerializer(lambda micro: f"{_write_money(micro)}/h"),
    _as_schema(_NUMBER_OR_TEXT, exclusiveMinimum=0),
]
PointInTime = Annotated[
    datetime,
    PlainValidator(_read_time),
    PlainSerializer(lambda time: time.isoformat().replace("+00:00", "Z")),
    _as_schema("string"),
]
Percent = Annotated[
    float,
    PlainValidator(_read_percent),
    PlainSerializer(lambda percent: f"{_plain_number(percent)}%"),
    _as_schema(_NUMBER_OR_TEXT),
]
LargeCount = Annotated[int, PlainValidator(_read_count), PlainSerializer(int), _as_schema(_NUMBER_OR_TEXT)]

WholeNumber = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
YesNo = Annotated[bool, Field(strict=True)]
Text = Annotated[str, Field(min_length=1, max_length=4_096)]
Name = Annotated[str, AfterValidator(_is_name), _as_schema("string", pattern=NAME_PATTERN)]
WorkdirPath = Annotated[str, Field(max_length=4_096), AfterValidator(_is_path)]
Command = Annotated[str, AfterValidator(_is_command)]
Glob = Annotated[str, AfterValidator(_is_inside_workdir)]
#: As long as one name may be on the file systems in use.
FolderInWorkdir = Annotated[
    str, Field(max_length=255), AfterValidator(_is_inside_workdir), AfterValidator(_is_not_the_workdir)
]
EnvironmentName = Annotated[
    str,
    AfterValidator(_is_environment_name),
    _as_schema("string", pattern=r"^(?!TRADEWIND_)[A-Za-z_][A-Za-z0-9_]*$"),
]
EnvironmentValue = Annotated[
    str,
    BeforeValidator(to_text),
    AfterValidator(_fits_in_environment),
    _as_schema(["string", "number", "boolean"]),
]
TagName = Annotated[str, Field(min_length=1, max_length=128)]
TagValue = Annotated[
    str, BeforeValidator(to_text), Field(max_length=1_024), _as_schema(["string", "number", "boolean"])
]
