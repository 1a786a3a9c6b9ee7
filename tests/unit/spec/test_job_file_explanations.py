"""Faults in keys that this version refuses as a whole, and in values too large to write in a table, are explained too."""

# ruff: noqa: E501

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tradewind.spec.explain import explain
from tradewind.spec.models import JobSpec

LONG = "x" * 130_000


def explain_all(**keys: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        JobSpec.model_validate({"version": 1, "name": "digits", "run": "true", **keys})
    faults = [explain(error) for error in caught.value.errors()]
    return [f"{fault.message} ({fault.hint})" if fault.hint else fault.message for fault in faults]


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"constraints": {"deadline": "2026-12-24"}}, "'2026-12-24T00:00:00' has no time zone (end it with Z for UTC, or with +02:00)"),
        ({"constraints": {"deadline": "soon"}}, "'soon' is not a point in time (write for example 2026-12-24T18:00Z)"),
        ({"constraints": {"deadline": 5}}, "`constraints.deadline` must be a point in time, not a number (write for example 2026-12-24T18:00Z)"),
        ({"constraints": {"deadline": "0001-01-01T00:00+10:00"}}, "'0001-01-01T00:00:00+10:00' is not a point in time (write for example 2026-12-24T18:00Z)"),
        ({"constraints": {"min_reliability": 1.5}}, "`constraints.min_reliability` must be at most 1, not 1.5 (write for example `min_reliability: 0.9`)"),
        ({"migrate": {"when_cheaper_by": "lots"}}, "'lots' is not a percentage between 0 and 100 (write for example 25%)"),
        ({"migrate": {"when_cheaper_by": 100}}, "100 is not a percentage between 0 and 100 (write for example 25%)"),
        ({"estimate": {"model": "a", "tokens": "many"}}, "'many' is not a count (write for example 50M)"),
        ({"estimate": {"model": "a", "tokens": 0.5}}, "0.5 is not a count (write for example 50M)"),
        ({"estimate": {"model": "a", "hours": 1}}, "`estimate` has both `hours` and `model` (keep one of them)"),
        ({"resources": {"nodes": {"min": 3, "max": 2}}}, "2 is less than `min`, 3 (write for example `max: 8`)"),
        ({"resources": {"accelerators": [{"count": 2}]}}, "`resources.accelerators[0]` needs a `name` or a `mig` slice (write for example A100-80GB:8)"),
        ({"resources": {"accelerators": [{"name": "A", "count": 0}]}}, "`resources.accelerators[0].count` must be at least 0.001, not 0 (write for example `count: 8`)"),
        ({"resources": {"accelerators": [{"mig": "big"}]}}, "'big' does not have the right form (write for example `mig: 3g.40gb`)"),
        ({"sweep": {"seed": {"range": [3, 1]}}}, "`[3, 1]` is an empty range (write for example [0, 8])"),
        ({"sweep": {"seed": []}}, "`sweep.seed` does not have the right number of items (write for example `sweep: {lr: [0.1, 0.01], seed: {range: [0, 8]}}`)"),
        ({"sweep": {"seed": 5}}, "`sweep.seed` must be a list, or a mapping with `range` (write for example `sweep: {lr: [0.1, 0.01], seed: {range: [0, 8]}}`)"),
        ({"data": [{"uri": "a"}]}, "`data[0].mount` is missing (write for example `mount: /data`)"),
        ({"workdir": {"url": "a", "reff": "b"}}, "Unknown key `workdir.reff` (did you mean `workdir.ref`?)"),
        ({"health": {"stop_on_nan": "yes"}}, "`health.stop_on_nan` must be true or false, not text (write for example `stop_on_nan: true`)"),
        ({"stop_on_non": True}, "Unknown key `stop_on_non` (did you mean `health.stop_on_nan`?)"),
        ({"tags": {"[key]": [1]}}, "`tags.[key]` must be text, not a list (write for example `tags: {paper: neurips}`)"),
        ({"setup": LONG}, "`setup` is longer than 120 KiB (put it into a script and run that)"),
        ({"env": {"A": LONG}}, "`env.A` is longer than 120 KiB, more than the environment can hold (put it into a file)"),
        ({"workdir": "x" * 5_000}, "`workdir` must have at most 4096 characters (write for example `workdir: .`)"),
        ({"outputs": [" "]}, "`outputs[0]` must not be empty (write for example `outputs: [out/**]`)"),
    ],
)  # fmt: skip
def test_one_fault(keys: dict[str, Any], expected: str) -> None:
    assert explain_all(**keys) == [expected]
