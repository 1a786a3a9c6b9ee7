"""A job with alternatives, as the queue speaks of it."""

from __future__ import annotations

from typing import Any

import pytest

from tradewind.control.queue_views import wants_text
from tradewind.control.waiting_help import what_helps
from tradewind.domain.status import Reason
from tradewind.spec.models import JobSpec

H100 = {"accelerators": "H100:2", "providers": ["lambda"]}
A100 = {"accelerators": "A100-80GB:4", "providers": ["runpod"]}


def spec(**resources: Any) -> JobSpec:
    return JobSpec.model_validate({"version": 1, "name": "a", "run": "true", "resources": resources})


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"any_of": [H100, A100], "ordered": False}, "H100:2, 8+ CPUs; or A100-80GB:4, 8+ CPUs"),
        # Without a word on it, they are taken in their order.
        ({"any_of": [H100, A100]}, "H100:2, 8+ CPUs; else A100-80GB:4, 8+ CPUs"),
        # Alternatives that differ in the place alone want the same.
        ({"any_of": [{"providers": ["lambda"]}, {"providers": ["runpod"]}]}, "8+ CPUs"),
    ],
)
def test_what_is_wanted_names_each_alternative_once(resources: dict[str, Any], said: str) -> None:
    assert wants_text(spec(cpus="8+", **resources)) == said


def test_what_helps_loosens_each_alternative_and_tells_of_another() -> None:
    texts = [each.text for each in what_helps(spec(any_of=[H100, A100]), Reason.NO_CAPACITY)]
    assert texts == [
        "allow other providers than lambda",
        "allow other accelerators than H100:2",
        "allow other providers than runpod",
        "allow other accelerators than A100-80GB:4",
        "name another alternative in `resources.any_of`",
        "connect another provider, or add a machine of your own",
    ]


def test_what_would_loosen_two_alternatives_is_said_once() -> None:
    both = [{"providers": ["lambda"]}, {"providers": ["runpod"]}]
    texts = [each.text for each in what_helps(spec(accelerators="H100:2", any_of=both), Reason.NO_OFFER)]
    assert texts.count("allow other accelerators than H100:2") == 1
