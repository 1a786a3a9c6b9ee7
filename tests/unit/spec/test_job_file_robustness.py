"""Whatever is in a job file: a job, or an InvalidInputError that says where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tradewind.domain.errors import InvalidInputError
from tradewind.spec.json_schema import list_keys
from tradewind.spec.loading import load_job_file, load_job_text
from tradewind.spec.models import JobSpec
from tradewind.spec.validation import validate_mapping

GOOD = """\
version: 1
name: digits
run: python train.py --epochs 20
env: {SEED: "1", LR: 1e-3}
resources: {accelerators: [A100-80GB:8, H100:4], cpus: 8+, memory: 64GB+, spot: auto, regions: [us-*]}
checkpoints: {path: ckpt, every: 10m, keep: 3}
outputs: [out/**]
constraints: {budget: $100, max_duration: 12h, max_price: $4/h}
estimate: {hours: 10, on: RTX 4090}
tags: &t {paper: neurips}
"""
NAMES = sorted({key[-1] for key in list_keys()})
words = st.sampled_from(
    ["25%", "local", "only", "none",
     "10m", "64GB+", "$4/h", "A100:8", "A100:0.5", "..", "/x", "hybrid", "", " ", "3g.40gb",
     "2026-12-24T18:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "[key]", "\0path"]
)  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=8)
    | st.sampled_from([10**400, -(2**63), 2**63, 1e308])
)  # fmt: skip
anything: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*NAMES, "[key]"]) | st.text(max_size=5), inner, max_size=4)
        | st.dictionaries(scalars.filter(lambda key: key == key), inner, max_size=2)
    ),
    max_leaves=12,
)
job_like = st.dictionaries(st.sampled_from(NAMES), anything, max_size=6).map(
    lambda keys: {"version": 1, "name": "digits", "run": "python train.py", **keys}
)


def check_refusal(error: InvalidInputError) -> None:
    """A refusal has a summary, and entries that can be sent and shown."""
    assert error.message
    json.dumps(error.details).encode()
    for detail in error.details:
        assert list(detail) == ["where", "line", "column", "message", "hint"]
        assert str(detail["message"]).isprintable()
        assert detail["message"]


@given(anything | job_like)
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@example({"[key]": 1, "\0path": 1})
@example({"version": 1, "name": "a", "run": "b", "workdir": {"[key]": 1}})
@example({"version": 1, "name": "a", "run": "b", "env": {"[key]": []}})
@example({"version": 1, "name": "a", "run": "b", "resources": {"any_of": [{"accelerators": [[]]}]}})
def test_any_mapping(mapping: Any) -> None:
    try:
        spec = validate_mapping(mapping)
    except InvalidInputError as error:
        check_refusal(error)
    else:
        assert JobSpec.model_validate(spec.model_dump(mode="json")) == spec


@given(st.text(max_size=200) | st.text("[]{}:,-&*!|>'\"%@`#? \n\ta1<~\\", max_size=60))
@settings(max_examples=400)
def test_any_text(text: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_job_text(text, "job.yaml")
    check_refusal(caught.value)


@given(st.data())
@settings(max_examples=400)
def test_a_good_file_with_a_few_characters_changed(data: st.DataObject) -> None:
    text = GOOD
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        gone = data.draw(st.integers(0, 4))
        new = data.draw(st.text("[]{}:,-&*!|>'\"%@#? \n\tax01.<~\\\0é", max_size=3))
        text = text[:start] + new + text[start + gone :]
    try:
        loaded = load_job_text(text, "job.yaml")
    except InvalidInputError as error:
        check_refusal(error)
        lines = text.count("\n") + 2
        for detail in error.details:
            assert detail["line"] is not None
            assert 1 <= int(detail["line"]) <= lines
    else:
        assert JobSpec.model_validate(json.loads(json.dumps(loaded.mapping))) == loaded.spec


@given(content=st.binary(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "job.yaml"
    path.write_bytes(content)
    with pytest.raises(InvalidInputError) as caught:
        load_job_file(path)
    check_refusal(caught.value)


def test_a_mapping_that_is_too_deep_or_too_wide() -> None:
    deep: Any = 1
    for _ in range(50_000):
        deep = [deep]
    for mapping in ({"tags": deep}, {"tags": dict.fromkeys(map(str, range(100_001)), "x")}):
        with pytest.raises(InvalidInputError) as caught:
            validate_mapping(mapping)
        check_refusal(caught.value)
