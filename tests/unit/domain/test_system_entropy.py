"""Chance from the operating system: enough of it, and nobody's twice."""

from __future__ import annotations

import os
import warnings

import pytest

from tradewind.domain.clock import SystemEntropy


def test_chance_of_the_system_is_of_the_size_asked_for_and_never_the_same() -> None:
    entropy = SystemEntropy()
    tokens = [entropy.token(size) for size in (7, 4, 12, 32) * 400]
    assert [len(each) for each in tokens] == [7, 4, 12, 32] * 400
    long = [each for each in tokens if len(each) >= 7]
    assert len(set(long)) == len(long)
    assert all(0 <= entropy.uniform() < 1 for _ in range(1000))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_draws_its_own() -> None:
    entropy = SystemEntropy()
    entropy.token(7)
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        os.write(writer, entropy.token(7))
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 7) != entropy.token(7)
