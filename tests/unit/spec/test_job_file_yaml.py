"""YAML becomes plain values, each with its place."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tradewind.spec import document
from tradewind.spec.document import DocumentError, read_document, resolve_plain


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"), ("true", True), ("False", False),
        ("017", "017"), ("0o17", "0o17"), ("0x1F", "0x1F"), ("0b1", "0b1"), ("1_000", "1_000"), ("22:30", "22:30"),
        ("190:20:30", "190:20:30"), ("17", 17), ("-3", -3), ("+3", 3), ("0", 0), ("1.5", 1.5), ("1e-3", 0.001),
        (".5", 0.5), ("1.", 1.0), (".inf", ".inf"), (".nan", ".nan"), ("1e999", "1e999"), ("9" * 40, float("9" * 40)),
        ("2026-12-24", "2026-12-24"), ("2026-12-24T18:00Z", "2026-12-24T18:00Z"), ("null", None), ("~", None),
        ("", None), ("nil", "nil"), ("<<", "<<"), ("=", "="), ("1.2.3", "1.2.3"), ("64GB+", "64GB+"),
    ],
)  # fmt: skip
def test_plain_text_means_what_it_looks_like(text: str, value: object) -> None:
    assert resolve_plain(text) == value
    assert type(resolve_plain(text)) is type(value)
    assert read_document(f"a: {text}").value == {"a": value}


def test_quoted_text_and_tagged_values() -> None:
    text = "a: '1'\nb: \"true\"\nc: |\n  1\nd: !!str 1\ne: !!int 3\nf: ! 4\ng: !!float 2\nh: !!null ''"
    assert read_document(text).value == {
        "a": "1", "b": "true", "c": "1\n", "d": "1", "e": 3, "f": "4", "g": 2, "h": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    "tag", ["!!int x", "!!bool 1", "!foo 1", "!!binary aGk=", "!!set {a}", "!!python/tuple [1]"]
)
def test_other_tags_are_refused(tag: str) -> None:
    with pytest.raises(DocumentError, match=r"the YAML tag `!.*` cannot be used here"):
        read_document(f"a: {tag}")


def test_keys_are_always_text() -> None:
    text = "on: 1\ntrue: 2\n3: 3\nnull: 4\n1.0: 5"
    assert read_document(text).value == {"on": 1, "true": 2, "3": 3, "null": 4, "1.0": 5}


def test_env_and_tags_keep_the_text_that_was_written() -> None:
    text = "env: {A: 1e-3, B: yes, C: 1.10, D: 007, E: True, F: null, G: {H: 1.10}}\ntags: {v: 1.10}\nx: {y: 1.10}"
    assert read_document(text).value == {
        "env": {"A": "1e-3", "B": "yes", "C": "1.10", "D": "007", "E": "True", "F": None, "G": {"H": 1.1}},
        "tags": {"v": "1.10"},
        "x": {"y": 1.1},
    }


def test_aliases_repeat_values() -> None:
    read = read_document("x: &n 1.10\ny: &l [1, {a: 2}]\nenv: {A: *n}\nz: *l\nw: *n")
    assert read.value == {"x": 1.1, "y": [1, {"a": 2}], "env": {"A": "1.10"}, "z": [1, {"a": 2}], "w": 1.1}
    assert read.value["y"] is not read.value["z"]
    assert read.locate(("z", 1, "a")) == (4, 4)


def test_every_value_and_key_has_its_place() -> None:
    read = read_document(
        "# job\nname:   é x\nresources:\n  providers:\n    - a\n    -  b\nretry: {failures: 1}\n"
    )
    assert read.locate(("name",)) == (2, 9)
    assert read.locate(("name",), True) == (2, 1)
    assert read.locate(("resources", "providers", 1)) == (6, 8)
    assert read.locate(("retry", "failures")) == (7, 19)
    assert read.locate(("retry", "failures"), True) == (7, 9)


def test_what_is_missing_is_placed_at_what_is_around_it() -> None:
    read = read_document("version: 1\nretry:\n  failures: 1\n")
    assert read.locate(("run",)) == (1, 1)
    assert read.locate(("retry", "interruptions")) == (2, 1)


def test_columns_count_characters_not_bytes() -> None:
    assert read_document("é: {ü: 1, b: 2}").locate(("é", "b")) == (1, 14)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: *b", "there is no anchor `&b` before this"),
        ("a: &a [*a]", r"`\*a` stands inside what it repeats"),
        ("a: &a {b: {c: *a}}", r"`\*a` stands inside what it repeats"),
        ("[" * 100_000, "nested more than 32 deep"),
        ("{a: " * 100_000, "nested more than 32 deep"),
        ("- " * 100_000, "nested more than 32 deep"),
        ("a: \x07", "not valid YAML: control characters are not allowed"),
        ("a: \ud800", "not valid YAML: half a character"),
        ("a: [1", "not valid YAML"),
        ("a: 'x", "not valid YAML"),
        ("%YAML 3.0\n---\na: 1", "not valid YAML"),
    ],
)
def test_what_cannot_be_read(text: str, problem: str) -> None:
    with pytest.raises(DocumentError, match=problem):
        read_document(text)


def make_bomb(leaf: str) -> str:
    """Ten levels, each naming the one before nine times: a billion values from a kilobyte."""
    lines = [f"l0: &l0 [{leaf}]"]
    lines += [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 11)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text", [make_bomb("a"), "x: &x " + "y" * 500_000 + "\nz: [" + "*x, " * 1_000 + "1]"]
)
def test_bombs_are_found_before_they_go_off(text: str) -> None:
    with pytest.raises(DocumentError, match="it holds more values than a job can have"):
        read_document(text)


def test_depth_through_aliases_is_bounded_too() -> None:
    lines = ["l0: &l0 [1]"] + [f"l{n}: &l{n} [*l{n - 1}]" for n in range(1, 60)]
    with pytest.raises(DocumentError, match="nested more than 32 deep"):
        read_document("\n".join(lines))


@pytest.mark.parametrize(
    "text", ["a: &x {b: 1}\na: *x\nc: 2", "a: {b: 1}\na: {b: {d: 2}}\nc: 2", "a: {b: 1}\na: [1, 2]\nc: 2"]
)
def test_the_first_of_two_equal_keys_counts(text: str) -> None:
    read = read_document(text)
    assert read.value == {"a": {"b": 1}, "c": 2}
    assert [(fault.path, fault.position) for fault in read.faults] == [(("a",), (2, 1))]
    assert read.locate(("a", "b")) == (1, 11 if "&x" in text else 8)


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
names = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=8)
scalars = (
    words
    | st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
)
plain_values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


@given(plain_values)
def test_what_a_yaml_writer_wrote_is_read_back(value: Any) -> None:
    # Everything in quotes and with its tag: without, this writer leaves text such as 0E0 bare, as YAML 1.1 may.
    text = yaml.safe_dump({"x": value}, allow_unicode=True, default_style='"')
    assert read_document(text).value == {"x": value}


def test_the_slower_parser_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "name: é x\nenv: {A: 1e-3, ON: yes}\nlist:\n  - &a [1, '2']\n  - *a\nplain: text\n"
    fast = read_document(text)
    monkeypatch.setattr(document, "_LOADER", yaml.SafeLoader)
    slow = read_document(text)
    assert slow == fast
