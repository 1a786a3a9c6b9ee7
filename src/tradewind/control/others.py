"""Who uses accelerators of a machine without this installation: what is known of it, and how it is said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import select

from tradewind.db import tables
from tradewind.db.rows import NodeRow
from tradewind.db.store import Transaction

#: So many are named in a sentence.
_NAMED: Final = 4


def without_own(tx: Transaction, inventory: dict[str, Any]) -> dict[str, Any]:
    """The inventory with those users only that are no attempt of this installation's."""
    users = inventory.get("in_use") or ()
    named = {each["attempt"] for each in users if each["attempt"]}
    if not named:
        return inventory
    table = tables.attempts
    own = set(tx.execute(select(table.c.id).where(table.c.id.in_(named))).scalars())
    return {**inventory, "in_use": [each for each in users if each["attempt"] not in own]}


def users_of(inventory: dict[str, Any], uuid: str) -> list[dict[str, Any]]:
    """The others who use one accelerator."""
    return [each for each in inventory.get("in_use") or () if each["uuid"] == uuid]


def taken_by_others(node: NodeRow, inventory: dict[str, Any]) -> set[str]:
    """The accelerators that are left to others: none where the machine's owner does not mind."""
    if ignores_others(node):
        return set()
    return {str(each["uuid"]) for each in inventory.get("in_use") or ()}


def ignores_others(node: NodeRow) -> bool:
    """Whether the machine's owner has said that accelerators are handed out though others use them."""
    return bool((node.offer or {}).get("ignores_others"))


def sentence_of(inventory: dict[str, Any], besides: Iterable[str] = ()) -> str | None:
    """`2 of 8 in use by others: ana (pid 4711)`; None when nobody is. `besides` are accelerators that do not count."""
    left_out = set(besides)
    known = {str(each["uuid"]) for each in inventory.get("accelerators") or ()}
    users = [
        each
        for each in inventory.get("in_use") or ()
        if each["uuid"] in known and each["uuid"] not in left_out
    ]
    if not users:
        return None
    count = len({each["uuid"] for each in users})
    return f"{count} of {len(known)} in use by others: {names_of(users)}"


def names_of(users: Sequence[dict[str, Any]]) -> str:
    """Who they are, each process once."""
    names = list(dict.fromkeys(f"{each['user'] or 'somebody'} (pid {each['pid']})" for each in users))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
