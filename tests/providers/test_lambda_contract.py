"""Lambda Cloud: the adapter against a simulator that is held to Lambda's published API in both directions."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final

from tests.providers.contracts import Contract, open_api
from tests.providers.mutating import Mutation
from tests.providers.suite import ProviderContract, at_the_same_time, scenario
from tests.providers.wire_server import Reply, Request
from tests.providers.world import Billed, Living, World
from tradewind.domain.errors import ProviderFault

KEY: Final = "secret_test_0123456789abcdef.lambda"
TYPE: Final[dict[str, Any]] = {
    "name": "gpu_1x_a100_sxm4",
    "description": "1x A100 (40 GB SXM4)",
    "gpu_description": "A100 (40 GB SXM4)",
    "price_cents_per_hour": 129,
    "specs": {"vcpus": 30, "memory_gib": 200, "storage_gib": 512, "gpus": 1},
}
REGION: Final = {"name": "us-east-1", "description": "Virginia, USA"}
_LAUNCH: Final = "/api/v1/instance-operations/launch"


@dataclass
class Instance:
    """A machine as Lambda knows it."""

    id: str
    name: str
    status: str
    began_at: datetime
    ssh_key: str
    user_data: str = ""
    ended_at: datetime | None = None
    extra: dict[str, Any] | None = None


class LambdaWorld(World):
    provider_id: ClassVar[str] = "lambda"
    credentials: ClassVar[Mapping[str, str]] = {"LAMBDA_API_KEY": KEY}
    instance_type: ClassVar[str] = "gpu_1x_a100_sxm4"
    region: ClassVar[str] = "us-east-1"
    gaps: ClassVar[Mapping[int, str]] = {6: "Lambda sells no interruptible machines"}

    def __init__(self) -> None:
        super().__init__()
        self.instances: dict[str, Instance] = {}
        self.keys: dict[str, str] = {"laptop": "ssh-ed25519 AAAA laptop"}
        self.launched_at: deque[float] = deque()

    def contract(self) -> Contract:
        return open_api("lambda/cloud_v1.json")

    async def handle(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return refusal(
                401, "global/invalid-api-key", "API key was invalid, expired, or deleted.", "Check it."
            )
        match request.method, request.path.removeprefix("/api/v1/").split("/"):
            case "GET", ["instance-types"]:
                return data(
                    {TYPE["name"]: {"instance_type": TYPE, "regions_with_capacity_available": [REGION]}}
                )
            case "GET", ["regions"]:
                return data([REGION])
            case "GET", ["ssh-keys"]:
                return data([self.key(name) for name in self.keys])
            case "POST", ["ssh-keys"]:
                self.keys[request.body["name"]] = request.body["public_key"]
                return data(self.key(request.body["name"]))
            case "POST", ["instance-operations", "launch"]:
                return self.launch(request.body)
            case "POST", ["instance-operations", "terminate"]:
                return self.terminate(request.body["instance_ids"])
            case "GET", ["instances"]:
                return data(
                    [self.shown(each) for each in self.instances.values() if each.status != "terminated"]
                )
            case "GET", ["instances", instance_id]:
                if instance_id not in self.instances or self.instances[instance_id].status == "terminated":
                    return no_such_instance()
                return data(self.shown(self.instances[instance_id]))
        raise AssertionError(f"the simulator has no {request.method} {request.path}")

    def launch(self, body: dict[str, Any]) -> Reply:
        now = self.clock.monotonic()
        self.launched_at.append(now)
        if sum(at > now - 60 for at in self.launched_at) > 5:
            raise AssertionError("launched more than five times in a minute")
        (key,) = body["ssh_key_names"]
        if (
            key not in self.keys
            or body["instance_type_name"] != TYPE["name"]
            or body["region_name"] != REGION["name"]
        ):
            return refusal(404, "global/object-does-not-exist", "Something you named does not exist.")
        made = self.add(body["name"], key, body["user_data"])
        return data({"instance_ids": [made.id]})

    def add(self, name: str, key: str = "laptop", user_data: str = "") -> Instance:
        number = len(self.instances) + 1
        made = Instance(f"{number:032x}", name, "booting", self.clock.now(), key, user_data)
        self.instances[made.id] = made
        return made

    def terminate(self, ids: list[str]) -> Reply:
        found = [self.instances[each] for each in ids if each in self.instances]
        found = [each for each in found if each.status != "terminated"]
        if not found:
            return no_such_instance()
        for each in found:
            each.status = "terminating"
        return data({"terminated_instances": [self.shown(each) for each in found]})

    def key(self, name: str) -> dict[str, Any]:
        return {"id": name.ljust(32, "0")[:32], "name": name, "public_key": self.keys[name]}

    def shown(self, instance: Instance) -> dict[str, Any]:
        able = {"available": instance.status == "active"}
        shown: dict[str, Any] = {
            "id": instance.id,
            "name": instance.name,
            "status": instance.status,
            "ssh_key_names": [instance.ssh_key],
            "file_system_names": [],
            "region": REGION,
            "instance_type": TYPE,
            "actions": dict.fromkeys(("migrate", "rebuild", "restart", "cold_reboot", "terminate"), able),
            **(instance.extra or {}),
        }
        if instance.status == "active":
            shown["ip"] = f"127.77.0.{int(instance.id, 16) % 250 + 1}"
        return shown

    # -- what the suite asks ---------------------------------------------------------------------------------------

    def boot_data(self, name: str) -> str | None:
        (found,) = (each for each in self.instances.values() if each.name == name)
        return found.user_data

    def living(self) -> list[Living]:
        return [
            Living(id=each.id, name=each.name)
            for each in self.instances.values()
            if each.status != "terminated"
        ]

    def billed(self) -> list[Billed]:
        cents = TYPE["price_cents_per_hour"]
        return [
            Billed(
                name=each.name, began_at=each.began_at, ended_at=each.ended_at, micro_per_hour=cents * 10_000
            )
            for each in self.instances.values()
        ]

    async def boot(self) -> None:
        for each in self.instances.values():
            if each.status == "booting":
                each.status = "active"

    async def end(self) -> None:
        for each in self.instances.values():
            if each.status == "terminating":
                each.status, each.ended_at = "terminated", self.clock.now()

    async def reclaim(self, name: str) -> None:
        raise AssertionError("Lambda sells no interruptible machines")

    async def add_foreign(self, name: str) -> None:
        self.add(name).status = "active"

    async def surprise(self, name: str) -> None:
        (found,) = (each for each in self.instances.values() if each.name == name)
        found.status, found.extra = "defragmenting", {"quantum_state": "both"}

    def is_create(self, request: Request) -> bool:
        return request.path == _LAUNCH

    def refusals(self) -> Mapping[ProviderFault, Reply]:
        launch = "instance-operations/launch"
        return {
            ProviderFault.CAPACITY: refusal(400, f"{launch}/insufficient-capacity", "Not enough capacity."),
            ProviderFault.QUOTA: refusal(400, "global/quota-exceeded", "Quota exceeded.", "Contact Support."),
            ProviderFault.BALANCE: refusal(403, "global/invalid-address", "Your billing address is invalid."),
            ProviderFault.CREDENTIALS: refusal(
                401, "global/invalid-api-key", "API key was invalid.", "Check it."
            ),
            ProviderFault.PERMISSION: refusal(
                403, "global/account-inactive", "Inactive.", "Verify your email."
            ),
            ProviderFault.INVALID: refusal(400, "global/invalid-parameters", f"Invalid request data: {KEY}"),
        }


def data(value: Any) -> Reply:
    """Lambda's envelope."""
    return Reply(body={"data": value})


def refusal(status: int, code: str, message: str, suggestion: str = "") -> Reply:
    """Lambda's no."""
    return Reply(
        status=status,
        body={"error": {"code": code, "message": message, "suggestion": suggestion or "Try again."}},
    )


def no_such_instance() -> Reply:
    return refusal(404, "global/object-does-not-exist", "Specified instance does not exist.")


MUTATIONS: Final = (
    Mutation("tradewind.providers.lambda_cloud.machines", "_API}/instances/{", "_API}/instance/{"),
    Mutation("tradewind.providers.lambda_cloud.machines", '"region_name"', '"region"'),
    Mutation(
        "tradewind.providers.lambda_cloud.machines", '"active": MachinePhase', '"activated": MachinePhase'
    ),
    Mutation(
        "tradewind.providers.lambda_cloud.machines", "launch/insufficient-capacity", "launch/no-capacity"
    ),
)


class TestLambdaContract(ProviderContract):
    world_type = LambdaWorld

    @scenario(5)
    async def test_twenty_launches_at_once_keep_to_five_a_minute(self, world: World) -> None:
        made = await at_the_same_time(20, world)
        assert not [each for each in made if isinstance(each, BaseException)]
        assert len(world.living()) == 20

    async def test_the_login_key_is_registered_once(self, world: World) -> None:
        await at_the_same_time(3, world)
        assert world.server.count("POST", "ssh-keys") <= 3
        await at_the_same_time(3, world)
        assert isinstance(world, LambdaWorld)
        assert len(world.keys) == 2
