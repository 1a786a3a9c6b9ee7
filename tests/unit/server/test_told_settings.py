"""What the environment and the configuration file say of this machine and its electricity."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tradewind.domain.errors import InvalidInputError
from tradewind.estimate.own_figures import ENVIRONMENT, Origin, OwnFigures, PowerPrice
from tradewind.server.settings import read_settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADEWIND_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("TRADEWIND_STATE_DIR", str(tmp_path / "state"))
    for name in (*ENVIRONMENT.values(), "TRADEWIND_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config.toml"


def test_nothing_is_said_where_nobody_says_it(config: Path) -> None:
    told = read_settings("127.0.0.1", None).told
    assert told == {Origin.ENVIRONMENT: OwnFigures(), Origin.CONFIG_FILE: OwnFigures()}


def test_both_are_read_apart(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(
        '[local]\ncountry = "DEU"\ncarbon_zone = "FRA"\nelectricity_price_usd_per_kwh = 0.31\n'
        "carbon_grams_per_kwh = 350\nwatts_idle = 65\nwatts_max = 420.5\n"
    )
    monkeypatch.setenv("TRADEWIND_COUNTRY", "NOR")
    monkeypatch.setenv("TRADEWIND_ELECTRICITY_PRICE_USD_PER_KWH", "0.12")
    told = read_settings("127.0.0.1", None).told
    assert told[Origin.CONFIG_FILE] == OwnFigures(
        country="DEU",
        carbon_zone="FRA",
        electricity_price=PowerPrice(amount=Decimal("0.31")),
        carbon_g_per_kwh=350.0,
        watts_idle=65.0,
        watts_max=420.5,
    )
    assert told[Origin.ENVIRONMENT] == OwnFigures(
        country="NOR", electricity_price=PowerPrice(amount=Decimal("0.12"))
    )


@pytest.mark.parametrize("value", ["cheap", "-0.1", "nan"])
def test_what_is_no_number_is_refused_with_its_name(
    config: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TRADEWIND_WATTS_MAX", value)
    with pytest.raises(InvalidInputError, match="TRADEWIND_WATTS_MAX"):
        read_settings("127.0.0.1", None)
    monkeypatch.delenv("TRADEWIND_WATTS_MAX")
    config.write_text(f'[local]\nwatts_max = "{value}"\n')
    with pytest.raises(InvalidInputError, match=r"local\.watts_max"):
        read_settings("127.0.0.1", None)
