"""The seed of this installation's SSH keys: 32 random bytes, made once, sealed, the same for every server."""

from __future__ import annotations

import base64
from typing import Final

from sqlalchemy import insert, select

from tradewind.db import tables
from tradewind.db.sealing import Sealer, has_sealed
from tradewind.db.store import Store, Transaction
from tradewind.domain.clock import Entropy
from tradewind.domain.secrets import Secret
from tradewind.providers.access import SEED_BYTES, Access
from tradewind.providers.base import Offload

_NAME: Final = "ssh-seed"
_PURPOSE: Final = f"installation:{_NAME}"


async def load_access(
    store: Store, sealer: Sealer, entropy: Entropy, offload: Offload, installation_id: str
) -> Access:
    """The installation's keys; the first call of all makes them.

    Raises:
        SecretKeyError: the key that the seed is sealed with is missing.
    """
    sealed = await store.read(_find)
    if sealed is None:
        seed = Secret(base64.b64encode(entropy.token(SEED_BYTES)).decode())
        sealed = await store.run(lambda tx: _keep(tx, sealer, seed), durable=True)
    found = await offload(sealer.unseal, sealed, _PURPOSE)
    return Access(installation_id=installation_id, seed=found)


def _find(tx: Transaction) -> bytes | None:
    table = tables.installation_secrets
    return tx.execute(select(table.c.ciphertext).where(table.c.name == _NAME)).scalar()


def _keep(tx: Transaction, sealer: Sealer, seed: Secret) -> bytes:
    # Another server may have been faster: its row is then found here, or by the second try of this function.
    known = _find(tx)
    if known is not None:
        return known
    sealed = sealer.seal(seed, _PURPOSE, has_sealed=has_sealed(tx))
    values = {"name": _NAME, "ciphertext": sealed, "created_at": tx.now}
    tx.execute(insert(tables.installation_secrets).values(**values))
    return sealed
