"""How this installation gets into the machines it rents, and how they prove who they are.

One secret seed per installation. Its login key, and a host key for each machine, are derived from it: a machine is
given its host key when it is created and is known by it at the first contact, and a create call that is repeated says
exactly the same once more, as idempotency tokens demand.
"""

from __future__ import annotations

import base64
import json
import struct
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from tradewind.domain.secrets import Secret

SEED_BYTES: Final = 32
_PREFIX: Final = "tw"
_GANG: Final = "gang-"
_KIND: Final = b"ssh-ed25519"
_MAGIC: Final = b"openssh-key-v1\0"
_BLOCK: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """An Ed25519 key pair in OpenSSH's form."""

    private: Secret
    public: str


@dataclass(frozen=True, kw_only=True)
class Access:
    """The keys of one installation. `seed` is 32 random bytes in base 64, kept sealed."""

    installation_id: str
    seed: Secret

    @cached_property
    def login(self) -> KeyPair:
        """What the control plane logs in with."""
        return self._pair("login", f"tradewind-{self.installation_id}")

    def host_key(self, key: str) -> KeyPair:
        """What the machine of this key proves itself with."""
        return self._pair(f"host:{key}", machine_name(key))

    def user_data(self, key: str, *, guard_s: int | None = None, user: str = "root") -> str:
        """A cloud-init document: the machine's host key, who may log in, and when it ends if nobody ever does.

        `guard_s` switches the machine off so long after its first boot, unless the agent's own guard has taken over by
        then; only for providers where that ends the cost. The same key gives the same bytes.
        """
        host = self.host_key(key)
        document: dict[str, Any] = {
            "ssh_deletekeys": True,
            "ssh_genkeytypes": [],
            "ssh_keys": {"ed25519_private": host.private.reveal(), "ed25519_public": host.public},
            "ssh_pwauth": False,
            "ssh_authorized_keys": [self.login.public],
            "hostname": machine_name(key),
        }
        if user == "root":
            document["disable_root"] = False
            document["users"] = ["default", {"name": "root", "ssh_authorized_keys": [self.login.public]}]
        if guard_s is not None:
            document["bootcmd"] = [
                ["cloud-init-per", "once", "tradewind-guard", "shutdown", "-P", f"+{guard_s // 60}"]
            ]
        return "#cloud-config\n" + json.dumps(document, sort_keys=True)

    def _pair(self, purpose: str, comment: str) -> KeyPair:
        # Imported late: a server that rents nothing never needs it.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        material = base64.b64decode(self.seed.reveal())
        derived = HKDF(SHA256(), SEED_BYTES, salt=None, info=f"tradewind ssh {purpose}".encode()).derive(
            material
        )
        public = Ed25519PrivateKey.from_private_bytes(derived).public_key()
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return KeyPair(
            private=Secret(_openssh_private(derived, raw, comment)),
            public=f"{_KIND.decode()} {base64.b64encode(_public_blob(raw)).decode()} {comment}",
        )


def machine_name(key: str) -> str:
    """What a machine of this key is called at its provider: 44 lower-case letters, digits and dashes."""
    installation, _, node = key.partition("/")
    return f"{_PREFIX}-{_plain(installation)}-{_plain(node)}"


def name_prefix(installation_id: str) -> str:
    """What the names of all machines of an installation begin with."""
    return f"{_PREFIX}-{_plain(installation_id)}-"


def gang_name(installation_id: str, gang: str) -> str:
    """What is made for all machines of a gang is called so. No machine has such a name."""
    return f"{gang_prefix(installation_id)}{_plain(gang)}"


def gang_prefix(installation_id: str) -> str:
    """What the names of what is made for gangs begin with."""
    return f"{name_prefix(installation_id)}{_GANG}"


def key_of_name(name: str, installation_id: str) -> str | None:
    """The key of a machine that is called so; None where it is not one of this installation's."""
    prefix = name_prefix(installation_id)
    rest = name.removeprefix(prefix)
    return f"{installation_id}/node_{rest}" if rest != name and rest.isalnum() else None


def _plain(identifier: str) -> str:
    # The kind before the underscore says nothing here, and some names have no room for the sign.
    return identifier.rpartition("_")[2]


def _public_blob(raw: bytes) -> bytes:
    return _text(_KIND) + _text(raw)


def _openssh_private(seed: bytes, raw: bytes, comment: str) -> str:
    """A private key file as `ssh-keygen` writes it (PROTOCOL.key of OpenSSH), without its random number.

    Two equal numbers show a reader that it was decrypted rightly; they are taken from the key, so that the same key is
    always the same text.
    """
    check = raw[:4]
    private = check + check + _text(_KIND) + _text(raw) + _text(seed + raw) + _text(comment.encode())
    private += bytes(range(1, -len(private) % _BLOCK + 1))
    blob = (
        _MAGIC + _text(b"none") + _text(b"none") + _text(b"") + struct.pack(">I", 1) + _text(_public_blob(raw))
        + _text(private)
    )  # fmt: skip
    body = base64.b64encode(blob).decode()
    lines = [body[start : start + 70] for start in range(0, len(body), 70)]
    return "\n".join(("-----BEGIN OPENSSH PRIVATE KEY-----", *lines, "-----END OPENSSH PRIVATE KEY-----", ""))


def _text(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + data
