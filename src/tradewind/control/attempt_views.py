"""Attempts as the API shows them: where each ran, what it cost, from which checkpoint it went on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import func, select

from tradewind.control.accruing import held_accelerators
from tradewind.control.job_badges import attempt_badge
from tradewind.control.job_money import BASIS_LABELS, Accruing, accruing_of
from tradewind.control.money_views import money_view
from tradewind.control.rank_views import rank_views
from tradewind.db import tables
from tradewind.db.rows import AttemptRow, NodeRow
from tradewind.db.store import Transaction
from tradewind.domain.schemas import AttemptView, RankView
from tradewind.domain.schemas_job_parts import LastMetricView
from tradewind.estimate.tariff import Tariff
from tradewind.ledger.rates import rate_of

#: Metrics that say most, the best first; a name that contains one of them comes before any other.
_TELLING: Final = ("loss", "accuracy", "acc", "reward", "perplexity", "bleu", "f1", "score")


def attempt_views(
    tx: Transaction, attempts: Sequence[AttemptRow], nodes: Mapping[str, NodeRow], tariff: Tariff
) -> dict[str, AttemptView]:
    """By id; with four queries at most, however many there are."""
    if not attempts:
        return {}
    settled = _settled(tx, [each.id for each in attempts])
    steps = _steps(tx, [each.resumed_from for each in attempts if each.resumed_from])
    live = {each.id: each for each in attempts}
    accruing = accruing_of(tx, sorted({each.job_id for each in attempts}), live, tariff, tx.now)
    ranks = rank_views(tx, attempts)
    return {
        each.id: _view(
            each,
            nodes.get(each.node_id),
            settled,
            steps,
            accruing.get(each.job_id, Accruing()),
            ranks.get(each.id, []),
        )
        for each in attempts
    }


def _view(
    attempt: AttemptRow,
    node: NodeRow | None,
    settled: Mapping[str, tuple[int, str]],
    steps: Mapping[str, float | None],
    accruing: Accruing,
    ranks: list[RankView],
) -> AttemptView:
    micro, basis = settled.get(attempt.id, (0, ""))
    runs_up = accruing.by_attempt.get(attempt.id)
    if runs_up is not None:
        micro, basis = micro + runs_up, accruing.basis or basis
    return AttemptView(
        id=attempt.id,
        number=attempt.number,
        status=attempt.status,
        state=attempt_badge(attempt),
        reason=attempt.reason,
        explanation=attempt.explanation,
        exit_code=attempt.exit_code,
        signal=attempt.signal,
        provider=attempt.provider,
        node=attempt.node_id if node is None else node.name,
        nodes=attempt.nodes,
        ranks=ranks,
        region=place_region(attempt) or "",
        zone=attempt.offer.get("zone"),
        instance_type=str(attempt.offer.get("instance_type") or ""),
        market=str(attempt.offer.get("market") or "owned"),
        accelerators=accelerator_text(attempt),
        cost=money_view(micro, rate_of(attempt.offer).currency),
        cost_basis=BASIS_LABELS.get(basis, basis),
        created_at=attempt.created_at,
        accepted_at=attempt.accepted_at,
        started_at=attempt.started_at,
        ended_at=attempt.ended_at,
        resumed_from=attempt.resumed_from,
        resumed_step=steps.get(attempt.resumed_from or ""),
    )


def _settled(tx: Transaction, attempt_ids: list[str]) -> dict[str, tuple[int, str]]:
    """What the ledger has of each attempt, and how it is known: an invoice says more than a price list."""
    table = tables.ledger
    rows = tx.execute(
        select(
            table.c.attempt_id,
            func.sum(table.c.amount_micro),
            func.min(table.c.basis),
            func.max(table.c.basis),
        )
        .where(table.c.attempt_id.in_(attempt_ids))
        .group_by(table.c.attempt_id)
    )
    found = {}
    for attempt_id, micro, lowest, highest in rows:
        basis = lowest if lowest in (highest, "billed") else "mixed"
        found[str(attempt_id)] = (int(micro), basis)
    return found


def _steps(tx: Transaction, checkpoint_ids: list[str]) -> dict[str, float | None]:
    if not checkpoint_ids:
        return {}
    table = tables.checkpoints
    rows = tx.execute(select(table.c.id, table.c.step).where(table.c.id.in_(checkpoint_ids)))
    return {str(row[0]): row[1] for row in rows}


def place_region(attempt: AttemptRow | None) -> str | None:
    """The zone or region that it runs in, where its place has any."""
    if attempt is None:
        return None
    found = attempt.offer.get("zone") or attempt.offer.get("region")
    return None if found is None else str(found)


def accelerator_text(attempt: AttemptRow | None) -> str | None:
    """What it holds, for example `A100-80GB:8`: the devices that are known, else those that were rented."""
    if attempt is None:
        return None
    names = [str(each["name"]) for each in attempt.offer.get("accelerators") or []]
    if names:
        return ", ".join(f"{name}:{names.count(name)}" for name in sorted(set(names)))
    name, count = held_accelerators(attempt.offer)
    return f"{name}:{count:g}" if name else None


def last_metric(attempt: AttemptRow | None) -> LastMetricView | None:
    """The metric that says most; None of what reports none."""
    known = {} if attempt is None else attempt.observed.get("metrics") or {}
    if not known:
        return None
    name = min(known, key=lambda each: (_rank(each), each))
    value = float(known[name])
    return LastMetricView(name=name, value=value, text=f"{name} {value:.4g}")


def _rank(name: str) -> int:
    parts = name.lower().replace("/", "_").replace("-", "_").split("_")
    for rank, telling in enumerate(_TELLING):
        if telling in parts:
            # `val_loss` says the same as `loss`, but `loss` is what people look for first.
            return 2 * rank + (0 if name.lower() == telling else 1)
    return 2 * len(_TELLING)
