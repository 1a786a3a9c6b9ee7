"""What is installed is pinned, hashed, without addresses, and the same everywhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(path.name for path in (ROOT / "requirements").glob("*.txt"))


def pins_of(name: str) -> dict[str, str]:
    """Versions by package."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^\s;]+)", text, re.MULTILINE))


def test_there_are_the_files_that_bootstrap_reads() -> None:
    assert FILES == ["base.txt", "build.txt", "dev.txt", "docs.txt"]


@pytest.mark.parametrize("name", FILES)
def test_every_package_is_pinned_with_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines
    assert [
        line
        for line in lines
        if not re.match(r"[\w.-]+(?:\[[\w,-]+\])?==\S+.*--hash=sha256:[0-9a-f]{64}", line)
    ] == []
    assert "://" not in text


@pytest.mark.parametrize("name", [name for name in FILES if name != "dev.txt"])
def test_the_files_agree_on_versions(name: str) -> None:
    dev = pins_of("dev.txt")
    differing = {
        package for package, version in pins_of(name).items() if dev.get(package, version) != version
    }
    assert differing == set()
    if name in ("base.txt", "build.txt"):
        assert set(pins_of(name)) <= set(dev)


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names = {re.split(r"[<>=\[;]", each)[0].lower() for each in project["project"]["dependencies"]}
    assert names - set(pins_of("base.txt")) == set()
    build = {re.split(r"[<>=\[;]", each)[0].lower() for each in project["build-system"]["requires"]}
    assert build - set(pins_of("build.txt")) == set()
