"""Figures of costs in words: shares, energy, carbon, how an amount is known, which jobs are behind it."""

from __future__ import annotations

from typing import Final, Literal

from tradewind.control.money_views import money_view
from tradewind.control.prediction_views import show_hours
from tradewind.domain.money import JOULES_PER_KWH
from tradewind.domain.schemas_overview import CostGroup, GroupChoice
from tradewind.domain.schemas_shown import BadgeView
from tradewind.hardware.names import short_name
from tradewind.ledger.reports import GROUPS, Spend

KNOWN_BY: Final = {
    "modelled": BadgeView(
        label="Estimated", tone="quiet", icon="question",
        explanation="worked out from time and price, or from modelled energy; no invoice has confirmed it",
    ),
    "metered": BadgeView(
        label="Metered", tone="good", icon="bolt", explanation="by a meter that could be read on the machine"
    ),
    "billed": BadgeView(label="Billed", tone="good", icon="check", explanation="by a provider's invoice"),
    "mixed": BadgeView(
        label="Mixed", tone="quiet", icon="swap", explanation="part of it is known in one way, part in another"
    ),
}  # fmt: skip
_EMPTY: Final = {
    "job": "no job",
    "accelerator": "no accelerator",
    "team": "no team",
    "kind": "no kind",
}
_KINDS: Final = {
    "compute": "jobs",
    "idle": "idle machines",
    "orphan": "machines that belonged to nothing",
    "correction": "corrections by invoice",
}
_LABELS: Final = {
    "project": "Project",
    "team": "Team",
    "provider": "Provider",
    "user": "User",
    "job": "Job",
    "accelerator": "Accelerator",
    "kind": "Kind",
    "day": "Day",
}
#: How the list of jobs is narrowed to what is behind a group.
_JOBS_QUERY: Final = {"provider": "provider", "user": "creator", "accelerator": "accelerator", "job": "name"}


def group_label(by: str, value: str) -> str:
    """What a group is called."""
    if by == "kind":
        return _KINDS.get(value, value)
    if by == "accelerator" and value:
        return short_name(value)
    if value:
        return value
    return _EMPTY.get(by, f"without {by.removeprefix('tag:')}" if by.startswith("tag:") else "not known")


def group_choices(tags: list[str]) -> list[GroupChoice]:
    """All that spend can be grouped by."""
    named = [GroupChoice(name=each, label=_LABELS[each]) for each in GROUPS]
    return named + [GroupChoice(name=f"tag:{tag}", label=f"Tag {tag}") for tag in tags]


def group_view(by: str, value: str, spend: Spend, total_micro: int) -> CostGroup:
    """One group with all its figures as text."""
    share = spend.amount_micro / total_micro if total_micro > 0 else 0.0
    basis: Literal["metered", "modelled", "mixed", "billed"] = "modelled"
    if spend.basis == "metered":
        basis = "metered"
    elif spend.basis == "mixed":
        basis = "mixed"
    elif spend.basis == "billed":
        basis = "billed"
    hours, kwh = spend.seconds / 3600, spend.energy_j / JOULES_PER_KWH
    return CostGroup(
        group={by: value} if by else {},
        label=group_label(by, value) if by else "all of it",
        jobs=spend.jobs,
        hours=hours,
        amount=money_view(spend.amount_micro),
        energy_kwh=kwh,
        carbon_grams=spend.carbon_mg / 1000,
        basis=basis,
        accelerator_hours=spend.accelerator_hours,
        idle=money_view(spend.idle_micro),
        share=share,
        share_text=percent_text(share),
        hours_text=hours_text(spend),
        energy_text=f"{kwh:,.1f} kWh" if kwh >= 1 else f"{kwh * 1000:,.0f} Wh",
        carbon_text=carbon_text(spend.carbon_mg / 1000),
        known_by=KNOWN_BY[basis],
        jobs_query=jobs_query(by, value),
    )


def jobs_query(by: str, value: str) -> dict[str, str] | None:
    """The parameters of the list of jobs that shows what is behind a group."""
    if not value:
        return None
    if by.startswith("tag:"):
        return {"tag": f"{by.removeprefix('tag:')}={value}"}
    name = _JOBS_QUERY.get(by)
    return None if name is None else {name: value}


def hours_text(spend: Spend) -> str:
    """`388 GPU-h`, or the hours of machines where no accelerator was held."""
    if spend.accelerator_hours > 0:
        return f"{spend.accelerator_hours:,.1f} GPU-h"
    return show_hours(spend.seconds / 3600)


def carbon_text(grams: float) -> str:
    """`98 kg CO2e`."""
    if grams >= 1_000_000:
        return f"{grams / 1_000_000:,.2f} t CO2e"
    return f"{grams / 1000:,.1f} kg CO2e" if grams >= 1000 else f"{grams:,.0f} g CO2e"


def percent_text(share: float) -> str:
    """`8.2 %`; what is there and rounds to nothing is said to be little."""
    percent = 100 * share
    if 0 < percent < 0.1:
        return "< 0.1 %"
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.1f} %"
