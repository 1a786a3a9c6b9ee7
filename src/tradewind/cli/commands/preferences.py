"""`tradewind preferences …`: what a user prefers, kept by the server. Settings of this machine are in config.toml."""

from __future__ import annotations

import json
from typing import Any, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, dry_run_option, output_options
from tradewind.cli.render import Row, clean, render_document
from tradewind.domain.errors import InvalidInputError

_AT: Final = "tradewind.cli.commands.preferences:"
#: How the value of each is written on the command line.
KEYS: Final = {
    "providers": "words",
    "regions": "words",
    "display_currency": "text",
    "default_sort": "text",
    "default_filters": "json",
    "saved_views": "json",
}


@click.group(
    "preferences",
    cls=LazyGroup,
    sections={
        "Commands": {
            "ls": Lazy(_AT + "list_preferences", "Show what you prefer."),
            "set": Lazy(_AT + "set_preference", "Set one preference."),
            "unset": Lazy(_AT + "unset_preference", "Forget one preference."),
        }
    },
)
def preferences() -> None:
    """Show and set what you prefer: places, currency, order."""


@command("ls")
@output_options
def list_preferences(app: Application) -> None:
    """Show what you prefer."""
    view = app.client.preferences().model_dump(mode="json")
    _show(app, view)


@command("set")
@click.argument("key", type=click.Choice(tuple(KEYS)))
@click.argument("value")
@dry_run_option
@output_options
def set_preference(app: Application, key: str, value: str, dry_run: bool) -> None:
    """Set one preference.

    \b
    tradewind preferences set providers lambda,runpod
    tradewind preferences set display_currency EUR
    tradewind preferences set default_filters '{"accelerators": ["H100"]}'
    """
    _change(app, key, _read_value(key, value), dry_run=dry_run)


@command("unset")
@click.argument("key", type=click.Choice(tuple(KEYS)))
@dry_run_option
@output_options
def unset_preference(app: Application, key: str, dry_run: bool) -> None:
    """Forget one preference."""
    _change(app, key, None, dry_run=dry_run)


def _change(app: Application, key: str, value: Any, *, dry_run: bool) -> None:
    from pydantic import ValidationError

    from tradewind.domain.schemas_alerts import Preferences

    values = app.client.preferences().values.model_dump(mode="json")
    try:
        wanted = Preferences.model_validate({**values, key: value})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(f"{where or key}: {first['msg']}") from None
    if dry_run:
        shown = "unset" if value is None else json.dumps(value, ensure_ascii=False)
        app.say(f"{key} would be {shown}")
        app.say("Dry run: nothing was changed.")
        return
    _show(app, app.client.put_preferences(wanted).model_dump(mode="json"))


def _read_value(key: str, text: str) -> Any:
    if KEYS[key] == "words":
        return [word.strip() for word in text.split(",") if word.strip()]
    if KEYS[key] == "text":
        return text.strip().upper() if key == "display_currency" else text.strip()
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidInputError(f"{key}: not JSON: {error}", hint="`tradewind preferences set -h`") from None


def _show(app: Application, view: Row) -> None:
    render_document(app, view, lambda: _describe(view))


def _describe(view: Row) -> str:
    lines = []
    for key in KEYS:
        value = view["values"][key]
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            text = ", ".join(value)
        elif key == "saved_views" and value:
            text = ", ".join(each["name"] for each in value)
        elif isinstance(value, dict):
            text = json.dumps({name: each for name, each in value.items() if each}, ensure_ascii=False)
        else:
            text = "" if value is None else str(value)
        lines.append(f"{key:<17} {clean(text) or '-'}".rstrip())
    currency = view["currency"]
    if currency["code"] != "USD":
        assumed = ", assumed" if currency["is_assumed"] else ""
        lines.append(
            f"{'':<17} 1 {currency['code']} = {currency['usd_per_unit']} USD"
            f" ({clean(currency['source'])}{assumed}); amounts are kept in USD"
        )
    return "\n".join(lines)
