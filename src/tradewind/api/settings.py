"""Settings of the installation: this machine's electricity, grid and power."""

from __future__ import annotations

from fastapi import APIRouter

from tradewind.api.services import CallerOf, Services, ServicesOf
from tradewind.control.own_settings import OwnSettings, write_stored
from tradewind.control.own_settings_views import figures_of, power_places, settings_view
from tradewind.db.owners import Caller, is_owner
from tradewind.domain.errors import NotFoundError
from tradewind.domain.schemas_settings import PowerPlaces, SettingsRequest, SettingsView

router = APIRouter(prefix="/settings", tags=["settings"])
_ONLY_OWNERS = "owners of the team set what counts for the whole installation"


@router.get("")
async def show_settings(services: ServicesOf, caller: CallerOf) -> SettingsView:
    """What holds of this machine and its electricity: each figure, who said it, and what would hold otherwise."""
    return await _view(services, caller)


@router.put("")
async def put_settings(request: SettingsRequest, services: ServicesOf, caller: CallerOf) -> SettingsView:
    """Sets what is given and unsets the rest. It holds for what begins from now on; what runs keeps its rate."""
    own, context = _own(services), services.context
    here = await own.look()
    figures, found = figures_of(request), (here.watts_idle, here.watts_max)
    await context.store.run(lambda tx: write_stored(tx, caller, own.host, figures, found), durable=True)
    await own.refresh(context)
    return await _view(services, caller)


@router.get("/places")
async def list_places(services: ServicesOf, caller: CallerOf) -> PowerPlaces:
    """Countries and carbon zones that have figures, for choosing one."""
    return await services.context.offload(power_places)


async def _view(services: Services, caller: Caller) -> SettingsView:
    own, context = _own(services), services.context
    here = await own.look()
    may_change = await context.store.read(lambda tx: is_owner(tx, caller))
    return settings_view(own, here, None if may_change else _ONLY_OWNERS)


def _own(services: Services) -> OwnSettings:
    if services.context.own is None:
        raise NotFoundError("this server has no settings of its own machine")
    return services.context.own
