"""Groups whose commands are imported when they are run, so that help costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click


class Lazy(NamedTuple):
    """A command by address. `summary` repeats its first help line; a test keeps the two the same."""

    target: str
    summary: str


class LazyGroup(click.Group):
    """A group that knows its commands by name, address and summary only. `sections` orders the help page."""

    def __init__(
        self, *positional: Any, sections: Mapping[str, Mapping[str, Lazy]] | None = None, **named: Any
    ) -> None:
        super().__init__(*positional, **named)
        self.sections = dict(sections or {})
        self._lazy = {name: lazy for part in self.sections.values() for name, lazy in part.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order of the help page."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now."""
        lazy = self._lazy.get(cmd_name)
        if lazy is None:
            return None
        module, _, name = lazy.target.partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named, or an error that names those like it."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=self._lazy, ctx=ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Writes names and summaries by section, importing none of them."""
        width = max(map(len, self._lazy), default=0)
        for title, part in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), lazy.summary) for name, lazy in part.items()])
