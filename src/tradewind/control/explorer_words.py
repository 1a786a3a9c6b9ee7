"""Labels of the offers page: availability, age, time, marks of a price, whether a job can be launched there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tradewind.domain.money import format_money
from tradewind.domain.offers import Availability, Market
from tradewind.domain.schemas import MoneyView
from tradewind.domain.schemas_explorer import LaunchView
from tradewind.domain.schemas_shown import BadgeView, Icon, Tone
from tradewind.estimate.billing import wait_time
from tradewind.providers.about import all_abouts

MARKET_TITLES: Final[dict[str, str]] = {
    Market.OWNED: "Own machine",
    Market.ON_DEMAND: "On demand",
    Market.SPOT: "Spot",
    Market.RESERVED: "Reserved",
}
_LEVELS: Final[dict[Availability, tuple[str, Tone, Icon, str]]] = {
    Availability.HIGH: ("High", "good", "check", "It can be had now."),
    Availability.MEDIUM: ("Medium", "busy", "clock", "It may take some tries."),
    Availability.LOW: ("Low", "warning", "alert", "Others often have it."),
    Availability.UNAVAILABLE: (
        "Unavailable",
        "bad",
        "cross",
        "It is sold out, or was refused a short while ago.",
    ),
    Availability.UNKNOWN: (
        "Unknown",
        "quiet",
        "question",
        "The provider does not say whether it can be had.",
    ),
}
_AGES: Final[tuple[tuple[timedelta, str, Tone, Icon], ...]] = (
    (timedelta(hours=1), "Fresh", "good", "check"),
    (timedelta(days=1), "Today", "quiet", "clock"),
    (timedelta(days=14), "Days old", "quiet", "clock"),
)
_MARKS: Final[dict[str, str]] = {
    "no_price": "Nobody names a price that can be believed.",
    "placeholder": "The number in the list stands for “not known”.",
    "host_excluded": "Only the accelerators have a price, not the machine that takes them.",
    "host_included": "The machine around the accelerators was added to their price.",
    "spot_equals_on_demand": "Spot costs no less than on demand here.",
    "mean": "The mean of what the provider asks for this accelerator, not the price of one machine.",
    "median": "The median of what the provider asks for this accelerator, not the price of one machine.",
    "from": "The least that the provider asks for this accelerator, not the price of one machine.",
    "scaled": "The price of one accelerator times their number; this machine itself is not in the list.",
    "term_1y": "Reserved for a year; the price is spread over its hours.",
    "community": "Hosted by others, not by the provider.",
    "unverified": "Not verified by the provider.",
}


def availability_badge(level: Availability) -> BadgeView:
    """How likely it is to be had now: text, tone and picture say the same."""
    label, tone, icon, text = _LEVELS[level]
    wait = wait_time(level).p50
    if level is not Availability.HIGH:
        text = f"{text} Waiting is taken as {minutes_text(wait)}; nobody publishes it."
    return BadgeView(label=label, tone=tone, icon=icon, explanation=text)


def availability_title(level: Availability) -> str:
    """`High`."""
    return _LEVELS[level][0]


def age_badge(seen_at: datetime | None, now: datetime, source: str) -> BadgeView:
    """How old a price is, in a word."""
    said = f"The price is from {source}." if source else None
    if seen_at is None:
        return BadgeView(label="Unknown age", tone="quiet", icon="question", explanation=said)
    for limit, label, tone, icon in _AGES:
        if now - seen_at <= limit:
            return BadgeView(label=label, tone=tone, icon=icon, explanation=said)
    days = (now - seen_at).days
    return BadgeView(
        label="Old", tone="warning", icon="alert", explanation=f"{said or ''} It is {days} days old.".strip()
    )


def marks_of(flags: str) -> list[str]:
    """What to know of a price, in sentences; a mark that only its list knows is given as it is."""
    return [_MARKS.get(flag, flag.replace("_", " ")) for flag in flags.split(",") if flag]


def provider_title(provider: str) -> str:
    """The name that a provider gives itself; the id where only price lists know it."""
    about = all_abouts().get(provider)
    return provider if about is None else about.title


def launch_view(provider: str, runnable: frozenset[str]) -> LaunchView:
    """Whether a job can run there now; where not, what would have to happen."""
    if provider in runnable:
        return LaunchView(is_possible=True)
    about = all_abouts().get(provider)
    if about is None or not about.can_run:
        title = provider_title(provider)
        return LaunchView(
            is_possible=False,
            reason=f"This version compares the prices of {title}; it cannot run jobs there.",
        )
    return LaunchView(is_possible=False, reason=f"Connect {about.title} first.", connect_provider=provider)


def money(micro: float) -> MoneyView:
    """An amount of dollars with its text."""
    whole = round(micro)
    return MoneyView(micro=whole, text=format_money(whole))


def minutes_text(minutes: float) -> str:
    """`at once`, `6 min`, `1.5 h`, `2 days`."""
    if minutes < 1:
        return "at once"
    if minutes < 90:
        return f"{round(minutes)} min"
    return hours_text(minutes / 60)


def hours_text(hours: float) -> str:
    """`45 min`, `10.1 h`, `4.2 days`."""
    if hours < 1:
        return f"{max(round(hours * 60), 1)} min"
    if hours < 72:
        return f"{hours:.1f} h".replace(".0 h", " h")
    return f"{hours / 24:,.1f} days".replace(".0 days", " days")


def hours_asked(hours: float) -> str:
    """`10 h`, as the user wrote it."""
    return f"{hours:,.6g} h"


def carbon_text(grams: float) -> str:
    """`2.9 kg CO2e`."""
    if grams >= 1_000_000:
        return f"{grams / 1_000_000:,.3g} t CO2e"
    return f"{grams / 1000:.3g} kg CO2e" if grams >= 1000 else f"{grams:.3g} g CO2e"


def accelerators_text(title: str | None, count: float) -> str:
    """`8x H100 SXM`, `H100 SXM`, `1/7 A100 80GB`, `No accelerator`."""
    if not title or count <= 0:
        return "No accelerator"
    if count == 1:
        return title
    if count < 1:
        parts = round(1 / count)
        return f"1/{parts} {title}" if abs(count * parts - 1) < 0.01 else f"{count:.2g} {title}"
    return f"{count:g}x {title}"
