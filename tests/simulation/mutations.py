"""Deliberate bugs. A simulation that does not find them could not find others either."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any, Final
from unittest.mock import patch

from sqlalchemy import Table, delete, select, update

from tradewind.control import gangs, leases, market, money, rentals, renting
from tradewind.control.attempts import AttemptController
from tradewind.control.gang_starts import GangStart
from tradewind.control.gangs import GangSteps
from tradewind.control.offer_json import offer_from_json
from tradewind.control.rentals import RentalController
from tradewind.db import tables
from tradewind.db.moves import change
from tradewind.db.rows import NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.status import AttemptStatus, NodeStatus, Reason
from tradewind.providers.base import Handle, MachinePhase, MachineProvider, MachineView


@contextmanager
def skip_the_intent() -> Iterator[None]:
    """A machine is rented without the row that says so beforehand."""

    def rent_without(tx: Transaction, *arguments: Any) -> Any:
        made = renting.rent(tx, *arguments)
        intents, nodes = tables.intents, tables.nodes
        mine = select(nodes.c.id).where(nodes.c.attempt_id == made)
        tx.execute(delete(intents).where(intents.c.node_id.in_(mine)))
        return made

    with patch.object(market, "rent", rent_without):
        yield


@contextmanager
def ignore_the_fencing_token() -> Iterator[None]:
    """The outcome of a step is written whoever holds the row by then."""

    def reread_held(tx: Transaction, row_type: Any, tokens: dict[str, str]) -> dict[str, Any]:
        rows = tx.execute(row_type.select().where(row_type.table.c.id.in_(sorted(tokens))))
        return {row.id: row_type.of(row) for row in rows}

    with patch.object(leases, "reread_held", reread_held):
        yield


@contextmanager
def create_again_without_looking() -> Iterator[None]:
    """A create whose answer was lost is repeated at once, whatever the provider declares."""

    async def find(self: RentalController, row: NodeRow, provider: MachineProvider) -> Any:
        keep_until = leases.claimed_at(row) + rentals.KEEP
        handle = await provider.create(offer_from_json(row.offer or {}), row.key or "", keep_until)
        return lambda tx, node: rentals._accept(tx, node, handle, keep_until)

    with patch.object(RentalController, "_find", find):
        yield


@contextmanager
def forget_to_release_a_reservation() -> Iterator[None]:
    """Money stays held for what has ended."""
    with patch.object(money, "let_go", lambda *_: None):
        yield


@contextmanager
def renew_a_lost_lease() -> Iterator[None]:
    """A heartbeat takes the row back from whoever has it by now."""

    def extend(tx: Transaction, table: Table, row_id: str, token: str, lease: timedelta) -> bool:
        values = {"lease_token": token, "lease_expires_at": tx.now + lease}
        tx.execute(update(table).where(table.c.id == row_id).values(**values))
        return True

    with patch.object(leases, "extend", extend):
        yield


@contextmanager
def call_it_gone_when_asked() -> Iterator[None]:
    """A machine is written off as soon as it was told to go."""

    async def end(self: RentalController, row: NodeRow, provider: MachineProvider) -> Any:
        await provider.terminate(Handle(row.handle or {}))
        view = MachineView(phase=MachinePhase.GONE)
        return lambda tx, node: rentals._gone(tx, node, view, Reason.NOT_NEEDED)

    with patch.object(RentalController, "_end", end):
        yield


@contextmanager
def start_again_while_the_machine_may_live() -> Iterator[None]:
    """An attempt that cannot be reached is taken for ended."""

    async def watch(self: AttemptController, row: Any) -> Any:
        node = await self._node_of(row)
        try:
            return await original(self, row)
        finally:
            if node is not None and node.lost_since is not None:
                lost = node

                def end(tx: Transaction, current: Any) -> None:
                    self._end_with_machine(tx, current, lost)

                return end  # noqa: B012

    original = AttemptController._watch
    with patch.object(AttemptController, "_watch", watch):
        yield


@contextmanager
def end_a_gang_with_its_first_rank() -> Iterator[None]:
    """When one rank has ended, its attempt is called ended, whatever the others do."""
    original = GangSteps._go_on

    def go_on(self: GangSteps, tx: Transaction, row: Any, before: Any, ranks: Any, *more: Any) -> Any:
        if not any(each.has_ended for each in ranks):
            return original(self, tx, row, before, ranks, *more)
        ended = [
            each if each.has_ended else change(tx, each, outcome=AttemptStatus.CANCELLED, ended_at=tx.now)
            for each in ranks
        ]
        self._end(tx, row, ended, more[0])
        return None

    with patch.object(GangSteps, "_go_on", go_on):
        yield


@contextmanager
def start_ranks_one_by_one() -> Iterator[None]:
    """A rank starts as soon as its own machine is there."""

    async def prepare(self: GangSteps, row: Any, members: Any) -> Any:
        there = [each for each in members if each.node.status is NodeStatus.READY]
        if there and len(there) < len(members) and row.stop_reason is None:
            begun, parts = await self._context.store.run(lambda tx: gangs._begin(tx, row))
            ids = {each.node.id for each in there}
            await GangStart(self._context, begun).start_all(
                [each for each in parts if each.node.id in ids], is_off=False
            )
            return lambda tx, _current: tx.now
        return await original(self, row, members)

    original = GangSteps._prepare
    with patch.object(GangSteps, "_prepare", prepare):
        yield


#: By name; the first five are those that the project promises to find.
MUTATIONS: Final[dict[str, Callable[[], Any]]] = {
    each.__name__: each
    for each in (
        skip_the_intent, ignore_the_fencing_token, create_again_without_looking, forget_to_release_a_reservation,
        renew_a_lost_lease, call_it_gone_when_asked, start_again_while_the_machine_may_live,
        end_a_gang_with_its_first_rank, start_ranks_one_by_one,
    )
}  # fmt: skip


@contextmanager
def mutated(name: str | None) -> Iterator[None]:
    """With this bug while the block runs; without one where no name is given."""
    with ExitStack() as stack:
        if name is not None:
            stack.enter_context(MUTATIONS[name]())
        yield
