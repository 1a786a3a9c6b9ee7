"""The local server, as a process."""

from __future__ import annotations

import os
import sys
from typing import Any, Final

import click

from tradewind.cli.application import Application, show_path
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, output_options
from tradewind.cli.render import is_for_people, render_document
from tradewind.domain.errors import TradewindError, UnreachableError

_AT: Final = "tradewind.cli.commands.server:"
_EXIT_NOT_RUNNING: Final = 8


@click.group(
    "server",
    cls=LazyGroup,
    sections={
        "Commands": {
            "start": Lazy(_AT + "start", "Start the local server in the background."),
            "stop": Lazy(_AT + "stop", "Stop the local server; jobs go on."),
            "status": Lazy(_AT + "status", "Show whether the server runs, and where."),
            "logs": Lazy(_AT + "logs", "Show what the local server wrote to its log."),
        }
    },
)
def server() -> None:
    """Start, stop and inspect the local server."""


@command("start")
@click.option("--port", type=click.IntRange(0, 65_535), help="Default: 8000, or the next free one.")
@click.option("--host", default=None, help="Address to listen at. Default: 127.0.0.1.")
@click.option("--foreground", is_flag=True, help="Stay in this terminal; Ctrl-C stops it.")
@output_options
def start(app: Application, port: int | None, host: str | None, foreground: bool) -> None:
    """Start the local server in the background."""
    local = app.local_server()
    if foreground:
        arguments = local.foreground_command(port=port, host=host)
        sys.stdout.flush()
        os.execv(arguments[0], arguments)  # noqa: S606  (an argument list; no shell is there to need)
    running, was_started = local.start(port=port, host=host)
    document = {**_describe(running), "was_running": not was_started}
    verb = "started" if was_started else "already running:"
    render_document(
        app, document, lambda: f"{verb} server {running.version} at {running.url} (pid {running.pid})"
    )
    if is_for_people(app):
        app.hint("`tradewind open` opens its web page, `tradewind server stop` stops it")


@command("stop")
@output_options
def stop(app: Application) -> None:
    """Stop the local server; jobs go on."""
    stopped = app.local_server().stop()
    document = {"running": False, "was_running": stopped is not None, "pid": stopped.pid if stopped else None}
    render_document(
        app,
        document,
        lambda: (
            f"stopped the server (pid {stopped.pid}); jobs go on"
            if stopped
            else "no local server was running"
        ),
        name="pid",
    )


@command("status")
@output_options
def status(app: Application) -> int:
    """Show whether the server runs, and where."""
    configured = app.settings.server
    local = app.local_server()
    running = local.find() if configured is None else None
    if configured is None and running is None:
        render_document(app, {"running": False}, lambda: "no local server is running", name="running")
        if is_for_people(app):
            app.hint("start it with `tradewind server start`")
        return _EXIT_NOT_RUNNING
    with app.make_client(start=False) as client:
        try:
            info: dict[str, Any] = client.info().model_dump(mode="json")
        except UnreachableError as error:
            message = error.message
            render_document(app, {"running": False, "url": configured}, lambda: message, name="running")
            return _EXIT_NOT_RUNNING
        except TradewindError:
            if running is None:
                raise
            # It runs, though it does not know this caller: what the process itself says is still true.
            info = {}
    document: dict[str, Any] = {
        "running": True,
        **info,
        **(_describe(running) if running else {"pid": None, "url": configured}),
    }
    render_document(app, document, lambda: _show_status(document), name="url")
    return 0


@command("logs")
@click.option("-n", "--lines", type=click.IntRange(1), default=100, show_default=True, help="The last lines.")
def logs(app: Application, lines: int) -> None:
    """Show what the local server wrote to its log."""
    local = app.local_server()
    found = local.tail(lines)
    for line in found:
        app.put(line)
    if not found:
        app.say(f"there is no log yet at {show_path(local.log_path)}")


def _describe(running: Any) -> dict[str, Any]:
    return {
        "running": True,
        "pid": running.pid,
        "url": running.url,
        "version": running.version,
        "started_at": running.started_at,
    }


def _show_status(document: dict[str, Any]) -> str:
    lines = [f"server {document.get('version', '?')} runs at {document['url']}"]
    if document.get("pid") is not None:
        lines[0] += f" (pid {document['pid']})"
    for key, title in (("running_jobs", "running"), ("queued_jobs", "queued")):
        if key in document:
            lines.append(f"  {title:<9} {document[key]} jobs")
    for key in ("user", "project", "database"):
        if key in document:
            lines.append(f"  {key:<9} {document[key]}")
    return "\n".join(lines)
