"""Series out of records that lie within the job's reach."""

from __future__ import annotations

from pathlib import Path

from tradewind.control.series import read_metrics


def test_odd_records_are_passed_over(tmp_path: Path) -> None:
    odd = (
        b'["metrics"]',
        b'{"type": "metrics", "t": "soon", "values": {"loss": 1}}',
        b'{"type": "metrics", "t": 1e300, "values": {"loss": 2}}',
        b'{"type": "metrics", "t": 1, "values": ["loss"]}',
        b'{"type": "metrics", "t": 1, "values": {"loss": ' + b"9" * 400 + b"}}",
        b'{"type": "sample", "t": 1, "gpus": [1]}',
        b'{"type": "sample", "t": 1, "gpus": 7}',
        b'"metrics"' + b"[" * 100_000,
        b"[" * 100_000 + b'"metrics"',
        b'{"type": "metrics", "t": 1, "step": 4, "values": {"loss": 3}}',
    )
    (tmp_path / "records.jsonl").write_bytes(b"\n".join(odd) + b"\n")
    (series,), _ = read_metrics(tmp_path, {"loss"}, set(), 10)
    assert [point.value for point in series.points] == [1, 2, 3]
    assert series.points[-1].step == 4
