"""In which order offers are shown. What is not known comes last, whichever way round."""

from __future__ import annotations

import numpy as np

from tradewind.catalog.identity import levels_of, usable_memory_gb
from tradewind.catalog.query import availability_order, payable, per_accelerator
from tradewind.control.goods import Figures, Floats, Goods, Rows
from tradewind.domain.schemas_explorer import ExplorerSort
from tradewind.estimate.cost_columns import NO_COST


def in_order(goods: Goods, figures: Figures, rows: Rows, sort: ExplorerSort, *, descending: bool) -> Rows:
    """These rows in order; equal ones stand by their total, their price, and then as in the table."""
    values = _values(goods, figures, rows, sort)
    if descending:
        values = np.where(np.isfinite(values), -values, values)
    price = payable(goods.table)[rows]
    return rows[np.lexsort((price, _totals(figures, rows), values))]


def _values(goods: Goods, figures: Figures, rows: Rows, sort: ExplorerSort) -> Floats:
    """Per row what it is sorted by, lower first; infinite where it is not known."""
    table, costs = goods.table, figures.costs
    match sort:
        case "total":
            return _totals(figures, rows)
        case "price":
            price = payable(table)[rows].astype(np.float64)
            return np.where(price >= np.iinfo(np.int64).max, np.inf, price)
        case "gpu_price":
            return per_accelerator(table)[rows]
        case "work":
            return np.nan_to_num(figures.work_micro[rows], nan=np.inf)
        case "start":
            return costs.wait_min[rows] + costs.setup_min[rows]
        case "finish":
            return np.nan_to_num(costs.wall_p50_h[rows], nan=np.inf)
        case "availability":
            order: Floats = availability_order()[levels_of(table)[rows]].astype(np.float64)
            return order
        case "memory":
            return -np.nan_to_num(usable_memory_gb(table)[rows].astype(np.float64), nan=-np.inf)
        case "provider":
            rank = np.argsort(np.argsort(np.array(table.words["provider"], dtype=object)))
            return rank[table.codes["provider"][rows]].astype(np.float64)
        case "age":
            seen = table.numbers["seen_at"][rows].astype(np.float64)
            # What is at hand was seen just now.
            return np.where(rows < len(goods.own), -1e18, np.where(seen > 0, -seen, np.inf))


def _totals(figures: Figures, rows: Rows) -> Floats:
    cost = figures.costs.cost_p50_micro[rows].astype(np.float64)
    return np.where(cost == NO_COST, np.inf, cost)
