"""Costs of a range as one page shows them, and the same as a file."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime
from starlette.responses import Response

from tradewind.api.services import CallerOf, Services, ServicesOf
from tradewind.control.cost_export import groups_csv, jobs_csv, series_csv
from tradewind.control.costing import job_costs
from tradewind.control.overview import Range, cost_overview
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.schemas_overview import CostOverview, RangeName, Step
from tradewind.ledger.reports import GROUPS, is_group
from tradewind.ledger.stepping import range_named

router = APIRouter(tags=["cost"])
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_GROUP: Final = re.compile(r"[a-z]+(:[^\x00-\x1f,\"'\\]{1,128})?")
_LONGEST: Final = timedelta(days=3660)
_MOST_EXPORTED: Final = 100_000
_Only = Annotated[list[Annotated[str, Query(max_length=256)]] | None, Query(max_length=8)]
_By = Annotated[str, Query(min_length=1, max_length=140)]
_Named = Annotated[RangeName | None, Query(alias="range")]
_Local = Annotated[str | None, Query(max_length=64)]


@router.get("/cost/overview")
async def overview(
    services: ServicesOf,
    caller: CallerOf,
    named: _Named = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    by: _By = "provider",
    only: _Only = None,
    step: Step | None = None,
    local: _Local = None,
) -> CostOverview:
    """A range by day and group, beside the one before, with what was saved. `only` is `GROUP=value`, several times.

    `range` names one of the usual ranges, in whole days of UTC.
    """
    asked, context = _range(services, named, since, until, by, only, step, local), services.context
    return await context.store.read(lambda tx: cost_overview(tx, caller, context.tariff, asked))


@router.get("/cost/export", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def export(
    services: ServicesOf,
    caller: CallerOf,
    what: Literal["groups", "series", "jobs"] = "groups",
    named: _Named = None,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    by: _By = "provider",
    only: _Only = None,
    step: Step | None = None,
) -> Response:
    """The same as CSV: the groups, the amounts over time, or the jobs with what was estimated of them."""
    asked, context = _range(services, named, since, until, by, only, step, None), services.context
    if what == "jobs":
        page = await context.store.read(
            lambda tx: job_costs(tx, caller, asked.since, asked.until, _MOST_EXPORTED)
        )
        text = await context.offload(jobs_csv, page)
    else:
        seen = await context.store.read(lambda tx: cost_overview(tx, caller, context.tariff, asked))
        text = groups_csv(seen) if what == "groups" else series_csv(seen)
    name = f"tradewind-cost-{what}-{asked.since:%Y-%m-%d}-{asked.until:%Y-%m-%d}.csv"
    return Response(
        text,
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _range(
    services: Services,
    named: RangeName | None,
    since: datetime | None,
    until: datetime | None,
    by: str,
    only: list[str] | None,
    step: Step | None,
    local: str | None,
) -> Range:
    now = services.context.clock.now()
    if named is not None:
        if since is not None or until is not None:
            raise InvalidInputError(
                "a range has a name or an end and a beginning",
                hint="leave out `range`, or `since` and `until`",
            )
        since, until = range_named(named, now)
        if until <= since:
            # The first moment of a month: nothing of it is over yet.
            until = since + timedelta(seconds=1)
    end = until or now
    start = since or max(end, _EPOCH + timedelta(days=30)) - timedelta(days=30)
    if start >= end:
        raise InvalidInputError(
            "the range ends before it begins", hint="`since` has to be earlier than `until`"
        )
    if end - start > _LONGEST or start < _EPOCH:
        raise InvalidInputError("the range is longer than ten years", hint="ask for a shorter one")
    pairs = dict(_pair(each) for each in only or ())
    unknown = [each for each in (by, *pairs) if not (_GROUP.fullmatch(each) and is_group(each))]
    if unknown:
        raise InvalidInputError(
            f"cannot group by {', '.join(unknown)}", hint=f"group by any of {', '.join(GROUPS)} and tag:NAME"
        )
    return Range(since=start, until=end, by=by, only=pairs, step=step, local=local)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InvalidInputError(f"`only` is {text!r}", hint="write for example only=provider=lambda")
    return name, value
