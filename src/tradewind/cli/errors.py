"""Errors as people read them: what happened, why, what to do next. Never a raw traceback."""

from __future__ import annotations

import sys
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tradewind import __version__
from tradewind.domain.errors import InvalidInputError, TradewindError

if TYPE_CHECKING:
    import click

    from tradewind.cli.application import Application

EXIT_BUG: Final = 70
_BUG_CODE: Final = "TW-E999"


def show_error(app: Application, error: TradewindError) -> int:
    """Writes the error to standard error and returns the exit code."""
    app.say(format_error(app, error))
    if app.is_debugging:
        for note in getattr(error, "__notes__", ()):
            app.say(note)
        app.say("".join(traceback.format_exception(error)).rstrip())
    return error.exit_code


def format_error(app: Application, error: TradewindError) -> str:
    """The whole text of an error."""
    lines = [f"{_label(app, 'error:', 'red')} {error.code} {error.message}"]
    for detail in error.details:
        lines += _format_detail(app, detail)
    lines += [f"  caused by: {cause}" for cause in error.causes]
    if error.hint:
        lines += ["", f"{_label(app, 'hint:', 'cyan')} {error.hint}"]
    return "\n".join(lines)


def show_usage_error(app: Application, error: click.UsageError) -> int:
    """Writes a mistake in the command itself in the same style as all others."""
    path = error.ctx.command_path if error.ctx is not None else "tradewind"
    wrapped = InvalidInputError(
        error.format_message().rstrip(), hint=f"see `{path} --help` for what it takes"
    )
    return show_error(app, wrapped)


def show_bug(app: Application, error: BaseException) -> int:
    """Writes a report of an unexpected error to a file, says where it is, and returns exit code 70.

    The report holds no arguments and no values of variables: they may be secret.
    """
    from tradewind.domain.paths import state_dir

    trace = "".join(traceback.format_exception(error))
    lines = [
        f"{_label(app, 'error:', 'red')} {_BUG_CODE} something unexpected happened: {type(error).__name__}",
        "  caused by: a fault in Tradewind, not in what you did",
    ]
    try:
        folder = state_dir() / "reports"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.txt"
        path.write_text(f"tradewind {__version__}\npython {sys.version}\nplatform {sys.platform}\n\n{trace}")
    except OSError as fault:
        lines += [f"  caused by: and the report could not be written: {fault}", "", trace.rstrip()]
    else:
        lines += ["", f"{_label(app, 'hint:', 'cyan')} please report it with the file {path}"]
    app.say("\n".join(lines))
    if app.is_debugging:
        app.say(trace.rstrip())
    return EXIT_BUG


def _format_detail(app: Application, detail: dict[str, str | int | None]) -> list[str]:
    place = ":".join(str(detail[part]) for part in ("file", "line", "column") if detail.get(part) is not None)
    where = detail.get("where")
    named = f"{where}: " if where and str(where) != place else ""
    prefix = f"{place}: " if place else ""
    lines = [f"  {app.paint(prefix, 'bold', is_error_stream=True)}{named}{detail.get('message') or ''}"]
    if hint := detail.get("hint"):
        lines.append(f"    {_label(app, 'hint:', 'cyan')} {hint}")
    return lines


def _label(app: Application, text: str, color: str) -> str:
    return app.paint(text, color, is_error_stream=True)
