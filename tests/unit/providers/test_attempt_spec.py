"""What the agent is told of an attempt."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ssh_machines import request_of
from tradewind.agent.spec import Spec
from tradewind.providers.attempt_spec import Surroundings, agent_spec

_THERE = Surroundings(
    workdir="/w",
    environments_dir="/e",
    python="/usr/bin/python3",
    search_path=None,
    pass_env=[],
    resume_from=None,
)


@pytest.mark.parametrize("kind", ["ec2", "gce", "azure"])
def test_the_agent_is_told_how_its_machine_hears_that_it_is_taken_back(tmp_path: Path, kind: str) -> None:
    told = agent_spec(request_of(tmp_path, "true", reclaim_notice=kind), _THERE)
    read = Spec(told).reclaim_notice
    assert read is not None
    assert (read["kind"], read["base_url"]) == (kind, "http://169.254.169.254")


def test_elsewhere_it_asks_nobody(tmp_path: Path) -> None:
    assert Spec(agent_spec(request_of(tmp_path, "true"), _THERE)).reclaim_notice is None
