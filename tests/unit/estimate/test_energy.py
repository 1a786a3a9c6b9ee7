"""What machines draw while they train, and what that adds up to."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.accuracy import power
from benchmarks.accuracy.power_fit import fit
from tests.unit.estimate.offers_for_tests import band
from tradewind.estimate.band import Layer
from tradewind.estimate.energy import Cooling, estimate_energy, multiply_bands, node_watts, shipped_node_power
from tradewind.estimate.workload import Family
from tradewind.hardware.accelerators import all_models

H100 = all_models()["H100-SXM"]
RTX_4090 = all_models()["RTX-4090"]
ROWS = """\
round,org,system,benchmark,runs,nodes_sampled,node_w_mean,node_w_p98,node_w_p02,window_min,gpu,gpus_per_node,tdp_w,meter
v9,acme-ac-power,1xACME-H100,bert,1,1,6800,7000,2000,60,H100-SXM,8,700,AC
v9,acme-dc-power,4xACME-H100,resnet,1,4,5000,7000,2000,10,H100-SXM,8,700,DC
v9,acme,1xOTHER,flux,1,1,,,,10,H100-SXM,8,700,AC
v9,acme,1xNEW,llama3,1,1,9000,,,,NEW-1,8,1000,AC
"""


def test_a_full_node_of_boards_draws_a_multiple_of_their_tdp() -> None:
    watts = node_watts(H100, 8, cooling=Cooling.LIQUID)
    assert watts.p50 == pytest.approx(1.22 * 5_600, rel=0.04), "the one constant of the MLPerf power logs"
    assert watts.layer is Layer.MEASURED
    assert node_watts(H100, 8).p90 > 8_800, "fans may be in it"
    assert node_watts(H100, 8, cooling=Cooling.AIR).p50 > 8_400


def test_short_runs_and_waiting_models_draw_less() -> None:
    long = node_watts(H100, 8, run_minutes=600).p50
    short = node_watts(H100, 8, run_minutes=3).p50
    assert 0.7 < short / long < 0.95
    spread = node_watts(H100, 8, run_minutes=600, nodes=8, family=Family.CNN).p50
    assert 0.7 < spread / long < 0.95
    assert node_watts(H100, 8, run_minutes=600, nodes=8, family=Family.LLM).p50 == long
    assert node_watts(H100, 8, is_direct_current=True).p50 < node_watts(H100, 8).p50


def test_cards_are_added_up_with_their_host_and_power_supply() -> None:
    one = node_watts(RTX_4090, 1)
    assert one.p50 == pytest.approx((0.925 * 450 + 115) / 0.9)
    assert one.p10 == pytest.approx((0.85 * 450 + 80) / 0.9)
    assert one.p90 == pytest.approx((450 + 150) / 0.9)
    # About ten cents an hour at 17 cents per kWh.
    assert one.p50 / 1_000 * 0.17 == pytest.approx(0.10, abs=0.005)


def test_without_a_published_tdp_the_band_is_wide_and_says_so() -> None:
    unknown = node_watts(None, 1)
    assert unknown.layer is Layer.FAMILY
    assert "assumed" in unknown.basis
    assert unknown.p90 / unknown.p10 > 4


def test_energy_is_watts_times_hours_with_both_spreads() -> None:
    energy = estimate_energy(band(1_000), band(10), nodes=2)
    assert (energy.p10, energy.p50, energy.p90) == (20, 20, 20)
    wide = estimate_energy(band(1_000, 2_000), band(10, 20))
    assert 20 < wide.p90 < 40
    assert estimate_energy(band(1_000), band(0, 1)).p90 == 1


@given(st.floats(0.1, 8), st.floats(0.1, 1e4), st.floats(1, 10), st.floats(0, 1e3), st.floats(1, 5))
def test_longer_runs_take_more(
    count: float, minutes: float, longer: float, hours: float, spread: float
) -> None:
    for model in (H100, RTX_4090):
        one = node_watts(model, count, run_minutes=minutes)
        other = node_watts(model, count, run_minutes=minutes * longer)
        assert 0 < one.p10 <= one.p50 <= one.p90
        assert one.p50 <= other.p50 * (1 + 1e-12)
        energy = estimate_energy(one, band(hours, hours * spread))
        assert 0 <= energy.p10 <= energy.p50 <= energy.p90
        product = multiply_bands(one, band(hours * longer))
        assert product.p50 >= energy.p50 * (1 - 1e-12)


@pytest.fixture
def readings(tmp_path: Path) -> Path:
    path = tmp_path / "node_power_test.csv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def test_the_benchmark_compares_the_rows_that_can_be_compared(readings: Path) -> None:
    outcomes = power.evaluate(readings)
    assert [each.actual for each in outcomes] == [6_800, 5_000, 9_000]
    assert outcomes[0].error < 0.1
    assert [each.is_accelerator_seen for each in outcomes] == [True, True, False]
    assert [each.is_workload_seen for each in outcomes] == [True, True, False]
    assert all(each.p10 <= each.p50 <= each.p90 for each in outcomes)


def test_cross_validation_leaves_each_out_and_does_not_see_it(readings: Path) -> None:
    outcomes = power.cross_validate(readings)
    assert sorted(each.fold for each in outcomes) == ["accelerator"] * 3 + ["workload"] * 3
    assert not any(each.is_accelerator_seen for each in outcomes if each.fold == "accelerator")
    twisted = ROWS.replace("6800", "3400")
    readings.write_text(twisted, encoding="utf-8")
    before = {(each.fold, each.workload): each.p50 for each in outcomes}
    after = {(each.fold, each.workload): each.p50 for each in power.cross_validate(readings)}
    assert before["workload", "bert"] == after["workload", "bert"], "its own figure was not used"
    assert before["workload", "resnet"] != after["workload", "resnet"]


def test_a_fit_finds_constants_again_that_made_the_rows(tmp_path: Path) -> None:
    lines = [ROWS.splitlines()[0]]
    for minutes in (2, 5, 10, 30, 60, 200):
        for nodes, benchmark, share in ((1, "bert", 1.0), (8, "resnet", 0.8)):
            watts = 5_600 * 1.3 * share * minutes / (minutes + 1.5)
            lines.append(f"v,acme,{nodes}xA,{benchmark},1,1,{watts},,,{minutes},H100-SXM,8,700,AC")
    path = tmp_path / "node_power_made.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    fitted = fit(power.read(path))
    assert fitted.over_tdp == pytest.approx(1.3, rel=0.03)
    assert fitted.waiting_share == pytest.approx(0.8, rel=0.05)
    assert fitted.start_minutes_by["acme"] == pytest.approx(1.5, rel=0.2)


def test_files_with_nothing_in_them_give_nothing(tmp_path: Path) -> None:
    path = tmp_path / "node_power_empty.csv"
    path.write_text("system,node_w_mean\nx,\ny,nan\n", encoding="utf-8")
    assert power.evaluate(path) == power.cross_validate(path) == []


def test_the_shipped_constants_are_plausible() -> None:
    known = shipped_node_power()
    assert 1.1 < known.over_tdp < 1.4 < known.over_tdp_air < 1.8
    assert 0 < known.start_minutes < 3
    assert 0.9 < known.direct_current_share < 1
