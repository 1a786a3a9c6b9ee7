"""How credentials reach a command: asked for without being shown, or read from standard input. Never as arguments."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from tradewind.cli.render import clean
from tradewind.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from tradewind.cli.application import Application
    from tradewind.domain.secrets import Secret

#: More than all credentials of a provider together: more on standard input is a mistake.
_MOST_CHARACTERS: Final = 65_536


def ask_for(app: Application, provider: Mapping[str, Any]) -> dict[str, Secret]:
    """Asks a person for every credential, without showing what is secret.

    Raises:
        InvalidInputError: there is no terminal to ask at.
    """
    from tradewind.domain.secrets import Secret

    if not app.can_ask:
        raise InvalidInputError(
            "there is no terminal to ask for credentials at",
            hint="write NAME=value lines to standard input and say --stdin; or --from-environment, --from-config",
        )
    found: dict[str, Secret] = {}
    for field in provider["credentials"]:
        title = f"{clean(field['title'])} ({field['environment']})"
        if field["hint"]:
            app.say(f"  {clean(field['hint'])}")
        remark = ", not shown" if field["is_secret"] else ""
        remark += "" if field["is_required"] else ", may be left out"
        text = click.prompt(
            title + remark,
            hide_input=field["is_secret"],
            default=None if field["is_required"] else "",
            show_default=False,
            err=True,
        )
        if str(text).strip():
            found[field["environment"]] = Secret(str(text).strip())
    return found


def read_lines() -> dict[str, Secret]:
    """`NAME=value` lines from standard input; empty lines and those that begin with `#` are passed over.

    Raises:
        InvalidInputError: a line is none; it is named by its number, as it may hold a secret.
    """
    from tradewind.domain.secrets import Secret

    text = sys.stdin.read(_MOST_CHARACTERS + 1) if sys.stdin is not None else ""
    if len(text) > _MOST_CHARACTERS:
        raise InvalidInputError(
            "standard input has more than credentials in it", hint="write NAME=value lines"
        )
    found: dict[str, Secret] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip().removeprefix("export ")
        if not stripped or stripped.startswith("#"):
            continue
        name, sign, value = stripped.partition("=")
        value = value.strip()
        if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        if not sign or not name.strip().isidentifier() or not value:
            raise InvalidInputError(
                f"line {number} of standard input is not NAME=value", hint="for example LAMBDA_API_KEY=…"
            )
        found[name.strip()] = Secret(value)
    if not found:
        raise InvalidInputError("standard input has no credentials", hint="write NAME=value lines to it")
    return found


def read_settings(words: tuple[str, ...]) -> dict[str, str]:
    """`--setting name=value`, as often as it was said. Raises InvalidInputError."""
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise InvalidInputError(
                "--setting: write NAME=value", hint="for example --setting regions=us-east-1"
            )
        found[name.strip()] = value.strip()
    return found
