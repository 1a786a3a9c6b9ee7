"""Providers and connections over HTTP: connected, examined, replaced, let go of; no credential ever comes out."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.unit.api.conftest import Api
from tests.unit.catalog.offers_for_tests import offer
from tests.unit.conftest import HandClock
from tests.unit.vendors_for_tests import GOOD, OTHER, ROTATED, VendorWorld
from tradewind.control.connections import Connections
from tradewind.control.context import Context
from tradewind.control.price_credentials import PriceCredentials
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.status import NodeStatus

#: FastAPI hands the name of the body to Pydantic, which warns of it when a model is first used.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")
BAD = "a-key-that-nobody-knows"


def stored(key: str, **settings: str) -> dict[str, Any]:
    return {"credentials": {"api_key": key}, "settings": settings}


async def all_of(store: SqlStore, table: Any) -> list[Any]:
    return await store.read(lambda tx: list(tx.execute(select(table))))


async def rent(store: SqlStore, caller: Caller, status: NodeStatus, **values: Any) -> None:
    """A machine that is rented from Lambda."""

    def add(tx: Transaction) -> None:
        tx.execute(
            insert(tables.nodes).values(
                id=tx.new_id("node"), project_id=caller.project_id, creator_id=caller.user_id, provider="lambda",
                name=f"machine-{status}", inventory={}, is_rented=True, status=status, desired="keep", observed={},
                created_at=tx.now, last_seen_at=tx.now, **values,
            )
        )  # fmt: skip

    await store.run(add)


async def test_every_provider_is_listed(api: Api) -> None:
    items = {each["id"]: each for each in (await api.get("/providers")).json()["items"]}
    assert {
        "local", "ssh", "aws", "gcp", "azure", "sagemaker", "vertex", "azureml", "runpod", "vast", "lyceum",
        "digitalocean", "paperspace", "coreweave", "lambda", "together", "modal", "kubernetes", "slurm", "ray",
    } <= set(items)  # fmt: skip
    aws = items["aws"]
    assert (aws["kind"], aws["connected"], aws["connection"], aws["can_run"]) == (
        "machines",
        False,
        None,
        True,
    )
    assert aws["capabilities"]["has_spot"] is True
    assert aws["capabilities"]["self_termination"] == "poweroff_ends_billing"
    assert aws["capabilities"]["create_idempotency"] is None
    assert [each["environment"] for each in aws["credentials"]][:2] == [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ]
    assert "~/.aws/credentials" in aws["config_files"]
    assert {"base_url", "regions"} <= {each["name"] for each in aws["settings"]}
    policy = json.loads(aws["policies"][0]["text"])
    assert policy["Version"] == "2012-10-17"
    assert (await api.get("/providers/lambda_labs")).json() == items["lambda"]
    assert (await api.get("/providers/nobody")).status_code == 404


async def test_a_provider_is_connected_and_used_at_once(
    api: Api, context: Context, connections: Connections, world: VendorWorld, store: SqlStore
) -> None:
    world.offers = [offer(3_000_000, provider="lambda"), offer(1_000_000, provider="runpod")]
    answer = await api.put("/connections/Lambda-Labs", json=stored(GOOD, base_url="http://127.0.0.1:9"))
    assert answer.status_code == 200, answer.text
    view = answer.json()
    assert (view["provider"], view["state"], view["source"]) == ("lambda", "connected", "stored")
    assert view["id"].startswith("conn_")
    account = view["account"]
    assert (account["identity"], account["missing"]) == ("ana@example.com", ["instances:terminate"])
    assert account["quotas"] == [
        {"name": "GPUs", "limit": 8.0, "used": 2.0, "region": "us-east-1", "text": "2 of 8 used"}
    ]
    assert view["settings"] == {"base_url": "http://127.0.0.1:9"}
    assert context.machines["lambda"] is world.built[-1]
    assert connections.has_machines.is_set()
    setup = world.built[-1].setup
    assert dict(setup.wire.credentials) == {"LAMBDA_API_KEY": GOOD}
    assert setup.wire.settings == {"base_url": "http://127.0.0.1:9"}
    assert [each.provider for each in await context.machines["lambda"].list_offers()] == ["lambda"]
    # The client of the examination is closed, that of the connection is not.
    assert [client.is_closed for client in world.clients] == [True, False]
    loops = {row.id for row in await all_of(store, tables.loops)}
    assert {"market", "migration", "sweep:lambda"} <= loops
    listed = (await api.get("/providers/lambda")).json()
    assert (listed["connected"], listed["connection"]) == (True, "connected")
    assert listed["capabilities"]["gaps"] == {"has_spot": "it sells none"}
    assert (await api.get("/connections")).json()["items"] == [view]
    assert (await api.get("/connections/lambda")).json() == view


async def test_what_is_secret_is_nowhere(
    api: Api, store: SqlStore, world: VendorWorld, caplog: pytest.LogCaptureFixture, capsys: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    texts = []
    for key in (BAD, GOOD, BAD):
        texts.append((await api.put("/connections/lambda", json=stored(key))).text)
    texts.append((await api.post("/connections/lambda/validate")).text)
    texts.append(
        (await api.put("/connections/lambda", json=stored(GOOD, base_url="http://a:b@127.0.0.1"))).text
    )
    texts.append((await api.put("/connections/lambda", json={"credentials": {"api_key": 7}})).text)
    texts.append((await api.put("/connections/lambda", json={"credentials": {f"{BAD}=": GOOD}})).text)
    texts += [(await api.get(path)).text for path in ("/connections", "/providers", "/connections/lambda")]
    (row,) = await all_of(store, tables.connections)
    (seed,) = await all_of(store, tables.installation_secrets)
    texts += [str(dict(row._mapping)), str(dict(seed._mapping)), caplog.text, *capsys.readouterr()]
    secret = world.built[-1].setup.access.seed.reveal()
    for text in texts:
        for value in (GOOD, BAD, secret):
            assert value not in text
    assert repr(world.built[-1].setup.access).count("[redacted]") == 1


async def test_a_key_that_is_not_taken_is_an_error_and_changes_nothing(
    api: Api, context: Context, store: SqlStore, world: VendorWorld
) -> None:
    refused = await api.put("/connections/lambda", json=stored(BAD))
    assert refused.status_code == 422
    assert refused.json()["detail"] == (
        "Lambda Cloud does not take these credentials: the key [secret] is not known"
    )
    assert refused.json()["causes"] == ["nothing was stored"]
    assert await all_of(store, tables.connections) == []
    assert context.machines == {}
    assert (await api.put("/connections/lambda", json=stored(GOOD))).status_code == 200
    used = context.machines["lambda"]
    assert (await api.put("/connections/lambda", json=stored(BAD))).status_code == 422
    assert context.machines["lambda"] is used


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ProviderError(ProviderFault.PROVIDER_FAULT, "it cannot be reached"), "it cannot be reached"),
        (RuntimeError("all of the traceback"), "RuntimeError"),
    ],
)
async def test_a_provider_that_cannot_be_asked_is_said_so(
    api: Api, world: VendorWorld, error: Exception, said: str
) -> None:
    world.error = error
    answer = await api.put("/connections/lambda", json=stored(GOOD))
    assert answer.status_code == 409
    assert answer.json()["detail"] == f"Lambda Cloud could not be asked whose credentials these are: {said}"
    assert (await api.get("/connections/lambda")).status_code == 404


async def test_where_nothing_is_rented_only_prices_are_compared(
    api: Api, context: Context, connections: Connections, world: VendorWorld, store: SqlStore
) -> None:
    answer = await api.put(
        "/connections/digitalocean", json={"credentials": {"DIGITALOCEAN_ACCESS_TOKEN": "t0ken"}}
    )
    view = answer.json()
    assert (view["state"], view["account"], view["examined_at"]) == ("prices_only", None, None)
    assert any("rents nothing there" in each for each in view["notes"])
    assert context.machines == {}
    assert world.examined == []
    assert not connections.has_machines.is_set()
    assert (await api.post("/connections/digitalocean/validate")).json()["state"] == "prices_only"
    listed = (await api.get("/providers/digitalocean")).json()
    assert (listed["connected"], listed["connection"]) == (True, "prices_only")
    # No machine is rented, so there is no need for a key to get into one.
    assert await all_of(store, tables.installation_secrets) == []


@pytest.mark.parametrize(
    ("provider", "body", "said"),
    [
        ("lambda", {}, "no credentials of Lambda Cloud were given"),
        ("aws", {"credentials": {"region": "us-east-1"}}, "AWS_ACCESS_KEY_ID (access key id) is missing"),
        ("lambda", {"credentials": {"api_key": "x", "pass": "y"}}, "one of the names given is no credential"),
        ("lambda", {"credentials": {"api_key": "x\ny"}}, "LAMBDA_API_KEY has a line break"),
        ("lambda", stored("x", colour="red"), "Lambda Cloud has no setting called colour"),
        ("lambda", stored("x", base_url="ftp://here"), "base_url is no address"),
        ("lambda", stored("x", base_url="http://u:p@127.0.0.1"), "base_url has a user name in it"),
        ("lambda", stored("x", base_url="http://example.com"), "base_url: credentials would be sent over the internet"),
        ("lambda", {"source": "environment", "credentials": {"api_key": "x"}}, "credentials are given, though"),
        ("lambda", {"source": "environment"}, "LAMBDA_API_KEY (API key) is not set in the environment"),
        ("lambda", {"source": "config_file"}, "~/.lambda_cloud/lambda_keys on the server's machine has no credentials"),
        ("together", {"source": "config_file"}, "no tool of Together AI is known to keep credentials"),
        ("local", stored("x"), "This machine: machines of your own have no vendor"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said(api: Api, provider: str, body: dict[str, Any], said: str) -> None:
    answer = await api.put(f"/connections/{provider}", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(said), answer.json()["detail"]


async def test_credentials_of_the_environment_are_used_and_not_kept(
    api: Api, context: Context, store: SqlStore, world: VendorWorld
) -> None:
    world.environment["LAMBDA_API_KEY"] = GOOD
    view = (await api.put("/connections/lambda", json={"source": "environment"})).json()
    assert (view["state"], view["source"]) == ("connected", "environment")
    (row,) = await all_of(store, tables.connections)
    assert row.secret_ciphertext is None
    assert world.built[-1].key == GOOD
    # It is gone: nobody is asked, and what was said holds.
    del world.environment["LAMBDA_API_KEY"]
    gone = (await api.post("/connections/lambda/validate")).json()
    assert gone["state"] == "connected"
    assert gone["error"] == "LAMBDA_API_KEY (API key) is not set in the environment of the server"
    # Another key since then: it is used once somebody has it examined.
    world.environment["LAMBDA_API_KEY"] = ROTATED
    assert (await api.post("/connections/lambda/validate")).json()["error"] is None
    assert world.built[-1].key == ROTATED
    assert context.machines["lambda"] is world.built[-1]


async def test_credentials_of_a_vendors_own_file_are_used_and_not_kept(
    api: Api, store: SqlStore, world: VendorWorld
) -> None:
    world.write(".lambda_cloud/lambda_keys", f"api_key = {GOOD}\n")
    view = (await api.put("/connections/lambda", json={"source": "config_file"})).json()
    assert (view["state"], view["source"]) == ("connected", "config_file")
    (row,) = await all_of(store, tables.connections)
    assert row.secret_ciphertext is None
    assert world.built[-1].key == GOOD


async def test_a_server_with_other_users_keeps_its_own_to_itself(
    connect: Callable[[str], Api], connections: Connections, world: VendorWorld
) -> None:
    world.is_own_machine = False
    connections.outside = world.outside()
    world.environment["LAMBDA_API_KEY"] = GOOD
    api = connect("ben")
    for body in (
        {"source": "environment"},
        {"source": "config_file"},
        stored(GOOD, base_url="https://10.0.0.1"),
    ):
        answer = await api.put("/connections/lambda", json=body)
        assert answer.status_code == 403
        assert "this server has other users" in answer.json()["detail"]
    path = {"credentials": {"service_account_file": "/etc/passwd", "project": "p"}}
    assert (await api.put("/connections/gcp", json=path)).status_code == 403
    assert (await api.put("/connections/lambda", json=stored(GOOD))).status_code == 200
    assert len(world.examined) == 1


async def test_validate_notes_what_is_wrong_and_what_is_right_again(
    api: Api, world: VendorWorld, clock: HandClock
) -> None:
    await api.put("/connections/lambda", json=stored(GOOD))
    account = world.accounts.pop(GOOD)
    clock.advance(60)
    wrong = (await api.post("/connections/lambda/validate")).json()
    assert (wrong["state"], wrong["account"]["identity"]) == ("refused", "ana@example.com")
    assert wrong["error"] == "Lambda Cloud does not take these credentials: the key [secret] is not known"
    assert wrong["examined_at"] == "2026-01-01T00:01:00Z"
    assert (await api.get("/providers/lambda")).json()["connected"] is False
    world.accounts[GOOD] = account
    right = (await api.post("/connections/lambda/validate")).json()
    assert (right["state"], right["error"]) == ("connected", None)
    world.error = ProviderError(ProviderFault.RATE_LIMIT, "asked too often")
    unsure = (await api.post("/connections/lambda/validate")).json()
    assert (unsure["state"], "asked too often" in unsure["error"]) == ("connected", True)
    assert (await api.post("/connections/runpod/validate")).status_code == 404


async def test_disconnecting_forgets_everything(api: Api, context: Context, store: SqlStore) -> None:
    await api.put("/connections/lambda", json=stored(GOOD))
    assert (await api.delete("/connections/lambda")).status_code == 204
    assert await all_of(store, tables.connections) == []
    assert context.machines == {}
    gone = await api.delete("/connections/lambda")
    assert (gone.status_code, gone.json()["detail"]) == (404, "Lambda Cloud is not connected")


async def test_a_provider_with_rented_machines_is_not_let_go(
    api: Api, context: Context, store: SqlStore, caller: Caller
) -> None:
    await api.put("/connections/lambda", json=stored(GOOD))
    for status in (NodeStatus.GONE, NodeStatus.REFUSED, NodeStatus.TERMINATING):
        await rent(store, caller, status)
    refused = await api.delete("/connections/lambda")
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith(
        "1 rented machine of Lambda Cloud is not confirmed gone (machine-terminating)"
    )
    assert "lambda" in context.machines

    def gone(tx: Transaction) -> None:
        tx.execute(update(tables.nodes).values(status=NodeStatus.GONE))

    await store.run(gone)
    assert (await api.delete("/connections/lambda")).status_code == 204


async def test_credentials_of_another_account_do_not_take_over_rented_machines(
    api: Api, context: Context, store: SqlStore, caller: Caller, world: VendorWorld
) -> None:
    await api.put("/connections/lambda", json=stored(GOOD))
    world.machines["m-1"] = "ana@example.com"
    await rent(store, caller, NodeStatus.READY, handle={"id": "m-1"}, called_at=None)
    used = context.machines["lambda"]
    refused = await api.put("/connections/lambda", json=stored(OTHER))
    assert refused.status_code == 409
    assert "machine-ready is rented from Lambda Cloud and is not seen with these credentials" in refused.text
    assert context.machines["lambda"] is used
    # A new key of the same account is fine.
    assert (await api.put("/connections/lambda", json=stored(ROTATED))).status_code == 200
    assert context.machines["lambda"] is not used
    assert world.built[-1].key == ROTATED


async def test_another_project_neither_sees_nor_takes_a_connection(
    connect: Callable[[str], Api], store: SqlStore, caller: Caller
) -> None:
    await connect("ana").put("/connections/lambda", json=stored(GOOD))

    def move(tx: Transaction) -> None:
        # Sorts behind the first one, which users work in.
        project = f"proj_{'z' * 20}"
        tx.execute(
            insert(tables.projects).values(
                id=project, team_id=caller.team_id, name="other", created_at=tx.now
            )
        )
        tx.execute(update(tables.connections).values(project_id=project))

    await store.run(move)
    api = connect("ben")
    assert (await api.get("/connections")).json()["items"] == []
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/validate")):
        assert (await api.request(method, f"/connections/lambda{path}")).status_code == 404
    listed = (await api.get("/providers/lambda")).json()
    assert (listed["connected"], listed["connection"]) == (False, None)
    taken = await api.put("/connections/lambda", json=stored(GOOD))
    assert (taken.status_code, "another project of this server" in taken.text) == (409, True)


async def test_members_of_a_project_share_its_connections(connect: Callable[[str], Api]) -> None:
    await connect("ana").put("/connections/lambda", json=stored(GOOD))
    assert (await connect("ben").get("/connections/lambda")).json()["state"] == "connected"


async def test_nobody_without_a_token_sees_anything(connect: Callable[[str], Api]) -> None:
    api = connect("nobody")
    for path in ("/providers", "/connections", "/connections/lambda"):
        assert (await api.get(path)).status_code == 401


async def test_another_server_of_the_database_follows(
    api: Api, context: Context, connections: Connections, world: VendorWorld
) -> None:
    from dataclasses import replace

    other = replace(context, machines={}, background=set(), nudged=set())
    follower = Connections(other, connections.sealer, world.outside(), PriceCredentials({}))
    await api.put("/connections/lambda", json=stored(GOOD))
    assert other.machines == {}
    await follower.refresh()
    first = world.built[-1]
    assert other.machines["lambda"] is first
    # Both have the same keys to get into machines.
    assert first.setup.access.login.public == world.built[-2].setup.access.login.public
    await follower.refresh()
    assert other.machines["lambda"] is first
    await api.put("/connections/lambda", json=stored(ROTATED))
    await follower.refresh()
    assert world.built[-1].key == ROTATED
    assert other.machines["lambda"] is world.built[-1]
    await api.delete("/connections/lambda")
    await follower.refresh()
    assert other.machines == {}
    await follower.close()
    assert world.clients[-1].is_closed


async def test_a_key_that_is_lost_is_said_and_mended_by_itself(
    api: Api, context: Context, connections: Connections, world: VendorWorld
) -> None:
    from tradewind.db.sealing import Sealer
    from tradewind.domain.clock import SystemEntropy

    await api.put("/connections/lambda", json=stored(GOOD))
    path = connections.sealer.path
    key = path.read_text()
    path.unlink()
    sealer = Sealer(path, SystemEntropy())
    context.machines.clear()
    fresh = Connections(context, sealer, world.outside(), PriceCredentials({}))
    await fresh.refresh()
    assert context.machines == {}
    rows = list(fresh._problems.values())
    assert len(rows) == 1
    assert "is missing" in rows[0]
    path.write_text(key)
    await fresh.refresh()
    assert set(context.machines) == {"lambda"}
    assert fresh._problems == {}
