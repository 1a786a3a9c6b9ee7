"""Costs, estimates against what came, and invoices, as they travel over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import Field

from tradewind.domain.schemas import Answer, MoneyView, Schema
from tradewind.domain.schemas_budgets import ForecastView
from tradewind.domain.schemas_shown import BadgeView

#: Characters of an invoice.
MAX_INVOICE: Final = 16 << 20
Provider = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class CostOutlook(Answer):
    """What a project spends this month (UTC): closed, used up by what runs, held beyond that, and foreseen."""

    project: str
    since: datetime
    spent: MoneyView
    running: MoneyView
    reserved: MoneyView
    cost_per_hour: MoneyView
    running_jobs: int
    forecast: ForecastView


class JobCost(Answer):
    """What was estimated of a job as it was placed, and what came. `ratio`: what came to what was estimated."""

    job: str
    name: str
    outcome: str
    provider: str
    accelerator: str
    estimated: MoneyView | None = None
    actual: MoneyView | None = None
    ratio: float | None = None
    estimated_hours: float | None = None
    actual_hours: float | None = None
    ended_at: datetime | None = None
    badge: BadgeView | None = None
    #: How what came compares with what was estimated, in words.
    text: str = ""
    estimated_hours_text: str = ""
    actual_hours_text: str = ""


class JobCostPage(Answer):
    """Jobs that ended in a period, newest first; totals of those that finished and had been estimated."""

    items: list[JobCost]
    compared_jobs: int
    estimated: MoneyView
    actual: MoneyView
    next_cursor: str | None = None
    total: int = 0
    text: str = ""


class InvoiceImport(Schema):
    """A provider's invoice as CSV."""

    provider: Provider
    content: Annotated[str, Field(min_length=1, max_length=MAX_INVOICE)]
    filename: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f]+$")] = "invoice"
    #: Only read it and say what would be new.
    dry_run: bool = False


class InvoiceAnswer(Answer):
    """What was read. Lines that were there already are not taken in again; without new ones there is no invoice."""

    id: str | None = None
    provider: str
    filename: str
    lines: int
    new_lines: int
    total: MoneyView
    since: datetime
    until: datetime


class InvoiceView(Answer):
    """An invoice that was imported."""

    id: str
    provider: str
    filename: str
    lines: int
    total: MoneyView
    since: datetime
    until: datetime
    imported_at: datetime


class InvoicePage(Answer):
    """Invoices, newest first."""

    items: list[InvoiceView]


class MatchView(Answer):
    """A thing on the invoice, in the ledger, or in both. `difference` is what the invoice says more."""

    state: Literal["matched", "differs", "invoice_only", "ledger_only"]
    resource: str
    description: str
    since: datetime
    until: datetime
    invoice: MoneyView
    ledger: MoneyView
    difference: MoneyView
    lines: int
    jobs: list[str] = Field(default_factory=list)
    note: str | None = None
    badge: BadgeView | None = None


class Reconciliation(Answer):
    """A provider's invoices against the ledger: what differs first."""

    provider: str
    since: datetime | None = None
    until: datetime | None = None
    tolerance_percent: float
    items: list[MatchView]
    invoice: MoneyView
    ledger: MoneyView
    difference: MoneyView


class AcceptOrder(Schema):
    """Takes over what the invoice says: one correction in the ledger for each thing named."""

    provider: Provider
    resources: Annotated[list[Annotated[str, Field(max_length=255)]], Field(max_length=10_000)] = Field(
        default_factory=list
    )
    #: All that differs by more than the tolerance.
    all: bool = False
    since: datetime | None = None
    until: datetime | None = None
    tolerance_percent: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = 1.0


class CorrectionView(Answer):
    """A row that was added to the ledger."""

    id: str
    resource: str
    amount: MoneyView
    booked_at: datetime


class AcceptAnswer(Answer):
    """The corrections that were written; none for what agrees already."""

    items: list[CorrectionView]
