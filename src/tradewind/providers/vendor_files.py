"""Credentials where a vendor's own tools keep them: which files, and how each is read.

A provider's `About` says where to look; nothing of what is read is ever stored. Errors name the file and what is
missing in it, never what it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tradewind.domain.errors import InvalidInputError

_MOST_BYTES: Final = 1 << 20
_REMEDY: Final = "log in with the vendor's tool once more, or give the credentials to Tradewind itself"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the process has: its environment and its home folder."""

    environment: Mapping[str, str]
    home: Path

    def path(self, text: str, variable: str = "") -> Path:
        """A path that may begin with `~`; the variable names another one where it is set."""
        named = (self.environment.get(variable) if variable else None) or text
        return self.home / named.removeprefix("~/") if named.startswith("~/") else Path(named)


#: Values by the names of `CredentialField`, as far as the files have them; empty where there is no file.
Read = Callable[[Surroundings], dict[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorFiles:
    """Where a vendor's own tool keeps credentials."""

    #: For example `the AWS command line`.
    tool: str
    #: For users to read, in the order in which they are looked at.
    paths: tuple[str, ...]
    read: Read


def plain_file(field: str, *paths: str) -> Read:
    """A file that is the secret and nothing else; the first that exists."""

    def read(where: Surroundings) -> dict[str, str]:
        for path in paths:
            text = read_text(where.path(path))
            if text is not None and text.strip():
                return {field: text.strip()}
        return {}

    return read


def existing_file(field: str, path: str, variable: str = "") -> Read:
    """A file whose path is what the provider wants to know."""

    def read(where: Surroundings) -> dict[str, str]:
        found = where.path(path, variable)
        return {field: str(found)} if found.is_file() else {}

    return read


def document(form: str, fields: Mapping[str, tuple[str, ...]], *paths: str) -> Read:
    """A TOML, JSON, YAML or `name = value` file; the first that exists.

    `fields` says for each field under which keys it may be; a dot leads into a table.
    """

    def read(where: Surroundings) -> dict[str, str]:
        for path in paths:
            found = where.path(path)
            text = read_text(found)
            if text is None:
                continue
            content = parse(form, text, found)
            values = {name: _first(content, keys) for name, keys in fields.items()}
            return {name: value for name, value in values.items() if value}
        return {}

    return read


def read_text(path: Path) -> str | None:
    """What a file holds; None where there is none. Raises InvalidInputError where it cannot be read."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise InvalidInputError(f"{path} is too large to be a file with credentials", hint=_REMEDY)
        return content.decode()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InvalidInputError(f"{path} cannot be read: {reason}", hint=_REMEDY) from None


def parse(form: str, text: str, path: Path) -> dict[str, Any]:
    """A document as a mapping: `toml`, `json`, `yaml`, or `lines` of `name = value`. Raises InvalidInputError."""
    try:
        content = _PARSERS[form](text)
    except Exception:
        # What a parser says of a mistake often repeats the line, and the line may be the secret.
        raise InvalidInputError(f"{path} is not the {form} file it should be", hint=_REMEDY) from None
    if not isinstance(content, dict):
        raise InvalidInputError(f"{path} is not the {form} file it should be", hint=_REMEDY)
    return content


def sections(text: str, path: Path) -> dict[str, dict[str, str]]:
    """An INI file by section. Raises InvalidInputError."""
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        raise InvalidInputError(f"{path} is not the ini file it should be", hint=_REMEDY) from None
    # Some tools call a section DEFAULT, which the parser keeps apart.
    found = {name: dict(parser.items(name)) for name in parser.sections()}
    return {**found, "DEFAULT": dict(parser.defaults())} if parser.defaults() else found


def _first(content: dict[str, Any], keys: tuple[str, ...]) -> str:
    for key in keys:
        here: Any = content
        for part in key.split("."):
            here = here.get(part) if isinstance(here, dict) else None
        if isinstance(here, str) and here.strip():
            return here.strip()
    return ""


def _toml(text: str) -> Any:
    import tomllib

    return tomllib.loads(text)


def _json(text: str) -> Any:
    import json

    return json.loads(text)


def _yaml(text: str) -> Any:
    import yaml

    return yaml.safe_load(text)


def _lines(text: str) -> Any:
    pairs = (
        line.partition("=") for line in text.splitlines() if line.strip() and line.strip()[0] not in "#;["
    )
    return {name.strip(): value.strip().strip("\"'") for name, _, value in pairs}


_PARSERS: Final[dict[str, Callable[[str], Any]]] = {
    "toml": _toml,
    "json": _json,
    "yaml": _yaml,
    "lines": _lines,
}
