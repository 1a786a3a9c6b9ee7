"""Tidies machines of the user's own: what an attempt has left there goes once it has ended and all of it is here.

What lies on the machine is compared with the rows, time and again: nothing has to be remembered, and what a crash left
undone is done by the next look.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from sqlalchemy import select

from tradewind.control.context import Context
from tradewind.db import tables
from tradewind.db.rows import NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import ProviderError

log = structlog.get_logger(__name__)
_GRACE_S: Final = 10.0


class Tidier:
    """Tidies beside whatever else is done with a machine: to remove much takes its time, and nothing waits for it."""

    def __init__(self, context: Context) -> None:
        self._context = context
        #: Machines that are being tidied.
        self._busy: set[str] = set()

    def begin(self, node: NodeRow) -> None:
        """Begins to tidy the machine, unless that goes on already."""
        if node.id in self._busy:
            return
        self._busy.add(node.id)
        task = asyncio.ensure_future(self._tidy(node))
        self._context.background.add(task)
        task.add_done_callback(self._context.background.discard)

    async def _tidy(self, node: NodeRow) -> None:
        try:
            await tidy(self._context, node)
        except (ProviderError, OSError) as error:
            log.info("tidying.put_off", node=node.id, error=repr(error))
        finally:
            self._busy.discard(node.id)


async def tidy(context: Context, node: NodeRow) -> list[str]:
    """Removes what can go, and stops what nobody wants any more. Returns the attempts that were removed.

    Attempts that no row tells of belong to another installation, and are left alone. So is what is left of one that
    was given up with its machine: nobody has fetched it.

    Raises ProviderError when the machine cannot be reached.
    """
    host = context.machine_of(node)
    there = await host.survey()
    names = [*there.running, *there.left]
    if not names:
        return []
    ended, collected = await context.store.read(lambda tx: _ended(tx, node, names))
    for name, handle in there.running.items():
        if name in ended:
            # Its machine was given up and is back.
            log.warning("tidying.orphan_stopped", node=node.id, attempt=name)
            await host.stop(handle, "fenced", _GRACE_S)
    removed = []
    for name, handle in there.left.items():
        if name not in collected:
            continue
        try:
            await host.forget(handle)
        except ProviderError as error:
            log.warning("tidying.not_removed", node=node.id, attempt=name, error=error.message)
        else:
            removed.append(name)
    return removed


def _ended(tx: Transaction, node: NodeRow, names: list[str]) -> tuple[set[str], set[str]]:
    """Those of the attempts that have ended, and those of them of which everything was fetched."""
    table = tables.attempts
    rows = tx.execute(
        select(table.c.id, table.c.node_id, table.c.exit_code, table.c.signal).where(
            table.c.id.in_(names), table.c.ended_at.is_not(None)
        )
    ).all()
    # On a machine that is still there an attempt does not end before all of it is here. Of one that was removed, and
    # added again, only those count that were seen to end.
    collected = {
        str(row.id)
        for row in rows
        if row.node_id == node.id or row.exit_code is not None or row.signal is not None
    }
    return {str(row.id) for row in rows}, collected
