"""Figures and lines as people read them."""

from __future__ import annotations

import pytest

from tradewind.cli.progress import _fit
from tradewind.cli.wording import show_energy


@pytest.mark.parametrize(
    ("kwh", "text"),
    [
        (0.0, "0 kWh"),
        (4.2207e-05, "0.0000422 kWh"),
        (1.5e-12, "0.0000000000015 kWh"),
        (0.0012, "0.0012 kWh"),
        (12.5, "12.5 kWh"),
    ],
)
def test_energy_is_shown_without_powers_of_ten(kwh: float, text: str) -> None:
    assert show_energy(kwh) == text


@pytest.mark.parametrize(
    ("columns", "shown"),
    [(40, "42 % · epoch 3 · loss 0.1"), (20, "42 % · epoch 3"), (8, "42 %"), (2, "42")],
)
def test_a_line_keeps_as_many_whole_parts_as_fit(columns: int, shown: str) -> None:
    assert _fit("42 % · epoch 3 · loss 0.1", columns) == shown
