"""Lets in who may come in (invariant 8): bearer token or browser session, the right Host, the right Origin."""

from __future__ import annotations

import ipaddress
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from tradewind.api.problems import problem_response
from tradewind.api.web import sign_in_page, wants_page
from tradewind.db.owners import Caller, KnownToken, caller_for, find_token, note_use
from tradewind.db.store import Store, Transaction
from tradewind.domain.clock import Clock
from tradewind.domain.errors import AuthenticationError, ForbiddenError, TradewindError

SESSION_COOKIE: Final = "tradewind_session"
#: Free on every address: they say nothing but that the server is there. `/login` carries its own one-time secret.
_OPEN: Final = frozenset({"/healthz", "/readyz", "/login"})
#: Free on loopback: it compares public prices and changes nothing.
_COMPARISON: Final = "/api/cloud/"
#: Headers that a proxy adds, beside all that begin with `x-forwarded-`.
_OF_PROXIES: Final = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip"})
_NOT_SIGNED_IN: Final = "This browser is not signed in, or no longer."
_CACHE_S: Final = 10.0
_CACHE_ENTRIES: Final = 1024


class Guard:
    """ASGI middleware in front of everything."""

    def __init__(self, app: ASGIApp, *, store: Store, clock: Clock, allowed_hosts: frozenset[str]) -> None:
        self._app = app
        self._store = store
        self._clock = clock
        self._allowed_hosts = allowed_hosts
        self._known: dict[tuple[str, str], tuple[float, Caller, str]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._check_host(headers.get("host", ""))
            self._check_origin(scope, headers)
            if not self._is_free(scope, headers):
                scope["tradewind.caller"], scope["tradewind.token"] = await self._identify(headers)
            elif scope["path"].startswith(_COMPARISON):
                # Somebody in a browser sees what is theirs; nobody in particular sees what everybody sees.
                secret = _session_of(headers.get("cookie", ""))
                known = await self._lookup(secret, ("session",)) if secret else None
                scope["tradewind.caller"] = None if known is None else known[0]
        except AuthenticationError as error:
            asks_for_page = wants_page(scope, headers)
            answer = sign_in_page(_NOT_SIGNED_IN) if asks_for_page else problem_response(error, scope)
            await answer(scope, receive, send)
            return
        except TradewindError as error:
            await problem_response(error, scope)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    @staticmethod
    def _is_free(scope: Scope, headers: dict[str, str]) -> bool:
        path: str = scope["path"]
        if path in _OPEN:
            return True
        if not path.startswith(_COMPARISON) or "authorization" in headers:
            return False
        client = scope.get("client")
        # What a proxy passes on comes from loopback too, on behalf of somebody elsewhere.
        is_passed_on = any(name in _OF_PROXIES or name.startswith("x-forwarded-") for name in headers)
        is_here = client is not None and _is_loopback(client[0])
        return is_here and not is_passed_on and _is_loopback(_host_name(headers.get("host", "")))

    def _check_host(self, host: str) -> None:
        # A web page that makes its own name point at loopback must not get in by it.
        name = _host_name(host)
        if name in self._allowed_hosts or _is_loopback(name):
            return
        raise ForbiddenError(
            f"requests for host {host!r} are not served here",
            hint="set TRADEWIND_ALLOWED_HOSTS to serve this name",
        )

    @staticmethod
    def _check_origin(scope: Scope, headers: dict[str, str]) -> None:
        origin = headers.get("origin")
        if origin is not None and _place_of(origin) != headers.get("host"):
            raise ForbiddenError(f"requests from pages of {origin!r} are not served here")
        site = headers.get("sec-fetch-site")
        if site in ("cross-site", "same-site") and scope["method"] not in ("GET", "HEAD"):
            raise ForbiddenError("requests from other sites are not served here")

    async def _identify(self, headers: dict[str, str]) -> tuple[Caller, str]:
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and secret:
            kinds: tuple[str, ...] = ("api",)
        else:
            secret, kinds = _session_of(headers.get("cookie", "")), ("session",)
        found = await self._lookup(secret, kinds) if secret else None
        if found is None:
            raise AuthenticationError(
                "this request carries no valid token",
                hint="the command line finds the local server's token by itself; elsewhere set TRADEWIND_TOKEN",
            )
        return found

    async def _lookup(self, secret: str, kinds: tuple[str, ...]) -> tuple[Caller, str] | None:
        """Who a secret stands for, and which token it is."""
        key, now = (secret, kinds[0]), self._clock.monotonic()
        known = self._known.get(key)
        if known is not None and now - known[0] < _CACHE_S:
            return known[1], known[2]

        def find(tx: Transaction) -> tuple[Caller, KnownToken] | None:
            token = find_token(tx, secret, kinds)
            return None if token is None else (caller_for(tx, token.user_id), token)

        found = await self._store.read(find)
        if found is None:
            self._known.pop(key, None)
            return None
        caller, token = found
        if not token.is_noted:
            await self._store.run(lambda tx: note_use(tx, token.id))
        if len(self._known) >= _CACHE_ENTRIES:
            self._known.clear()
        self._known[key] = (now, caller, token.id)
        return caller, token.id


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _place_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _session_of(cookies: str) -> str:
    try:
        morsel = SimpleCookie(cookies).get(SESSION_COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def hosts_from(setting: str, bind_host: str) -> frozenset[str]:
    """Names the server answers to: those configured, and the address it was told to bind."""
    names: list[Any] = [name.strip() for name in setting.split(",") if name.strip()]
    return frozenset({*names, bind_host})
