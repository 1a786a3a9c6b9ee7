"""`tradewind tokens …`: what lets programs and browsers in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from tradewind.cli.application import Application
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, dry_run_option, output_options, yes_option
from tradewind.cli.questions import confirm
from tradewind.cli.render import Column, clean, is_for_people, render_document, render_rows
from tradewind.cli.wording import show_age

if TYPE_CHECKING:
    from tradewind.domain.schemas_settings import TokenView

_AT: Final = "tradewind.cli.commands.tokens:"


@click.group(
    "tokens",
    cls=LazyGroup,
    sections={
        "Commands": {
            "ls": Lazy(
                _AT + "list_tokens", "List your API tokens and browser sessions, without their secrets."
            ),
            "create": Lazy(_AT + "create", "Make an API token; its secret is shown once."),
            "revoke": Lazy(_AT + "revoke", "Make tokens worthless, or sign browsers out."),
        }
    },
)
def tokens() -> None:
    """Make, list and revoke what lets programs and browsers in."""


@command("ls")
@output_options
def list_tokens(app: Application) -> None:
    """List your API tokens and browser sessions, without their secrets."""
    rows = [item.model_dump(mode="json") for item in app.client.tokens().items]
    columns = [
        Column("NAME", lambda row: row["name"]),
        Column("KIND", lambda row: "browser" if row["kind"] == "session" else "token"),
        Column("STATE", lambda row: row["badge"]["label"]),
        Column("AGE", lambda row: show_age(row["created_at"], app.now()), is_number=True),
        Column("USED", lambda row: show_age(row["used_at"], app.now()), is_number=True),
        Column("UNTIL", lambda row: "-" if row["expires_at"] is None else str(row["expires_at"])[:10]),
        Column("ID", lambda row: row["id"]),
    ]
    render_rows(app, rows, columns, name="id", empty="no tokens; `tradewind tokens create NAME` makes one")


@command("create")
@click.argument("name")
@click.option(
    "--days",
    type=click.IntRange(1, 3_650),
    metavar="N",
    help="It is good for so many days; without this, until it is revoked.",
)
@dry_run_option
@output_options
def create(app: Application, name: str, days: int | None, dry_run: bool) -> None:
    """Make an API token; its secret is shown once.

    The secret alone goes to standard output, so that it can be piped to where it is kept.

    \b
    tradewind tokens create ci --days 90 > token
    TRADEWIND_SERVER=https://… TRADEWIND_TOKEN_FILE=token tradewind ls
    """
    from pydantic import ValidationError

    from tradewind.domain.errors import InvalidInputError
    from tradewind.domain.schemas_settings import TokenRequest

    try:
        request = TokenRequest(name=name, expires_in_days=days)
    except ValidationError:
        raise InvalidInputError(
            f"{name!r} is not a name for a token",
            hint="letters, digits, dots, dashes, underscores and blanks, at most 63",
        ) from None
    if dry_run:
        until = "until it is revoked" if days is None else f"for {days} days"
        app.say(f"A token {clean(name)} would be made, good {until}.")
        app.say("Dry run: nothing was made.")
        return
    made = app.client.create_token(request).model_dump(mode="json")
    render_document(app, made, lambda: str(made["secret"]), name="id")
    if is_for_people(app):
        app.hint("this is not shown again; `tradewind tokens revoke` makes it worthless")


@command("revoke")
@click.argument("names", nargs=-1, required=True)
@yes_option
@dry_run_option
def revoke(app: Application, names: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Make tokens worthless, or sign browsers out.

    A token is named by its name or id, a browser by its id.
    """
    found = _find(app.client.tokens().items, names)
    told = [f"{view.name} ({view.title})" for view in found]
    if dry_run:
        for text in told:
            app.say(f"{clean(text)} would be revoked")
        app.say("Dry run: nothing was revoked.")
        return
    own = " This command uses it itself." if any(view.is_current for view in found) else ""
    confirm(app, f"Revoke {clean(', '.join(told))}? What uses it is no longer let in.{own}", yes=yes)
    for view, text in zip(found, told, strict=True):
        app.client.revoke_token(view.id)
        app.put(f"{clean(text)} revoked")


def _find(known: list[TokenView], names: tuple[str, ...]) -> list[TokenView]:
    """Each token once. Browsers are often called the same, so their names find nothing."""
    from tradewind.domain.errors import NotFoundError

    by_name = {view.name: view for view in known if view.kind == "api"} | {view.id: view for view in known}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        raise NotFoundError(
            f"you have no token {unknown[0]!r}", hint="`tradewind tokens ls` lists what you have"
        )
    return list({by_name[name].id: by_name[name] for name in names}.values())
