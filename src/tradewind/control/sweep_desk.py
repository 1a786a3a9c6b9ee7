"""A look over every connection that a user asks for: what belongs to nothing, and giving it back at once."""

from __future__ import annotations

from sqlalchemy import select

from tradewind.control.context import Context
from tradewind.control.loops import SWEEP
from tradewind.control.sweeping import adopt, find_orphans
from tradewind.db import tables
from tradewind.db.store import Transaction
from tradewind.domain.errors import ProviderError
from tradewind.domain.schemas_moves import OrphanView, SweepView
from tradewind.providers.base import OwnedMachine


async def sweep_now(context: Context, *, dry_run: bool) -> SweepView:
    """Finds orphans at every connected provider. Unless it is a dry run they get a row that is to end."""
    orphans: list[OrphanView] = []
    problems: dict[str, str] = {}
    # A copy: a provider may be connected or disconnected while another one answers.
    asked = dict(context.machines)
    for name, provider in asked.items():
        try:
            listed = await provider.list_owned()
        except ProviderError as error:
            problems[name] = error.message
            continue
        orphans += await _look_over(context, name, listed, dry_run=dry_run)
    given_back, saved = await context.store.read(_so_far)
    return SweepView(
        looked_at=sorted(asked),
        orphans=orphans,
        problems=problems,
        given_back_before=given_back,
        saved_micro_per_hour=saved,
    )


async def _look_over(
    context: Context, provider: str, listed: list[OwnedMachine], *, dry_run: bool
) -> list[OrphanView]:
    def look(tx: Transaction) -> list[OrphanView]:
        found = find_orphans(tx, context.installation_id, provider, listed)
        for orphan in found:
            if not dry_run:
                adopt(tx, provider, orphan)
        return [
            OrphanView(
                provider=provider,
                machine=orphan.machine.key,
                micro_per_hour=orphan.micro_per_hour or None,
                action="would be given back" if dry_run else "is given back until it is confirmed gone",
            )
            for orphan in found
        ]

    return await (context.store.read(look) if dry_run else context.store.run(look))


def _so_far(tx: Transaction) -> tuple[int, int]:
    table = tables.loops
    states = [row[0] for row in tx.execute(select(table.c.state).where(table.c.id.startswith(SWEEP)))]
    return (
        sum(int(each.get("given_back", 0)) for each in states),
        sum(int(each.get("saved_micro_per_hour", 0)) for each in states),
    )
