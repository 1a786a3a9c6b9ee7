"""Slices of an accelerator."""

from __future__ import annotations

import pytest

from tradewind.hardware.accelerators import all_models
from tradewind.hardware.mig import find_profile, keys_with, profiles

CUT = [key for key in all_models() if profiles(key)]


@pytest.mark.parametrize("key", CUT)
def test_slices_fit_on_their_accelerator(key: str) -> None:
    memory_gb = all_models()[key].memory_gb
    names = [each.name for each in profiles(key)]
    assert len(names) == len(set(names))
    for each in profiles(key):
        assert each.max_instances * each.compute_slices <= each.total_compute_slices
        assert each.max_instances * each.memory_slices <= each.total_memory_slices
        assert 0 < each.compute_share <= 1
        assert each.max_instances * each.compute_share <= 1.0
        assert each.memory_gb == pytest.approx(memory_gb * each.memory_share, rel=0.06)


def test_every_accelerator_that_can_be_cut_has_slices_or_is_known_to_lack_them() -> None:
    able = {key for key, model in all_models().items() if model.has_mig}
    assert able - set(CUT) == {"RTX-PRO-5000"}
    assert set(CUT) <= able


def test_an_a100_loses_multiprocessors_in_this_mode() -> None:
    whole = find_profile("A100-SXM-40GB", "7g.40gb")
    assert whole is not None
    assert (whole.multiprocessors, whole.total_multiprocessors) == (98, 108)
    assert whole.compute_share == pytest.approx(98 / 108)
    assert whole.memory_share == 1


def test_profiles_are_found_by_name() -> None:
    found = find_profile("H100-SXM", " 3G.40GB ")
    assert found is not None
    assert (found.memory_gb, found.max_instances) == (40, 2)
    assert find_profile("H100-SXM", "3g.20gb") is None
    assert find_profile("RTX-4090", "1g.5gb") is None
    assert find_profile("no such thing", "1g.5gb") is None
    assert set(keys_with("3g.40gb")) == {"A100-PCIe-80GB", "A100-SXM-80GB", "H100-PCIe", "H100-SXM"}


def test_parts_with_other_multiprocessors_are_told_by_slices() -> None:
    found = find_profile("H100-PCIe", "1g.10gb")
    assert found is not None
    assert found.compute_share == pytest.approx(1 / 7)
