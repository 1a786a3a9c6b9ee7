"""Jobs: submit, list, show, stop, run again, wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from tradewind.api.idempotency import Key, once
from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.drafting import fill_gaps
from tradewind.control.gang_terms import gang_providers
from tradewind.control.job_bulk import do_bulk
from tradewind.control.job_costs import job_cost
from tradewind.control.job_facets import job_facets
from tradewind.control.job_filters import JobFilter
from tradewind.control.job_lines import spec_view
from tradewind.control.job_list import Sort, job_page
from tradewind.control.planning import make_plan
from tradewind.control.predicting import fingerprint_of, past_runs
from tradewind.control.submitting import check_submission, find_job, insert_jobs, stop_job, submission_of
from tradewind.control.views import job_detail
from tradewind.db.owners import Caller
from tradewind.db.rows import JobRow
from tradewind.db.store import Transaction
from tradewind.domain.schemas import BatchAnswer, JobBatch, JobDetail, JobPage, JobSubmission, Schema
from tradewind.domain.schemas_jobs import BulkAnswer, BulkRequest, JobCostDetail, SpecView
from tradewind.domain.schemas_plan import PlanRequest, PlanView
from tradewind.domain.status import JobStatus, has_ended
from tradewind.spec.loading import validate_mapping

router = APIRouter(tags=["jobs"])
ACTIVE = [status.value for status in JobStatus if not has_ended(status)]


class StopRequest(Schema):
    """How to stop: `now` gives the command no time to write a checkpoint."""

    now: bool = False


@router.post("/plans", status_code=200)
async def plan(request: PlanRequest, services: ServicesOf, caller: CallerOf) -> PlanView:
    """Where a job would run, what it would cost, and why; `compares` shows every other place beside it."""
    spec = validate_mapping(fill_gaps(request.spec) if request.is_draft else request.spec)
    offers = await services.shelf.offers()
    table = await services.catalog.table(caller) if request.compares else None

    def answer(tx: Transaction) -> PlanView:
        history = past_runs(tx, caller.project_id, fingerprint_of(spec))
        rentable = frozenset(services.context.machines) if services.context.can_rent else frozenset()
        together = gang_providers(services.context)
        return make_plan(tx, spec, offers, table, history, rentable, together)

    return await services.context.store.read(answer)


@router.post("/jobs", status_code=201)
async def submit(
    submission: JobSubmission, services: ServicesOf, caller: CallerOf, request: Request, key: Key = None
) -> JobDetail:
    """Accepts a job. It is on disk before the answer is sent."""
    context = services.context
    spec = check_submission(context, caller, submission, await services.shelf.offers())

    def accept(tx: Transaction) -> JobDetail:
        job_id = insert_jobs(tx, caller, [(submission, spec)])[0]
        return job_detail(context, tx, caller, JobRow.get(tx, job_id))

    return await once(context.store, caller, key, request.url.path, submission, JobDetail, accept)


@router.post("/jobs/batch", status_code=201)
async def submit_batch(
    batch: JobBatch, services: ServicesOf, caller: CallerOf, request: Request, key: Key = None
) -> BatchAnswer:
    """Accepts many jobs in one transaction: all of them or none."""
    context, offers = services.context, await services.shelf.offers()
    accepted = [(each, check_submission(context, caller, each, offers)) for each in batch.jobs]
    return await once(
        context.store,
        caller,
        key,
        request.url.path,
        batch,
        BatchAnswer,
        lambda tx: BatchAnswer(ids=insert_jobs(tx, caller, accepted)),
    )


@router.post("/jobs/bulk")
async def bulk(
    wanted: BulkRequest, services: ServicesOf, caller: CallerOf, request: Request, key: Key = None
) -> BulkAnswer:
    """Stops many jobs, or runs many again, with one answer for each; `dry_run` says what would be done."""
    context = services.context
    offers = await services.shelf.offers() if wanted.action == "retry" else []
    if wanted.dry_run:
        return await context.store.read(lambda tx: do_bulk(context, tx, caller, wanted, offers))
    return await once(
        context.store,
        caller,
        key,
        request.url.path,
        wanted,
        BulkAnswer,
        lambda tx: do_bulk(context, tx, caller, wanted, offers),
    )


Words = Annotated[list[Annotated[str, Field(max_length=256)]] | None, Query(max_length=50)]


@router.get("/jobs")
async def list_jobs(
    services: ServicesOf,
    caller: CallerOf,
    status: Annotated[list[JobStatus] | None, Query()] = None,
    name: str | None = None,
    active: bool = False,
    q: Annotated[str | None, Query(max_length=200)] = None,
    provider: Words = None,
    accelerator: Words = None,
    creator: Words = None,
    tag: Words = None,
    since: datetime | None = None,
    until: datetime | None = None,
    sort: Sort = "newest",
    reverse: bool = False,
    facets: bool = False,
    limit: Annotated[int, Field(ge=1, le=1000)] = 100,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
) -> JobPage:
    """A page of jobs, the newest first unless `sort` says otherwise; `facets` counts how many there are of what.

    `q` is looked for in names, ids and tags; `tag` is `key` or `key=value`. Values of one kind widen, kinds narrow.
    """
    wanted = JobFilter(
        q=(q or "").strip() or None,
        statuses=ACTIVE if active else [each.value for each in status or []],
        name=name,
        providers=provider or (),
        accelerators=accelerator or (),
        creators=creator or (),
        tags=tag or (),
        since=_aware(since),
        until=_aware(until),
    )
    context = services.context

    def read(tx: Transaction) -> JobPage:
        page = job_page(
            context, tx, caller, wanted, sort=sort, is_reversed=reverse, limit=limit, cursor=cursor
        )
        if facets:
            page.facets = job_facets(context, tx, caller, wanted)
        return page

    return await context.store.read(read)


def _aware(at: datetime | None) -> datetime | None:
    """A time without a zone is in UTC."""
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


@router.get("/jobs/{reference}")
async def show(reference: str, services: ServicesOf, caller: CallerOf) -> JobDetail:
    """One job, by id or by name (the newest of that name)."""
    return await _detail(services, caller, reference)


@router.get("/jobs/{reference}/cost")
async def cost(reference: str, services: ServicesOf, caller: CallerOf) -> JobCostDetail:
    """What a job has cost in parts, beside its estimate and its budget, and where it is heading."""
    context = services.context
    return await context.store.read(lambda tx: job_cost(context, tx, caller, find_job(tx, caller, reference)))


@router.get("/jobs/{reference}/spec")
async def spec(reference: str, services: ServicesOf, caller: CallerOf) -> SpecView:
    """The file of a job as it was submitted, as YAML, and as a line for a shell."""
    return await services.context.store.read(lambda tx: spec_view(find_job(tx, caller, reference)))


@router.post("/jobs/{reference}/stop")
async def stop(
    reference: str,
    services: ServicesOf,
    caller: CallerOf,
    request: Request,
    how: StopRequest | None = None,
    key: Key = None,
) -> JobDetail:
    """Asks a job to end. Stopping one that has ended changes nothing."""
    context, now = services.context, how is not None and how.now

    def note(tx: Transaction) -> JobDetail:
        return job_detail(context, tx, caller, stop_job(tx, caller, reference, now=now))

    return await once(context.store, caller, key, request.url.path, how, JobDetail, note)


@router.post("/jobs/{reference}/retry", status_code=201)
async def retry(
    reference: str, services: ServicesOf, caller: CallerOf, request: Request, key: Key = None
) -> JobDetail:
    """Submits an ended job again, as a new job with the same file and workdir."""
    context = services.context
    offers = await services.shelf.offers()

    def accept(tx: Transaction) -> JobDetail:
        # Looked up in here, where a repetition does not come: by then the newest job of a name is the retry itself.
        submission = submission_of(tx, caller, reference)
        spec = check_submission(context, caller, submission, offers)
        job_id = insert_jobs(tx, caller, [(submission, spec)])[0]
        return job_detail(context, tx, caller, JobRow.get(tx, job_id))

    return await once(context.store, caller, key, request.url.path, None, JobDetail, accept)


@router.get("/jobs/{reference}/wait")
async def wait(
    reference: str,
    services: ServicesOf,
    caller: CallerOf,
    timeout_s: Annotated[float, Field(ge=0, le=300)] = 30,
) -> JobDetail:
    """Answers when the job has ended, or with how it is when the time is over."""
    context = services.context
    job_id = (await context.store.read(lambda tx: find_job(tx, caller, reference))).id
    deadline = context.clock.now() + timedelta(seconds=timeout_s)
    with context.store.wakeups.subscribe(f"job:{job_id}") as woken:
        while True:
            woken.clear()
            job = await context.store.read(lambda tx: JobRow.get(tx, job_id))
            left = (deadline - context.clock.now()).total_seconds()
            if has_ended(job.status) or left <= 0:
                return await _detail(services, caller, job_id)
            await context.clock.wait(woken, min(left, 5.0))


async def _detail(services: ServicesOf, caller: Caller, reference: str) -> JobDetail:
    context = services.context
    return await context.store.read(
        lambda tx: job_detail(context, tx, caller, find_job(tx, caller, reference))
    )
