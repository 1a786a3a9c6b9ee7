"""Budgets as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Table

from tradewind.db import budget_tables
from tradewind.db.rows import Leased
from tradewind.domain.budgets import Action, Period, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow(Leased):
    """A budget."""

    table: ClassVar[Table] = budget_tables.budgets
    team_id: str
    name: str
    scope: Scope
    target: str
    period: Period
    amount_micro: int | None
    currency: str
    action: Action
    thresholds: list[int]
    channel_ids: list[str]
    max_hourly_micro: int | None
    max_concurrent_jobs: int | None
    watches_anomalies: bool
    state: dict[str, Any]
    refused_at: datetime | None
    created_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "scope", Scope(self.scope))
        object.__setattr__(self, "period", Period(self.period))
        object.__setattr__(self, "action", Action(self.action))
