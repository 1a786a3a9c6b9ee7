"""Reads YAML into plain values and remembers where each stood.

The scalars are those of the YAML 1.2 core schema without its octal and hexadecimal numbers: `yes`, `on`, `22:30`,
`017` and dates are text. The text is read event by event, so depth, size and aliases are bounded before anything is
built, and nothing but mappings, lists, text, numbers, booleans and null can come out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite
from typing import Any, Final

import yaml

from tradewind.spec.faults import Fault, KeyPath, Position, format_path

MAX_DEPTH: Final = 32
MAX_VALUES: Final = 50_000
MAX_CHARACTERS: Final = 4 << 20
#: Mappings whose values keep the text that was written: `1.10` and `1e-3` mean what they say to the job.
TEXT_MAPPINGS: Final = frozenset({"env", "tags"})

_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN: Final = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TAG_PREFIX: Final = "tag:yaml.org,2002:"
_TAG_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "null": (type(None),), "bool": (bool,), "int": (int,), "float": (float, int),
}  # fmt: skip
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DocumentError(Exception):
    """The text is not a YAML document that can be used. Holds every fault found up to there."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults[-1].message)
        self.faults = faults


@dataclass(slots=True)
class Document:
    """Plain values, and where they stood."""

    value: Any = None
    faults: list[Fault] = field(default_factory=list)
    _values: dict[KeyPath, Position] = field(default_factory=dict)
    _keys: dict[KeyPath, Position] = field(default_factory=dict)

    def locate(self, path: KeyPath, of_key: bool = False) -> Position | None:
        """Line and column of a value or of its key; of the nearest thing around it where it has none itself."""
        for positions in (self._keys, self._values) if of_key else (self._values,):
            if path in positions:
                return positions[path]
        for length in range(len(path) - 1, -1, -1):
            around = path[:length]
            # What is missing from a mapping is shown at the mapping's key, what is missing from a list at the list.
            if around in self._keys and isinstance(path[length], str):
                return self._keys[around]
            if around in self._values:
                return self._values[around]
        return None


@dataclass(slots=True)
class _Open:
    """A mapping or list that is being read."""

    value: dict[str, Any] | list[Any]
    path: KeyPath
    key: str | None = None
    is_repeated: bool = False


def read_document(text: str) -> Document:
    """The document in the text. Keys that are written twice are noted in `faults`; the first one counts.

    Raises:
        DocumentError: when it is not YAML, or not something a job file may contain.
    """
    return _Builder(text).build()


class _Builder:
    def __init__(self, text: str) -> None:
        self._text = text
        self._document = Document()
        self._open: list[_Open] = []
        self._anchors: dict[str, Any] = {}
        self._value_count = 0
        self._character_count = 0

    def build(self) -> Document:
        document_count = 0
        for event in self._events():
            position = (event.start_mark.line + 1, event.start_mark.column + 1)
            if isinstance(event, yaml.DocumentStartEvent):
                document_count += 1
                if document_count > 1:
                    self._fail(
                        "a second document begins here", position, "keep one job in a file, and no `---`"
                    )
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._begin(event, position)
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                self._open.pop()
            elif isinstance(event, yaml.ScalarEvent):
                self._add_scalar(event, position)
            elif isinstance(event, yaml.AliasEvent):
                self._add_alias(event.anchor or "", position)
        return self._document

    def _events(self) -> Iterator[Any]:
        try:
            yield from yaml.parse(self._text, Loader=_LOADER)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            position = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            problem = error.problem or error.context or "it cannot be read"
            self._fail(f"not valid YAML: {problem}", position, self._explain(problem, position))
        except yaml.YAMLError as error:
            reason = str(getattr(error, "reason", "")) or "it cannot be read"
            self._fail(f"not valid YAML: {reason}", self._find_bad_character(), "take that character out")
        except UnicodeEncodeError as error:
            self._fail(
                "not valid YAML: half a character", self._place(error.start), "take that character out"
            )

    def _explain(self, problem: str, position: Position) -> str | None:
        lines = self._text.splitlines()
        line = lines[position[0] - 1] if position[0] <= len(lines) else ""
        if "\t" in line[: position[1]]:
            return "there is a tab here; YAML indents with spaces"
        if "mapping values are not allowed" in problem:
            return "check the indentation, and put a value that contains `: ` in quotes"
        if "cannot start any token" in problem:
            return "put a value that starts with this character in quotes"
        if "alphabetic or numeric" in problem:
            return "put a value that starts with * in quotes"
        return "check indentation, brackets and quotes around here"

    def _find_bad_character(self) -> Position:
        found = yaml.reader.Reader.NON_PRINTABLE.search(self._text)
        return self._place(found.start() if found else 0)

    def _place(self, index: int) -> Position:
        before = self._text[:index]
        return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1

    def _fail(self, message: str, position: Position, hint: str | None = None) -> None:
        path = self._open[-1].path if self._open else ()
        raise DocumentError(
            [*self._document.faults, Fault(path=path, message=message, hint=hint, position=position)]
        )

    def _count(self, position: Position, characters: int = 0) -> None:
        self._value_count += 1
        self._character_count += characters
        if self._value_count > MAX_VALUES or self._character_count > MAX_CHARACTERS:
            self._fail("it holds more values than a job can have", position, "look for repeated *aliases")

    def _begin(self, event: Any, position: Position) -> None:
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self._check_key_is_text(position)
        if event.tag not in (None, "!", f"{_TAG_PREFIX}{'map' if is_mapping else 'seq'}"):
            self._refuse_tag(event.tag, position)
        if len(self._open) >= MAX_DEPTH:
            self._fail(f"it is nested more than {MAX_DEPTH} deep", position)
        self._count(position)
        value: dict[str, Any] | list[Any] = {} if is_mapping else []
        path = self._add(value, position)
        self._open.append(_Open(value, path))
        if event.anchor is not None:
            self._anchors[event.anchor] = value

    def _add_scalar(self, event: Any, position: Position) -> None:
        self._count(position, len(event.value))
        if event.anchor is not None:
            self._anchors[event.anchor] = event
        parent = self._open[-1] if self._open else None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None:
            self._set_key(parent, event.value, position)
        else:
            self._add(self._resolve(event, position), position)

    def _set_key(self, parent: _Open, key: str, position: Position) -> None:
        parent.key = key
        path = (*parent.path, key)
        parent.is_repeated = key in parent.value
        if parent.is_repeated:
            line = self._document._keys.get(path, position)[0]
            message = f"`{format_path(path)}` is written twice; the first is on line {line}"
            self._document.faults.append(
                Fault(path=path, message=message, hint="keep one of them", is_key=True, position=position)
            )
        else:
            self._document._keys[path] = position

    def _add(self, value: Any, position: Position) -> KeyPath:
        if not self._open:
            self._document.value = value
            self._document._values[()] = position
            return ()
        parent = self._open[-1]
        if isinstance(parent.value, list):
            path = (*parent.path, len(parent.value))
            parent.value.append(value)
        else:
            key, parent.key = parent.key, None
            assert key is not None
            path = (*parent.path, key)
            if parent.is_repeated:
                # Read to its end like everything else, but kept apart from the first one.
                return (*path, "(again)")
            parent.value[key] = value
        self._document._values[path] = position
        return path

    def _path_of_next(self) -> KeyPath:
        parent = self._open[-1] if self._open else None
        return (*parent.path, parent.key) if parent and parent.key is not None else ()

    def _resolve(self, event: Any, position: Position) -> Any:
        text: str = event.value
        path = self._path_of_next()
        if event.tag is None and event.implicit[0]:
            value = resolve_plain(text)
            keeps_text = len(path) == 2 and path[0] in TEXT_MAPPINGS
            return text if keeps_text and value is not None else value
        name = (event.tag or "").removeprefix(_TAG_PREFIX)
        if name in ("", "!", "str"):
            return text
        value = resolve_plain(text)
        if not isinstance(value, _TAG_TYPES.get(name, ())):
            self._refuse_tag(event.tag, position)
        return value

    def _refuse_tag(self, tag: str, position: Position) -> None:
        shown = tag.replace(_TAG_PREFIX, "!!")
        self._fail(f"the YAML tag `{shown}` cannot be used here", position, "leave the tag out")

    def _check_key_is_text(self, position: Position) -> None:
        parent = self._open[-1] if self._open else None
        if parent is not None and isinstance(parent.value, dict) and parent.key is None:
            self._fail(
                "a key must be text, not a mapping or a list",
                position,
                "quote a value that starts with { or [",
            )

    def _add_alias(self, anchor: str, position: Position) -> None:
        if anchor not in self._anchors:
            self._fail(
                f"there is no anchor `&{anchor}` before this", position, "quote a value that starts with *"
            )
        anchored = self._anchors[anchor]
        if isinstance(anchored, yaml.ScalarEvent):
            self._add_scalar(
                yaml.ScalarEvent(None, anchored.tag, anchored.implicit, anchored.value), position
            )
            return
        self._check_key_is_text(position)
        if any(part.value is anchored for part in self._open):
            self._fail(f"`*{anchor}` stands inside what it repeats", position, "write it out")
        self._add(self._copy(anchored, len(self._open), position), position)

    def _copy(self, value: Any, depth: int, position: Position) -> Any:
        self._count(position, len(value) if isinstance(value, str) else 0)
        if not isinstance(value, dict | list):
            return value
        if depth >= MAX_DEPTH:
            self._fail(f"it is nested more than {MAX_DEPTH} deep", position)
        if isinstance(value, list):
            return [self._copy(item, depth + 1, position) for item in value]
        return {key: self._copy(item, depth + 1, position) for key, item in value.items()}


def resolve_plain(text: str) -> str | int | float | bool | None:
    """What text without quotes means."""
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and isfinite(number := float(text)):
        return number
    return text
