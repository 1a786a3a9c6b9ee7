"""What is wrong with an attempt, from what its agent says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.control.health import Finding, Kind, Severity, examine, is_loss
from tradewind.control.records import fold
from tradewind.control.xids import Fault, meaning_of
from tradewind.domain.status import Reason
from tradewind.spec.parts import Health, OnUnhealthy

START = 1_800_000_000.0
RUNNING: dict[str, Any] = {"type": "phase", "phase": "running", "t": START}


def sample(after_s: float, quiet_s: float | None = None, *, cpu: float = 0.0, **more: Any) -> dict[str, Any]:
    quiet = {} if quiet_s is None else {"quiet_s": quiet_s}
    return {"type": "sample", "t": START + after_s, "cpu_percent": cpu, **quiet, **more}


def found(records: list[dict[str, Any]], **health: Any) -> list[Finding]:
    policy = Health.model_validate(health) if health else None
    return examine(fold({}, [RUNNING, *records]).observed, policy)


def test_silence_and_idleness_are_a_stall() -> None:
    (finding,) = found([sample(901, 901)], stall_after="15m")
    assert (finding.kind, finding.severity) == (Kind.STALLED, Severity.UNHEALTHY)
    assert (finding.reason, finding.action) == (Reason.STALLED, OnUnhealthy.RESTART)
    assert "15m" in finding.sentence
    assert "idle" in finding.sentence
    assert found([sample(899, 899)], stall_after="15m") == []


def test_a_busy_job_has_twice_as_long() -> None:
    assert found([sample(1000, 1000, cpu=100)], stall_after="15m") == []
    (finding,) = found([sample(1800, 1800, cpu=100)], stall_after="15m")
    assert "busy" in finding.sentence
    gpu = [{"uuid": "GPU-1", "util_percent": 100}]
    assert found([sample(1000, 1000, gpus=gpu)], stall_after="15m") == []


@pytest.mark.parametrize(
    "sign",
    [
        {"type": "progress", "step": 3},
        {"type": "metrics", "values": {"loss": 1.0}},
        {"type": "checkpoint", "path": "ckpt/a", "mtime_ns": 1},
    ],
)
def test_any_sign_of_life_puts_a_stall_off(sign: dict[str, Any]) -> None:
    assert found([{**sign, "t": START + 500}, sample(1000, 1000)], stall_after="15m") == []
    assert found([{**sign, "t": START + 500}, sample(1401, 1401)], stall_after="15m")


def test_without_a_word_in_the_job_file_half_an_hour_is_only_said() -> None:
    assert found([sample(1799, 1799)]) == []
    (finding,) = found([sample(1800, 1800)])
    assert (finding.severity, finding.reason) == (Severity.WARNING, None)


def test_an_agent_that_does_not_tell_of_silence_makes_no_stall() -> None:
    assert found([sample(10**6)], stall_after="15m") == []


def test_setup_is_not_judged() -> None:
    setup = {"type": "phase", "phase": "setup", "t": START}
    observed = fold({}, [setup, sample(10**5, 10**5)]).observed
    assert examine(observed, Health.model_validate({"stall_after": "1m"})) == []


def test_steps_that_stand_still_are_no_progress_however_much_is_printed() -> None:
    at_5 = {"type": "progress", "step": 5, "total_steps": 10, "t": START + 10}
    again = {**at_5, "t": START + 3000}
    (finding,) = found([at_5, again, sample(3611, 0, cpu=100)], no_progress_after="1h")
    assert (finding.kind, finding.reason) == (Kind.NO_PROGRESS, Reason.NO_PROGRESS)
    assert "step 5" in finding.sentence
    assert found([at_5, {**again, "step": 6}, sample(3611, 0)], no_progress_after="1h") == []
    assert found([sample(10**5, 0)], no_progress_after="1h") == [], "no progress was ever reported"
    done = {**at_5, "step": 10}
    assert found([done, sample(10**5, 0)], no_progress_after="1h") == [], "all of it is done"


@pytest.mark.parametrize(
    ("health", "severity", "reason"),
    [
        ({}, Severity.WARNING, None),
        ({"stop_on_nan": True}, Severity.UNHEALTHY, Reason.NAN_LOSS),
        ({"on_nan": "restart"}, Severity.UNHEALTHY, Reason.NAN_LOSS),
        ({"on_nan": "notify"}, Severity.WARNING, None),
    ],
)
def test_a_loss_that_is_not_a_number(
    health: dict[str, Any], severity: Severity, reason: Reason | None
) -> None:
    record = {
        "type": "metrics", "t": START + 1, "values": {}, "step": 40, "non_finite": {"train/loss": "nan"}
    }  # fmt: skip
    (finding,) = found([record], **health)
    assert (finding.kind, finding.severity, finding.reason) == (Kind.NAN_LOSS, severity, reason)
    assert finding.sentence == "train/loss was nan at step 40"
    finite = {"type": "metrics", "t": START + 2, "values": {"train/loss": 2.0}}
    assert found([record, finite], **health) == [], "it is finite again"


def test_agents_of_before_name_the_metric_in_their_notice() -> None:
    notice = {
        "type": "notice", "code": "non_finite_metric", "message": "loss was nan at step 7", "t": START + 1,
        "about": "non_finite_metric loss",
    }  # fmt: skip
    (finding,) = found([{"type": "progress", "step": 7, "t": START}, notice], stop_on_nan=True)
    assert (finding.reason, finding.about) == (Reason.NAN_LOSS, "loss")


@pytest.mark.parametrize("name", ["loss", "train_loss", "val/loss", "trainLoss", "nll", "box_loss", "mse"])
def test_losses(name: str) -> None:
    assert is_loss(name)


@pytest.mark.parametrize("name", ["loss_scale", "grad_norm", "accuracy", "lr", "perplexity", "glossary_size"])
def test_what_is_no_loss(name: str) -> None:
    assert not is_loss(name)


def test_a_broken_gpu_is_told_from_a_fault_of_the_program() -> None:
    def error(xid: int) -> dict[str, Any]:
        return {"type": "gpu_error", "uuid": "GPU-1", "xid": xid, "t": START + 5}

    (broken,) = found([error(79)])
    assert (broken.kind, broken.reason, broken.about) == (Kind.GPU_BROKEN, Reason.GPU_ERROR, "GPU-1/79")
    assert "fallen off the bus" in broken.sentence
    (program,) = found([error(31)])
    assert (program.kind, program.reason) == (Kind.GPU_APPLICATION_ERROR, None)
    (told,) = found([error(79)], on_gpu_error="notify")
    assert told.reason is None
    assert meaning_of(4711)[0] is Fault.DEVICE_SUSPECT


def test_readings_of_a_gpu() -> None:
    def gpu(after_s: float, **fields: Any) -> dict[str, Any]:
        return sample(after_s, 0, gpus=[{"uuid": "GPU-1", "util_percent": 50, **fields}])

    assert found([gpu(1, ecc_uncorrected=3)]) == [], "these errors were there before"
    (errors,) = found([gpu(1, ecc_uncorrected=3), gpu(6, ecc_uncorrected=5)])
    assert errors.kind is Kind.GPU_SUSPECT
    assert "2 errors" in errors.sentence
    assert found([gpu(1, is_lost=True)])[0].reason is Reason.GPU_ERROR
    assert found([gpu(1, remap_failed=True)])[0].reason is Reason.GPU_ERROR
    assert found([gpu(1, is_hot=True, temperature_c=91)])[0].kind is Kind.GPU_HOT


def test_little_room_and_no_memory_are_said() -> None:
    line = "RuntimeError: CUDA out of memory. Tried to allocate 2 GiB"
    notice = {"type": "notice", "code": "gpu_out_of_memory", "message": "x", "line": line, "t": START}
    kinds = {each.kind for each in found([notice, sample(1, 0, disk_free_bytes=10 << 20)])}
    assert kinds == {Kind.GPU_OUT_OF_MEMORY, Kind.DISK_NEARLY_FULL}


@given(
    st.lists(
        st.tuples(
            st.integers(1, 400),
            st.sampled_from(["output", "silence", "progress"]),
            st.booleans(),
        ),
        max_size=30,
    ),
    st.integers(60, 2000),
)
def test_a_job_is_stalled_only_after_as_much_silence(
    story: list[tuple[int, str, bool]], limit_s: int
) -> None:
    records: list[dict[str, Any]] = [RUNNING]
    now, alive, busy = 0, 0, -(10**9)
    for passed, what, is_busy in story:
        now += passed
        if what != "silence":
            alive = now
        if what == "progress":
            records.append({"type": "progress", "step": now, "t": START + now})
        busy = now if is_busy else busy
        records.append(sample(now, now - alive, cpu=90.0 if is_busy else 1.0))
        observed = fold({}, records).observed
        stalled = examine(observed, Health(stall_after=timedelta(seconds=limit_s)))
        silent, idle = now - alive, now - busy
        expected = silent >= limit_s and (idle >= limit_s or silent >= 2 * limit_s)
        assert bool(stalled) is expected


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_KEYS = ["t", "quiet_s", "gpus", "non_finite", "values", "step", "xid", "uuid", "disk_free_bytes", "code", "about",
         "metric", "line", "cpu_percent"]  # fmt: skip


@given(
    st.lists(
        st.builds(
            lambda kind, rest: {"type": kind, **rest},
            st.sampled_from(["sample", "metrics", "gpu_error", "notice"]),
            st.dictionaries(st.sampled_from(_KEYS), _VALUES, max_size=6)
            | st.fixed_dictionaries({"code": st.sampled_from(["non_finite_metric", "gpu_out_of_memory"])}),
        ),
        max_size=8,
    )
)
def test_no_record_however_odd_is_fatal(records: list[dict[str, Any]]) -> None:
    for finding in found(records, stall_after="1s", stop_on_nan=True):
        assert finding.sentence


@given(st.permutations([79, 31, 63]))
def test_the_worst_comes_first(xids: list[int]) -> None:
    records = [
        {"type": "gpu_error", "uuid": "GPU-1", "xid": xid, "t": START + number}
        for number, xid in enumerate(xids)
    ]
    findings = found(records)
    assert findings[0].about == "GPU-1/79"
    assert len({each.key for each in findings}) == 3
