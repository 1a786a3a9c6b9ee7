"""What a run costs in all and in parts, and when it is over."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.estimate.offers_for_tests import AT_ONCE, GIB, band, offer
from tradewind.domain.billing import BillingRule
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offers import Availability
from tradewind.estimate.billing import setup_time
from tradewind.estimate.cost import estimate_cost
from tradewind.estimate.interruptions import MAX_STRETCH, expected_losses, interruption_rate
from tradewind.estimate.run_terms import RunTerms

DOLLAR = 1_000_000
PLAIN = BillingRule()


def test_the_worked_example_is_rate_times_hours() -> None:
    cost = estimate_cost(offer("lambda", 1_290_000, source="reference-2024"), band(10))
    assert cost.p50_micro == cost.p90_micro == 12_900_000
    assert cost.setup_min == 0
    assert cost.per_hour_micro == 1_290_000


def test_set_up_that_is_billed_is_rounded_up_together_with_the_hours() -> None:
    # 1 min of billed set-up, one hour and one second of training, billed by the minute: 62 min at $6/h.
    cost = estimate_cost(offer("lambda", 6 * DOLLAR), band(1 + 1 / 3_600))
    assert setup_time("lambda").billed.p50 == 1
    assert cost.p50_micro == 6_200_000
    assert cost.parts.compute == 6_100_000
    assert cost.parts.setup == 100_000
    assert cost.unbilled_min == pytest.approx(4.5)
    assert cost.wall_hours.p50 == pytest.approx(1 + 1 / 3_600 + 5.5 / 60)


def test_each_node_is_billed_and_steps_share_the_cost() -> None:
    one = estimate_cost(offer("vultr", DOLLAR), band(1.5), setup=AT_ONCE)
    four = estimate_cost(offer("vultr", DOLLAR), band(1.5), RunTerms(nodes=4, steps=1_000), setup=AT_ONCE)
    assert one.p50_micro == 2 * DOLLAR
    assert four.p50_micro == 8 * DOLLAR
    assert four.per_step_micro == 8_000


def test_nothing_costs_nothing() -> None:
    cost = estimate_cost(offer(), band(0), setup=AT_ONCE)
    assert (cost.p50_micro, cost.p90_micro, cost.per_hour_micro) == (0, 0, None)
    assert cost.wall_hours.p90 == pytest.approx(2 / 60), "to be had at once, but not always"


def test_data_that_have_to_leave_another_cloud_are_paid_for() -> None:
    terms = RunTerms(data_gb=200, data_location="aws/us-east-1")
    away = estimate_cost(offer("lambda"), band(10), terms)
    assert away.parts.egress == 9 * DOLLAR, "100 GB are free"
    paid_in_full = away.p90_micro - estimate_cost(offer("lambda"), band(10), RunTerms()).p90_micro
    assert paid_in_full >= 18 * DOLLAR
    assert any("free traffic" in note for note in away.notes)
    assert estimate_cost(offer("aws"), band(10), terms).parts.egress == 0
    assert estimate_cost(offer("sagemaker"), band(10), terms).parts.egress == 0
    assert estimate_cost(offer("aws", region="eu-north-1"), band(10), terms).parts.egress == 4 * DOLLAR


def test_what_leaves_is_priced_by_the_offer_where_it_says() -> None:
    terms = RunTerms(output_gb=10, checkpoint_gb=5, checkpoint_every_s=3_600)
    # 10 h write ten checkpoints: 60 GB leave.
    assert estimate_cost(offer("vast", egress_micro_per_gb=20_000), band(10), terms).parts.egress == 1_200_000
    assert estimate_cost(offer("gcp"), band(10), terms).parts.egress == 7_200_000
    assert estimate_cost(offer("lambda"), band(10), terms).parts.egress == 0
    assert estimate_cost(offer("vast"), band(10), RunTerms(data_gb=100)).parts.egress == DOLLAR, "both ways"


def test_only_disk_beyond_the_offers_own_is_rented() -> None:
    # 730 h at $0.10 per GB-month of 500 GB.
    small = offer("runpod", 0, market="owned", disk_bytes=0)
    cost = estimate_cost(small, band(730), RunTerms(disk_gb=500), setup=AT_ONCE)
    assert cost.parts.storage == pytest.approx(50 * DOLLAR, rel=1e-5)
    large = offer("runpod", 0, market="owned", disk_bytes=500 * GIB)
    assert estimate_cost(large, band(730), RunTerms(disk_gb=500), setup=AT_ONCE).parts.storage == 0


def test_a_machine_of_ones_own_costs_its_electricity() -> None:
    rate = Rate(micro_per_unit=200_000, per=Quantity.KWH)
    own = offer("local", market="owned", rate=rate, watts_low=200.0, watts_high=600.0)
    cost = estimate_cost(own, band(10))
    assert cost.p50_micro == DOLLAR, "500 W for ten hours"
    assert cost.p90_micro == 1_200_000, "flat out"
    assert cost.wall_hours.p50 == 10
    unknown = estimate_cost(offer("local", market="owned", rate=rate), band(10))
    assert any("not known" in note for note in unknown.notes)


def test_interruptions_cost_lost_work_and_new_starts() -> None:
    spot = offer("azure", market="spot")
    kept = RunTerms(checkpoint_every_s=600, checkpoint_gb=1)
    safe, risky = estimate_cost(offer("azure"), band(20), kept), estimate_cost(spot, band(20), kept)
    assert risky.interruptions == pytest.approx(1.0, rel=0.01), "once in twenty hours"
    assert risky.parts.interruptions > 0
    assert risky.p50_micro - risky.parts.interruptions == safe.p50_micro
    assert risky.wall_hours.p50 > safe.wall_hours.p50
    assert any("assumed" in note and "interruptions" in note for note in risky.notes)
    lost = estimate_cost(spot, band(20))
    assert lost.p50_micro > risky.p50_micro
    assert any("starts from zero" in note for note in lost.notes)
    assert not any("starts from zero" in note for note in risky.notes)


def test_a_run_nobody_could_finish_is_bounded() -> None:
    cost = estimate_cost(offer("gcp", market="spot"), band(10_000), setup=AT_ONCE, billing=PLAIN)
    assert cost.parts.compute + cost.parts.interruptions <= (MAX_STRETCH + 1) * cost.parts.compute


def test_the_rates_of_interruption_come_from_the_first_row_that_fits() -> None:
    measured = interruption_rate("aws", "V100-SXM2-16GB")
    assert not measured.is_assumed
    assert interruption_rate("aws", None).per_hour < measured.per_hour
    assert not interruption_rate("gcp", "H100-SXM").is_assumed
    assert interruption_rate("nobody-knows-it", None).is_assumed


def test_expected_losses_are_those_of_the_renewal_formula() -> None:
    lost, count = expected_losses(10, 0.1, None)
    assert lost == pytest.approx((math.e - 1) * 10 - 10)
    assert count == pytest.approx(math.e - 1)
    lost, count = expected_losses(10, 0.1, 1)
    assert lost == pytest.approx(10 * (math.exp(0.1) - 1) / 0.1 - 10)
    assert expected_losses(10, 0.0, 1) == (0, 0)


def _simulate(hours: float, rate: float, every: float | None, chance: random.Random) -> float:
    """Hours of running until `hours` are done, with exponential times between interruptions."""
    ran = done = 0.0
    while True:
        until = chance.expovariate(rate)
        if until >= hours - done:
            return ran + hours - done
        ran += until
        done = 0.0 if every is None else done + math.floor(until / every) * every


@pytest.mark.parametrize("every", [None, 0.5, 3.0])
def test_the_formula_agrees_with_runs_played_through(every: float | None) -> None:
    hours, rate, runs = 6.0, 0.2, 5_000
    chance = random.Random(7)
    mean = sum(_simulate(hours, rate, every, chance) for _ in range(runs)) / runs
    lost, _ = expected_losses(hours, rate, every)
    assert mean == pytest.approx(hours + lost, rel=0.04)


def test_what_is_assumed_is_said() -> None:
    notes = " | ".join(
        estimate_cost(offer("together"), band(1), RunTerms(data_gb=5, disk_gb=5, output_gb=1)).notes
    )
    for part in ("minimum", "set-up time", "waiting", "GB/s", "traffic", "disks"):
        assert part in notes
    own = estimate_cost(offer("local", market="owned"), band(1), RunTerms(data_gb=5, disk_gb=5))
    assert own.notes == ()


def test_an_offer_that_cannot_be_costed_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="no known price"):
        estimate_cost(offer(flags=("no_price",)), band(1))
    with pytest.raises(InvalidInputError, match="spot"):
        estimate_cost(offer(market="spot"), band(1), RunTerms(is_spot_ok=False))
    euros = Rate(micro_per_unit=1, per=Quantity.HOUR, currency="EUR")
    with pytest.raises(InvalidInputError, match="EUR"):
        estimate_cost(offer(rate=euros), band(1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"data_gb": -1.0},
        {"disk_gb": float("nan")},
        {"output_gb": float("inf")},
        {"checkpoint_every_s": 0.0},
        {"nodes": 0},
        {"nodes": 10**9},
        {"steps": 0},
    ],
)
def test_terms_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidInputError, match=next(iter(wrong))):
        RunTerms(**wrong)  # type: ignore[arg-type]


PROVIDERS = st.sampled_from(("aws", "lambda", "vultr", "vast", "digitalocean", "slurm", "nobody-knows-it"))
TERMS = st.builds(
    RunTerms,
    data_gb=st.floats(0, 1_000),
    data_location=st.sampled_from((None, "aws/us-east-1", "gcp")),
    output_gb=st.floats(0, 100),
    checkpoint_gb=st.floats(0, 100),
    checkpoint_every_s=st.one_of(st.none(), st.floats(1, 1e4)),
    disk_gb=st.floats(0, 1_000),
    nodes=st.integers(1, 8),
)
MARKETS = st.sampled_from(("on_demand", "spot", "owned"))


@settings(deadline=None)
@given(PROVIDERS, MARKETS, TERMS, st.floats(0, 1_000), st.floats(1, 5), st.floats(1, 10))
def test_more_hours_never_cost_less_and_parts_add_up(
    provider: str, market: str, terms: RunTerms, hours: float, spread: float, longer: float
) -> None:
    place = offer(provider, market=market, availability=Availability.MEDIUM)
    cost = estimate_cost(place, band(hours, hours * spread), terms)
    more = estimate_cost(place, band(hours * longer, hours * longer * spread), terms)
    assert cost.p50_micro <= more.p50_micro
    assert cost.p90_micro <= more.p90_micro
    assert cost.wall_hours.p50 <= more.wall_hours.p50
    assert cost.p50_micro == cost.parts.total <= cost.p90_micro
    assert min(cost.parts.compute, cost.parts.setup, cost.parts.storage, cost.parts.egress) >= 0
    assert cost.parts.interruptions >= 0
    assert cost.wall_hours.p50 >= hours
