"""`tradewind nodes …`: the machines that are rented or at hand, who holds them, what they cost."""

from __future__ import annotations

from typing import Any, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, dry_run_option, output_options, yes_option
from tradewind.cli.questions import confirm
from tradewind.cli.render import Column, Row, is_for_people, render_document, render_rows
from tradewind.domain.units import format_bytes

_AT: Final = "tradewind.cli.commands.nodes:"


@click.group(
    "nodes",
    cls=LazyGroup,
    sections={
        "Look": {
            "ls": Lazy(_AT + "list_nodes", "List nodes: rented and at hand, who holds them, what they cost."),
            "show": Lazy(_AT + "show", "Show one node: its accelerators, its jobs, its cost."),
        },
        "Act": {"stop": Lazy(_AT + "stop", "Give rented machines back; their jobs go on elsewhere.")},
    },
)
def nodes() -> None:
    """List, inspect and give back the machines that jobs run on."""


@command("ls")
@click.option("-a", "--all", "is_all", is_flag=True, help="Those that have ended too.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 1000), default=200, show_default=True, help="At most so many."
)
@output_options
def list_nodes(app: Application, is_all: bool, limit: int) -> None:
    """List nodes: rented and at hand, who holds them, what they cost."""
    rows = [each.model_dump(mode="json") for each in app.client.nodes(is_all=is_all, limit=limit)]
    columns = [
        Column("ID", lambda row: row["id"]),
        Column("WHERE", _where),
        Column("STATUS", lambda row: row["status"]),
        Column("ACCELERATORS", _accelerators),
        Column("CPUS", lambda row: f"{row['cpus_held']:g}/{row['cpus']:g}", is_number=True),
        Column("PRICE/H", lambda row: _money(row["price_per_hour"]), is_number=True),
        Column("COST", lambda row: _money(row["cost"]), is_number=True),
        Column(
            "JOBS", lambda row: ", ".join(each["job_name"] for each in row["holders"]) or "-", is_text=True
        ),
    ]
    render_rows(app, rows, columns, name="id", empty="no nodes")


@command("show")
@click.argument("node")
@output_options
def show(app: Application, node: str) -> None:
    """Show one node: its accelerators, its jobs, its cost."""
    view = app.client.node(node).model_dump(mode="json")
    render_document(app, view, lambda: _show(view), name="id")


@command("stop")
@click.argument("node", nargs=-1, required=True)
@click.option("--now", is_flag=True, help="Do not wait for a checkpoint.")
@yes_option
@dry_run_option
@output_options
def stop(app: Application, node: tuple[str, ...], now: bool, yes: bool, dry_run: bool) -> None:
    """Give rented machines back; their jobs go on elsewhere.

    A job writes a checkpoint first, unless --now.
    """
    found = [app.client.node(each) for each in node]
    if not dry_run:
        jobs = sorted({holder.job_name for each in found for holder in each.holders})
        what = f", on which {', '.join(jobs)} runs" if jobs else ""
        confirm(app, f"Give back {', '.join(each.name for each in found)}{what}?", yes=yes)
        found = [app.client.stop_node(each.id, now=now) for each in found]
    rows = [each.model_dump(mode="json") for each in found]
    columns = [
        Column("ID", lambda row: row["id"]),
        Column("WHERE", _where),
        Column("STATUS", lambda row: row["status"]),
        Column("WHAT HAPPENS", lambda row: _what_happens(row, dry_run=dry_run), is_text=True),
    ]
    render_rows(app, rows, columns, name="id", empty="no nodes")
    if not dry_run and is_for_people(app):
        app.hint("`tradewind nodes ls` shows when the provider has confirmed that they are gone")


def _what_happens(row: Row, *, dry_run: bool) -> str:
    if dry_run:
        return "would be given back" if "stop" in row["actions"] else f"nothing: {row['explanation']}"
    if row["holders"] and "stop" in row["actions"]:
        return "is given back once its job has written a checkpoint"
    return str(row["explanation"])


def _where(row: Row) -> str:
    if not row["is_rented"]:
        return f"{row['name']} ({row['provider']})"
    return f"{row['provider']} {row['name']}" + (", spot" if row["market"] == "spot" else "")


def _accelerators(row: Row) -> str:
    if not row["accelerator_count"]:
        return "-"
    held = f"{row['accelerators_held']:g}/{row['accelerator_count']:g} {row['accelerator'] or ''}".strip()
    return held if row["others"] is None else f"{held}; {row['others']}"


def _money(view: Any) -> str:
    return "-" if view is None else str(view["text"])


def _show(view: dict[str, Any]) -> str:
    lines = [
        f"{_where(view)}  {view['status']}: {view['explanation']}",
        f"  {view['id']}",
        f"  {view['instance_type']}  {view['cpus']:g} processors ({view['cpus_held']:g} held), "
        f"{format_bytes(view['memory_bytes'])} of memory",
    ]
    if view["price_per_hour"] is not None:
        lines.append(f"  {_money(view['price_per_hour'])} an hour, {_money(view['cost'])} so far")
    if view["others"] is not None:
        lines.append(f"  {view['others']}")
    for each in view["accelerators"]:
        busy = "" if each["utilisation_percent"] is None else f", {each['utilisation_percent']:g} % busy"
        used = (
            "" if each["memory_used_bytes"] is None else f", {format_bytes(each['memory_used_bytes'])} used"
        )
        memory = f" {format_bytes(each['memory_bytes'])}" if each["memory_bytes"] else ""
        lines.append(f"  [{each['index']}] {each['name']}{memory}: {each['label']}{busy}{used}")
    for each in view["holders"]:
        lines.append(f"  {each['job_name']} ({each['job']}) {each['status']}, {each['cpus']:g} processors")
    return "\n".join(lines)
