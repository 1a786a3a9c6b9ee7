"""`tradewind alerts …`: be told of prices."""

from __future__ import annotations

from typing import Any, Final

import click

from tradewind.cli.alert_options import condition_options, read_condition
from tradewind.cli.application import Application
from tradewind.cli.commands.channels import say_test
from tradewind.cli.lazy import Lazy, LazyGroup
from tradewind.cli.options import command, dry_run_option, output_options, yes_option
from tradewind.cli.questions import confirm
from tradewind.cli.render import Column, Row, clean, is_for_people, render_document, render_rows
from tradewind.cli.wording import show_age, show_money

_AT: Final = "tradewind.cli.commands.alerts:"
_PREVIEW_DAYS: Final = 30


@click.group(
    "alerts",
    cls=LazyGroup,
    sections={
        "Look": {
            "ls": Lazy(_AT + "list_alerts", "List your alerts, and what each saw last."),
            "firings": Lazy(
                _AT + "firings", "Show what an alert has found, and whether the message arrived."
            ),
        },
        "Act": {
            "add": Lazy(_AT + "add", "Add an alert; --dry-run shows how often it would have fired."),
            "rm": Lazy(_AT + "remove", "Remove alerts with their history."),
            "mute": Lazy(_AT + "mute", "Tell nobody any more; what is found is still kept."),
            "unmute": Lazy(_AT + "unmute", "Tell again, from the next change on."),
            "test": Lazy(_AT + "send_test", "Send a test message to the channels of an alert."),
        },
    },
)
def alerts() -> None:
    """Be told when a price falls or an offer is available again."""


@command("ls")
@output_options
def list_alerts(app: Application) -> None:
    """List your alerts, and what each saw last."""
    rows = [item.model_dump(mode="json") for item in app.client.alerts().items]
    columns = [
        Column("NAME", lambda row: row["name"]),
        Column("WAITS FOR", lambda row: row["summary"], is_text=True),
        Column("NOW", lambda row: show_money(row["best_price"]), is_number=True),
        Column("OFFERS", _offers_of, is_number=True),
        Column("FIRED", lambda row: str(row["fired_count"]), is_number=True),
        Column("LAST", lambda row: show_age(row["fired_at"], app.now()), is_number=True),
        Column("TELLS", _told_on),
        Column("NOTE", lambda row: "; ".join(row["notes"]), is_text=True),
    ]
    render_rows(app, rows, columns, name="name", empty="no alerts; `tradewind alerts add -h` shows how")


@command("add")
@click.argument("name")
@condition_options
@click.option(
    "--channel", "channels", multiple=True, metavar="NAME", help="Tell on this channel; may be repeated."
)
@click.option("--muted", is_flag=True, help="Keep what it finds, and tell nobody.")
@dry_run_option
@output_options
def add(
    app: Application, name: str, channels: tuple[str, ...], muted: bool, dry_run: bool, **options: Any
) -> None:
    """Add an alert; --dry-run shows how often it would have fired.

    \b
    tradewind alerts add cheap --gpu H100 --below 2 --channel slack
    tradewind alerts add falls --gpu A100-80GB --drop 10% --window 7d
    tradewind alerts add back --gpu H100 --count 8 --available --provider lambda
    """
    condition = read_condition(options)
    if dry_run:
        answer = app.client.preview_alert(condition, days=_PREVIEW_DAYS).model_dump(mode="json")
        render_document(app, answer, lambda: _show_preview(answer))
        app.say("Dry run: no alert was added.")
        return
    from pydantic import ValidationError

    from tradewind.domain.errors import InvalidInputError
    from tradewind.domain.schemas_alerts import AlertRequest

    try:
        request = AlertRequest(name=name, condition=condition, channels=list(channels), is_muted=muted)
    except ValidationError as error:
        raise InvalidInputError(
            f"{name!r} is not a name for an alert: {error.errors()[0]['msg']}",
            hint="letters, digits, dots, dashes and underscores, at most 64",
        ) from None
    view = app.client.add_alert(request).model_dump(mode="json")
    render_document(app, view, lambda: _show_alert(view), name="name")
    if is_for_people(app) and not channels:
        app.hint("it tells nobody yet: `tradewind channels add NAME`, then add it with --channel NAME")


@command("rm")
@click.argument("names", nargs=-1, required=True)
@yes_option
@dry_run_option
def remove(app: Application, names: tuple[str, ...], yes: bool, dry_run: bool) -> None:
    """Remove alerts with their history."""
    found = [app.client.alert(name) for name in names]
    if dry_run:
        for view in found:
            app.say(f"{view.name} ({view.summary}) would be removed, with {view.fired_count} findings")
        app.say("Dry run: nothing was removed.")
        return
    confirm(app, f"Remove {', '.join(view.name for view in found)}?", yes=yes)
    for view in found:
        app.client.remove_alert(view.id)
        app.put(f"{view.name} removed")


@command("mute")
@click.argument("name")
@dry_run_option
@output_options
def mute(app: Application, name: str, dry_run: bool) -> None:
    """Tell nobody any more; what is found is still kept."""
    _set_muted(app, name, is_muted=True, dry_run=dry_run)


@command("unmute")
@click.argument("name")
@dry_run_option
@output_options
def unmute(app: Application, name: str, dry_run: bool) -> None:
    """Tell again, from the next change on."""
    _set_muted(app, name, is_muted=False, dry_run=dry_run)


@command("test")
@click.argument("name")
@dry_run_option
@output_options
def send_test(app: Application, name: str, dry_run: bool) -> int:
    """Send a test message to the channels of an alert."""
    told = app.client.alert(name).channels
    if not told:
        app.say(f"{name} has no channel")
        return 1
    if dry_run:
        for channel in told:
            app.say(f"{channel.name} ({channel.kind}) would be sent a test message")
        app.say("Dry run: nothing was sent.")
        return 0
    return say_test(app, [app.client.test_channel(channel.id).model_dump(mode="json") for channel in told])


@command("firings")
@click.argument("name")
@click.option("-n", "limit", type=click.IntRange(1, 500), default=20, show_default=True, help="How many.")
@output_options
def firings(app: Application, name: str, limit: int) -> None:
    """Show what an alert has found, and whether the message arrived."""
    rows = [item.model_dump(mode="json") for item in app.client.firings(name, limit=limit).items]
    columns = [
        Column("NO", lambda row: str(row["number"]), is_number=True),
        Column("AGE", lambda row: show_age(row["at"], app.now()), is_number=True),
        Column("FOUND", lambda row: row["title"], is_text=True),
        Column("TOLD", _delivered, is_text=True),
    ]
    render_rows(app, rows, columns, empty="it has found nothing yet")


def _set_muted(app: Application, name: str, *, is_muted: bool, dry_run: bool) -> None:
    if dry_run:
        view = app.client.alert(name)
        how = "muted" if is_muted else "unmuted"
        app.say(
            f"{view.name} is {how} already" if view.is_muted is is_muted else f"{view.name} would be {how}"
        )
        app.say("Dry run: nothing was changed.")
        return
    change = app.client.mute_alert if is_muted else app.client.unmute_alert
    document = change(name).model_dump(mode="json")
    render_document(app, document, lambda: _show_alert(document), name="name")


def _show_alert(row: Row) -> str:
    lines = [f"{clean(row['name'])}  {clean(row['summary'])}  tells {_told_on(row)}"]
    lines += [f"  note  {clean(note)}" for note in row["notes"]]
    return "\n".join(lines)


def _show_preview(answer: Row) -> str:
    times = "once" if answer["fired_count"] == 1 else f"{answer['fired_count']} times"
    lines = [f"It would have fired {times} in the last {answer['days']} days."]
    lines += [
        f"  {each['at'][:16].replace('T', ' ')}  {clean(each['title'])}" for each in answer["firings"][:10]
    ]
    lines += [f"  note  {clean(note)}" for note in answer["notes"]]
    return "\n".join(lines)


def _told_on(row: Row) -> str:
    if row["is_muted"]:
        return "nobody (muted)"
    return ", ".join(channel["name"] for channel in row["channels"]) or "nobody"


def _offers_of(row: Row) -> str:
    return "-" if row["matching_offers"] is None else f"{row['matching_offers']:,}"


def _delivered(row: Row) -> str:
    if row["was_muted"]:
        return "muted"
    parts = [
        f"{each['channel']} {each['state']}" + (f": {each['error']}" if each["error"] else "")
        for each in row["deliveries"]
    ]
    return "; ".join(parts) or "nobody"
