"""Names in filters mean what a user would think."""

from __future__ import annotations

import pytest

from tradewind.control.offer_names import resolve_accelerator, resolve_filters
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.schemas_alerts import AlertFilters


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("H100", {"H100-SXM", "H100-PCIe", "H100-NVL"}),
        ("h100", {"H100-SXM", "H100-PCIe", "H100-NVL"}),
        ("H100-SXM", {"H100-SXM"}),
        ("NVIDIA H100 80GB HBM3", {"H100-SXM"}),
        ("RTX 4090", {"RTX-4090"}),
        ("L4", {"L4"}),
        ("A100", {"A100-PCIe-40GB", "A100-PCIe-80GB", "A100-SXM-40GB", "A100-SXM-80GB"}),
        ("A100 80GB", {"A100-PCIe-80GB", "A100-SXM-80GB"}),
        ("our own card", {"our own card"}),
    ],
)
def test_a_name_stands_for_all_that_it_leaves_open(name: str, expected: set[str]) -> None:
    assert set(resolve_accelerator(name)) == expected


def test_a_count_in_a_name_is_not_dropped_silently() -> None:
    with pytest.raises(InvalidInputError, match="count"):
        resolve_accelerator("H100:8")


def test_providers_by_any_name() -> None:
    filters = AlertFilters(providers=["lambda_labs", "Lambda", "my-own"], accelerators=["L4", "L4"])
    resolved = resolve_filters(filters)
    assert resolved.providers == ["lambda", "my-own"]
    assert resolved.accelerators == ["L4"]
