"""What can go wrong between a source and a server is told in one vocabulary, and without secrets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest

from tests.unit.providers.price_lists import NOW, FixedClock, Vendor, inline
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.asking import Row, Sieve, ask, base_url, credential, optional_credential
from tradewind.providers.prices import Wire

URL = "https://prices.example/v1/list"


async def refusal(status: int, **headers: str) -> ProviderError:
    vendor = Vendor({"GET /v1/list": lambda _: httpx2.Response(status, headers=headers, text="k-123 leaked")})
    with pytest.raises(ProviderError) as caught:
        await ask(vendor.wire({"KEY": "k-123"}), "GET", URL, params={"key": "k-123"})
    assert "k-123" not in f"{caught.value.message} {caught.value.hint} {caught.value.causes}"
    return caught.value


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (400, ProviderFault.INVALID),
        (401, ProviderFault.CREDENTIALS),
        (402, ProviderFault.BALANCE),
        (403, ProviderFault.PERMISSION),
        (404, ProviderFault.NOT_FOUND),
        (418, ProviderFault.INVALID),
        (422, ProviderFault.INVALID),
        (429, ProviderFault.RATE_LIMIT),
        (302, ProviderFault.PROVIDER_FAULT),
        (500, ProviderFault.PROVIDER_FAULT),
        (503, ProviderFault.PROVIDER_FAULT),
        (599, ProviderFault.PROVIDER_FAULT),
    ],
)
async def test_statuses_become_faults(status: int, fault: ProviderFault) -> None:
    error = await refusal(status)
    assert error.fault is fault
    assert error.message.startswith(f"prices.example/v1/list answered {status} ")


async def test_how_long_to_wait_is_read_in_both_forms() -> None:
    soon = format_datetime(NOW.replace(minute=2), usegmt=True)
    past = format_datetime(NOW.replace(year=2020), usegmt=True)
    waits = {
        text: (await refusal(429, **{"retry-after": text})).retry_after_s
        for text in ("30", soon, past, "later", "-3", "99999999999")
    }
    assert waits == {"30": 30, soon: 120, past: 0, "later": None, "-3": None, "99999999999": 86_400}
    assert (await refusal(429)).retry_after_s is None
    assert (await refusal(401, **{"retry-after": "30"})).retry_after_s is None


async def redirected(**credentials: str) -> list[str]:
    """The hosts that are asked when the first sends on to another."""
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.host)
        if request.url.host == "prices.example":
            return httpx2.Response(302, headers={"location": "https://elsewhere.example/list"})
        return httpx2.Response(200, json={})

    client = httpx2.AsyncClient(transport=httpx2.MockTransport(answer), follow_redirects=True)
    wire = Wire(http=client, clock=FixedClock(), offload=inline, credentials=credentials, settings={})
    if credentials:
        with pytest.raises(ProviderError, match="answered 302"):
            await ask(wire, "GET", URL, headers={"x-goog-api-key": "k"})
    else:
        await ask(wire, "GET", URL)
    return asked


async def test_a_key_is_not_carried_on_to_another_server() -> None:
    assert await redirected(KEY="k") == ["prices.example"]
    assert await redirected() == ["prices.example", "elsewhere.example"]


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b'"x"', b"{", b"\xff\xfe{}", b"[" * 100_000])
async def test_what_is_no_json_object_is_a_fault(body: bytes) -> None:
    vendor = Vendor({"GET /v1/list": lambda _: httpx2.Response(200, content=body)})
    with pytest.raises(ProviderError, match="did not send a JSON object"):
        await ask(vendor.wire(), "GET", URL)


async def test_an_endless_body_is_cut_off() -> None:
    async def endless() -> object:
        while True:
            yield b" " * (1 << 20)

    vendor = Vendor({"GET /v1/list": lambda _: httpx2.Response(200, content=endless())})  # type: ignore[arg-type]
    with pytest.raises(ProviderError, match="more than 64 MiB"):
        await ask(vendor.wire(), "GET", URL)


@pytest.mark.parametrize("url", ["http://[::1", "nonsense", "ftp://prices.example/list"])
async def test_an_address_that_is_none_is_a_provider_error(url: str) -> None:
    async with httpx2.AsyncClient() as client:
        wire = Wire(http=client, clock=FixedClock(), offload=inline, credentials={}, settings={})
        with pytest.raises(ProviderError):
            await ask(wire, "GET", url)


class _Server(BaseHTTPRequestHandler):
    """`/cut` ends in the middle of its body, `/mute` says nothing until the server closes."""

    closing = threading.Event()

    def do_GET(self) -> None:
        if self.path == "/mute":
            self.closing.wait(30)
            return
        self.send_response(200)
        self.send_header("content-length", "1000")
        self.end_headers()
        self.wfile.write(b'{"rows": [')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


@contextmanager
def serving() -> Iterator[str]:
    _Server.closing.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        _Server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("path", "words"), [("/cut", "cannot be reached"), ("/mute", "did not answer in time")]
)
async def test_a_server_that_breaks_off_or_says_nothing(path: str, words: str) -> None:
    with serving() as address:
        async with httpx2.AsyncClient(timeout=httpx2.Timeout(5, read=0.2), trust_env=False) as client:
            wire = Wire(http=client, clock=FixedClock(), offload=inline, credentials={}, settings={})
            with pytest.raises(ProviderError, match=words) as caught:
                await ask(wire, "GET", address + path)
    assert caught.value.fault is ProviderFault.PROVIDER_FAULT


async def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        async with httpx2.AsyncClient(trust_env=False) as client:
            wire = Wire(http=client, clock=FixedClock(), offload=inline, credentials={}, settings={})
            with pytest.raises(ProviderError, match=r"127\.0\.0\.1/list cannot be reached"):
                await ask(wire, "GET", f"http://127.0.0.1:{port}/list")


@pytest.mark.parametrize("value", ["schlüssel", "two\nlines", "nul\0"])
def test_a_key_that_cannot_be_sent_is_told_without_showing_it(value: str) -> None:
    for read in (credential, optional_credential):
        with pytest.raises(ProviderError, match="KEY holds characters that no key has") as caught:
            read(Vendor({}).wire({"KEY": value}), "KEY")
        assert caught.value.fault is ProviderFault.CREDENTIALS
        assert value not in f"{caught.value.message} {caught.value.hint}"
    assert optional_credential(Vendor({}).wire(), "KEY") == ""


class _Thing(Row):
    size: int


def test_half_of_the_rows_may_be_odd_and_no_more() -> None:
    sieve = Sieve("things")
    assert [sieve.read(_Thing, raw) for raw in ({"size": 1, "more": 2}, {"size": "x"})] == [
        _Thing(size=1),
        None,
    ]
    sieve.finish()
    assert sieve.read(_Thing, None) is None
    with pytest.raises(ProviderError, match="2 of 3 rows of things"):
        sieve.finish()


def test_an_empty_list_is_an_answer() -> None:
    Sieve("things").finish()


def test_the_address_can_be_set() -> None:
    wire = Vendor({}).wire(settings={"base_url": "http://127.0.0.1:4000/"})
    assert base_url(wire, "https://prices.example") == "http://127.0.0.1:4000"
    assert base_url(Vendor({}).wire(), "https://prices.example") == "https://prices.example"
