"""A slot for each accelerator of a node: who has it, whether a job can have it, and how busy it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from tradewind.control.others import ignores_others, names_of, users_of
from tradewind.control.records import number
from tradewind.db.rows import NodeRow
from tradewind.domain.schemas_nodes import AcceleratorView, HolderView, SlotUser
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
    """The slots of a node, by their index; of a rented machine that has not told yet, as many as it was offered with.

    `usage` is what was last seen of each device; `at_rest` until when it is left alone.
    """
    known = (node.inventory or {}).get("accelerators") or _promised(node)
    ordered = sorted(known, key=lambda each: int(each["index"]))
    return [_slot(node, state, each, holders, usage, at_rest) for each in ordered]


def _promised(node: NodeRow) -> list[dict[str, Any]]:
    """What was rented, where the machine has not told yet what it has."""
    offer = node.offer or {}
    count, name = float(offer.get("accelerator_count") or 0.0), offer.get("accelerator")
    if not node.is_rented or not name or count <= 0:
        return []
    memory = int(float(offer.get("accelerator_memory_gb") or 0.0) * BYTES_PER_GIB)
    return [
        {"uuid": None, "name": name, "index": place, "memory_bytes": memory}
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
    uuid, total = known["uuid"], int(known["memory_bytes"] or 0)
    seen = usage.get(str(uuid), {})
    used = number(seen.get("memory_bytes"))
    # A rented machine is its job's as a whole.
    holder = next((each for each in holders if uuid in each.accelerators or node.is_rented), None)
    users = users_of(node.inventory or {}, uuid) if uuid else []
    use = _use(state, holder, is_resting=uuid in at_rest, has_others=bool(users) and not ignores_others(node))
    if users and used is None:
        used = sum(int(each["memory_bytes"] or 0) for each in users)
    label, tone, icon = _SHOWN[use]
    said = None
    if use == "resting":
        said = f"it had an error: no job gets it before {at_rest[str(uuid)]:%H:%M} UTC"
    elif users:
        said = f"in use by others: {names_of(users)}"
    return AcceleratorView(
        uuid=uuid,
        name=str(known["name"]),
        index=int(known["index"]),
        memory_bytes=total,
        job=None if holder is None else holder.job_name,
        job_id=None if holder is None else holder.job,
        attempt=None if holder is None else holder.attempt,
        users=[
            SlotUser(
                pid=each["pid"], user=each["user"], command=each["command"], memory_bytes=each["memory_bytes"]
            )
            for each in users
        ],
        utilisation_percent=number(seen.get("util_percent")),
        memory_used_bytes=None if used is None else int(used),
        use=use,
        label=_sentence(use, holder, said),
        badge=BadgeView(label=label, tone=tone, icon=icon, explanation=said),
        memory_text=_memory(total, used),
    )  # fmt: skip


def _sentence(use: Use, holder: HolderView | None, said: str | None) -> str:
    """Who has it; `said` is what more there is to say of it."""
    if use == "held" and holder is not None:
        return f"held by {holder.job_name}" + (f"; also {said}" if said else "")
    if use in ("others", "resting"):
        return said or use
    return f"{use}, though {said}" if said else use


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
