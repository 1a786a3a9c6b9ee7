"""What a subscription may have: quotas of processors by region, and sizes that are kept from it."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Market, Offer
from tradewind.providers.asking import credential
from tradewind.providers.azure.arm import MACHINE, Arm
from tradewind.providers.azure.network import Networks
from tradewind.providers.base import Account, Quota
from tradewind.providers.renting import Setup

#: Quotas that hold for all sizes: of a region on demand, and of all spot machines there.
_GENERAL: Final = frozenset({"cores", "lowprioritycores"})
#: The families with accelerators.
_FAMILIES: Final = ("standardnc", "standardnd", "standardng", "standardnv")


async def examine_account(setup: Setup, arm: Arm, networks: Networks) -> Account:
    """Looks at the subscription in the regions of the setting `regions`, else wherever the catalog knows offers."""
    machines = await arm.all_of(MACHINE, networks.own_group)
    given = setup.wire.settings.get("regions") or {each.region for each in await setup.listed()}
    regions = tuple(sorted({given} if isinstance(given, str) else set(map(str, given))))
    missing: set[str] = set()

    async def quotas_in(region: str) -> list[Quota]:
        try:
            rows = await arm.usages(region)
        except ProviderError as error:
            if error.fault is ProviderFault.PERMISSION:
                missing.add("Microsoft.Compute/locations/usages/read")
                return []
            raise
        return [quota for row in rows if (quota := _quota(row, region)) is not None]

    found = await asyncio.gather(*(quotas_in(region) for region in regions))
    return Account(
        identity=f"Azure subscription {credential(setup.wire, 'AZURE_SUBSCRIPTION_ID')} "
        f"with {len(machines)} virtual machines",
        regions=regions,
        quotas=tuple(quota for each in found for quota in each),
        missing=tuple(sorted(missing)),
        notes=_notes(networks),
    )


def _notes(networks: Networks) -> tuple[str, ...]:
    notes = [
        "Each machine also costs a disk and a public address, which are not in the prices shown.",
        "A machine that cannot be reached any more goes on costing money: Azure ends none by itself.",
    ]
    try:
        networks.sources()
    except ProviderError as error:
        notes.append(f"No machine can be rented yet: {error.message}. {error.hint or ''}".rstrip())
    return tuple(notes)


def _quota(row: dict[str, Any], region: str) -> Quota | None:
    name = row.get("name") or {}
    value = str(name.get("value") or "").casefold()
    limit = float(row.get("limit") or 0)
    is_telling = value in _GENERAL or (value.startswith(_FAMILIES) and limit > 0)
    if not is_telling:
        return None
    title = str(name.get("localizedValue") or name.get("value"))
    return Quota(name=title, limit=limit, used=float(row.get("currentValue") or 0), region=region)


async def refuse_what_cannot_be_had(arm: Arm, offer: Offer) -> None:
    """Raises ProviderError where the subscription cannot have the size, or not there, or not on these terms."""
    what = f"{offer.instance_type} in {offer.region}"
    sizes = [
        each
        for each in await arm.sizes(offer.region)
        if each.get("resourceType") == "virtualMachines" and each.get("name") == offer.instance_type
    ]
    if not sizes:
        raise ProviderError(ProviderFault.INVALID, f"Azure has no {what}")
    able = {str(each.get("name")): each.get("value") for each in sizes[0].get("capabilities") or []}
    if offer.market == Market.SPOT and able.get("LowPriorityCapable") == "False":
        raise ProviderError(ProviderFault.INVALID, f"Azure sells no spot machines of {what}")
    for each in sizes[0].get("restrictions") or []:
        zones = (each.get("restrictionInfo") or {}).get("zones") or []
        if each.get("type") == "Location" or offer.zone in zones:
            is_quota = each.get("reasonCode") == "QuotaId"
            raise ProviderError(
                ProviderFault.QUOTA if is_quota else ProviderFault.CAPACITY,
                f"{what} is not available to this subscription ({each.get('reasonCode')})",
                hint="ask Azure's support for access to the size, or take another region",
            )
