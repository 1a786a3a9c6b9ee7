"""One job over HTTP: where its time and money went, what was decided, and its file."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from tests.simulation.clocks import SeededEntropy
from tests.simulation.test_rented import DOLLAR, cloud, stock
from tests.unit.conftest import HandClock
from tests.unit.jobs_for_tests import add_job, task_of
from tradewind.control.context import Context
from tradewind.control.figures import figures_of
from tradewind.control.job_lines import spec_yaml
from tradewind.control.predicting import Foretold
from tradewind.control.rent_money import settle_tenancy
from tradewind.control.renting import rent
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, JobRow, NodeRow
from tradewind.db.store import SqlStore, Transaction
from tradewind.domain.status import AttemptStatus, JobStatus, Reason, TaskStatus
from tradewind.providers.simulated import SimulatedCloud, Work
from tradewind.spec.models import JobSpec

# The web framework sets an alias on bodies that its own schema library then says has no effect.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.UnsupportedFieldAttributeWarning")


@pytest.fixture
def place(context: Context, clock: HandClock) -> SimulatedCloud:
    """A connected cloud with a dear and a cheap zone."""
    profile = replace(cloud(stock("r0a", 4 * DOLLAR), stock("r1a", DOLLAR)), latency_s=0.0)
    made = SimulatedCloud(clock, SeededEntropy(1), profile, lambda _: Work())
    context.machines["cloud"] = made
    object.__setattr__(context, "reach", lambda _provider, handle, _login: made.host(handle))
    return made


async def _rent(
    store: SqlStore, job_id: str, place: SimulatedCloud, zone: str, clock: HandClock, **columns: Any
) -> str:
    """An attempt that began two minutes after its machine was rented, and runs."""
    offer = next(each for each in await place.list_offers() if each.zone == zone)

    def lay(tx: Transaction) -> str:
        job = JobRow.get(tx, job_id)
        spec = JobSpec.model_validate(job.spec)
        made = rent(tx, "inst", job, task_of(tx, job), spec, offer, Foretold())
        assert isinstance(made, str)
        return made

    attempt_id = await store.run(lay)
    rented_at = clock.now()
    clock.advance(120)

    def begin(tx: Transaction) -> None:
        attempt = AttemptRow.get(tx, attempt_id)
        nodes = tables.nodes
        tx.execute(
            update(nodes)
            .where(nodes.c.id == attempt.node_id)
            .values(
                status="ready", accepted_at=rented_at, billed_from=rented_at,
                ready_at=rented_at + timedelta(seconds=90),
            )
        )  # fmt: skip
        values = {"status": AttemptStatus.RUNNING, "accepted_at": tx.now, "started_at": tx.now, **columns}
        tx.execute(update(tables.attempts).where(tables.attempts.c.id == attempt_id).values(**values))
        jobs = tables.jobs
        tx.execute(
            update(jobs).where(jobs.c.id == job_id).values(status=JobStatus.RUNNING, started_at=tx.now)
        )

    await store.run(begin)
    return attempt_id


async def _interrupt(store: SqlStore, attempt_id: str) -> None:
    def end(tx: Transaction) -> None:
        attempt = AttemptRow.get(tx, attempt_id)
        settle_tenancy(tx, NodeRow.get(tx, attempt.node_id), tx.now)
        tx.execute(
            update(tables.attempts)
            .where(tables.attempts.c.id == attempt_id)
            .values(
                status=AttemptStatus.INTERRUPTED, reason=Reason.RECLAIMED, ended_at=tx.now,
                explanation="the provider took the machine back",
            )
        )  # fmt: skip
        tasks = tables.tasks
        tx.execute(update(tasks).where(tasks.c.job_id == attempt.job_id).values(status=TaskStatus.WAITING))
        jobs = tables.jobs
        tx.execute(update(jobs).where(jobs.c.id == attempt.job_id).values(status=JobStatus.QUEUED))

    await store.run(end)


def _keep_checkpoint(tx: Transaction, attempt_id: str) -> None:
    attempt = AttemptRow.get(tx, attempt_id)
    tx.insert(
        tables.checkpoints,
        {
            "id": tx.new_id("ckpt"), "project_id": attempt.project_id, "creator_id": attempt.creator_id,
            "job_id": attempt.job_id, "task_id": attempt.task_id, "attempt_id": attempt_id, "attempt_number": 1,
            "fence": 1, "path": "ckpt/step-400", "step": 400.0, "size_bytes": 10, "file_count": 1, "manifest": [],
            "location": "x", "state": "kept", "created_at": tx.now,
        },
    )  # fmt: skip


async def test_an_interrupted_job_tells_where_time_and_money_went(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, place: SimulatedCloud, clock: HandClock
) -> None:
    job = await store.run(
        lambda tx: add_job(tx, caller, name="digits", constraints={"budget": "$20"}, estimate={"hours": 4.0})
    )
    clock.advance(30)
    first = await _rent(store, job.id, place, "r0a", clock)
    clock.advance(3480)
    await store.run(lambda tx: _keep_checkpoint(tx, first))
    await _interrupt(store, first)
    clock.advance(60)
    waiting = (await api.get(f"/jobs/{job.id}")).json()
    assert waiting["waiting"]["since"] == waiting["tasks"][0]["attempts"][0]["ended_at"]
    assert waiting["cost"]["per_hour"]["text"] == "$0.00/h"
    await _rent(store, job.id, place, "r1a", clock)
    clock.advance(1800)
    shown = (await api.get(f"/jobs/{job.id}")).json()
    assert [(each["kind"], each["seconds"]) for each in shown["timeline"]] == [
        ("queue", 30), ("host_start", 90), ("delivery", 30), ("running", 3480), ("gap", 60),
        ("host_start", 90), ("delivery", 30), ("running", 1800),
    ]  # fmt: skip
    one, two = shown["tasks"][0]["attempts"]
    assert (one["state"]["label"], one["zone"], one["cost"]["text"]) == ("Interrupted", "r0a", "$4.00")
    assert (one["cost_basis"], two["cost_basis"]) == ("estimated", "estimated")
    assert (two["zone"], two["resumed_step"], two["market"]) == ("r1a", 400.0, "on_demand")
    assert "tradewind ssh" in shown["commands"][0]["command"]
    assert {each["id"] for each in shown["permitted"]} == {"stop", "migrate", "clone"}
    cost = (await api.get(f"/jobs/{job.id}/cost")).json()
    assert cost["cost"]["amount"] == shown["cost"]["amount"]
    assert sum(each["amount"]["micro"] for each in cost["lines"]) == cost["cost"]["amount"]["micro"]
    assert [(each["is_final"], each["attempt"]) for each in cost["lines"]] == [(True, 1), (False, 2)]
    assert cost["lines"][0]["detail"].endswith("1.0 h at $4.00/h")
    assert cost["cost"]["cap"]["text"] == "$20.00"
    assert cost["standing"]["label"] == "Within budget"
    assert cost["cap_share"] == 1.0
    assert any("not metered by job" in each for each in cost["notes"])
    (kept,) = (await api.get(f"/jobs/{job.id}/checkpoints")).json()["items"]
    assert (kept["state"]["label"], kept["place"]) == ("Resumable", "cloud/r0a/gpu-1 (on_demand)")


async def test_a_machine_that_is_not_gone_costs_although_its_job_has_ended(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, place: SimulatedCloud, clock: HandClock
) -> None:
    job = await store.run(lambda tx: add_job(tx, caller))
    attempt_id = await _rent(store, job.id, place, "r1a", clock)
    clock.advance(3480)

    def end(tx: Transaction) -> None:
        attempts, jobs = tables.attempts, tables.jobs
        tx.execute(
            update(attempts).where(attempts.c.id == attempt_id).values(status="succeeded", ended_at=tx.now)
        )
        tx.execute(update(jobs).where(jobs.c.id == job.id).values(status="succeeded", ended_at=tx.now))

    await store.run(end)
    clock.advance(3600)
    cost = (await api.get(f"/jobs/{job.id}")).json()["cost"]
    assert (cost["amount"]["text"], cost["per_hour"]["text"], cost["is_final"]) == ("$2.00", "$1.00/h", False)
    (line,) = (await api.get(f"/jobs/{job.id}/cost")).json()["lines"]
    assert (line["amount"]["text"], line["is_final"]) == ("$2.00", False)


async def test_a_job_that_leads_over_its_budget_is_said_to_do_so(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, place: SimulatedCloud, clock: HandClock
) -> None:
    job = await store.run(
        lambda tx: add_job(tx, caller, constraints={"budget": "$10"}, estimate={"hours": 4.0, "on": "A100"})
    )
    await _rent(
        store, job.id, place, "r0a", clock,
        observed={
            "progress": {"fraction": 0.5}, "progress_from": {"fraction": 0.0, "at": clock.now().timestamp() + 120},
            "progress_to": {"fraction": 0.5, "at": clock.now().timestamp() + 120 + 5400},
        },
    )  # fmt: skip
    clock.advance(5400)
    cost = (await api.get(f"/jobs/{job.id}/cost")).json()
    assert cost["projection_text"] == "1.5 h left, from its own pace"
    assert cost["standing"]["label"] == "Heading over budget"
    assert cost["projected"]["micro"] == cost["cost"]["amount"]["micro"] + 6 * DOLLAR
    assert cost["projected_share"] == 1.0


async def test_a_job_that_was_never_placed_has_cost_nothing(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller
) -> None:
    job = await store.run(lambda tx: add_job(tx, caller))
    cost = (await api.get(f"/jobs/{job.id}/cost")).json()
    assert (cost["lines"], cost["cost"]["amount"]["micro"], cost["standing"]) == ([], 0, None)
    assert (await api.get("/jobs/job_nothing/cost")).status_code == 404
    assert (await api.get("/jobs/job_nothing/spec")).status_code == 404


async def test_events_and_decisions_are_worded(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller, place: SimulatedCloud, clock: HandClock
) -> None:
    job = await store.run(lambda tx: add_job(tx, caller, estimate={"hours": 4.0}))
    await _rent(store, job.id, place, "r0a", clock)
    events = (await api.get(f"/jobs/{job.id}/events")).json()["items"]
    assert [each["badge"]["label"] for each in events] == ["Submitted", "Placed", "Starting"]
    moved = (await api.post(f"/jobs/{job.id}/migrate", json={"to": "cloud/r1a"})).json()
    figures = {each["label"]: each["text"] for each in moved["figures"]}
    assert figures["To finish here"] == "$16.00"
    assert figures["Price there"] == "$1.00/h"
    (decision,) = (await api.get(f"/jobs/{job.id}/decisions")).json()["items"]
    assert (decision["badge"]["label"], decision["figures"]) == ("Moves", moved["figures"])
    assert (await api.get(f"/jobs/{job.id}")).json()["state"]["label"] == "Moving"


async def test_a_jobs_file_comes_back_as_text(
    api: httpx2.AsyncClient, store: SqlStore, caller: Caller
) -> None:
    job = await store.run(
        lambda tx: add_job(
            tx, caller, name="digits", setup="pip install x\npip install y", tags={"b": "1", "a": "ö"}
        )
    )
    shown = (await api.get(f"/jobs/{job.id}/spec")).json()
    assert yaml.safe_load(shown["yaml"]) == job.spec == shown["spec"]
    assert shown["yaml"].startswith("version: 1\nname: digits\nsetup: |-\n  pip install x\n  pip install y\n")
    assert (shown["command"], shown["clone_path"]) == ("tradewind run digits.yaml", f"/new?clone={job.id}")


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
_SPECS = st.dictionaries(
    st.text(min_size=1),
    st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)),
)


@given(spec=_SPECS)
def test_every_file_reads_back_as_the_same(spec: dict[str, Any]) -> None:
    assert yaml.safe_load(spec_yaml(spec)) == spec


@given(arithmetic=st.dictionaries(st.text(), _LEAVES | st.lists(_LEAVES)))
def test_no_figure_is_too_odd_to_be_shown(arithmetic: dict[str, Any]) -> None:
    arithmetic.pop("deadline", None)
    arithmetic.pop("look_again_by", None)
    assert len(figures_of(arithmetic)) <= len(arithmetic)
