"""A slot for each accelerator of a node: who has it, and how busy it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from tradewind.control.others import ignores_others, names_of, users_of
from tradewind.control.records import number
from tradewind.db.rows import NodeRow
from tradewind.domain.schemas_nodes import AcceleratorView, HolderView
from tradewind.domain.schemas_shown import BadgeView, Icon, Tone
from tradewind.domain.units import BYTES_PER_GIB, format_bytes

Use = Literal["held", "free", "idle", "others", "resting", "starting", "unknown"]
_SHOWN: Final[dict[Use, tuple[str, Tone, Icon]]] = {
    "held": ("Held", "busy", "play"),
    "free": ("Free", "good", "check"),
    "idle": ("Idle", "warning", "moon"),
    "others": ("Used by others", "warning", "lock"),
    "resting": ("Unhealthy", "bad", "alert"),
    "starting": ("Starting", "busy", "clock"),
    "unknown": ("Unknown", "quiet", "question"),
}
#: Of a machine that is yet to boot, this many are drawn at most.
_MOST_PROMISED: Final = 64


def accelerators_of(
    node: NodeRow,
    state: str,
    holders: list[HolderView],
    usage: Mapping[str, dict[str, Any]],
    at_rest: Mapping[str, datetime],
) -> list[AcceleratorView]:
    """The slots of a node. `usage` is what was last seen of each device; `at_rest` until when it is left alone."""
    known = (node.inventory or {}).get("accelerators") or _promised(node)
    return [_slot(node, state, each, holders, usage, at_rest) for each in known]


def _promised(node: NodeRow) -> list[dict[str, Any]]:
    """What was rented, where the machine has not told yet what it has."""
    offer = node.offer or {}
    count, name = float(offer.get("accelerator_count") or 0.0), offer.get("accelerator")
    if not node.is_rented or not name or count <= 0:
        return []
    memory = int(offer.get("accelerator_memory_bytes") or 0)
    return [
        {"uuid": f"promised-{place}", "name": name, "index": place, "memory_bytes": memory}
        for place in range(min(max(round(count), 1), _MOST_PROMISED))
    ]


def _slot(
    node: NodeRow,
    state: str,
    known: dict[str, Any],
    holders: list[HolderView],
    usage: Mapping[str, dict[str, Any]],
    at_rest: Mapping[str, datetime],
) -> AcceleratorView:
    uuid, total = str(known["uuid"]), int(known["memory_bytes"])
    seen = usage.get(uuid, {})
    used = number(seen.get("memory_bytes"))
    # A rented machine is its job's as a whole.
    holder = next((each for each in holders if uuid in each.accelerators or node.is_rented), None)
    others = [] if ignores_others(node) else users_of(node.inventory or {}, uuid)
    use = _use(state, holder, is_resting=uuid in at_rest, has_others=bool(others))
    said = None
    if use == "resting":
        said = f"it had an error: no job gets it before {at_rest[uuid]:%H:%M} UTC"
    elif others:
        said = f"in use by others: {names_of(others)}"
        used = sum(int(each["memory_bytes"] or 0) for each in others) if used is None else used
    label, tone, icon = _SHOWN[use]
    return AcceleratorView(
        uuid=uuid,
        name=str(known["name"]),
        index=int(known["index"]),
        memory_bytes=total,
        job=None if holder is None else holder.job_name,
        job_id=None if holder is None else holder.job,
        utilisation_percent=number(seen.get("util_percent")),
        memory_used_bytes=None if used is None else int(used),
        use=use,
        label=f"held by {holder.job_name}" if use == "held" and holder is not None else said or label,
        badge=BadgeView(label=label, tone=tone, icon=icon, explanation=said),
        memory_text=_memory(total, used),
    )


def _use(state: str, holder: HolderView | None, *, is_resting: bool, has_others: bool) -> Use:
    if state == "unreachable":
        return "unknown"
    if holder is not None:
        return "held"
    if is_resting:
        return "resting"
    if has_others:
        return "others"
    if state == "starting":
        return "starting"
    return "idle" if state in ("idle", "ending") else "free"


def _memory(total: int, used: float | None) -> str:
    if not total:
        return ""
    whole = f"{total / BYTES_PER_GIB:,.0f} GB"
    return whole if used is None else f"{format_bytes(used)} of {whole}"
