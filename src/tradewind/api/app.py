"""Puts the routes together behind the guard."""

from __future__ import annotations

from fastapi import FastAPI

from tradewind import __version__
from tradewind.api import (
    access,
    alerts,
    budgets,
    cloud,
    connections,
    cost,
    estimates,
    events,
    files,
    hosts,
    jobs,
    logs,
    metrics,
    moves,
    nodes,
    offers,
    preferences,
    prices,
    problems,
    simulations,
    system,
)
from tradewind.api.guard import Guard
from tradewind.api.services import Services


def create_app(services: Services, allowed_hosts: frozenset[str]) -> FastAPI:
    """The application; `allowed_hosts` are the names it answers to besides loopback."""
    app = FastAPI(
        title="Tradewind",
        version=__version__,
        docs_url="/docs",
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.services = services
    include_routes(app)
    problems.install(app)
    app.add_middleware(
        Guard, store=services.context.store, clock=services.context.clock, allowed_hosts=allowed_hosts
    )
    return app


def include_routes(app: FastAPI) -> None:
    """Adds every route; the list of endpoints in the documentation is made from the same ones."""
    for module in (
        jobs,
        moves,
        nodes,
        access,
        hosts,
        events,
        logs,
        files,
        metrics,
        estimates,
        simulations,
        offers,
        prices,
        connections,
        alerts,
        budgets,
        cost,
        preferences,
        system,
    ):
        app.include_router(module.router, prefix="/api/v1")
    app.include_router(cloud.router, prefix="/api/cloud")
    app.include_router(system.root)
