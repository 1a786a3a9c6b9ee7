"""What this server reaches providers through: followed in a loop, and what becomes of machines without a connection."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.simulation.clocks import inline
from tests.unit.conftest import HandClock
from tests.unit.jobs_for_tests import a_context
from tests.unit.vendors_for_tests import GOOD, ROTATED, VendorWorld
from tradewind.control.access_seed import load_access
from tradewind.control.connecting import Connecting
from tradewind.control.connections import Connections
from tradewind.control.context import Context
from tradewind.control.live_offers import LiveOffers
from tradewind.control.price_credentials import PriceCredentials
from tradewind.control.rentals import RentalController
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import NodeRow
from tradewind.db.sealing import Sealer, has_sealed
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.clock import SystemEntropy
from tradewind.domain.errors import SecretKeyError
from tradewind.domain.schemas_connections import ConnectionRequest
from tradewind.domain.secrets import Secret
from tradewind.domain.status import NodeStatus, Reason
from tradewind.providers.access import SEED_BYTES


@pytest.fixture
def context(store: SqlStore, caller: Caller, clock: HandClock, tmp_path: Path) -> Context:
    return a_context(store, clock, tmp_path, installation_id="inst_00000000000000000001")


@pytest.fixture
def sealer(tmp_path: Path) -> Sealer:
    return Sealer(tmp_path / "config" / "secret.key", SystemEntropy())


@pytest.fixture
def world(tmp_path: Path) -> VendorWorld:
    return VendorWorld(home=tmp_path / "home")


@pytest.fixture
def prices() -> PriceCredentials:
    return PriceCredentials({"RUNPOD_API_KEY": "from-the-environment", "VAST_API_KEY": ""})


@pytest.fixture
def connections(
    context: Context, sealer: Sealer, world: VendorWorld, prices: PriceCredentials
) -> Connections:
    return Connections(context, sealer, world.outside(), prices)


def request(**credentials: str) -> ConnectionRequest:
    return ConnectionRequest(credentials={name: Secret(value) for name, value in credentials.items()})


async def test_the_seed_is_made_once_and_sealed(store: SqlStore, context: Context, sealer: Sealer) -> None:
    async def load() -> Any:
        return await load_access(store, sealer, context.entropy, inline, context.installation_id)

    assert not await store.read(has_sealed)
    first, second = await load(), await load()
    assert first.seed == second.seed
    assert first.login.public == second.login.public
    import base64

    assert len(base64.b64decode(first.seed.reveal())) == SEED_BYTES
    (row,) = await store.read(lambda tx: list(tx.execute(select(tables.installation_secrets))))
    assert first.seed.reveal().encode() not in row.ciphertext
    assert await store.read(has_sealed)
    # With the key gone no other one is made beside what it sealed.
    sealer.path.unlink()
    with pytest.raises(SecretKeyError):
        await load_access(
            store, Sealer(sealer.path, SystemEntropy()), context.entropy, inline, context.installation_id
        )


async def test_a_connections_secret_counts_as_sealed(
    store: SqlStore, caller: Caller, connections: Connections, world: VendorWorld
) -> None:
    world.rentable = ()
    await Connecting(connections).connect(caller, "lambda", request(api_key=GOOD))
    assert await store.read(has_sealed)


async def test_the_loop_follows_what_others_commit(
    context: Context, caller: Caller, connections: Connections, sealer: Sealer, world: VendorWorld
) -> None:
    from dataclasses import replace

    elsewhere = replace(context, machines={}, background=set(), nudged=set())
    other = Connections(elsewhere, sealer, world.outside(), PriceCredentials({}))
    following = asyncio.create_task(connections.run())
    try:
        await asyncio.sleep(0)
        await Connecting(other).connect(caller, "lambda", request(api_key=GOOD))
        await connections.has_machines.wait()
        assert set(context.machines) == {"lambda"}
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_prices_are_asked_with_what_is_connected_after_the_environment(
    caller: Caller, connections: Connections, prices: PriceCredentials, world: VendorWorld
) -> None:
    world.rentable = ()
    changes = []

    async def note() -> None:
        changes.append(sorted(name for name in prices if prices[name]))

    connections.on_credentials = note
    connecting = Connecting(connections)
    await connecting.connect(caller, "lambda", request(api_key=GOOD))
    await connecting.connect(caller, "runpod", request(api_key="connected"))
    await connecting.connect(caller, "vast", request(api_key="connected"))
    assert prices["LAMBDA_API_KEY"] == GOOD
    assert prices["RUNPOD_API_KEY"] == "from-the-environment"
    assert prices["VAST_API_KEY"] == "connected"
    assert prices.get("TOGETHER_API_KEY") is None
    assert len(changes) == 3
    await connecting.connect(caller, "lambda", request(api_key=ROTATED))
    assert prices["LAMBDA_API_KEY"] == ROTATED
    await connecting.disconnect(caller, "lambda")
    assert prices.get("LAMBDA_API_KEY") is None
    assert len(changes) == 5
    assert "connected" not in repr(prices)


async def test_a_provider_may_come_and_go_while_others_are_asked(
    context: Context, caller: Caller, connections: Connections, world: VendorWorld
) -> None:
    world.rentable = ("lambda", "runpod")
    connecting = Connecting(connections)
    await connecting.connect(caller, "lambda", request(api_key=GOOD))

    async def listed_late(provider: str) -> list[Any]:
        await connecting.connect(caller, "runpod", request(api_key=ROTATED))
        return []

    for each in world.built:
        object.__setattr__(each.setup, "listed", lambda: listed_late("lambda"))
    # Without a way to a machine none is rented, and nobody is asked.
    assert await LiveOffers(context).market() == []
    assert set(context.machines) == {"lambda"}
    object.__setattr__(context, "reach", lambda _provider, _handle: None)
    assert await LiveOffers(context).market() == []
    assert set(context.machines) == {"lambda", "runpod"}


async def _node(store: SqlStore, caller: Caller, status: NodeStatus, **values: Any) -> NodeRow:
    def add(tx: Transaction) -> NodeRow:
        node_id = tx.new_id("node")
        tx.execute(
            insert(tables.nodes).values(
                id=node_id, project_id=caller.project_id, creator_id=caller.user_id, provider="lambda",
                name=node_id, inventory={}, is_rented=True, status=status, desired="keep", observed={}, key=node_id,
                created_at=tx.now, last_seen_at=tx.now, **values,
            )
        )  # fmt: skip
        return NodeRow.get(tx, node_id)

    return await store.run(add)


async def _step(store: SqlStore, context: Context, node: NodeRow) -> tuple[float | None, NodeRow]:
    """One step of the machine's controller: in how many seconds it is due again, and how it is then."""
    apply = await RentalController(context).act(node)
    due = await store.run(lambda tx: apply(tx, NodeRow.get(tx, node.id)))
    now = context.clock.now()
    return (None if due is None else (due - now).total_seconds()), await store.read(
        lambda tx: NodeRow.get(tx, node.id)
    )


async def test_a_machine_that_was_never_asked_for_is_given_up_with_its_connection(
    store: SqlStore, context: Context, caller: Caller
) -> None:
    node = await _node(store, caller, NodeStatus.CREATING)
    due, after = await _step(store, context, node)
    assert due is None
    assert (after.status, after.reason) == (NodeStatus.REFUSED, Reason.REFUSED)


@pytest.mark.parametrize("status", [NodeStatus.CREATING, NodeStatus.READY, NodeStatus.TERMINATING])
async def test_a_machine_that_may_exist_is_never_forgotten(
    store: SqlStore, context: Context, caller: Caller, clock: HandClock, status: NodeStatus
) -> None:
    node = await _node(store, caller, status, called_at=clock.now())
    due, after = await _step(store, context, node)
    assert due == 300
    assert after.status is status


async def test_a_server_that_does_not_reach_a_provider_leaves_it_to_one_that_does(
    store: SqlStore, context: Context, caller: Caller, connections: Connections, world: VendorWorld
) -> None:
    await Connecting(connections).connect(caller, "lambda", request(api_key=GOOD))
    context.machines.clear()
    node = await _node(store, caller, NodeStatus.CREATING)
    due, after = await _step(store, context, node)
    assert (due, after.status) == (5, NodeStatus.CREATING)


async def test_machines_are_looked_after_again_once_their_provider_is_back(
    store: SqlStore,
    context: Context,
    caller: Caller,
    connections: Connections,
    world: VendorWorld,
    clock: HandClock,
) -> None:
    world.machines["m-1"] = "ana@example.com"
    node = await _node(store, caller, NodeStatus.READY, handle={"id": "m-1"}, called_at=clock.now())

    def wait(tx: Transaction) -> None:
        from datetime import timedelta

        tx.execute(update(tables.nodes).values(next_due_at=tx.now + timedelta(minutes=5)))

    await store.run(wait)
    await Connecting(connections).connect(caller, "lambda", request(api_key=GOOD))
    assert (await store.read(lambda tx: NodeRow.get(tx, node.id))).next_due_at == clock.now()
