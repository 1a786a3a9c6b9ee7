"""Connections in words: how they are, and what the caller may do with them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final

from tradewind.db.connection_rows import ConnectionRow
from tradewind.domain.schemas_connections import ConnectionState
from tradewind.domain.schemas_shown import ActionView, BadgeView
from tradewind.providers.about import EXPIRES_ON, About

#: Credentials that run out sooner are worth a word.
SOON: Final = timedelta(days=14)
#: In which order providers are shown.
GROUPS: Final = {
    "trouble": "Need attention",
    "connected": "Connected",
    "available": "Ready to connect",
    "own": "Your own machines",
    "prices": "Prices only: this version runs no jobs there",
}


def expires_at(row: ConnectionRow) -> datetime | None:
    """When the credentials run out, as far as whoever connected them has said: the end of that day, UTC."""
    said = row.settings.get(EXPIRES_ON.name)
    if not said:
        return None
    try:
        day = datetime.strptime(str(said), "%Y-%m-%d").date()
    except ValueError:
        return None
    return datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)


def connection_badge(row: ConnectionRow, problem: str | None, now: datetime) -> BadgeView:
    """How a connection is."""
    if row.state == ConnectionState.REFUSED:
        return BadgeView(
            label="Invalid",
            tone="bad",
            icon="cross",
            explanation=row.error or "the provider did not take the credentials when they were last examined",
        )
    if problem is not None:
        return BadgeView(label="Not usable here", tone="bad", icon="alert", explanation=problem)
    end = expires_at(row)
    if end is not None and end <= now:
        text = f"the credentials ran out on {row.settings[EXPIRES_ON.name]}, as was said when they were given"
        return BadgeView(label="Expired", tone="bad", icon="clock", explanation=text)
    if end is not None and end - now <= SOON:
        text = f"the credentials run out after {row.settings[EXPIRES_ON.name]}: connect again with new ones"
        return BadgeView(label="Expiring", tone="warning", icon="clock", explanation=text)
    if row.error is not None:
        return BadgeView(label="Last look failed", tone="warning", icon="alert", explanation=row.error)
    if row.state == ConnectionState.PRICES_ONLY:
        text = "the credentials are used for prices; this version rents nothing there"
        return BadgeView(label="Prices only", tone="quiet", icon="plug", explanation=text)
    missing = list((row.account or {}).get("missing") or [])
    if missing:
        text = f"it is used, but may not do everything: {', '.join(map(str, missing))}"
        return BadgeView(label="Permissions missing", tone="warning", icon="lock", explanation=text)
    return BadgeView(label="Connected", tone="good", icon="check")


def provider_badge(about: About, *, is_here: bool, hosts: int | None) -> BadgeView:
    """How a provider is that has no connection. `hosts` counts machines over SSH, of the provider that has them."""
    if is_here:
        return BadgeView(label="Ready", tone="good", icon="check", explanation="it needs no connection")
    if hosts is not None:
        label = f"{hosts} machine{'' if hosts == 1 else 's'}" if hosts else "No machine yet"
        return BadgeView(label=label, tone="good" if hosts else "quiet", icon="check" if hosts else "plug")
    if not about.can_run:
        text = "its prices are compared; this version cannot run jobs there yet"
        return BadgeView(label="Cannot run yet", tone="quiet", icon="moon", explanation=text)
    return BadgeView(label="Not connected", tone="quiet", icon="plug")


def group_of(about: About, badge: BadgeView, *, has_connection: bool) -> str:
    """Under which heading a provider is shown."""
    if about.kind == "owned":
        return "own"
    if has_connection:
        return "trouble" if badge.tone in ("bad", "warning") else "connected"
    return "available" if about.can_run else "prices"


def connection_actions(about: About, *, has_connection: bool) -> list[ActionView]:
    """What the caller may do with a provider's connection."""
    if about.kind == "owned":
        return []
    if not has_connection:
        return [ActionView(id="connect", label="Connect")]
    return [
        ActionView(id="validate", label="Validate now"),
        ActionView(id="connect", label="Replace credentials"),
        ActionView(
            id="disconnect",
            label="Disconnect",
            confirm=f"Forget the credentials of {about.title}? Nothing is rented there any more. It is refused while "
            "machines are rented, because nobody could give them back.",
            is_destructive=True,
        ),
    ]
