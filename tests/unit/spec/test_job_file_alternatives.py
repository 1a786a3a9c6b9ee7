"""`resources.any_of`: what each alternative asks for, and what is wrong with some."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.errors import InvalidInputError
from tradewind.spec.loading import load_job_text
from tradewind.spec.models import AcceleratorRequest, JobSpec, ResourceOverrides, Resources, Spot
from tradewind.spec.resources import MOST_ALTERNATIVES
from tradewind.spec.validation import validate_mapping

MINIMAL = {"version": 1, "name": "digits", "run": "true"}


def read(**resources: Any) -> JobSpec:
    return validate_mapping({**MINIMAL, "resources": resources})


def test_each_takes_over_what_it_does_not_say() -> None:
    spec = read(
        accelerators="A100:8",
        memory="64GB+",
        providers=["lambda"],
        any_of=[{}, {"accelerators": "H100:8", "spot": "only"}, {"accelerators": [], "providers": []}],
    )
    first, second, third = spec.alternatives()
    assert first.resources == Resources.model_validate(
        {"accelerators": "A100:8", "memory": "64GB+", "providers": ["lambda"]}
    )
    assert second.resources.accelerators == (AcceleratorRequest(name="H100", count=8),)
    assert (second.resources.spot, second.resources.providers) == (Spot.ONLY, ("lambda",))
    assert (third.resources.accelerators, third.resources.providers) == ((), ())
    assert {each.resources.memory for each in (first, second, third)} == {spec.resources.memory}
    assert {each.resources.any_of for each in (first, second, third)} == {()}


def test_a_job_without_is_its_own_only_alternative() -> None:
    spec = read(accelerators="A100:8")
    assert spec.alternatives() == (spec,)
    assert spec.alternative(None) is spec
    assert spec.up_to(None) is spec


def test_in_an_order_what_comes_before_may_be_moved_to() -> None:
    wanted = [{"accelerators": name} for name in ("A", "B", "C")]
    spec = read(any_of=wanted)
    assert [str(each) for each in spec.up_to(1).resources.any_of] == ["A:1", "B:1"]
    assert spec.up_to(2) == spec
    loose = read(any_of=wanted, ordered=False)
    assert loose.up_to(0) is loose


@pytest.mark.parametrize(
    ("written", "line", "column", "message"),
    [
        (
            "  any_of:\n    - {accelerators: H100}\n    - {providers: [local], spot: only}\n",
            7, 19, "`local` has no spot machines, and `spot: only` accepts nothing else",
        ),
        (
            "  providers: [local]\n  any_of:\n    - accelerators: H100\n    - spot: only\n",
            8, 13, "`local` has no spot machines, and `spot: only` accepts nothing else",
        ),
        ("  any_of:\n    - {}\n    - {spot: auto}\n", 7, 7, "`resources.any_of[1]` asks for the same as alternative 1"),
        ("  ordered: false\n", 5, 12, "`resources.ordered` says nothing without `any_of`"),
        ("  any_of:\n    - {acelerators: H100}\n", 6, 8, "Unknown key `resources.any_of[0].acelerators`"),
        ("  any_of:\n    - {any_of: []}\n", 6, 8, "Unknown key `resources.any_of[0].any_of`"),
        ("  any_of: {spot: auto}\n", 5, 11, "`resources.any_of` must be a list, not a mapping"),
        ("  any_of:\n    - {nodes: 2}\n", 6, 15, "`resources.any_of.nodes` is not supported by this version"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(written: str, line: int, column: int, message: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        load_job_text(f"version: 1\nname: digits\nrun: 'true'\nresources:\n{written}", "job.yaml")
    (fault,) = caught.value.details
    assert (fault["line"], fault["column"], fault["message"]) == (line, column, message)
    assert fault["hint"]


def test_there_is_a_most() -> None:
    many = [{"cpus": count} for count in range(1, MOST_ALTERNATIVES + 1)]
    assert len(read(any_of=many).alternatives()) == MOST_ALTERNATIVES
    with pytest.raises(InvalidInputError):
        read(any_of=[*many, {"cpus": 99}])


def test_they_are_named_by_what_they_say() -> None:
    said = {
        "accelerators": ["H100:8", "A100:4"],
        "cpus": "8+",
        "spot": "only",
        "providers": ["lambda"],
        "regions": ["us-*"],
    }
    assert (
        str(ResourceOverrides.model_validate(said)) == "H100:8 or A100:4, 8+ processors, spot, lambda, us-*"
    )
    assert str(ResourceOverrides.model_validate({"accelerators": [], "providers": []})) == (
        "no accelerator, any provider"
    )
    assert str(ResourceOverrides()) == "nothing else"


some_keys = st.fixed_dictionaries(
    {},
    optional={
        "accelerators": st.sampled_from(["H100:8", ["A100-80GB:8", "H100:4"], []]),
        "cpus": st.sampled_from([4, "8+"]),
        "memory": st.sampled_from(["64GB+", "1.5TB"]),
        "disk": st.just("200GB"),
        "spot": st.sampled_from(["never", "auto", "only"]),
        "providers": st.sampled_from([["lambda"], ["runpod", "vast"], []]),
        "regions": st.sampled_from([["us-*"], []]),
    },
)


@given(base=some_keys, others=st.lists(some_keys, max_size=4), ordered=st.booleans())
def test_an_alternative_is_the_job_with_its_keys_written_over(
    base: dict[str, Any], others: list[dict[str, Any]], ordered: bool
) -> None:
    written = {**base, "any_of": others, **({} if ordered else {"ordered": False})}
    merged = [Resources.model_validate({**base, **each}) for each in others]
    is_right = all(each not in merged[:place] for place, each in enumerate(merged)) and (ordered or others)
    if not is_right:
        with pytest.raises(InvalidInputError):
            read(**written)
        return
    spec = read(**written)
    expected = merged or [Resources.model_validate(base)]
    assert [each.resources for each in spec.alternatives()] == expected
    for form in ({}, {"mode": "json"}, {"mode": "json", "exclude_defaults": True}):
        assert JobSpec.model_validate(spec.model_dump(**form)) == spec
