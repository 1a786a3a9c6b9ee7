"""The web application's files and pages, as the server sends them."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from tradewind.api import problems, web

Api = httpx2.AsyncClient
PAGE = '<!doctype html><head><base href="/" /><script src="./assets/app-1a2b.js"></script></head>'


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "assets" / "app-1a2b.js").write_text("console.log(1)")
    (folder / "assets" / "app-1a2b.js.gz").write_bytes(gzip.compress(b"console.log(1)"))
    (folder / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret").write_text("not for sale")
    return folder


def client_of(folder: Path | None) -> Api:
    app = FastAPI()
    web.install(app, folder)
    problems.install(app)
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1")


@pytest.mark.parametrize("path", ["/", "/jobs", "/jobs/job_1?tab=logs"])
async def test_every_page_is_the_one_document(built: Path, path: str) -> None:
    async with client_of(built) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.text == PAGE
    assert answer.headers["cache-control"] == "no-cache"


async def test_pages_let_in_no_foreign_and_no_inline_scripts(built: Path) -> None:
    async with client_of(built) as client:
        answers = [await client.get(path) for path in ("/", "/assets/app-1a2b.js", "/icon.svg")]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_files_with_a_hash_in_their_name_are_kept_by_browsers(built: Path) -> None:
    async with client_of(built) as client:
        script = await client.get("/assets/app-1a2b.js", headers={"accept-encoding": "gzip"})
        plain = await client.get("/assets/app-1a2b.js", headers={"accept-encoding": "identity"})
        icon = await client.get("/icon.svg")
    assert script.headers["content-encoding"] == "gzip"
    assert script.text == plain.text == "console.log(1)"
    assert "content-encoding" not in plain.headers
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-type"].startswith("text/javascript")
    assert icon.headers["cache-control"] == "no-cache"
    assert icon.headers["content-type"].startswith("image/svg+xml")


@pytest.mark.parametrize(
    "path", ["/assets/gone-9z.js", "/api/v1/nothing", "/assets/../../secret", "/assets/%2e%2e/%2e%2e/secret"]
)
async def test_what_is_not_there_is_said_to_be_missing(built: Path, path: str) -> None:
    async with client_of(built) as client:
        answer = await client.get(path)
    assert "not for sale" not in answer.text
    # A client may take the dots away before it asks; what is left is then a page.
    assert answer.status_code == 404 or answer.text == PAGE


async def test_a_prefix_of_a_proxy_becomes_the_base(built: Path) -> None:
    async with client_of(built) as client:
        below = await client.get("/jobs", headers={"x-forwarded-prefix": "/team/tw"})
        hostile = await client.get("/jobs", headers={"x-forwarded-prefix": '/"><script>alert(1)</script>'})
        elsewhere = await client.get("/jobs", headers={"x-forwarded-prefix": "//evil.example"})
    assert '<base href="/team/tw/" />' in below.text
    assert hostile.text == PAGE
    assert elsewhere.text == PAGE


async def test_without_a_built_application_the_page_says_how_to_get_one() -> None:
    async with client_of(None) as client:
        answer = await client.get("/")
    assert answer.status_code == 200
    assert "make web" in answer.text


async def test_browsers_that_are_not_signed_in_read_how_to(connect: Callable[[str], Api]) -> None:
    api = connect("nobody")
    page = await api.get("http://127.0.0.1/jobs", headers={"accept": "text/html", "authorization": ""})
    data = await api.get("/jobs", headers={"accept": "text/html", "authorization": ""})
    assert page.status_code == data.status_code == 401
    assert "tradewind open" in page.text
    assert page.headers["content-type"].startswith("text/html")
    assert data.headers["content-type"] == "application/problem+json"


async def test_links_that_were_used_say_so_to_people(connect: Callable[[str], Api]) -> None:
    answer = await connect("ana").get("http://127.0.0.1/login?code=used", headers={"accept": "text/html"})
    assert answer.status_code == 401
    assert "used before" in answer.text


@pytest.mark.parametrize("page", ["jobs/job_1", "new?offer=vast:eu,h100", ""])
async def test_links_lead_to_a_page_of_ours(connect: Callable[[str], Api], page: str) -> None:
    api = connect("ana")
    code = (await api.post("/session-links")).json()["url"].split("code=")[1]
    answer = await api.get("http://127.0.0.1/login", params={"code": code, "next": page})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"./{page}"


@pytest.mark.parametrize("page", ["//evil.example", "https://evil.example", "../x", "\\evil", "a//b"])
async def test_links_lead_nowhere_else(connect: Callable[[str], Api], page: str) -> None:
    api = connect("ana")
    code = (await api.post("/session-links")).json()["url"].split("code=")[1]
    answer = await api.get("http://127.0.0.1/login", params={"code": code, "next": page})
    assert answer.status_code in (400, 422)


async def test_what_nobody_takes_is_missing_whatever_the_method(connect: Callable[[str], Api]) -> None:
    api = connect("ana")
    missing = await api.put("/workdirs/..%2f..%2fx", content=b"x")
    wrong = await api.put("/jobs")
    assert missing.status_code == 404
    assert missing.json()["detail"].startswith("there is nothing at")
    assert wrong.status_code == 405
