"""Getting at a running job: a shell, files and ports, over SSH."""

from __future__ import annotations

from fastapi import APIRouter

from tradewind.api.services import CallerOf, ServicesOf
from tradewind.control.access_desk import open_access
from tradewind.domain.schemas_access import AccessRequest, AccessView

router = APIRouter(tags=["jobs"])


@router.post("/jobs/{reference}/access")
async def access(reference: str, what: AccessRequest, services: ServicesOf, caller: CallerOf) -> AccessView:
    """Where a job runs now, and how to log in there. On a rented machine the key that is sent is let in."""
    return await open_access(services.context, caller, reference, what.public_key, what.rank)
