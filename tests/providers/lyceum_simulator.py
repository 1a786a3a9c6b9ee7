"""A simulated Lyceum: what its client sends and reads, and what was recorded of the live service."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from tests.providers.contracts import Contract, open_api
from tests.providers.wire_server import Reply, Request
from tests.providers.world import Billed, Living, World, access_of
from tradewind.domain.errors import ProviderFault

KEY: Final = "lk_test_0123456789abcdefghij"
API: Final = "/api/v2/external"
#: Dollars per second, as text; and how many accelerators one machine can have now.
PRICES: Final = {
    "on-demand.a100.1x": "0.00044167",
    "on-demand.a100.2x": "0.00088333",
    "spot.a100.1x": "0.00022222",
    "spot.a100.2x": "0.00044444",
    "on-demand.h100.8x": "0.00620000",
}
FREE: Final = {("a100", "on-demand"): [2, 1], ("a100", "spot"): [1], ("h100", "on-demand"): []}
PROFILES: Final = ("a100", "b200", "b300", "h100", "h200", "l40s")
_USER_ID: Final = "00000000-0000-4000-8000-000000000001"
_ORG_ID: Final = "00000000-0000-4000-8000-000000000002"


@dataclass
class Vm:
    """A machine as Lyceum knows it."""

    id: str
    display_name: str
    status: str
    began_at: datetime
    profile: str
    count: int
    market: str
    public_key: str = ""
    address: str | None = None
    ended_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def is_billed(self) -> bool:
        """It costs money; a machine that failed as well, for all that is known."""
        return self.ended_at is None


class LyceumWorld(World):
    provider_id: ClassVar[str] = "lyceum"
    credentials: ClassVar[Mapping[str, str]] = {"LYCEUM_API_KEY": KEY}
    instance_type: ClassVar[str] = "a100.1x"
    region: ClassVar[str] = "lyceum"

    def __init__(self) -> None:
        super().__init__()
        self.vms: dict[str, Vm] = {}
        #: A machine that is ready has its address only later.
        self.is_slow_with_addresses = False

    def contract(self) -> Contract:
        return open_api("lyceum/openapi.json")

    async def handle(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return refusal(401, "Invalid API key")
        match request.method, request.path.removeprefix(f"{API}/").split("/"):
            case "POST", ["vms", "create"]:
                return self.create(request.body)
            case "GET", ["vms", "list"]:
                return self.listing(request.query)
            case "GET", ["vms", "availability"]:
                return Reply(body=availability())
            case "GET", ["vms", vm_id, "status"]:
                return Reply(body=self.shown(self.vms[vm_id])) if vm_id in self.vms else no_such_vm()
            case "DELETE", ["vms", vm_id]:
                return self.delete(vm_id)
            case "GET", ["pricing"]:
                return Reply(body={"prices": [price(name, PRICES[name]) for name in PRICES]})
            case "GET", ["user", "org"]:
                return Reply(body={"org_id": _ORG_ID, "name": "Example"})
            case "GET", ["billing", "credits"]:
                return Reply(body={"available_credits": 500.0})
        raise AssertionError(f"the simulator has no {request.method} {request.path}")

    def create(self, body: dict[str, Any]) -> Reply:
        profile = body["hardware_profile"]
        if profile not in PROFILES:
            valid = ", ".join(PROFILES)
            return refusal(400, f"Unknown hardware_profile '{profile}'. Valid options: {valid}")
        # A number of accelerators that is 0, or is not where it is looked for, is 1.
        count = (body.get("instance_specs") or {}).get("gpu_count") or 1
        made = self.add(
            body.get("display_name") or "", profile, count, body.get("instance_type") or "on-demand"
        )
        made.public_key = body["user_public_key"]
        shown = self.shown(made)
        shown |= {"hardware_profile": None, "gpu_count": None}
        shown["created_at"] = made.began_at.replace(tzinfo=None).isoformat(timespec="microseconds")
        shown["status_check_url"] = f"{API}/vms/{made.id}/status"
        return Reply(body=shown)

    def add(self, name: str, profile: str = "a100", count: int = 1, market: str = "on-demand") -> Vm:
        number = len(self.vms) + 1
        # Ids are opaque: some have dashes, some have none.
        vm_id = f"{number:032x}" if number % 2 else f"00000000-0000-4000-8000-{number:012x}"
        made = Vm(vm_id, name, "pending", self.clock.now(), profile, count, market)
        self.vms[vm_id] = made
        return made

    def listing(self, query: dict[str, str]) -> Reply:
        groups = {
            "include_provisioning": ("pending", "provisioning"),
            "include_ready": ("ready", "running"),
            "include_failed": ("failed", "error"),
            "include_terminated": ("terminated",),
        }
        hidden = {each for flag, states in groups.items() if query.get(flag) == "false" for each in states}
        rows = [self.shown(each) for each in self.vms.values() if each.status not in hidden]
        return Reply(body={"vms": rows, "total": len(rows)})

    def delete(self, vm_id: str) -> Reply:
        vm = self.vms.get(vm_id)
        if vm is None:
            return no_such_vm()
        if vm.ended_at is None:
            vm.status, vm.ended_at = "terminated", self.clock.now()
        text = f"VM {vm_id} has been terminated"
        return Reply(body={"vm_id": vm_id, "status": "terminated", "message": text})

    def shown(self, vm: Vm) -> dict[str, Any]:
        return {
            "vm_id": vm.id,
            "status": vm.status,
            "ip_address": vm.address,
            "created_at": vm.began_at.astimezone(UTC)
            .isoformat(timespec="microseconds")
            .replace("+00:00", "Z"),
            "instance_specs": {"gpu_type": vm.profile, "gpu_count": vm.count},
            "hardware_profile": vm.profile,
            "gpu_count": vm.count,
            "instance_type": vm.market,
            "name": f"hyd-production-vm-{vm.id[-6:]}",
            "display_name": vm.display_name,
            "billed": 0.0,
            "croesus_billed": None,
            "user_id": _USER_ID,
            "org_id": _ORG_ID,
            **vm.extra,
        }

    def named(self, name: str) -> Vm:
        """The machine of this name that is not terminated."""
        (found,) = (each for each in self.vms.values() if each.display_name == name and each.is_billed)
        return found

    # -- what the suite asks ---------------------------------------------------------------------------------------

    def boot_data(self, name: str) -> str | None:
        return None

    def host_material(self, name: str) -> tuple[str, str]:
        # The image makes a host key by itself, and nobody is told of it.
        own = access_of("inst_made_by_the_image").host_key(f"inst/{name}")
        return own.private.reveal(), self.named(name).public_key

    def living(self) -> list[Living]:
        return [Living(id=each.id, name=each.display_name) for each in self.vms.values() if each.is_billed]

    def billed(self) -> list[Billed]:
        return [
            Billed(
                name=each.display_name,
                began_at=each.began_at,
                ended_at=each.ended_at,
                micro_per_hour=round(
                    float(PRICES[f"{each.market}.{each.profile}.{each.count}x"]) * 3_600_000_000
                ),
            )
            for each in self.vms.values()
        ]

    async def boot(self) -> None:
        for number, each in enumerate(self.vms.values(), 1):
            if each.status in ("pending", "provisioning"):
                each.status = "ready"
                if not self.is_slow_with_addresses:
                    port = "" if number % 2 else f":{self.ssh_port}"
                    each.address = f"127.77.2.{number % 250 + 1}{port}"

    async def end(self) -> None:
        """A machine that is given back is gone with the answer."""

    async def reclaim(self, name: str) -> None:
        vm = self.named(name)
        vm.status, vm.ended_at = "terminated", self.clock.now()

    async def add_foreign(self, name: str) -> None:
        self.add(name).status = "ready"

    async def surprise(self, name: str) -> None:
        vm = self.named(name)
        vm.status, vm.extra = "defragmenting", {"quantum_state": "both"}

    def is_create(self, request: Request) -> bool:
        return request.path == f"{API}/vms/create"

    def refusals(self) -> Mapping[ProviderFault, Reply]:
        return {
            ProviderFault.CAPACITY: no_capacity(),
            ProviderFault.BALANCE: refusal(402, "Insufficient credits"),
            ProviderFault.CREDENTIALS: refusal(401, f"Invalid API key {KEY}"),
            ProviderFault.PERMISSION: refusal(403, "This key may not do that"),
            ProviderFault.INVALID: refusal(
                400, "The instance request was invalid. Please check your parameters and try again."
            ),
        }


def availability() -> dict[str, Any]:
    """What is to be had, by profile and terms; the first of the two lists confuses the terms."""
    return {
        "available_hardware_profiles": [
            {"hardware_profile": profile, "gpu_type": profile, "available_gpus_per_instance": [1, 2, 4, 8]}
            for profile in sorted({each for each, _ in FREE})
        ],
        "available_instance_variants": [
            {
                "hardware_profile": profile,
                "instance_type": market,
                "price_per_hour": 1.59,
                "allowed_gpus_per_instance": [1, 2, 4, 8],
                "available_gpus_per_instance": counts,
            }
            for (profile, market), counts in FREE.items()
        ],
    }


def price(name: str, per_second: str) -> dict[str, Any]:
    """One row of the price list."""
    assert re.fullmatch(r"[a-z-]+\.[a-z0-9]+\.\dx", name)
    return {
        "meter_slug": "vm_running",
        "resource": "vm",
        "applies_to": {"hardware_profile": name},
        "unit": "second",
        "unit_price": per_second,
        "unit_price_per_hour": f"{float(per_second) * 3600:.8f}",
    }


def refusal(status: int, detail: str) -> Reply:
    """Lyceum's no."""
    return Reply(status=status, body={"detail": detail})


def no_capacity() -> Reply:
    return refusal(500, "The instance could not be provisioned right now. Please try again in a moment.")


def no_such_vm() -> Reply:
    return refusal(404, "VM not found")
