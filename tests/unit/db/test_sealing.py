"""Sealed secrets open with their key, in their place, and with nothing else."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.db.sealing import Sealer, key_file
from tradewind.domain.clock import SystemEntropy
from tradewind.domain.errors import SecretKeyError
from tradewind.domain.secrets import Secret


def sealer_at(path: Path) -> Sealer:
    return Sealer(path, SystemEntropy())


@given(text=st.text(max_size=200), purpose=st.text(max_size=40))
def test_what_is_sealed_opens_again(
    tmp_path_factory: pytest.TempPathFactory, text: str, purpose: str
) -> None:
    sealer = sealer_at(tmp_path_factory.getbasetemp() / "property" / "secret.key")
    sealed = sealer.seal(Secret(text), purpose, has_sealed=False)
    assert sealer.unseal(sealed, purpose).reveal() == text
    if len(text) > 6:
        assert text.encode() not in sealed


def test_the_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "config" / "secret.key"
    first = sealer_at(path).seal(Secret("x"), "p", has_sealed=False)
    made = path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    second = sealer_at(path)
    assert second.unseal(first, "p").reveal() == "x"
    assert second.seal(Secret("x"), "p", has_sealed=True) != first
    assert path.read_bytes() == made
    assert [each.name for each in path.parent.iterdir()] == ["secret.key"]


def test_many_who_make_it_at_once_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    sealed: list[bytes] = []
    barrier = threading.Barrier(8)

    def make() -> None:
        barrier.wait()
        sealed.append(sealer_at(path).seal(Secret("x"), "p", has_sealed=False))

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [sealer_at(path).unseal(each, "p").reveal() for each in sealed] == ["x"] * 8


def test_a_file_that_others_can_read_is_narrowed(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    sealed = sealer_at(path).seal(Secret("x"), "p", has_sealed=False)
    path.chmod(0o644)
    sealer_at(path).unseal(sealed, "p")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_missing_key_is_not_replaced_beside_what_it_sealed(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    sealed = sealer_at(path).seal(Secret("x"), "p", has_sealed=False)
    path.unlink()
    for act in (
        lambda: sealer_at(path).unseal(sealed, "p"),
        lambda: sealer_at(path).seal(Secret("y"), "p", has_sealed=True),
        lambda: sealer_at(path).fingerprint(Secret("y"), has_sealed=True),
    ):
        with pytest.raises(SecretKeyError, match="missing") as caught:
            act()
        assert caught.value.hint is not None
        assert "put it back" in caught.value.hint
        assert caught.value.causes
    assert not path.exists()


def test_another_key_is_named(tmp_path: Path) -> None:
    path, other = tmp_path / "one.key", tmp_path / "two.key"
    sealed = sealer_at(path).seal(Secret("hidden"), "p", has_sealed=False)
    sealer_at(other).seal(Secret("hidden"), "p", has_sealed=False)
    with pytest.raises(SecretKeyError, match="does not have the key"):
        sealer_at(other).unseal(sealed, "p")


@pytest.mark.parametrize("damage", ["purpose", "bytes", "form"])
def test_a_changed_or_moved_secret_does_not_open(tmp_path: Path, damage: str) -> None:
    sealer = sealer_at(tmp_path / "secret.key")
    sealed = sealer.seal(Secret("hidden"), "row-1", has_sealed=False)
    purpose = "row-2" if damage == "purpose" else "row-1"
    if damage == "bytes":
        sealed = sealed[:-8] + b"AAAAAAAA"
    if damage == "form":
        sealed = b"nonsense"
    with pytest.raises(SecretKeyError) as caught:
        sealer.unseal(sealed, purpose)
    assert "hidden" not in str(caught.value)


def test_a_new_key_seals_and_the_old_one_still_opens(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    sealer = sealer_at(path)
    old = sealer.seal(Secret("old"), "p", has_sealed=False)
    name = sealer.add_key()
    new = sealer_at(path).seal(Secret("new"), "p", has_sealed=True)
    assert name.encode() in new
    assert name.encode() not in old
    fresh = sealer_at(path)
    assert (fresh.unseal(old, "p").reveal(), fresh.unseal(new, "p").reveal()) == ("old", "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["", "k1\n", "k1 not-base64!\n", "k1 AAAA\n", "\xff\n"])
def test_a_damaged_key_file_is_refused_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret.key"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(SecretKeyError):
        sealer_at(path).seal(Secret("x"), "p", has_sealed=False)
    assert path.read_text(encoding="latin-1") == content


def test_a_key_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(SecretKeyError) as caught:
        sealer_at(blocker / "secret.key").seal(Secret("x"), "p", has_sealed=False)
    assert "TRADEWIND_SECRET_KEY_FILE" in (caught.value.hint or "")


def test_where_the_key_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_CONFIG_DIR", str(tmp_path))
    monkeypatch.delenv("TRADEWIND_SECRET_KEY_FILE", raising=False)
    assert key_file() == tmp_path / "secret.key"
    monkeypatch.setenv("TRADEWIND_SECRET_KEY_FILE", str(tmp_path / "elsewhere"))
    assert key_file() == tmp_path / "elsewhere"
