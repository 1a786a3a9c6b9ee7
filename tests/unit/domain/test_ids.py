"""Ids say their kind, and sort by the time they were made."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.domain import ids

times = st.datetimes(datetime(2020, 1, 1), datetime(2500, 1, 1), timezones=st.just(UTC))
chances = st.binary(min_size=7, max_size=7)
PREFIXES = [value for name, value in vars(ids).items() if name.isupper() and not name.startswith("_")]


class FixedEntropy:
    """Gives the bytes it was made with."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def token(self, byte_count: int) -> bytes:
        assert byte_count == len(self._content)
        return self._content

    def uniform(self) -> float:
        raise AssertionError("an id needs no number")


@given(times, st.integers(1, 10**9), chances, chances)
def test_later_sorts_later(time: datetime, milliseconds: int, one: bytes, other: bytes) -> None:
    # Two milliseconds, because a float holds this time to a fraction of one.
    later = time + timedelta(milliseconds=milliseconds + 1)
    assert ids.new_id("job", time, FixedEntropy(one)) < ids.new_id("job", later, FixedEntropy(other))


@given(times, chances, chances)
def test_chance_tells_ids_of_one_moment_apart(time: datetime, one: bytes, other: bytes) -> None:
    same_chance = int.from_bytes(one, "big") >> 6 == int.from_bytes(other, "big") >> 6
    made = ids.new_id("job", time, FixedEntropy(one)), ids.new_id("job", time, FixedEntropy(other))
    assert (made[0] == made[1]) is same_chance


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_id_is_of_its_own_kind_only(prefix: str) -> None:
    made = ids.new_id(prefix, datetime(2026, 1, 1, tzinfo=UTC), FixedEntropy(b"1234567"))
    assert ids.is_id(made, prefix)
    assert [other for other in PREFIXES if ids.is_id(made, other)] == [prefix]


def test_no_two_kinds_share_a_prefix() -> None:
    assert len(set(PREFIXES)) == len(PREFIXES) > 10


@pytest.mark.parametrize(
    "text",
    [
        "",
        "job_",
        "job",
        "job_" + "0" * 19,
        "job_" + "0" * 21,
        "job_" + "0" * 20 + "\n",
        "job_" + "i" * 20,
        "JOB_" + "0" * 20,
    ],
)
def test_what_is_not_an_id(text: str) -> None:
    assert not ids.is_id(text, "job")


class CountingEntropy:
    """Each time other bytes, the least likely to sort among them."""

    def __init__(self, contents: list[int]) -> None:
        self._contents = contents

    def token(self, byte_count: int) -> bytes:
        return bytes([self._contents.pop()]) * byte_count

    def uniform(self) -> float:
        raise AssertionError("an id needs no number")


@given(times, st.lists(st.integers(0, 255), min_size=2, max_size=50))
def test_ids_of_one_moment_sort_as_they_were_made(time: datetime, contents: list[int]) -> None:
    source = ids.IdsInOrder(time, CountingEntropy(list(contents)))
    made = [source.new("job") for _ in contents]
    assert made == sorted(set(made))
    assert all(ids.is_id(each, "job") for each in made)
