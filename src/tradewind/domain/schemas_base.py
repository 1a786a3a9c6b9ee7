"""The bases of everything that travels over HTTP, and money."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Schema(BaseModel):
    """Base of everything that travels. Unknown fields in a request are refused."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Answer(BaseModel):
    """Base of everything that comes back. A client ignores fields that a newer server adds."""

    # Every field is sent, those with defaults too: the document that types are made from says so.
    model_config = ConfigDict(
        extra="ignore", defer_build=True, json_schema_serialization_defaults_required=True
    )


class MoneyView(Answer):
    """An amount of money, with text ready to show."""

    micro: int
    currency: str = "USD"
    text: str
