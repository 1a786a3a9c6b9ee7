"""Serves the built web application. Its files are listed when the server starts: no path of a request is opened."""

from __future__ import annotations

import html
import mimetypes
import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse, Response

from tradewind import __version__
from tradewind.api.reference import render_reference
from tradewind.domain.errors import NotFoundError

#: Scripts from here only, and none within pages. Styles may be set by scripts: the component library does so.
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
#: Names below it carry a hash of their content.
_HASHED: Final = "assets/"
_FOREVER: Final = "public, max-age=31536000, immutable"
#: What a path that is not a page begins with: a missing one is an error there, not the application.
_NOT_PAGES: Final = ("api", "assets", "docs", "metrics", "healthz", "readyz", "login")
#: The name of the route that takes every path that no other route has.
PAGES: Final = "pages"
_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]+)*/?")
_BASE: Final = '<base href="/" />'


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of the application, and its compressed twin where there is one."""

    path: Path
    media_type: str
    packed: Path | None
    cache_control: str


class WebApp:
    """The built application in a folder; without one, `/` says how to get it."""

    def __init__(self, folder: Path | None) -> None:
        index = None if folder is None else folder / "index.html"
        self._page = index.read_text("utf-8") if index is not None and index.is_file() else None
        self._assets = {} if folder is None or self._page is None else _assets_of(folder)

    @property
    def is_built(self) -> bool:
        """True if there is an application to serve."""
        return self._page is not None

    def page(self, headers: Headers) -> Response:
        """The application's one document; its router finds out what to show."""
        if self._page is None:
            return HTMLResponse(_NOT_BUILT, headers=_HEADERS)
        prefix = html.escape(_prefix_of(headers), quote=True)
        text = self._page.replace(_BASE, f'<base href="{prefix}" />', 1)
        return HTMLResponse(text, headers={**_HEADERS, "cache-control": "no-cache"})

    def asset(self, name: str, headers: Headers) -> Response | None:
        """One of the application's files; None: there is no such file."""
        found = self._assets.get(name)
        if found is None:
            return None
        sent = {**_HEADERS, "cache-control": found.cache_control, "vary": "accept-encoding"}
        path = found.path
        if found.packed is not None and "gzip" in headers.get("accept-encoding", ""):
            path = found.packed
            sent["content-encoding"] = "gzip"
        return FileResponse(path, media_type=found.media_type, headers=sent)


def _assets_of(folder: Path) -> dict[str, Asset]:
    assets = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or path.suffix == ".gz" or name == "index.html":
            continue
        packed = path.with_name(f"{path.name}.gz")
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        assets[name] = Asset(
            path=path,
            media_type="text/javascript" if path.suffix == ".js" else media_type,
            packed=packed if packed.is_file() else None,
            cache_control=_FOREVER if name.startswith(_HASHED) else "no-cache",
        )
    return assets


def _prefix_of(headers: Headers) -> str:
    # Said by a proxy that serves the application below a path of its own.
    said = headers.get("x-forwarded-prefix", "")
    return f"{said.rstrip('/')}/" if said and _PREFIX.fullmatch(said) else "/"


def install(app: FastAPI, folder: Path | None) -> None:
    """Adds the application's pages and files, behind every other route."""
    web = WebApp(folder)
    router = APIRouter(include_in_schema=False)

    @cache
    def reference_page() -> str:
        return render_reference(app.openapi())

    @router.api_route("/docs", methods=["GET", "HEAD"])
    async def reference() -> Response:
        return HTMLResponse(reference_page(), headers={**_HEADERS, "cache-control": "no-cache"})

    @router.api_route("/{path:path}", methods=["GET", "HEAD"], name=PAGES)
    async def serve(path: str, request: Request) -> Response:
        asset = web.asset(path, request.headers)
        if asset is not None:
            return asset
        if path.split("/", 1)[0] in _NOT_PAGES:
            raise NotFoundError(f"there is nothing at {request.url.path}", hint="/docs lists what there is")
        return web.page(request.headers)

    app.include_router(router)


def wants_page(scope: MutableMapping[str, Any], headers: dict[str, str]) -> bool:
    """True if a person's browser asks for a page, as opposed to a program for an answer."""
    first = scope["path"].lstrip("/").split("/", 1)[0]
    return (
        scope["method"] == "GET"
        and "text/html" in headers.get("accept", "")
        and (first not in _NOT_PAGES or first in ("login", "docs"))
    )


def sign_in_page(reason: str) -> Response:
    """Says how to sign in, to a browser that is not."""
    page = _SIGN_IN.replace("{reason}", html.escape(reason))
    return HTMLResponse(page, status_code=401, headers={**_HEADERS, "cache-control": "no-store"})


_STYLE: Final = (
    "<style>:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:34rem;margin:18vh auto;"
    "padding:0 1.5rem}code{font:0.95em ui-monospace,monospace;padding:.15em .4em;border-radius:4px;"
    "background:color-mix(in srgb,currentColor 10%,transparent)}h1{font-size:1.4rem}</style>"
)
_HEAD: Final = (
    "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' "
    f"content='width=device-width,initial-scale=1'><title>Tradewind</title>{_STYLE}<main><h1>Tradewind</h1>"
)
_SIGN_IN: Final = (
    f"{_HEAD}<p>{{reason}}</p><p>On the machine where your command line knows this server, run</p>"
    "<p><code>tradewind open</code></p><p>It opens this page signed in. The link works once, "
    "within five minutes.</p></main>"
)
_NOT_BUILT: Final = (
    f"{_HEAD}<p>The server ({__version__}) is up. The web application was not built into this installation: it "
    "runs from its sources. <code>make web</code> builds it; then start the server again.</p><p>The command line "
    "(<code>tradewind --help</code>) and the <a href='docs'>HTTP API</a> do all of it.</p></main>"
)
