"""Lines of a job's logs by number, and a search among them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import Field

from tradewind.api.services import CallerOf, Services, ServicesOf
from tradewind.control.rank_views import find_part
from tradewind.control.ranks import name_of_rank
from tradewind.control.submitting import find_job
from tradewind.db.owners import Caller
from tradewind.db.rows import AttemptRow, JobRow
from tradewind.db.store import Transaction
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.schemas_logs import LogLine, LogLines, LogMatches, LogStream, LogStreamView
from tradewind.domain.status import has_ended
from tradewind.domain.units import format_bytes
from tradewind.storage.log_lines import ALL, Line, LogReader, Stretch
from tradewind.storage.log_search import TIME_LIMIT_S
from tradewind.storage.log_search import Query as Wanted
from tradewind.storage.logs import STREAMS, AttemptLogs

router = APIRouter(tags=["logs"])
_MOST_LINES: Final = 2000
_LABELS: Final[dict[LogStream, str]] = {
    "all": "Everything",
    "setup": "Set-up",
    "stdout": "Output",
    "stderr": "Error output",
}
_NUMBER: Final = 2**63 - 1
Attempt = Annotated[int | None, Field(ge=1, le=_NUMBER)]
Rank = Annotated[int, Field(ge=0, le=_NUMBER)]
Limit = Annotated[int, Field(ge=1, le=_MOST_LINES)]


@router.get("/jobs/{reference}/logs/lines")
async def lines(
    reference: str,
    services: ServicesOf,
    caller: CallerOf,
    attempt: Attempt = None,
    stream: LogStream = "all",
    rank: Rank = 0,
    start: Annotated[int, Field(ge=-_MOST_LINES, le=_NUMBER)] = 0,
    limit: Limit = 500,
) -> LogLines:
    """Lines from number `start` on; a negative start counts from the end. Without an attempt the newest is meant.

    `all` has the set-up first, then output and errors in the order in which they were written, to the agent's tick.
    """
    job, row = await _find(services, caller, reference, attempt, rank)
    if row is None:
        return _nothing(job, attempt, stream)
    logs = _logs(services, row, rank)
    return await services.context.offload(_read, services.log_reader, logs, job, row, stream, start, limit)


@router.get("/jobs/{reference}/logs/search")
async def search(
    reference: str,
    services: ServicesOf,
    caller: CallerOf,
    q: Annotated[str, Query(max_length=500, pattern=r"^[^\x00\n\r]*$")] = "",
    regex: bool = False,
    case: bool = False,
    errors_only: bool = False,
    attempt: Attempt = None,
    stream: LogStream = "all",
    rank: Rank = 0,
    after: Annotated[int | None, Field(ge=-1, le=_NUMBER)] = None,
    before: Annotated[int | None, Field(ge=0, le=_NUMBER)] = None,
    start: Annotated[int | None, Field(ge=-_MOST_LINES, le=_NUMBER)] = None,
    limit: Limit = 200,
) -> LogMatches:
    """Lines that contain a text, match a regular expression, or sound like an error.

    Those behind line `after`, those before line `before`, or those from the match of number `start` on (a negative one
    counts from the last match); without any of them from the first on.
    """
    wanted = Wanted(text=q, is_regex=regex, is_case_sensitive=case, errors_only=errors_only)
    if not q and not errors_only:
        raise InvalidInputError("say what to search for", hint="q=TEXT, or errors_only=true")
    if sum(each is not None for each in (after, before, start)) > 1:
        raise InvalidInputError("`after`, `before` and `start` exclude each other")
    job, row = await _find(services, caller, reference, attempt, rank)
    if row is None:
        return LogMatches(
            job=job.id, attempt=attempt or 0, stream=stream, total=0, matched=0, skipped=0, lines=[],
            text="There are no lines yet.",
        )  # fmt: skip

    def look() -> LogMatches:
        reader, logs = services.log_reader, _logs(services, row, rank)
        stretches = reader.stretches(logs, stream)
        matches = services.log_search.search(logs, stretches, wanted)
        if before is not None:
            skipped, numbers = matches.before(before, limit)
        elif start is not None:
            skipped, numbers = matches.from_place(start, limit)
        else:
            skipped, numbers = matches.after(-1 if after is None else after, limit)
        total = _total(stretches)
        return LogMatches(
            job=job.id,
            attempt=row.number,
            stream=stream,
            total=total,
            matched=len(matches),
            skipped=skipped,
            lines=[_view(each) for each in reader.read_some(logs, stretches, numbers)],
            text=_counted(len(matches), total),
        )

    try:
        return await services.context.offload(look)
    except ValueError as error:
        raise InvalidInputError(
            f"{q!r} is no regular expression: {error}", hint="leave `regex` out to search for the text itself"
        ) from None
    except TimeoutError:
        raise InvalidInputError(
            f"the search took longer than {TIME_LIMIT_S:.0f} s", hint="use a simpler expression, or a text"
        ) from None


def _counted(matched: int, total: int) -> str:
    return f"{matched:,} of {total:,} lines {'matches' if matched == 1 else 'match'}"


async def _find(
    services: Services, caller: Caller, reference: str, attempt: int | None, rank: int
) -> tuple[JobRow, AttemptRow | None]:
    def read(tx: Transaction) -> tuple[JobRow, AttemptRow | None]:
        job = find_job(tx, caller, reference)
        return job, find_part(tx, job.id, attempt, rank)

    return await services.context.store.read(read)


def _logs(services: Services, row: AttemptRow, rank: int) -> AttemptLogs:
    context = services.context
    directory = context.attempt_directory(name_of_rank(row.id, rank))
    return AttemptLogs(directory, row.observed.get("dropped"), context.log_cap_bytes)


def _nothing(job: JobRow, attempt: int | None, stream: LogStream) -> LogLines:
    note = "No attempt has begun yet: logs come with the first one."
    if attempt is not None:
        note = f"There is no attempt {attempt} yet."
    return LogLines(
        job=job.id, attempt=0, stream=stream, start=0, total=0, lines=[], streams=[],
        is_complete=has_ended(job.status), note=note,
    )  # fmt: skip


def _read(
    reader: LogReader,
    logs: AttemptLogs,
    job: JobRow,
    row: AttemptRow,
    stream: LogStream,
    start: int,
    limit: int,
) -> LogLines:
    stretches = reader.stretches(logs, stream)
    total = _total(stretches)
    begin = max(total + start, 0) if start < 0 else start
    return LogLines(
        job=job.id,
        attempt=row.number,
        stream=stream,
        start=begin,
        total=total,
        lines=[_view(each) for each in reader.read(logs, stretches, begin, limit)],
        streams=_streams(reader, logs),
        is_complete=has_ended(row.status),
        note=_note(reader, logs, row, total),
    )


def _total(stretches: list[Stretch]) -> int:
    return stretches[-1].position + stretches[-1].count if stretches else 0


def _streams(reader: LogReader, logs: AttemptLogs) -> list[LogStreamView]:
    found = [
        LogStreamView(
            id=each,
            label=_LABELS[each],
            lines=reader.indexes.of(logs, each).total,
            size_bytes=logs.size_bytes(each),
        )
        for each in STREAMS
    ]
    whole = LogStreamView(
        id=ALL,
        label=_LABELS[ALL],
        lines=sum(each.lines for each in found),
        size_bytes=sum(each.size_bytes for each in found),
    )
    return [whole, *found]


def _note(reader: LogReader, logs: AttemptLogs, row: AttemptRow, total: int) -> str:
    gaps = [(each, gap) for each in STREAMS for gap in reader.indexes.of(logs, each).gaps]
    if gaps:
        lost = sum(gap.stop - gap.begin for _, gap in gaps)
        names = " and ".join(dict.fromkeys(_LABELS[name].lower() for name, _ in gaps))
        return (
            f"The log cap was reached: {format_bytes(lost)} in the middle of {names} were dropped; "
            "the beginning and the end are kept."
        )
    if not has_ended(row.status):
        return "Live: lines are kept as they come."
    if total == 0:
        return "Nothing was written." if logs.exists() else "The logs of this attempt are not here any more."
    return "Complete: kept here, though the machine is gone." if row.is_rented else "Complete, and kept here."


def _view(line: Line) -> LogLine:
    return LogLine(
        number=line.number,
        stream=line.stream,
        number_in_stream=line.number_in_stream,
        at=None if line.at_ms is None else datetime.fromtimestamp(line.at_ms / 1000, UTC),
        text=line.text,
        level=line.level,
        is_cut=line.is_cut,
        is_dropped=line.is_dropped,
    )
