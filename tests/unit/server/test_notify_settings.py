"""Whether alerts may be told on the server's own network: said, or by whom the server serves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewind.domain.errors import InvalidInputError
from tradewind.server.settings import read_settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TRADEWIND_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("TRADEWIND_STATE_DIR", str(tmp_path / "state"))
    for name in ("TRADEWIND_ALLOWED_HOSTS", "TRADEWIND_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config.toml"


@pytest.mark.parametrize(
    ("host", "allowed_hosts", "expected"),
    [
        ("127.0.0.1", "", True),
        ("::1", "", True),
        ("localhost", "", True),
        ("0.0.0.0", "", False),
        ("::", "", False),
        ("192.168.0.7", "", False),
        ("127.0.0.1", "tradewind.example", False),
    ],
)
def test_by_default_only_a_server_for_its_own_machine(
    config: Path, monkeypatch: pytest.MonkeyPatch, host: str, allowed_hosts: str, expected: bool
) -> None:
    if allowed_hosts:
        monkeypatch.setenv("TRADEWIND_ALLOWED_HOSTS", allowed_hosts)
    assert read_settings(host, None).allow_private_addresses is expected


@pytest.mark.parametrize("said", [True, False])
def test_what_is_said_goes_before(config: Path, said: bool) -> None:
    config.write_text(f"[notify]\nallow_private_addresses = {str(said).lower()}\n")
    assert read_settings("0.0.0.0", None).allow_private_addresses is said
    assert read_settings("127.0.0.1", None).allow_private_addresses is said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[notify]\nallow_private_addresses = 1\n", "must be true or false"),
        ("[notify]\nallow = true\n", "unknown key notify.allow"),
        ("notify = 3\n", "`notify` must be a table"),
    ],
)
def test_a_wrong_setting_is_named(config: Path, text: str, says: str) -> None:
    config.write_text(text)
    with pytest.raises(InvalidInputError, match=says):
        read_settings("127.0.0.1", None)
