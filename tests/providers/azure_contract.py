"""What Azure published, as far as the adapter uses it, with the doors closed.

The contracts are derived from Microsoft's own clients. They leave out which statuses a call answers with, what a page
of a list looks like, and some calls; the overlays beside this file add those, each entry with its evidence. The login
is from Entra's documentation of the client credentials grant.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from tests.providers.contracts import Merged, OpenApi, open_api

_HERE: Final = Path(__file__).parent
_TEXT: Final = {"type": "string"}
_WHOLE: Final = {"type": "integer"}


@lru_cache
def azure_contract() -> Merged:
    """Compute, network, resource groups and the login."""
    return Merged(
        open_api("azure/compute.json", overlay=_HERE / "azure_compute_overlay.json", known_values_only=True),
        open_api("azure/network.json", overlay=_HERE / "azure_network_overlay.json", known_values_only=True),
        OpenApi(_LOGIN, ""),
    )


def _body(required: list[str], **properties: Any) -> dict[str, Any]:
    schema = {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }
    return {"description": "", "content": {"application/json": {"schema": schema}}}


_GRANTED: Final = _body(
    ["token_type", "expires_in", "access_token"],
    token_type={"enum": ["Bearer"]},
    expires_in=_WHOLE,
    ext_expires_in=_WHOLE,
    access_token=_TEXT,
)
_REFUSED: Final = _body(
    ["error", "error_description"],
    error=_TEXT,
    error_description=_TEXT,
    error_codes={"type": "array", "items": _WHOLE},
    timestamp=_TEXT,
    trace_id=_TEXT,
    correlation_id=_TEXT,
    error_uri=_TEXT,
)
#: The request is a form, which the simulator reads field by field.
_LOGIN: Final = {
    "openapi": "3.1.0",
    "paths": {
        "/{tenant}/oauth2/v2.0/token": {
            "post": {"responses": {"200": _GRANTED, "400": _REFUSED, "401": _REFUSED}}
        }
    },
}
