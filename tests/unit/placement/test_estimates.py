"""What a job file's estimate says of accelerators and of parts of them."""

from __future__ import annotations

import pytest

from tradewind.placement.estimates import JobEstimates
from tradewind.spec.loading import validate_mapping

LORA = {
    "version": 1, "name": "tune", "run": "python tune.py",
    "estimate": {
        "model": "llama-3.1-8b", "method": "qlora", "tokens": 5_000_000, "sequence_length": 512, "batch": 1,
    },
}  # fmt: skip


@pytest.mark.parametrize(("count", "fits"), [(1.0, True), (0.5, True), (0.25, False), (0.125, False)])
def test_a_part_of_an_accelerator_has_a_part_of_its_memory(count: float, fits: bool) -> None:
    assert JobEstimates(validate_mapping(LORA)).fits("A10", count) is fits
