"""The server looks itself and its machine over."""

from __future__ import annotations

import shutil
from typing import Final

from sqlalchemy import text

from tradewind.control.context import Context
from tradewind.db.store import Transaction
from tradewind.domain.errors import TradewindError
from tradewind.domain.schemas_server import Diagnosis
from tradewind.domain.units import format_bytes

_LITTLE_DISK_BYTES: Final = 2 << 30


class ServerDoctor:
    """Checks what a job will need."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def examine(self) -> list[Diagnosis]:
        """One line per check."""
        return [await self._database(), self._disk(), *await self._places(), *self._tariff()]

    async def _database(self) -> Diagnosis:
        def check(tx: Transaction) -> tuple[str, str]:
            dialect = tx.connection.dialect.name
            question = "SHOW server_version" if dialect == "postgresql" else "PRAGMA quick_check(1)"
            return dialect, str(tx.execute(text(question)).scalar_one())

        dialect, answer = await self._context.store.read(check)
        if dialect == "postgresql":
            return Diagnosis(name="database", status="ok", message=f"PostgreSQL {answer}")
        if answer == "ok":
            return Diagnosis(name="database", status="ok", message="SQLite, in order")
        return Diagnosis(
            name="database",
            status="error",
            message=f"SQLite says: {answer}",
            fix="stop the server and restore the newest copy in the state folder",
        )

    def _disk(self) -> Diagnosis:
        free = shutil.disk_usage(self._context.root).free
        if free < _LITTLE_DISK_BYTES:
            return Diagnosis(
                name="disk",
                status="warning",
                message=f"{format_bytes(free)} free in {self._context.root}",
                fix="free some space, or set TRADEWIND_STATE_DIR to a larger disk",
            )
        return Diagnosis(name="disk", status="ok", message=f"{format_bytes(free)} free")

    async def _places(self) -> list[Diagnosis]:
        found = []
        for provider, backend in self._context.backends.items():
            try:
                here = await backend.inventory()
            except TradewindError as error:
                found.append(Diagnosis(name=provider, status="error", message=error.message, fix=error.hint))
                continue
            names = [each.name for each in here.accelerators]
            accelerators = ", ".join(names) or "no accelerator"
            memory = format_bytes(here.memory_bytes)
            message = f"{here.name}: {here.cpus} processors ({here.cpu_model}), {memory}, {accelerators}"
            found.append(Diagnosis(name=provider, status="ok", message=message))
        return found

    def _tariff(self) -> list[Diagnosis]:
        tariff = self._context.tariff
        assumed = "world mean" in tariff.price_note or "world mean" in tariff.carbon_note
        fix = (
            "set the country, or the price itself, on the settings page or under [local] in config.toml"
            if assumed
            else None
        )
        return [
            Diagnosis(
                name="electricity",
                status="warning" if assumed else "ok",
                message=f"{tariff.price_note}; {tariff.carbon_note}",
                fix=fix,
            )
        ]
