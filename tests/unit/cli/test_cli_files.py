"""Checkpoints, artifacts and cost on the command line."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx2

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer, money
from tests.unit.client.test_unpack import make_tar

JOB = "job_00000000000000000001"


def checkpoint(id: str, step: float, **changes: Any) -> dict[str, Any]:
    return {
        "id": id, "job": JOB, "attempt": 1, "path": f"ckpt/{step:.0f}", "step": step, "size_bytes": 3 << 20,
        "file_count": 2, "created_at": "2026-11-22T11:55:00Z", "is_resumable": True, "note": None, **changes,
    }  # fmt: skip


def artifact(id: str, path: str, content: bytes, attempt: int = 1) -> dict[str, Any]:
    return {
        "id": id, "job": JOB, "attempt": attempt, "path": path, "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }  # fmt: skip


def test_checkpoints_are_listed(server: FakeServer, tw: Run) -> None:
    items = [
        checkpoint("ckpt_2", 200, is_resumable=False, note="pruned: keep is 1"),
        checkpoint("ckpt_1", 100),
    ]
    server.on("GET", "/api/v1/jobs/digits/checkpoints", {"items": items})
    expected = """\
ID      STEP  ATTEMPT    SIZE  FILES     AGE  PATH      NOTE
ckpt_2   200        1  3.0 MB      2  5m 00s  ckpt/200  pruned: keep is 1
ckpt_1   100        1  3.0 MB      2  5m 00s  ckpt/100
"""
    assert tw("checkpoints", "ls", "digits").out == expected
    assert tw("jobs", "checkpoints", "digits").out == expected


def test_the_newest_checkpoint_that_can_be_resumed_is_pulled(
    server: FakeServer, tw: Run, place: Path
) -> None:
    items = [checkpoint("ckpt_2", 200, is_resumable=False), checkpoint("ckpt_1", 100)]
    server.on("GET", "/api/v1/jobs/digits/checkpoints", {"items": items})
    server.on(
        "GET", "/api/v1/checkpoints/ckpt_1/content", httpx2.Response(200, content=make_tar(("model", b"w")))
    )
    result = tw("checkpoints", "pull", "digits")
    assert result.out == "digits-checkpoint  1 files, 3.0 MB, checkpoint ckpt_1\n"
    assert (place / "digits-checkpoint" / "model").read_bytes() == b"w"
    again = tw("checkpoints", "pull", "digits")
    assert again.exit_code == 5
    assert "already exists and is not empty" in again.err
    unknown = tw("checkpoints", "pull", "digits", "--id", "ckpt_9")
    assert unknown.exit_code == 4
    assert "has no checkpoint ckpt_9" in unknown.err


def test_artifacts_are_listed_and_pulled(server: FakeServer, tw: Run, place: Path) -> None:
    contents = {"art_old": b"old", "art_new": b"newer", "art_b": b"b"}
    items = [
        artifact("art_new", "out/a.txt", b"newer", attempt=2),
        artifact("art_old", "out/a.txt", b"old"),
        artifact("art_b", "out/b.bin", b"b"),
    ]
    server.on("GET", "/api/v1/jobs/digits/artifacts", {"items": items})
    for id, content in contents.items():
        server.on("GET", f"/api/v1/artifacts/{id}/content", httpx2.Response(200, content=content))
    assert "art_new        2   5 B  out/a.txt" in tw("artifacts", "ls", "digits").out
    only = tw("artifacts", "pull", "digits", "out/*.bin", "--to", "mine")
    assert only.out == "FILE            SIZE  STATE\nmine/out/b.bin   1 B  fetched\n"
    rows = json.loads(tw("artifacts", "pull", "digits", "--to", "mine", "-o", "json").out)
    assert [(row["path"], row["state"]) for row in rows] == [
        ("mine/out/a.txt", "fetched"), ("mine/out/b.bin", "was there"),
    ]  # fmt: skip
    assert (place / "mine/out/a.txt").read_bytes() == b"newer"
    assert server.sent("GET", "/api/v1/artifacts/art_old/content") == []
    (place / "mine/out/a.txt").write_text("changed")
    assert tw("artifacts", "pull", "digits", "--to", "mine").exit_code == 5
    assert tw("artifacts", "pull", "digits", "--to", "mine", "--overwrite").exit_code == 0
    assert tw("artifacts", "pull", "digits", "nothing*").exit_code == 4


def cost_row(group: dict[str, str], micro: int, text: str) -> dict[str, Any]:
    return {
        "group": group, "jobs": 41, "hours": 388.2, "amount": money(micro, text), "energy_kwh": 12.5,
        "carbon_grams": 4200.0, "basis": "modelled",
    }  # fmt: skip


def test_cost(server: FakeServer, tw: Run) -> None:
    report = {
        "since": "2026-10-23T12:00:00Z", "until": "2026-11-22T12:00:00Z", "by": ["project", "provider"],
        "rows": [cost_row({"project": "vision", "provider": "local"}, 642_180_000, "$642.18")],
        "total": cost_row({}, 642_180_000, "$642.18"),
    }  # fmt: skip
    server.on("GET", "/api/v1/cost", report)
    assert (
        tw("cost").out
        == """\
PROJECT  PROVIDER  JOBS  HOURS    SPENT  KIND        ENERGY       CARBON
vision   local       41  388.2  $642.18  modelled  12.5 kWh  4.2 kg CO2e
total                41  388.2  $642.18  modelled  12.5 kWh  4.2 kg CO2e
"""
    )
    assert dict(server.requests[0].url.params) == {
        "since": "2026-10-23T12:00:00+00:00",
        "by": "project,provider",
    }
    assert json.loads(tw("cost", "-o", "json").out)["total"]["jobs"] == 41
    assert tw("cost", "-o", "csv").out.startswith("project,provider,jobs,hours,amount,")
    assert tw("cost", "-F", "project,amount.text", "-o", "csv").out == "project,amount.text\nvision,$642.18\n"
    assert tw("cost", "--since", "2026-11-03").exit_code == 0
    assert server.requests[-1].url.params["since"] == "2026-11-03T00:00:00+00:00"
    assert tw("cost", "--since", "sometime").exit_code == 2
    server.on("GET", "/api/v1/cost", {**report, "rows": []})
    assert tw("cost").err == "nothing was spent since 2026-10-23\n"
