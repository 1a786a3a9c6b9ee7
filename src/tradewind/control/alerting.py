"""What alerts work with besides the control plane's surroundings. Built once, by the composition root."""

from __future__ import annotations

from dataclasses import dataclass

from tradewind.control.alert_prices import OfferShelf
from tradewind.control.notifying import Notifier
from tradewind.db.sealing import Sealer


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerting:
    """Where the offers are, who delivers messages, and what the addresses of channels are sealed with."""

    shelf: OfferShelf
    notifier: Notifier
    sealer: Sealer
