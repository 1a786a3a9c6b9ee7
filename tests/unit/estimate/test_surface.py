"""Surfaces through measurements."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tradewind.estimate.surface import Part, fit_surface, surface_from

PARTS = (
    Part(variance=1.0),
    Part(variance=0.5, shape="slope", over=("x",)),
    Part(variance=0.5, same=("who",)),
    Part(variance=0.1, shape="near", over=("x",), reach=1.0),
)


def rows(count: int = 40) -> list[dict[str, str | float]]:
    return [{"x": index / count * 4 - 2, "who": "ab"[index % 2]} for index in range(count)]


def truth(row: dict[str, str | float]) -> float:
    return 3.0 + 0.7 * float(row["x"]) + (0.4 if row["who"] == "b" else 0.0)


def test_a_line_and_a_step_are_found_again() -> None:
    surface = fit_surface(rows(), [truth(row) for row in rows()], PARTS)
    asked: list[dict[str, str | float]] = [{"x": 0.33, "who": "a"}, {"x": -1.21, "who": "b"}]
    assert surface.predict(asked) == pytest.approx([truth(row) for row in asked], abs=0.05)


def test_a_straight_line_carries_on_outside_the_rows() -> None:
    surface = fit_surface(rows(), [truth(row) for row in rows()], PARTS)
    assert surface.predict([{"x": 3.0, "who": "a"}])[0] == pytest.approx(5.1, abs=0.4)


def test_unknown_words_are_predicted_by_the_rest() -> None:
    surface = fit_surface(rows(), [truth(row) for row in rows()], PARTS)
    assert surface.predict([{"x": 0.0, "who": "new"}])[0] == pytest.approx(3.2, abs=0.3)


def test_what_is_written_predicts_the_same() -> None:
    surface = fit_surface(rows(), [truth(row) for row in rows()], PARTS, slopes={"x": 0.5})
    again = surface_from(json.loads(json.dumps(surface.as_record())))
    asked: list[dict[str, str | float]] = [{"x": 1.5, "who": "b"}, {"x": -0.2, "who": "c"}]
    assert again.predict(asked) == pytest.approx(surface.predict(asked), abs=2e-3)
    assert again.has("who", "a")
    assert not again.has("who", "c")


def test_little_trust_bends_little() -> None:
    values = [truth(row) for row in rows()]
    values[20] += 3.0
    trusting = fit_surface(rows(), values, PARTS, rounds=0, noise=0.01)
    doubting = fit_surface(rows(), values, PARTS, rounds=0, noise=0.01, trust=[1] * 20 + [1e-4] + [1] * 19)
    asked = rows()[20]
    assert abs(doubting.predict([asked])[0] - truth(asked)) < abs(trusting.predict([asked])[0] - truth(asked))


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=12))
@settings(deadline=None, max_examples=30)
def test_any_values_give_finite_answers(values: list[float]) -> None:
    surface = fit_surface(rows(len(values)), values, PARTS, rounds=5)
    assert all(math.isfinite(each) for each in surface.predict(rows(8)))


def test_nothing_to_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="0 rows"):
        fit_surface([], [], PARTS)
