"""Settings come from the nearest place that has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewind.client.settings import load_settings
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.paths import config_dir, state_dir


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("TRADEWIND_CONFIG_DIR", str(folder))
    return folder / "config.toml"


def test_flag_then_environment_then_folder_then_user(config: Path, tmp_path: Path) -> None:
    config.write_text('server = "http://user"\nproject = "user"\noutput = "json"\ntoken_file = "t"\n')
    (tmp_path / "tradewind.toml").write_text('server = "http://folder"\nproject = "folder"\n')
    env = {"TRADEWIND_SERVER": "http://env/"}
    found = load_settings(environment=env, folder=tmp_path)
    assert (found.server, found.project, found.output) == ("http://env", "folder", "json")
    assert found.token_file == config.parent / "t"
    assert load_settings(server="http://flag", environment=env, folder=tmp_path).server == "http://flag"


def test_tables_for_the_server_are_left_to_it(config: Path, tmp_path: Path) -> None:
    config.write_text('project = "mine"\n[local]\ncountry = "DE"\n[server]\nport = 9000\n')
    found = load_settings(environment={}, folder=tmp_path)
    assert (found.project, found.server) == ("mine", None)


def test_nothing_configured_means_the_local_server(config: Path, tmp_path: Path) -> None:
    found = load_settings(environment={}, folder=tmp_path)
    assert (found.server, found.read_token(), found.project, found.output) == (None, None, None, "table")


def test_a_token_from_the_environment_or_a_file(config: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-file\n")
    env = {"TRADEWIND_TOKEN": "from-env"}
    assert load_settings(environment=env, folder=tmp_path).read_token() == "from-env"
    named = load_settings(token_file=str(tmp_path / "token"), environment=env, folder=tmp_path)
    assert named.read_token() == "from-file"
    with pytest.raises(InvalidInputError, match="cannot be read"):
        load_settings(token_file=str(tmp_path / "none"), environment={}, folder=tmp_path).read_token()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("server = ", "cannot be read"),
        ('sever = "x"', "unknown key 'sever'"),
        ("server = 3", "must be text"),
        ('server = "localhost:8000"', "is not a URL"),
        ('output = "xml"', "output 'xml' does not exist"),
    ],
)
def test_mistakes_in_files_are_named(config: Path, tmp_path: Path, text: str, message: str) -> None:
    config.write_text(text)
    with pytest.raises(InvalidInputError, match=message):
        load_settings(environment={}, folder=tmp_path)


def test_folders_follow_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRADEWIND_STATE_DIR", str(tmp_path / "state"))
    assert state_dir() == tmp_path / "state"
    monkeypatch.delenv("TRADEWIND_STATE_DIR")
    monkeypatch.setenv("TRADEWIND_CONFIG_DIR", "~/here")
    assert config_dir() == Path.home() / "here"
    assert state_dir().name == "tradewind"
