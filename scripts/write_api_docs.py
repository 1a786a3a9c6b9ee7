"""Writes docs/endpoints.md from the routes of the application; `--check` only says whether it is current."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = ROOT / "docs" / "endpoints.md"
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_HEAD: Final = """\
# Endpoints

Made from the application by `make docs-cli`; a test fails when it is out of date. How to call them: [API](api.md). The
server itself shows the same with every field at `/docs`, and as OpenAPI at `/api/v1/openapi.json`.
"""


def render_page(schema: dict[str, Any]) -> str:
    """The page for an OpenAPI document."""
    groups: dict[str, list[str]] = {}
    for path, item in schema["paths"].items():
        for method in _METHODS:
            if method in item:
                operation = item[method]
                tag = (operation.get("tags") or ["other"])[0]
                groups.setdefault(tag, []).append(_row(method, path, operation))
    parts = [_HEAD]
    for tag, rows in groups.items():
        table = "\n".join(rows)
        parts.append(
            f"\n## {tag.capitalize()}\n\n| request | parameters | what it does |\n| --- | --- | --- |\n{table}\n"
        )
    return "".join(parts)


def _row(method: str, path: str, operation: dict[str, Any]) -> str:
    names = [
        f"`{parameter['name']}`"
        for parameter in operation.get("parameters", [])
        if parameter["in"] in ("query", "header")
    ]
    if "requestBody" in operation:
        names.append("a body")
    text = " ".join(str(operation.get("description", operation.get("summary", ""))).split()).replace(
        "|", "\\|"
    )
    return f"| `{method.upper()} {path}` | {', '.join(names)} | {text} |"


def read_schema() -> dict[str, Any]:
    """The OpenAPI document of the application. No server is started: routes need none to list them."""
    from fastapi import FastAPI

    from tradewind.api.app import include_routes

    app = FastAPI()
    include_routes(app)
    with warnings.catch_warnings():
        # FastAPI gives fields of bodies an alias that Pydantic has no use for, and says so.
        warnings.simplefilter("ignore", UserWarning)
        return app.openapi()


def main() -> int:
    """Writes the page, or with `--check` compares it."""
    page = render_page(read_schema())
    if "--check" in sys.argv[1:]:
        if PAGE.read_text(encoding="utf-8") == page:
            return 0
        print(f"{PAGE.relative_to(ROOT)} is out of date: run `make docs-cli`", file=sys.stderr)
        return 1
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
