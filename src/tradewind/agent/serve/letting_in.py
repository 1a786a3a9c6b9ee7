"""`let_in`: one more key may log in to this machine."""

from __future__ import annotations

import base64
import binascii
import os
import re
import struct

from ..durable import replace_file
from .places import RefusedError

_KINDS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
_COMMENT = re.compile(r"[A-Za-z0-9@._-]{0,64}")


def let_in(public_key: str) -> bool:
    """Add a key to the authorized keys of who runs this. False: it was there.

    Raises RefusedError for what is no key: a line of that file can do more than let somebody in.
    """
    kind, _, rest = public_key.strip().partition(" ")
    blob, _, comment = rest.partition(" ")
    if kind not in _KINDS or not _is_key(kind, blob) or not _COMMENT.fullmatch(comment):
        raise RefusedError("refused", "that is no public key")
    folder = os.path.expanduser("~/.ssh")
    os.makedirs(folder, 0o700, exist_ok=True)
    path = os.path.join(folder, "authorized_keys")
    try:
        with open(path, "rb") as file:
            before = file.read()
    except FileNotFoundError:
        before = b""
    if blob.encode() in before:
        return False
    if before and not before.endswith(b"\n"):
        before += b"\n"
    replace_file(
        path, before + "{} {} {}\n".format(kind, blob, comment or "tradewind").encode(), durably=True
    )
    return True


def _is_key(kind: str, blob: str) -> bool:
    try:
        raw = base64.b64decode(blob.encode("ascii"), validate=True)
        (length,) = struct.unpack(">I", raw[:4])
    except (binascii.Error, UnicodeEncodeError, struct.error, ValueError):
        return False
    return raw[4 : 4 + length] == kind.encode()
