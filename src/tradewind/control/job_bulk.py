"""The same for many jobs at once, each answered for by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from tradewind.control.context import Context
from tradewind.control.job_money import accruing_of, per_hour_view
from tradewind.control.submitting import check_submission, find_job, insert_jobs, stop_job, submission_of
from tradewind.db import tables
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import TradewindError
from tradewind.domain.offers import Offer
from tradewind.domain.schemas_jobs import BulkAnswer, BulkItem, BulkRequest
from tradewind.domain.status import Desired, has_ended

_VERBS: Final = {
    "stop": ("Stop", "Stopping"),
    "stop_now": ("Stop at once", "Stopping"),
    "retry": ("Run again", "Submitted again"),
}


def do_bulk(
    context: Context, tx: Transaction, caller: Caller, wanted: BulkRequest, offers: list[Offer]
) -> BulkAnswer:
    """Does it in this transaction, or says what it would do."""
    items, changed = [], []
    for reference in dict.fromkeys(wanted.jobs):
        try:
            job = find_job(tx, caller, reference)
        except TradewindError as error:
            items.append(BulkItem(job=reference, outcome="refused", text=str(error)))
            continue
        item = _one(context, tx, caller, wanted, job, offers)
        items.append(item)
        if item.outcome == "done":
            changed.append(job)
    per_hour = _per_hour(context, tx, changed)
    counts = [sum(each.outcome == kind for each in items) for kind in ("done", "unchanged", "refused")]
    return BulkAnswer(
        action=wanted.action,
        is_done=not wanted.dry_run,
        done=counts[0],
        unchanged=counts[1],
        refused=counts[2],
        items=items,
        per_hour=per_hour_view(per_hour),
        text=_text(wanted, counts, per_hour),
    )


def _one(
    context: Context, tx: Transaction, caller: Caller, wanted: BulkRequest, job: JobRow, offers: list[Offer]
) -> BulkItem:
    act: Callable[..., BulkItem] = _retry if wanted.action == "retry" else _stop
    return act(context, tx, caller, wanted, job, offers)


def _stop(
    _context: Context, tx: Transaction, caller: Caller, wanted: BulkRequest, job: JobRow, _offers: list[Offer]
) -> BulkItem:
    now = wanted.action == "stop_now"
    if has_ended(job.status):
        return BulkItem(job=job.id, name=job.name, outcome="unchanged", text=f"it is {job.status} already")
    if job.desired is Desired.STOP and (not now or job.stop_grace_s == 0):
        return BulkItem(job=job.id, name=job.name, outcome="unchanged", text="it is being stopped already")
    if not wanted.dry_run:
        stop_job(tx, caller, job.id, now=now)
    return BulkItem(job=job.id, name=job.name, outcome="done", text="is told to stop")


def _retry(
    context: Context, tx: Transaction, caller: Caller, wanted: BulkRequest, job: JobRow, offers: list[Offer]
) -> BulkItem:
    try:
        submission = submission_of(tx, caller, job.id)
        spec = check_submission(context, caller, submission, offers)
    except TradewindError as error:
        return BulkItem(job=job.id, name=job.name, outcome="refused", text=str(error))
    new_job = None if wanted.dry_run else insert_jobs(tx, caller, [(submission, spec)])[0]
    return BulkItem(
        job=job.id, name=job.name, outcome="done", text="runs again as a new job", new_job=new_job
    )


def _per_hour(context: Context, tx: Transaction, jobs: list[JobRow]) -> int:
    wanted = [job.attempt_id for job in jobs if job.attempt_id]
    if not wanted:
        return 0
    rows = tx.execute(AttemptRow.select().where(tables.attempts.c.id.in_(wanted)))
    newest = {row.id: AttemptRow.of(row) for row in rows}
    found = accruing_of(tx, [job.id for job in jobs], newest, context.tariff, tx.now)
    return sum(each.micro_per_hour for each in found.values())


def _text(wanted: BulkRequest, counts: list[int], per_hour_micro: int) -> str:
    done, unchanged, refused = counts
    ask, did = _VERBS[wanted.action]
    jobs = "1 job" if done == 1 else f"{done:,} jobs"
    rest = []
    if unchanged:
        rest.append(f"{unchanged:,} need{'s' if unchanged == 1 else ''} nothing")
    if refused:
        rest.append(f"{refused:,} cannot")
    others = f" ({', '.join(rest)})" if rest else ""
    if not done:
        return f"There is nothing to do{others}."
    text = f"{ask}: {jobs}?{others}" if wanted.dry_run else f"{did}: {jobs}{others}."
    if wanted.action == "retry":
        return f"{text} Each becomes a new job with the same file and workdir." if wanted.dry_run else text
    if per_hour_micro:
        verb = "costs" if done == 1 else "cost"
        text += f" {'It' if done == 1 else 'Together they'} {verb} {per_hour_view(per_hour_micro).text} now."
    return text
