"""What happened in a run that went wrong: the story of each job beside the clouds' own account."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from tests.simulation.clocks import START
from tests.simulation.fleet import Fleet
from tradewind.db import tables
from tradewind.db.rows import NodeRow
from tradewind.db.store import Transaction

_LONGEST = 400


async def tell(fleet: Fleet) -> str:
    """The stories as text."""
    try:
        rows = await fleet.store.read(event_lines)
        nodes = await fleet.store.read(lambda tx: [NodeRow.of(row) for row in tx.execute(NodeRow.select())])
    except Exception as error:
        return f"the story cannot be told: {error!r}"
    lines = [f"it is {_when(fleet.clock.now())} now, after {fleet.store.commits} commits"]
    lines += rows[-_LONGEST:]
    lines.append("-- nodes")
    for node in nodes:
        if node.is_rented:
            lines.append(
                f"  {node.id} {node.status} desired {node.desired} reason {node.reason} key {node.key} "
                f"handle {node.handle} attempt {node.attempt_id} called {_when(node.called_at)} "
                f"accepted {_when(node.accepted_at)} ended {_when(node.ended_at)} {node.observed}"
            )
    lines.append("-- clouds")
    now = fleet.clock.now()
    for cloud in fleet.clouds.values():
        for machine in cloud.machines.values():
            lines.append(
                f"  {machine.id} key {machine.key} {machine.stock.market} made {_when(machine.created_at)} "
                f"ready {_when(machine.ready_at)} ends {_when(machine.ends_at)} {machine.why} "
                f"bill {cloud.bill_micro(machine, now)}"
            )
            for process in machine.processes.values():
                lines.append(
                    f"    {process.request.attempt_id} no. {process.request.number} from "
                    f"{_when(process.started_at)} to {_when(process.ended_at)} exit {process.exit}"
                )
    return "\n".join(lines)


def event_lines(tx: Transaction) -> list[str]:
    """The events of all jobs in their order, a line each."""
    events, jobs = tables.events, tables.jobs
    statement = (
        select(jobs.c.name, events.c.seq, events.c.type, events.c.at, events.c.message)
        .join_from(events, jobs, jobs.c.id == events.c.job_id)
        .order_by(events.c.position)
    )
    return [
        f"  {_when(row.at)} {row.name} {row.seq:3d} {row.type:24s} {row.message}"
        for row in tx.execute(statement)
    ]


def _when(moment: datetime | None) -> str:
    return "-" if moment is None else f"{(moment - START).total_seconds():.1f}s"
