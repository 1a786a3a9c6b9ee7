"""What jobs are narrowed down by, as conditions that the database checks."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Text, cast, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to

_J: Final = tables.jobs
#: What filters are called where one is to be loosened.
FILTER_LABELS: Final = {
    "q": "the search",
    "statuses": "the state",
    "name": "the name",
    "providers": "the provider",
    "accelerators": "the accelerator",
    "creators": "the creator",
    "tags": "the tag",
    "since": "the time from",
    "until": "the time until",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Everything that is set must hold; of several values of one kind, any."""

    q: str | None = None
    statuses: Sequence[str] = ()
    name: str | None = None
    providers: Sequence[str] = ()
    accelerators: Sequence[str] = ()
    creators: Sequence[str] = ()
    #: `key` or `key=value`.
    tags: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None

    def set_names(self) -> list[str]:
        """The filters that are set."""
        return [each.name for each in fields(self) if getattr(self, each.name)]

    def conditions(self, caller: Caller, *, without: str | None = None) -> list[ColumnElement[bool]]:
        """What a job of the caller must fulfil; `without` one of the filters."""
        found = [visible_to(caller, _J)]
        for name in self.set_names():
            if name != without:
                found.append(_CONDITIONS[name](getattr(self, name)))
        return found


def _contains(column: Any, text: str) -> ColumnElement[bool]:
    """Whether it contains the text, whatever the case."""
    escaped = text.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
    found: ColumnElement[bool] = column.ilike(f"%{escaped}%", escape="\\")
    return found


def _text(q: str) -> ColumnElement[bool]:
    words = q.split()
    # Tags are kept as JSON, in which other than ASCII is written by its number.
    return _all(
        [
            or_(
                _contains(_J.c.name, word),
                _J.c.id == word,
                _contains(cast(_J.c.tags, Text), json.dumps(word)[1:-1]),
                _J.c.id.startswith(word, autoescape=True) if word.startswith("job_") else _J.c.id == word,
            )
            for word in words
        ]
    )


def _all(conditions: list[ColumnElement[bool]]) -> ColumnElement[bool]:
    found = conditions[0]
    for each in conditions[1:]:
        found = found & each
    return found


def _of_attempt(column: Any, values: Sequence[str]) -> ColumnElement[bool]:
    attempts = tables.attempts
    found: ColumnElement[bool] = (
        select(attempts.c.id).where(attempts.c.id == _J.c.attempt_id, column.in_(values)).exists()
    )
    return found


def _creators(names: Sequence[str]) -> ColumnElement[bool]:
    users = tables.users
    found: ColumnElement[bool] = _J.c.creator_id.in_(select(users.c.id).where(users.c.name.in_(names)))
    return found


def _tags(tags: Sequence[str]) -> ColumnElement[bool]:
    conditions = []
    for tag in tags:
        key, has_value, value = tag.partition("=")
        # Not by a path: SQLite compares a path with keys as they are written, and other than ASCII is escaped.
        each = each_tag()
        is_there = each.c.key == key
        if has_value:
            is_there &= each.c.value == value
        conditions.append(select(literal(1)).select_from(each).where(is_there).exists())
    return or_(*conditions)


class _EachTag(FunctionElement[Any]):
    """Keys and values of a JSON object as rows: each database calls it something else."""

    name = "each_tag"
    inherit_cache = True


@compiles(_EachTag)
def _for_sqlite(element: _EachTag, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_EachTag, "postgresql")
def _for_postgres(element: _EachTag, compiler: Any, **options: Any) -> str:
    return f"json_each_text({compiler.process(element.clauses, **options)})"


def each_tag() -> Any:
    """The tags of the job at hand, as rows with `key` and `value`."""
    return _EachTag(_J.c.tags).table_valued("key", "value")


_CONDITIONS: Final[dict[str, Any]] = {
    "q": _text,
    "statuses": lambda values: _J.c.status.in_(values),
    "name": lambda name: _J.c.name == name,
    "providers": lambda values: _of_attempt(tables.attempts.c.provider, values),
    "accelerators": lambda values: _of_attempt(tables.attempts.c.accelerator, values),
    "creators": _creators,
    "tags": _tags,
    "since": lambda at: _J.c.created_at >= at,
    "until": lambda at: _J.c.created_at < at,
}
