"""A node's accelerators one by one: who has each, and whether a job can have it."""

from __future__ import annotations

from typing import Any

from tradewind.control.others import ignores_others, names_of, users_of
from tradewind.control.records import number
from tradewind.db.rows import NodeRow
from tradewind.domain.schemas_nodes import HolderView, SlotUser, SlotView
from tradewind.domain.units import BYTES_PER_GIB


def slots_of(
    node: NodeRow, holders: list[HolderView], usage: dict[str, dict[str, Any]], resting: set[str]
) -> list[SlotView]:
    """Every accelerator, by its index; of a rented machine that has not told yet, as many as it was offered with.

    `usage` is what attempts have last said of theirs, `resting` those that broke a short while ago.
    """
    inventory = node.inventory or {}
    known = inventory.get("accelerators") or _offered(node)
    found = []
    for each in sorted(known, key=lambda one: int(one["index"])):
        uuid = each["uuid"]
        holder = next((one for one in holders if uuid in one.accelerators), None)
        if holder is None and node.is_rented and holders:
            # It was rented for its job, with all it has.
            holder = holders[0]
        users = users_of(inventory, uuid) if uuid else []
        state, explanation = _state(node, holder, users, is_resting=uuid in resting)
        seen = usage.get(str(uuid), {})
        used = number(seen.get("memory_bytes"))
        found.append(
            SlotView(
                index=int(each["index"]),
                uuid=uuid,
                kind=str(each["name"]),
                memory_bytes=each["memory_bytes"],
                state=state,
                explanation=explanation,
                job=None if holder is None else holder.job,
                job_name=None if holder is None else holder.job_name,
                attempt=None if holder is None else holder.attempt,
                users=[
                    SlotUser(
                        pid=one["pid"], user=one["user"], command=one["command"], memory_bytes=one["memory_bytes"]
                    )
                    for one in users
                ],
                utilisation_percent=number(seen.get("util_percent")),
                memory_used_bytes=None if used is None else int(used),
            )
        )  # fmt: skip
    return found


def _state(
    node: NodeRow, holder: HolderView | None, users: list[dict[str, Any]], *, is_resting: bool
) -> tuple[str, str]:
    others = f"in use by others: {names_of(users)}" if users else ""
    if holder is not None:
        return "held", f"held by {holder.job_name}" + (f"; also {others}" if others else "")
    if is_resting:
        return "unhealthy", "it had an error, and is not used for 15 minutes"
    if others and not ignores_others(node):
        return "others", others
    return "free", f"free, though {others}" if others else "free"


def _offered(node: NodeRow) -> list[dict[str, Any]]:
    offer = node.offer or {}
    memory_gb = offer.get("accelerator_memory_gb")
    one = {
        "uuid": None,
        "name": offer.get("accelerator") or "accelerator",
        "memory_bytes": None if memory_gb is None else int(float(memory_gb) * BYTES_PER_GIB),
    }
    return [{**one, "index": index} for index in range(int(offer.get("accelerator_count") or 0))]
