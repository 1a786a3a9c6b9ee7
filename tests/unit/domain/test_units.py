"""Quantities as people write them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain.units import (
    BYTES_PER_GIB,
    MAX_SIZE_BYTES,
    Amount,
    format_bytes,
    format_duration,
    parse_amount,
    parse_duration,
    parse_money_micro,
    parse_price_micro_per_hour,
    parse_size_amount,
    parse_size_bytes,
)

KELVIN_SIGN, LONG_S, ARABIC_THREE = "\u212a", "\u017f", "\u0663"
READERS: list[Callable[[Any], object]] = [
    parse_duration,
    parse_size_bytes,
    parse_amount,
    parse_size_amount,
    parse_money_micro,
    parse_price_micro_per_hour,
]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30), ("10m", 600), ("1h30m", 5_400), ("1h 30m", 5_400), ("2d", 172_800), ("1w", 604_800),
        ("90", 90), (90, 90), (1.5, 1.5), ("1.5h", 5_400), ("500ms", 0.5), ("10M", 600), (" 5 m ", 300), (0, 0),
    ],
)  # fmt: skip
def test_durations(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "h",
        "10x",
        "1h x",
        "-1",
        "-5m",
        "1hm",
        "22:30",
        "1.5.5h",
        f"5{LONG_S}",
        f"{ARABIC_THREE}h",
        "1 2",
        "1h 5",
    ],
)
def test_what_is_not_a_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write for example 30s, 10m, 1h30m or 2d"):
        parse_duration(text)


@pytest.mark.parametrize("value", [True, -1, float("nan"), float("inf"), 10**10, 10**400])
def test_numbers_that_are_not_durations(value: float) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(value)


def test_no_duration_is_longer_than_ten_years() -> None:
    assert parse_duration("3660d") == timedelta(days=3_660)
    with pytest.raises(ValueError, match="longer than ten years"):
        parse_duration("3661d")


@given(st.integers(0, 3_660 * 86_400 * 1_000_000))
def test_durations_are_read_to_the_microsecond(microseconds: int) -> None:
    text = f"{Decimal(microseconds) / 1_000_000:f}s"
    assert parse_duration(text) == timedelta(microseconds=microseconds)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("64GB", 64 * BYTES_PER_GIB), ("64gib", 64 * BYTES_PER_GIB), ("64G", 64 * BYTES_PER_GIB),
        (64, 64 * BYTES_PER_GIB),
        ("64", 64 * BYTES_PER_GIB), ("1.5 TB", 1536 * BYTES_PER_GIB), ("512MiB", BYTES_PER_GIB // 2), ("100B", 100),
        ("0.5", BYTES_PER_GIB // 2), ("8192TB", MAX_SIZE_BYTES), ("0", 0),
    ],
)  # fmt: skip
def test_sizes(text: str | int, count: int) -> None:
    assert parse_size_bytes(text) == count


@pytest.mark.parametrize(
    "text", ["", "x", "64XB", "-1GB", "64iB", "64 GB 2", f"64{KELVIN_SIGN}B", "1e3", "GB", "64GB+"]
)
def test_what_is_not_a_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size; write for example 512MB, 64GB or 1TB"):
        parse_size_bytes(text)


def test_a_size_that_no_machine_has() -> None:
    with pytest.raises(ValueError, match="larger than any machine"):
        parse_size_bytes("8193TB")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        (8, Amount(8)),
        ("8", Amount(8)),
        ("8+", Amount(8, True)),
        ("0.5", Amount(0.5)),
        (" 8 + ", Amount(8, True)),
    ],
)
def test_counts(text: str | int, amount: Amount) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize("text", ["", "0", 0, "-1", "x", "8++", "+", "1e3", "9" * 400, "nan", True])
def test_what_is_not_a_count(text: str | int) -> None:
    with pytest.raises(ValueError, match="is not a count; write for example 8 or 8"):
        parse_amount(text)


def test_sizes_exactly_or_at_least() -> None:
    assert parse_size_amount("64GB+") == Amount(64.0 * BYTES_PER_GIB, True)
    assert parse_size_amount("64GB") == Amount(64.0 * BYTES_PER_GIB)


def test_more_than_was_asked_for_will_do() -> None:
    assert Amount(8).accepts(8)
    assert Amount(8).accepts(9)
    assert not Amount(8, True).accepts(7.9)


@pytest.mark.parametrize(
    ("text", "micro"),
    [("$100", 100_000_000), (100, 100_000_000), ("0.5 USD", 500_000), (12.5, 12_500_000), ("$1,234.50", 1_234_500_000),
     ("$ 3", 3_000_000), ("0.000001", 1), ("0.0000019", 1)],
)  # fmt: skip
def test_amounts_of_money(text: str | float, micro: int) -> None:
    assert parse_money_micro(text) == micro


@pytest.mark.parametrize("text", ["", "x", "-1", "$4/h", "1,23", "€5", "1e3", "9" * 13, True])
def test_what_is_not_money(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an amount of money; write for example \$100 or 12.50"):
        parse_money_micro(text)


@pytest.mark.parametrize("text", ["$4/h", "4", 4, "$4 / hour", "4 USD/hr"])
def test_prices(text: str | int) -> None:
    assert parse_price_micro_per_hour(text) == 4_000_000


@pytest.mark.parametrize("text", ["", "x", "$4/min", "-4"])
def test_what_is_not_a_price(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a price; write for example \$4/h"):
        parse_price_micro_per_hour(text)


@given(st.integers(0, 10**18 - 1))
def test_money_is_read_to_the_micro_dollar(micro: int) -> None:
    assert parse_money_micro(f"${micro // 10**6}.{micro % 10**6:06d}") == micro


@given(
    st.one_of(
        st.text(max_size=20),
        st.integers(),
        st.floats(),
        st.booleans(),
        st.from_regex(r"\A[0-9.+$/hkKmGB, ]+\Z"),
    )
)
def test_readers_give_a_value_or_say_what_is_wrong(value: object) -> None:
    for read in READERS:
        with suppress(ValueError):
            assert read(value) is not None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"), (9.3, "9.3s"), (9.97, "10s"), (42, "42s"), (59.4, "59s"), (59.7, "1m 00s"), (245, "4m 05s"),
        (3_599.6, "1h 00m"), (11_520, "3h 12m"), (86_399, "23h 59m"), (93_600, "1d 2h"),
    ],
)  # fmt: skip
def test_durations_for_people(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
    assert format_duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"), (812, "812 B"), (1023, "1023 B"), (1024, "1.0 KB"), (99.97 * 1024, "100 KB"),
        (150 * 1024, "150 KB"),
        (1023.9 * 1024, "1.0 MB"), (3.2 * BYTES_PER_GIB, "3.2 GB"), (5_000 * 1024 * BYTES_PER_GIB, "5000 TB"),
    ],
)  # fmt: skip
def test_sizes_for_people(count: float, text: str) -> None:
    assert format_bytes(count) == text
