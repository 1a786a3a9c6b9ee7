"""The JSON Schema of job files, for editors."""

from __future__ import annotations

import json

from tradewind.cli.application import Application
from tradewind.cli.options import command


@command("schema")
def schema(app: Application) -> None:
    """Print the JSON Schema of job files."""
    from tradewind.spec.json_schema import job_file_schema

    app.put(json.dumps(job_file_schema(), indent=2))
