"""What the ledger says on both databases: migrated with what was known, grouped in every way."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, insert, text

from tests.postgres_for_tests import Server
from tests.unit.db.conftest import AnyStore
from tests.unit.jobs_for_tests import add_attempt, add_job
from tradewind.db import tables
from tradewind.db.migrating import upgrade
from tradewind.db.opening import bring_up_to_date, open_sqlite
from tradewind.db.opening_postgres import bring_postgres_up_to_date, open_postgres
from tradewind.db.owners import Caller, ensure_defaults
from tradewind.db.store import Transaction
from tradewind.domain.money import MICRO, Quantity, Rate
from tradewind.domain.secrets import Secret
from tradewind.ledger.intervals import Interval, close_interval
from tradewind.ledger.reports import GROUPS, spend_by

DOLLAR_AN_HOUR = Rate(micro_per_unit=MICRO, per=Quantity.HOUR)
_OLD_ROWS = (
    "INSERT INTO teams (id, name, created_at) VALUES ('team_1', 'ours', 1)",
    "INSERT INTO users (id, name, created_at) VALUES ('user_1', 'ana', 1)",
    "INSERT INTO projects (id, team_id, name, created_at) VALUES ('proj_1', 'team_1', 'default', 1)",
    "INSERT INTO nodes (id, project_id, creator_id, provider, name, inventory, observed, created_at,"
    " last_seen_at) VALUES ('node_1', 'proj_1', 'user_1', 'local', 'here', '{}', '{}', 1, 1)",
    "INSERT INTO jobs (id, project_id, creator_id, name, status, desired, spec, tags, created_at)"
    " VALUES ('job_1', 'proj_1', 'user_1', 'j', 'running', 'run', '{}', '{}', 1)",
    'INSERT INTO tasks (id, project_id, creator_id, job_id, "index", status, priority, queued_at)'
    " VALUES ('task_1', 'proj_1', 'user_1', 'job_1', 0, 'active', 0, 1)",
    "INSERT INTO attempts (id, project_id, creator_id, job_id, task_id, node_id, number, fence, status, provider,"
    " offer, observed, created_at) VALUES ('att_1', 'proj_1', 'user_1', 'job_1', 'task_1', 'node_1', 1, 1, 'running',"
    " 'local', '{}', '{}', 1)",
    "INSERT INTO reservations (id, project_id, creator_id, job_id, attempt_id, amount_micro, currency, covers_until,"
    " created_at) VALUES ('res_1', 'proj_1', 'user_1', 'job_1', 'att_1', 5, 'USD', 2, 1)",
    "INSERT INTO predictions (id, project_id, creator_id, job_id, attempt_id, fingerprint, provider, accelerator,"
    " accelerator_count, layer, created_at)"
    " VALUES ('pred_1', 'proj_1', 'user_1', 'job_1', 'att_1', 'f', 'local', 'H100-SXM', 2, '', 1)",
    "INSERT INTO ledger (id, project_id, creator_id, job_id, attempt_id, node_id, provider, kind, started_at, ended_at,"
    " duration_ms, quantity, rate_micro_per_unit, rate_per, amount_micro, currency, energy_j, carbon_mg, basis, note)"
    " VALUES ('led_1', 'proj_1', 'user_1', 'job_1', 'att_1', 'node_1', 'local', 'compute', 1, 2, 1, 1, 1, 'kwh', 7,"
    " 'USD', 1, 1, 'modelled', '')",
    "INSERT INTO ledger (id, project_id, creator_id, provider, kind, started_at, ended_at,"
    " duration_ms, quantity, rate_micro_per_unit, rate_per, amount_micro, currency, energy_j, carbon_mg, basis, note)"
    " VALUES ('led_2', 'proj_1', 'user_1', 'local', 'compute', 1, 2, 1, 1, 1, 'kwh', 7, 'USD', 1, 1, 'modelled', '')",
)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_holds_and_intervals_from_before_budgets_keep_what_is_known_of_them(
    request: pytest.FixtureRequest, database: str
) -> None:
    if database == "postgresql":
        postgres: Server = request.getfixturevalue("postgres")
        engine: Engine = open_postgres(Secret(postgres.new_database()))
    else:
        engine = open_sqlite(None)
    upgrade(engine, "0005")
    with engine.begin() as connection:
        for statement in _OLD_ROWS:
            connection.execute(text(statement))
    assert (bring_up_to_date if database == "sqlite" else bring_postgres_up_to_date)(engine)
    with engine.begin() as connection:
        hold = connection.execute(
            text("SELECT provider, market, amount_micro, accrued_micro FROM reservations")
        )
        assert hold.one() == ("local", "owned", 5, 0)
        rows = connection.execute(
            text("SELECT accelerator, accelerator_count, amount_micro FROM ledger ORDER BY id")
        )
        assert rows.all() == [("H100-SXM", 2.0, 7), ("", 0.0, 7)]
    engine.dispose()


async def test_spend_is_grouped_in_every_way(store: AnyStore) -> None:
    caller = (await store.run(lambda tx: ensure_defaults(tx, "ana")))[1]
    start = await store.run(lambda tx: _fill(tx, caller))

    async def by(*names: str) -> list[tuple[tuple[str, ...], int]]:
        rows = await store.read(
            lambda tx: spend_by(tx, caller, start, start + timedelta(days=9), list(names))
        )
        return [(tuple(group.values()), spend.amount_micro // MICRO) for group, spend in rows]

    assert await by("accelerator") == [(("H100-SXM",), 30), (("",), 12), (("L4",), 4)]
    assert await by("kind") == [(("compute",), 36), (("idle",), 10)]
    assert await by("tag:paper") == [(("neurips",), 24), (("",), 22)]
    assert await by('tag:it\'s "odd"') == [(("",), 46)]
    assert await by("day") == [(("2026-01-02",), 24), (("2026-01-03",), 22)]
    assert await by("team", "project", "user", "provider", "job") == [
        (("default", "default", "ana", "simulated", "one"), 24),
        (("default", "default", "ana", "simulated", "two"), 12),
        (("default", "default", "ana", "simulated", ""), 10),
    ]
    for name in GROUPS:
        assert sum(micro for _, micro in await by(name)) == 46
    (_, whole) = (
        await store.read(lambda tx: spend_by(tx, caller, start, start + timedelta(days=9), ["team"]))
    )[0]
    assert (whole.idle_micro, whole.accelerator_hours, whole.jobs) == (10 * MICRO, 64.0, 2)


def _fill(tx: Transaction, caller: Caller) -> datetime:
    start = tx.now
    one, two = add_job(tx, caller, name="one", tags={"paper": "neurips"}), add_job(tx, caller, name="two")
    node = add_attempt(tx, one).node_id
    rows: list[tuple[str | None, int, str, float, str, int]] = [
        (one.id, 20, "H100-SXM", 2.0, "compute", 1), (one.id, 4, "L4", 1.0, "compute", 1),
        (two.id, 12, "", 0.0, "compute", 2), (None, 10, "H100-SXM", 2.0, "idle", 2),
    ]  # fmt: skip
    for job_id, hours, accelerator, count, kind, days in rows:
        ended_at = start + timedelta(days=days, hours=1)
        close_interval(
            tx,
            Interval(
                project_id=caller.project_id,
                creator_id=caller.user_id,
                job_id=job_id,
                attempt_id=None,
                node_id=node,
                provider="simulated",
                started_at=ended_at - timedelta(hours=hours),
                ended_at=ended_at,
                rate=DOLLAR_AN_HOUR,
                energy_j=0,
                carbon_g_per_kwh=0,
                basis="modelled",
                note="",
                kind=kind,
                accelerator=accelerator,
                accelerator_count=count,
            ),
        )
    assert tables.ledger.c.kind.type.length == 16  # type: ignore[attr-defined]
    tx.execute(insert(tables.users).values(id="user_x", name="ben", created_at=tx.now))
    return start
