"""What is wrong, and how to mend it."""

from __future__ import annotations

from typing import Any

from tradewind.cli.application import Application
from tradewind.cli.options import command, output_options
from tradewind.cli.render import Column, render_rows
from tradewind.domain.errors import TradewindError


@command("doctor")
@output_options
def doctor(app: Application) -> int:
    """Check this machine and the server, and say how to fix what is wrong.

    Ends with 1 if something is broken. Starts nothing.
    """
    from tradewind.cli.diagnosis import diagnose

    local = app.local_server()
    rows: list[dict[str, Any]] = [dict(finding) for finding in diagnose(app.settings, local)]
    if app.settings.server or local.find():
        rows += _ask_server(app)
    columns = [
        Column("CHECK", lambda row: row["name"]),
        Column("STATUS", lambda row: row["status"], is_status=True),
        Column("FOUND", lambda row: row["message"], is_text=True),
    ]
    if any(row["fix"] for row in rows):
        columns.append(Column("FIX", lambda row: row["fix"] or "", is_text=True))
    render_rows(app, rows, columns, name="name")
    return 1 if any(row["status"] == "error" for row in rows) else 0


def _ask_server(app: Application) -> list[dict[str, Any]]:
    with app.make_client(start=False) as client:
        try:
            return [check.model_dump(mode="json") for check in client.doctor().checks]
        except TradewindError as error:
            message = f"{error.code} {error.message}"
            return [{"name": "server answers", "status": "error", "message": message, "fix": error.hint}]
