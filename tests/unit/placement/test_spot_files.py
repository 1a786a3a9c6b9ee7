"""What was seen of spot zones, as offers with courses."""

from __future__ import annotations

import json
import re

import pytest

from tradewind.domain.errors import InvalidInputError
from tradewind.placement.replay.spot_files import SpotTerms, read_spot_files
from tradewind.placement.replay.world import MANY

ZONE = json.dumps(
    {"metadata": {"gap_seconds": 60, "gpu": "V100", "zone": "us-east-1a"}, "data": [1, 1, 0, 1]}
)
CHANGES = "zone,from_tick,spot_usd_per_h\nus-east-1a,0,1.5\nus-east-1a,2,0.9\n"


def test_a_zone_that_was_up_or_down_has_as_many_machines_as_wanted() -> None:
    found = read_spot_files(
        {"a.json": ZONE, "spot_price_changes.csv": CHANGES, "readme.csv": "x"},
        SpotTerms(on_demand_micro=3_060_000),
    )
    spot, steady = found.offers
    assert (spot.provider, spot.region, spot.zone, spot.market) == ("aws", "us-east-1", "us-east-1a", "spot")
    assert spot.accelerator is not None
    assert spot.accelerator.startswith("V100")
    assert (steady.market, steady.rate.micro_per_unit) == ("on_demand", 3_060_000)
    course = found.courses[0]
    assert course.up is not None
    assert (course.up.times, course.up.values) == ((0, 120, 180), (MANY, 0, MANY))
    assert (course.price.times, course.price.values) == ((0, 120), (1_500_000, 900_000))
    assert found.length_s == 240
    assert "files that were not used: readme.csv" in found.notes


def test_counts_of_machines_are_kept_and_lists_say_prices_per_accelerator() -> None:
    counts = (
        "scheduled_at,us-east4-a,us-west1-b\n"
        "2025-10-03T17:10:00-07:00,16,0\n2025-10-03T17:20:00-07:00,3,2\n2025-10-03T17:30:00-07:00,3,16\n"
    )
    prices = (
        "region,machine_type,gpus,spot_usd_per_h,on_demand_usd_per_h,fetched\n"
        "us-east4,a3,8,16,80,2025\nus-west1,a3,8,8,88,2025\n"
    )
    found = read_spot_files(
        {"h100_16_instances_created.csv": counts, "price_per_machine_hour.csv": prices}, SpotTerms()
    )
    assert [offer.rate.micro_per_unit for offer in found.offers] == [
        2_000_000,
        10_000_000,
        1_000_000,
        11_000_000,
    ]
    assert {offer.provider for offer in found.offers} == {"gcp"}
    assert {offer.accelerator for offer in found.offers} == {"H100-SXM"}
    first = found.courses[0].up
    assert first is not None
    assert (first.times, first.values) == ((0, 600), (16, 3))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.csv": "x"}, "no zone's availability"),
        ({"a.json": "{"}, "a.json: line 1, column 2: not JSON"),
        ({"a.json": '{"data": [1]}'}, "`metadata.gap_seconds` is not"),
        ({"a.json": '{"metadata": {"gap_seconds": 5}, "data": [true]}'}, "`data` is not a list of whole numbers"),
        ({"a.json": ZONE}, "no spot price is known of us-east-1a"),
        ({"a.json": ZONE, "spot_price_changes.csv": "zone,from_tick\n"}, "no column `spot_usd_per_h`"),
        ({"a.json": ZONE, "spot_price_changes.csv": CHANGES.replace("0.9", "x")}, "line 3, column `spot_usd_per_h`"),
        ({"a.json": ZONE, "spot_price_changes.csv": CHANGES + "b\n"}, "line 4: it has not 3 cells"),
        ({"us-east-1a.json": '{"metadata": {"gap_seconds": 5}, "data": [1]}', "spot_price_changes.csv": CHANGES},
         "does not say which accelerator"),
        ({"x_instances_created.csv": "scheduled_at,z-1a\nyesterday,1\n"}, "line 2: 'yesterday' is not a time"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_file_and_line(files: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        read_spot_files(files, SpotTerms())
