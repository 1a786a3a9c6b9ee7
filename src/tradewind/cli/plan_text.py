"""A plan in words, figures and bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from tradewind.cli.bars import draw_bar
from tradewind.cli.render import clean
from tradewind.cli.wording import show_carbon, show_money, show_number
from tradewind.domain.units import format_bytes

Row = Mapping[str, Any]

_BAR: Final = 10
_RULED_OUT_SHOWN: Final = 6


def show_plan(plan: Row) -> str:
    """Where it would run, for how much, why, what else there is, and what was ruled out."""
    lines = [f"Plan for job {clean(plan['job_name'])}  {plan['id']}"]
    if offer := plan.get("chosen"):
        lines.append(_show_chosen(plan, offer))
    lines.append(f"  why  {clean(plan['reason'])}")
    lines += _show_market(plan)
    if not plan.get("exclusions"):
        lines += [
            f"  ruled out  {x['provider']} {x['instance_type']}: {clean(x['explanation'])}"
            for x in plan["excluded"]
        ]
    if plan.get("carbon_grams_estimate") is not None:
        lines.append(f"  carbon  ~{show_carbon(plan['carbon_grams_estimate'])}")
    if plan.get("queue_ahead"):
        lines.append(f"  queue  {plan['queue_ahead']} ahead")
    lines += [f"warning: {clean(warning)}" for warning in plan["warnings"]]
    return "\n".join(lines)


def _show_chosen(plan: Row, offer: Row) -> str:
    hardware = offer.get("accelerators") or f"{show_number(offer['cpus'])} CPUs"
    hours = f"est. {show_number(plan['hours'])} h" if plan.get("hours") is not None else "duration unknown"
    money = show_money(plan["cost_estimate"]) if plan.get("cost_estimate") else "cost unknown"
    most = f" (max {show_money(plan['cost_max'])})" if plan.get("cost_max") else ""
    return (
        f"  1  {offer['provider']}  {offer['instance_type']}  {hardware}, {format_bytes(offer['memory_bytes'])}"
        f"  {offer['region']}  {offer['market']}  {show_money(offer['price_per_hour'])}/h  {hours}  {money}{most}"
    )


def _show_market(plan: Row) -> list[str]:
    """What only a plan over a market has."""
    lines = []
    if place := plan.get("place"):
        lines += _show_place(place)
    for more in plan.get("more_places") or []:
        lines.append(f"  and  {more['tasks']} tasks at {_name(more)}")
    if best := plan.get("best_anywhere"):
        lines.append(
            f"  best anywhere  {_name(best)}{_cost_of(best)}: {clean(plan.get('best_reason') or '')}"
        )
        lines += [f"    to use it  {clean(best['how_to_connect'])}"] if best.get("how_to_connect") else []
        lines += _show_difference(best)
    if regret := plan.get("regret"):
        lines.append(_show_regret(regret))
    if runners_up := plan.get("runners_up"):
        lines.append(
            f"  also fit  {plan['offers_fitting']:,} of {plan['offers_seen']:,} offers; the next best"
        )
        lines += _table(runners_up, plan.get("place") or plan.get("best_anywhere"))
    lines += _show_exclusions(plan.get("exclusions") or [])
    changes = plan.get("what_would_change") or []
    lines += [f"  would change it  {clean(each['text'])}" for each in changes]
    return lines


def _show_place(place: Row) -> list[str]:
    lines = []
    if int(place.get("nodes") or 1) > 1:
        lines.append(f"  nodes  {place['nodes']} at once; price, cost and carbon are of all together")
    if hours := place.get("hours"):
        lines.append(
            f"  hours  {show_number(hours['p50'])} (8 of 10 runs: {show_number(hours['p10'])} to "
            f"{show_number(hours['p90'])}), {hours['layer']}: {clean(hours['basis'])}"
        )
    if parts := place.get("cost_parts"):
        named = [f"{name} {show_money(parts[name])}" for name in parts if parts[name]["micro"]]
        lines.append(f"  cost  {' + '.join(named) or 'nothing'}")
    if place["risk"] >= 0.01:
        reasons = (
            f": {'; '.join(clean(each) for each in place['risk_reasons'])}" if place["risk_reasons"] else ""
        )
        lines.append(f"  risk  {draw_bar(place['risk'], 1.0, _BAR)} {place['risk']:.0%}{reasons}")
    lines += [f"  note  {clean(note)}" for note in place.get("notes") or []]
    return lines


def _show_regret(regret: Row) -> str:
    text = f"  if wrong  {show_money(regret['cost_p90'])} in one run of ten"
    if regret["regret_p90"]["micro"]:
        text += f", {show_money(regret['regret_p90'])} more than the cheapest would cost then"
    if regret.get("if_interrupted"):
        text += f"; {show_money(regret['if_interrupted'])} if the machine is taken back at the worst moment"
    return text


def _show_difference(place: Row) -> list[str]:
    lines = []
    for word in ("better", "worse"):
        if place.get(word):
            lines.append(f"    {word}  {', '.join(clean(each) for each in place[word])}")
    return lines


def _show_exclusions(groups: Sequence[Row]) -> list[str]:
    largest = sorted(groups, key=lambda group: -group["count"])
    lines = [
        f"  ruled out  {group['count']:>7,}  {group['constraint']}: {clean(group['explanation'])}"
        for group in largest[:_RULED_OUT_SHOWN]
    ]
    if more := len(groups) - _RULED_OUT_SHOWN:
        lines += [f"  ruled out  by {more} more constraints, see -o json"] if more > 0 else []
    return lines


def _table(places: Sequence[Row], anchor: Row | None) -> list[str]:
    """One line per place; the bar is its cost beside the dearest shown."""
    costs = [place["cost"]["micro"] for place in places if place.get("cost")]
    if anchor is not None and anchor.get("cost"):
        costs.append(anchor["cost"]["micro"])
    most = max(costs, default=0)
    rows = [_cells(place, most) for place in places]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for place, row in zip(places, rows, strict=True):
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        lines.append(f"    {cells}")
        said = [
            *(f"+ {clean(each)}" for each in place["better"]),
            *(f"- {clean(each)}" for each in place["worse"]),
        ]
        lines += [f"      {', '.join(said)}"] if said else []
    return lines


def _cells(place: Row, most_micro: int) -> list[str]:
    offer, cost = place["offer"], place.get("cost")
    wall = place.get("wall_hours")
    return [
        offer["provider"],
        offer.get("accelerators") or offer["instance_type"],
        offer["region"],
        offer["market"].replace("_", "-"),
        f"{show_money(offer['price_per_hour'])}/h",
        "" if wall is None else f"{show_number(wall)} h",
        "" if cost is None else show_money(cost),
        "" if cost is None or not most_micro else draw_bar(cost["micro"], most_micro, _BAR),
        "pareto" if place.get("is_pareto") else "",
        "" if place["is_runnable"] else "not connected",
    ]


def _name(place: Row) -> str:
    offer = place["offer"]
    kind = offer.get("accelerators") or offer["instance_type"]
    return f"{offer['provider']}  {kind}  {offer['region']}  {offer['market']}  {show_money(offer['price_per_hour'])}/h"


def _cost_of(place: Row) -> str:
    return f"  {show_money(place['cost'])}" if place.get("cost") else ""
