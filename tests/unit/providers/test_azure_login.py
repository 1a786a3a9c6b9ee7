"""Tokens of the user's own login, which azure-identity takes from Microsoft's command line tools."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from tests.providers.clock import START, HurriedClock
from tests.simulation.clocks import inline
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.azure.login import Tokens
from tradewind.providers.prices import Wire


@pytest.fixture
def clock() -> HurriedClock:
    return HurriedClock()


@pytest.fixture
async def wire(clock: HurriedClock) -> AsyncIterator[Wire]:
    async with httpx2.AsyncClient() as http:
        yield Wire(http=http, clock=clock, offload=inline, credentials={}, settings={})


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where `az` is; no other of Microsoft's tools is there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path / "az"


def says(tool: Path, script: str) -> None:
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)


def calls_of(tool: Path) -> list[str]:
    """The arguments of each call of the tool."""
    return Path(f"{tool}.calls").read_text(encoding="utf-8").splitlines()


async def test_whoever_is_logged_in_on_the_server(wire: Wire, clock: HurriedClock, tool: Path) -> None:
    ends_at = int(START.timestamp()) + 3600
    answer = {
        "accessToken": "token-of-az",
        "expires_on": ends_at,
        "expiresOn": "2026-11-02 10:00:00.000000",
        "subscription": "s",
        "tenant": "t",
        "tokenType": "Bearer",
    }
    says(tool, f"echo \"$@\" >> '{tool}.calls'; echo '{json.dumps(answer)}'")
    tokens = Tokens(wire)
    assert await tokens.authorize() == {"authorization": "Bearer token-of-az"}
    await tokens.authorize()
    (call,) = calls_of(tool)
    assert "--resource https://management.azure.com" in call
    clock.advance(3600 - 290)
    await tokens.authorize()
    assert calls_of(tool) == [call, call]


async def test_nobody_is_logged_in(wire: Wire, tool: Path) -> None:
    says(tool, "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1")
    with pytest.raises(ProviderError) as caught:
        await Tokens(wire).authorize()
    assert caught.value.fault is ProviderFault.CREDENTIALS
    assert "az login" in (caught.value.hint or "")


async def test_without_the_extra_it_is_named(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "azure.identity", None)
    with pytest.raises(ProviderError) as caught:
        await Tokens(wire).authorize()
    assert caught.value.fault is ProviderFault.CREDENTIALS
    assert "pip install 'tradewind[azure]'" in (caught.value.hint or "")
