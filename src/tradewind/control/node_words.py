"""What nodes are called: their state in a word, why they are there, and what may be done with them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tradewind.db.rows import NodeRow
from tradewind.domain.schemas_shown import ActionView, BadgeView
from tradewind.domain.status import REASON_TEXT, NodeDesired, NodeStatus, has_ended
from tradewind.domain.units import format_duration

_SENTENCES: Final = {
    NodeStatus.CREATING: "it is being rented",
    NodeStatus.STARTING: "it is rented, and boots",
    NodeStatus.READY: "ready",
    NodeStatus.TERMINATING: "it is being given back, and costs money until the provider says that it is gone",
    NodeStatus.GONE: "gone: it costs nothing any more",
    NodeStatus.REFUSED: "the provider did not rent it out",
}
#: By the state that lists are narrowed by (`node_lists.STATE`).
BADGES: Final = {
    "starting": BadgeView(label="Starting", tone="busy", icon="clock"),
    "in_use": BadgeView(label="In use", tone="good", icon="play"),
    "idle": BadgeView(label="Idle", tone="warning", icon="moon"),
    "free": BadgeView(label="Free", tone="quiet", icon="check"),
    "unreachable": BadgeView(label="Unreachable", tone="bad", icon="plug"),
    "ending": BadgeView(label="Being given back", tone="busy", icon="stop"),
    "gone": BadgeView(label="Gone", tone="quiet", icon="check"),
    "refused": BadgeView(label="Refused", tone="bad", icon="cross"),
}


def state_of(node: NodeRow, *, is_held: bool) -> str:
    """One of `BADGES`."""
    if node.status in (NodeStatus.GONE, NodeStatus.REFUSED):
        return node.status.value
    if node.status is NodeStatus.TERMINATING or node.desired is NodeDesired.END:
        return "ending"
    if node.lost_since is not None:
        return "unreachable"
    if node.status in (NodeStatus.CREATING, NodeStatus.STARTING):
        return "starting"
    if is_held:
        return "in_use"
    return "idle" if node.is_rented else "free"


def sentence(node: NodeRow) -> str:
    """How the node is, in a sentence."""
    if node.lost_since is not None and not has_ended(node.status):
        why = f": {node.explanation}" if node.explanation else ""
        return f"it cannot be reached since {node.lost_since:%Y-%m-%d %H:%M:%S} UTC{why}"
    if node.explanation:
        return node.explanation
    if node.reason is not None:
        return REASON_TEXT[node.reason]
    idle_since = node.observed.get("idle_since")
    if idle_since is not None and node.status is NodeStatus.READY:
        return f"idle since {datetime.fromisoformat(idle_since):%H:%M:%S} UTC: kept for the next job"
    return _SENTENCES[node.status]


def idle_until(node: NodeRow, keep_idle: timedelta) -> datetime | None:
    """Until when a rented machine without a job is kept; None where that is not so."""
    since = node.observed.get("idle_since")
    if since is None or node.status is not NodeStatus.READY or node.desired is NodeDesired.END:
        return None
    return datetime.fromisoformat(since) + keep_idle


def kept_because(node: NodeRow, jobs: list[str], keep_idle: timedelta) -> str:
    """Why it is there."""
    if node.lost_since is not None and not has_ended(node.status):
        return sentence(node)
    if not node.is_rented:
        return "a machine of your own"
    if has_ended(node.status):
        return ""
    if node.status is NodeStatus.TERMINATING or node.desired is NodeDesired.END:
        return "the provider has not confirmed yet that it is gone"
    until = idle_until(node, keep_idle)
    if until is not None:
        waits = format_duration(keep_idle)
        return f"no job has it: kept {waits} for the next one, until {until:%H:%M:%S} UTC"
    if jobs:
        return f"{' and '.join(jobs)} holds it; it is given back when that ends"
    if node.attempt_id is not None:
        return "rented for a job that is about to begin"
    return "nothing needs it: it is given back at the next look"


def actions_of(
    node: NodeRow, *, may_stop: bool, jobs: list[str], last_checkpoint_at: datetime | None, now: datetime
) -> list[ActionView]:
    """What may be done with it now, each with what it means for the job there."""
    if node.is_far and node.status is NodeStatus.READY:
        # Where it answers, jobs on it are stopped, not given up.
        return [_removal(node, jobs)] if not jobs or node.lost_since is not None else []
    if not may_stop:
        return []
    price = "It costs money until the provider has confirmed that it is gone."
    if not jobs:
        ask = f"Give {_called(node)} back? Nothing runs on it. {price}"
        return [ActionView(id="stop", label="Give back", confirm=ask)]
    who = " and ".join(jobs)
    softly = (
        f"Give {_called(node)} back? {who} is told to write a checkpoint and stop, and goes on on another machine. "
        f"{price}"
    )
    if last_checkpoint_at is None:
        loss = "It has no checkpoint yet: all that it did is lost, and it begins anew on another machine"
    else:
        ago = format_duration(now - last_checkpoint_at)
        loss = f"What it did since its last checkpoint, {ago} ago, is lost; it goes on from there on another machine"
    at_once = f"End {_called(node)} at once? {who} gets no time to write a checkpoint. {loss}."
    return [
        ActionView(id="stop", label="Give back", confirm=softly),
        ActionView(id="stop_now", label="End at once", confirm=at_once, is_destructive=True),
    ]


def _removal(node: NodeRow, jobs: list[str]) -> ActionView:
    if not jobs:
        ask = f"Remove {node.name}? No job is placed there any more. Nothing on the machine is deleted."
        return ActionView(id="remove", label="Remove", confirm=ask)
    who = " and ".join(jobs)
    ask = (
        f"Say that {node.name} is gone for good? {who} is taken to have ended there and goes on elsewhere. "
        "Only do this if you know that nothing runs on it any more: else it runs twice."
    )
    return ActionView(id="remove_lost", label="It is gone for good", confirm=ask, is_destructive=True)


def _called(node: NodeRow) -> str:
    offer = node.offer or {}
    return str(offer.get("instance_type") or node.name)
