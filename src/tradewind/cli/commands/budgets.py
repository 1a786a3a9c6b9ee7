"""`tradewind budgets …`: limits on what may be spent, and what happens at them."""

from __future__ import annotations

from typing import Any, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, dry_run_option, output_options, yes_option
from tradewind.cli.questions import confirm
from tradewind.cli.render import Column, Row, clean, is_for_people, render_document, render_rows
from tradewind.cli.wording import show_money
from tradewind.domain.errors import InvalidInputError, NotFoundError

_AT: Final = "tradewind.cli.commands.budgets:"
_EACH: Final = {"day": "a day", "week": "a week", "month": "a month", "total": "in all"}
_DAYS_SHOWN: Final = 14


@click.group(
    "budgets",
    cls=LazyGroup,
    sections={
        "Look": {
            "ls": Lazy(_AT + "list_budgets", "List budgets and how they stand."),
            "show": Lazy(_AT + "show", "Show one budget: its days, its forecast, what was told of it."),
        },
        "Act": {
            "set": Lazy(_AT + "set_budget", "Set or change a budget: an amount, a rate, a number of jobs."),
            "rm": Lazy(_AT + "remove", "Remove budgets; what was spent stays in the ledger."),
        },
    },
)
def budgets() -> None:
    """Limit what projects, teams, users and providers may cost."""


@command("ls")
@output_options
def list_budgets(app: Application) -> None:
    """List budgets and how they stand."""
    rows = [item.model_dump(mode="json") for item in app.client.budgets().items]
    columns = [
        Column("NAME", lambda row: row["name"]),
        Column("COUNTS", lambda row: f"{row['scope']} {row['target']}"),
        Column("AMOUNT", _amount, is_number=True),
        Column(
            "USED",
            lambda row: "-" if row["used_percent"] is None else f"{row['used_percent']:g} %",
            is_number=True,
        ),
        Column("SPENT", lambda row: show_money(row["spent"]), is_number=True),
        Column("RUNNING", lambda row: show_money(row["running"]), is_number=True),
        Column("HELD", lambda row: show_money(row["reserved"]), is_number=True),
        Column("FORECAST", lambda row: show_money(row["forecast"]["amount"]), is_number=True),
        Column("LIMITS", lambda row: "; ".join(_limits(row)), is_text=True),
        Column("NOTE", lambda row: "; ".join(row["notes"]), is_text=True),
    ]
    render_rows(app, rows, columns, name="name", empty="no budgets; `tradewind budgets set -h` shows how")


@command("show")
@click.argument("name")
@output_options
def show(app: Application, name: str) -> None:
    """Show one budget: its days, its forecast, what was told of it."""
    view = app.client.budget(name).model_dump(mode="json")
    render_document(app, view, lambda: _show_budget(view), name="name", rows=view["days"])


@command("set")
@click.argument("name")
@click.argument("amount", required=False)
@click.option(
    "--scope",
    type=click.Choice(["project", "team", "user", "provider"]),
    help="Whose cost is counted. Default: project.",
)
@click.option("--of", "target", metavar="NAME", help="Which project, team, user or provider. Default: yours.")
@click.option(
    "--period", type=click.Choice(["day", "week", "month", "total"]), help="In UTC. Default: month."
)
@click.option(
    "--action",
    type=click.Choice(["notify", "block_new", "stop_spot", "stop_all"]),
    help="What happens at the amount. Default: notify.",
)
@click.option("--at", "thresholds", metavar="50,80,100", help="Per cent that are told. Default: 50,80,100.")
@click.option(
    "--channel", "channels", multiple=True, metavar="NAME", help="Tell on this channel; may be repeated."
)
@click.option("--max-cost-per-hour", metavar="$", help="The most that all that runs may cost an hour.")
@click.option("--max-concurrent-jobs", type=click.IntRange(0), metavar="N", help="Jobs at a time.")
@click.option(
    "--no",
    "clears",
    type=click.Choice(["amount", "max-cost-per-hour", "max-concurrent-jobs"]),
    multiple=True,
    help="Take this limit away; may be repeated.",
)
@click.option(
    "--anomalies/--no-anomalies", "anomalies", default=None, help="Tell of unusual spending, or not."
)
@dry_run_option
@output_options
def set_budget(app: Application, name: str, dry_run: bool, **options: Any) -> None:
    """Set or change a budget: an amount, a rate, a number of jobs.

    \b
    tradewind budgets set vision 1000 --action block_new --channel slack
    tradewind budgets set ana $20 --scope user --of ana --period day --action stop_all
    tradewind budgets set pace --scope team --max-cost-per-hour 12 --max-concurrent-jobs 8
    tradewind budgets set vision 1200
    """
    values = _read_values(options)
    known = next((each for each in app.client.budgets().items if name in (each.name, each.id)), None)
    if known is not None and (options["scope"] or options["target"]):
        raise InvalidInputError(
            f"budget {name} counts {known.scope} {known.target}, and goes on doing so",
            hint=f"`tradewind budgets rm {name}` removes it; then set it anew",
        )
    if dry_run:
        app.say(f"{name} would be {'changed' if known else 'set'}: {_say_values(values) or 'nothing'}")
        app.say("Dry run: nothing was changed.")
        return
    from pydantic import ValidationError

    from tradewind.domain.schemas_budgets import BudgetPatch, BudgetRequest

    try:
        if known is not None:
            answer = app.client.change_budget(known.id, BudgetPatch.model_validate(values))
        else:
            values.pop("clears", None)
            target = {"scope": options["scope"], "target": options["target"]}
            values |= {key: value for key, value in target.items() if value is not None}
            answer = app.client.add_budget(BudgetRequest.model_validate({"name": name, **values}))
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        raise InvalidInputError(f"{where}: {fault['msg']}", hint="`tradewind budgets set -h`") from None
    view = answer.model_dump(mode="json")
    render_document(app, view, lambda: _show_line(view), name="name")
    if is_for_people(app):
        for note in view["notes"]:
            app.hint(clean(note))


@command("rm")
@click.argument("names", nargs=-1, required=True)
@yes_option
@dry_run_option
def remove(app: Application, names: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Remove budgets; what was spent stays in the ledger."""
    known = {key: view for view in app.client.budgets().items for key in (view.id, view.name)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise NotFoundError(
            f"there is no budget {unknown[0]!r}", hint="`tradewind budgets ls` lists what there is"
        )
    found = [known[name] for name in names]
    if dry_run:
        for view in found:
            app.say(f"{_show_line(view.model_dump(mode='json'))} would be removed")
        app.say("Dry run: nothing was removed.")
        return
    confirm(app, f"Remove {', '.join(view.name for view in found)}?", yes=yes)
    for view in found:
        app.client.remove_budget(view.id)
        app.put(f"{view.name} removed")


def _read_values(options: dict[str, Any]) -> dict[str, Any]:
    """What was given, by the names of the API."""
    values: dict[str, Any] = {
        "amount_micro": _read_money("AMOUNT", options["amount"]),
        "period": options["period"],
        "action": options["action"],
        "thresholds": _read_thresholds(options["thresholds"]),
        "channels": list(options["channels"]) or None,
        "max_hourly_micro": _read_money("--max-cost-per-hour", options["max_cost_per_hour"]),
        "max_concurrent_jobs": options["max_concurrent_jobs"],
        "watches_anomalies": options["anomalies"],
        "clears": [each.replace("-", "_") for each in options["clears"]] or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _read_money(what: str, text: str | None) -> int | None:
    from tradewind.domain.money import Money

    if text is None:
        return None
    plain = text.strip().removeprefix("$").removesuffix("/h").replace(",", "")
    try:
        micro = Money.parse(plain).micro
    except ValueError:
        micro = -1
    if micro < 0:
        raise InvalidInputError(f"{what}: {text!r} is not an amount", hint="for example 1000 or $12.50")
    return micro


def _read_thresholds(text: str | None) -> list[int] | None:
    if text is None:
        return None
    try:
        return [int(part.strip().removesuffix("%")) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InvalidInputError(
            f"--at: {text!r} are not per cents", hint="for example --at 50,80,100"
        ) from None


def _say_values(values: dict[str, Any]) -> str:
    from tradewind.domain.money import format_money

    said = []
    for name, value in values.items():
        shown = format_money(value) if name.endswith("_micro") else value
        said.append(f"{name.removesuffix('_micro')} {shown}")
    return ", ".join(said)


def _amount(row: Row) -> str:
    return "-" if row["amount"] is None else f"{show_money(row['amount'])} {_EACH[row['period']]}"


def _limits(row: Row) -> list[str]:
    parts = [] if row["amount"] is None else [row["action"]]
    if row["max_cost_per_hour"] is not None:
        parts.append(f"{show_money(row['max_cost_per_hour'])}/h")
    if row["max_concurrent_jobs"] is not None:
        parts.append(f"{row['max_concurrent_jobs']} at a time")
    return parts


def _show_line(row: Row) -> str:
    amount = "" if row["amount"] is None else f"  {_amount(row)}"
    limits = "".join(f"  {each}" for each in _limits(row))
    return f"{row['name']}  {row['scope']} {clean(row['target'])}{amount}{limits}"


def _show_budget(view: Row) -> str:
    lines = [f"{_show_line(view)}  set by {clean(view['creator'])}"]
    end = "" if view["period_end"] is None else f" up to {view['period_end'][:10]}"
    lines.append(f"  period       from {view['period_start'][:10]}{end}, UTC")
    used = "" if view["used_percent"] is None else f" ({view['used_percent']:g} % of the amount)"
    lines.append(
        f"  spent        {show_money(view['spent'])} closed, {show_money(view['running'])} by what runs{used}"
    )
    lines.append(f"  held         {show_money(view['reserved'])} more for what runs")
    if view["left"] is not None:
        lines.append(f"  left         {show_money(view['left'])}")
    lines.append(
        f"  now          {view['running_jobs']} jobs, up to {show_money(view['cost_per_hour'])} an hour"
    )
    seen = view["forecast"]
    out = "" if seen["runs_out_at"] is None else f"; used up on {seen['runs_out_at'][:10]}"
    lines.append(
        f"  forecast     {show_money(seen['amount'])} by {seen['until'][:10]}{out} ({seen['method']})"
    )
    told = ", ".join(clean(each) for each in view["channels"]) or "nobody"
    lines.append(
        f"  tells        {told}, at {', '.join(f'{each} %' for each in view['thresholds']) or 'no share'}"
    )
    lines += [f"  note         {clean(each)}" for each in view["notes"]]
    days = view["days"][-_DAYS_SHOWN:]
    if days:
        lines.append("  days")
        for day in days:
            left = "" if day["left"] is None else f"  left {show_money(day['left'])}"
            lines.append(
                f"    {day['day']}  {show_money(day['spent']):>12}  in all {show_money(day['total'])}{left}"
            )
    for notice in view["notices"]:
        lines.append(f"  told         {notice['at'][:16].replace('T', ' ')}  {clean(notice['title'])}")
    return "\n".join(lines)
