"""`tradewind connect PROVIDER` and `tradewind disconnect PROVIDER`."""

from __future__ import annotations

from typing import Any

import click

from tradewind.cli.application import Application
from tradewind.cli.connection_text import show_connection, show_steps
from tradewind.cli.credential_input import ask_for, read_lines, read_settings
from tradewind.cli.options import command, dry_run_option, output_options, yes_option
from tradewind.cli.questions import confirm
from tradewind.cli.render import clean, is_for_people, render_document
from tradewind.domain.errors import InvalidInputError


@command("connect")
@click.argument("provider")
@click.option(
    "--stdin", "from_stdin", is_flag=True, help="Read credentials as NAME=value lines from standard input."
)
@click.option(
    "--from-environment",
    is_flag=True,
    help="Use the variables of the server's environment; nothing is stored.",
)
@click.option(
    "--from-config",
    is_flag=True,
    help="Use the files of the vendor's own tool on the server's machine; nothing is stored.",
)
@click.option("--setting", "words", multiple=True, metavar="NAME=VALUE", help="A setting; may be repeated.")
@click.option(
    "--policy", is_flag=True, help="Print the least permissions that are needed, and do nothing else."
)
@dry_run_option
@output_options
def connect(
    app: Application,
    provider: str,
    from_stdin: bool,
    from_environment: bool,
    from_config: bool,
    words: tuple[str, ...],
    policy: bool,
    dry_run: bool,
) -> None:
    """Connect a provider: its credentials are examined, sealed and used from now on.

    They are asked for and not shown. They are never given as arguments, which others on the machine can see and the
    shell remembers.

    \b
    tradewind connect lambda
    tradewind connect lambda --stdin < file-with-NAME=value-lines
    tradewind connect aws --from-config --setting regions=us-east-1,eu-central-1
    tradewind connect aws --policy
    """
    view = app.client.provider(provider).model_dump(mode="json")
    if policy:
        _print_policies(app, view)
        return
    if from_stdin + from_environment + from_config > 1:
        raise InvalidInputError("say one of --stdin, --from-environment and --from-config")
    settings = read_settings(words)
    source = "environment" if from_environment else "config_file" if from_config else "stored"
    credentials = {}
    if from_stdin:
        credentials = read_lines()
    elif source == "stored" and not dry_run:
        if app.can_ask:
            for line in show_steps(view):
                app.say(line)
            app.say()
        credentials = ask_for(app, view)
    if dry_run:
        what = ", ".join(credentials) or source.replace("_", " ")
        app.say(
            f"{clean(view['title'])} would be examined with the credentials given ({what}), and connected."
        )
        app.say("Dry run: nothing was stored, and nobody was asked.")
        return
    answer = app.client.connect(view["id"], credentials, source=source, settings=settings)
    connection = answer.model_dump(mode="json")
    render_document(app, connection, lambda: show_connection(app, connection), name="provider")
    if is_for_people(app):
        app.hint(f"`tradewind offers --provider {view['id']}` shows what it has")


@command("disconnect")
@click.argument("provider")
@yes_option
@dry_run_option
def disconnect(app: Application, provider: str, yes: bool, dry_run: bool) -> None:
    """Disconnect a provider: its credentials are forgotten. Refused while machines are rented there."""
    view = app.client.connection(provider)
    if dry_run:
        app.say(f"{view.title} would be disconnected, and its credentials forgotten.")
        app.say("Dry run: nothing was changed.")
        return
    confirm(app, f"Disconnect {view.title}, and forget its credentials?", yes=yes)
    app.client.disconnect(view.provider)
    app.put(f"{view.provider} disconnected")


def _print_policies(app: Application, view: dict[str, Any]) -> None:
    policies = view["policies"]
    if not policies:
        raise InvalidInputError(
            f"{clean(view['title'])} has no policies: its keys can do all or nothing, or their rights are set by hand",
            hint=f"`tradewind providers show {view['id']}` says how to get a key",
        )
    for each in policies:
        app.say(f"{clean(each['title'])}. {clean(each['usage'])}")
        app.put("\n".join(map(clean, each["text"].rstrip().splitlines())))
