"""`tradewind cost …`: what it cost, what comes, and whether the providers' invoices agree."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, dry_run_option, global_options, output_options, yes_option
from tradewind.cli.questions import confirm
from tradewind.cli.render import Column, Row, clean, is_for_people, render_document, render_rows
from tradewind.cli.wording import parse_since, show_carbon, show_energy, show_money, show_number
from tradewind.domain.errors import InvalidInputError

_AT: Final = "tradewind.cli.commands.cost:"
_STATES: Final = {
    "matched": "agrees", "differs": "differs", "invoice_only": "invoice only", "ledger_only": "ledger only",
}  # fmt: skip


@click.group(
    "cost",
    cls=LazyGroup,
    invoke_without_command=True,
    params=global_options(is_hidden=True),
    sections={
        "Look": {
            "jobs": Lazy(_AT + "cost_jobs", "Show what jobs were estimated to cost, and what they did."),
            "invoices": Lazy(_AT + "list_invoices", "List the invoices that were imported."),
            "reconcile": Lazy(_AT + "reconcile", "Hold a provider's invoices against the ledger."),
        },
        "Act": {
            "import": Lazy(
                _AT + "import_invoice", "Import a provider's invoice (CSV); twice changes nothing."
            ),
        },
    },
)
@click.option(
    "--by",
    default="project,provider",
    show_default=True,
    metavar="A,B",
    help="project, team, provider, user, job, accelerator, kind, day, tag:NAME.",
)
@click.option("--since", default="30d", show_default=True, metavar="TIME", help="30d, 2h, or a date.")
@click.option("--until", metavar="TIME", help="Default: now.")
@click.option(
    "--forecast", is_flag=True, help="This month: spent, held, and what it will have cost by its end."
)
@output_options
@click.pass_context
def cost(ctx: click.Context, by: str, since: str, until: str | None, forecast: bool) -> None:
    """Show what jobs cost in money, energy and carbon."""
    if ctx.invoked_subcommand is not None:
        return
    app: Application = ctx.find_root().obj
    if forecast:
        _show_outlook(app)
        return
    start, end = _read_period(app, since, until)
    groups = [name.strip() for name in by.split(",") if name.strip()]
    report = app.client.cost(since=start, until=end, by=groups).model_dump(mode="json")
    rows = [{**row["group"], **{k: v for k, v in row.items() if k != "group"}} for row in report["rows"]]
    if app.flags.get("fields"):
        render_rows(app, rows, [])
        return
    if not is_for_people(app):
        render_document(app, report, lambda: "", rows=rows)
        return
    if not rows:
        app.say(f"nothing was spent since {report['since'][:10]}")
        return
    total = (
        {**report["total"], **dict.fromkeys(report["by"], ""), report["by"][0]: "total"}
        if report["by"]
        else None
    )
    columns = [
        *(Column(name.upper(), lambda row, name=name: str(row.get(name) or "")) for name in report["by"]),  # type: ignore[misc]
        Column("JOBS", lambda row: f"{row['jobs']:,}", is_number=True),
        Column("HOURS", lambda row: show_number(row["hours"], 4), is_number=True),
        *_more_columns(report["total"]),
        Column("SPENT", lambda row: show_money(row["amount"]), is_number=True),
        Column("KIND", lambda row: row["basis"]),
        Column("ENERGY", lambda row: show_energy(row["energy_kwh"]), is_number=True),
        Column("CARBON", lambda row: show_carbon(row["carbon_grams"]), is_number=True),
    ]
    render_rows(app, [*rows, *([total] if total else [])], columns)
    idle = report["total"].get("idle")
    if idle and idle["micro"]:
        app.hint(f"{show_money(idle)} of it for rented machines that had no job")


@command("jobs")
@click.option("--since", default="30d", show_default=True, metavar="TIME", help="30d, 2h, or a date.")
@click.option("--until", metavar="TIME", help="Default: now.")
@click.option("-n", "limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many.")
@output_options
def cost_jobs(app: Application, since: str, until: str | None, limit: int) -> None:
    """Show what jobs were estimated to cost, and what they did."""
    start, end = _read_period(app, since, until)
    page = app.client.job_costs(since=start, until=end, limit=limit).model_dump(mode="json")
    columns = [
        Column("JOB", lambda row: row["name"]),
        Column("OUTCOME", lambda row: row["outcome"], is_status=True),
        Column("PROVIDER", lambda row: row["provider"]),
        Column("ACCELERATOR", lambda row: row["accelerator"]),
        Column("ESTIMATED", lambda row: show_money(row["estimated"]), is_number=True),
        Column("COST", lambda row: show_money(row["actual"]), is_number=True),
        Column("RATIO", lambda row: "-" if row["ratio"] is None else f"{row['ratio']:.2f}", is_number=True),
        Column("HOURS EST", lambda row: show_number(row["estimated_hours"]), is_number=True),
        Column("HOURS", lambda row: show_number(row["actual_hours"]), is_number=True),
    ]
    render_rows(app, page["items"], columns, name="job", empty="no job has ended since then")
    if is_for_people(app) and page["compared_jobs"]:
        app.say(
            f"{page['compared_jobs']} finished with an estimate: {show_money(page['estimated'])} estimated, "
            f"{show_money(page['actual'])} spent"
        )


@command("invoices")
@output_options
def list_invoices(app: Application) -> None:
    """List the invoices that were imported."""
    rows = [item.model_dump(mode="json") for item in app.client.invoices().items]
    columns = [
        Column("FILE", lambda row: row["filename"]),
        Column("PROVIDER", lambda row: row["provider"]),
        Column("FROM", lambda row: row["since"][:10]),
        Column("UP TO", lambda row: row["until"][:10]),
        Column("LINES", lambda row: f"{row['lines']:,}", is_number=True),
        Column("TOTAL", lambda row: show_money(row["total"]), is_number=True),
    ]
    empty = "no invoices; `tradewind cost import FILE --provider NAME` takes one in"
    render_rows(app, rows, columns, empty=empty)


@command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--provider", required=True, metavar="NAME", help="Whose invoice it is.")
@dry_run_option
@output_options
def import_invoice(app: Application, file: Path, provider: str, dry_run: bool) -> None:
    """Import a provider's invoice (CSV); twice changes nothing.

    The first line names the columns: period (2026-10) or start and end; resource; description; quantity; unit; amount;
    currency. Other columns are passed over.
    """
    from pydantic import ValidationError

    from tradewind.domain.schemas_cost import InvoiceImport

    try:
        content = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"cannot read {file}: {error}") from None
    try:
        order = InvoiceImport(provider=provider, content=content, filename=file.name[:255], dry_run=dry_run)
    except ValidationError as error:
        fault = error.errors()[0]
        raise InvalidInputError(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
    answer = app.client.import_invoice(order).model_dump(mode="json")
    verb = "would be" if dry_run else "are"
    render_document(
        app,
        answer,
        lambda: (
            f"{answer['lines']:,} lines, {show_money(answer['total'])}, {answer['since'][:10]} up to "
            f"{answer['until'][:10]}; {answer['new_lines']:,} {verb} new"
        ),
    )
    if is_for_people(app) and not dry_run:
        app.hint(f"`tradewind cost reconcile --provider {clean(provider)}` holds it against the ledger")


@command("reconcile")
@click.option("--provider", required=True, metavar="NAME", help="Whose invoices.")
@click.option("--since", metavar="TIME", help="Only lines from then on. Default: all that was imported.")
@click.option("--until", metavar="TIME", help="Only lines up to then.")
@click.option(
    "--accept", "resources", multiple=True, metavar="RESOURCE", help="Correct the ledger to the invoice."
)
@click.option("--accept-all", is_flag=True, help="Correct all that differs.")
@yes_option
@dry_run_option
@output_options
def reconcile(
    app: Application,
    provider: str,
    since: str | None,
    until: str | None,
    resources: tuple[str, ...],
    accept_all: bool,
    yes: bool,
    dry_run: bool,
) -> int:
    """Hold a provider's invoices against the ledger.

    Accepting a difference adds a correction to the ledger; nothing in it is changed. Exit code 1 says that something
    differs.
    """
    start, end = _read_period(app, since, until)
    report = app.client.reconciliation(provider=provider, since=start, until=end).model_dump(mode="json")
    rows = report["items"]
    if not (resources or accept_all):
        if is_for_people(app):
            _show_matches(app, rows)
            app.say(_say_totals(report))
        else:
            render_document(app, report, lambda: "", rows=rows)
        return 0 if all(row["state"] == "matched" for row in rows) else 1
    meant = [
        row for row in rows if row["resource"] in resources or (accept_all and row["state"] != "matched")
    ]
    unknown = set(resources) - {row["resource"] for row in rows}
    if unknown:
        raise InvalidInputError(
            f"neither the invoice nor the ledger has {sorted(unknown)[0]!r}",
            hint=f"`tradewind cost reconcile --provider {clean(provider)}` lists what there is",
        )
    _show_matches(app, meant)
    if dry_run or not meant:
        app.say("Dry run: nothing was corrected." if dry_run else "nothing differs")
        return 0
    confirm(app, f"Correct the ledger by {len(meant)} rows?", yes=yes)
    from tradewind.domain.schemas_cost import AcceptOrder

    order = AcceptOrder(
        provider=provider, resources=[row["resource"] for row in meant], since=start, until=end
    )
    for item in app.client.accept_differences(order).items:
        app.put(f"{item.id}  {clean(item.resource)}  {item.amount.text}")
    return 0


def _read_period(
    app: Application, since: str | None, until: str | None
) -> tuple[datetime | None, datetime | None]:
    now = app.now()
    try:
        return parse_since(since, now) if since else None, parse_since(until, now) if until else None
    except ValueError as error:
        raise InvalidInputError(str(error)) from None


def _more_columns(total: Row) -> list[Column]:
    if not total.get("accelerator_hours"):
        return []
    return [Column("GPU-H", lambda row: show_number(row["accelerator_hours"], 4), is_number=True)]


def _show_outlook(app: Application) -> None:
    view = app.client.cost_outlook().model_dump(mode="json")
    render_document(app, view, lambda: _outlook_text(view), name="project")


def _outlook_text(view: dict[str, Any]) -> str:
    seen = view["forecast"]
    return "\n".join(
        [
            f"project {clean(view['project'])}, from {view['since'][:10]} on",
            f"  spent     {show_money(view['spent'])} closed, {show_money(view['running'])} by what runs",
            f"  held      {show_money(view['reserved'])} more for what runs",
            f"  now       {view['running_jobs']} jobs, up to {show_money(view['cost_per_hour'])} an hour",
            f"  forecast  {show_money(seen['amount'])} by {seen['until'][:10]}: {seen['method']}",
        ]
    )


def _show_matches(app: Application, rows: list[dict[str, Any]]) -> None:
    columns = [
        Column("STATE", lambda row: _STATES[row["state"]]),
        Column("RESOURCE", lambda row: row["resource"] or "(none)"),
        Column("FROM", lambda row: row["since"][:10]),
        Column("INVOICE", lambda row: show_money(row["invoice"]) if row["lines"] else "-", is_number=True),
        Column("LEDGER", lambda row: show_money(row["ledger"]), is_number=True),
        Column("DIFFERENCE", lambda row: show_money(row["difference"]), is_number=True),
        Column("JOBS", lambda row: ", ".join(row["jobs"]), is_text=True),
        Column("NOTE", lambda row: row["note"] or row["description"], is_text=True),
    ]
    render_rows(app, rows, columns, name="resource", empty="nothing differs")


def _say_totals(report: Row) -> str:
    return (
        f"invoice {show_money(report['invoice'])}, ledger {show_money(report['ledger'])}, "
        f"difference {show_money(report['difference'])}; tolerance {report['tolerance_percent']:g} %"
    )
