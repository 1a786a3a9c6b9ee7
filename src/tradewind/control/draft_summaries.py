"""What each step of a draft says by now, in a few words: for whoever looks at it from the outside."""

from __future__ import annotations

from typing import Any

from tradewind.domain.schemas_drafts import DraftStep, WorkdirView
from tradewind.spec.explain import render_value
from tradewind.spec.faults import shorten

_MOST: int = 120


def summarise(step: DraftStep, mapping: dict[str, Any], files: WorkdirView | None) -> str:
    """A line of text; values appear as they are written, also where they are wrong."""
    parts = _PARTS[step](mapping, files)
    return shorten(" · ".join(part for part in parts if part), _MOST)


def _source(mapping: dict[str, Any], files: WorkdirView | None) -> list[str]:
    return [_text(mapping, "name"), files.text if files is not None else "no files"]


def _data(mapping: dict[str, Any], files: WorkdirView | None) -> list[str]:  # noqa: ARG001
    checkpoints = _part(mapping, "checkpoints")
    kept = _text(checkpoints, "path")
    outputs = mapping.get("outputs")
    return [
        f"checkpoints in {kept}" if kept else "no checkpoints",
        f"keeps {', '.join(map(str, outputs))}" if isinstance(outputs, list) and outputs else "no outputs",
    ]


def _resources(mapping: dict[str, Any], files: WorkdirView | None) -> list[str]:  # noqa: ARG001
    resources = _part(mapping, "resources")
    wanted = resources.get("accelerators") or []
    names = [render_value(each) for each in (wanted if isinstance(wanted, list) else [wanted])]
    cpus, memory, disk = (_text(resources, key) for key in ("cpus", "memory", "disk"))
    return [
        " or ".join(names) if names else "no accelerator",
        f"{cpus} processor{_plural(cpus)}" if cpus else "",
        f"{memory} memory" if memory else "",
        f"{disk} disk" if disk else "",
    ]


def _configuration(mapping: dict[str, Any], files: WorkdirView | None) -> list[str]:  # noqa: ARG001
    run = _text(mapping, "run")
    return [run.strip().splitlines()[0] if run.strip() else "no command"]


def _provider(mapping: dict[str, Any], files: WorkdirView | None) -> list[str]:  # noqa: ARG001
    resources, limits = _part(mapping, "resources"), _part(mapping, "constraints")
    providers = resources.get("providers")
    budget, longest = _text(limits, "budget"), _text(limits, "max_duration")
    return [
        ", ".join(map(str, providers))
        if isinstance(providers, list) and providers
        else "any connected place",
        f"spot {_text(resources, 'spot')}" if _text(resources, "spot") else "",
        f"at most {budget}" if budget else "",
        f"at most {longest}" if longest else "",
    ]


def _review(mapping: dict[str, Any], files: WorkdirView | None) -> list[str]:  # noqa: ARG001
    return []


def _plural(count: str) -> str:
    return "" if count == "1" else "s"


def _part(mapping: dict[str, Any], key: str) -> dict[str, Any]:
    value = mapping.get(key)
    return value if isinstance(value, dict) else {}


def _text(mapping: dict[str, Any], key: str) -> str:
    value = mapping.get(key)
    return "" if value is None or isinstance(value, dict | list) else str(value)


_PARTS = {
    "source": _source,
    "data": _data,
    "resources": _resources,
    "configuration": _configuration,
    "provider": _provider,
    "review": _review,
}
