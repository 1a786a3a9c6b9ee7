"""For how long rented machines are kept idle: from the environment, else from the file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tradewind.domain.errors import InvalidInputError
from tradewind.server.settings import read_settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADEWIND_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("TRADEWIND_STATE_DIR", str(tmp_path / "state"))
    for name in ("TRADEWIND_KEEP_IDLE", "TRADEWIND_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config.toml"


def test_none_is_kept_unless_somebody_says_so(config: Path) -> None:
    assert read_settings("127.0.0.1", None).keep_idle == timedelta(0)


def test_the_environment_goes_before_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text('[machines]\nkeep_idle = "10m"\n')
    assert read_settings("127.0.0.1", None).keep_idle == timedelta(minutes=10)
    monkeypatch.setenv("TRADEWIND_KEEP_IDLE", "90s")
    assert read_settings("127.0.0.1", None).keep_idle == timedelta(seconds=90)


@pytest.mark.parametrize("value", ["soon", "25h", "-1m"])
def test_what_is_no_span_or_too_long_is_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    config.write_text(f'[machines]\nkeep_idle = "{value}"\n')
    with pytest.raises(InvalidInputError, match="keep_idle"):
        read_settings("127.0.0.1", None)
    monkeypatch.setenv("TRADEWIND_KEEP_IDLE", value)
    with pytest.raises(InvalidInputError, match="TRADEWIND_KEEP_IDLE"):
        read_settings("127.0.0.1", None)


def test_a_key_that_is_not_there_is_named(config: Path) -> None:
    config.write_text('[machines]\nkeep_forever = "10m"\n')
    with pytest.raises(InvalidInputError, match=r"machines\.keep_forever"):
        read_settings("127.0.0.1", None)
