"""Vast.ai as its published API describes it, with the corrections that its own client needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Final

from tests.providers.contracts import Contract, corrected_open_api
from tests.providers.wire_server import Reply, Request
from tests.providers.world import Billed, Living, World
from tradewind.domain.errors import ProviderFault

KEY: Final = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
MACHINE: Final = 7001
ON_DEMAND: Final = 0.8
LEAST_BID: Final = 0.4
#: Dollars per GB and month of 720 hours: the contract's examples have this ratio to `storage_total_cost`.
STORAGE: Final = 0.36
_PER_PAGE: Final = 25
_CREATE_EVERY_S: Final = 4.5


#: A code that others' clients tell apart (in October and November 2026) and the contract does not have.
_NO_CREDIT: Final = {
    "at": [
        "paths", "/api/v0/asks/{id}", "put", "responses", "400", "content", "application/json", "schema", "properties",
        "error",
    ],
    "set": {"type": "string", "enum": ["invalid_args", "invalid_price", "no_ssh_key_for_vm", "insufficient_credit"]},
}  # fmt: skip


@lru_cache
def vast_contract() -> Contract:
    """Vast.ai's API, with the corrections that its own client needs and one of ours."""
    return corrected_open_api("vast/openapi.json", [_NO_CREDIT], overlay="vast/overlay.json")


@dataclass
class Instance:
    """A contract of Vast.ai's, as the account sees it."""

    id: int
    label: str
    began_at: datetime
    dph_total: float
    asked: dict[str, Any] = field(default_factory=dict)
    actual_status: str | None = None
    intended_status: str = "running"
    status_msg: str | None = None
    has_port: bool = True
    ended_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class VastWorld(World):
    provider_id: ClassVar[str] = "vast"
    credentials: ClassVar[Mapping[str, str]] = {"VAST_API_KEY": KEY}
    instance_type: ClassVar[str] = f"2x RTX 4090 m{MACHINE}"
    region: ClassVar[str] = "Oregon, US"

    def __init__(self) -> None:
        super().__init__()
        self.instances: dict[int, Instance] = {}
        self.ask_id = 40_000
        self.on_demand, self.least_bid = ON_DEMAND, LEAST_BID
        self.balance = 25.0
        self.direct_ports = 100
        self.created_at = float("-inf")

    def contract(self) -> Contract:
        return vast_contract()

    async def handle(self, request: Request) -> Reply:
        given = request.headers.get("authorization")
        path = request.path.strip("/").split("/")
        if path == ["api", "v0", "bundles"]:
            if given not in (None, f"Bearer {KEY}"):
                return Reply(status=404, body={"error": "not_found", "msg": "Invalid user key"})
            return Reply(body={"offers": self.search(request.body)})
        if given != f"Bearer {KEY}":
            return no(401, "auth_error", "Invalid user key")
        match request.method, path[1:]:
            case "GET", ["v0", "users", "current"]:
                user = {"id": 5, "key_id": 6, "email": "a@example.com", "balance": self.balance, "sid": ""}
                return Reply(body=user)
            case "PUT", ["v0", "asks", ask_id]:
                return self.rent(int(ask_id), request.body)
            case "GET", ["v1", "instances"]:
                return self.page(request.query)
            case "DELETE", ["v0", "instances", instance_id]:
                return self.destroy(int(instance_id))
        raise AssertionError(f"the simulator has no {request.method} {request.path}")

    def search(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        disk_gb = body.get("allocated_storage", 8.0)
        price = self.least_bid if body["type"] == "bid" else self.on_demand
        ask = {
            "id": self.ask_id, "ask_contract_id": self.ask_id, "machine_id": MACHINE, "gpu_name": "RTX 4090",
            "num_gpus": 2, "gpu_ram": 24564, "gpu_total_ram": 49128, "gpu_frac": 0.5, "cpu_ram": 131072,
            "cpu_cores": 64, "cpu_cores_effective": 32.0, "disk_space": 500.0, "direct_port_count": self.direct_ports,
            "geolocation": "Oregon, US",
            "dph_base": price, "dph_total": price + STORAGE * disk_gb / 720, "min_bid": self.least_bid,
            "reliability": 0.9987, "reliability2": 0.9987, "inet_up_cost": 0.0049, "inet_down_cost": 0.001,
            "storage_cost": STORAGE, "verification": "verified", "rentable": True, "rented": False,
        }  # fmt: skip
        stranger = {
            "id": 9,
            "machine_id": 1,
            "gpu_name": "Zeta Q9",
            "num_gpus": 1,
            "verification": "unverified",
        }
        found = [ask | stranger, ask]
        return [each for each in found if all(_fits(each, *filter_) for filter_ in body.items())]

    def rent(self, ask_id: int, body: dict[str, Any]) -> Reply:
        now = self.clock.monotonic()
        if now - self.created_at < _CREATE_EVERY_S:
            return Reply(status=429, body={"detail": "API requests too frequent endpoint threshold=4.5"})
        self.created_at = now
        if ask_id != self.ask_id:
            return no(
                404,
                "invalid_args",
                f"error 404/3603: no_such_ask Instance type by id {ask_id} is not available.",
            )
        price = body.get("price") or self.on_demand
        if body.get("price") is not None and price < self.least_bid:
            return no(400, "invalid_price", "error 400/3471: bid is below the minimum")
        # The next ask of the same machine has another number.
        self.ask_id += 1
        made = self.add(body["label"], price + STORAGE * body["disk"] / 720, body)
        return Reply(body={"success": True, "new_contract": made.id})

    def add(self, label: str, dph_total: float, asked: dict[str, Any]) -> Instance:
        made = Instance(100 + len(self.instances), label, self.clock.now(), dph_total, asked)
        self.instances[made.id] = made
        return made

    def page(self, query: Mapping[str, str]) -> Reply:
        assert json.loads(query["order_by"]) == [{"col": "id", "dir": "asc"}]
        limit = min(int(query.get("limit", _PER_PAGE)), _PER_PAGE)
        after = int(query.get("after_token", "0"))
        filters = json.loads(query.get("select_filters", "{}"))
        columns = json.loads(query.get("select_cols", '["*"]'))
        if not set(filters) <= {"id", "label", "actual_status", "gpu_name", "verification"}:
            return Reply(status=400, body={"error": "invalid_request", "msg": "not a valid search key"})
        rows = [self.shown(each) for each in self.instances.values() if each.ended_at is None]
        rows = [each for each in rows if all(_fits(each, *filter_) for filter_ in filters.items())]
        page = [each for each in rows if each["id"] > after][:limit]
        more = bool(page) and page[-1]["id"] != rows[-1]["id"]
        return Reply(
            body={
                "success": True,
                "instances_found": len(page),
                "total_instances": len(rows),
                "next_token": str(page[-1]["id"]) if more else None,
                "instances": [
                    {
                        name: value
                        for name, value in each.items()
                        if columns == ["*"] or name in columns or name == "quantum_state"
                    }
                    for each in page
                ],
            }
        )

    def shown(self, each: Instance) -> dict[str, Any]:
        is_up = each.actual_status == "running"
        asked = [name.rpartition(":")[2] for name in each.asked.get("env") or {} if name.startswith("-p ")]
        direct = {
            f"{port}/tcp": [{"HostIp": "0.0.0.0", "HostPort": str(self.ssh_port if port != "22" else 20_000)}]
            for port in ("22", *asked)
        }
        return {
            "id": each.id, "label": each.label, "actual_status": each.actual_status, "cur_state": each.intended_status,
            "next_state": each.intended_status, "intended_status": each.intended_status,
            "status_msg": each.status_msg, "public_ipaddr": f"127.79.0.{each.id % 250 + 1} ",
            "ssh_host": "ssh7.vast.ai", "ssh_port": 10_000 + each.id,
            "ports": direct if is_up and each.has_port else None, "start_date": each.began_at.timestamp(),
            "dph_total": each.dph_total, "is_bid": bool(each.asked.get("price")), "machine_id": MACHINE,
            "onstart": each.asked.get("onstart") or "", "verification": "verified", "extra_env": [], **each.extra,
        }  # fmt: skip

    def destroy(self, instance_id: int) -> Reply:
        found = self.instances.get(instance_id)
        if found is None or found.ended_at is not None:
            return no(404, "not_found", "Instance not found")
        found.ended_at = self.clock.now()
        return Reply(body={"success": True, "msg": "Instance destroyed successfully"})

    # -- what the suite asks ---------------------------------------------------------------------------------------

    def instance(self, name: str) -> Instance:
        """The instance with this label."""
        (found,) = (each for each in self.instances.values() if each.label == name)
        return found

    def boot_data(self, name: str) -> str | None:
        return str(self.instance(name).asked["onstart"])

    def host_material(self, name: str) -> tuple[str, str]:
        script = self.boot_data(name) or ""
        host_key, authorized = (
            part.partition("TRADEWIND_END\n")[0] for part in script.split("<<'TRADEWIND_END'\n")[1:]
        )
        return host_key, authorized.strip()

    def living(self) -> list[Living]:
        return [
            Living(id=str(each.id), name=each.label)
            for each in self.instances.values()
            if each.ended_at is None
        ]

    def billed(self) -> list[Billed]:
        return [
            Billed(
                name=each.label,
                began_at=each.began_at,
                ended_at=each.ended_at,
                micro_per_hour=round(each.dph_total * 1e6),
            )
            for each in self.instances.values()
        ]

    async def boot(self) -> None:
        for each in self.instances.values():
            if each.actual_status in (None, "loading") and each.intended_status == "running":
                each.actual_status = "running"

    async def end(self) -> None:
        return

    async def reclaim(self, name: str) -> None:
        """Outbid: paused, with its data and the cost of its disk."""
        found = self.instance(name)
        found.actual_status, found.intended_status = "exited", "stopped"

    async def add_foreign(self, name: str) -> None:
        self.add(name, 0.5, {}).actual_status = "running"

    async def surprise(self, name: str) -> None:
        found = self.instance(name)
        found.actual_status, found.extra = "defragmenting", {"quantum_state": "both"}

    def is_create(self, request: Request) -> bool:
        return request.method == "PUT" and "/asks/" in request.path

    def refusals(self) -> Mapping[ProviderFault, Reply]:
        gone = "error 410/3907: no_such_ask Instance type 40000 is no longer available."
        return {
            ProviderFault.CAPACITY: no(410, "no_such_ask", gone),
            ProviderFault.BALANCE: no(400, "insufficient_credit", "Your account lacks credit."),
            ProviderFault.CREDENTIALS: no(401, "auth_error", "Invalid user key"),
            ProviderFault.PERMISSION: no(
                403, "invalid_args", "error 403/3586: Offer 1234567 is not your own."
            ),
            ProviderFault.INVALID: no(400, "invalid_args", f"error 400/3467: Invalid args: {KEY}"),
        }


def _fits(row: dict[str, Any], name: str, wanted: Any) -> bool:
    """True where a filter lets the row through; what is no filter lets all through."""
    if not isinstance(wanted, dict):
        return True
    value = row["verification"] == "verified" if name == "verified" else row.get(name, False)
    for operator, limit in wanted.items():
        if operator == "eq":
            # Vast.ai's own client sends numbers as text.
            does_fit = str(value) == str(limit)
        elif operator == "in":
            does_fit = value in limit
        elif operator == "gte":
            does_fit = value >= limit
        else:
            assert operator == "gt", operator
            does_fit = value is not None and value > limit
        if not does_fit:
            return False
    return True


def no(status: int, error: str, msg: str) -> Reply:
    """Vast.ai's no."""
    return Reply(status=status, body={"success": False, "error": error, "msg": msg})
