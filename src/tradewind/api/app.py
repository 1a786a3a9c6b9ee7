"""Puts the routes together behind the guard."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from fastapi import FastAPI

from tradewind import __version__
from tradewind.api import (
    access,
    alerts,
    budgets,
    cloud,
    connections,
    cost,
    cost_overview,
    drafts,
    estimates,
    events,
    explorer,
    files,
    home,
    hosts,
    jobs,
    live,
    log_lines,
    logs,
    metrics,
    moves,
    nodes,
    offers,
    preferences,
    prices,
    problems,
    queue,
    settings,
    simulations,
    system,
    tokens,
    web,
)
from tradewind.api.guard import Guard
from tradewind.api.services import Services
from tradewind.domain.schemas_server import Problem

#: What every route answers when something is wrong, as the API's document says it.
_PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {"default": {"model": Problem, "description": "An error"}}


def create_app(services: Services, allowed_hosts: frozenset[str], pages: Path | None = None) -> FastAPI:
    """The application.

    `allowed_hosts` are the names it answers to besides loopback; `pages` is the folder of the built web application.
    """
    app = FastAPI(
        title="Tradewind",
        version=__version__,
        # Its page takes a script from another host; ours is in `web`.
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.services = services
    include_routes(app)
    web.install(app, pages)
    problems.install(app)
    app.add_middleware(
        Guard, store=services.context.store, clock=services.context.clock, allowed_hosts=allowed_hosts
    )
    return app


def include_routes(app: FastAPI) -> None:
    """Adds every route; the list of endpoints in the documentation is made from the same ones."""
    for module in (
        home,
        jobs,
        drafts,
        moves,
        nodes,
        queue,
        access,
        hosts,
        events,
        live,
        log_lines,
        logs,
        files,
        metrics,
        estimates,
        simulations,
        explorer,
        offers,
        prices,
        connections,
        alerts,
        budgets,
        cost,
        cost_overview,
        preferences,
        settings,
        tokens,
        system,
    ):
        app.include_router(module.router, prefix="/api/v1", responses=_PROBLEMS)
    app.include_router(cloud.router, prefix="/api/cloud", responses=_PROBLEMS)
    app.include_router(system.root)
