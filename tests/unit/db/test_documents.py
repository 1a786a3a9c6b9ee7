"""Columns of JSON read back what was written into them, whatever wrote it."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.db.documents import dump_document, load_document
from tradewind.domain.status import JobStatus

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=VALUES)
def test_they_come_back_as_they_went(value: object) -> None:
    assert load_document(dump_document(value)) == value
    assert load_document(json.dumps(value)) == value
    assert json.loads(dump_document(value)) == value


@given(text=st.text())
def test_words_are_escaped_as_searches_look_for_them(text: str) -> None:
    assert json.dumps(text)[1:-1] in dump_document({"tags": {text: "x"}})


def test_names_that_are_no_text_are_kept() -> None:
    value = {"path": "weights-\udcff.bin", "plain": "ü"}
    assert load_document(dump_document(value)) == value


def test_words_of_ours_are_text_and_numbers_that_are_none_stay_what_they_are() -> None:
    assert load_document(dump_document({"status": JobStatus.RUNNING})) == {"status": "running"}
    assert math.isnan(load_document(dump_document(math.nan)))
    assert load_document(dump_document(-math.inf)) == -math.inf


@pytest.mark.parametrize("text", ["{", "", "nope"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        load_document(text)
