"""Rules of the house that no other tool checks."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[3] / "src" / "tradewind"
PROVIDER_IDS = {
    "local", "ssh", "aws", "gcp", "azure", "sagemaker", "vertex", "azureml", "runpod", "vast", "lyceum", "digitalocean",
    "paperspace", "coreweave", "lambda", "together", "modal", "kubernetes", "slurm", "ray", "oci", "vultr",
}  # fmt: skip
#: Rooms whose time and chance come from the caller (invariant 5).
TIMELESS = ("control", "ledger", "placement", "estimate", "db", "spec", "storage")
CLOCKS = {
    ("time", "time"), ("time", "monotonic"), ("time", "sleep"), ("time", "perf_counter"), ("datetime", "now"),
    ("datetime", "utcnow"), ("asyncio", "sleep"), ("asyncio", "wait_for"), ("asyncio", "timeout"),
    ("uuid", "uuid4"), ("secrets", "token_hex"), ("secrets", "token_urlsafe"), ("os", "urandom"),
}  # fmt: skip


def _files(*rooms: str) -> list[Path]:
    return [path for room in rooms for path in sorted((SOURCE / room).rglob("*.py"))]


@pytest.mark.parametrize("path", _files(*TIMELESS), ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_clock_and_no_dice_but_the_injected_ones(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.id if isinstance(owner, ast.Name) else ""
            assert (name, node.func.attr) not in CLOCKS, f"line {node.lineno}: {name}.{node.func.attr}"
        if isinstance(node, ast.Import):
            assert not {alias.name for alias in node.names} & {"random", "uuid"}, f"line {node.lineno}"


@pytest.mark.parametrize(
    "path",
    _files("control", "api", "ledger", "placement", "estimate", "db"),
    ids=lambda path: str(path.relative_to(SOURCE)),
)
def test_no_decision_by_a_providers_name(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Compare):
            constants = [
                each.value for each in (node.left, *node.comparators) if isinstance(each, ast.Constant)
            ]
            assert not PROVIDER_IDS & {each for each in constants if isinstance(each, str)}, (
                f"line {node.lineno}"
            )
