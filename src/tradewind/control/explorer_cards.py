"""The cards above the offers: the cheapest, the fastest and the recommended one, decided as `/api/cloud` decides.

Amounts are those of the rows. Without a filter on terms only machines that nobody takes away stand for a card: equal
hours would flatter spot; what spot would cost is said beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tradewind.catalog.identity import has_real_price, levels_of
from tradewind.control.explorer_rows import Rowing
from tradewind.control.explorer_words import hours_asked, hours_text, minutes_text, money, provider_title
from tradewind.control.goods import Figures, Goods, Rows
from tradewind.domain.offer_table import AVAILABILITIES, MARKETS
from tradewind.domain.offers import Market
from tradewind.domain.schemas_explorer import ExplorerQuery, OfferCard
from tradewind.estimate.cost_columns import NO_COST
from tradewind.hardware.names import cloud_gpu_name
from tradewind.placement.compare import (
    LOWEST_COST,
    Option,
    Place,
    Question,
    conclude,
    saved_share,
    show_percent,
)

_OWNED = MARKETS.index(Market.OWNED)
_SPOT = MARKETS.index(Market.SPOT)
_STEADY = (_OWNED, MARKETS.index(Market.ON_DEMAND))


@dataclass(frozen=True, slots=True)
class _Candidate:
    row: int
    option: Option


def cards_of(
    goods: Goods, figures: Figures, rows: Rows, query: ExplorerQuery, rowing: Rowing
) -> tuple[list[OfferCard], list[str]]:
    """The cards over these rows, and what to know of them."""
    able = _able(goods, figures, rows)
    standing = able if query.market else able[np.isin(goods.table.numbers["market"][able], _STEADY)]
    candidates = _candidates(goods, figures, standing)
    local = _local(goods, figures, candidates)
    notes: list[str] = []
    options = [each.option for each in candidates]
    answer = conclude(
        sorted(options, key=lambda each: (each.cost_micro, each.finish_minutes)),
        None if local is None else local.option,
        notes,
        Question(training_hours=query.hours),
    )
    cheapest, fastest, best = answer.cheapest, answer.fastest, answer.recommended
    if cheapest is None or fastest is None or best is None:
        return [], _notes(goods, figures, able, query)
    places = {id(each.option.place): each.row for each in candidates}
    chosen = [places[id(each.place)] for each in (cheapest, fastest, best)]
    views = rowing.rows(np.array(chosen, dtype=np.intp))
    headlines = (
        _headline(cheapest),
        f"Starts {_in(views[1].start_minutes)}, done in {views[1].finish_text}",
        _headline(best),
    )
    reasons = (
        _why_cheapest(goods, standing),
        f"The least waiting, setting up and training together: {hours_text(fastest.finish_minutes / 60)}.",
        f"{answer.reason}."
        if answer.reason != LOWEST_COST
        else "The cheapest, and nothing within 20 % of its cost sets up faster.",
    )
    cards = [
        OfferCard(
            kind=kind,
            title=kind.capitalize(),
            row=view,
            headline=headline,
            reason=reason,
            savings=_savings(option, None if local is None else local.option),
        )
        for kind, view, headline, reason, option in zip(
            ("cheapest", "fastest", "recommended"), views, headlines, reasons, (cheapest, fastest, best),
            strict=True,
        )
    ]  # fmt: skip
    return cards, [*notes, *_notes(goods, figures, able, query)]


def _able(goods: Goods, figures: Figures, rows: Rows) -> Rows:
    """Those that can win something: a whole accelerator where any has one, at a price that can be paid."""
    table = goods.table
    is_free = (table.numbers["price_micro"] <= np.int64(0)) & (table.numbers["market"] != _OWNED)
    fit = has_real_price(table) & ~is_free & (figures.costs.cost_p50_micro != NO_COST)
    kept = rows[fit[rows]]
    whole: Rows = kept[table.numbers["accelerator_count"][kept] >= np.float32(1)]
    return whole if len(whole) else kept


def _candidates(goods: Goods, figures: Figures, rows: Rows) -> list[_Candidate]:
    """The cheapest row of each provider, accelerator and availability: no other can win."""
    table, costs = goods.table, figures.costs
    key = table.codes["provider"][rows] * np.int64(max(len(table.words["accelerator"]), 1))
    key = (key + table.codes["accelerator"][rows]) * 8 + levels_of(table)[rows]
    order = np.lexsort((costs.wall_p50_h[rows], costs.cost_p50_micro[rows]))
    _, first = np.unique(key[order], return_index=True)
    # Times differ within a kind as well, where machines of another size are set up faster or do the work sooner.
    by_time = np.lexsort((costs.cost_p50_micro[rows], costs.wall_p50_h[rows]))
    _, soonest = np.unique(key[by_time], return_index=True)
    found = np.unique(np.concatenate([rows[order[first]], rows[by_time[soonest]]]))
    return [_candidate(goods, figures, row) for row in found.tolist()]


def _candidate(goods: Goods, figures: Figures, row: int) -> _Candidate:
    table, costs = goods.table, figures.costs
    accelerator = table.words["accelerator"][table.codes["accelerator"][row]]
    place = Place(
        platform=table.words["provider"][table.codes["provider"][row]],
        gpu=cloud_gpu_name(accelerator) if accelerator else "CPU",
        accelerator=accelerator or None,
        gpu_count=float(table.numbers["accelerator_count"][row]),
        rate_micro_per_hour=int(table.numbers["price_micro"][row]),
        availability=AVAILABILITIES[int(levels_of(table)[row])],
        setup_minutes=float(costs.setup_min[row]),
    )
    option = Option(place=place, hours=float(figures.hours[row]), cost_micro=int(costs.cost_p50_micro[row]))
    return _Candidate(row, option)


def _local(goods: Goods, figures: Figures, candidates: Sequence[_Candidate]) -> _Candidate | None:
    """The machine that savings are told against: the cheapest at hand, with an accelerator where one has."""
    own = np.arange(len(goods.own))
    able = own[figures.costs.cost_p50_micro[own] != NO_COST] if len(own) else own
    able = able[goods.table.numbers["accelerator_count"][able] >= np.float32(1)]
    if not len(able):
        return None
    row = int(able[np.argmin(figures.costs.cost_p50_micro[able])])
    known = next((each for each in candidates if each.row == row), None)
    return known or _candidate(goods, figures, row)


def _savings(option: Option, local: Option | None) -> str | None:
    if local is None or option.place == local.place:
        return None
    share = saved_share(option, local)
    if share is None:
        return None
    if share >= 0:
        return f"Saves {show_percent(share)} against your machine ({local.cost})."
    times = option.cost_micro / local.cost_micro
    more = f"{times:,.1f} times as much as" if times >= 2 else f"{show_percent(-share)} more than"
    return f"Costs {more} your machine ({local.cost})."


def _why_cheapest(goods: Goods, rows: Rows) -> str:
    places = len(np.unique(goods.table.codes["provider"][rows]))
    if len(rows) == 1:
        return "The only offer there is."
    where = "1 place" if places == 1 else f"{places} places"
    return f"The lowest total of {len(rows):,} offers at {where}."


def _notes(goods: Goods, figures: Figures, able: Rows, query: ExplorerQuery) -> list[str]:
    notes = []
    spot = able[goods.table.numbers["market"][able] == _SPOT]
    if query.market:
        if len(spot) and Market.SPOT in query.market:
            notes.append(
                "Spot machines can be taken back; their totals count the interruptions to be expected, with a "
                "checkpoint every 30 min."
            )
    elif len(spot):
        row = int(spot[np.argmin(figures.costs.cost_p50_micro[spot])])
        provider = goods.table.words["provider"][goods.table.codes["provider"][row]]
        cost = money(float(figures.costs.cost_p50_micro[row])).text
        notes.append(
            f"Spot from {cost} {_for_hours(query)} ({provider_title(provider)}), interruptions to be expected "
            "counted. The cards compare machines that nobody takes back."
        )
    unknown = int((figures.costs.cost_p50_micro == NO_COST).sum()) if query.on else 0
    if unknown:
        notes.append(
            f"{unknown:,} offers have a GPU whose speed nobody knows, or no price: they have no total and win nothing."
        )
    return notes


def _for_hours(query: ExplorerQuery) -> str:
    on = f" on {query.on}" if query.on else ""
    return (
        f"for {hours_asked(query.hours)}{on}" if not on else f"for what takes {hours_asked(query.hours)}{on}"
    )


def _headline(option: Option) -> str:
    return f"{money(option.cost_micro).text} for {hours_asked(round(option.hours, 2))}"


def _in(minutes: float) -> str:
    text = minutes_text(minutes)
    return text if text == "at once" else f"in {text}"
