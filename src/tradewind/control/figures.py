"""The arithmetic of a decision in words: each figure with its name and unit."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from tradewind.control.prediction_views import show_hours
from tradewind.domain.money import format_money
from tradewind.domain.schemas_moves import FigureView
from tradewind.domain.schemas_shown import BadgeView

_LABELS: Final = {
    "place": "Here",
    "other": "The best other place",
    "stay_micro": "To finish here",
    "move_micro": "To finish there, with the move",
    "saving_micro": "Saves",
    "saving_share": "Saves of what is left to pay",
    "needed_share": "Must save at least",
    "threshold": "Asked for by the job",
    "price_per_hour_micro": "Price here",
    "price_per_hour": "Price",
    "other_price_per_hour_micro": "Price there",
    "hours_left": "Left to do",
    "hours_left_from": "Known from",
    "hours_left_p90": "Left to do, nine times in ten",
    "other_hours_left": "Left to do there",
    "hours_done_again": "Done again since the last checkpoint",
    "setup_hours": "Setting up there",
    "egress_micro": "Bringing the data out",
    "termination_micro": "Until the old machine is gone",
    "deadline": "Deadline",
    "share_done": "Done",
    "look_again_by": "Decided again by",
    "is_guaranteed": "Holds the deadline for sure",
    "weighed": "Weighed",
    "runners_up": "Next in line",
    "cost_p50_micro": "Likely cost of the whole job",
    "cost_p90_micro": "Cost, nine times in ten below",
    "hours_p50": "Likely to take",
}
_KINDS: Final = {
    "place": BadgeView(label="Placed", tone="busy", icon="plug"),
    "wait": BadgeView(label="Waits", tone="quiet", icon="clock"),
    "migrate": BadgeView(label="Moves", tone="busy", icon="swap"),
    "stay": BadgeView(label="Stays", tone="quiet", icon="check"),
}


def figures_of(arithmetic: dict[str, Any]) -> list[FigureView]:
    """Every figure, in the order in which it was written down; what is absent or empty is left out."""
    found = []
    for key, value in arithmetic.items():
        if value is None or value in ("", [], {}):
            continue
        label = _LABELS.get(key, key.removesuffix("_micro").replace("_", " ").capitalize())
        found.append(FigureView(label=label, text=_text(key, value)))
    return found


def decision_badge(kind: str) -> BadgeView:
    """What was decided, in a word."""
    return _KINDS[kind]


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_item(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(name, each)}" for name, each in value.items())
    if isinstance(value, int | float):
        return _number(key, value)
    return _moment(str(value)) if key in ("deadline", "look_again_by") else str(value)


def _number(key: str, value: float) -> str:
    if key.endswith("_micro"):
        return format_money(round(value)) + ("/h" if "per_hour" in key else "")
    if "hours" in key:
        return show_hours(float(value))
    if key.endswith("share") or key in ("share_done", "threshold"):
        return f"{value:.0%}"
    return f"{value:g}"


def _item(value: Any) -> str:
    """A place in a list, with its price where that is known."""
    if not isinstance(value, dict):
        return str(value)
    price = value.get("price_per_hour_micro")
    name = str(value.get("place") or value.get("name") or "")
    market = f" ({value['market']})" if value.get("market") else ""
    return f"{name}{market}" + ("" if price is None else f" at {format_money(price)}/h")


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"
