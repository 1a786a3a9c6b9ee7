"""How Google is logged in to, and how a machine of Google's lets nobody in but us."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.providers import gcp_simulator as google
from tests.providers.clock import HurriedClock
from tests.providers.gcp_simulator import Google
from tests.providers.test_gcp_contract import listed_offer
from tests.providers.wire_server import Break, Fault, Reply, WireServer
from tests.providers.world import access_of, node_key
from tests.simulation.clocks import inline
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Market
from tradewind.providers.base import Offload, P, T
from tradewind.providers.gcp.instance import Wishes, instance_body, kind_of, startup_script
from tradewind.providers.gcp.tokens import CREDENTIAL, PROJECT, GoogleTokens
from tradewind.providers.prices import Wire


class Bank:
    """Google's token service and those who ask it."""

    def __init__(self, server: WireServer, cloud: Google, http: httpx2.AsyncClient) -> None:
        self.server, self.cloud, self.http = server, cloud, http

    @property
    def token_uri(self) -> str:
        return f"{self.server.url}/token"

    def tokens(
        self,
        key: str,
        offload: Offload = inline,
        settings: Mapping[str, Any] | None = None,
        project: str = "",
    ) -> GoogleTokens:
        credentials = {name: text for name, text in ((CREDENTIAL, key), (PROJECT, project)) if text}
        return GoogleTokens(
            Wire(
                http=self.http,
                clock=self.cloud.clock,
                offload=offload,
                credentials=credentials,
                settings=settings or {},
            )
        )


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    cloud = Google(HurriedClock())

    async def handle(request: Any) -> Reply:
        return cloud.handle(request)

    async with WireServer(handle, google.contract()) as server, httpx2.AsyncClient() as http:
        yield Bank(server, cloud, http)
        assert server.problems == []


@pytest.fixture(autouse=True)
def nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))


async def test_a_token_is_asked_for_once_and_renewed_before_it_ends(bank: Bank) -> None:
    tokens = bank.tokens(google.key_file(bank.token_uri))
    first = await asyncio.gather(*(tokens.headers() for _ in range(5)))
    assert len(bank.cloud.token_requests) == 1
    assert {each["authorization"] for each in first} == {f"Bearer {next(iter(bank.cloud.tokens))}"}
    bank.cloud.clock.advance(3000)
    assert await tokens.headers() == first[0]
    bank.cloud.clock.advance(400)
    assert await tokens.headers() != first[0]
    assert len(bank.cloud.token_requests) == 2


async def test_the_blocking_parts_may_run_in_threads(bank: Bank) -> None:
    async def in_thread(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.to_thread(fn, *args, **kwargs)

    tokens = bank.tokens(google.key_file(bank.token_uri), offload=in_thread)
    assert (await tokens.headers())["authorization"].startswith("Bearer ya29.")


async def test_a_key_file_is_read_from_its_path(bank: Bank, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(google.key_file(bank.token_uri))
    tokens = bank.tokens(str(path))
    assert (await tokens.project(), await tokens.identity()) == (google.PROJECT, google.EMAIL)
    assert await tokens.headers()


async def test_what_gcloud_keeps_for_applications_is_found(bank: Bank, tmp_path: Path) -> None:
    user = {
        "type": "authorized_user", "client_id": "app", "client_secret": "shh", "refresh_token": "refresh",
        "token_uri": bank.token_uri, "quota_project_id": "billed-there",
    }  # fmt: skip
    folder = tmp_path / "gcloud"
    folder.mkdir()
    (folder / "application_default_credentials.json").write_text(json.dumps(user))
    tokens = bank.tokens("")
    assert await tokens.headers()
    assert await tokens.project() == "billed-there"
    assert bank.cloud.token_requests[0]["grant_type"] == "refresh_token"


async def test_the_project_is_the_settings_then_the_environments_then_the_keys(bank: Bank) -> None:
    key = google.key_file(bank.token_uri)
    said = {"project": "of-the-settings"}
    assert await bank.tokens(key, settings=said, project="of-the-environment").project() == "of-the-settings"
    assert await bank.tokens(key, project="of-the-environment").project() == "of-the-environment"
    assert await bank.tokens(key).project() == google.PROJECT
    without = json.dumps({**json.loads(key), "project_id": ""})
    with pytest.raises(ProviderError, match="no Google Cloud project"):
        await bank.tokens(without).project()


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("", "is not set"),
        ("/nowhere/key.json", "neither the path"),
        ("{broken", "no credentials of a kind"),
        ('{"type": "external_account"}', "no credentials of a kind"),
        ('{"type": "service_account", "private_key": "hush-hush", "client_email": "a"}', "damaged"),
    ],
)
async def test_keys_that_are_none(bank: Bank, key: str, says: str) -> None:
    with pytest.raises(ProviderError, match=says) as caught:
        await bank.tokens(key).headers()
    assert caught.value.fault is ProviderFault.CREDENTIALS
    assert caught.value.hint
    assert "hush-hush" not in f"{caught.value} {caught.value.hint}"
    assert bank.server.exchanges == []


async def test_without_google_auth_it_is_said_how_to_get_it(
    bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(ProviderError, match="google-auth") as caught:
        await bank.tokens(google.key_file(bank.token_uri)).headers()
    assert caught.value.hint == "pip install 'tradewind[gcp]'"


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        (Reply(status=503, text="<html>"), ProviderFault.PROVIDER_FAULT),
        (Reply(status=429, text="slow down", headers={"retry-after": "9"}), ProviderFault.RATE_LIMIT),
        (Break.BEFORE, ProviderFault.PROVIDER_FAULT),
        (Reply(status=200, text="[]"), ProviderFault.PROVIDER_FAULT),
        (Reply(status=200, text='{"token_type": "Bearer"}'), ProviderFault.CREDENTIALS),
    ],
)
async def test_a_token_service_that_fails(bank: Bank, what: Reply | Break, fault: ProviderFault) -> None:
    bank.server.faults.append(Fault(what, is_published=False))
    tokens = bank.tokens(google.key_file(bank.token_uri))
    with pytest.raises(ProviderError) as caught:
        await tokens.headers()
    assert caught.value.fault is fault
    # Nothing of it is left: the next call asks anew, and no clock but ours has waited.
    assert await tokens.headers()
    assert len(bank.server.exchanges) == 2


def test_a_machine_gets_no_rights_in_the_project() -> None:
    body = instance_body(
        listed_offer("g2-standard-8", Market.SPOT, "us-central1-a"),
        kind_of("g2-standard-8") or pytest.fail("it is one"),
        node_key(),
        access_of(),
        Wishes(),
    )
    assert "serviceAccounts" not in body
    metadata = {each["key"]: each["value"] for each in body["metadata"]["items"]}
    assert metadata["block-project-ssh-keys"] == "TRUE"
    assert metadata["ssh-keys"] == f"tradewind:{access_of().login.public}"
    cloud_config = json.loads(metadata["user-data"].removeprefix("#cloud-config\n"))
    assert cloud_config["ssh_keys"]["ed25519_public"] == access_of().host_key(node_key()).public


def test_settings_of_machines() -> None:
    offer = listed_offer("a3-ultragpu-8g", Market.ON_DEMAND, "us-central1-b", "H200")
    settings = {
        "image": "projects/ours/global/images/hardened-7", "disk_gb": "500", "network": "lab", "subnetwork": "lab-1",
    }  # fmt: skip
    kind = kind_of(offer.instance_type)
    assert kind is not None
    body = instance_body(offer, kind, node_key(), access_of(), Wishes.of(settings))
    assert body["disks"][0]["initializeParams"] == {
        "sourceImage": "projects/ours/global/images/hardened-7",
        "diskSizeGb": "500",
        "diskType": "zones/us-central1-b/diskTypes/hyperdisk-balanced",
        "labels": {"tradewind": "0123456789abcdefghjk"},
    }
    (interface,) = body["networkInterfaces"]
    assert interface["network"] == "global/networks/lab"
    assert interface["subnetwork"] == "regions/us-central1/subnetworks/lab-1"
    assert interface["nicType"] == "GVNIC"
    with pytest.raises(ProviderError, match="whole numbers"):
        Wishes.of({"disk_gb": "plenty"})


@pytest.mark.parametrize(
    "instance_type", ["v5litepod-8", "ct5lp-hightpu-4t", "a4x-highgpu-4g", "n1-x+1xK80", "c3-8"]
)
def test_what_is_no_machine_with_accelerators_here(instance_type: str) -> None:
    assert kind_of(instance_type) is None


class Guest:
    """A folder in place of /etc/ssh, and commands that only write down that they were called."""

    def __init__(self, root: Path) -> None:
        self.ssh, self.bin, self.log = root / "ssh", root / "bin", root / "log"
        self.ssh.mkdir()
        self.bin.mkdir()
        self.log.touch()
        for name in ("shutdown", "systemctl"):
            path = self.bin / name
            path.write_text(f'#!/bin/sh\necho "{name} $*" >> "{self.log}"\n')
            path.chmod(0o755)

    def run(self, script: str) -> str:
        """What the script called."""
        here = script.replace("/etc/ssh/", f"{self.ssh}/")
        assert here != script
        env = {"PATH": f"{self.bin}:{os.environ['PATH']}"}
        subprocess.run(["/bin/sh"], input=here, text=True, check=True, env=env, cwd=self.ssh)
        return self.log.read_text()


def test_the_script_gives_the_machine_its_host_key_and_sets_the_guard_before(tmp_path: Path) -> None:
    guest, access = Guest(tmp_path), access_of()
    for kind in ("rsa", "ed25519"):
        (guest.ssh / f"ssh_host_{kind}_key").write_text("the image's own")
        (guest.ssh / f"ssh_host_{kind}_key.pub").write_text(f"ssh-{kind} AAAA image")
    assert guest.run(startup_script(node_key(), access)).splitlines() == [
        "shutdown -P +60",
        "systemctl restart ssh",
    ]
    assert sorted(each.name for each in guest.ssh.iterdir()) == [
        "ssh_host_ed25519_key",
        "ssh_host_ed25519_key.pub",
    ]
    key = guest.ssh / "ssh_host_ed25519_key"
    assert key.stat().st_mode & 0o777 == 0o600
    told = subprocess.run(["ssh-keygen", "-y", "-f", str(key)], capture_output=True, text=True, check=True)
    expected = access.host_key(node_key()).public
    assert told.stdout.split()[:2] == expected.split()[:2]
    assert (guest.ssh / "ssh_host_ed25519_key.pub").read_text() == f"{expected}\n"


def test_the_script_leaves_a_machine_alone_that_has_its_key(tmp_path: Path) -> None:
    """Where cloud-init was there first, and at every later start: the guard may have been taken over by now."""
    guest, access = Guest(tmp_path), access_of()
    (guest.ssh / "ssh_host_ed25519_key.pub").write_text(f"{access.host_key(node_key()).public}\n")
    assert guest.run(startup_script(node_key(), access)) == ""


def test_nothing_of_a_key_can_be_read_as_shell() -> None:
    script = startup_script(node_key(), access_of())
    data = re.findall(r"'([^']*)'", script)
    assert len(data) == 4
    assert all(re.fullmatch(r"[A-Za-z0-9+/= ]+", each) for each in data)
