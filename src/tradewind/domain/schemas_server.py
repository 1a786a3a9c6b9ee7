"""What the server says of itself over HTTP, and how it says that something is wrong."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from tradewind.domain.schemas_base import Answer


class Health(Answer):
    """Whether the server is well. `checks` maps a part to `ok` or to what is wrong."""

    status: Literal["ok", "failing"]
    version: str
    checks: dict[str, str] = {}


class ServerInfo(Answer):
    """Who is asking whom."""

    version: str
    api_version: str
    installation: str
    user: str
    team: str
    project: str
    database: str
    started_at: datetime
    running_jobs: int
    queued_jobs: int
    providers: list[str]


class Diagnosis(Answer):
    """One line of `tradewind doctor`."""

    name: str
    status: Literal["ok", "warning", "error"]
    message: str
    fix: str | None = None


class DoctorAnswer(Answer):
    """What the server found out about itself and its place."""

    checks: list[Diagnosis]


class SessionLink(Answer):
    """A one-time link that turns into a browser session."""

    url: str
    expires_at: datetime


class Problem(Answer):
    """An error as application/problem+json (RFC 9457) with the product's own fields."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str | None = None
    causes: list[str] = []
    errors: list[dict[str, str | int | None]] = []
    request_id: str | None = None
