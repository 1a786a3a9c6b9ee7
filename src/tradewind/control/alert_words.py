"""Alerts and channels in words: how they are, when they fire again, what the caller may do with them."""

from __future__ import annotations

from typing import Any, Final

from tradewind.catalog.alert_texts import unit_of
from tradewind.catalog.alerts import AlertState
from tradewind.control.channel_kinds import KINDS
from tradewind.db.alert_rows import AlertRow, ChannelRow
from tradewind.domain.money import format_money
from tradewind.domain.schemas_alerts import AlertCondition, AlertKind, ChannelKindView
from tradewind.domain.schemas_shown import ActionView, BadgeView

_TITLES: Final = {
    "slack": "Slack", "discord": "Discord", "gchat": "Google Chat", "tgram": "Telegram", "webex": "Webex",
    "wxteams": "Webex", "pover": "Pushover", "pagerduty": "PagerDuty", "opsgenie": "Opsgenie", "workflow": "Teams",
    "workflows": "Teams", "zulip": "Zulip", "mailto": "E-mail", "mailtos": "E-mail", "ntfy": "ntfy", "ntfys": "ntfy",
    "gotify": "Gotify", "gotifys": "Gotify", "mmost": "Mattermost", "mmosts": "Mattermost", "rocket": "Rocket.Chat",
    "rockets": "Rocket.Chat", "https": "Webhook", "json": "JSON webhook", "jsons": "JSON webhook",
    "xml": "XML webhook", "xmls": "XML webhook", "form": "Form webhook", "forms": "Form webhook",
}  # fmt: skip
#: What most users have.
_FORMS: Final = (
    ("slack", "slack://TOKEN_A/TOKEN_B/TOKEN_C/#CHANNEL", "The three parts of an incoming webhook's address."),
    ("mailtos", "mailtos://USER:PASSWORD@HOST?to=ADDRESS", "An account that may send mail, and to whom."),
    ("https", "https://HOST/PATH", "A chat service's own webhook address, or any that takes JSON."),
    ("discord", "discord://WEBHOOK_ID/WEBHOOK_TOKEN", "The two parts of a webhook's address."),
    ("tgram", "tgram://BOT_TOKEN/CHAT_ID", "A bot's token, and the chat that it is in."),
    ("workflows", "workflows://HOST/WORKFLOW/SIGNATURE", "Microsoft Teams: a workflow that waits for a webhook."),
    ("ntfys", "ntfys://HOST/TOPIC", "A topic of ntfy, at ntfy.sh or a server of your own."),
    ("pagerduty", "pagerduty://INTEGRATION_KEY@API_KEY", "Calls whoever is on duty."),
)  # fmt: skip
_FAULT: Final = "the last message was not delivered"


def channel_kinds() -> tuple[list[ChannelKindView], list[str]]:
    """The kinds that most users have, and the others that are known."""
    items = [
        ChannelKindView(kind=kind, title=_TITLES[kind], form=form, help=about) for kind, form, about in _FORMS
    ]
    shown = {each.kind for each in items}
    return items, sorted(KINDS.keys() - shown)


def kind_title(kind: str) -> str:
    """A kind of channel in words."""
    return _TITLES.get(kind, kind)


def channel_badge(last_error: str | None, *, is_used: bool) -> BadgeView:
    """How a channel is, by its last message."""
    if last_error is not None:
        return BadgeView(label="Failing", tone="bad", icon="alert", explanation=last_error)
    if not is_used:
        return BadgeView(label="Nothing sent yet", tone="quiet", icon="question")
    return BadgeView(label="Working", tone="good", icon="check")


def delivery_badge(channel: str, state: str, error: str | None) -> BadgeView:
    """What became of a message on a channel."""
    if state == "sent":
        return BadgeView(label=f"Told {channel}", tone="good", icon="check")
    if state == "failed":
        return BadgeView(label=f"Not told: {channel}", tone="bad", icon="cross", explanation=error)
    return BadgeView(label=f"To be told: {channel}", tone="busy", icon="clock", explanation=error)


def channel_actions(channel: ChannelRow) -> list[ActionView]:
    """What may be done with a channel."""
    text = f"Remove the channel {channel.name}? It is taken out of alerts and budgets, and what waits is not sent."
    return [
        ActionView(id="test", label="Send test"),
        ActionView(id="remove", label="Remove", confirm=text, is_destructive=True),
    ]


def alert_badge(
    alert: AlertRow, condition: AlertCondition, state: AlertState, errors: list[Any], *, has_channel: bool
) -> BadgeView:
    """How an alert is: what keeps it from being told comes first."""
    if alert.is_muted:
        return BadgeView(label="Muted", tone="quiet", icon="moon", explanation="what it finds is kept")
    if errors:
        return BadgeView(
            label="Not delivered", tone="bad", icon="alert", explanation=f"{_FAULT}: {errors[0]}"
        )
    if state.matching == 0:
        return BadgeView(label="Nothing matches", tone="warning", icon="question")
    if state.problem:
        return BadgeView(label="Cannot fire", tone="warning", icon="alert", explanation=state.problem)
    if not has_channel:
        return BadgeView(label="Tells nobody", tone="warning", icon="alert", explanation="it has no channel")
    if _is_fired(condition, state):
        return BadgeView(label="Fired", tone="busy", icon="bolt", explanation=again_text(condition))
    return BadgeView(label="Watching", tone="good", icon="check")


def _is_fired(condition: AlertCondition, state: AlertState) -> bool:
    """True while what it waits for holds, and was told."""
    if condition.kind is AlertKind.PRICE_BELOW and condition.below_micro is not None:
        return bool(
            state.number and state.best_micro is not None and state.best_micro < condition.below_micro
        )
    return False


def again_text(condition: AlertCondition) -> str:
    """When an alert that has fired fires again."""
    step = condition.step_percent
    further = "" if step is None else f", or once it has fallen by a further {step:g} %"
    if condition.kind is AlertKind.PRICE_BELOW:
        return (
            f"fires again once the price was back above the limit by {condition.rearm_percent:g} %{further}"
        )
    if condition.kind is AlertKind.PRICE_DROP:
        return f"fires again on the next such drop{further}"
    return f"fires again once it was away, at most every {condition.quiet_minutes:g} minutes"


def now_text(condition: AlertCondition, state: AlertState) -> str:
    """What it sees now."""
    if state.matching is None:
        return "not looked at yet"
    parts = []
    if state.best_micro is not None:
        parts.append(f"now {format_money(state.best_micro)}{unit_of(condition)}")
    parts.append(f"{state.matching} offer{' matches' if state.matching == 1 else 's match'}")
    return ", ".join(parts)


def alert_actions(alert: AlertRow) -> list[ActionView]:
    """What may be done with an alert."""
    text = f"Remove the alert {alert.name}, with everything that it has found?"
    quiet = ActionView(id="unmute", label="Unmute") if alert.is_muted else ActionView(id="mute", label="Mute")
    return [
        ActionView(id="edit", label="Edit"),
        quiet,
        ActionView(id="remove", label="Remove", confirm=text, is_destructive=True),
    ]


def times(count: int) -> str:
    """`once`, `3 times`."""
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
