"""Lets a user in to where a job of theirs runs."""

from __future__ import annotations

from sqlalchemy import select

from tradewind.control.context import Context
from tradewind.control.logins import login_of
from tradewind.control.offer_json import offer_from_json
from tradewind.control.ranks import as_attempt, ranks_of
from tradewind.control.renting import describe
from tradewind.control.submitting import find_job
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import ConflictError, NotFoundError
from tradewind.domain.schemas_access import AccessView
from tradewind.domain.status import AttemptStatus
from tradewind.providers.base import Handle

_OPEN = frozenset({AttemptStatus.STARTING, AttemptStatus.RUNNING, AttemptStatus.STOPPING})


async def open_access(
    context: Context, caller: Caller, reference: str, public_key: str, rank: int = 0
) -> AccessView:
    """Where the job runs now, or this rank of it, and how to log in there. On a rented machine the key is let in.

    Raises:
        NotFoundError: there is no such job, or no such rank of it.
        ConflictError: it does not run now.
        ProviderError: its machine cannot be reached.
    """
    job, attempt, node = await context.store.read(lambda tx: _running(tx, caller, reference, rank))
    if not (node.is_rented or node.is_far):
        directory = context.attempt_directory(attempt.id) / "work"
        return AccessView(
            job=job.id, attempt=attempt.id, place=node.name, how="here", directory=str(directory)
        )
    login = login_of(node.observed)
    assert login is not None
    # A machine of somebody's own has its own ways of letting people in; a rented one is nobody else's.
    host = context.machine_of(node)
    directory_there = await host.let_in(Handle(attempt.handle or {}), public_key if node.is_rented else None)
    if node.is_rented:
        await context.store.run(
            lambda tx: append_event(
                tx, job.id, "node.let_in", f"{caller.user_name} may log in to its machine", {"node": node.id},
                actor=caller.user_name,
            )
        )  # fmt: skip
    way = (node.handle or {}).get("way") or {}
    via = way.get("via")
    return AccessView(
        job=job.id,
        attempt=attempt.id,
        place=describe(offer_from_json(node.offer)) if node.is_rented and node.offer else node.name,
        how="key" if node.is_rented else "own",
        directory=directory_there,
        host=login.host,
        port=login.port,
        user=login.user,
        host_keys=list(login.host_keys),
        jump=None if via is None else f"{via['user']}@{via['host']}:{via['port']}",
        key_file=way.get("key_file"),
    )


def _running(
    tx: Transaction, caller: Caller, reference: str, rank: int
) -> tuple[JobRow, AttemptRow, NodeRow]:
    job = find_job(tx, caller, reference)
    table = tables.attempts
    found = tx.execute(
        select(table.c.id)
        .where(table.c.job_id == job.id, table.c.status.in_(_OPEN))
        .order_by(table.c.id.desc())
    ).scalar()
    if found is None:
        raise ConflictError(
            f"job {job.name!r} ({job.id}) is {job.status} and runs nowhere now",
            hint="`tradewind logs` and `tradewind artifacts` have what it left",
        )
    attempt = AttemptRow.get(tx, found)
    if not 0 <= rank < attempt.nodes:
        ranks = "runs on one node" if attempt.nodes == 1 else f"has ranks 0 to {attempt.nodes - 1}"
        raise NotFoundError(f"job {job.name!r} ({job.id}) has no rank {rank}: it {ranks}")
    if attempt.is_gang:
        part = ranks_of(tx, attempt.id)[rank]
        if part.handle is None or part.has_ended:
            raise ConflictError(f"rank {rank} of job {job.name!r} ({job.id}) does not run now")
        attempt = as_attempt(attempt, part)
    return job, attempt, NodeRow.get(tx, attempt.node_id)
