"""The page on prices tells of every source and every mark, and its example works."""

from __future__ import annotations

import re
from pathlib import Path

from tradewind.catalog.sources.price_file import read_price_file
from tradewind.catalog.sources.shipped import read_table
from tradewind.providers.prices import known_sources

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "prices.md").read_text(encoding="utf-8")


def test_every_source_is_told_of_with_what_it_needs() -> None:
    rows = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (.*) \|$", PAGE, re.MULTILINE))
    sources = {name: make() for name, make in known_sources().items()}
    assert set(sources) <= set(rows)
    for name, source in sources.items():
        assert all(f"`{key}`" in rows[name] for key in source.credentials), name
        hours = source.max_age.total_seconds() / 3600
        said = rows[name].rpartition("| ")[2]
        number, unit = said.split()
        assert float(number) * {"h": 1, "min": 1 / 60, "day": 24}[unit] == hours, name
        assert ("only when named" in rows[name]) == source.is_opt_in, name


def test_every_mark_that_ships_is_told_of() -> None:
    marks = {flag for offer in read_table("offers.csv", "shipped") for flag in offer.flags}
    assert marks
    assert not [mark for mark in marks if f"`{mark}`" not in PAGE]


def test_the_example_works() -> None:
    example = PAGE.partition("```yaml\n")[2].partition("```")[0]
    assert [each.rate.micro_per_unit for each in read_price_file(example)] == [12_500_000, 29_908_676]
