"""Machines of the user's own that are reached over SSH: adding them, listing them, letting them go."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tradewind.api.services import CallerOf, Services, ServicesOf
from tradewind.control.hosts import add_host, agent_path, list_hosts, remove_host
from tradewind.domain.errors import ForbiddenError
from tradewind.domain.schemas_hosts import HostKeyView, HostList, HostProbe, HostSpec, HostView

router = APIRouter(tags=["hosts"])


@router.get("/hosts")
async def hosts(services: ServicesOf, caller: CallerOf) -> HostList:
    """Every machine that was added, and the key that lets this installation in."""
    keys = services.hosts
    items = await services.context.store.read(lambda tx: list_hosts(tx, keys, caller))
    return HostList(items=items, public_key=await keys.public_key())


@router.post("/hosts/probe")
async def probe(what: HostProbe, services: ServicesOf, caller: CallerOf) -> HostKeyView:
    """The host key that answers at an address now. Whether it is the right one is the user's to say."""
    _refuse_own_files(services, what.key_file, uses_agent=what.uses_agent)
    return await services.hosts.see(what, agent_path(uses_agent=what.uses_agent))


@router.post("/hosts")
async def add(spec: HostSpec, services: ServicesOf, caller: CallerOf) -> HostView:
    """Adds a machine that answers with this host key, lets the server in and runs the agent; or changes it."""
    _refuse_own_files(services, spec.key_file, uses_agent=spec.uses_agent)
    await services.hosts.public_key()
    return await add_host(services.context, services.hosts, caller, spec)


@router.delete("/hosts/{name}", status_code=204)
async def remove(
    name: str, services: ServicesOf, caller: CallerOf, is_lost: Annotated[bool, Query(alias="lost")] = False
) -> None:
    """Lets a machine go. With `lost` the caller knows that nothing runs there any more."""
    context = services.context
    await context.store.run(lambda tx: remove_host(context, tx, caller, name, is_lost=is_lost), durable=True)


def _refuse_own_files(services: Services, key_file: str | None, *, uses_agent: bool) -> None:
    if (key_file is not None or uses_agent) and not services.connections.outside.is_own_machine:
        raise ForbiddenError(
            "this server is used by others too: it logs in with its own key only",
            hint="put the line that `tradewind hosts ls` shows into authorized_keys of the machine",
        )
