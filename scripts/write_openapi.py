"""Writes web/openapi.json from the routes of the application; `--check` only says whether it is current."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Final

from fastapi import FastAPI

from tradewind.api.app import include_routes
from tradewind.domain.schemas_shown import ActionView, BadgeView

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "web" / "openapi.json"


def render_document() -> str:
    """The OpenAPI document that the web application's types are made from."""
    app = FastAPI(title="Tradewind", version="1")
    include_routes(app)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        document = app.openapi()
    for model in (ActionView, BadgeView):
        document["components"]["schemas"].setdefault(
            model.__name__, model.model_json_schema(mode="serialization")
        )
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main() -> int:
    """Writes the document, or compares it."""
    text = render_document()
    if "--check" in sys.argv:
        return int(not DOCUMENT.is_file() or DOCUMENT.read_text("utf-8") != text)
    DOCUMENT.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
