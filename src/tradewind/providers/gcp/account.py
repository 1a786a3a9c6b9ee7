"""What a Google Cloud project allows: its quotas of accelerators, and which permissions are missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.base import Account, Quota
from tradewind.providers.gcp.firewall import ranges_of
from tradewind.providers.gcp.tokens import GoogleTokens
from tradewind.providers.rest import Rest

#: Permissions that a call which only reads shows to be there; those to create and delete show when they are used.
_PROBES: Final = {
    "compute.instances.list": "aggregated/instances",
    "compute.machineTypes.list": "aggregated/machineTypes",
    "compute.acceleratorTypes.list": "aggregated/acceleratorTypes",
    "compute.firewalls.list": "global/firewalls",
}


async def examine(api: Rest, tokens: GoogleTokens, root: str, settings: Mapping[str, Any]) -> Account:
    """Asks for the project, its regions and quotas. Raises ProviderError."""
    project = await api.get(root)
    quotas = _quotas(project.get("quotas"), "")
    regions = []
    query: dict[str, str | int] = {"maxResults": 500}
    for region in (await api.get(f"{root}/regions", query)).get("items") or []:
        regions.append(str(region["name"]))
        quotas += _quotas(region.get("quotas"), str(region["name"]))
    missing = [name for name, path in _PROBES.items() if not await _may(api, f"{root}/{path}")]
    notes = ["Whether machines may be created and deleted shows when the first one is."]
    try:
        ranges_of(settings)
    except ProviderError as error:
        notes.append(f"{error.message[0].upper()}{error.message[1:]}: {error.hint}.")
    return Account(
        identity=f"{await tokens.identity()} in project {project.get('name')}",
        regions=tuple(sorted(regions)),
        quotas=tuple(quotas),
        missing=tuple(missing),
        notes=tuple(notes),
    )


def _quotas(rows: Any, region: str) -> list[Quota]:
    """Those of accelerators: without them no machine is rented, however many processors are allowed."""
    return [
        Quota(
            name=str(each["metric"]),
            limit=float(each.get("limit") or 0),
            used=float(each.get("usage") or 0),
            region=region,
        )
        for each in rows or []
        if "GPUS" in str(each.get("metric"))
    ]


async def _may(api: Rest, path: str) -> bool:
    try:
        await api.get(path, {"maxResults": 1})
    except ProviderError as error:
        if error.fault is not ProviderFault.PERMISSION:
            raise
        return False
    return True
