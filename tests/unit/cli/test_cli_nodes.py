"""Nodes on the command line."""

from __future__ import annotations

from typing import Any

from tests.unit.cli.conftest import Run
from tests.unit.client.fakes import FakeServer

RENTED: dict[str, Any] = {
    "id": "node_1", "name": "gpu_1x_a100 in us-east-1", "provider": "cloud", "is_rented": True, "status": "ready",
    "explanation": "ready", "region": "us-east-1", "zone": None, "instance_type": "gpu_1x_a100", "market": "spot",
    "accelerator": "A100 80GB PCIe", "accelerator_count": 1, "accelerators_held": 1, "cpus": 30, "cpus_held": 4,
    "memory_bytes": 200 << 30, "price_per_hour": {"micro": 1_290_000, "text": "$1.29"},
    "cost": {"micro": 2_580_000, "text": "$2.58"}, "created_at": "2026-11-02T09:00:00Z",
    "last_seen_at": "2026-11-02T11:00:00Z", "actions": ["stop"],
    "holders": [{"job": "job_1", "job_name": "digits", "attempt": "att_1", "status": "running", "cpus": 4}],
    "accelerators": [
        {"uuid": "GPU-1", "name": "A100", "index": 0, "memory_bytes": 80 << 30, "job": "digits",
         "job_id": "job_1", "attempt": "att_1", "use": "held", "label": "held by digits",
         "utilisation_percent": 87.5, "memory_used_bytes": 40 << 30}
    ],
}  # fmt: skip
OWNED: dict[str, Any] = {
    **RENTED, "id": "node_2", "name": "desk", "provider": "local", "is_rented": False, "market": "owned",
    "price_per_hour": None, "cost": None, "holders": [], "accelerators": [], "accelerator_count": 0,
    "actions": [],
}  # fmt: skip


def test_nodes_are_a_table(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/nodes", {"items": [OWNED, RENTED]})
    out = tw("nodes", "ls").out
    assert "desk (local)" in out
    assert "cloud gpu_1x_a100 in us-east-1, spot" in out
    assert "1/1 A100 80GB PCIe" in out
    assert "$2.58" in out
    assert "digits" in out


def test_one_node_shows_its_accelerators(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/nodes/node_1", RENTED)
    out = tw("nodes", "show", "node_1").out
    assert "[0] A100 80.0 GB: held by digits, 87.5 % busy, 40.0 GB used" in out
    assert "$1.29 an hour, $2.58 so far" in out


def test_who_else_uses_a_node_is_said(server: FakeServer, tw: Run) -> None:
    said = "1 of 2 in use by others: ana (pid 4711)"
    slots = [
        {"index": 0, "name": "A100", "memory_bytes": 80 << 30, "use": "free", "label": "free"},
        {"index": 1, "name": "A100", "memory_bytes": 0, "use": "others",
         "label": "in use by others: ana (pid 4711)", "users": [{"pid": 4711, "user": "ana"}]},
    ]  # fmt: skip
    node = {**OWNED, "others": said, "accelerators": slots, "accelerator_count": 2, "accelerators_held": 0}
    server.on("GET", "/api/v1/nodes", {"items": [node]})
    server.on("GET", "/api/v1/nodes/node_2", node)
    listed = " ".join(tw("nodes", "ls").out.split())
    assert "0/2 A100 80GB PCIe; " in listed
    assert "ana (pid 4711)" in listed
    shown = tw("nodes", "show", "node_2").out
    assert f"  {said}\n  [0] A100 80.0 GB: free\n  [1] A100: in use by others: ana (pid 4711)\n" in shown


def test_stopping_asks_and_says_what_happens(server: FakeServer, tw: Run) -> None:
    server.on("GET", "/api/v1/nodes/node_1", RENTED)
    server.on("POST", "/api/v1/nodes/node_1/stop", RENTED)
    assert "would be given back" in tw("nodes", "stop", "node_1", "--dry-run").out
    result = tw("nodes", "stop", "node_1", "-y")
    assert result.exit_code == 0
    assert "once its job has written a checkpoint" in result.out
