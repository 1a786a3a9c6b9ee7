"""Meets a rented machine: it is ready when it answers, and what it has is what the attempt on it gets."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import update

from tradewind.control.context import Context
from tradewind.control.logins import login_of, login_to_json, merged
from tradewind.control.ranks import give_devices
from tradewind.db import tables
from tradewind.db.events import append_event
from tradewind.db.moves import change
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import ProviderError
from tradewind.domain.offers import SelfTermination
from tradewind.providers.base import Greeting, Login, MachineProvider

log = structlog.get_logger(__name__)
#: A machine that can switch itself off does so when it has heard nothing for this long.
GUARD: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What came of the attempt to talk to a machine: a greeting, or why there is none yet."""

    login: Login | None = None
    greeting: Greeting | None = None
    trouble: str = ""


async def meet(context: Context, node: NodeRow, told: Login | None) -> Meeting:
    """Connects to a machine that its provider calls ready, and delivers the agent."""
    login = merged(login_of(node.observed), told)
    try:
        greeting = await context.machine_of(node, login).greet()
    except (ProviderError, OSError) as error:
        return Meeting(trouble=getattr(error, "message", None) or str(error))
    if login is not None and not login.host_keys:
        login = replace(login, host_keys=greeting.host_keys)
    return Meeting(login=login, greeting=greeting)


def take_in(tx: Transaction, node: NodeRow, attempt: AttemptRow | None, meeting: Meeting) -> dict[str, Any]:
    """Gives the attempt the devices that were found. Returns what changes in the node's row."""
    observed = {key: value for key, value in node.observed.items() if key != "trouble"}
    changes: dict[str, Any] = {"observed": observed}
    if meeting.login is not None:
        observed["login"] = login_to_json(meeting.login)
    inventory = None if meeting.greeting is None else meeting.greeting.inventory
    if inventory is None:
        return changes
    changes["inventory"] = asdict(inventory)
    found = [asdict(each) for each in inventory.accelerators]
    is_gang = attempt is not None and attempt.is_gang
    if attempt is not None and (is_gang or attempt.offer.get("accelerators") != found):
        of_all = give_devices(tx, attempt, node.id, found) if is_gang else found
        change(tx, attempt, offer={**attempt.offer, "accelerators": of_all})
        held = tables.allocations
        tx.execute(
            update(held)
            .where(held.c.attempt_id == attempt.id, held.c.node_id == node.id)
            .values(accelerators=[each.uuid for each in inventory.accelerators])
        )
    promised = float((node.offer or {}).get("accelerator_count") or 0.0)
    if len(found) < promised and node.job_id is not None:
        text = f"{node.name} shows {len(found)} of the {promised:g} accelerators that were offered"
        append_event(tx, node.job_id, "node.fewer_accelerators", text, {"node": node.id})
    return changes


def note_trouble(tx: Transaction, node: NodeRow, meeting: Meeting) -> NodeRow:
    """Remembers why the machine could not be talked to, for when its time is over."""
    if not meeting.trouble or node.observed.get("trouble") == meeting.trouble:
        return node
    return change(tx, node, observed=node.observed | {"trouble": meeting.trouble})


async def keep_guarded(
    context: Context, provider: MachineProvider, node: NodeRow, now: datetime
) -> float | None:
    """Renews the guard on a machine whose being off ends its cost. Until when it lasts, if it was renewed."""
    if provider.capabilities.self_termination is not SelfTermination.POWEROFF_ENDS_BILLING:
        return None
    if float(node.observed.get("guarded_until") or 0.0) - now.timestamp() >= GUARD.total_seconds() / 2:
        return None
    try:
        await context.machine_of(node).guard(GUARD.total_seconds())
    except (ProviderError, OSError) as error:
        log.warning("rental.not_guarded", node=node.id, error=repr(error))
        return None
    return (now + GUARD).timestamp()
