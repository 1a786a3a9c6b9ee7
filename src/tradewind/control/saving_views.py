"""What was saved, in words, with what that rests on."""

from __future__ import annotations

from typing import Literal

from tradewind.control.local_alternative import Here, against_local
from tradewind.control.money_views import money_view
from tradewind.control.prediction_views import show_hours
from tradewind.domain.money import format_money
from tradewind.domain.schemas_overview import Savings
from tradewind.ledger.reports import Rented
from tradewind.ledger.savings import Otherwise, against_on_demand

_ON_DEMAND = (
    "the same machines for the same billed time, at the price on demand that was seen as each was rented; "
    "steps and minimums of billing are taken to be the same"
)


def savings_views(times: list[Rented], here: Here | None) -> list[Savings]:
    """Against renting on demand, and against a machine at hand."""
    return [_on_demand(times), _local(times, here)]


def _on_demand(times: list[Rented]) -> Savings:
    found = against_on_demand(times)
    if not times:
        return _nothing("on_demand", "on demand", "nothing was rented in this range", _ON_DEMAND)
    if not found.actual_micro and not found.otherwise_micro:
        text = "no price on demand was written down for what was rented"
        return _nothing("on_demand", "on demand", text, _ON_DEMAND)
    return _shown("on_demand", "on demand", found, "renting on demand", _ON_DEMAND)


def _local(times: list[Rented], here: Here | None) -> Savings:
    label = "on a machine at hand"
    if here is None:
        text = "no machine at hand has an accelerator whose speed is known"
        basis = "name an accelerator to compare with one that you could buy"
        return _nothing("local", label, text, basis)
    basis = (
        f"the same work on {here.text}, by the published speed of both, at {here.price_text}; whether it "
        "fits into its memory is not looked at, and buying the machine is not counted"
    )
    found, hours, there = against_local(times, here)
    if not times:
        return _nothing("local", label, "nothing was rented in this range", basis)
    if not hours:
        return _nothing("local", label, "what was rented has no accelerator whose speed is known", basis)
    shown = _shown("local", label, found, f"{here.text}", basis)
    took = f"; it took {show_hours(hours)} and would have taken {show_hours(there)} there"
    return shown.model_copy(update={"text": shown.text + took})


def _shown(
    against: Literal["on_demand", "local"], label: str, found: Otherwise, other: str, basis: str
) -> Savings:
    saved = found.saved_micro
    if saved >= 0:
        percent = "" if found.percent is None else f", {found.percent:.0f} %"
        text = f"{format_money(saved)} less than {other}{percent}"
    else:
        text = f"{format_money(-saved)} more than {other}"
    if found.left_out_micro:
        basis += f"; {format_money(found.left_out_micro)} could not be compared and is left out"
    return Savings(
        against=against,
        label=label,
        is_comparable=True,
        actual=money_view(found.actual_micro),
        otherwise=money_view(found.otherwise_micro),
        saved=money_view(saved),
        percent=found.percent,
        headline=f"{format_money(saved)} saved" if saved >= 0 else f"{format_money(-saved)} more",
        text=text,
        basis=basis,
    )


def _nothing(against: Literal["on_demand", "local"], label: str, text: str, basis: str) -> Savings:
    zero = money_view(0)
    return Savings(
        against=against,
        label=label,
        is_comparable=False,
        actual=zero,
        otherwise=zero,
        saved=zero,
        headline="not comparable",
        text=text,
        basis=basis,
    )
