"""What a server sends lands where it should, or not at all."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from tradewind.client.unpack import place_file, unpack_tar
from tradewind.domain.errors import ConflictError, InvalidInputError


def make_tar(*members: tuple[str, bytes | str]) -> bytes:
    """A tar of files (bytes) and links (text)."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, what in members:
            member = tarfile.TarInfo(name)
            if isinstance(what, bytes):
                member.size = len(what)
                archive.addfile(member, io.BytesIO(what))
            else:
                member.type, member.linkname = tarfile.SYMTYPE, what
                archive.addfile(member)
    return content.getvalue()


def test_a_checkpoint_is_unpacked(tmp_path: Path) -> None:
    content = make_tar(("model.pt", b"weights"), ("deep/state.json", b"{}"))
    pieces = [content[i : i + 100] for i in range(0, len(content), 100)]
    assert unpack_tar(pieces, tmp_path / "new" / "ckpt") == 2
    assert (tmp_path / "new/ckpt/model.pt").read_bytes() == b"weights"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["ckpt"]


@pytest.mark.parametrize(
    "member",
    [
        ("../escaped", b"x"),
        ("/escaped", b"x"),
        ("link", "/etc/passwd"),
        ("link", "../../x"),
        ("link", "good"),
    ],
    ids=["file", "rooted", "absolute", "relative", "inside"],
)
def test_members_that_lead_outside_leave_nothing_behind(
    tmp_path: Path, member: tuple[str, bytes | str]
) -> None:
    with pytest.raises(InvalidInputError, match="was not unpacked"):
        unpack_tar([make_tar(("good", b"x"), member)], tmp_path / "in" / "ckpt")
    assert not (tmp_path / "in" / "ckpt").exists()
    assert not (tmp_path / "escaped").exists()
    assert list((tmp_path / "in").iterdir()) == []


def test_a_broken_stream_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="was not unpacked"):
        unpack_tar([make_tar(("a", b"x" * 5000))[:1000]], tmp_path / "ckpt")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(ConflictError, match="is not empty"):
        unpack_tar([make_tar(("a", b"x"))], tmp_path)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_file_is_placed_once(tmp_path: Path) -> None:
    assert (
        place_file([b"a", b"b"], tmp_path, "out/x.txt", digest(b"ab"), overwrite=False)
        == tmp_path / "out/x.txt"
    )
    assert place_file(iter([]), tmp_path, "out/x.txt", digest(b"ab"), overwrite=False) is None
    with pytest.raises(ConflictError, match="already exists with other content"):
        place_file([b"new"], tmp_path, "out/x.txt", digest(b"new"), overwrite=False)
    place_file([b"new"], tmp_path, "out/x.txt", digest(b"new"), overwrite=True)
    assert (tmp_path / "out/x.txt").read_bytes() == b"new"


def test_content_that_is_not_what_was_announced_is_thrown_away(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="did not arrive whole"):
        place_file([b"half"], tmp_path, "x.txt", digest(b"whole"), overwrite=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../../x", ""])
def test_paths_that_lead_outside_are_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidInputError, match="outside the folder"):
        place_file([b""], tmp_path, path, digest(b""), overwrite=True)


def test_a_link_in_the_folder_is_not_followed_outside(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "door").symlink_to(tmp_path)
    with pytest.raises(InvalidInputError, match="through a link"):
        place_file([b""], tmp_path / "in", "door/x", digest(b""), overwrite=True)
