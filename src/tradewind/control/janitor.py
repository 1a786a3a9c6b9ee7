"""Cleans up what nobody looks after: attempts without a row, workdirs of ended ones, expired keys."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import delete, or_

from tradewind.control.context import Context
from tradewind.control.jobs import live_attempt_ids
from tradewind.control.ranks import attempt_of
from tradewind.db import tables
from tradewind.db.store import Transaction

log = structlog.get_logger(__name__)

_EVERY_S: Final = 300.0
_KEY_LIFETIME: Final = timedelta(days=7)
_USED_LINK_LIFETIME: Final = timedelta(days=1)


class Janitor:
    """Sweeps at the start and every few minutes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            try:
                await self.sweep()
            except Exception:
                log.exception("janitor.sweep_failed")
            await self._context.clock.sleep(_EVERY_S)

    async def sweep(self) -> list[str]:
        """Stops what runs without anybody knowing of it, and forgets what is expired. Returns what was stopped.

        What the provider runs is listed first and the database read after it: an attempt that is placed in between
        is in the database by then.
        """
        stopped = []
        for backend in self._context.backends.values():
            owned = await backend.list_owned()
            live = await self._context.store.read(live_attempt_ids)
            for handle in owned:
                if handle.values["directory"] not in live:
                    log.warning("janitor.orphan_stopped", provider=backend.id, handle=handle.values)
                    await backend.stop(handle, "fenced", 10.0)
                    stopped.append(str(handle.values["directory"]))
        await self._context.store.run(_forget_expired)
        await self._clear_workdirs(set(stopped))
        return stopped

    async def _clear_workdirs(self, ending: set[str]) -> None:
        """Removes the workdirs of attempts that have ended, where a crash came before it was done."""
        context = self._context
        left = await context.offload(_with_workdir, context.root / "attempts")
        live = await context.store.read(live_attempt_ids)
        for directory in left:
            if attempt_of(directory) not in live and directory.name not in ending:
                await context.offload(shutil.rmtree, directory / "work", ignore_errors=True)


def _with_workdir(attempts: Path) -> list[Path]:
    return [each for each in attempts.iterdir() if (each / "work").exists()] if attempts.exists() else []


def _forget_expired(tx: Transaction) -> None:
    keys, tokens = tables.idempotency_keys, tables.tokens
    tx.execute(delete(keys).where(keys.c.created_at < tx.now - _KEY_LIFETIME))
    tx.execute(
        delete(tokens).where(
            or_(
                tokens.c.expires_at < tx.now - _USED_LINK_LIFETIME,
                tokens.c.used_at < tx.now - _USED_LINK_LIFETIME,
            )
        )
    )
