"""What a job file means: values, defaults, and that what is written out reads back the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tradewind.domain.units import Amount
from tradewind.spec.document import read_document
from tradewind.spec.models import (
    AcceleratorRequest,
    Checkpoints,
    Constraints,
    Estimate,
    GitSource,
    JobSpec,
    Launcher,
    NodeRange,
    OnLostContact,
    Priority,
    Resources,
    Retry,
    Spot,
    Strategy,
    SweepRange,
)

GIB = 1 << 30
MINIMAL = {"version": 1, "name": "digits", "run": "python train.py"}
#: Every key of the format.
WHOLE = """\
version: 1
name: digits
project: vision
workdir: .
image: pytorch/pytorch:2.9
setup: pip install -r requirements.txt
run: python train.py --epochs 20
env: {SEED: "1", LR: 1e-3, DEBUG: yes}
secrets: [HF_TOKEN]
resources:
  accelerators: [A100-80GB:8, H100:4, L4:0.5, {mig: 3g.40gb}, RTX 4090]
  nodes: {min: 2, max: 8}
  cpus: 8+
  memory: 64GB+
  disk: 200GB
  spot: auto
  providers: [lambda, runpod, local]
  regions: [us-*]
  any_of: [{accelerators: H100:8}, {memory: 1.5TB, spot: never}]
profile: my-aws
launcher: torchrun
data: [{uri: s3://datasets/imagenet, mount: /data, locality: prefer, replication: none}]
checkpoints: {path: ckpt, every: 10m, keep: 3}
outputs: [out/**]
constraints: {budget: $100, deadline: 2026-12-24T18:00Z, max_duration: 12h, max_price: $4/h, min_reliability: 0.9}
estimate: {hours: 10, on: RTX 4090}
strategy: balanced
priority: normal
depends_on: [prepare]
retry: {interruptions: 10, failures: 1}
health: {stall_after: 15m, stop_on_nan: true}
on_lost_contact: finish
migrate: {when_cheaper_by: 25%}
sweep: {lr: [0.1, 0.01], seed: {range: [0, 8]}}
tags: {paper: neurips}
"""


def read(**keys: Any) -> JobSpec:
    return JobSpec.model_validate({**MINIMAL, **keys})


def test_what_holds_when_a_key_is_left_out() -> None:
    spec = read()
    assert (spec.project, spec.workdir, spec.image, spec.setup) == ("default", None, None, None)
    assert (spec.env, spec.secrets, spec.outputs, spec.tags, spec.data, spec.depends_on) == (
        {},
        [],
        [],
        {},
        [],
        [],
    )
    assert spec.resources == Resources()
    assert (spec.resources.accelerators, spec.resources.nodes, spec.resources.spot) == ((), 1, Spot.AUTO)
    assert (spec.resources.cpus, spec.resources.memory, spec.resources.disk) == (None, None, None)
    assert (spec.resources.providers, spec.resources.regions, spec.resources.any_of) == ((), (), ())
    assert (spec.checkpoints, spec.estimate, spec.health, spec.migrate, spec.sweep) == (
        None,
        None,
        None,
        None,
        None,
    )
    assert spec.constraints == Constraints()
    assert spec.constraints.budget_micro_usd is None
    assert spec.retry == Retry(interruptions=10, failures=0)
    assert (spec.strategy, spec.priority) == (Strategy.BALANCED, Priority.NORMAL)
    assert (spec.launcher, spec.on_lost_contact) == (Launcher.NONE, OnLostContact.FINISH)


def test_every_key_of_the_format() -> None:
    spec = JobSpec.model_validate(read_document(WHOLE).value)
    assert spec.env == {"SEED": "1", "LR": "1e-3", "DEBUG": "yes"}
    assert spec.resources == Resources(
        accelerators=(
            AcceleratorRequest(name="A100-80GB", count=8),
            AcceleratorRequest(name="H100", count=4),
            AcceleratorRequest(name="L4", count=0.5),
            AcceleratorRequest(mig="3g.40gb"),
            AcceleratorRequest(name="RTX 4090", count=1),
        ),
        nodes=NodeRange(min=2, max=8),
        cpus=Amount(8, True),
        memory=Amount(64 * GIB, True),
        disk=Amount(200 * GIB),
        providers=("lambda", "runpod", "local"),
        regions=("us-*",),
        any_of=spec.resources.any_of,
    )
    assert spec.resources.any_of[0].accelerators == (AcceleratorRequest(name="H100", count=8),)
    assert spec.resources.any_of[1].memory == Amount(1536 * GIB)
    assert spec.checkpoints == Checkpoints(path="ckpt", every=timedelta(minutes=10), keep=3)
    assert spec.constraints.budget_micro_usd == 100_000_000
    assert spec.constraints.max_price_micro_usd_per_hour == 4_000_000
    assert spec.constraints.max_duration == timedelta(hours=12)
    assert spec.constraints.deadline == datetime(2026, 12, 24, 18, tzinfo=UTC)
    assert spec.estimate == Estimate(hours=10, on="RTX 4090")
    assert spec.migrate is not None
    assert spec.migrate.when_cheaper_by == 25
    assert spec.sweep == {"lr": [0.1, 0.01], "seed": SweepRange(range=(0, 8))}
    assert spec.tags == {"paper": "neurips"}


def test_other_forms() -> None:
    assert read(workdir={"url": "https://example.org/x.git", "ref": "main"}).workdir == GitSource(
        url="https://example.org/x.git", ref="main"
    )
    assert read(resources={"accelerators": "A100:8"}).resources.accelerators == (
        AcceleratorRequest(name="A100", count=8),
    )
    assert read(resources={"accelerators": {"name": "A100", "count": 2}}).resources.accelerators[0].count == 2
    assert read(resources={"memory": 64, "cpus": 2}).resources.memory == Amount(64 * GIB)
    assert read(estimate={"model": "llama-3.1-8b", "tokens": "50M"}).estimate == Estimate(
        model="llama-3.1-8b", tokens=50_000_000
    )
    assert read(constraints={"deadline": "2026-12-24T19:30+02:00"}).constraints.deadline == datetime(
        2026, 12, 24, 17, 30, tzinfo=UTC
    )


def test_json_values_become_text_in_env_and_tags() -> None:
    spec = read(env={"A": 1, "B": True, "C": 0.5, "D": "x"}, tags={"n": 3})
    assert spec.env == {"A": "1", "B": "true", "C": "0.5", "D": "x"}
    assert spec.tags == {"n": "3"}


def test_a_key_with_nothing_after_it_counts_as_absent() -> None:
    keys = dict.fromkeys(set(JobSpec.model_fields) - {"version", "name", "run"})
    assert read(**keys) == read()
    assert read(resources=dict.fromkeys(Resources.model_fields)) == read()


@pytest.mark.parametrize(
    "text", ["env: {A: 1.10}", "env: {A: 1.10}\ntags: {b: no}", WHOLE.partition("run:")[2].partition("\n")[2]]
)
def test_a_spec_reads_back_from_what_it_writes(text: str) -> None:
    spec = JobSpec.model_validate({**MINIMAL, **read_document(text).value})
    assert JobSpec.model_validate(spec.model_dump()) == spec
    assert JobSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert JobSpec.model_validate_json(spec.model_dump_json()) == spec


def test_a_spec_writes_what_a_person_would() -> None:
    constraints = {
        "budget": "$12.50",
        "max_price": "$4/h",
        "max_duration": "90m",
        "deadline": "2026-12-24T18:00Z",
    }
    written = read(resources={"cpus": 8, "memory": "64 GiB+"}, constraints=constraints).model_dump(
        mode="json"
    )
    assert {key: written["resources"][key] for key in ("cpus", "memory")} == {"cpus": "8", "memory": "64GB+"}
    assert {key: value for key, value in written["constraints"].items() if value} == {
        "budget": "$12.5",
        "max_price": "$4/h",
        "max_duration": "90m",
        "deadline": "2026-12-24T18:00:00Z",
    }


amounts = st.builds(Amount, st.floats(1e-6, 1e9).map(lambda value: round(value, 6)), st.booleans())
sizes = st.builds(Amount, st.integers(1, 1 << 53).map(float), st.booleans())
micro_dollars = st.integers(1, 10**18 - 1)
durations = st.timedeltas(timedelta(microseconds=1), timedelta(days=3_660))


@given(amounts, sizes, durations, durations, micro_dollars, micro_dollars)
def test_no_quantity_changes_on_the_way_out_and_back(
    cpus: Amount, memory: Amount, every: timedelta, longest: timedelta, budget: int, price: int
) -> None:
    constraints = {
        "budget": f"${budget // 10**6}.{budget % 10**6:06d}",
        "max_price": f"{price // 10**6}.{price % 10**6:06d}",
        "max_duration": longest,
    }
    spec = read(
        resources={"cpus": cpus, "memory": memory, "disk": memory},
        checkpoints={"path": "c", "every": every},
        constraints=constraints,
    )
    assert (spec.constraints.budget_micro_usd, spec.constraints.max_price_micro_usd_per_hour) == (
        budget,
        price,
    )
    back = JobSpec.model_validate(spec.model_dump(mode="json"))
    assert back == spec
    assert back.resources.memory == memory
    assert back.resources.cpus == cpus
    assert back.checkpoints is not None
    assert (back.checkpoints.every, back.constraints.max_duration) == (every, longest)


@given(
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=20),
    st.integers(1, 100_000) | st.floats(0.001, 100_000),
)
def test_accelerators_are_read_as_they_are_shown(name: str, count: float) -> None:
    request = AcceleratorRequest(name=f"a{name}", count=count)
    assert AcceleratorRequest.model_validate(str(request)) == request


def test_nothing_of_a_spec_can_be_set() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read().name = "other"  # type: ignore[misc]
