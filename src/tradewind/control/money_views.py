"""Amounts as they travel."""

from __future__ import annotations

from tradewind.domain.money import format_money
from tradewind.domain.schemas import MoneyView


def money_view(micro: int, currency: str = "USD") -> MoneyView:
    """An amount with its text."""
    return MoneyView(micro=micro, currency=currency, text=format_money(micro, currency))
