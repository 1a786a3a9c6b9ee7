"""Machines of the user's own that are reached over SSH, as they travel."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from tradewind.domain.schemas import Answer, MoneyView, Schema
from tradewind.domain.schemas_shown import UNSAID, ActionView, BadgeView

#: A name or an address: nothing that a shell or a log would stumble over.
Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:%\[\]-]{1,255}$")]
HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@$-]{0,63}$")]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Port = Annotated[int, Field(ge=1, le=65535)]


class JumpSpec(Schema):
    """A machine that another one is reached through."""

    address: Address
    port: Port = 22
    user: UserName
    #: The key it is known by, in OpenSSH's form.
    host_key: str = ""


class HostProbe(Schema):
    """Asks for the host key that answers at an address now."""

    address: Address
    port: Port = 22
    jump: JumpSpec | None = None
    #: How this server logs in to the machine in between: the path of a private key on the server's machine.
    key_file: str | None = None
    uses_agent: bool = False


class HostKeyView(Answer):
    """A host key, and its fingerprint as `ssh-keygen -l` shows it."""

    host_key: str
    fingerprint: str
    #: Of the machine in between, where there is one.
    jump_host_key: str | None = None
    jump_fingerprint: str | None = None


class HostSpec(Schema):
    """A machine to be added, or to be changed."""

    name: HostName
    address: Address
    port: Port = 22
    user: UserName
    #: The key it is known by, in OpenSSH's form: nothing is sent to a machine that shows another one.
    host_key: str
    #: The path of a private key on the server's machine.
    key_file: str | None = None
    #: Whether the server's SSH agent is asked.
    uses_agent: bool = False
    jump: JumpSpec | None = None
    #: What an hour of the whole machine costs its owner, in millionths of a dollar; None: its electricity.
    micro_per_hour: Annotated[int, Field(ge=0, le=10**12)] | None = None
    #: Where it stands, in a word that `regions` in job files may name.
    region: Word = "own"
    #: Hosts that name the same network reach each other, and can run a job together.
    network: Word = "own"
    #: Under which they do; None: under the address that this server uses.
    private_address: Address | None = None
    #: Whether jobs get accelerators that somebody uses without Tradewind.
    ignores_others: bool = False


class HostView(Answer):
    """A machine that was added."""

    node: str
    name: str
    address: str
    port: int
    user: str
    fingerprint: str
    jump: str | None = None
    key_file: str | None = None
    uses_agent: bool = False
    region: str
    network: str = "own"
    private_address: str | None = None
    status: str
    explanation: str
    price_per_hour: MoneyView | None = None
    cpus: float
    memory_bytes: int
    accelerators: list[str] = Field(default_factory=list)
    badge: BadgeView = UNSAID
    #: `me@10.0.0.5:22`, and what it has and costs in words.
    where: str = ""
    has: str = ""
    price_text: str = ""
    #: What may be done with it: remove, or say that it is gone for good.
    permitted: list[ActionView] = Field(default_factory=list)
    #: Who uses its accelerators without Tradewind: `2 of 8 in use by others: ana (pid 4711)`; None: nobody.
    others: str | None = None
    ignores_others: bool = False


class HostList(Answer):
    """Every machine that was added."""

    items: list[HostView]
    #: The public half of this installation's own key: machines that accept it need no other.
    public_key: str
