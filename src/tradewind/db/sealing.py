"""Secrets at rest: sealed with a key that is not in the database (invariant 8).

AES-256-GCM. A sealed value names the key it was sealed with, so that a new key can be put in front of the file while
what the old ones sealed still opens. What is sealed is bound to a purpose, for example the id of its row: copied
to another row it does not open.

The key file has one `id base64` per line; the first line seals, every line opens.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from tradewind.db import price_tables, tables
from tradewind.db.store import Transaction
from tradewind.domain.clock import Entropy
from tradewind.domain.errors import SecretKeyError
from tradewind.domain.paths import config_dir
from tradewind.domain.secrets import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_FILE: Final = "secret.key"
KEY_VARIABLE: Final = "TRADEWIND_SECRET_KEY_FILE"
_VERSION: Final = b"tw1"
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_KEPT: Final = "what is sealed in the database was not changed"


def purpose_of(row_id: str) -> str:
    """What the secret of a row is bound to."""
    return f"row:{row_id}"


def has_sealed(tx: Transaction) -> bool:
    """True if anything sealed is kept: every table with a sealed column is asked here."""
    questions = (
        select(price_tables.notification_channels.c.id),
        select(tables.connections.c.id).where(tables.connections.c.secret_ciphertext.is_not(None)),
        select(tables.installation_secrets.c.name),
    )
    return any(tx.execute(each.limit(1)).first() is not None for each in questions)


def key_file() -> Path:
    """Where the key lies: `TRADEWIND_SECRET_KEY_FILE`, else `secret.key` in the configuration folder."""
    named = os.environ.get(KEY_VARIABLE)
    return Path(named).expanduser().absolute() if named else config_dir() / KEY_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    id: str
    material: Secret  # base64

    def raw(self) -> bytes:
        return base64.b64decode(self.material.reveal())


class Sealer:
    """Seals and opens secrets. The key file is read when it is first needed, and made if there is none."""

    def __init__(self, path: Path, entropy: Entropy) -> None:
        self.path = path
        self._entropy = entropy
        self._keys: tuple[_Key, ...] | None = None

    def seal(self, secret: Secret, purpose: str, *, has_sealed: bool) -> bytes:
        """The secret as bytes that mean nothing without the key.

        `has_sealed` says that something sealed is already kept: then a missing key file is an error, not a reason to
        make a new key, beside which the old secrets would be lost without a word.

        Raises:
            SecretKeyError: the key file is missing, damaged or cannot be made.
        """
        key = self._load(may_make=not has_sealed)[0]
        nonce = self._entropy.token(_NONCE_BYTES)
        sealed = _cipher(key).encrypt(nonce, secret.reveal().encode(), purpose.encode())
        return b":".join((_VERSION, key.id.encode(), base64.b64encode(nonce + sealed)))

    def unseal(self, sealed: bytes, purpose: str) -> Secret:
        """The secret again.

        Raises:
            SecretKeyError: the key it was sealed with is not at hand, or the bytes were changed.
        """
        from cryptography.exceptions import InvalidTag

        parts = bytes(sealed).split(b":")
        if len(parts) != 3 or parts[0] != _VERSION:
            raise SecretKeyError("a sealed secret is damaged", hint="give the secret again", causes=(_KEPT,))
        name = parts[1].decode("ascii", "replace")
        key = next((each for each in self._load(may_make=False) if each.id == name), None)
        if key is None:
            raise SecretKeyError(
                f"{self.path} does not have the key {name} that a secret was sealed with",
                hint=f"put the old key file back, or add its line to this one; or set {KEY_VARIABLE} to where it "
                "is. If it is lost, give the secrets again",
                causes=(_KEPT,),
            )
        try:
            blob = base64.b64decode(parts[2], validate=True)
            text = _cipher(key).decrypt(blob[:_NONCE_BYTES], blob[_NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError):
            raise SecretKeyError(
                f"a sealed secret does not open with the key {name} of {self.path}: one of the two was changed",
                hint="put the old key file back, or give the secret again",
                causes=(_KEPT,),
            ) from None
        return Secret(text.decode())

    def fingerprint(self, secret: Secret, *, has_sealed: bool) -> str:
        """A keyed hash: the same for the same secret, and no help in guessing it without the key."""
        key = self._load(may_make=not has_sealed)[0]
        return hmac.new(key.raw(), b"fingerprint:" + secret.reveal().encode(), hashlib.sha256).hexdigest()

    def add_key(self) -> str:
        """Puts a new key in front, for all that is sealed from now on; its id. What older keys sealed still opens."""
        keys = (self._new_key(), *self._load(may_make=True))
        self._write(keys, replace=True)
        self._keys = keys
        return keys[0].id

    def _load(self, *, may_make: bool) -> tuple[_Key, ...]:
        if self._keys is None:
            try:
                self._keys = self._read()
            except FileNotFoundError:
                if not may_make:
                    raise SecretKeyError(
                        f"the key file {self.path} is missing, so what was sealed with it cannot be opened",
                        hint=f"put it back, or set {KEY_VARIABLE} to where it is. If it is lost, remove what was "
                        "sealed and give the secrets again",
                        causes=(_KEPT,),
                    ) from None
                # Somebody else may make it at the same moment: what is on disk then is the key of both.
                self._write((self._new_key(),), replace=False)
                self._keys = self._read()
        return self._keys

    def _read(self) -> tuple[_Key, ...]:
        try:
            text = self.path.read_text(encoding="ascii")
            if self.path.stat().st_mode & 0o077:
                self.path.chmod(0o600)
        except FileNotFoundError:
            raise
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not a key file"
            raise SecretKeyError(
                f"the key file {self.path} cannot be read: {reason}",
                hint=f"mend it, or set {KEY_VARIABLE} to where the key is",
                causes=(_KEPT,),
            ) from None
        keys = []
        for number, line in enumerate(text.splitlines(), 1):
            name, _, material = line.strip().partition(" ")
            if not name:
                continue
            if not _is_key(material):
                raise SecretKeyError(
                    f"{self.path}, line {number}: not a key",
                    hint="put the file back from a copy; a line is an id, a space and a key",
                    causes=(_KEPT,),
                )
            keys.append(_Key(id=name, material=Secret(material)))
        if not keys:
            raise SecretKeyError(f"{self.path} is empty", hint="put it back from a copy", causes=(_KEPT,))
        return tuple(keys)

    def _new_key(self) -> _Key:
        material = base64.b64encode(self._entropy.token(_KEY_BYTES)).decode()
        return _Key(id=f"k{self._entropy.token(4).hex()}", material=Secret(material))

    def _write(self, keys: tuple[_Key, ...], *, replace: bool) -> None:
        text = "".join(f"{key.id} {key.material.reveal()}\n" for key in keys)
        temporary = self.path.with_name(f".{self.path.name}.{self._entropy.token(6).hex()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                if replace:
                    temporary.replace(self.path)
                else:
                    with contextlib.suppress(FileExistsError):
                        self.path.hardlink_to(temporary)
            finally:
                temporary.unlink(missing_ok=True)
            _sync_folder(self.path.parent)
        except OSError as error:
            raise SecretKeyError(
                f"the key file {self.path} cannot be made: {error.strerror}",
                hint=f"make its folder writable, or set {KEY_VARIABLE} to a file that can be made",
                causes=("nothing was stored",),
            ) from None


def _cipher(key: _Key) -> AESGCM:
    # Imported late: a server starts without it, and most never need it.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key.raw())


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        return False


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
