"""API tokens and browser sessions: each user makes, sees and revokes their own."""

from __future__ import annotations

import secrets

from fastapi import APIRouter, Request, Response

from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.token_desk import make_token, revoke_token, token_page
from tradewind.domain.schemas_settings import NewToken, TokenPage, TokenRequest

router = APIRouter(prefix="/tokens", tags=["settings"])


@router.get("")
async def list_tokens(services: ServicesOf, caller: CallerOf, http: Request) -> TokenPage:
    """Your API tokens and browser sessions, without their secrets."""
    current = http.scope.get("tradewind.token")
    return await services.context.store.read(lambda tx: token_page(tx, caller, current))


@router.post("", status_code=201)
async def create_token(request: TokenRequest, services: ServicesOf, caller: CallerOf) -> NewToken:
    """Makes an API token. Its secret is in this answer, and never shown again."""
    secret = f"tw_{secrets.token_urlsafe(32)}"
    return await services.context.store.run(lambda tx: make_token(tx, caller, request, secret), durable=True)


@router.delete("/{token_id}", status_code=204)
async def delete_token(token_id: str, services: ServicesOf, caller: CallerOf) -> Response:
    """Makes a token or a session worthless, within ten seconds on every server."""
    await services.context.store.run(lambda tx: revoke_token(tx, caller, token_id), durable=True)
    return Response(status_code=204)
