"""Rows of connections: what is read and written in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import delete, insert, select, update

from tradewind.control import leases
from tradewind.control.loops import MARKET, MIGRATION, RENTALS, SWEEP, ensure_loops
from tradewind.db import tables
from tradewind.db.connection_rows import ConnectionRow
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import NodeRow
from tradewind.db.sealing import Sealer, has_sealed, purpose_of
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import ConflictError, NotFoundError
from tradewind.domain.schemas_connections import ConnectionState, CredentialSource
from tradewind.domain.secrets import Secret
from tradewind.domain.status import NodeStatus
from tradewind.providers.about import About

#: What servers listen on for changes of connections.
TOPIC: Final = "connections"
_OVER: Final = (NodeStatus.GONE, NodeStatus.REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What an examination has shown."""

    state: ConnectionState
    examined_at: datetime | None = None
    account: dict[str, Any] | None = None
    error: str | None = None


def all_connections(tx: Transaction) -> list[ConnectionRow]:
    """Every connection of every project, the oldest first: what a server works with, whoever asks."""
    rows = tx.execute(ConnectionRow.select().order_by(ConnectionRow.table.c.id))
    return [ConnectionRow.of(row) for row in rows]


def own_connections(tx: Transaction, caller: Caller) -> list[ConnectionRow]:
    """The connections of the caller's project, by provider."""
    table = ConnectionRow.table
    rows = tx.execute(
        ConnectionRow.select().where(visible_to(caller, table)).order_by(table.c.provider, table.c.id)
    )
    return [ConnectionRow.of(row) for row in rows]


def find_connection(tx: Transaction, caller: Caller, about: About) -> ConnectionRow:
    """The project's connection to a provider. Raises NotFoundError."""
    found = _find(tx, caller, about)
    if found is None:
        raise NotFoundError(
            f"{about.title} is not connected", hint=f"`tradewind connect {about.id}` connects it"
        )
    return found


def is_connected(tx: Transaction, provider: str) -> bool:
    """True if any project has a connection to the provider."""
    table = tables.connections
    return tx.execute(select(table.c.id).where(table.c.provider == provider).limit(1)).first() is not None


def live_nodes(tx: Transaction, provider: str) -> list[NodeRow]:
    """Rented machines of a provider that are not confirmed gone."""
    table = tables.nodes
    rows = tx.execute(
        NodeRow.select()
        .where(table.c.provider == provider, table.c.is_rented.is_(True), table.c.status.not_in(_OVER))
        .order_by(table.c.id)
    )
    return [NodeRow.of(row) for row in rows]


def put_connection(
    tx: Transaction,
    caller: Caller,
    sealer: Sealer,
    about: About,
    source: CredentialSource,
    secret: Secret | None,
    settings: dict[str, Any],
    findings: Findings,
    *,
    rents: bool,
) -> ConnectionRow:
    """Makes the connection, or replaces the one there is. `secret` is sealed; None: it is not kept here.

    Raises:
        ConflictError: another project has connected the provider.
        SecretKeyError: the key to seal it with is missing.
    """
    table = tables.connections
    others = select(table.c.id).where(table.c.provider == about.id, table.c.project_id != caller.project_id)
    if tx.execute(others.limit(1)).first() is not None:
        raise ConflictError(
            f"another project of this server has connected {about.title}",
            hint="one project can connect a provider in this version",
        )
    known = _find(tx, caller, about)
    row_id = tx.new_id(ids.CONNECTION) if known is None else known.id
    sealed = None
    if secret is not None:
        sealed = sealer.seal(secret, purpose_of(row_id), has_sealed=has_sealed(tx))
    values: dict[str, Any] = {
        "source": source.value,
        "secret_ciphertext": sealed,
        "settings": settings,
        "updated_at": tx.now,
        **_found(findings),
    }
    if known is None:
        tx.execute(
            insert(table).values(
                id=row_id, project_id=caller.project_id, creator_id=caller.user_id, provider=about.id,
                name=about.id, created_at=tx.now, **values,
            )
        )  # fmt: skip
    else:
        tx.execute(update(table).where(table.c.id == row_id).values(**values, version=table.c.version + 1))
    if rents:
        ensure_loops(tx, [MARKET, MIGRATION, f"{SWEEP}{about.id}"])
        # Its machines were waited with while it was not connected.
        nodes = [node.id for node in live_nodes(tx, about.id)]
        leases.wake(tx, tables.nodes, *nodes, topic=RENTALS)
        tx.wake(SWEEP)
    tx.wake(TOPIC)
    return ConnectionRow.get(tx, row_id)


def note_findings(tx: Transaction, row: ConnectionRow, findings: Findings, *, is_new: bool) -> ConnectionRow:
    """Keeps what an examination has shown, unless the connection was replaced or removed meanwhile.

    `is_new` says that the credentials are others than before, though nothing of them is kept here.
    """
    table = tables.connections
    values = _found(findings)
    if findings.account is None and findings.error is not None:
        # What was known of the account stays; and when, where nobody could be asked.
        del values["account"]
        if findings.examined_at is None:
            del values["examined_at"]
    if is_new:
        values["version"] = table.c.version + 1
    tx.execute(update(table).where(table.c.id == row.id, table.c.version == row.version).values(**values))
    tx.wake(TOPIC)
    found = tx.execute(ConnectionRow.select().where(table.c.id == row.id)).first()
    if found is None:
        raise NotFoundError("the connection was removed meanwhile", hint="connect it again")
    return ConnectionRow.of(found)


def remove_connection(tx: Transaction, caller: Caller, about: About) -> ConnectionRow:
    """Forgets a connection and its credentials.

    Raises:
        NotFoundError: there is none.
        ConflictError: machines are rented through it.
    """
    row = find_connection(tx, caller, about)
    nodes = live_nodes(tx, about.id)
    if nodes:
        names = ", ".join(node.name for node in nodes[:3]) + (", …" if len(nodes) > 3 else "")
        one = len(nodes) == 1
        raise ConflictError(
            f"{len(nodes)} rented machine{'' if one else 's'} of {about.title} {'is' if one else 'are'} not confirmed "
            f"gone ({names}): without the connection nobody could give {'it' if one else 'them'} back",
            hint="stop the jobs that run there (`tradewind ls`), and disconnect once their machines are gone",
            causes=("the connection was not changed",),
        )
    table = tables.connections
    tx.execute(delete(table).where(table.c.id == row.id))
    tx.wake(TOPIC)
    return row


def _find(tx: Transaction, caller: Caller, about: About) -> ConnectionRow | None:
    table = ConnectionRow.table
    found = tx.execute(
        ConnectionRow.select().where(
            visible_to(caller, table), table.c.provider == about.id, table.c.name == about.id
        )
    ).first()
    return None if found is None else ConnectionRow.of(found)


def _found(findings: Findings) -> dict[str, Any]:
    return {
        "state": findings.state.value,
        "account": findings.account,
        "error": findings.error,
        "examined_at": findings.examined_at,
    }
