"""Machines that are real sshds, with nothing of them left behind; alone, or in a network of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.network_for_tests import Network
from tests.ssh_machines import Fleet, NetworkFleet


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path)
    yield made
    made.end()


@pytest.fixture
def far_fleet(tmp_path: Path, network: Network) -> Iterator[NetworkFleet]:
    made = NetworkFleet(tmp_path, network)
    yield made
    made.end()
