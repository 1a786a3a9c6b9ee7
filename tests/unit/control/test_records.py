"""What agents say, folded; agents may be newer, or wrong."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tradewind.control.records import fold
from tradewind.control.series import thin

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_TYPES = [
    "phase",
    "environment",
    "sample",
    "progress",
    "metrics",
    "checkpoint",
    "log_dropped",
    "notice",
    "reclaim_notice",
    "new",
]
_KEYS = [
    "t",
    "phase",
    "step",
    "values",
    "path",
    "energy_j",
    "stream",
    "start",
    "end",
    "message",
    "fraction",
    "cached",
]


@given(
    st.lists(
        st.builds(
            lambda kind, rest: {"type": kind, **rest},
            st.sampled_from(_TYPES),
            st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=6),
        ),
        max_size=8,
    )
)
def test_no_record_however_odd_is_fatal(records: list[dict[str, Any]]) -> None:
    folded = fold({}, records)
    for value in (folded.observed.get("metrics") or {}).values():
        assert math.isfinite(value)


def test_a_story_is_folded_in_order() -> None:
    folded = fold(
        {"metrics": {"loss": 3.0}},
        [
            {"t": 1.0, "type": "phase", "phase": "running"},
            {"t": 2.0, "type": "progress", "epoch": 1, "total_epochs": 4},
            {"t": 3.0, "type": "metrics", "values": {"loss": 2.0, "lr": 0.1}, "step": 7},
            {"t": 4.0, "type": "sample", "watts": 50.0, "energy_j": 120.4, "basis": "metered"},
            {"t": 5.0, "type": "checkpoint", "path": "ckpt/a", "size_bytes": 1},
            {"t": 6.0, "type": "log_dropped", "stream": "stdout", "start": 10, "end": 20},
            {"t": 7.0, "type": "log_dropped", "stream": "stdout", "start": 10, "end": 30},
        ],
    )
    assert folded.is_running
    assert folded.running_since_s == 1.0
    assert folded.observed["metrics"] == {"loss": 2.0, "lr": 0.1}
    assert folded.observed["progress"] == {"epoch": 1.0, "total_epochs": 4.0, "step": 7.0, "at": 3.0}
    assert folded.energy_j == 120.4
    assert folded.observed["basis"] == "metered"
    assert set(folded.checkpoints) == {"ckpt/a"}
    assert folded.observed["dropped"] == {"stdout": [[10, 30]]}
    assert [notice[0] for notice in folded.notices] == ["attempt.log_dropped"]


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.none(), st.floats(-1e6, 1e6)), max_size=300),
    st.integers(min_value=2, max_value=50),
)
def test_thinning_keeps_the_ends_and_the_bound(
    points: list[tuple[float, None, float]], max_points: int
) -> None:
    kept = thin(list(points), max_points)
    assert len(kept) <= max_points
    if points:
        assert kept[0] == points[0]
        assert kept[-1] == points[-1]


def test_thinning_keeps_spikes() -> None:
    points: list[tuple[float, float | None, float]] = [(float(x), None, 0.0) for x in range(1000)]
    points[437] = (437.0, None, 9.0)
    assert (437.0, None, 9.0) in thin(points, 20)


def test_a_machine_that_is_taken_back_is_worth_an_event() -> None:
    told = {"t": 100.0, "type": "reclaim_notice", "service": "ec2", "at": 220.0, "grace_s": 114.6}
    folded = fold({}, [told])
    assert folded.observed["reclaim_told_at"] == 100.0
    ((kind, message, data, at),) = folded.notices
    assert (kind, data, at) == ("attempt.reclaim_notice", {"service": "ec2"}, 100.0)
    assert "115 s are left" in message
