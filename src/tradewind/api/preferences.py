"""A user's preferences."""

from __future__ import annotations

from fastapi import APIRouter

from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.preferences import read_preferences, write_preferences
from tradewind.domain.schemas_alerts import Preferences, PreferencesView

router = APIRouter(tags=["preferences"])


@router.get("/preferences")
async def get_preferences(services: ServicesOf, caller: CallerOf) -> PreferencesView:
    """Your preferences, and the rate of your display currency with its source and date."""
    return await services.context.store.read(lambda tx: read_preferences(tx, caller))


@router.put("/preferences")
async def put_preferences(values: Preferences, services: ServicesOf, caller: CallerOf) -> PreferencesView:
    """Replaces your preferences; what is absent is unset."""
    return await services.context.store.run(lambda tx: write_preferences(tx, caller, values), durable=True)
