"""Where the state is kept, as the environment says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tradewind.domain.errors import ConflictError, InvalidInputError, NotSupportedError
from tradewind.server.replicas import MARKER, check_storage, host_id, make_storage
from tradewind.server.settings import Settings, read_settings


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRADEWIND_DATABASE_URL", "TRADEWIND_STORAGE", "TRADEWIND_ALLOWED_HOSTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRADEWIND_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("TRADEWIND_CONFIG_DIR", str(tmp_path / "config"))


def read() -> Settings:
    return read_settings("127.0.0.1", None)


def test_without_a_word_it_is_sqlite_in_the_state_folder(tmp_path: Path) -> None:
    settings = read()
    assert settings.database_url is None
    assert settings.storage is None
    assert settings.files == tmp_path / "state"


def test_a_database_and_a_folder_to_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRADEWIND_DATABASE_URL", "postgresql://ana:hunter2@db.test/tradewind")
    monkeypatch.setenv("TRADEWIND_STORAGE", str(tmp_path / "shared"))
    settings = read()
    assert settings.files == tmp_path / "shared"
    assert settings.database_url is not None
    assert settings.database_url.reveal().endswith("/tradewind")
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("storage", "error", "message"),
    [
        ("s3://bucket/folder", NotSupportedError, "object stores are not supported"),
        ("relative/folder", InvalidInputError, "whole path"),
    ],
)
def test_a_folder_that_cannot_be_shared_is_refused(
    monkeypatch: pytest.MonkeyPatch, storage: str, error: type[Exception], message: str
) -> None:
    monkeypatch.setenv("TRADEWIND_DATABASE_URL", "postgresql://db.test/tradewind")
    monkeypatch.setenv("TRADEWIND_STORAGE", storage)
    with pytest.raises(error, match=message):
        read()


def test_a_shared_folder_without_a_shared_database_is_a_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TRADEWIND_STORAGE", str(tmp_path))
    with pytest.raises(InvalidInputError, match="TRADEWIND_DATABASE_URL is not set"):
        read()


def test_the_folder_is_marked_by_the_first_and_checked_by_all(tmp_path: Path) -> None:
    shared = tmp_path / "a" / "shared"
    make_storage(shared)
    with pytest.raises(ConflictError, match="not the folder that the other servers"):
        check_storage(shared, "inst_1", is_alone=False)
    check_storage(shared, "inst_1", is_alone=True)
    check_storage(shared, "inst_1", is_alone=True)
    check_storage(shared, "inst_1", is_alone=False)
    assert [each.name for each in shared.iterdir()] == [MARKER]
    for is_alone in (True, False):
        with pytest.raises(ConflictError, match="belongs to another installation"):
            check_storage(shared, "inst_2", is_alone=is_alone)


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match="not a folder"):
        make_storage(tmp_path / "file" / "shared")


def test_a_machine_is_known_by_the_same_name_each_time() -> None:
    assert host_id() == host_id()
    assert len(host_id()) == 32
