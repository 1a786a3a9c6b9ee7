"""Costs of many rows at once are those of each row on its own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.estimate.offers_for_tests import GIB, band, offer
from tradewind.domain.money import Quantity, Rate
from tradewind.domain.offer_table import OfferTable
from tradewind.domain.offers import Availability, Offer
from tradewind.estimate.band import Band
from tradewind.estimate.cost import estimate_cost
from tradewind.estimate.cost_columns import NO_COST, HourColumns, cost_columns, lower_bounds
from tradewind.estimate.run_terms import RunTerms

PROVIDERS = (
    "aws", "gcp", "azure", "sagemaker", "lambda", "runpod", "vast", "together", "oci", "scaleway", "vultr",
    "digitalocean", "vertex", "slurm", "nobody-knows-it",
)  # fmt: skip
REGIONS = ("us-east-1", "eu-north1", "")
OFFERS = st.builds(
    lambda provider, region, type_, price, market, availability, accelerator, count, disk, egress, source: (
        offer(
            provider,
            region=region,
            instance_type=type_,
            rate=Rate(micro_per_unit=price, per=Quantity.HOUR),
            market=market,
            availability=availability,
            accelerator=accelerator,
            accelerator_count=count,
            disk_bytes=disk * GIB,
            egress_micro_per_gb=egress,
            source=source,
        )
    ),
    st.sampled_from(PROVIDERS),
    st.sampled_from(REGIONS),
    st.sampled_from(("one", "BM.GPU.8", "two")),
    st.integers(0, 10**9),
    st.sampled_from(("owned", "on_demand", "spot", "reserved")),
    st.sampled_from(tuple(Availability)),
    st.sampled_from(("H100-SXM", "V100-SXM2-16GB", None)),
    st.sampled_from((0.0, 0.5, 1.0, 8.0)),
    st.sampled_from((0, 100, 2_000)),
    st.one_of(st.none(), st.integers(0, 10_000_000)),
    st.sampled_from(("live", "reference-2024")),
)
TERMS = st.builds(
    RunTerms,
    data_gb=st.one_of(st.just(0.0), st.floats(0, 5_000)),
    data_location=st.sampled_from(
        (None, "aws/us-east-1", "aws", "gcp/us-east-1", "cloudflare-r2", "elsewhere/x")
    ),
    output_gb=st.one_of(st.just(0.0), st.floats(0, 500)),
    checkpoint_gb=st.one_of(st.just(0.0), st.floats(0, 500)),
    checkpoint_every_s=st.one_of(st.none(), st.floats(1, 1e5)),
    disk_gb=st.one_of(st.just(0.0), st.floats(0, 5_000)),
    nodes=st.integers(1, 64),
)
HOURS = st.tuples(st.one_of(st.just(0.0), st.floats(0, 1e4)), st.floats(0, 1e4)).map(
    lambda pair: band(min(pair), max(pair))
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(OFFERS, HOURS), min_size=1, max_size=8), TERMS)
def test_columns_say_what_each_row_says(rows: list[tuple[Offer, Band]], terms: RunTerms) -> None:
    offers = [each for each, _ in rows]
    bands = [hours for _, hours in rows]
    table = OfferTable.of(offers)
    order = np.arange(len(rows))[::-1]
    given_hours = HourColumns(
        p50=np.array([bands[i].p50 for i in order]), p90=np.array([bands[i].p90 for i in order])
    )
    columns = cost_columns(table, order, given_hours, terms)
    bounds = lower_bounds(table, order, given_hours, terms)
    for place, row in enumerate(order):
        assert bounds[place] <= columns.cost_p50_micro[place]
        alone = estimate_cost(table.offer(int(row)), bands[row], terms)
        assert columns.cost_p50_micro[place] == alone.p50_micro
        assert columns.cost_p90_micro[place] == alone.p90_micro
        assert columns.wall_p50_h[place] == pytest.approx(alone.wall_hours.p50, rel=1e-12)
        assert columns.wall_p90_h[place] == pytest.approx(alone.wall_hours.p90, rel=1e-12)
        assert columns.setup_min[place] == pytest.approx(alone.setup_min, rel=1e-12)
        assert columns.wait_min[place] == pytest.approx(alone.wait_min, rel=1e-12)
        assert columns.interruptions[place] == pytest.approx(alone.interruptions, rel=1e-12)


def test_hours_can_be_given_by_accelerator() -> None:
    table = OfferTable.of(
        [offer(), offer(accelerator_count=8.0), offer(accelerator="T4"), offer(accelerator_count=8.0)]
    )
    code = table.words["accelerator"].index("H100-SXM")
    hours = {(code, 1.0): band(10, 12), (code, 8.0): band(2, 3)}
    columns = cost_columns(table, np.arange(4), hours)
    for row, given_hours in ((0, band(10, 12)), (1, band(2, 3)), (3, band(2, 3))):
        assert columns.cost_p50_micro[row] == estimate_cost(table.offer(row), given_hours).p50_micro
    assert columns.cost_p50_micro[2] == NO_COST
    assert np.isnan(columns.wall_p50_h[2])


def test_rows_without_a_price_or_of_a_market_ruled_out_have_no_cost() -> None:
    table = OfferTable.of([offer(flags=("no_price",)), offer(market="spot"), offer()])
    hours = HourColumns(p50=np.full(3, 1.0), p90=np.full(3, 1.0))
    columns = cost_columns(table, np.arange(3), hours, RunTerms(is_spot_ok=False))
    assert list(columns.cost_p50_micro[:2]) == [NO_COST, NO_COST]
    assert list(columns.cost_p90_micro[:2]) == [NO_COST, NO_COST]
    assert columns.cost_p50_micro[2] > 0
    assert list(lower_bounds(table, np.arange(3), hours, RunTerms(is_spot_ok=False))[:2]) == [np.inf, np.inf]


def test_no_rows_and_no_hours_are_fine() -> None:
    table = OfferTable.of([offer()])
    assert len(cost_columns(table, np.arange(0), {}).cost_p50_micro) == 0
    assert cost_columns(table, np.arange(1), {}).cost_p50_micro[0] == NO_COST


def test_absurd_hours_and_prices_stay_inside_64_bits() -> None:
    table = OfferTable.of([offer(micro_per_hour=2**62), offer()])
    hours = HourColumns(p50=np.array([1e300, 1e300]), p90=np.array([np.inf, np.inf]))
    columns = cost_columns(table, np.arange(2), hours, RunTerms(nodes=10_000, disk_gb=1e7, data_gb=1e7))
    assert (columns.cost_p50_micro > 0).all()
    assert (columns.cost_p90_micro >= columns.cost_p50_micro).all()


def test_long_tables_are_costed_like_short_ones() -> None:
    table = OfferTable.of([offer(micro_per_hour=price) for price in (1_000_000, 2_000_000, 3_000_000)])
    rows = np.resize(np.arange(3), 20_000)
    hours = HourColumns(p50=np.linspace(0, 100, 20_000), p90=np.linspace(0, 200, 20_000))
    whole = cost_columns(table, rows, hours)
    for row in (0, 8_191, 8_192, 19_999):
        one = HourColumns(p50=hours.p50[row : row + 1], p90=hours.p90[row : row + 1])
        assert whole.cost_p90_micro[row] == cost_columns(table, rows[row : row + 1], one).cost_p90_micro[0]
