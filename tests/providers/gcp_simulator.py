"""Google Compute Engine as its published API has it, in memory: machines, disks, operations, firewall rules, tokens.

Written from the discovery document and the vendor's documentation, not from the adapter. Operations take time by the
clock; what they do shows when they are done. Lists come three to a page.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.providers.clock import HurriedClock
from tests.providers.contracts import Contract, discovery
from tests.providers.wire_server import Reply, Request

PROJECT: Final = "tidal-harbour-1234"
EMAIL: Final = f"tradewind@{PROJECT}.iam.gserviceaccount.com"
ROOT: Final = f"/compute/v1/projects/{PROJECT}"
REGION: Final = "us-central1"
ZONES: Final = ("us-central1-a", "us-central1-b")
#: Machine type -> processors and MB.
TYPES: Final = {"g2-standard-8": (8, 32768), "a2-highgpu-1g": (12, 87040), "n1-highmem-8": (8, 53248)}
CARDS: Final = {"us-central1-a": ("nvidia-tesla-t4", "nvidia-l4"), "us-central1-b": ("nvidia-l4",)}
_PER_PAGE: Final = 3
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@cache
def private_key() -> rsa.RSAPrivateKey:
    """The key of the service account of all tests of this process."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def key_file(token_uri: str) -> str:
    """A service account's key file, whose tokens come from there."""
    pem = private_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return json.dumps(
        {
            "type": "service_account",
            "project_id": PROJECT,
            "private_key_id": "0123456789abcdef",
            "private_key": pem,
            "client_email": EMAIL,
            "client_id": "1234567890",
            "token_uri": token_uri,
        }
    )


class GcpContract:
    """Compute Engine's discovery document, and beside it RFC 6749 for the one address that gives tokens."""

    def __init__(self) -> None:
        self._compute = discovery("gcp/compute.v1.json")

    def request(self, method: str, url: str, body: Any) -> list[str]:
        if url == "/token":
            return (
                [] if method == "POST" and body is None else ["tokens are asked for by a form that is posted"]
            )
        return self._compute.request(method, url, body)

    def response(self, method: str, url: str, status: int, body: Any) -> list[str]:
        if url != "/token":
            return self._compute.response(method, url, status, body)
        if status != 200:
            return [] if set(body) <= {"error", "error_description"} else ["an error of another form"]
        return (
            [] if set(body) == {"access_token", "expires_in", "token_type"} else ["a token of another form"]
        )


def contract() -> Contract:
    """What the exchanges are held to."""
    return GcpContract()


@dataclass
class Vm:
    """A machine as Google knows it. Its disk has its name."""

    id: int
    zone: str
    body: dict[str, Any]
    created_at: datetime
    status: str = "PROVISIONING"
    stopped_at: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.body["name"])

    @property
    def metadata(self) -> dict[str, str]:
        """What the machine's own software reads."""
        return {each["key"]: each["value"] for each in (self.body.get("metadata") or {}).get("items") or []}

    @property
    def tags(self) -> set[str]:
        """What firewall rules know it by."""
        return set((self.body.get("tags") or {}).get("items") or [])

    @property
    def network(self) -> str:
        """Where it stands."""
        (interface,) = self.body.get("networkInterfaces") or [{"network": "global/networks/default"}]
        return str(interface["network"])

    @property
    def internal_address(self) -> str:
        return f"10.128.{self.id // 250 % 250}.{self.id % 250 + 2}"

    @property
    def is_spot(self) -> bool:
        return (self.body.get("scheduling") or {}).get("provisioningModel") == "SPOT"


@dataclass
class Operation:
    """Something that takes time. `effect` happens when it is done, unless it fails."""

    name: str
    scope: str
    kind: str
    target_id: int
    target: str
    began_at: datetime
    done_at: datetime
    errors: list[dict[str, Any]] = field(default_factory=list)
    request_id: str | None = None
    effect: Callable[[], None] = lambda: None
    failed: Callable[[], None] = lambda: None
    is_done: bool = False


class Google:
    """One project."""

    def __init__(self, clock: HurriedClock) -> None:
        self.clock = clock
        self.vms: dict[tuple[str, str], Vm] = {}
        #: Those that are no more, with the moment at which they ceased to cost anything.
        self.past: list[tuple[Vm, datetime]] = []
        self.disks: dict[tuple[str, str], dict[str, Any]] = {}
        self.rules: dict[str, dict[str, Any]] = {}
        self.operations: list[Operation] = []
        self.tokens: dict[str, float] = {}
        self.token_requests: list[dict[str, str]] = []
        #: Seconds from now until an insert is done, and the errors with which the next ones fail.
        self.insert_takes_s = 4.0
        self.failures: list[list[dict[str, Any]]] = []
        #: A failed insert leaves its disk behind.
        self.forgets_disks = False
        self._ids = 1_000_000

    # -- what is asked -------------------------------------------------------------------------------------------

    def handle(self, request: Request) -> Reply:
        """The answer to any request."""
        self.settle()
        if request.path == "/token":
            return self.token(request)
        held = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.tokens.get(held, float("-inf")) <= self.clock.monotonic():
            return error(
                401, "authError", "Request had invalid authentication credentials.", "UNAUTHENTICATED"
            )
        if not request.path.startswith(ROOT):
            return not_found(request.path)
        parts = request.path.removeprefix(ROOT).strip("/").split("/")
        match request.method, parts:
            case "GET", [""]:
                quota = {"metric": "GPUS_ALL_REGIONS", "limit": 8.0, "usage": 1.0}
                return Reply(body={"kind": "compute#project", "name": PROJECT, "quotas": [quota, CPUS]})
            case "GET", ["regions"]:
                quota = {"metric": "PREEMPTIBLE_NVIDIA_T4_GPUS", "limit": 4.0, "usage": 0.0}
                return page(
                    {"kind": "compute#regionList"}, [{"name": REGION, "quotas": [quota, CPUS]}], request
                )
            case "GET", ["aggregated", what]:
                return self.aggregated(what, request)
            case _, ["global", "firewalls", *name]:
                return self.firewalls(request, name)
            case "GET", ["global" as scope, "operations", name]:
                return self.operation(scope, name)
            case "GET", ["zones", zone, "operations", name]:
                return self.operation(f"zones/{zone}", name)
            case "GET", ["zones", zone, "operations"]:
                mine = [self.shown(each) for each in self.operations if each.scope == f"zones/{zone}"]
                return page({"kind": "compute#operationList"}, fitting(mine, request), request, most=500)
            case "GET", ["zones", zone, "machineTypes", name]:
                return Reply(body=machine_type(zone, name)) if name in TYPES else not_found(request.path)
            case "GET", ["zones", zone, "acceleratorTypes", name]:
                return (
                    Reply(body=card(zone, name)) if name in CARDS.get(zone, ()) else not_found(request.path)
                )
            case "POST", ["zones", zone, "instances"]:
                return self.insert(zone, request)
            case _, ["zones", zone, "instances", name]:
                return self.instance(request, zone, name)
            case _, ["zones", zone, "disks", name]:
                return self.disk(request, zone, name)
        raise AssertionError(f"the simulator has no {request.method} {request.path}")

    def token(self, request: Request) -> Reply:
        """RFC 7523 for service accounts, RFC 6749 for users."""
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        form = {name: values[-1] for name, values in parse_qs(request.raw.decode()).items()}
        self.token_requests.append(form)
        is_right = (
            is_signed(form.get("assertion", ""))
            if form["grant_type"] == _GRANT
            else form == {"grant_type": "refresh_token", "client_id": "app", "client_secret": "shh",
                          "refresh_token": "refresh", "scope": SCOPE}
        )  # fmt: skip
        if not is_right:
            return Reply(
                status=400, body={"error": "invalid_grant", "error_description": "Invalid JWT Signature."}
            )
        token = f"ya29.{uuid.UUID(int=len(self.token_requests))}"
        self.tokens[token] = self.clock.monotonic() + 3599
        return Reply(body={"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def aggregated(self, what: str, request: Request) -> Reply:
        if what == "instances":
            rows = [(vm.zone, self.seen(vm)) for vm in self.vms.values()]
        elif what == "machineTypes":
            rows = [(zone, machine_type(zone, name)) for zone in ZONES for name in TYPES]
        else:
            rows = [(zone, card(zone, name)) for zone in ZONES for name in CARDS[zone]]
        wanted = fitting([{**row, "_zone": zone} for zone, row in rows], request)
        start = int(request.query.get("pageToken") or 0)
        items: dict[str, Any] = {
            f"zones/{zone}": {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": "None.", "data": []}}
            for zone in ZONES
        }
        for row in wanted[start : start + _PER_PAGE]:
            scope = items.setdefault(f"zones/{row['_zone']}", {})
            scope.pop("warning", None)
            scope.setdefault(what, []).append({key: value for key, value in row.items() if key != "_zone"})
        body = {"kind": f"compute#{what.removesuffix('s')}AggregatedList", "items": items}
        if start + _PER_PAGE < len(wanted):
            body["nextPageToken"] = str(start + _PER_PAGE)
        return Reply(body=body)

    def firewalls(self, request: Request, name: list[str]) -> Reply:
        match request.method, name:
            case "GET", []:
                rules = fitting(list(self.rules.values()), request)
                return page({"kind": "compute#firewallList"}, rules, request)
            case "POST", []:
                earlier = self.repeated(request)
                if earlier is not None:
                    return Reply(body=self.shown(earlier))
                made_at = stamp(self.clock.now())
                rule = {
                    **request.body, "id": self.next_id(), "kind": "compute#firewall",
                    "creationTimestamp": made_at,
                }  # fmt: skip
                if rule["name"] in self.rules:
                    return error(409, "alreadyExists", f"The resource '{rule['name']}' already exists")

                def add() -> None:
                    self.rules[rule["name"]] = rule

                made = self.begin(
                    "global", "insert", int(rule["id"]), f"firewalls/{rule['name']}", 2.0, add, request
                )
                return Reply(body=self.shown(made))
            case "DELETE", [one] if one in self.rules:
                gone = self.rules.pop(one)
                made = self.begin(
                    "global", "delete", int(gone["id"]), f"firewalls/{one}", 1.0, lambda: None, request
                )
                return Reply(body=self.shown(made))
        return not_found(request.path)

    def insert(self, zone: str, request: Request) -> Reply:
        earlier = self.repeated(request)
        if earlier is not None:
            return Reply(body=self.shown(earlier))
        body = request.body
        wrong = self.wrong_with(zone, body)
        if wrong is not None:
            return wrong
        if (zone, body["name"]) in self.vms:
            return error(409, "alreadyExists", f"The resource 'instances/{body['name']}' already exists")
        vm = self.add(zone, body)

        def made() -> None:
            if vm.status == "PROVISIONING":
                vm.status = "STAGING"

        def failed() -> None:
            del self.vms[zone, vm.name]
            if not self.forgets_disks:
                del self.disks[zone, vm.name]
            else:
                self.disks[zone, vm.name]["users"] = []

        target = f"zones/{zone}/instances/{vm.name}"
        operation = self.begin(f"zones/{zone}", "insert", vm.id, target, self.insert_takes_s, made, request)
        if self.failures:
            operation.errors, operation.failed = self.failures.pop(0), failed
        self.settle()
        return Reply(body=self.shown(operation))

    def wrong_with(self, zone: str, body: dict[str, Any]) -> Reply | None:
        """What the documentation says of bodies beyond their form."""
        scheduling = body["scheduling"]
        machine = body["machineType"].rpartition("/")[2]
        cards = [each["acceleratorType"].rpartition("/")[2] for each in body.get("guestAccelerators", [])]
        if zone not in ZONES or machine not in TYPES or any(each not in CARDS[zone] for each in cards):
            return not_found(f"zones/{zone}/machineTypes/{machine}")
        is_spot = scheduling["provisioningModel"] == "SPOT"
        assert scheduling["onHostMaintenance"] == "TERMINATE"
        if is_spot and scheduling.get("automaticRestart"):
            return error(400, "invalid", "Scheduling must have automaticRestart be false for spot.")
        if "instanceTerminationAction" in scheduling and not (is_spot or "maxRunDuration" in scheduling):
            return error(400, "invalid", "instanceTerminationAction is for spot and limited run time.")
        for name, value in body["labels"].items():
            if not (
                re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name) and re.fullmatch(r"[a-z0-9_-]{0,63}", value)
            ):
                return error(400, "invalid", f"Invalid value for label {name}")
        (disk,) = body["disks"]
        if int(disk["initializeParams"]["diskSizeGb"]) < 10:
            return error(400, "invalid", "The disk is too small.")
        return None

    def instance(self, request: Request, zone: str, name: str) -> Reply:
        vm = self.vms.get((zone, name))
        if vm is None:
            return not_found(request.path)
        if request.method == "GET":
            return Reply(body=self.seen(vm))
        assert request.method == "DELETE"
        vm.status = "STOPPING" if vm.stopped_at is None else vm.status
        target = f"zones/{zone}/instances/{name}"
        made = self.begin(f"zones/{zone}", "delete", vm.id, target, 1e9, lambda: self.remove(vm), request)
        return Reply(body=self.shown(made))

    def disk(self, request: Request, zone: str, name: str) -> Reply:
        if (zone, name) not in self.disks:
            return not_found(request.path)
        disk = self.disks[zone, name]
        if request.method == "GET":
            return Reply(body=disk)
        assert request.method == "DELETE"
        if disk["users"]:
            return error(400, "resourceInUseByAnotherResource", "The disk is in use.")
        del self.disks[zone, name]
        target = f"zones/{zone}/disks/{name}"
        made = self.begin(f"zones/{zone}", "delete", int(disk["id"]), target, 1.0, lambda: None, request)
        return Reply(body=self.shown(made))

    def operation(self, scope: str, name: str) -> Reply:
        for each in self.operations:
            if (each.scope, each.name) == (scope, name):
                return Reply(body=self.shown(each))
        return not_found(f"{scope}/operations/{name}")

    # -- what happens --------------------------------------------------------------------------------------------

    def add(self, zone: str, body: dict[str, Any]) -> Vm:
        """A machine and its boot disk."""
        vm = Vm(int(self.next_id()), zone, body, self.clock.now())
        self.vms[zone, vm.name] = vm
        link = f"{ROOT}/zones/{zone}/instances/{vm.name}"
        self.disks[zone, vm.name] = {
            "id": self.next_id(), "kind": "compute#disk", "name": vm.name, "status": "READY", "users": [link],
        }  # fmt: skip
        return vm

    def remove(self, vm: Vm) -> None:
        """It is deleted, and its disk with it where it says so."""
        if self.vms.pop((vm.zone, vm.name), None) is None:
            return
        self.past.append((vm, vm.stopped_at or self.clock.now()))
        if vm.body["disks"][0].get("autoDelete"):
            self.disks.pop((vm.zone, vm.name), None)
        else:
            self.disks[vm.zone, vm.name]["users"] = []

    def preempt(self, vm: Vm) -> None:
        """Google wants it back; what then becomes of it is its termination action."""
        self.happened(vm, "compute.instances.preempted")
        if vm.body["scheduling"].get("instanceTerminationAction") == "DELETE":
            self.remove(vm)
        else:
            self.stop(vm)

    def stop(self, vm: Vm, kind: str | None = None) -> None:
        """It stands still: nothing but its disk is charged."""
        if kind is not None:
            self.happened(vm, kind)
        vm.status, vm.stopped_at = "TERMINATED", self.clock.now()

    def happened(self, vm: Vm, kind: str) -> None:
        """An operation that Google began."""
        target = f"zones/{vm.zone}/instances/{vm.name}"
        self.begin(f"zones/{vm.zone}", kind, vm.id, target, 0.0, lambda: None, None)

    def reaches(self, source: Vm, target: Vm) -> bool:
        """Whether the rules let one machine in at every port of another, at its internal address.

        The network is one without rules of its own: what nobody has allowed is refused.
        """
        return source.network == target.network and any(
            rule["network"] == target.network
            and rule["direction"] == "INGRESS"
            and [each["IPProtocol"] for each in rule["allowed"]] == ["all"]
            and source.tags & set(rule.get("sourceTags", []))
            and target.tags & set(rule["targetTags"])
            for rule in self.rules.values()
        )

    def settle(self, *, all_of: str | None = None) -> None:
        """Operations whose time has come are done; `all_of` a kind, whatever their time."""
        for each in self.operations:
            if each.is_done or (each.done_at > self.clock.now() and each.kind != all_of):
                continue
            each.is_done, each.done_at = True, min(each.done_at, self.clock.now())
            (each.failed if each.errors else each.effect)()

    def begin(
        self, scope: str, kind: str, target_id: int, target: str, takes_s: float, effect: Callable[[], None],
        request: Request | None,
    ) -> Operation:  # fmt: skip
        """An operation has been accepted."""
        now = self.clock.now()
        made = Operation(
            f"operation-{len(self.operations)}", scope, kind, target_id, target, now,
            now + timedelta(seconds=min(takes_s, 1e8)), effect=effect,
            request_id=request.query.get("requestId") if request is not None else None,
        )  # fmt: skip
        self.operations.append(made)
        return made

    def repeated(self, request: Request) -> Operation | None:
        """The operation that the same request began before."""
        token = request.query.get("requestId")
        if token is None:
            return None
        uuid.UUID(token)
        return next((each for each in self.operations if each.request_id == token), None)

    def next_id(self) -> str:
        self._ids += 1
        return str(self._ids)

    # -- how it is shown -----------------------------------------------------------------------------------------

    def seen(self, vm: Vm) -> dict[str, Any]:
        """The instance resource."""
        access: dict[str, Any] = {
            "kind": "compute#accessConfig",
            "name": "External NAT",
            "type": "ONE_TO_ONE_NAT",
        }
        if vm.status == "RUNNING":
            access["natIP"] = f"127.78.0.{vm.id % 250 + 1}"
        shown: dict[str, Any] = {
            "kind": "compute#instance",
            "id": str(vm.id),
            "name": vm.name,
            "zone": f"https://compute.googleapis.com{ROOT}/zones/{vm.zone}",
            "status": vm.status,
            "creationTimestamp": stamp(vm.created_at),
            "labels": vm.body.get("labels") or {},
            "labelFingerprint": "42WmSpB8rSM=",
            "scheduling": vm.body.get("scheduling") or {},
            "tags": {**vm.body.get("tags", {}), "fingerprint": "42WmSpB8rSM="},
            "networkInterfaces": [
                {
                    "kind": "compute#networkInterface",
                    "network": f"https://compute.googleapis.com{ROOT}/{vm.network}",
                    "networkIP": vm.internal_address,
                    "accessConfigs": [access],
                }
            ],
            **vm.extra,
        }
        if vm.stopped_at is not None:
            shown["lastStopTimestamp"] = stamp(vm.stopped_at)
        return shown

    def shown(self, operation: Operation) -> dict[str, Any]:
        """The operation resource."""
        is_done = operation.is_done
        shown: dict[str, Any] = {
            "kind": "compute#operation",
            "id": str(9_000_000 + self.operations.index(operation)),
            "name": operation.name,
            "operationType": operation.kind,
            "status": "DONE" if is_done else "RUNNING",
            "progress": 100 if is_done else 0,
            "targetId": str(operation.target_id),
            "targetLink": f"https://compute.googleapis.com{ROOT}/{operation.target}",
            "insertTime": stamp(operation.began_at),
        }
        if operation.request_id is not None:
            shown["clientOperationId"] = operation.request_id
        if is_done:
            shown["endTime"] = stamp(operation.done_at)
        if is_done and operation.errors:
            shown |= {"error": {"errors": operation.errors}, "httpErrorStatusCode": 503}
        return shown


PACIFIC: Final = timezone(timedelta(hours=-8))
SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
CPUS: Final = {"metric": "CPUS", "limit": 72.0, "usage": 8.0}


def is_signed(assertion: str) -> bool:
    """True for a JWT that the service account's key has signed, for itself and the scope."""
    head, _, signature = assertion.rpartition(".")
    try:
        private_key().public_key().verify(decoded(signature), head.encode(), padding.PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    claims = json.loads(decoded(head.partition(".")[2]))
    return (claims["iss"], claims["scope"]) == (EMAIL, SCOPE) and bool(claims["exp"] > claims["iat"])


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def fitting(rows: list[dict[str, Any]], request: Request) -> list[dict[str, Any]]:
    """The rows that the `filter` of a list lets through, in the two languages it has."""
    said = request.query.get("filter")
    if said is None:
        return rows
    match = re.fullmatch(r'([A-Za-z_.]+) (eq|=) (?:"([^"]*)"|([0-9]+))', said)
    assert match is not None, said
    path, verb, text, number = match.groups()
    literal = text if number is None else number

    def value_of(row: dict[str, Any]) -> str:
        node: Any = row
        for part in path.split("."):
            node = node.get(part, {})
        return str(node)

    if verb == "eq":
        return [row for row in rows if re.fullmatch(literal, value_of(row))]
    return [row for row in rows if value_of(row) == literal]


def page(head: dict[str, Any], rows: Iterable[dict[str, Any]], request: Request, most: int = 500) -> Reply:
    """A list that fits on one page."""
    found = list(rows)
    assert len(found) <= int(request.query.get("maxResults") or most)
    return Reply(body={**head, "items": found} if found else head)


def machine_type(zone: str, name: str) -> dict[str, Any]:
    cpus, memory_mb = TYPES[name]
    return {
        "kind": "compute#machineType",
        "name": name,
        "guestCpus": cpus,
        "memoryMb": memory_mb,
        "zone": zone,
    }


def card(zone: str, name: str) -> dict[str, Any]:
    return {
        "kind": "compute#acceleratorType",
        "name": name,
        "zone": f"https://compute.googleapis.com/zones/{zone}",
    }


def error(status: int, reason: str, message: str, word: str | None = None, **more: Any) -> Reply:
    """Google's no."""
    body: dict[str, Any] = {
        "code": status,
        "message": message,
        "errors": [{"message": message, "domain": "global", "reason": reason}],
        **more,
    }
    if word is not None:
        body["status"] = word
    return Reply(status=status, body={"error": body})


def not_found(path: str) -> Reply:
    return error(404, "notFound", f"The resource '{path}' was not found")


def failure(code: str, message: str = "It cannot be done now.") -> dict[str, Any]:
    """One error of an operation."""
    return {"code": code, "message": message}


def failed_at_once(*errors: dict[str, Any]) -> Reply:
    """The answer to an insert whose operation has failed by the time it is answered."""
    return Reply(
        body={
            "kind": "compute#operation",
            "id": "7",
            "name": "operation-failed",
            "operationType": "insert",
            "status": "DONE",
            "targetId": "77",
            "httpErrorStatusCode": 503,
            "httpErrorMessage": "SERVICE UNAVAILABLE",
            "error": {"errors": list(errors)},
        }
    )


def stamp(at: datetime) -> str:
    """As Google writes moments: with the offset of its head office."""
    return at.astimezone(PACIFIC).isoformat(timespec="milliseconds")
