"""What the format has and this version does not is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from tradewind.domain.errors import NotSupportedError
from tradewind.spec.json_schema import find_keys
from tradewind.spec.supported import UNSUPPORTED, find_unsupported
from tradewind.spec.validation import validate_mapping

MINIMAL = {"version": 1, "name": "digits", "run": "python train.py"}


@pytest.mark.parametrize(
    ("keys", "where", "subject"),
    [
        ({"workdir": {"url": "x"}}, "workdir", "`workdir` from git"),
        ({"image": "a"}, "image", "`image`"),
        ({"secrets": ["A"]}, "secrets", "`secrets`"),
        ({"profile": "a"}, "profile", "`profile`"),
        ({"launcher": "mpi"}, "launcher", "`launcher: mpi`"),
        ({"data": [{"uri": "a", "mount": "b"}]}, "data", "`data`"),
        ({"sweep": {"a": [1]}}, "sweep", "`sweep`"),
        ({"depends_on": ["a"]}, "depends_on", "`depends_on`"),
        ({"resources": {"nodes": 65}}, "resources.nodes", "`resources.nodes` over 64"),
        ({"resources": {"nodes": {"min": 1, "max": 2}}}, "resources.nodes", "a range of `resources.nodes`"),
        ({"resources": {"any_of": [{}, {"nodes": 2}]}}, "resources.any_of[1].nodes", "`resources.any_of.nodes`"),
        (
            {"resources": {"any_of": [{"accelerators": ["A", "L4:0.5"]}]}}, "resources.any_of[0].accelerators[1]",
            "a share of an accelerator",
        ),
        (
            {"resources": {"any_of": [{"accelerators": {"mig": "3g.40gb"}}]}}, "resources.any_of[0].accelerators",
            "a MIG slice",
        ),
        ({"resources": {"accelerators": ["A", "L4:0.5"]}}, "resources.accelerators[1]", "a share of an accelerator"),
        ({"resources": {"accelerators": "L4:1.5"}}, "resources.accelerators", "a share of an accelerator"),
        ({"resources": {"accelerators": {"mig": "3g.40gb"}}}, "resources.accelerators", "a MIG slice"),
    ],
)  # fmt: skip
def test_it_is_refused_by_name(keys: dict[str, Any], where: str, subject: str) -> None:
    with pytest.raises(NotSupportedError) as caught:
        validate_mapping({**MINIMAL, **keys})
    message = f"{subject} is not supported by this version"
    assert [(detail["where"], detail["message"]) for detail in caught.value.details] == [(where, message)]
    assert caught.value.details[0]["hint"]


@pytest.mark.parametrize(
    "keys",
    [
        {"launcher": "none"}, {"sweep": None}, {"sweep": {}}, {"data": []}, {"secrets": []}, {"depends_on": []},
        {"resources": {"nodes": 64}}, {"resources": {"any_of": [{"accelerators": "A:2"}, {"spot": "never"}]}},
        {"resources": {"nodes": 1, "any_of": [], "accelerators": ["A100:8", {"name": "H100"}]}},
        {"workdir": "."}, {"estimate": {"hours": 2, "on": "RTX 4090"}}, {"constraints": {"deadline": None}},
        *({"strategy": strategy} for strategy in ("cheapest", "fastest", "balanced", "reliable")),
    ],
)  # fmt: skip
def test_what_asks_for_nothing_new_is_accepted(keys: dict[str, Any]) -> None:
    assert validate_mapping({**MINIMAL, **keys}).name == "digits"


def test_several_are_listed_together_and_their_own_faults_are_not() -> None:
    with pytest.raises(NotSupportedError) as caught:
        validate_mapping({**MINIMAL, "image": 5, "sweep": {"a": 1}, "depends_on": 1})
    assert [detail["where"] for detail in caught.value.details] == ["image", "sweep", "depends_on"]
    assert caught.value.message == "job: 3 problems"


@pytest.mark.parametrize(
    "keys", [{"launcher": "x"}, {"strategy": 3}, {"resources": []}, {"resources": {"nodes": True}}]
)
def test_what_is_simply_wrong_is_not_called_unsupported(keys: dict[str, Any]) -> None:
    assert find_unsupported({**MINIMAL, **keys}) == []


@pytest.mark.parametrize("entry", UNSUPPORTED, ids=lambda entry: ".".join(entry.path))
def test_every_entry_names_a_key_of_the_format(entry: Any) -> None:
    assert find_keys(entry.path)
