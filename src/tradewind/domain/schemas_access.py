"""How a user gets at a running job, as it travels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from tradewind.domain.schemas import Answer, Schema

PublicKey = Annotated[
    str, StringConstraints(pattern=r"^(ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/=]{1,4096}( \S{0,64})?$")
]


class AccessRequest(Schema):
    """Asks to be let in to where a job runs. The key is added to a rented machine, and ends with it."""

    public_key: PublicKey
    #: Of a job on several nodes: to which of them.
    rank: Annotated[int, Field(ge=0)] = 0


class AccessView(Answer):
    """Where a job runs, and how to log in there.

    `here`: on the server's own machine. `key`: with the key that was sent. `own`: with whatever lets its owner in.
    """

    job: str
    attempt: str
    place: str
    how: Literal["here", "key", "own"]
    #: The job's working directory there.
    directory: str
    host: str = ""
    port: int = 22
    user: str = ""
    host_keys: list[str] = Field(default_factory=list)
    #: `user@address:port` of a machine in between.
    jump: str | None = None
    key_file: str | None = None
