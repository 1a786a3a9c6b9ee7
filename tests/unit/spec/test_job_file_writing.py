"""What is written reads back the same, and looks as the documentation has it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.spec.document import read_document
from tradewind.spec.inspecting import inspect_mapping, inspect_text
from tradewind.spec.json_schema import find_keys, list_keys
from tradewind.spec.loading import load_job_text
from tradewind.spec.models import JobSpec
from tradewind.spec.supported import UNSUPPORTED
from tradewind.spec.writing import write_job_file

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTED = re.findall(
    r"```yaml\n(.*?)```", (ROOT / "docs" / "job-file.md").read_text(encoding="utf-8"), re.S
)

#: What a job file can carry in text; NUL and halves of characters are refused before anything is written.
texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n\t"), min_size=1, max_size=40
).filter(str.strip)
tricky = st.sampled_from(
    ["yes", "on", "null", "~", "1e-3", "0x1f", "017", "22:30", "1_000", ".5", "-", "- a", "a: b", "a #b", "*x", "&x",
     "!x", "%x", "@x", "`x`", "{a", "[a", "true", "2026-12-24", "=", "<<", "|", ">", "'", '"', "a\nb", "a\n", "\na",
     " a", "a ", "?", "? a", "a:", ":a", "A100-80GB:8", "out/**", "$4/h", "…", "ä\u2028b", "x\ty"]
)  # fmt: skip
values = texts | tricky
names = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
variables = st.from_regex(r"[A-SU-Z][A-Z0-9_]{0,10}", fullmatch=True)
scalars = (
    values | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
)


@st.composite
def job_files(draw: st.DrawFn) -> dict[str, Any]:
    """Job files that are right, with the values people write."""
    mapping: dict[str, Any] = {"version": 1, "name": draw(names), "run": draw(values)}
    extra: dict[str, st.SearchStrategy[Any]] = {
        "setup": values,
        "env": st.dictionaries(variables, scalars, max_size=4),
        "tags": st.dictionaries(values, scalars, max_size=4),
        "resources": st.fixed_dictionaries(
            {},
            optional={
                "accelerators": st.sampled_from(["H100", ["A100-80GB:8", "H100:4"], {"name": "L4", "count": 2}]),
                "cpus": st.sampled_from([8, "8+", "2.5"]),
                "memory": st.sampled_from(["64GB+", 512, "1.5 TB"]),
                "spot": st.sampled_from(["never", "auto", "only"]),
                "regions": st.lists(values, max_size=3),
            },
        ),
        "checkpoints": st.fixed_dictionaries(
            {"path": st.just("ckpt")}, optional={"every": st.sampled_from([90, "1h30m"])}
        ),
        "outputs": st.lists(st.sampled_from(["out/**", "a b", "x: y", "#1", "*.pt"]), max_size=3),
        "constraints": st.fixed_dictionaries(
            {}, optional={"budget": st.sampled_from(["$100", 12.5, "$1,000"]), "deadline": st.just("2026-12-24T18:00Z")}
        ),
        "estimate": st.fixed_dictionaries({"hours": st.floats(0.001, 1000)}),
        "migrate": st.just({"when_cheaper_by": "25%"}),
    }  # fmt: skip
    for key in draw(st.sets(st.sampled_from(sorted(extra)))):
        mapping[key] = draw(extra[key])
    return mapping


@given(job_files())
def test_a_job_file_that_is_written_reads_back_as_the_same_job(mapping: dict[str, Any]) -> None:
    text = write_job_file(mapping)
    assert load_job_text(text, "job.yaml").spec == JobSpec.model_validate(mapping)
    # What was written is what is written: the form is settled after the first time.
    assert write_job_file(load_job_text(text, "job.yaml").mapping) == text


@given(
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(values, inner, max_size=4),
        max_leaves=20,
    ).map(lambda value: {"other": value})
)
def test_any_values_read_back_as_they_were(mapping: dict[str, Any]) -> None:
    assert read_document(write_job_file(mapping)).value == mapping


@pytest.mark.parametrize("text", DOCUMENTED)
def test_what_the_documentation_shows_is_written_just_so(text: str) -> None:
    assert write_job_file(load_job_text(text, "job.yaml").mapping) == text


def test_keys_come_in_the_order_of_the_format_and_unknown_ones_last() -> None:
    keys = [path[0] for path in list_keys() if len(path) == 1]
    examples = {key: find_keys((key,))[0]["examples"][0] for key in reversed(keys)}
    written = read_document(write_job_file({"zebra": 1, "apple": 2, **examples})).value
    assert list(written) == [*keys, "zebra", "apple"]


def test_what_says_nothing_is_left_out() -> None:
    assert (
        write_job_file({"name": "x", "setup": None, "resources": {"cpus": None}})
        == "name: x\nresources: {}\n"
    )
    assert write_job_file({}) == ""


def test_a_text_without_faults_is_written_anew() -> None:
    found = inspect_text("# mine\nrun:   a  # yes\nname: x\nversion: 1\n")
    assert not found.faults
    assert found.spec is not None
    assert found.yaml == "version: 1\nname: x\nrun: a\n"


def test_faults_have_the_lines_of_the_text_or_of_the_yaml_that_is_written() -> None:
    found = inspect_text("run: a\nname: x\nversion: 1\nresources:\n  spto: only\n")
    assert [(fault.path, fault.position) for fault in found.faults] == [(("resources", "spto"), (5, 3))]
    again = inspect_mapping(found.mapping or {})
    assert (again.yaml or "").splitlines()[3] == "resources: {spto: only}"
    assert [(fault.path, fault.position) for fault in again.faults] == [(("resources", "spto"), (4, 13))]


def test_a_key_that_is_written_twice_is_not_lost_by_writing_anew() -> None:
    found = inspect_text("version: 1\nname: x\nrun: a\nrun: b\n")
    assert [fault.message for fault in found.faults] == ["`run` is written twice; the first is on line 3"]
    assert found.yaml is None
    assert found.mapping is None


@pytest.mark.parametrize("text", ["a: [b", "- a\n- b\n", "just text", "a: !!python/object x"])
def test_what_is_no_mapping_has_faults_and_nothing_else(text: str) -> None:
    found = inspect_text(text)
    assert found.faults
    assert found.spec is None
    assert found.mapping is None


def test_what_is_not_supported_says_so_and_where() -> None:
    for entry in UNSUPPORTED:
        if entry.part or entry.path[:2] in (("resources", "accelerators"), ("resources", "any_of")):
            continue
        mapping: dict[str, Any] = {"version": 1, "name": "x", "run": "a"}
        inner = mapping
        for key in entry.path[:-1]:
            inner = inner.setdefault(key, {})
        inner[entry.path[-1]] = find_keys(entry.path)[0]["examples"][0]
        faults = inspect_mapping(mapping).faults
        assert [(fault.path, fault.is_unsupported) for fault in faults] == [(entry.path, True)]
