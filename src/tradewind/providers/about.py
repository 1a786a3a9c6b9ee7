"""What a provider says of itself: names, set-up steps, strengths and weaknesses, credentials.

Found by the entry point group `tradewind.abouts`: id -> an `About`. It is there for every provider that prices can be
compared for, whether or not jobs can be run there yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points

from tradewind.domain.errors import NotFoundError
from tradewind.domain.offers import SelfTermination

_GROUP = "tradewind.abouts"


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """One thing a user has to give. `environment` is where the vendor's own tools look for it."""

    name: str
    title: str
    environment: str
    is_secret: bool = True
    is_required: bool = True
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A provider in words and a few figures. Sentences are for users to read."""

    id: str
    #: Its id under `/api/cloud`.
    cloud_id: str
    provider_type: str
    title: str
    #: machines | jobs | owned
    kind: str
    #: What can be run: `any_command`, `fine_tune`, `cluster`.
    runs: tuple[str, ...] = ("any_command",)
    aliases: tuple[str, ...] = ()
    setup_steps: tuple[str, ...]
    #: Address of the vendor's API documentation.
    api_docs: str
    #: How long a user needs to get ready the first time, for example `10 min`.
    estimated_time: str
    pros: tuple[str, ...]
    cons: tuple[str, ...]
    credentials: tuple[CredentialField, ...] = ()
    has_spot: bool = False
    has_multi_node: bool = False
    self_termination: SelfTermination = SelfTermination.NONE
    #: What is still missing or uncertain, for users to see.
    limits: tuple[str, ...] = ()


@cache
def all_abouts() -> dict[str, About]:
    """Every provider that is known, by id."""
    found: dict[str, About] = {}
    for point in sorted(entry_points(group=_GROUP), key=lambda each: each.name):
        about = point.load()
        found[about.id] = about
    return found


def find_about(name: str) -> About:
    """The provider with this id, `/api/cloud` id, provider type or alias. Raises NotFoundError with the known ids."""
    wanted = name.strip().lower()
    for about in all_abouts().values():
        if wanted in {about.id, about.cloud_id, about.provider_type, *about.aliases}:
            return about
    raise NotFoundError(
        f"no provider is called {name!r}", hint=f"known providers: {', '.join(sorted(all_abouts()))}"
    )
