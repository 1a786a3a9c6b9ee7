"""A simulated Paperspace, written from the description of its API in its own command line tool."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar, Final

from tests.providers.contracts import Contract, OpenApi, contracts_folder
from tests.providers.wire_server import Reply, Request
from tests.providers.world import Billed, Living, World
from tradewind.domain.errors import ProviderFault
from tradewind.domain.offers import Availability, Market, Offer
from tradewind.providers.normalising import GIB, Machine, make_offer, read_amount

KEY: Final = "psp_test_0123456789abcdef"
RATE: Final = 3.09
TYPES: Final = ("A100", "A4000", "H100")


class PaperspaceContract:
    """The description as it is meant.

    It was made by a tool that forgot which values may be null, and left its sentences: of `nextPage` it says in
    words that it is null at the end, and in its schema that it is always text. A machine that lives has no time of its
    deletion either. So these may be null here. Of errors it says nothing, not even that they have a body.
    """

    def __init__(self) -> None:
        text = (contracts_folder() / "paperspace" / "openapi.json").read_text(encoding="utf-8")
        self._whole = OpenApi(_with_forgotten_nulls(json.loads(text)), "/v1")

    def request(self, method: str, url: str, body: Any) -> list[str]:
        return self._whole.request(method, url, body)

    def response(self, method: str, url: str, status: int, body: Any) -> list[str]:
        return [] if status >= 400 else self._whole.response(method, url, status, body)


@lru_cache
def contract() -> PaperspaceContract:
    """It takes a while to read."""
    return PaperspaceContract()


def _with_forgotten_nulls(node: Any) -> Any:
    if isinstance(node, list):
        return [_with_forgotten_nulls(each) for each in node]
    if not isinstance(node, dict):
        return node
    node = {key: _with_forgotten_nulls(value) for key, value in node.items()}
    for name, each in (node.get("properties") or {}).items():
        if name in ("nextPage", "dtDeleted", "dtStarted", "dtFinished") and each.get("type") == "string":
            each["type"] = ["string", "null"]
    return node


@dataclass
class Vm:
    """A machine as Paperspace knows it."""

    id: str
    name: str
    state: str
    began_at: datetime
    body: dict[str, Any]
    is_ending: bool = False
    ended_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass
class Script:
    """A startup script. The API never shows what is in it."""

    id: str
    name: str
    script: str
    is_run_once: bool
    began_at: datetime


class PaperspaceWorld(World):
    provider_id: ClassVar[str] = "paperspace"
    credentials: ClassVar[Mapping[str, str]] = {"PAPERSPACE_API_KEY": KEY}
    instance_type: ClassVar[str] = "A100"
    region: ClassVar[str] = "newyork-usa-1"
    gaps: ClassVar[Mapping[int, str]] = {6: "Paperspace sells no interruptible machines"}
    per_page: ClassVar[int] = 50

    def __init__(self) -> None:
        super().__init__()
        self.vms: dict[str, Vm] = {}
        self.scripts: dict[str, Script] = {}
        self.number = 0
        #: What is gone stays in the list, with the time of its end.
        self.shows_the_dead = False

    def contract(self) -> Contract:
        return contract()

    async def listed(self) -> list[Offer]:
        """The catalog's prices; one of the types is not among Paperspace's any more."""
        return [
            make_offer(
                Machine(
                    provider="paperspace",
                    region=self.region,
                    instance_type=kind,
                    label=kind,
                    count=1,
                    cpus=12,
                    memory_bytes=90 * GIB,
                    availability=Availability.UNKNOWN,
                ),
                dollars=read_amount(price),
                market=Market.ON_DEMAND,
                source="shipped",
                seen_at=None,
            )
            for kind, price in (("A100", RATE), ("A5000", 1.42))
        ]

    async def handle(self, request: Request) -> Reply:
        path = request.path.removeprefix("/v1/").split("/")
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return (
                Reply(body=None, text="null") if path == ["auth", "session"] else refusal(401, "Unauthorized")
            )
        match request.method, path:
            case "GET", ["auth", "session"]:
                return Reply(body={"team": team(), "user": user()})
            case "GET", ["os-templates"]:
                return self.page(templates(), request.query)
            case "GET", ["machines"]:
                return self.page([self.shown(each) for each in self.visible()], request.query)
            case "POST", ["machines"]:
                return self.create(request.body)
            case "GET", ["machines", vm_id]:
                found = next((each for each in self.visible() if each.id == vm_id), None)
                return Reply(body=self.shown(found)) if found else refusal(404, "Not found")
            case "DELETE", ["machines", vm_id]:
                return self.delete(vm_id)
            case "GET", ["startup-scripts"]:
                return self.page([self.shown_script(each) for each in self.scripts.values()], request.query)
            case "POST", ["startup-scripts"]:
                return Reply(body=self.shown_script(self.add_script(request.body)))
            case "DELETE", ["startup-scripts", script_id]:
                script = self.scripts.pop(script_id, None)
                return Reply(body=self.shown_script(script)) if script else refusal(404, "Not found")
        raise AssertionError(f"the simulator has no {request.method} {request.path}")

    def visible(self) -> list[Vm]:
        return [each for each in self.vms.values() if each.ended_at is None or self.shows_the_dead]

    def create(self, body: dict[str, Any]) -> Reply:
        if body["machineType"] not in TYPES:
            return refusal(404, f"Machine type {body['machineType']} not found")
        if body["region"] not in ("East Coast (NY2)", "West Coast (CA1)", "Europe (AMS1)"):
            return refusal(400, f"Region {body['region']} is not valid")
        if body["templateId"] not in {each["id"] for each in templates()}:
            return refusal(404, "Template not found")
        if body["startupScriptId"] not in self.scripts:
            return refusal(404, "Startup script not found")
        made = self.add(body["name"], body)
        return Reply(body={"data": self.shown(made), "event": self.event(made, "create")})

    def add(self, name: str, body: dict[str, Any] | None = None) -> Vm:
        self.number += 1
        made = Vm(f"ps{self.number:08x}", name, "provisioning", self.clock.now(), body or {})
        self.vms[made.id] = made
        return made

    def add_script(self, body: dict[str, Any]) -> Script:
        self.number += 1
        made = Script(f"ss{self.number}", body["name"], body["script"], body["isRunOnce"], self.clock.now())
        self.scripts[made.id] = made
        return made

    def delete(self, vm_id: str) -> Reply:
        vm = self.vms.get(vm_id)
        if vm is None or vm.ended_at is not None:
            return refusal(404, "Not found")
        vm.is_ending, vm.state = True, "stopping"
        return Reply(body={"data": self.shown(vm), "event": self.event(vm, "deactivate")})

    def page(self, rows: list[Any], query: dict[str, str]) -> Reply:
        start = int(query.get("after", "0"))
        end = start + self.per_page
        has_more = end < len(rows)
        body = {"hasMore": has_more, "items": rows[start:end], "nextPage": str(end) if has_more else None}
        return Reply(body=body)

    def shown(self, vm: Vm) -> dict[str, Any]:
        address = f"127.77.3.{int(vm.id[2:], 16) % 250 + 1}" if vm.state == "ready" else None
        return {
            "accelerators": [{"count": 1, "memory": 42949672960, "name": "A100"}],
            "agentType": "LinuxHeadless",
            "autoShutdownEnabled": vm.body.get("autoShutdownEnabled", False),
            "autoShutdownForce": vm.body.get("autoShutdownForce"),
            "autoShutdownTimeout": vm.body.get("autoShutdownTimeout"),
            "autoSnapshotEnabled": False,
            "autoSnapshotFrequency": None,
            "autoSnapshotSaveCount": None,
            "cpus": 12,
            "dtCreated": text_of(vm.began_at),
            "dtDeleted": text_of(vm.ended_at) if vm.ended_at else None,
            "dtModified": text_of(vm.began_at),
            "id": vm.id,
            "machineType": vm.body.get("machineType", "A100"),
            "name": vm.name,
            "networkId": None,
            "os": "Ubuntu 22.04.3 LTS",
            "privateIp": "10.64.21.4",
            "publicIp": address,
            "publicIpType": vm.body.get("publicIpType", "dynamic"),
            "ram": 96636764160,
            "region": vm.body.get("region", "East Coast (NY2)"),
            "reservation": None,
            "restorePointEnabled": False,
            "restorePointFrequency": None,
            "restorePointSnapshotId": None,
            "state": vm.state,
            "storageRate": 10.0,
            "storageTotal": 107374182400,
            "storageUsed": 0,
            "updatesPending": False,
            "usageRate": RATE,
            **vm.extra,
        }

    def shown_script(self, script: Script) -> dict[str, Any]:
        using = [each.id for each in self.vms.values() if each.body.get("startupScriptId") == script.id]
        return {
            "assignedMachineIds": using,
            "description": None,
            "dtCreated": text_of(script.began_at),
            "dtDeleted": None,
            "id": script.id,
            "isEnabled": True,
            "isRunOnce": script.is_run_once,
            "name": script.name,
        }

    def event(self, vm: Vm, name: str) -> dict[str, Any]:
        now = text_of(self.clock.now())
        return {
            "dtCreated": now,
            "dtFinished": None,
            "dtStarted": now,
            "error": None,
            "id": f"{name}-{vm.id}",
            "machineId": vm.id,
            "name": name,
            "state": "in progress",
        }

    def named(self, name: str) -> Vm:
        """The machine of this name that is not gone."""
        (found,) = (each for each in self.vms.values() if each.name == name and each.ended_at is None)
        return found

    # -- what the suite asks ---------------------------------------------------------------------------------------

    def boot_data(self, name: str) -> str | None:
        return self.scripts[self.named(name).body["startupScriptId"]].script

    def host_material(self, name: str) -> tuple[str, str]:
        script = self.boot_data(name)
        assert script is not None
        private = re.search(r"<<'KEY'\n(.*?)^KEY$", script, re.DOTALL | re.MULTILINE)
        authorized = re.search(r"'(ssh-ed25519 [^']+)' >> \S+/authorized_keys$", script, re.MULTILINE)
        assert private is not None
        assert authorized is not None
        return private[1], authorized[1]

    def living(self) -> list[Living]:
        return [Living(id=each.id, name=each.name) for each in self.vms.values() if each.ended_at is None]

    def billed(self) -> list[Billed]:
        return [
            Billed(
                name=each.name,
                began_at=each.began_at,
                ended_at=each.ended_at,
                micro_per_hour=round(RATE * 1_000_000),
            )
            for each in self.vms.values()
        ]

    async def boot(self) -> None:
        for each in self.vms.values():
            if each.state in ("provisioning", "starting"):
                each.state = "ready"

    async def end(self) -> None:
        for each in self.vms.values():
            if each.is_ending and each.ended_at is None:
                # A moment after it was made, at least.
                self.clock.advance(0.001)
                each.state, each.ended_at = "off", self.clock.now()

    async def reclaim(self, name: str) -> None:
        raise AssertionError("Paperspace sells no interruptible machines")

    async def add_foreign(self, name: str) -> None:
        self.add(name).state = "ready"

    async def surprise(self, name: str) -> None:
        found = self.named(name)
        found.state, found.extra = "defragmenting", {"quantumState": "both"}

    def is_create(self, request: Request) -> bool:
        return (request.method, request.path) == ("POST", "/v1/machines")

    def refusals(self) -> Mapping[ProviderFault, Reply]:
        sold_out = "We are currently out of capacity for the selected VM type. Try again in a few minutes."
        return {
            ProviderFault.CAPACITY: refusal(400, sold_out),
            ProviderFault.QUOTA: refusal(400, "You have reached your machine limit"),
            ProviderFault.BALANCE: refusal(400, "Your team has an outstanding balance"),
            ProviderFault.CREDENTIALS: refusal(401, f"Unauthorized: {KEY}"),
            ProviderFault.PERMISSION: refusal(403, "Forbidden"),
            ProviderFault.INVALID: refusal(400, "diskSize: invalid"),
        }


def text_of(moment: datetime) -> str:
    """A time as the API writes it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def templates() -> list[dict[str, Any]]:
    """Windows, a plain Ubuntu, and the one with drivers, which is not on every type."""
    rows = (
        ("t-windows", "Windows 10 (Server 2022)", "Windows", 50, TYPES),
        ("t-ubuntu", "Ubuntu 22.04 Server", "Ubuntu 22.04", 50, TYPES),
        ("t-ml", "ML-in-a-Box Ubuntu 22.04", "Ubuntu 22.04", 150, ("A100",)),
    )
    return [
        {
            "agentType": "LinuxHeadless",
            "availableMachineTypes": [
                {"isAvailable": each in types, "machineTypeLabel": each} for each in (*TYPES, "P4000")
            ],
            "defaultSizeGb": size,
            "dtCreated": "2024-01-05T10:00:00.000Z",
            "id": template_id,
            "name": name,
            "operatingSystemLabel": system,
        }
        for template_id, name, system, size, types in rows
    ]


def team() -> dict[str, Any]:
    return {"analyticsId": 1, "id": "t12345", "isPrivate": False, "maxMachines": 5, "namespace": "example"}


def user() -> dict[str, Any]:
    return {
        "analyticsId": 2,
        "dtConfirmed": "2024-01-05T10:00:00.000Z",
        "dtCreated": "2024-01-05T10:00:00.000Z",
        "email": "user@example.com",
        "firstName": None,
        "id": "u12345",
        "isPasswordAuthEnabled": True,
        "isPhoneVerified": True,
        "isQrCodeBasedMfaConfirmed": False,
        "isQrCodeBasedMfaEnabled": False,
        "lastName": None,
        "metadata": {},
        "preferences": None,
        "teamMemberships": [],
    }


def refusal(status: int, message: str) -> Reply:
    """Paperspace's no, in the form that others read."""
    return Reply(status=status, body={"code": "error", "message": message})
