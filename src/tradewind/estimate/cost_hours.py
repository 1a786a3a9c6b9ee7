"""The hours behind a cost: waiting, setting up, training, and what interruptions add, with their spreads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from tradewind.domain.billing import BillingRule
from tradewind.domain.offers import Market, Offer
from tradewind.estimate.amounts import MAX_HOURS
from tradewind.estimate.band import Band
from tradewind.estimate.billing import SetupTime, setup_time, wait_time
from tradewind.estimate.interruptions import expected_losses, interruption_rate
from tradewind.estimate.run_terms import SLOW_LINK_SHARE, RunTerms

#: Standard deviations from the mean to the ninth decile of a normal distribution.
NINTH_DECILE: Final = 1.2815515655446004


@dataclass(frozen=True, slots=True, kw_only=True)
class RunHours:
    """Hours of one run on one offer; `_50` is the middle, `_90` what nine of ten runs stay below.

    Spreads are added as independent ones (root of the sum of squares): not everything goes wrong in the same run.
    """

    wait_50: float
    boot_50: float  # the part of boot and set-up that is not billed
    setup_50: float  # the part that is
    staging_h: float  # of that, fetching the data
    train_50: float
    train_90: float
    billed_loss_50: float  # what interruptions add
    billed_50: float
    billed_90: float
    wall_50: float
    wall_90: float
    count_50: float  # interruptions
    count_90: float
    setup: SetupTime

    @classmethod
    def of(
        cls, offer: Offer, hours: Band, terms: RunTerms, given: SetupTime | None, rule: BillingRule
    ) -> RunHours:
        """`given` replaces the set-up known of the provider, fetching the data included."""
        train_50, train_90 = min(hours.p50, MAX_HOURS), min(hours.p90, MAX_HOURS)
        setup = given or setup_time(offer.provider, price_source=offer.source, rule=rule)
        is_owned = offer.market == Market.OWNED
        is_at_hand = is_owned and terms.data_location is None
        staging = 0.0 if given is not None or is_at_hand else terms.staging_h
        wait = None if is_owned else wait_time(offer.availability)
        wait_50, wait_90 = (0.0, 0.0) if wait is None else (wait.p50 / 60, wait.p90 / 60)
        boot_50, boot_90 = setup.unbilled.p50 / 60, setup.unbilled.p90 / 60
        setup_50 = setup.billed.p50 / 60 + staging
        setup_90 = setup.billed.p90 / 60 + staging / SLOW_LINK_SHARE
        lost_50 = count_50 = lost_90 = count_90 = 0.0
        if offer.market == Market.SPOT:
            rate = interruption_rate(offer.provider, offer.accelerator)
            every = terms.checkpoint_every_h
            lost_50, count_50 = expected_losses(train_50, rate.per_hour * terms.nodes, every)
            lost_90, count_90 = expected_losses(train_50, rate.per_hour_p90 * terms.nodes, every)
        # Half a granule is what rounding up takes from a stretch that ends at any moment.
        again = setup_50 + terms.restore_h + rule.granularity_s / 7_200
        again_wall = setup_50 + terms.restore_h + (wait_50 + boot_50)
        billed_loss_50 = lost_50 + count_50 * again
        billed_loss_90 = lost_90 + count_90 * again + _unlucky(lost_90, count_90, again)
        wall_loss_50 = lost_50 + count_50 * again_wall
        wall_loss_90 = lost_90 + count_90 * again_wall + _unlucky(lost_90, count_90, again_wall)
        stretch = 1.0 + lost_50 / train_50 if train_50 > 0 else 1.0
        train = (train_90 - train_50) * stretch
        start = setup_90 - setup_50
        billed_loss, wall_loss = billed_loss_90 - billed_loss_50, wall_loss_90 - wall_loss_50
        wait_more, boot_more = wait_90 - wait_50, boot_90 - boot_50
        known = train * train + start * start
        billed_50 = setup_50 + train_50 + billed_loss_50
        wall_50 = wait_50 + boot_50 + setup_50 + train_50 + wall_loss_50
        return cls(
            wait_50=wait_50,
            boot_50=boot_50,
            setup_50=setup_50,
            staging_h=staging,
            train_50=train_50,
            train_90=train_90,
            billed_loss_50=billed_loss_50,
            billed_50=billed_50,
            billed_90=billed_50 + math.sqrt(known + billed_loss * billed_loss),
            wall_50=wall_50,
            wall_90=wall_50
            + math.sqrt(known + wall_loss * wall_loss + wait_more * wait_more + boot_more * boot_more),
            count_50=count_50,
            count_90=count_90,
            setup=setup,
        )


def _unlucky(lost_h: float, count: float, again_h: float) -> float:
    """What nine of ten runs stay below, over the mean: the number of interruptions is a Poisson one."""
    if count <= 0:
        return 0.0
    return NINTH_DECILE * math.sqrt(count) * (lost_h / count + again_h)
