"""RunPod as its published second API and recorded answers describe it. Written from those, not from the adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Final
from urllib.parse import unquote

from tests.providers.contracts import Contract, corrected_open_api
from tests.providers.wire_server import Reply, Request
from tests.providers.world import Billed, Living, World
from tradewind.domain.errors import ProviderFault

KEY: Final = "rpa_TEST0123456789ABCDEF"
GPU: Final = "NVIDIA A100 80GB PCIe"
REGION: Final = "EU-RO-1"
PRICE: Final = 1.64
_PER_PAGE: Final = 50
#: The contract at hand is of 2026-08-20. Clients of October and November 2026 ask for pages so, and read this.
_PAGES: Final = (
    {
        "at": ["paths", "/v2/pods", "get", "parameters"],
        "set": [
            {"name": "includeClusterPods", "in": "query", "schema": {"type": "boolean"}},
            {"name": "limit", "in": "query", "schema": {"type": "integer"}},
            {"name": "cursor", "in": "query", "schema": {"type": "string"}},
        ],
    },
    {
        "at": ["components", "schemas", "ListPodsResponse", "properties"],
        "merge": {
            "pagination": {
                "type": "object",
                "properties": {
                    "hasNextPage": {"type": "boolean"},
                    "nextCursor": {"type": ["string", "null"]},
                },
            }
        },
    },
)


@lru_cache
def runpod_contract() -> Contract:
    """The second API, with pages."""
    return corrected_open_api("runpod/rest_v2.json", _PAGES)


@dataclass
class Pod:
    """A pod as RunPod knows it. `status` is RUNNING from the first moment on, as recorded."""

    id: str
    name: str
    began_at: datetime
    body: dict[str, Any] = field(default_factory=dict)
    status: str = "RUNNING"
    has_port: bool = False
    cost: float = PRICE
    ended_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class RunpodWorld(World):
    provider_id: ClassVar[str] = "runpod"
    credentials: ClassVar[Mapping[str, str]] = {"RUNPOD_API_KEY": KEY}
    instance_type: ClassVar[str] = f"1x {GPU}"
    region: ClassVar[str] = REGION
    gaps: ClassVar[Mapping[int, str]] = {6: "RunPod's second API has no interruptible pods"}

    def __init__(self) -> None:
        super().__init__()
        self.pods: dict[str, Pod] = {}
        #: What new pods cost; the catalogue goes on saying `PRICE`.
        self.cost = PRICE

    def contract(self) -> Contract:
        return runpod_contract()

    async def handle(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return problem(401, "Unauthorized", "API key is invalid.")
        match request.method, unquote(request.path).removeprefix("/v2/").split("/"):
            case "GET", ["catalog", "gpus"]:
                return Reply(body={"gpus": [self.kind(request.query), unheard_of()]})
            case "GET", ["catalog", "gpus", name]:
                return (
                    Reply(body=self.kind(request.query))
                    if name == GPU
                    else problem(404, "Not Found", "No such GPU.")
                )
            case "GET", ["pods"]:
                return self.page(int(request.query.get("cursor", "0")))
            case "POST", ["pods"]:
                return self.create(request.body)
            case "GET", ["pods", pod_id]:
                pod = self.pods.get(pod_id)
                return no_such_pod() if pod is None or pod.ended_at else Reply(body=self.shown(pod))
            case "DELETE", ["pods", pod_id]:
                return self.delete(pod_id)
        raise AssertionError(f"the simulator has no {request.method} {request.path}")

    def kind(self, query: Mapping[str, str]) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": GPU, "name": "A100 PCIe", "pool": "AMPERE_80", "manufacturer": "NVIDIA", "memory": 80, "secure": True,
            "community": True, "price": {"secure": PRICE, "community": 1.19}, "maxCount": {"secure": 2, "community": 1},
        }  # fmt: skip
        if query.get("include") == "AVAILABILITY":
            assert query["product"] == "POD"
            is_there = int(query["count"]) <= 2
            shown["availability"] = "HIGH" if is_there else "NONE"
            if is_there:
                shown["dataCenters"] = [
                    {"id": REGION, "name": REGION, "availability": "HIGH"},
                    {"id": "US-TX-3", "name": "US-TX-3", "availability": "NONE"},
                ]
        return shown

    def page(self, start: int) -> Reply:
        pods = [self.shown(each) for each in self.pods.values() if each.ended_at is None]
        end = start + _PER_PAGE
        more = end < len(pods)
        return Reply(
            body={
                "pods": pods[start:end],
                "pagination": {"hasNextPage": more, "nextCursor": str(end) if more else None},
            }
        )

    def create(self, body: dict[str, Any]) -> Reply:
        if body["gpu"]["id"] != GPU:
            return problem(404, "Not Found", "GPU type not found.")
        if REGION not in body.get("dataCenterIds", [REGION]):
            return problem(400, "Bad Request", "This GPU and data center combination could not be placed.")
        return Reply(status=201, body=self.shown(self.add(body["name"], body)))

    def add(self, name: str, body: dict[str, Any]) -> Pod:
        number = len(self.pods) + 1
        pod = Pod(f"pod{number:011x}", name, self.clock.now(), body, cost=self.cost)
        self.pods[pod.id] = pod
        return pod

    def delete(self, pod_id: str) -> Reply:
        pod = self.pods.get(pod_id)
        if pod is None or pod.ended_at:
            return no_such_pod()
        pod.status, pod.ended_at = "TERMINATED", self.clock.now()
        return Reply(status=204)

    def shown(self, pod: Pod) -> dict[str, Any]:
        is_up = pod.status == "RUNNING"
        address, port = f"127.78.0.{int(pod.id[3:], 16) % 250 + 1}", self.ssh_port
        direct = {
            "host": address,
            "port": port,
            "username": "root",
            "command": f"ssh root@{address} -p {port}",
        }
        proxy = {"host": "ssh.runpod.io", "port": 22, "username": f"{pod.id}-64", "command": "ssh"}
        asked = pod.body
        return {
            "id": pod.id, "name": pod.name, "status": pod.status, "actions": ["stop", "terminate"],
            "image": asked.get("image", ""), "args": asked.get("args", ""), "disk": asked.get("disk", 20),
            "mounts": {}, "ports": asked.get("ports", []), "env": asked.get("env", {}), "registry": None,
            "cloud": asked.get("cloud", "SECURE"), "dataCenterId": REGION, "cudaVersion": "13.0",
            "gpu": asked.get("gpu", {"id": GPU, "count": 1}),
            "ssh": {"proxy": proxy, "direct": direct if is_up and pod.has_port else None},
            "template": None, "cost": pod.cost if is_up else 0.0, "locked": False, "runtime": None,
            "createdAt": pod.began_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "startedAt": pod.began_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "globalNetworking": {"enabled": False},
            **pod.extra,
        }  # fmt: skip

    # -- what the suite asks ---------------------------------------------------------------------------------------

    def pod(self, name: str) -> Pod:
        """The pod of this name."""
        (found,) = (each for each in self.pods.values() if each.name == name)
        return found

    def boot_data(self, name: str) -> str | None:
        return str(self.pod(name).body["env"]["TRADEWIND_START"])

    def host_material(self, name: str) -> tuple[str, str]:
        script = self.boot_data(name) or ""
        host_key, authorized = (
            part.partition("TRADEWIND_END\n")[0] for part in script.split("<<'TRADEWIND_END'\n")[1:]
        )
        return host_key, authorized.strip()

    def living(self) -> list[Living]:
        return [Living(id=each.id, name=each.name) for each in self.pods.values() if each.ended_at is None]

    def billed(self) -> list[Billed]:
        return [
            Billed(
                name=each.name,
                began_at=each.began_at,
                ended_at=each.ended_at,
                micro_per_hour=round(each.cost * 1e6),
            )
            for each in self.pods.values()
        ]

    async def boot(self) -> None:
        for each in self.pods.values():
            each.has_port = True

    async def end(self) -> None:
        return

    async def reclaim(self, name: str) -> None:
        """Stopped by RunPod, for example since the balance is used up: it is listed, and was not asked to stop."""
        self.pod(name).status = "EXITED"

    async def add_foreign(self, name: str) -> None:
        self.add(name, {})

    async def surprise(self, name: str) -> None:
        pod = self.pod(name)
        pod.status, pod.extra = "HIBERNATING", {"quantumState": "both"}

    def is_create(self, request: Request) -> bool:
        return request.method == "POST" and request.path == "/v2/pods"

    def refusals(self) -> Mapping[ProviderFault, Reply]:
        return {
            ProviderFault.CAPACITY: problem(
                400,
                "Bad Request",
                "There are no longer any instances available with the requested specifications. "
                "Please refresh and try again.",
            ),
            ProviderFault.BALANCE: problem(402, "Payment Required", "Insufficient balance."),
            ProviderFault.CREDENTIALS: problem(401, "Unauthorized", "API key is invalid."),
            ProviderFault.PERMISSION: problem(403, "Forbidden", "Your account cannot access this pool."),
            ProviderFault.INVALID: problem(
                422, "Unprocessable Entity", "Request validation failed.", [f"$.name: not {KEY}"]
            ),
        }


def unheard_of() -> dict[str, Any]:
    """An accelerator that nobody knows yet: listed all the same."""
    return {
        "id": "NVIDIA ZETA 9", "name": "ZETA 9", "pool": None, "manufacturer": "NVIDIA", "memory": 500, "secure": True,
        "community": False, "price": {"secure": 9.5, "community": 0.0}, "maxCount": {"secure": 1, "community": 0},
        "availability": "LOW",
    }  # fmt: skip


def problem(status: int, title: str, detail: str, errors: list[str] | None = None) -> Reply:
    """RunPod's no, in the form of RFC 9457."""
    body: dict[str, Any] = {"title": title, "status": status, "detail": detail}
    return Reply(status=status, body=body | ({"errors": errors} if errors else {}))


def no_such_pod() -> Reply:
    return problem(404, "Not Found", "The requested Pod does not exist.")
