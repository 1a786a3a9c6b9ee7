"""What a kilowatt-hour costs and emits, and where that figure comes from."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.tariff import tariff_for


def test_without_a_country_the_world_mean_is_used_and_said() -> None:
    tariff = tariff_for(None)
    assert tariff.micro_usd_per_kwh == 165_000
    assert tariff.carbon_g_per_kwh == 475.0
    assert "world mean" in tariff.price_note
    assert "world mean" in tariff.carbon_note


def test_a_country_has_its_own_figures() -> None:
    tariff = tariff_for("deu")
    assert tariff.micro_usd_per_kwh > 300_000
    assert tariff.carbon_g_per_kwh != 475.0
    assert "Germany" in tariff.price_note


def test_a_country_without_a_price_falls_back_and_says_so() -> None:
    assert "world mean" in tariff_for("ABW").price_note
    assert "Aruba" in tariff_for("ABW").carbon_note


def test_own_figures_win() -> None:
    tariff = tariff_for("DEU", Decimal("0.12"), 30.0)
    assert (tariff.micro_usd_per_kwh, tariff.carbon_g_per_kwh) == (120_000, 30.0)


def test_an_unknown_country_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="XYZ"):
        tariff_for("XYZ")
