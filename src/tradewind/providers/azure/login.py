"""Tokens for the Azure Resource Manager: by an application's client secret, or by the user's own login.

A token is kept until shortly before it ends. With a client secret Tradewind asks Entra itself; without one
azure-identity takes the token of whoever has logged in with `az login`, `azd auth login` or `Connect-AzAccount` on the
server.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.asking import (
    credential,
    fault_of,
    hint_of,
    optional_credential,
    read_body,
    retry_after_s,
)
from tradewind.providers.prices import Wire

SCOPE: Final = "https://management.azure.com/.default"
_LOGIN: Final = "https://login.microsoftonline.com"
_MOST_BYTES: Final = 1 << 20
#: A token that ends sooner is replaced: calls take a while, and clocks differ.
_MARGIN_S: Final = 300.0
#: Entra's own numbers for what is wrong with credentials, in words.
_WRONG: Final = {
    "AADSTS7000215": "the client secret is wrong; take its value, not its id",
    "AADSTS7000222": "the client secret has expired; make a new one",
    "AADSTS700016": "the tenant has no such application; check AZURE_CLIENT_ID",
    "AADSTS90002": "there is no such tenant; check AZURE_TENANT_ID",
    "AADSTS900023": "there is no such tenant; check AZURE_TENANT_ID",
}


class Tokens:
    """Gives the headers of each call. Setting `login_url`: where Entra is, for other clouds than the public one."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lock = asyncio.Lock()
        self._token = ""
        self._good_until_s = float("-inf")

    async def authorize(self) -> Mapping[str, str]:
        """Raises ProviderError, `CREDENTIALS` where nobody may log in so."""
        async with self._lock:
            if self._wire.clock.monotonic() >= self._good_until_s:
                token, life_s = await self._fresh()
                self._token = token
                self._good_until_s = self._wire.clock.monotonic() + max(life_s - _MARGIN_S, life_s / 2)
            return {"authorization": f"Bearer {self._token}"}

    def forget(self) -> None:
        """The token was not accepted: the next call gets another one."""
        self._good_until_s = float("-inf")

    async def _fresh(self) -> tuple[str, float]:
        secret = optional_credential(self._wire, "AZURE_CLIENT_SECRET")
        return await (self._granted(secret) if secret else self._own())

    async def _granted(self, secret: str) -> tuple[str, float]:
        import httpx2

        wire = self._wire
        base = str(wire.settings.get("login_url") or _LOGIN).rstrip("/")
        form = {
            "grant_type": "client_credentials",
            "client_id": credential(wire, "AZURE_CLIENT_ID"),
            "client_secret": secret,
            "scope": SCOPE,
        }
        url = f"{base}/{quote(credential(wire, 'AZURE_TENANT_ID'), safe='')}/oauth2/v2.0/token"
        headers = {"accept": "application/json"}
        try:
            async with wire.http.stream(
                "POST", url, data=form, headers=headers, follow_redirects=False
            ) as answer:
                content = await read_body(answer, "Azure's login", _MOST_BYTES)
        except (httpx2.TransportError, httpx2.StreamError, httpx2.DecodingError, httpx2.InvalidURL) as error:
            raise ProviderError(
                ProviderFault.PROVIDER_FAULT, f"Azure's login cannot be reached ({type(error).__name__})"
            ) from None
        body = _parsed(content)
        if not answer.is_success:
            wait_s = retry_after_s(answer.headers.get("retry-after"), wire)
            raise _refused(answer.status_code, body, wait_s)
        try:
            return str(body["access_token"]), float(body["expires_in"])
        except (KeyError, TypeError, ValueError):
            raise ProviderError(ProviderFault.PROVIDER_FAULT, "Azure's login sent no token") from None

    async def _own(self) -> tuple[str, float]:
        try:
            from azure.core.exceptions import ClientAuthenticationError
            from azure.identity import (
                AzureCliCredential,
                AzureDeveloperCliCredential,
                AzurePowerShellCredential,
                ChainedTokenCredential,
            )
        except ImportError:
            raise ProviderError(
                ProviderFault.CREDENTIALS,
                "AZURE_CLIENT_SECRET is not set, and azure-identity, which uses your own login, is not installed",
                hint="pip install 'tradewind[azure]', or set AZURE_CLIENT_SECRET",
            ) from None
        tenant = optional_credential(self._wire, "AZURE_TENANT_ID")
        chain = ChainedTokenCredential(
            AzureCliCredential(tenant_id=tenant),
            AzureDeveloperCliCredential(tenant_id=tenant),
            AzurePowerShellCredential(tenant_id=tenant),
        )
        try:
            given = await self._wire.offload(chain.get_token, SCOPE)
        except ClientAuthenticationError:
            raise ProviderError(
                ProviderFault.CREDENTIALS,
                "nobody is logged in to Azure on the server",
                hint="run `az login` as the user that the server runs as, or set AZURE_CLIENT_SECRET",
            ) from None
        return given.token, given.expires_on - self._wire.clock.now().timestamp()


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _refused(status: int, body: Any, wait_s: float | None) -> ProviderError:
    """Entra's no. Its sentences hold ids and times, so only its number for the reason is passed on."""
    fault = fault_of(status)
    if fault in (ProviderFault.INVALID, ProviderFault.NOT_FOUND, ProviderFault.PERMISSION):
        fault = ProviderFault.CREDENTIALS
    said = body if isinstance(body, dict) else {}
    number = re.search(r"AADSTS\d+", str(said.get("error_description")))
    code = number.group() if number else ""
    why = _WRONG.get(code, str(said.get("error") or "")[:60])
    return ProviderError(
        fault,
        f"Azure's login answered {status}{f': {why}' if why.isprintable() and why else ''}"
        f"{f' ({code})' if code else ''}",
        hint=hint_of(fault),
        retry_after_s=wait_s,
    )
