"""One offer in full, and a few side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import numpy as np

from tradewind.catalog.identity import has_real_price
from tradewind.control.explorer_order import in_order
from tradewind.control.explorer_rows import Rowing
from tradewind.control.goods import Goods, figures_of
from tradewind.control.offer_keys import find_rows
from tradewind.control.platforms import setup_instructions
from tradewind.control.shop import Shop
from tradewind.domain.errors import NotFoundError
from tradewind.domain.schemas_explorer import (
    ComparedLine,
    ExplorerRow,
    OfferComparison,
    OfferDetail,
    OfferQuestion,
    OffersQuestion,
    SetupView,
)
from tradewind.estimate.billing import billing_rule_of

_ALTERNATIVES: Final = 5
_NOT_KNOWN: Final = "–"


def offer_detail(goods: Goods, shop: Shop, question: OfferQuestion, now: datetime) -> OfferDetail:
    """One offer with what to know of its provider.

    Raises:
        InvalidInputError: the key has not the form of one.
        NotFoundError: there is no such offer any more.
    """
    (row,) = find_rows(goods.table, [question.offer])
    if row is None:
        raise NotFoundError(
            "this offer is not in the price lists any more",
            hint="look at the offers again: it was sold, withdrawn, or has another name now",
        )
    figures = figures_of(goods, question)
    rowing = Rowing(goods, figures, question, now)
    (view,) = rowing.rows(np.array([row], dtype=np.intp))
    setup = setup_instructions(shop, view.provider)
    return OfferDetail(
        row=view,
        pros=setup.pros,
        cons=[*setup.cons, *view.marks],
        setup=SetupView(
            title=setup.title, steps=setup.steps, api_docs=setup.api_docs, estimated_time=setup.estimated_time
        ),
        billing=_billing(view),
        alternatives=rowing.rows(_same_elsewhere(goods, row, in_order_of=lambda rows: in_order(
            goods, figures, rows, "total", descending=False))),
    )  # fmt: skip


def compare_offers(goods: Goods, question: OffersQuestion, now: datetime) -> OfferComparison:
    """Offers side by side, as asked for.

    Raises:
        InvalidInputError: a key has not the form of one.
    """
    keys = list(dict.fromkeys(question.offer))
    rows = find_rows(goods.table, keys)
    there = [row for row in rows if row is not None]
    items = Rowing(goods, figures_of(goods, question), question, now).rows(np.array(there, dtype=np.intp))
    return OfferComparison(
        items=items,
        lines=_lines(items) if items else [],
        gone=[key for key, row in zip(keys, rows, strict=True) if row is None],
    )


def _same_elsewhere(goods: Goods, row: int, in_order_of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The same number of the same accelerators on other terms or elsewhere, the lowest total of each place first."""
    table = goods.table
    same = table.codes["accelerator"] == table.codes["accelerator"][row]
    same = same & (table.numbers["accelerator_count"] == table.numbers["accelerator_count"][row])
    same = same & has_real_price(table)
    same[row] = False
    rows = in_order_of(np.flatnonzero(same))
    place = table.codes["provider"][rows] * np.int64(8) + table.numbers["market"][rows]
    _, first = np.unique(place, return_index=True)
    return rows[np.sort(first)][:_ALTERNATIVES]


def _billing(row: ExplorerRow) -> str:
    if row.is_own:
        return "Nothing is billed; what it costs is its electricity, or the rate that you gave."
    rule = billing_rule_of(row.provider, row.instance_type, row.accelerator is not None)
    unit = {1: "second", 60: "minute", 3600: "hour"}.get(rule.granularity_s, f"{rule.granularity_s} s")
    text = f"Billed by the {unit}" if rule.granularity_s in (1, 60, 3600) else f"Billed in steps of {unit}"
    if rule.minimum_s > rule.granularity_s:
        text += f", at least {rule.minimum_s / 60:g} min"
    text += ", also while it is set up" if len(rule.billed) > 1 else ", only while it trains"
    if rule.assumed:
        text += f" (not published, assumed: {', '.join(sorted(rule.assumed))})"
    return f"{text}."


def _lines(items: Sequence[ExplorerRow]) -> list[ComparedLine]:
    """What offers are compared by, line by line."""
    return [
        _line("Total", items, lambda each: each.total.text if each.total else _NOT_KNOWN,
              lambda each: each.total.micro if each.total else None),
        _line("Per hour", items, lambda each: each.price.text if each.price else _NOT_KNOWN,
              lambda each: each.price.micro if each.price else None),
        _line("Per GPU-hour", items, lambda each: each.gpu_price.text if each.gpu_price else _NOT_KNOWN,
              lambda each: each.gpu_price.micro if each.gpu_price else None),
        _line(f"Per hour's work of {items[0].work_unit}", items,
              lambda each: each.work.text if each.work else _NOT_KNOWN,
              lambda each: each.work.micro if each.work else None),
        _line("Starts", items, lambda each: each.start_text, lambda each: each.start_minutes),
        _line("Done in", items, lambda each: each.finish_text, lambda each: each.finish_hours),
        _line("CO2e", items, lambda each: each.carbon_text or _NOT_KNOWN, lambda each: each.carbon_g),
        _line("Availability", items, lambda each: each.availability.label),
        _line("Terms", items, lambda each: each.market_title),
        _line("GPUs", items, lambda each: each.title),
        _line("Memory per GPU", items, lambda each: f"{each.memory_gb:g} GB" if each.memory_gb else _NOT_KNOWN,
              lambda each: -each.memory_gb if each.memory_gb else None),
        _line("Machine", items, lambda each: each.instance_type or _NOT_KNOWN),
        _line("Specification", items, lambda each: each.specs or _NOT_KNOWN),
        _line("Region", items, lambda each: each.region or _NOT_KNOWN),
        _line("Price from", items, lambda each: f"{each.source}, {each.age.label.lower()}"),
        _line("Jobs can run there", items, _launch_text),
    ]  # fmt: skip


def _launch_text(row: ExplorerRow) -> str:
    return "Now" if row.launch.is_possible else row.launch.reason or "No"


def _line(
    label: str,
    items: Sequence[ExplorerRow],
    show: Callable[[ExplorerRow], str],
    figure: Callable[[ExplorerRow], float | None] | None = None,
) -> ComparedLine:
    """One line; `figure` is what is compared, lower being better. Where all are equal none is best."""
    best: list[int] = []
    if figure is not None:
        figures = [figure(each) for each in items]
        known = [each for each in figures if each is not None]
        if len(set(known)) > 1:
            best = [at for at, each in enumerate(figures) if each == min(known)]
    return ComparedLine(label=label, values=[show(each) for each in items], best=best)
