"""Whether users may have the server use what is its own: said, or by whom the server serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewind.server.settings import read_settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADEWIND_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("TRADEWIND_STATE_DIR", str(tmp_path / "state"))
    for name in ("TRADEWIND_ALLOWED_HOSTS", "TRADEWIND_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config.toml"


@pytest.mark.parametrize(("host", "expected"), [("127.0.0.1", True), ("0.0.0.0", False)])
def test_by_default_only_on_a_server_for_its_own_machine(config: Path, host: str, expected: bool) -> None:
    assert read_settings(host, None).trusts_users is expected


def test_a_server_with_a_name_has_other_users(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_ALLOWED_HOSTS", "tradewind.example")
    assert read_settings("127.0.0.1", None).trusts_users is False


@pytest.mark.parametrize("said", [True, False])
def test_what_is_said_goes_before(config: Path, said: bool) -> None:
    config.write_text(f"[connections]\ntrusts_users = {str(said).lower()}\n")
    assert read_settings("0.0.0.0", None).trusts_users is said
    assert read_settings("127.0.0.1", None).trusts_users is said
