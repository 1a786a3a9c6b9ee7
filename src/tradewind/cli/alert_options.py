"""The options that say what an alert waits for, and what they mean together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from tradewind.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from tradewind.domain.schemas_alerts import AlertCondition

_MARKETS: Final = ("on_demand", "spot", "reserved")


def condition_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--below`, `--drop` or `--available`, and which offers count. They reach the command as `condition`."""
    options = [
        click.option("--below", metavar="PRICE", help="Fire below this price, for example 2 or '$2/h'."),
        click.option("--drop", metavar="PERCENT", help="Fire when the price drops by this much, for example 10%."),
        click.option("--available", is_flag=True, help="Fire when an offer is available again."),
        click.option(
            "--window", metavar="TIME",
            help="--drop: against the highest price of this time (7d). Default: the last told.",
        ),
        click.option(
            "--per", type=click.Choice(("gpu", "machine")), default="gpu", show_default=True, help="What a price is of."
        ),
        click.option(
            "--step", metavar="PERCENT",
            help="Fire again when it has fallen this much further. Default: not before it was back up.",
        ),
        click.option("--gpu", multiple=True, metavar="NAME", help="Accelerator; may be repeated."),
        click.option("--count", metavar="N", help="Accelerators per machine: 8, or 8+ for at least 8."),
        click.option("--min-memory", type=float, metavar="GB", help="Memory of one accelerator, at least."),
        click.option("--provider", multiple=True, metavar="ID", help="Provider; may be repeated."),
        click.option("--region", multiple=True, metavar="NAME", help="Region or pattern (us-*); may be repeated."),
        click.option("--market", multiple=True, type=click.Choice(_MARKETS), help="May be repeated."),
    ]  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def read_condition(options: dict[str, Any]) -> AlertCondition:
    """The condition that the options describe. Raises InvalidInputError that names the option."""
    from pydantic import ValidationError

    from tradewind.domain.schemas_alerts import AlertCondition
    from tradewind.domain.units import parse_duration, parse_price_micro_per_hour

    kinds = {
        "price_below": options["below"],
        "price_drop": options["drop"],
        "available_again": options["available"],
    }
    wanted = [kind for kind, value in kinds.items() if value]
    if len(wanted) != 1:
        raise InvalidInputError(
            "say what to wait for with one of --below, --drop and --available",
            hint="for example `tradewind alerts add cheap --gpu H100 --below 2`",
        )
    values: dict[str, Any] = {
        "kind": wanted[0],
        "per": "accelerator_hour" if options["per"] == "gpu" else "hour",
        "filters": _filters(options),
    }
    if options["below"]:
        values["below_micro"] = _read("--below", parse_price_micro_per_hour, options["below"])
    if options["drop"]:
        values["drop_percent"] = _percent("--drop", options["drop"])
    if options["step"]:
        values["step_percent"] = _percent("--step", options["step"])
    if options["window"]:
        span = _read("--window", parse_duration, options["window"])
        values["window_hours"] = span.total_seconds() / 3_600
    try:
        return AlertCondition.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(f"{where}: {first['msg']}" if where else str(first["msg"])) from None


def _filters(options: dict[str, Any]) -> dict[str, Any]:
    from tradewind.domain.units import parse_amount

    filters: dict[str, Any] = {
        "accelerators": list(options["gpu"]),
        "providers": list(options["provider"]),
        "regions": list(options["region"]),
        "markets": list(options["market"]),
    }
    if options["min_memory"] is not None:
        filters["min_memory_gb"] = options["min_memory"]
    if options["count"]:
        amount = _read("--count", parse_amount, options["count"])
        filters["min_count"] = amount.value
        if not amount.or_more:
            filters["max_count"] = amount.value
    return filters


def _percent(name: str, text: str) -> float:
    return float(_read(name, float, text.strip().removesuffix("%").strip()))


def _read(name: str, parse: Callable[[str], Any], text: str) -> Any:
    try:
        return parse(text)
    except ValueError as error:
        raise InvalidInputError(f"{name}: {error}") from None
