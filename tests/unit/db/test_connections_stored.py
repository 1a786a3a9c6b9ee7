"""Connections and the installation's seed on both databases, also when two servers come at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.simulation.clocks import inline
from tests.unit.db.conftest import AnyStore, MakePostgres
from tradewind.control.access_seed import load_access
from tradewind.control.connection_desk import Findings, find_connection, own_connections, put_connection
from tradewind.db.owners import Caller, ensure_defaults
from tradewind.db.sealing import Sealer, has_sealed, purpose_of
from tradewind.db.store import Transaction
from tradewind.domain.clock import SystemEntropy
from tradewind.domain.schemas_connections import ConnectionState, CredentialSource
from tradewind.domain.secrets import Secret
from tradewind.providers.about import find_about

INSTALLATION = "inst_00000000000000000001"


def put(tx: Transaction, caller: Caller, sealer: Sealer, text: str) -> str:
    return put_connection(
        tx, caller, sealer, find_about("lambda"), CredentialSource.STORED, Secret(text), {"regions": ["a"]},
        Findings(state=ConnectionState.CONNECTED, account={"identity": "ana"}), rents=True,
    ).id  # fmt: skip


async def test_a_connection_is_kept_replaced_and_read(
    store: AnyStore, caller: Caller, tmp_path: Path
) -> None:
    sealer = Sealer(tmp_path / "secret.key", SystemEntropy())
    assert not await store.read(has_sealed)
    first = await store.run(lambda tx: put(tx, caller, sealer, "one"))
    second = await store.run(lambda tx: put(tx, caller, sealer, "two"))
    assert first == second
    (row,) = await store.read(lambda tx: own_connections(tx, caller))
    assert (row.state, row.source, row.version) == (ConnectionState.CONNECTED, CredentialSource.STORED, 2)
    assert (row.settings, row.account, row.error) == ({"regions": ["a"]}, {"identity": "ana"}, None)
    assert row.secret_ciphertext is not None
    assert b"two" not in row.secret_ciphertext
    assert sealer.unseal(row.secret_ciphertext, purpose_of(row.id)).reveal() == "two"
    assert await store.read(has_sealed)
    assert (await store.read(lambda tx: find_connection(tx, caller, find_about("lambda")))).id == first


async def test_servers_that_come_at_once_have_one_seed_and_one_connection(
    make_postgres_store: MakePostgres, tmp_path: Path
) -> None:
    stores = [make_postgres_store() for _ in range(3)]
    _, caller = await stores[0].run(lambda tx: ensure_defaults(tx, "ana"))
    sealer = Sealer(tmp_path / "secret.key", SystemEntropy())
    found = await asyncio.gather(
        *(load_access(each, sealer, SystemEntropy(), inline, INSTALLATION) for each in stores)
    )
    assert len({each.login.public for each in found}) == 1
    made = await asyncio.gather(
        *(each.run(lambda tx, each=each: put(tx, caller, sealer, str(id(each)))) for each in stores)  # type: ignore[misc]
    )
    assert len(set(made)) == 1
    (row,) = await stores[0].read(lambda tx: own_connections(tx, caller))
    assert row.version == 3
