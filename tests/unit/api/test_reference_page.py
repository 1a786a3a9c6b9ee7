"""The reference of the HTTP API: everything that there is, on a page that needs nothing from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser

import httpx2
import pytest

from tradewind.api.reference import render_reference

# FastAPI says so of parameters with an alias, each time it writes its document.
pytestmark = pytest.mark.filterwarnings("ignore:The 'alias' attribute with value:UserWarning")
Api = httpx2.AsyncClient
_MODELS = "#/components/schemas"


class Read(HTMLParser):
    """What a browser would find: elements, links, and the ids that they lead to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.ids: list[str] = []
        self.sources: set[str] = set()
        self.handlers: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        said = {name: value or "" for name, value in attrs}
        self.handlers |= {name for name in said if name.startswith("on")}
        if "href" in said:
            self.links.add(said["href"])
        if "src" in said:
            self.sources.add(said["src"])
        if "id" in said:
            self.ids.append(said["id"])


async def test_every_route_and_model_is_there_and_every_link_leads_somewhere(
    connect: Callable[[str], Api],
) -> None:
    api = connect("ana")
    answer = await api.get("http://127.0.0.1/docs", headers={"accept": "text/html"})
    document = (await api.get("/openapi.json")).json()
    assert answer.status_code == 200
    page = Read(answer.text)
    for path, item in document["paths"].items():
        for method in item:
            assert f"{method.upper()}</b> <code>{path}</code>" in answer.text
    assert {f"model-{name}" for name in document["components"]["schemas"]} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    within = {link.removeprefix("#") for link in page.links if link.startswith("#")}
    assert within <= set(page.ids)


async def test_it_needs_no_script_and_no_other_host(connect: Callable[[str], Api]) -> None:
    answer = await connect("ana").get("http://127.0.0.1/docs")
    page = Read(answer.text)
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert not page.tags & {"script", "img", "link", "iframe"}
    assert not page.sources
    assert not page.handlers
    # Relative, so that they hold below a proxy's path.
    assert {link for link in page.links if not link.startswith("#")} == {"./", "api/v1/openapi.json"}
    assert not re.search(r"https?://", answer.text.split("</style>")[0])


async def test_a_browser_that_is_not_signed_in_reads_how_to(connect: Callable[[str], Api]) -> None:
    answer = await connect("ana").get(
        "http://127.0.0.1/docs", headers={"accept": "text/html", "authorization": ""}
    )
    assert answer.status_code == 401
    assert "tradewind open" in answer.text


def test_types_bounds_and_words_are_said_and_nothing_in_them_is_markup() -> None:
    page = render_reference(
        {
            "info": {"version": "1"},
            "paths": {
                "/things/{id}": {
                    "post": {
                        "tags": ["things"],
                        "description": "Makes `one`.\n\nNot <b>two</b>.",
                        "parameters": [
                            {
                                "name": "limit",
                                "in": "query",
                                "schema": {"anyOf": [{"type": "integer", "maximum": 9}, {"type": "null"}],
                                           "default": 3},
                            }
                        ],
                        "requestBody": {"content": {"application/json": {"schema": {"$ref": f"{_MODELS}/A"}}}},
                        "responses": {"204": {"description": "Gone"}, "default": {"description": "An error"}},
                    }
                }
            },
            "components": {
                "schemas": {
                    "A": {
                        "properties": {
                            "kind": {"enum": ["x", "<y>"]},
                            "parts": {"type": "array", "items": {"$ref": "#/components/schemas/A"}},
                            "at": {"type": "string", "format": "date-time"},
                            "texts": {"type": "object", "additionalProperties": {"type": "string"}},
                        },
                        "required": ["kind"],
                    }
                }
            },
        }
    )  # fmt: skip
    assert "Makes <code>one</code>." in page
    assert "Not &lt;b&gt;two&lt;/b&gt;." in page
    assert "integer or null <small>at most 9, 3 if left out</small>" in page
    assert "Body: <a href='#model-A'>A</a>" in page
    assert "Answer 204: Gone" in page
    assert "An error" not in page
    assert "<code>x</code> | <code>&lt;y&gt;</code></td><td>always</td>" in page
    assert "list of <a href='#model-A'>A</a>" in page
    assert "string, date-time" in page
    assert "map to string" in page
