"""Lists of nodes: narrowed and paged by the server, with how many there are of each kind."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select

from tradewind.control.node_money import burn_view
from tradewind.control.node_views import node_views
from tradewind.control.node_words import BADGES
from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.schemas_nodes import NodeFacets, NodeFacetView, NodeList
from tradewind.domain.status import NodeDesired, NodeStatus, has_ended

_N: Final = tables.nodes
_CURSOR: Final = re.compile(r"([01])-(node_[0-9A-Za-z]+)")
_ENDED: Final = [each.value for each in NodeStatus if has_ended(each)]
_IS_HELD: Final = exists().where(
    tables.allocations.c.node_id == _N.c.id, tables.allocations.c.released_at.is_(None)
)
#: The state of a node, as `node_words.state_of` tells it of a row.
STATE: Final[ColumnElement[str]] = case(
    (_N.c.status.in_(_ENDED), _N.c.status),
    (or_(_N.c.status == NodeStatus.TERMINATING, _N.c.desired == NodeDesired.END), "ending"),
    (_N.c.lost_since.is_not(None), "unreachable"),
    (_N.c.status.in_([NodeStatus.CREATING.value, NodeStatus.STARTING.value]), "starting"),
    (_IS_HELD, "in_use"),
    (_N.c.is_rented.is_(True), "idle"),
    else_="free",
)
_KINDS: Final = {"rented": "Rented", "own": "Your own"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a list of nodes is narrowed to; empty: everything."""

    is_all: bool = False
    states: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    kind: str | None = None


def node_page(
    tx: Transaction, caller: Caller, wanted: Wanted, keep_idle: timedelta, *, limit: int, cursor: str | None
) -> NodeList:
    """A page of nodes: those at hand first, then rented ones, newest first. Raises InvalidInputError."""
    base = visible_to(caller, _N)
    if not wanted.is_all:
        base = and_(base, _N.c.status.not_in(_ENDED))
    narrowed = _narrowed(base, wanted)
    statement = NodeRow.select().where(narrowed)
    if cursor is not None:
        statement = statement.where(_behind(cursor))
    rows = [
        NodeRow.of(row)
        for row in tx.execute(statement.order_by(_N.c.is_rented, _N.c.id.desc()).limit(limit + 1))
    ]
    page = rows[:limit]
    facets = _facets(tx, base)
    last = page[-1] if len(rows) > limit else None
    return NodeList(
        items=node_views(tx, page, keep_idle),
        next_cursor=None if last is None else f"{int(last.is_rented)}-{last.id}",
        facets=facets,
        matching=tx.execute(select(func.count()).select_from(_N).where(narrowed)).scalar_one(),
        total=sum(each.count for each in facets.kinds),
        burn=burn_view(tx, caller),
    )


def _narrowed(base: ColumnElement[bool], wanted: Wanted) -> ColumnElement[bool]:
    unknown = [each for each in wanted.states if each not in BADGES]
    if unknown:
        raise InvalidInputError(
            f"{', '.join(unknown)} is no state of a node", hint=f"narrow by any of {', '.join(BADGES)}"
        )
    found = [base]
    if wanted.states:
        found.append(STATE.in_(wanted.states))
    if wanted.providers:
        found.append(_N.c.provider.in_(wanted.providers))
    if wanted.kind is not None:
        found.append(_N.c.is_rented.is_(wanted.kind == "rented"))
    return and_(*found)


def _behind(cursor: str) -> ColumnElement[bool]:
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise InvalidInputError("the cursor is none", hint="take `next_cursor` of the page before, unchanged")
    is_rented, node_id = match[1] == "1", match[2]
    same = and_(_N.c.is_rented.is_(is_rented), _N.c.id < node_id)
    return same if is_rented else or_(same, _N.c.is_rented.is_(True))


def _facets(tx: Transaction, base: ColumnElement[bool]) -> NodeFacets:
    """Counted in one query over all that may be seen, whatever is narrowed to: a facet never hides its siblings."""
    state = STATE.label("state")
    inner = select(state, _N.c.provider, _N.c.is_rented).where(base).subquery()
    rows = tx.execute(
        select(inner.c.state, inner.c.provider, inner.c.is_rented, func.count()).group_by(
            inner.c.state, inner.c.provider, inner.c.is_rented
        )
    ).all()
    states: dict[str, int] = {}
    providers: dict[str, int] = {}
    kinds: dict[str, int] = {}
    for name, provider, is_rented, count in rows:
        for counts, key in ((states, name), (providers, provider), (kinds, "rented" if is_rented else "own")):
            counts[key] = counts.get(key, 0) + count
    return NodeFacets(
        states=[_facet(each, BADGES[each].label, states[each]) for each in BADGES if each in states],
        providers=[_facet(each, each, providers[each]) for each in sorted(providers)],
        kinds=[_facet(each, label, kinds[each]) for each, label in _KINDS.items() if each in kinds],
    )


def _facet(name: str, label: str, count: Any) -> NodeFacetView:
    return NodeFacetView(name=name, label=label, count=int(count))
