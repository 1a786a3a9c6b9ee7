"""Why jobs wait, in a word, and what would let them begin sooner. Pure."""

from __future__ import annotations

from typing import Final

from tradewind.domain.money import format_money
from tradewind.domain.schemas_queue import HelpView
from tradewind.domain.schemas_shown import BadgeView
from tradewind.domain.status import Reason
from tradewind.spec.models import JobSpec
from tradewind.spec.resources import Resources, Spot

_NOT_LOOKED_AT: Final = BadgeView(label="Waiting", tone="quiet", icon="clock")
_BADGES: Final = {
    Reason.WAITING_FOR_BUDGET: BadgeView(label="Waiting for budget", tone="warning", icon="lock"),
    Reason.WAITING_FOR_CAPACITY: BadgeView(label="Machines busy", tone="busy", icon="clock"),
    Reason.WAITING_FOR_RETRY: BadgeView(label="Trying again soon", tone="warning", icon="swap"),
    Reason.WAITING_FOR_SPOT: BadgeView(label="Waiting for spot", tone="quiet", icon="clock"),
    Reason.NO_CAPACITY: BadgeView(label="No capacity", tone="warning", icon="clock"),
    Reason.NO_QUOTA: BadgeView(label="No quota", tone="warning", icon="lock"),
    Reason.NO_OFFER: BadgeView(label="Nowhere to run", tone="warning", icon="alert"),
}


def waiting_badge(reason: Reason | None, explanation: str | None) -> BadgeView:
    """Why it waits, in a word or two."""
    shown = _NOT_LOOKED_AT if reason is None else _BADGES.get(reason, _NOT_LOOKED_AT)
    return shown.model_copy(update={"explanation": explanation})


def what_helps(spec: JobSpec, reason: Reason | None) -> list[HelpView]:
    """What would let it begin sooner, the most likely first; empty where only time does."""
    if reason is Reason.WAITING_FOR_BUDGET:
        return [
            HelpView(text="raise the budget that is named, or wait for its next period", link="/budgets"),
            HelpView(text="stop something that counts in it", link="/jobs"),
        ]
    if reason is Reason.WAITING_FOR_SPOT:
        return [HelpView(text="`resources.spot: never` begins at once at the on-demand price")]
    if reason is Reason.NO_QUOTA:
        return [HelpView(text="ask the provider for more quota"), *_looser(spec), *_CONNECT]
    if reason is Reason.WAITING_FOR_CAPACITY:
        return [
            HelpView(text="it begins when a job on a machine at hand ends", link="/nodes"),
            *_looser(spec),
            *_CONNECT,
        ]
    if reason in (Reason.NO_CAPACITY, Reason.NO_OFFER):
        return [*_constraints(spec), *_looser(spec), *_CONNECT]
    return []


_CONNECT: Final = (
    HelpView(text="connect another provider, or add a machine of your own", link="/connections"),
)


def _looser(spec: JobSpec) -> list[HelpView]:
    each = [help_ for one in spec.resources.alternatives() for help_ in _looser_one(one)]
    found = [help_ for place, help_ in enumerate(each) if help_ not in each[:place]]
    if spec.resources.any_of:
        found.append(HelpView(text="name another alternative in `resources.any_of`"))
    return found


def _looser_one(resources: Resources) -> list[HelpView]:
    found = []
    if resources.spot is Spot.ONLY:
        found.append(HelpView(text="allow on-demand machines: `resources.spot: auto`"))
    if resources.providers:
        found.append(HelpView(text=f"allow other providers than {', '.join(resources.providers)}"))
    if resources.regions:
        found.append(HelpView(text=f"allow other regions than {', '.join(resources.regions)}"))
    if resources.accelerators:
        names = " or ".join(str(each) for each in resources.accelerators)
        found.append(HelpView(text=f"allow other accelerators than {names}", link="/offers"))
    return found


def _constraints(spec: JobSpec) -> list[HelpView]:
    limits, found = spec.constraints, []
    if limits.max_price_micro_usd_per_hour is not None:
        most = format_money(limits.max_price_micro_usd_per_hour)
        found.append(HelpView(text=f"allow more than {most} an hour: `constraints.max_price`"))
    if limits.budget_micro_usd is not None:
        found.append(
            HelpView(text=f"allow more than {format_money(limits.budget_micro_usd)}: `constraints.budget`")
        )
    if limits.min_reliability is not None:
        found.append(
            HelpView(
                text=f"allow a reliability below {limits.min_reliability:g}: `constraints.min_reliability`"
            )
        )
    if limits.deadline is not None:
        found.append(HelpView(text="allow a later `constraints.deadline`"))
    return found
