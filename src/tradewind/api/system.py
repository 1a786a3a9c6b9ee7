"""The server itself: health, info, doctor, the job file's schema, browser sessions, Prometheus metrics."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from sqlalchemy import func, select
from starlette.responses import RedirectResponse, Response

from tradewind import __version__
from tradewind.api.guard import SESSION_COOKIE
from tradewind.api.services import CallerOf, ServicesOf
from tradewind.db import tables
from tradewind.db.owners import redeem_link, store_token
from tradewind.db.store import Transaction
from tradewind.domain.errors import AuthenticationError
from tradewind.domain.schemas_server import DoctorAnswer, Health, ServerInfo, SessionLink
from tradewind.domain.status import JobStatus
from tradewind.spec.json_schema import job_file_schema

router = APIRouter(tags=["system"])
root = APIRouter(tags=["system"])
_LINK_LIFETIME: Final = timedelta(minutes=5)
_SESSION_LIFETIME: Final = timedelta(days=7)
#: A page below the web application, and nowhere else.
_PAGE_PATTERN: Final = r"^([A-Za-z0-9_][A-Za-z0-9_.~%-]*(/[A-Za-z0-9_.~%-]+)*(\?[A-Za-z0-9_.~%=&,:-]*)?)?$"


@root.get("/healthz")
async def healthz() -> Health:
    """The process answers."""
    return Health(status="ok", version=__version__)


@root.get("/readyz")
async def readyz(services: ServicesOf, response: Response) -> Health:
    """The process can do its work: the database answers."""
    try:
        await services.context.store.read(lambda tx: tx.execute(select(1)).scalar_one())
    except Exception as error:
        response.status_code = 503
        return Health(status="failing", version=__version__, checks={"database": type(error).__name__})
    return Health(status="ok", version=__version__, checks={"database": "ok"})


@root.get("/metrics", response_class=Response)
async def prometheus(services: ServicesOf, caller: CallerOf) -> Response:
    """Figures for Prometheus; the scraper needs a token like everyone else."""
    from prometheus_client import CollectorRegistry, Gauge, generate_latest
    from prometheus_client.process_collector import ProcessCollector

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    jobs = Gauge("tradewind_jobs", "Jobs by status.", ["status"], registry=registry)
    counts = await services.context.store.read(_count_jobs)
    for status in JobStatus:
        jobs.labels(status=status.value).set(counts.get(status.value, 0))
    return Response(generate_latest(registry), media_type="text/plain; version=0.0.4")


@root.get("/login", response_class=Response)
async def login(
    code: str,
    services: ServicesOf,
    then: Annotated[str, Query(alias="next", max_length=500, pattern=_PAGE_PATTERN)] = "",
) -> Response:
    """Turns a one-time link into a browser session, and goes on to the page `next`."""
    session = secrets.token_urlsafe(32)

    def redeem(tx: Transaction) -> bool:
        user_id = redeem_link(tx, code)
        if user_id is None:
            return False
        store_token(tx, user_id, "session", session, "browser", _SESSION_LIFETIME)
        return True

    if not await services.context.store.run(redeem, durable=True):
        raise AuthenticationError(
            "this link was used before, or is too old", hint="get a new one with `tradewind open`"
        )
    # Relative to /login, so that it holds behind a proxy's prefix, too.
    response = RedirectResponse(f"./{then}", status_code=303)
    response.set_cookie(
        SESSION_COOKIE,
        session,
        max_age=int(_SESSION_LIFETIME.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=services.url.startswith("https:"),
    )
    return response


@router.post("/session-links", status_code=201)
async def make_link(services: ServicesOf, caller: CallerOf) -> SessionLink:
    """A link that signs a browser in, once, within five minutes."""
    code = secrets.token_urlsafe(32)

    def keep(tx: Transaction) -> datetime:
        store_token(tx, caller.user_id, "link", code, "browser link", _LINK_LIFETIME)
        return tx.now + _LINK_LIFETIME

    expires = await services.context.store.run(keep, durable=True)
    return SessionLink(url=f"{services.url}/login?code={code}", expires_at=expires)


@router.get("/info")
async def info(services: ServicesOf, caller: CallerOf) -> ServerInfo:
    """Who is asking whom."""
    counts = await services.context.store.read(_count_jobs)
    return ServerInfo(
        version=__version__,
        api_version="v1",
        installation=services.context.installation_id,
        user=caller.user_name,
        team=caller.team_name,
        project=caller.project_name,
        database=services.database,
        started_at=services.started_at,
        running_jobs=sum(counts.get(each, 0) for each in ("starting", "running", "stopping")),
        queued_jobs=counts.get("queued", 0),
        providers=sorted(services.context.backends),
    )


@router.get("/doctor")
async def doctor(services: ServicesOf, caller: CallerOf) -> DoctorAnswer:
    """The server looks itself over."""
    return DoctorAnswer(checks=await services.doctor.examine())


@router.get("/schema")
async def schema(caller: CallerOf) -> dict[str, Any]:
    """The JSON Schema of job files."""
    return job_file_schema()


def _count_jobs(tx: Transaction) -> dict[str, int]:
    table = tables.jobs
    rows = tx.execute(select(table.c.status, func.count()).group_by(table.c.status))
    return {str(row[0]): int(row[1]) for row in rows}
