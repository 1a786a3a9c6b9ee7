"""Options that many commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import click

from tradewind.cli.application import Application

_P = ParamSpec("_P")
_T = TypeVar("_T")

FORMATS: Final = ("table", "json", "jsonl", "csv", "yaml", "name")


def global_options(*, is_hidden: bool) -> list[click.Parameter]:
    """What may stand before or after the name of a command. Shown once, on the first help page."""
    return [
        _flag("--server", "URL", "Server to talk to. Default: the local one.  [TRADEWIND_SERVER]", is_hidden),
        _flag("--token-file", "FILE", "File with the token.  [TRADEWIND_TOKEN]", is_hidden),
        _flag("--project", "NAME", "Project that jobs belong to.  [TRADEWIND_PROJECT]", is_hidden),
        _flag("--color", None, "Colours.  [NO_COLOR, FORCE_COLOR]", is_hidden, ("auto", "always", "never")),
        click.Option(
            ["--debug"],
            is_flag=True,
            default=None,
            expose_value=False,
            hidden=is_hidden,
            callback=_remember,
            help="Show tracebacks and request ids.",
        ),
    ]


class Command(click.Command):
    """A command that takes the global options too."""

    def __init__(self, *positional: Any, **named: Any) -> None:
        super().__init__(*positional, **named)
        self.params += global_options(is_hidden=True)


def command(
    name: str | None = None, **named: Any
) -> Callable[[Callable[Concatenate[Application, _P], _T]], Command]:
    """Makes a function whose first parameter is the Application into a command."""

    def decorate(function: Callable[Concatenate[Application, _P], _T]) -> Command:
        @functools.wraps(function)
        def run(*positional: _P.args, **keywords: _P.kwargs) -> _T:
            return function(click.get_current_context().find_root().obj, *positional, **keywords)

        return click.command(name, cls=Command, **named)(run)

    return decorate


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`-o`, `--json` and `-F`: remembered for `render`, not passed to the command."""
    parameters = [
        click.option(
            "-o",
            "--output",
            type=click.Choice(FORMATS),
            expose_value=False,
            callback=_remember,
            help="Form of the answer.  [TRADEWIND_OUTPUT]",
        ),
        click.option(
            "--json",
            "output_json",
            is_flag=True,
            default=None,
            expose_value=False,
            callback=_remember_json,
            help="Short for -o json.",
        ),
        click.option(
            "-F",
            "--fields",
            expose_value=False,
            callback=_remember,
            metavar="A,B.C",
            help="Only these fields, by their names in the JSON.",
        ),
    ]
    for parameter in reversed(parameters):
        function = parameter(function)
    return function


def job_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """A job, by id or by name."""
    return click.argument("job", shell_complete=complete_job)(function)


yes_option = click.option("-y", "--yes", is_flag=True, help="Do not ask.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would happen, and do nothing.")


def complete_job(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Names of recent jobs, if the server says them at once; nothing otherwise."""
    from contextlib import suppress

    from tradewind.domain.errors import TradewindError

    with suppress(TradewindError, OSError):
        with Application().make_client(start=False) as client:
            page = client.run_coroutine(client.asynchronous.jobs(limit=50), timeout_s=0.3)
        return sorted({job.name for job in page.items if job.name.startswith(incomplete)})
    return []


def _flag(
    name: str, metavar: str | None, help_text: str, is_hidden: bool, choices: tuple[str, ...] | None = None
) -> click.Option:
    return click.Option(
        [name],
        metavar=metavar,
        type=click.Choice(choices) if choices else None,
        expose_value=False,
        hidden=is_hidden,
        callback=_remember,
        help=help_text,
    )


def _remember(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    app = ctx.find_root().obj
    if value is not None and app is not None:
        app.flags[param.name] = value


def _remember_json(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
    app = ctx.find_root().obj
    if value and app is not None:
        app.flags["output"] = "json"
