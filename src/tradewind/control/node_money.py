"""What nodes cost: an hour now, so far, and all of them together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select

from tradewind.control.money_views import money_view
from tradewind.control.node_words import state_of
from tradewind.control.rent_money import prices_of, rent_until
from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.budgets import Period, span_of
from tradewind.domain.money import format_money
from tradewind.domain.schemas_nodes import BurnPart, BurnView
from tradewind.domain.status import NodeStatus, has_ended
from tradewind.ledger.rates import rate_of

_BASIS: Final = (
    "rented machines at their price now, also while they boot, idle or are given back; "
    "machines of your own at what their running jobs cost at full load"
)
_LABELS: Final = {
    "rented": "rented, with a job",
    "idle": "rented, without a job",
    "ending": "being given back",
    "own": "your own machines",
}


def hourly_micro(node: NodeRow, now: datetime) -> int:
    """What an hour of a rented machine costs now; 0 while nobody has it, and once it is gone."""
    if not node.is_rented or node.offer is None or has_ended(node.status):
        return 0
    if node.status is NodeStatus.CREATING or not rent_until(node, now):
        return 0
    return _price(node)


def _price(node: NodeRow) -> int:
    prices = prices_of(node)
    return prices[-1][1] if prices else rate_of(node.offer or {}).micro_per_unit


def rent_views(node: NodeRow, now: datetime) -> dict[str, Any]:
    """Price and cost of a rented machine, as its view has them."""
    assert node.offer is not None
    currency = rate_of(node.offer).currency
    # What earlier jobs had of it is settled; once it has ended, everything is.
    so_far = int(node.observed.get("settled_micro", 0))
    so_far += sum(each.amount_micro for each in rent_until(node, node.ended_at or now))
    cost = money_view(so_far if node.status is not NodeStatus.REFUSED else 0, currency)
    price = money_view(_price(node), currency)
    return {
        "price_per_hour": price,
        "cost": cost,
        "price_text": f"{price.text}/h" if not has_ended(node.status) else f"was {price.text}/h",
        "cost_text": f"{cost.text} in all" if has_ended(node.status) else f"{cost.text} so far",
    }


def own_views(node: NodeRow, hourly: int, month: int) -> dict[str, Any]:
    """The same of a machine of one's own, which is paid for only while jobs run."""
    rate = (node.offer or {}).get("rate")
    if rate is not None:
        how = f"{format_money(rate_of(node.offer or {}).micro_per_unit)}/h for all of it while jobs hold it"
    else:
        how = "electricity of what its jobs draw"
    now = f"up to {format_money(hourly)}/h now" if hourly else "$0.00/h now"
    return {"price_text": f"{now}: {how}", "cost_text": f"{format_money(month)} this month"}


def own_hourly(tx: Transaction, node_ids: list[str]) -> dict[str, int]:
    """What an hour of what runs on machines of one's own costs at full load, by node."""
    if not node_ids:
        return {}
    held, attempts = tables.reservations, tables.attempts
    rows = tx.execute(
        select(attempts.c.node_id, func.sum(held.c.hourly_micro))
        .join(attempts, attempts.c.id == held.c.attempt_id)
        .where(held.c.released_at.is_(None), attempts.c.node_id.in_(node_ids))
        .group_by(attempts.c.node_id)
    )
    return {str(row[0]): int(row[1]) for row in rows}


def own_month(tx: Transaction, node_ids: list[str]) -> dict[str, int]:
    """What machines of one's own have cost this month (UTC), by node."""
    if not node_ids:
        return {}
    ledger = tables.ledger
    rows = tx.execute(
        select(ledger.c.node_id, func.sum(ledger.c.amount_micro))
        .where(ledger.c.node_id.in_(node_ids), ledger.c.ended_at >= span_of(Period.MONTH, tx.now).start)
        .group_by(ledger.c.node_id)
    )
    return {str(row[0]): int(row[1]) for row in rows}


def burn_view(tx: Transaction, caller: Caller) -> BurnView:
    """What an hour of all that the caller's project has costs now. Two queries."""
    nodes, held = tables.nodes, tables.reservations
    ended = [each.value for each in NodeStatus if has_ended(each)]
    live = [
        NodeRow.of(row)
        for row in tx.execute(
            NodeRow.select().where(visible_to(caller, nodes), nodes.c.is_rented, nodes.c.status.not_in(ended))
        )
    ]
    parts: defaultdict[str, list[int]] = defaultdict(list)
    for node in live:
        state = state_of(node, is_held=node.attempt_id is not None)
        name = state if state in ("idle", "ending") else "rented"
        parts[name].append(hourly_micro(node, tx.now))
    own = tx.execute(
        select(func.sum(held.c.hourly_micro), func.count()).where(
            visible_to(caller, held), held.c.released_at.is_(None), held.c.market == "owned"
        )
    ).one()
    shown = [_part(name, parts[name]) for name in ("rented", "idle", "ending") if parts[name]]
    if own[1]:
        shown.append(_part("own", [int(own[0])]).model_copy(update={"machines": 0}))
    total = sum(each.per_hour.micro for each in shown)
    return BurnView(
        per_hour=money_view(total),
        text=f"{format_money(total)}/h now",
        parts=shown,
        basis=_BASIS,
    )


def _part(name: Any, hourly: Iterable[int]) -> BurnPart:
    each = list(hourly)
    return BurnPart(name=name, label=_LABELS[name], machines=len(each), per_hour=money_view(sum(each)))
