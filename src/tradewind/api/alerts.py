"""Price alerts and the channels they are told on. A user sees and changes only their own."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from tradewind.api.idempotency import Key, once
from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.alert_desk import (
    add_alert,
    add_channel,
    change_alert,
    find_alert,
    find_channel,
    remove_alert,
    remove_channel,
)
from tradewind.control.alert_prices import preview
from tradewind.control.alert_views import (
    alert_page,
    alert_view,
    all_firings,
    channel_page,
    channel_view,
    firing_page,
)
from tradewind.control.alert_words import channel_kinds
from tradewind.control.notifying import DeliveryError, Message, missing_notifier
from tradewind.control.offer_names import resolve_filters
from tradewind.db.owners import Caller
from tradewind.db.sealing import has_sealed, purpose_of
from tradewind.db.store import Transaction
from tradewind.domain.schemas import Schema
from tradewind.domain.schemas_alerts import (
    AlertPage,
    AlertPatch,
    AlertRequest,
    AlertView,
    AllFirings,
    ChannelKindPage,
    ChannelPage,
    ChannelRequest,
    ChannelView,
    FiringPage,
    PreviewAnswer,
    PreviewRequest,
    TestAnswer,
)

router = APIRouter(tags=["alerts"])


class _ChannelPrint(Schema):
    """What tells one request for a channel from another, without the address."""

    name: str
    url_fingerprint: str


@router.get("/channels")
async def list_channels(services: ServicesOf, caller: CallerOf) -> ChannelPage:
    """Your channels by name, without their addresses."""
    return await services.context.store.read(lambda tx: channel_page(tx, caller))


@router.get("/channels/kinds")
async def list_kinds(services: ServicesOf, caller: CallerOf) -> ChannelKindPage:
    """Kinds of channels and the form of their addresses."""
    items, others = channel_kinds()
    return ChannelKindPage(items=items, others=others, missing=missing_notifier())


@router.get("/firings")
async def list_all_firings(
    services: ServicesOf,
    caller: CallerOf,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Field(ge=1, le=500)] = 50,
) -> AllFirings:
    """What all of your alerts have found, newest first, and what became of each message."""
    return await services.context.store.read(lambda tx: all_firings(tx, caller, before=cursor, limit=limit))


@router.post("/channels", status_code=201)
async def create_channel(
    request: ChannelRequest, services: ServicesOf, caller: CallerOf, http: Request, key: Key = None
) -> ChannelView:
    """Keeps a channel. Its address (an Apprise URL) is sealed, and never given out again."""
    store, sealer = services.context.store, services.alerting.sealer
    body = None
    if key is not None:
        keeps = await store.read(has_sealed)
        mark = await services.context.offload(sealer.fingerprint, request.url, has_sealed=keeps)
        body = _ChannelPrint(name=request.name, url_fingerprint=mark)

    def add(tx: Transaction) -> ChannelView:
        return channel_view(tx, add_channel(tx, caller, sealer, request))

    return await once(store, caller, key, http.url.path, body, ChannelView, add)


@router.delete("/channels/{reference}", status_code=204)
async def delete_channel(reference: str, services: ServicesOf, caller: CallerOf) -> Response:
    """Removes a channel, from alerts too; messages that were still to be sent on it are dropped."""
    await services.context.store.run(lambda tx: remove_channel(tx, caller, reference), durable=True)
    return Response(status_code=204)


@router.post("/channels/{reference}/test")
async def test_channel(reference: str, services: ServicesOf, caller: CallerOf) -> TestAnswer:
    """Sends a test message now, and answers what became of it."""
    context, alerting = services.context, services.alerting
    channel = await context.store.read(lambda tx: find_channel(tx, caller, reference))
    url = await context.offload(alerting.sealer.unseal, channel.url_ciphertext, purpose_of(channel.id))
    message = Message(
        title="Test message from Tradewind",
        body=f"The channel {channel.name} works: alerts of {caller.user_name} can be told here.",
    )
    try:
        await alerting.notifier.send(url, message)
    except DeliveryError as error:
        return TestAnswer(channel=channel.name, is_delivered=False, message=error.reason, hint=error.hint)
    return TestAnswer(channel=channel.name, is_delivered=True, message="the service took the message")


@router.get("/alerts")
async def list_alerts(services: ServicesOf, caller: CallerOf) -> AlertPage:
    """Your alerts by name, with what each saw last."""
    return await services.context.store.read(lambda tx: alert_page(tx, caller))


@router.post("/alerts", status_code=201)
async def create_alert(
    request: AlertRequest, services: ServicesOf, caller: CallerOf, http: Request, key: Key = None
) -> AlertView:
    """Keeps an alert, and looks at the offers at once."""

    def add(tx: Transaction) -> AlertView:
        return alert_view(tx, caller, add_alert(tx, caller, request))

    return await once(services.context.store, caller, key, http.url.path, request, AlertView, add)


@router.post("/alerts/preview")
async def preview_alert(request: PreviewRequest, services: ServicesOf, caller: CallerOf) -> PreviewAnswer:
    """How often a condition would have fired in the last days, from the prices that were recorded."""
    condition = request.condition
    condition = condition.model_copy(update={"filters": resolve_filters(condition.filters)})
    return await services.context.store.read(lambda tx: preview(tx, caller, condition, request.days))


@router.get("/alerts/{reference}")
async def show_alert(reference: str, services: ServicesOf, caller: CallerOf) -> AlertView:
    """One alert, by id or by name."""
    return await services.context.store.read(
        lambda tx: alert_view(tx, caller, find_alert(tx, caller, reference))
    )


@router.patch("/alerts/{reference}")
async def update_alert(
    reference: str, patch: AlertPatch, services: ServicesOf, caller: CallerOf
) -> AlertView:
    """Changes what is given. A new condition starts from nothing seen."""
    return await _change(services, caller, reference, patch)


@router.delete("/alerts/{reference}", status_code=204)
async def delete_alert(reference: str, services: ServicesOf, caller: CallerOf) -> Response:
    """Removes an alert with its history."""
    await services.context.store.run(lambda tx: remove_alert(tx, caller, reference), durable=True)
    return Response(status_code=204)


@router.post("/alerts/{reference}/mute")
async def mute_alert(reference: str, services: ServicesOf, caller: CallerOf) -> AlertView:
    """Tells nobody any more; what the alert finds is still kept."""
    return await _change(services, caller, reference, AlertPatch(is_muted=True))


@router.post("/alerts/{reference}/unmute")
async def unmute_alert(reference: str, services: ServicesOf, caller: CallerOf) -> AlertView:
    """Tells again, from the next change on."""
    return await _change(services, caller, reference, AlertPatch(is_muted=False))


@router.get("/alerts/{reference}/firings")
async def list_firings(
    reference: str,
    services: ServicesOf,
    caller: CallerOf,
    before: Annotated[int | None, Field(ge=1, le=2**31)] = None,
    limit: Annotated[int, Field(ge=1, le=500)] = 50,
) -> FiringPage:
    """What an alert has found, newest first, and what became of each message."""
    return await services.context.store.read(
        lambda tx: firing_page(tx, caller, reference, before=before, limit=limit)
    )


async def _change(services: ServicesOf, caller: Caller, reference: str, patch: AlertPatch) -> AlertView:
    return await services.context.store.run(
        lambda tx: alert_view(tx, caller, change_alert(tx, caller, reference, patch)), durable=True
    )
