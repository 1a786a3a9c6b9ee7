"""The sweeper: finds machines that carry this installation's mark and belong to nothing, and gives them back.

A machine becomes one when a call was answered to nobody and repeated, when a paused process woke up and made what
another had made meanwhile, or when the database was restored from a backup. It gets a row like any other, so that it
is given back by the same controller, and what it cost is written to the ledger.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import insert, select, update

from tradewind.control.context import Context
from tradewind.control.loops import SWEEP
from tradewind.control.offer_json import offer_to_json
from tradewind.control.runner import Apply
from tradewind.db import tables
from tradewind.db.rows import LoopRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Offer
from tradewind.domain.status import REASON_TEXT, NodeDesired, NodeStatus, Reason
from tradewind.providers.base import MachinePhase, OwnedMachine

log = structlog.get_logger(__name__)
EVERY: Final = timedelta(minutes=3)
#: An orphan is given back when it has been one for so long: whatever was under way is done by then.
GRACE: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A machine that belongs to nothing, and what it costs per hour where that is known."""

    machine: OwnedMachine
    name: str
    like: NodeRow | None

    @property
    def micro_per_hour(self) -> int:
        """0 where nobody knows."""
        offer = self.like.offer if self.like is not None else None
        return int(offer["rate"]["micro_per_unit"]) if offer else 0


class SweepController:
    """Looks over one provider at a time: its loop is called `sweep:` and the provider's id."""

    row_type = LoopRow

    def __init__(self, context: Context) -> None:
        self._context = context

    async def act(self, row: LoopRow) -> Apply[LoopRow]:
        provider_id = row.id.removeprefix(SWEEP)
        provider = self._context.machines.get(provider_id)
        if provider is None:
            return lambda tx, _loop: tx.now + EVERY
        # Listed first and compared afterwards: what is made in between has its row by then.
        listed = await provider.list_owned()

        def apply(tx: Transaction, loop: LoopRow) -> datetime:
            orphans = find_orphans(tx, self._context.installation_id, provider_id, listed)
            first_seen: dict[str, float] = loop.state.get("seen") or {}
            seen = {each.name: first_seen.get(each.name, tx.now.timestamp()) for each in orphans}
            taken = saved = 0
            for orphan in orphans:
                is_old = tx.now.timestamp() - seen[orphan.name] >= GRACE.total_seconds()
                if is_old or orphan.machine.phase is MachinePhase.GONE:
                    adopt(tx, provider_id, orphan)
                    saved += orphan.micro_per_hour
                    del seen[orphan.name]
                    taken += 1
            state = {
                **loop.state,
                "seen": seen,
                "swept_at": tx.now.isoformat(),
                "listed": len(listed),
                "given_back": int(loop.state.get("given_back", 0)) + taken,
                "saved_micro_per_hour": int(loop.state.get("saved_micro_per_hour", 0)) + saved,
            }
            tx.execute(update(tables.loops).where(tables.loops.c.id == loop.id).values(state=state))
            return tx.now + EVERY

        return apply


def find_orphans(
    tx: Transaction, installation_id: str, provider_id: str, listed: list[OwnedMachine]
) -> list[Orphan]:
    """Those of the machines listed that carry the installation's mark and belong to nothing that is known."""
    mark = f"{installation_id}/"
    mine = [each for each in listed if each.key.startswith(mark)]
    if not mine:
        return []
    table = tables.nodes
    is_here = (table.c.is_rented.is_(True)) & (table.c.provider == provider_id)
    rows = tx.execute(NodeRow.select().where(is_here, table.c.key.in_([each.key for each in mine])))
    by_key = {node.key: node for node in map(NodeRow.of, rows)}
    names = {_name_of(each) for each in mine}
    known = set(tx.execute(select(table.c.name).where(is_here, table.c.name.in_(names))).scalars())
    found = []
    for machine in mine:
        node = by_key.get(machine.key)
        name = _name_of(machine)
        if name in known or _belongs(node, machine):
            continue
        found.append(Orphan(machine, name, node))
    return found


def _belongs(node: NodeRow | None, machine: OwnedMachine) -> bool:
    if node is None:
        return False
    if node.status is NodeStatus.CREATING:
        # Its controller has yet to find or adopt it.
        return True
    if node.handle != machine.handle.values:
        return False
    return node.status is not NodeStatus.GONE or machine.phase is MachinePhase.GONE


def _name_of(machine: OwnedMachine) -> str:
    digest = hashlib.sha256(json.dumps(machine.handle.values, sort_keys=True).encode()).hexdigest()
    return f"orphan-{digest[:24]}"


def adopt(tx: Transaction, provider_id: str, orphan: Orphan) -> None:
    """Gives the machine a row that is to end: from here on it is like any other that nobody needs."""
    log.warning("sweeper.orphan", provider=provider_id, key=orphan.machine.key, name=orphan.name)
    like = orphan.like
    project_id, creator_id = _owner(tx) if like is None else (like.project_id, like.creator_id)
    text = REASON_TEXT[Reason.ORPHAN]
    offer: dict[str, Any] = _unknown_offer(provider_id) if like is None or like.offer is None else like.offer
    tx.execute(
        insert(tables.nodes).values(
            id=tx.new_id(ids.NODE), project_id=project_id, creator_id=creator_id, provider=provider_id,
            name=orphan.name, inventory={}, is_rented=True, status=NodeStatus.TERMINATING, desired=NodeDesired.END,
            reason=Reason.ORPHAN, explanation=text, key=f"{orphan.machine.key}#{orphan.name[7:19]}", offer=offer,
            handle=orphan.machine.handle.values, observed={"asked_at": tx.now.timestamp()}, accepted_at=tx.now,
            created_at=tx.now, last_seen_at=tx.now, next_due_at=tx.now,
        )
    )  # fmt: skip
    tx.wake(tables.nodes.name)


def _unknown_offer(provider_id: str) -> dict[str, Any]:
    """Of a machine that no row tells of: what it costs is what the provider says it cost."""
    return offer_to_json(
        Offer(
            provider=provider_id, region="", zone=None, instance_type="unknown", cpus=0, memory_bytes=0, disk_bytes=0,
            market="on_demand", rate=Rate(micro_per_unit=0, per=Quantity.HOUR),
        )
    )  # fmt: skip


def _owner(tx: Transaction) -> tuple[str, str]:
    project = tx.execute(select(tables.projects.c.id).order_by(tables.projects.c.id).limit(1)).scalar_one()
    user = tx.execute(select(tables.users.c.id).order_by(tables.users.c.id).limit(1)).scalar_one()
    return str(project), str(user)
