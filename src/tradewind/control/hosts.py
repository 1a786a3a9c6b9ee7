"""Adds, lists and removes machines of the user's own that are reached over SSH.

A machine is pinned by the host key that the user has confirmed, and added only when it answers with that key, lets this
server in and runs the agent. From then on it is a node at hand.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

from sqlalchemy import insert, select, update

from tradewind.control import leases
from tradewind.control.connection_desk import TOPIC as CONNECTIONS
from tradewind.control.context import Context
from tradewind.control.far_nodes import OWN_NETWORK, with_users
from tradewind.control.logins import login_of, login_to_json
from tradewind.control.loops import MARKET, ensure_loops, wake_placers
from tradewind.control.money_views import money_view
from tradewind.control.others import ignores_others, sentence_of, without_own
from tradewind.db import tables
from tradewind.db.owners import Caller, visible_to
from tradewind.db.rows import NodeRow
from tradewind.db.store import Transaction
from tradewind.domain import ids
from tradewind.domain.errors import ConflictError, InvalidInputError, NotFoundError
from tradewind.domain.money import format_money
from tradewind.domain.schemas_hosts import HostKeyView, HostProbe, HostSpec, HostView
from tradewind.domain.schemas_shown import ActionView, BadgeView
from tradewind.domain.status import NodeStatus, Reason
from tradewind.domain.units import format_bytes
from tradewind.ledger.rates import rate_of
from tradewind.providers.base import Handle, Login


class HostKeys(Protocol):
    """Looks at host keys; how that is done is the provider's, whose machines these are."""

    provider: str

    async def public_key(self) -> str:
        """The public half of this installation's own key. Raises SecretKeyError."""
        ...

    async def see(self, probe: HostProbe, agent_path: str | None) -> HostKeyView:
        """The keys that answer there now. Raises ProviderError."""
        ...

    def fingerprint(self, host_key: str) -> str:
        """`SHA256:...`. Raises ValueError for what is no key."""
        ...


async def add_host(context: Context, keys: HostKeys, caller: Caller, spec: HostSpec) -> HostView:
    """Adds the machine, or changes one of this name.

    Raises:
        InvalidInputError: a host key is none.
        ProviderError: it does not answer, shows another key, does not let this server in or cannot run the agent.
    """
    for key in (spec.host_key, spec.jump.host_key if spec.jump else None):
        _check_key(keys, key)
    login = Login(host=spec.address, port=spec.port, user=spec.user, host_keys=(_bare(spec.host_key),))
    handle = {"name": spec.name, "way": _way(spec)}
    assert context.reach is not None
    host = context.reach(keys.provider, Handle(handle), login)
    greeting = await host.greet()
    inventory = {} if greeting.inventory is None else await with_users(host, greeting.inventory, spec.name)
    offer = {
        "rate": _rate(spec.micro_per_hour),
        "region": spec.region,
        "network": spec.network,
        "private_address": spec.private_address,
        "ignores_others": spec.ignores_others,
    }
    values: dict[str, Any] = {
        "handle": handle,
        "observed": {"login": login_to_json(login)},
        "offer": offer,
        "lost_since": None,
        "explanation": None,
    }

    def keep(tx: Transaction) -> HostView:
        table = tables.nodes
        values["inventory"] = without_own(tx, inventory)
        known = tx.execute(
            select(table.c.id).where(
                visible_to(caller, table), table.c.provider == keys.provider, table.c.name == spec.name
            )
        ).scalar()
        if known is None:
            _refuse_foreign_name(tx, keys, spec.name)
            known = tx.new_id(ids.NODE)
            tx.execute(
                insert(table).values(
                    id=known, project_id=caller.project_id, creator_id=caller.user_id, provider=keys.provider,
                    name=spec.name, created_at=tx.now, last_seen_at=tx.now, next_due_at=tx.now, **values,
                )
            )  # fmt: skip
        else:
            tx.execute(update(table).where(table.c.id == known).values(last_seen_at=tx.now, **values))
        tx.after_commit(lambda: context.far.add(known))
        # The market decides from now on; whoever follows connections starts it where it does not run yet.
        ensure_loops(tx, [MARKET])
        tx.wake(CONNECTIONS)
        leases.wake(tx, table, known)
        wake_placers(tx)
        return host_view(keys, NodeRow.get(tx, known))

    return await context.store.run(keep)


def list_hosts(tx: Transaction, keys: HostKeys, caller: Caller) -> list[HostView]:
    """The caller's machines, by name."""
    return [host_view(keys, each) for each in _hosts(tx, caller)]


def remove_host(context: Context, tx: Transaction, caller: Caller, name: str, *, is_lost: bool) -> None:
    """Removes a machine. Nothing on it is deleted but what has ended anyway.

    `is_lost` says that the user knows that nothing runs there any more: attempts on it have ended then, and their jobs
    go on elsewhere.

    Raises:
        NotFoundError: there is no such machine.
        ConflictError: jobs run there.
    """
    node = next((each for each in _hosts(tx, caller) if each.name == name), None)
    if node is None:
        raise NotFoundError(f"there is no host {name!r}", hint="`tradewind hosts ls` lists them")
    held = tables.allocations
    live = list(
        tx.execute(
            select(held.c.attempt_id)
            .distinct()
            .where(held.c.node_id == node.id, held.c.released_at.is_(None))
        ).scalars()
    )
    if live and not is_lost:
        jobs = "1 job runs" if len(live) == 1 else f"{len(live)} jobs run"
        raise ConflictError(
            f"{jobs} on {name}",
            hint="stop them first; or, if the machine is gone for good, say so with --lost: they go on elsewhere",
        )
    table, tasks = tables.nodes, tables.tasks
    text = f"removed by {caller.user_name}" + (": it is gone" if is_lost else "")
    tx.execute(
        update(table)
        .where(table.c.id == node.id)
        .values(
            status=NodeStatus.GONE, reason=Reason.NODE_LOST if live else Reason.NOT_NEEDED, explanation=text,
            ended_at=tx.now, name=f"{name[:80]} ({node.id})", next_due_at=None,
        )
    )  # fmt: skip
    tx.execute(update(tasks).where(tasks.c.place == node.id).values(place=None))
    leases.wake(tx, tables.attempts, *live)
    wake_placers(tx)
    tx.after_commit(lambda: context.far.discard(node.id))


def host_view(keys: HostKeys, node: NodeRow) -> HostView:
    """One machine."""
    login = login_of(node.observed)
    assert login is not None
    handle, offer = node.handle or {}, node.offer or {}
    via = (handle.get("way") or {}).get("via")
    rate = offer.get("rate")
    lost = node.lost_since
    devices = [str(each["name"]) for each in node.inventory.get("accelerators") or []]
    return HostView(
        node=node.id,
        name=node.name,
        address=login.host,
        port=login.port,
        user=login.user,
        fingerprint=keys.fingerprint(login.host_keys[0]),
        jump=None if via is None else f"{via['user']}@{via['host']}:{via['port']}",
        key_file=(handle.get("way") or {}).get("key_file"),
        uses_agent=(handle.get("way") or {}).get("agent_path") is not None,
        region=str(offer.get("region") or "own"),
        network=str(offer.get("network") or OWN_NETWORK),
        private_address=offer.get("private_address"),
        status="ready" if lost is None else "unreachable",
        explanation="ready" if lost is None else f"since {lost:%Y-%m-%d %H:%M} UTC: {node.explanation}",
        price_per_hour=None if rate is None else money_view(rate_of(offer).micro_per_unit),
        cpus=float(node.inventory.get("cpus") or 0),
        memory_bytes=int(node.inventory.get("memory_bytes") or 0),
        accelerators=devices,
        badge=_badge(node),
        where=f"{login.user}@{login.host}:{login.port}",
        has=_has(node, devices),
        price_text="its electricity" if rate is None else f"{format_money(rate_of(offer).micro_per_unit)}/h",
        permitted=_permitted(node),
        others=sentence_of(node.inventory),
        ignores_others=ignores_others(node),
    )


def _badge(node: NodeRow) -> BadgeView:
    if node.lost_since is None:
        return BadgeView(label="Ready", tone="good", icon="check")
    return BadgeView(label="Not reached", tone="bad", icon="plug", explanation=node.explanation)


def _has(node: NodeRow, devices: list[str]) -> str:
    counted = [f"{devices.count(name)}x {name}" for name in sorted(set(devices))]
    cpus, memory = float(node.inventory.get("cpus") or 0), float(node.inventory.get("memory_bytes") or 0)
    return ", ".join([*counted, f"{cpus:g} CPUs", format_bytes(memory)])


def _permitted(node: NodeRow) -> list[ActionView]:
    remove = ActionView(
        id="remove",
        label="Remove",
        confirm=f"Remove {node.name}? It is refused while jobs run there.",
        is_destructive=True,
    )
    if node.lost_since is None:
        return [remove]
    lost = ActionView(
        id="lost",
        label="It is gone for good",
        confirm=f"Say that nothing runs on {node.name} any more? Its jobs go on elsewhere from their last checkpoint. "
        "If the machine is only out of reach, they would run twice.",
        is_destructive=True,
    )
    return [remove, lost]


def _hosts(tx: Transaction, caller: Caller) -> list[NodeRow]:
    table = tables.nodes
    rows = tx.execute(
        NodeRow.select()
        .where(
            visible_to(caller, table), table.c.is_rented.is_(False), table.c.status == NodeStatus.READY,
            table.c.handle.is_not(None),
        )
        .order_by(table.c.name)
    )  # fmt: skip
    return [node for node in map(NodeRow.of, rows) if node.is_far]


def _refuse_foreign_name(tx: Transaction, keys: HostKeys, name: str) -> None:
    table = tables.nodes
    taken = tx.execute(
        select(table.c.id).where(table.c.provider == keys.provider, table.c.name == name)
    ).first()
    if taken is not None:
        raise ConflictError(
            f"another project has a host that is called {name!r}", hint="choose another name for it"
        )


def _way(spec: HostSpec) -> dict[str, Any]:
    via = None
    if spec.jump is not None:
        via = {
            "host": spec.jump.address,
            "port": spec.jump.port,
            "user": spec.jump.user,
            "host_keys": [_bare(spec.jump.host_key)],
        }
    return {"key_file": spec.key_file, "agent_path": agent_path(uses_agent=spec.uses_agent), "via": via}


def agent_path(*, uses_agent: bool) -> str | None:
    """The socket of the server's SSH agent. Raises InvalidInputError when it is to be asked and there is none."""
    if not uses_agent:
        return None
    path = os.environ.get("SSH_AUTH_SOCK")
    if not path:
        raise InvalidInputError(
            "the server has no SSH agent: SSH_AUTH_SOCK is not set where it was started",
            hint="start the server where an agent runs, or name a key file",
        )
    return path


def _bare(host_key: str) -> str:
    """Kind and key, without a comment."""
    return " ".join(host_key.split()[:2])


def _check_key(keys: HostKeys, host_key: str | None) -> None:
    if host_key is None:
        return
    try:
        keys.fingerprint(host_key)
    except ValueError as error:
        raise InvalidInputError(
            f"host key {host_key[:40]!r}: {error}", hint="`tradewind hosts add` asks the machine for it"
        ) from None


def _rate(micro_per_hour: int | None) -> dict[str, Any] | None:
    if micro_per_hour is None:
        return None
    return {
        "micro_per_unit": micro_per_hour,
        "per": "hour",
        "currency": "USD",
        "granularity": 1,
        "minimum": 0,
        "minimum_micro": 0,
    }
