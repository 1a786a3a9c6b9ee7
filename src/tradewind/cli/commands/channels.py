"""`tradewind channels …`: where alerts are told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, dry_run_option, output_options, yes_option
from tradewind.cli.questions import confirm
from tradewind.cli.render import Column, clean, is_for_people, render_document, render_rows
from tradewind.cli.wording import show_age
from tradewind.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from tradewind.domain.secrets import Secret

_AT: Final = "tradewind.cli.commands.channels:"
#: Longer than any address: more on standard input is a mistake.
_MOST_CHARACTERS: Final = 8_192


@click.group(
    "channels",
    cls=LazyGroup,
    sections={
        "Commands": {
            "ls": Lazy(_AT + "list_channels", "List your channels, without their addresses."),
            "add": Lazy(_AT + "add", "Add a channel; its address is asked for, or read from standard input."),
            "rm": Lazy(_AT + "remove", "Remove channels, from alerts too."),
            "test": Lazy(_AT + "send_test", "Send a test message, and say what became of it."),
        }
    },
)
def channels() -> None:
    """List, add, remove and test the channels that alerts use."""


@command("ls")
@output_options
def list_channels(app: Application) -> None:
    """List your channels, without their addresses."""
    rows = [item.model_dump(mode="json") for item in app.client.channels().items]
    columns = [
        Column("NAME", lambda row: row["name"]),
        Column("KIND", lambda row: row["kind"]),
        Column("LAST SENT", lambda row: show_age(row["last_sent_at"], app.now()), is_number=True),
        Column("NOTE", lambda row: row["last_error"] or "", is_text=True),
    ]
    render_rows(app, rows, columns, name="name", empty="no channels; `tradewind channels add NAME` adds one")


@command("add")
@click.argument("name")
@dry_run_option
@output_options
def add(app: Application, name: str, dry_run: bool) -> None:
    """Add a channel; its address is asked for, or read from standard input.

    An address is an Apprise URL: slack://…, discord://…, mailtos://user:password@host, jsons://host/path, …

    \b
    tradewind channels add slack
    tradewind channels add hook < file-with-the-address
    """
    url = _read_address(app)
    if dry_run:
        kind, sign, _ = url.reveal().partition("://")
        if not sign:
            # Without a scheme the first part is all of it, and perhaps a key.
            raise InvalidInputError(
                "this is not the address of a channel", hint="for example slack://…, jsons://…"
            )
        app.say(f"{name} ({clean(kind)}) would be added; the server would check and seal its address.")
        app.say("Dry run: nothing was added.")
        return
    view = app.client.add_channel(name, url).model_dump(mode="json")
    render_document(app, view, lambda: f"{view['name']}  {view['kind']}  {view['id']}", name="name")
    if is_for_people(app):
        app.hint(f"`tradewind channels test {name}` sends a test message")


@command("rm")
@click.argument("names", nargs=-1, required=True)
@yes_option
@dry_run_option
def remove(app: Application, names: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Remove channels, from alerts too."""
    known = {key: view for view in app.client.channels().items for key in (view.id, view.name)}
    unknown = [name for name in names if name not in known]
    if unknown:
        from tradewind.domain.errors import NotFoundError

        raise NotFoundError(
            f"you have no channel {unknown[0]!r}", hint="`tradewind channels ls` lists what you have"
        )
    found = [known[name] for name in names]
    if dry_run:
        for view in found:
            app.say(f"{view.name} ({view.kind}) would be removed")
        app.say("Dry run: nothing was removed.")
        return
    confirm(app, f"Remove {', '.join(view.name for view in found)}?", yes=yes)
    for view in found:
        app.client.remove_channel(view.id)
        app.put(f"{view.name} removed")


@command("test")
@click.argument("name")
@dry_run_option
@output_options
def send_test(app: Application, name: str, dry_run: bool) -> int:
    """Send a test message, and say what became of it."""
    if dry_run:
        app.say(f"{name} would be sent a test message.")
        app.say("Dry run: nothing was sent.")
        return 0
    return say_test(app, [app.client.test_channel(name).model_dump(mode="json")])


def say_test(app: Application, answers: Sequence[dict[str, Any]]) -> int:
    """Shows what became of test messages; 1 if one was not delivered."""
    columns = [
        Column("CHANNEL", lambda row: row["channel"]),
        Column("DELIVERED", lambda row: "yes" if row["is_delivered"] else "no"),
        Column("ANSWER", lambda row: row["message"], is_text=True),
    ]
    render_rows(app, answers, columns, name="channel")
    for answer in answers:
        if answer["hint"] and is_for_people(app):
            app.hint(clean(answer["hint"]))
    return 0 if all(answer["is_delivered"] for answer in answers) else 1


def _read_address(app: Application) -> Secret:
    """From a person without showing it, or from standard input; never from the command line, which others can see."""
    from tradewind.domain.secrets import Secret

    if app.can_ask:
        text = click.prompt("Address of the channel (not shown)", hide_input=True, err=True)
    else:
        text = sys.stdin.read(_MOST_CHARACTERS) if sys.stdin is not None else ""
    text = str(text).strip()
    if not text:
        raise InvalidInputError(
            "no address was given", hint="write it to standard input: `tradewind channels add NAME < FILE`"
        )
    return Secret(text)
