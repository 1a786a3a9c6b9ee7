"""A simulated DigitalOcean, written from its published API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Final

from tests.providers.contracts import Contract, open_api
from tests.providers.wire_server import Reply, Request
from tests.providers.world import Billed, Living, World
from tradewind.domain.errors import ProviderFault

KEY: Final = "dop_v1_test0123456789abcdef0123456789"
REGION: Final = {
    "name": "New York 2",
    "slug": "nyc2",
    "features": ["metadata"],
    "available": True,
    "sizes": ["gpu-h100x1-80gb"],
}
SIZE: Final[dict[str, Any]] = {
    "slug": "gpu-h100x1-80gb",
    "memory": 245760,
    "vcpus": 20,
    "disk": 720,
    "transfer": 15.0,
    "price_monthly": 2522.16,
    "price_hourly": 3.39,
    "regions": ["nyc2"],
    "available": True,
    "description": "H100 GPU - 1X",
    "gpu_info": {"count": 1, "model": "nvidia_h100", "vram": {"amount": 80, "unit": "gib"}},
}
SOLD_OUT: Final = {**SIZE, "slug": "gpu-h100x8-640gb", "regions": [], "available": False}


@dataclass
class Droplet:
    """A Droplet as DigitalOcean knows it."""

    id: int
    name: str
    status: str
    began_at: datetime
    has_gpu: bool = True
    tags: list[str] = field(default_factory=list)
    ssh_keys: list[int] = field(default_factory=list)
    image: str = "ubuntu-24-04-x64"
    user_data: str = ""
    #: The account's default one of the region, unless another was asked for.
    vpc: str = "760e09ef-dc84-11e8-981e-3cfdfeaae000"
    is_ending: bool = False
    ended_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class DigitalOceanWorld(World):
    provider_id: ClassVar[str] = "digitalocean"
    credentials: ClassVar[Mapping[str, str]] = {"DIGITALOCEAN_ACCESS_TOKEN": KEY}
    instance_type: ClassVar[str] = "gpu-h100x1-80gb"
    region: ClassVar[str] = "nyc2"
    gaps: ClassVar[Mapping[int, str]] = {6: "DigitalOcean sells no interruptible machines"}
    #: What a page holds at most, whatever is asked for: lists have more than one page here.
    most_per_page: ClassVar[int] = 50

    def __init__(self) -> None:
        super().__init__()
        self.droplets: dict[int, Droplet] = {}
        self.keys: list[dict[str, Any]] = [
            {"id": 512190, "name": "laptop", "public_key": "ssh-ed25519 AAAA laptop"}
        ]
        self.status = "active"
        #: The API does not say whether a list by tag has Droplets with accelerators.
        self.lists_gpus_by_tag = True

    def contract(self) -> Contract:
        return open_api("digitalocean/openapi.json")

    async def handle(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return refusal(401, "unauthorized", "Unable to authenticate you")
        query = request.query
        match request.method, request.path.removeprefix("/v2/").split("/"):
            case "GET", ["account"]:
                return Reply(body={"account": self.account()})
            case "GET", ["account", "keys"]:
                return self.page("ssh_keys", self.keys, query)
            case "POST", ["account", "keys"]:
                return self.add_key(request.body)
            case "GET", ["regions"]:
                return self.page("regions", [REGION, {**REGION, "slug": "nyc1", "available": False}], query)
            case "GET", ["sizes"]:
                return self.page("sizes", [SIZE, SOLD_OUT], query)
            case "GET", ["droplets"]:
                return self.page("droplets", [self.shown(each) for each in self.selected(query)], query)
            case "POST", ["droplets"]:
                return self.create(request.body)
            case "GET", ["droplets", number]:
                found = self.living_one(int(number))
                return Reply(body={"droplet": self.shown(found)}) if found else no_such_thing()
            case "DELETE", ["droplets", number]:
                found = self.living_one(int(number))
                if found is None:
                    return no_such_thing()
                found.is_ending = True
                return Reply(status=204)
        raise AssertionError(f"the simulator has no {request.method} {request.path}")

    def account(self) -> dict[str, Any]:
        return {
            "droplet_limit": 25,
            "floating_ip_limit": 3,
            "email": "user@example.com",
            "uuid": "b6fr89dbf6d9156cace5f3c78dc9851d957381ef",
            "email_verified": True,
            "status": self.status,
            "status_message": "" if self.status == "active" else "Please contact support.",
        }

    def add_key(self, body: dict[str, Any]) -> Reply:
        if any(each["public_key"].split()[:2] == body["public_key"].split()[:2] for each in self.keys):
            return refusal(422, "unprocessable_entity", "SSH Key is already in use on your account")
        key = {"id": 512190 + len(self.keys), **body}
        self.keys.append(key)
        return Reply(status=201, body={"ssh_key": key})

    def selected(self, query: dict[str, str]) -> list[Droplet]:
        assert not ({"tag_name", "type"} <= set(query)), "these two cannot be combined"
        alive = [each for each in self.droplets.values() if each.ended_at is None]
        if "tag_name" in query:
            tagged = [each for each in alive if query["tag_name"] in each.tags]
            return [each for each in tagged if self.lists_gpus_by_tag or not each.has_gpu]
        return [each for each in alive if each.has_gpu is (query.get("type") == "gpus")]

    def create(self, body: dict[str, Any]) -> Reply:
        if body["size"] not in (SIZE["slug"], SOLD_OUT["slug"]):
            return refusal(422, "unprocessable_entity", "You specified an invalid size for Droplet creation.")
        if body["region"] not in SIZE["regions"]:
            return refusal(
                422, "unprocessable_entity", "You specified an invalid region for Droplet creation."
            )
        if not {each["id"] for each in self.keys} >= set(body["ssh_keys"]):
            return refusal(422, "unprocessable_entity", "SSH key ids are invalid.")
        made = self.add(body["name"])
        made.tags, made.ssh_keys, made.image = body["tags"], body["ssh_keys"], body["image"]
        made.user_data, made.vpc = body["user_data"], body.get("vpc_uuid", made.vpc)
        action = {"id": 7515, "rel": "create", "href": "https://api.digitalocean.com/v2/actions/7515"}
        return Reply(status=202, body={"droplet": self.shown(made), "links": {"actions": [action]}})

    def add(self, name: str) -> Droplet:
        number = 3164494 + len(self.droplets)
        made = Droplet(number, name, "new", self.clock.now())
        self.droplets[number] = made
        return made

    def page(self, what: str, rows: list[Any], query: dict[str, str]) -> Reply:
        size = min(int(query.get("per_page", 20)), self.most_per_page)
        start = (int(query.get("page", 1)) - 1) * size
        links: dict[str, Any] = {}
        if start + size < len(rows):
            at = f"https://api.digitalocean.com/v2/{what}?page={start // size + 2}"
            links = {"pages": {"next": at, "last": at}}
        body = {what: rows[start : start + size], "links": links, "meta": {"total": len(rows)}}
        return Reply(body=body)

    def living_one(self, number: int) -> Droplet | None:
        found = self.droplets.get(number)
        return found if found is not None and found.ended_at is None else None

    def shown(self, droplet: Droplet) -> dict[str, Any]:
        v4 = []
        if droplet.status != "new":
            public = f"127.77.1.{droplet.id % 250 + 1}"
            v4 = [
                {
                    "ip_address": f"10.128.192.{droplet.id % 250 + 2}",
                    "netmask": "255.255.0.0",
                    "type": "private",
                },
                {"ip_address": public, "netmask": "255.0.0.0", "gateway": "127.0.0.1", "type": "public"},
            ]
        return {
            "id": droplet.id,
            "name": droplet.name,
            "memory": SIZE["memory"],
            "vcpus": SIZE["vcpus"],
            "disk": SIZE["disk"],
            "locked": droplet.is_ending,
            "status": droplet.status,
            "created_at": droplet.began_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
            "features": [],
            "backup_ids": [],
            "next_backup_window": None,
            "snapshot_ids": [],
            "image": {"id": 191457505, "name": "AI/ML Ready", "slug": droplet.image, "public": True},
            "volume_ids": [],
            "size": SIZE,
            "size_slug": SIZE["slug"],
            "networks": {"v4": v4, "v6": []},
            "vpc_uuid": droplet.vpc,
            "region": REGION,
            "tags": droplet.tags,
            **droplet.extra,
        }

    def named(self, name: str) -> Droplet:
        """The one of this name that is not gone."""
        (found,) = (each for each in self.droplets.values() if each.name == name and each.ended_at is None)
        return found

    # -- what the suite asks ---------------------------------------------------------------------------------------

    def boot_data(self, name: str) -> str | None:
        return self.named(name).user_data

    def living(self) -> list[Living]:
        return [
            Living(id=str(each.id), name=each.name)
            for each in self.droplets.values()
            if each.ended_at is None
        ]

    def billed(self) -> list[Billed]:
        return [
            Billed(name=each.name, began_at=each.began_at, ended_at=each.ended_at, micro_per_hour=3_390_000)
            for each in self.droplets.values()
        ]

    async def boot(self) -> None:
        for each in self.droplets.values():
            if each.status == "new":
                each.status = "active"

    async def end(self) -> None:
        for each in self.droplets.values():
            if each.is_ending and each.ended_at is None:
                each.ended_at = self.clock.now()

    async def reclaim(self, name: str) -> None:
        raise AssertionError("DigitalOcean sells no interruptible machines")

    async def add_foreign(self, name: str) -> None:
        self.add(name).status = "active"

    def reaches(self, name: str, other: str) -> bool:
        """Droplets of one VPC do, unless the user has set up a firewall."""
        return self.named(name).vpc == self.named(other).vpc

    async def surprise(self, name: str) -> None:
        found = self.named(name)
        found.status, found.extra = "defragmenting", {"quantum_state": "both"}

    def is_create(self, request: Request) -> bool:
        return (request.method, request.path) == ("POST", "/v2/droplets")

    def refusals(self) -> Mapping[ProviderFault, Reply]:
        prose = "unprocessable_entity"
        return {
            ProviderFault.CAPACITY: refusal(422, prose, "Size is not available in this region."),
            ProviderFault.QUOTA: refusal(422, prose, "creating this/these droplet(s) will exceed your droplet limit"),
            ProviderFault.BALANCE: refusal(422, prose, "A payment method is required."),
            ProviderFault.CREDENTIALS: refusal(401, "unauthorized", "Unable to authenticate you"),
            ProviderFault.PERMISSION: refusal(403, "forbidden", "You are not authorized to perform this operation"),
            ProviderFault.INVALID: refusal(422, prose, f"Something is wrong with {KEY}"),
        }  # fmt: skip


def refusal(status: int, name: str, message: str) -> Reply:
    """DigitalOcean's no."""
    return Reply(status=status, body={"id": name, "message": message, "request_id": "4d9d8375-3c56-4925"})


def no_such_thing() -> Reply:
    return refusal(404, "not_found", "The resource you were accessing could not be found.")
