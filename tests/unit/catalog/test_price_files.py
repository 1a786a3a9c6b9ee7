"""A user's price file: every form of price, and every mistake told with its place and what would be right."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.catalog.sources.price_file import read_price_file
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.offers import Offer

GOOD = """\
version: 1
as_of: 2026-11-01
defaults: {provider: slurm, region: berlin, market: owned}
offers:
  - instance_type: rack-a
    accelerator: H100-SXM
    count: 8
    cpus: 96
    memory: 2048GB
    disk: 10TB
    price: $12.50/h
  - instance_type: desk
    accelerator: Zeta Q9
    accelerator_memory: 80GB
    price: 0
  - provider: AWS
    region: us-east-1
    zone: us-east-1a
    instance_type: p5.48xlarge
    accelerator: H100-SXM
    count: 8
    market: reserved
    price_per_year: $262,800
  - {provider: lambda, instance_type: gpu_8x, accelerator: A100, count: 8, market: on-demand,
     price_per_accelerator: $1.10/h}
  - {provider: oci, instance_type: cpu-only, market: on_demand, price_per_month: 73}
"""
COLUMNS = "provider,region,instance_type,accelerator,count,market,price,price_per_accelerator"


def row_of(offer: Offer) -> tuple[Any, ...]:
    return (offer.provider, offer.region, offer.instance_type, offer.market, offer.rate.micro_per_unit)


def details_of(text: str) -> list[tuple[Any, ...]]:
    with pytest.raises(InvalidInputError) as caught:
        read_price_file(text, name="mine.yaml")
    assert caught.value.message.startswith("mine.yaml")
    assert all(each["hint"] for each in caught.value.details)
    return [(each["line"], each["where"], each["message"]) for each in caught.value.details]


def test_every_form_of_price_comes_to_an_hour_of_the_machine() -> None:
    offers = read_price_file(GOOD)
    assert [row_of(each) for each in offers] == [
        ("slurm", "berlin", "rack-a", "owned", 12_500_000),
        ("slurm", "berlin", "desk", "owned", 0),
        ("aws", "us-east-1", "p5.48xlarge", "reserved", 30_000_000),
        ("lambda", "berlin", "gpu_8x", "on_demand", 8_800_000),
        ("oci", "berlin", "cpu-only", "on_demand", 100_000),
    ]
    assert {each.seen_at for each in offers} == {datetime(2026, 11, 1, tzinfo=UTC)}
    assert {each.source for each in offers} == {"price-file"}
    assert {each.flags for each in offers} == {()}
    rack, desk, p5 = offers[:3]
    assert (rack.accelerator, rack.accelerator_count, rack.cpus) == ("H100-SXM", 8, 96)
    assert (rack.memory_bytes, rack.disk_bytes) == (2048 * 2**30, 10 * 2**40)
    assert (desk.accelerator, desk.accelerator_memory_gb, desk.accelerator_count) == ("Zeta Q9", 80, 1)
    assert p5.zone == "us-east-1a"
    assert offers[4].accelerator is None
    assert offers[4].accelerator_count == 0


def test_csv_says_the_same() -> None:
    text = f"""# what we pay
{COLUMNS}
slurm,berlin,rack-a,H100-SXM,8,owned,$12.50/h,

lambda,,gpu_8x,A100,8,,,1.10
"""
    offers = read_price_file(text)
    assert [row_of(each) for each in offers] == [
        ("slurm", "berlin", "rack-a", "owned", 12_500_000),
        ("lambda", "", "gpu_8x", "on_demand", 8_800_000),
    ]
    assert [each.seen_at for each in offers] == [None, None]


def test_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text(f"\ufeff{COLUMNS}\nslurm,,a,L4,1,,2,\n", encoding="utf-8")
    when = datetime(2026, 1, 1, tzinfo=UTC)
    (offer,) = read_price_file(path, seen_at=when, source_id="team-a")
    assert (offer.seen_at, offer.source, offer.rate.micro_per_unit) == (when, "team-a", 2_000_000)
    with pytest.raises(InvalidInputError, match="cannot be read: No such file"):
        read_price_file(tmp_path / "absent.yaml")
    path.write_bytes(b"version: 1\nname: \xff\n")
    with pytest.raises(InvalidInputError, match="line 2 is not UTF-8"):
        read_price_file(path)


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    text = """\
version: 2
offer: []
defaults: {providr: slurm}
offers:
  - provider: aws
    instance_type: a
    accelerator: L4
    count: none
    colour: red
  - provider: aws
    instance_type: b
    price: free
    memory: much
  - provider: aws
    instance_type: c
    price: 1
    price_per_month: 100
    market: auction
  - provider: aws
    price: 0
  - 7
"""
    assert details_of(text) == [
        (1, "version", "`version` is not 1"),
        (2, "offer", "`offer` is not a key of a price file"),
        (3, "defaults.providr", "`providr` is not a key of an offer"),
        (5, "offers[0]", "the offer has no price"),
        (8, "offers[0].count", "`count` is 'none'"),
        (9, "offers[0].colour", "`colour` is not a key of an offer"),
        (12, "offers[1].price", "`price`: 'free' is not a price; write for example $4/h"),
        (13, "offers[1].memory", "`memory`: 'much' is not a size; write for example 512MB, 64GB or 1TB"),
        (17, "offers[2].price_per_month", "the offer has 2 prices"),
        (18, "offers[2].market", "`market` is 'auction'"),
        (19, "offers[3].instance_type", "`instance_type` is missing"),
        (20, "offers[3].price", "`price` is 0"),
        (21, "offers[4]", "offer 5 is not a mapping"),
    ]


def test_mistakes_in_csv_have_line_and_column() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read_price_file(f"{COLUMNS}\naws,,a,L4,x,,1,\naws,,b,L4,1,,2,3,4\n,,c,L4,1,,2,\n", name="mine.csv")
    assert [(each["line"], each["column"], each["message"]) for each in caught.value.details] == [
        (2, 5, "`count` is 'x'"),
        (3, 9, "9 cells, and 8 columns"),
        (4, 1, "`provider` is missing"),
    ]
    with pytest.raises(InvalidInputError) as caught:
        read_price_file("provider,instance_type,cost,provider\n", name="mine.csv")
    assert [(each["line"], each["column"]) for each in caught.value.details] == [(1, 3), (1, 4)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a price file"),
        ("7", "not a price file"),
        ("- a", "not a price file"),
        ("version: 1\n", "1 problem"),
        ("version: 1\noffers: {}\n", "1 problem"),
        ("version: 1\nas_of: soon\noffers: []", "2 problems"),
        ("a: [", "1 problem"),
        (f"{COLUMNS}\n", "1 problem"),
        (f'{COLUMNS}\naws,"x', "1 problem"),
        ("version: 1\ndefaults: 3\noffers: [{provider: a, instance_type: b, price: 1}]", "1 problem"),
        ("version: 1\noffers: [{provider: a, instance_type: b, price_per_accelerator: 1}]", "1 problem"),
        ("version: 1\noffers: [{provider: a, instance_type: b, price: 1, count: 2}]", "1 problem"),
        ("version: 1\noffers: [{provider: a, instance_type: b, price: true}]", "1 problem"),
        ("version: 1\noffers: [{provider: [a], instance_type: b, price: 1}]", "1 problem"),
    ],
)
def test_what_is_no_price_file_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        read_price_file(text)


def test_the_same_terms_twice_are_refused() -> None:
    one = "  - {provider: aws, instance_type: a, accelerator: L4, price: 1}\n"
    assert details_of(f"version: 1\noffers:\n{one}{one}") == [
        (4, "offers[1]", "offer 2 is the same machine on the same terms as offer 1")
    ]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.integers(), max_size=2),
)
KEYS = st.sampled_from(
    ["provider", "instance_type", "count", "memory", "price", "market", "accelerator", "cpus"]
)


@given(st.lists(st.dictionaries(KEYS, VALUES), max_size=4))
def test_no_values_break_it(offers: list[dict[str, Any]]) -> None:
    import yaml

    text = yaml.safe_dump({"version": 1, "offers": offers})
    with suppress(InvalidInputError):
        assert len(read_price_file(text)) == len(offers)


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    for whole in (text, f"{COLUMNS}\n{text}"):
        with suppress(InvalidInputError):
            assert read_price_file(whole)
