"""What a provider says of itself: names, set-up steps, strengths and weaknesses, credentials.

Found by the entry point group `tradewind.abouts`: id -> an `About`. It is there for every provider that prices can be
compared for, whether or not jobs can be run there yet.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from tradewind.domain.errors import NotFoundError
from tradewind.domain.offers import SelfTermination
from tradewind.providers.plugins import BrokenPlugin, Plugins, load_plugins
from tradewind.providers.vendor_files import VendorFiles

_GROUP: Final = "tradewind.abouts"
_PRICES_ONLY: Final = "This version compares its prices; it cannot run jobs there."


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialField:
    """One thing a user has to give. `environment` is where the vendor's own tools look for it."""

    name: str
    title: str
    environment: str
    is_secret: bool = True
    is_required: bool = True
    hint: str = ""
    #: True where the value is the path of a file on the server's machine.
    is_path: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingField:
    """One thing that may be set on a connection beside its credentials. A list is written with commas."""

    name: str
    title: str
    is_list: bool = False
    #: A regular expression that the whole of it must match.
    pattern: str = ".{1,1000}"


#: What every provider of machines has: images differ in who logs in, and where.
MACHINE_SETTINGS: Final = (
    SettingField(
        name="ssh_port", title="Port that machines answer on, instead of 22", pattern="[1-9][0-9]{0,4}"
    ),
    SettingField(
        name="ssh_user",
        title="Who logs in, instead of the usual user",
        pattern="[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}",
    ),
)
#: What every provider has: where it is asked, for private endpoints and for tests.
BASE_URL: Final = SettingField(name="base_url", title="Address of its API, instead of the vendor's own")
#: Most vendors do not say when a key runs out: whoever makes one knows.
EXPIRES_ON: Final = SettingField(
    name="expires_on",
    title="Day on which the credentials run out (YYYY-MM-DD), to be told before",
    pattern="[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The least a credential must be allowed, in the vendor's own form, ready to be handed to the vendor's tools."""

    name: str
    #: What it is, and how it is put to use. Sentences for users.
    title: str
    usage: str
    #: The file that holds it: a package, and a name in it.
    package: str
    resource: str

    def text(self) -> str:
        """The policy itself."""
        return resources.files(self.package).joinpath(self.resource).read_text(encoding="utf-8")


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
    #: True where this version of Tradewind can run jobs; elsewhere its prices are compared, no more.
    can_run: bool = False
    #: What is uncertain, for users to see.
    limits: tuple[str, ...] = ()
    #: Where the vendor's own tool keeps credentials, if that can be read.
    files: VendorFiles | None = None
    policies: tuple[Policy, ...] = ()
    #: What may be set on a connection, besides what every provider has.
    settings: tuple[SettingField, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Everything it is called, without signs and capitals."""
        return frozenset(map(plain_name, (self.id, self.cloud_id, self.provider_type, *self.aliases)))

    @property
    def all_settings(self) -> tuple[SettingField, ...]:
        """Everything that may be set on a connection."""
        if self.kind == "owned":
            return ()
        return (BASE_URL, EXPIRES_ON, *(MACHINE_SETTINGS if self.kind == "machines" else ()), *self.settings)

    @property
    def shortcomings(self) -> tuple[str, ...]:
        """What a user must know before relying on it: `limits`, after that jobs cannot be run there, if so."""
        return self.limits if self.can_run else (_PRICES_ONLY, *self.limits)


def all_abouts() -> dict[str, About]:
    """Every provider that is known, by id."""
    return dict(_load().found)


def broken_abouts() -> tuple[BrokenPlugin, ...]:
    """Providers that are installed but could not be loaded, with the reasons."""
    return _load().broken


def find_about(name: str) -> About:
    """The provider with this id, `/api/cloud` id, provider type or alias; signs and capitals do not matter.

    Raises:
        NotFoundError: there is none; the hint has the known ids.
    """
    wanted = plain_name(name)
    abouts = all_abouts()
    for about in abouts.values():
        if wanted in about.names:
            return about
    raise NotFoundError(
        f"no provider is called {name!r}", hint=f"known providers: {', '.join(sorted(abouts))}"
    )


def plain_name(name: str) -> str:
    """A provider's name without signs, spaces and capitals: `Lambda_Labs` and `lambda-labs` are `lambdalabs`."""
    return re.sub(r"[\s._-]+", "", name.casefold())


@cache
def _load() -> Plugins[About]:
    taken: dict[str, str] = {}

    def accept(name: str, loaded: object) -> About:
        if not isinstance(loaded, About):
            raise TypeError("it is not an About")
        if loaded.id != name:
            raise ValueError(f"it says that its id is {loaded.id!r}")
        for each in sorted(loaded.names):
            if each in taken:
                raise ValueError(f"{taken[each]} is called {each!r} as well")
        taken.update(dict.fromkeys(loaded.names, name))
        return loaded

    return load_plugins(_GROUP, accept)
