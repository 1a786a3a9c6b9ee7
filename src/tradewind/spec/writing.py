"""Writes a job file as a person would: keys in the order of the documentation, short parts on one line.

What is written reads back as the same values. Comments are not kept: they are not part of the values.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

import yaml
from yaml.emitter import ScalarAnalysis

from tradewind.spec.document import TEXT_MAPPINGS, resolve_plain
from tradewind.spec.fields import to_text
from tradewind.spec.json_schema import find_properties

#: A list or mapping of plain values is written on one line up to this length.
_ONE_LINE: Final = 88
#: Text that needs no quotes anywhere, although it has a colon or a star inside: `A100-80GB:8`, `out/**`, `$4/h`.
_PLAIN: Final = re.compile(r"[A-Za-z0-9$/._][A-Za-z0-9$/._*+%=-]*(?:[ :][A-Za-z0-9$/._*+%=-]+)*")


def write_job_file(mapping: dict[str, Any]) -> str:
    """The YAML of a job file's mapping. Keys with nothing after them are left out; unknown ones come last."""
    if not mapping:
        return ""
    return yaml.dump(
        _Top(_in_order(_without_nothing(mapping), ())),
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=1 << 20,
    )


class _Top(dict[str, Any]):
    """The job itself: each key has a line of its own, however few they are."""


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(item) for key, item in value.items() if item is not None}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value


def _in_order(value: Any, path: tuple[str, ...]) -> Any:
    """Known keys in the order that the models have them in, then the others as they came."""
    if isinstance(value, list):
        return [_in_order(item, path) for item in value]
    if not isinstance(value, dict):
        return value
    if len(path) == 1 and path[0] in TEXT_MAPPINGS:
        return {key: item if isinstance(item, dict | list) else to_text(item) for key, item in value.items()}
    known = [key for key in _keys_at(path) if key in value]
    rest = [key for key in value if key not in known]
    return {key: _in_order(value[key], (*path, key)) for key in (*known, *rest)}


@cache
def _keys_at(path: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(find_properties(path))


class _Dumper(yaml.SafeDumper):
    """Quotes what `spec.document` would read as something else, and nothing that it would not."""

    def analyze_scalar(self, scalar: str) -> ScalarAnalysis:
        """Lets a colon inside a word stand without quotes, as job files have it."""
        analysis = super().analyze_scalar(scalar)
        if _PLAIN.fullmatch(scalar):
            analysis.allow_flow_plain = analysis.allow_block_plain = True
        return analysis

    def choose_scalar_style(self) -> str:
        """Double quotes where there have to be some, as in the documentation."""
        style = super().choose_scalar_style()
        return '"' if style == "'" else style

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        """The tag that the text would get without quotes."""
        if kind is not yaml.ScalarNode or not implicit[0]:
            tag: str = super().resolve(kind, value, implicit)  # type: ignore[no-untyped-call]
            return tag
        return _TAGS[type(resolve_plain(value))]

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Nothing is an anchor: the same list twice is written twice."""
        return True


_TAGS: Final = {
    type(None): "tag:yaml.org,2002:null",
    bool: "tag:yaml.org,2002:bool",
    int: "tag:yaml.org,2002:int",
    float: "tag:yaml.org,2002:float",
    str: "tag:yaml.org,2002:str",
}


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text.rstrip("\n") or text.endswith("\n") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _represent_number(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", repr(number))


def _represent_mapping(dumper: yaml.SafeDumper, mapping: dict[str, Any]) -> yaml.MappingNode:
    return dumper.represent_mapping(
        "tag:yaml.org,2002:map", mapping.items(), flow_style=_is_short(mapping, list(mapping.values()))
    )


def _represent_top(dumper: yaml.SafeDumper, mapping: _Top) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", mapping.items(), flow_style=False)


def _represent_list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=_is_short(items, items))


def _is_short(whole: object, parts: list[Any]) -> bool:
    """Whether it holds plain values only, and fits on a line."""
    if any(isinstance(part, dict | list) or (isinstance(part, str) and "\n" in part) for part in parts):
        return False
    return len(str(whole)) <= _ONE_LINE


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(float, _represent_number)
_Dumper.add_representer(dict, _represent_mapping)
_Dumper.add_representer(_Top, _represent_top)
_Dumper.add_representer(list, _represent_list)
