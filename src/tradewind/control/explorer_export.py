"""What the offers page shows, as a file: the same rows in the same order, a portion at a time."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from tradewind.control.explorer import found
from tradewind.control.explorer_rows import Rowing
from tradewind.control.goods import Goods
from tradewind.domain.money import MICRO
from tradewind.domain.schemas import MoneyView
from tradewind.domain.schemas_explorer import ExplorerExport, ExplorerRow

_PORTION: Final = 500
COLUMNS: Final = (
    "key", "provider", "accelerator", "accelerator_count", "memory_gb", "instance_type", "region", "zone", "market",
    "usd_per_hour", "usd_per_gpu_hour", "hours", "total_usd", "usd_per_work_hour", "work_unit", "start_minutes",
    "finish_hours", "availability", "cpus", "host_memory_gib", "disk_gib", "network_gbit_per_s", "carbon_g",
    "energy_kwh", "source", "seen_at", "can_launch", "notes",
)  # fmt: skip


def export_portions(goods: Goods, search: ExplorerExport, now: datetime) -> Iterator[str]:
    """The file piece by piece. The filters are checked before the first piece."""
    _, figures, rows = found(goods, search)
    rowing = Rowing(goods, figures, search, now)
    return _pieces(rowing, rows, is_csv=search.format == "csv")


def _pieces(rowing: Rowing, rows: Any, *, is_csv: bool) -> Iterator[str]:
    yield _csv([list(COLUMNS)]) if is_csv else "["
    for start in range(0, len(rows), _PORTION):
        records = [_record(each) for each in rowing.rows(rows[start : start + _PORTION])]
        if is_csv:
            yield _csv([list(record.values()) for record in records])
        else:
            text = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
            yield ("\n" if start == 0 else ",\n") + text
    if not is_csv:
        yield "\n]\n"


def _record(row: ExplorerRow) -> dict[str, Any]:
    values = (
        row.key, row.provider, row.accelerator, row.accelerator_count, row.memory_gb, row.instance_type, row.region,
        row.zone, row.market, _usd(row.price), _usd(row.gpu_price), row.hours, _usd(row.total), _usd(row.work),
        row.work_unit, row.start_minutes, row.finish_hours, row.availability_level.value, row.cpus,
        row.host_memory_gib, row.disk_gib, row.network_gbit_per_s, row.carbon_g, row.energy_kwh, row.source,
        None if row.seen_at is None else row.seen_at.isoformat(), row.launch.is_possible, " ".join(row.marks),
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _usd(amount: MoneyView | None) -> float | None:
    return None if amount is None else amount.micro / MICRO


def _csv(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
