"""Azure, as far as machines need it: groups, networks, addresses, interfaces, machines and their disks.

Written from the contract and from what is known of Azure's behaviour: things take seconds to make and to delete, one
that is in use cannot be deleted, what belongs to a machine goes with it only where `deleteOption` says so, and an
interface is kept for three minutes for a machine that was refused.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from typing import Any, Final
from urllib.parse import parse_qs

from tests.providers.clock import HurriedClock
from tests.providers.wire_server import Reply, Request

TENANT: Final = "72f988bf-0000-4000-8000-2d7cd011db47"
CLIENT: Final = "5a1e0f00-1111-4222-8333-944455556666"
SECRET: Final = "Q~test8secret-of-an-application.azure"
SUBSCRIPTION: Final = "0b1f6471-1bf0-4dda-aec3-cb9272f09590"
REGION: Final = "eastus"
SIZE: Final = "Standard_NC24ads_A100_v4"
MICRO_PER_HOUR: Final = 3_673_000
MACHINE: Final = "Microsoft.Compute/virtualMachines"
DISK: Final = "Microsoft.Compute/disks"
INTERFACE: Final = "Microsoft.Network/networkInterfaces"
ADDRESS: Final = "Microsoft.Network/publicIPAddresses"
FIREWALL: Final = "Microsoft.Network/networkSecurityGroups"
NETWORK: Final = "Microsoft.Network/virtualNetworks"
IMAGES: Final = frozenset({("microsoft-dsvm", "ubuntu-hpc", "2204", "latest")})
_PAGE: Final = 50
_MAKING: Final = timedelta(seconds=3)
_DELETING: Final = timedelta(seconds=4)
_RESERVED: Final = timedelta(seconds=180)
_ALLOCATION: Final = (
    "Allocation failed. We do not have sufficient capacity for the requested VM size in this region."
)


@dataclass
class Thing:
    """Something in a resource group. `power` and `failure` are of machines."""

    kind: str
    group: str
    name: str
    body: dict[str, Any]
    made_at: datetime
    ready_at: datetime | None
    state: str = "Updating"
    gone_at: datetime | None = None
    power: str = "starting"
    failure: tuple[str, str] | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{self.group}/providers/{self.kind}/{self.name}"

    @property
    def properties(self) -> dict[str, Any]:
        found: dict[str, Any] = self.body.get("properties", {})
        return found


class AzureCloud:
    """One subscription and its login."""

    def __init__(self, clock: HurriedClock) -> None:
        self._clock = clock
        self.tokens: list[tuple[str, datetime]] = []
        self.groups: dict[str, dict[str, Any]] = {}
        self.things: dict[tuple[str, str, str], Thing] = {}
        #: Machines that are gone: name, since when, until when.
        self.ended: list[tuple[str, datetime, datetime]] = []
        #: How the next machines are refused: the status, the code, the sentence.
        self.refusing: list[tuple[int, str, str]] = []
        #: How machines fail that are accepted now and begin to boot later.
        self.failing: tuple[str, str] | None = None
        self.reserved: dict[str, datetime] = {}
        self._addresses = 0
        self._inside = 0
        self.restrictions: list[dict[str, Any]] = []
        self.usages: list[tuple[str, str, int, int]] = [
            ("cores", "Total Regional vCPUs", 24, 100),
            ("lowPriorityCores", "Total Regional Spot vCPUs", 0, 48),
            ("StandardNCADSA100v4Family", "Standard NCADS_A100_v4 Family vCPUs", 24, 48),
            ("standardDSv3Family", "Standard DSv3 Family vCPUs", 4, 100),
            ("standardNDSH100v5Family", "Standard ND H100 v5 Family vCPUs", 0, 0),
        ]

    # -- the wire ------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Reply:
        self.settle()
        if request.path.endswith("/oauth2/v2.0/token"):
            return self._login(request)
        now = self._clock.now()
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not any(token == given and until > now for token, until in self.tokens):
            return refusal(401, "InvalidAuthenticationToken", "The access token is invalid.")
        match request.path.strip("/").split("/"):
            case ["subscriptions", subscription, *_] if subscription != SUBSCRIPTION:
                return refusal(
                    404, "SubscriptionNotFound", f"The subscription '{subscription}' is not there."
                )
            case ["subscriptions", _, "resourcegroups", group]:
                return self._group(request, group.lower())
            case ["subscriptions", _, "providers", "Microsoft.Compute", "skus"]:
                return Reply(body={"value": [self._size()]})
            case ["subscriptions", _, "providers", "Microsoft.Compute", "locations", _, "usages"]:
                return Reply(body={"value": [_usage(*each) for each in self.usages]})
            case ["subscriptions", _, "providers", space, kind]:
                return self._list(request, f"{space}/{kind}", None)
            case ["subscriptions", _, "resourceGroups", group, "providers", space, kind]:
                return self._list(request, f"{space}/{kind}", group.lower())
            case ["subscriptions", _, "resourceGroups", group, "providers", space, kind, name]:
                return self._thing(request, f"{space}/{kind}", group.lower(), name)
        raise AssertionError(f"the simulator has no {request.method} {request.path}")

    def _login(self, request: Request) -> Reply:
        form = {name: values[0] for name, values in parse_qs(request.raw.decode()).items()}
        assert set(form) == {"grant_type", "client_id", "client_secret", "scope"}, form.keys()
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert form["grant_type"] == "client_credentials"
        assert form["scope"] == "https://management.azure.com/.default"
        if request.path.split("/")[1] != TENANT:
            return no_login(400, "invalid_request", "AADSTS90002: Tenant not found.", 90002)
        if form["client_id"] != CLIENT:
            return no_login(400, "unauthorized_client", "AADSTS700016: Application not found.", 700016)
        if form["client_secret"] != SECRET:
            text = f"AADSTS7000215: Invalid client secret provided for app '{CLIENT}'."
            return no_login(401, "invalid_client", text, 7000215)
        token = f"token-{len(self.tokens) + 1}"
        self.tokens.append((token, self._clock.now() + timedelta(seconds=3599)))
        return Reply(
            body={
                "token_type": "Bearer",
                "expires_in": 3599,
                "ext_expires_in": 3599,
                "access_token": token,
            }
        )

    def _group(self, request: Request, name: str) -> Reply:
        if request.method == "GET" and name not in self.groups:
            return refusal(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
        status = 200
        if request.method == "PUT":
            status = 200 if name in self.groups else 201
            self.groups[name] = request.body
        shown = {
            "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}",
            "name": name,
            "type": "Microsoft.Resources/resourceGroups",
            "properties": {"provisioningState": "Succeeded"},
            **self.groups[name],
        }
        return Reply(status=status, body=shown)

    def _list(self, request: Request, kind: str, group: str | None) -> Reply:
        if group is not None and group not in self.groups:
            return refusal(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        found = [each for each in self.things.values() if each.kind == kind and group in (None, each.group)]
        found.sort(key=lambda each: (each.group, each.name))
        start = int(request.query.get("$skiptoken", "0"))
        page: dict[str, Any] = {
            "value": [self._shown(each, in_list=True) for each in found[start : start + _PAGE]]
        }
        if start + _PAGE < len(found):
            query = f"api-version={request.query['api-version']}&$skiptoken={start + _PAGE}"
            # Azure's own address: whoever sent the token there would fail.
            page["nextLink"] = f"https://management.azure.com{request.path}?{query}"
        return Reply(body=page)

    def _thing(self, request: Request, kind: str, group: str, name: str) -> Reply:
        if group not in self.groups:
            return refusal(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
        thing = self.things.get((kind, group, name))
        if request.method == "PUT":
            return self._put(request, kind, group, name)
        if thing is None:
            if request.method == "DELETE":
                return Reply(status=204)
            return refusal(404, "ResourceNotFound", f"The Resource '{kind}/{name}' was not found.")
        if request.method == "DELETE":
            return self._delete(thing)
        return Reply(body=self._shown(thing, with_view=request.query.get("$expand") == "instanceView"))

    # -- making --------------------------------------------------------------------------------------------------

    def _put(self, request: Request, kind: str, group: str, name: str) -> Reply:
        body, known = request.body, self.things.get((kind, group, name))
        if body["location"] != REGION:
            return refusal(
                400,
                "LocationNotAvailableForResourceType",
                f"The provided location '{body['location']}' is not available.",
            )
        checks: dict[str, Callable[[dict[str, Any], str, str], Reply | None]] = {
            NETWORK: self._check_network,
            INTERFACE: self._check_interface,
            MACHINE: self._check_machine,
        }
        refused = checks[kind](body, group, name) if kind in checks else None
        if refused is not None:
            return refused
        if known is not None:
            if kind == MACHINE and known.body != body:
                return refusal(409, "PropertyChangeNotAllowed", "Changing a property is not allowed.")
            known.body = body
            return Reply(body=self._shown(known))
        now = self._clock.now()
        thing = Thing(kind, group, name, body, now, None if kind == MACHINE else now + _MAKING)
        self.things[kind, group, name] = thing
        if kind == ADDRESS:
            self._addresses += 1
            thing.extra = {"ipAddress": f"127.10.{self._addresses // 250}.{self._addresses % 250 + 1}"}
        if kind == INTERFACE:
            self._inside += 1
            thing.extra = {"privateIPAddress": f"10.83.{self._inside // 250 % 16}.{self._inside % 250 + 4}"}
        if kind == MACHINE:
            thing.state, thing.failure = "Creating", self.failing
            disk = body["properties"]["storageProfile"]["osDisk"]
            disk_body = {
                "location": REGION,
                "properties": {"creationData": {"createOption": "FromImage"}},
            }
            self.things[DISK, group, disk["name"]] = Thing(
                DISK, group, disk["name"], disk_body, now, now, extra={"managedBy": thing.id}
            )
        return Reply(status=201, body=self._shown(thing), headers=_operation("3"))

    def _check_network(self, body: dict[str, Any], group: str, name: str) -> Reply | None:
        for subnet in body["properties"]["subnets"]:
            wanted = subnet["properties"]["networkSecurityGroup"]["id"]
            refused = self._refers(wanted)
            if refused is not None:
                return refused
        return None

    def _check_interface(self, body: dict[str, Any], group: str, name: str) -> Reply | None:
        for each in body["properties"]["ipConfigurations"]:
            settings = each["properties"]
            network, _, subnet = settings["subnet"]["id"].rpartition("/subnets/")
            refused = self._refers(network) or self._refers(settings["publicIPAddress"]["id"])
            if refused is not None:
                return refused
            names = [each["name"] for each in self._at(network).properties["subnets"]]
            if subnet not in names:
                return refusal(400, "InvalidResourceReference", f"There is no subnet {subnet}.")
        return None

    def reaches(self, source: str, target: str) -> bool:
        """Whether the rules let one machine in at every port of another, at its private address.

        Azure's own default rules are left out: what was asked for must be enough.
        """
        one, other = (
            self._at(_interfaces(each)[0]) for each in (self._machine(source), self._machine(target))
        )
        one_subnet, subnet_id = (
            each.properties["ipConfigurations"][0]["properties"]["subnet"]["id"] for each in (one, other)
        )
        network, _, subnet = subnet_id.rpartition("/subnets/")
        (firewall_id,) = (
            each["properties"]["networkSecurityGroup"]["id"]
            for each in self._at(network).properties["subnets"]
            if each["name"] == subnet
        )
        comes_from, goes_to = (ip_address(each.extra["privateIPAddress"]) for each in (one, other))
        return one_subnet.rpartition("/subnets/")[0] == network and any(
            (rule["access"], rule["direction"], rule["protocol"]) == ("Allow", "Inbound", "*")
            and rule["destinationPortRange"] == rule["sourcePortRange"] == "*"
            and comes_from in ip_network(rule["sourceAddressPrefix"])
            and goes_to in ip_network(rule["destinationAddressPrefix"])
            for rule in (each["properties"] for each in self._at(firewall_id).properties["securityRules"])
        )

    def _machine(self, name: str) -> Thing:
        (found,) = (each for each in self._of(MACHINE) if each.name == name)
        return found

    def _check_machine(self, body: dict[str, Any], group: str, name: str) -> Reply | None:
        properties = body["properties"]
        image = properties["storageProfile"]["imageReference"]
        if properties["hardwareProfile"]["vmSize"] != SIZE:
            return refusal(400, "InvalidParameter", "The value of parameter vmSize is invalid.")
        if tuple(image.get(part) for part in ("publisher", "offer", "sku", "version")) not in IMAGES:
            return refusal(404, "PlatformImageNotFound", "The platform image is not available.")
        if properties["osProfile"]["adminUsername"] in ("root", "admin"):
            return refusal(400, "InvalidParameter", "The Admin Username specified is not allowed.")
        for each in properties["networkProfile"]["networkInterfaces"]:
            refused = self._refers(each["id"])
            if refused is not None:
                return refused
            if self.refusing:
                self.reserved[each["id"]] = self._clock.now() + _RESERVED
        if self.refusing:
            return refusal(*self.refusing.pop(0))
        return None

    def _refers(self, thing_id: str) -> Reply | None:
        thing = self._at(thing_id, is_there=False)
        if thing is None:
            return refusal(400, "InvalidResourceReference", f"Resource {thing_id} was not found.")
        if thing.state != "Succeeded":
            text = f"Resource {thing_id} is in {thing.state} state."
            return refusal(429, "ReferencedResourceNotProvisioned", text)
        return None

    def _at(self, thing_id: str, *, is_there: bool = True) -> Any:
        parts = thing_id.strip("/").split("/")
        found = self.things.get((f"{parts[5]}/{parts[6]}", parts[3].lower(), parts[7]))
        assert found is not None or not is_there, thing_id
        return found

    # -- deleting ------------------------------------------------------------------------------------------------

    def _delete(self, thing: Thing) -> Reply:
        if thing.kind == MACHINE:
            thing.state = "Deleting"
            return Reply(status=202, headers=_operation("10"))
        if thing.kind == INTERFACE:
            if self.reserved.get(thing.id, thing.made_at) > self._clock.now():
                text = "Nic(s) in request is reserved for another Virtual Machine for 180 seconds."
                return refusal(400, "NicReservedForAnotherVm", text)
            if any(thing.id in _interfaces(each) for each in self._of(MACHINE)):
                return refusal(
                    400, "NicInUse", f"Network Interface {thing.name} is used by existing resource."
                )
        if thing.kind == ADDRESS and any(thing.id in _addresses(each) for each in self._of(INTERFACE)):
            text = f"Public IP address {thing.name} can not be deleted since it is still allocated."
            return refusal(400, "PublicIPAddressCannotBeDeleted", text)
        if thing.kind == DISK and any(each.id == thing.extra["managedBy"] for each in self._of(MACHINE)):
            return refusal(409, "OperationNotAllowed", f"Disk {thing.name} is attached to a VM.")
        thing.state, thing.gone_at = "Deleting", self._clock.now() + _DELETING
        return Reply(status=202, headers=_operation("2"))

    def end_machine(self, machine: Thing) -> None:
        """It is gone, and with it what its options say."""
        del self.things[machine.kind, machine.group, machine.name]
        self.ended.append((machine.name, machine.made_at, self._clock.now()))
        for each in machine.properties.get("networkProfile", {}).get("networkInterfaces", []):
            if each.get("properties", {}).get("deleteOption") != "Delete":
                continue
            interface = self._at(each["id"])
            del self.things[INTERFACE, interface.group, interface.name]
            for address_id, option in _addresses(interface).items():
                if option == "Delete":
                    address = self._at(address_id)
                    del self.things[ADDRESS, address.group, address.name]
        disk = machine.properties.get("storageProfile", {}).get("osDisk", {})
        if disk.get("deleteOption") == "Delete":
            del self.things[DISK, machine.group, disk["name"]]

    def settle(self) -> None:
        """What was being made or deleted, and whose time has come, is made or gone."""
        now = self._clock.now()
        for key, each in list(self.things.items()):
            if each.gone_at is not None and each.gone_at <= now:
                del self.things[key]
            elif each.state == "Updating" and each.ready_at is not None and each.ready_at <= now:
                each.state = "Succeeded"

    # -- what is shown -------------------------------------------------------------------------------------------

    def _of(self, kind: str) -> Iterator[Thing]:
        return (each for each in self.things.values() if each.kind == kind)

    def _shown(self, thing: Thing, *, with_view: bool = False, in_list: bool = False) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(json.dumps(thing.body))
        # Lists of Azure write the names of groups in capitals.
        shown |= {
            "id": thing.id.replace(thing.group, thing.group.upper()) if in_list else thing.id,
            "name": thing.name,
            "type": thing.kind,
        }
        properties = shown.setdefault("properties", {})
        properties["provisioningState"] = thing.state
        if thing.kind == MACHINE:
            properties["timeCreated"] = thing.made_at.isoformat()
            properties.setdefault("osProfile", {}).pop("customData", None)
            if with_view:
                properties["instanceView"] = {"statuses": self._statuses(thing), **thing.extra}
        if thing.kind == DISK:
            shown |= thing.extra
        if thing.kind == ADDRESS and thing.state == "Succeeded":
            properties |= thing.extra
        if thing.kind == INTERFACE and thing.state == "Succeeded":
            properties["ipConfigurations"][0]["properties"] |= thing.extra
        return shown

    def _statuses(self, machine: Thing) -> list[dict[str, Any]]:
        if machine.state == "Failed" and machine.failure is not None:
            code, text = machine.failure
            failed = {
                "code": f"ProvisioningState/failed/{code}",
                "level": "Error",
                "displayStatus": "Provisioning failed",
                "message": text,
            }
            return [failed]
        return [
            {"code": f"ProvisioningState/{machine.state.lower()}", "level": "Info"},
            {
                "code": f"PowerState/{machine.power}",
                "level": "Info",
                "displayStatus": f"VM {machine.power}",
            },
        ]

    def _size(self) -> dict[str, Any]:
        return {
            "resourceType": "virtualMachines",
            "name": SIZE,
            "family": "StandardNCADSA100v4Family",
            "locations": [REGION],
            "capabilities": [{"name": "LowPriorityCapable", "value": "True"}],
            "restrictions": self.restrictions,
        }

    # -- what tests do to it -------------------------------------------------------------------------------------

    def machines(self) -> list[Thing]:
        """Those that are there."""
        return list(self._of(MACHINE))

    def boot(self) -> None:
        """What is being created is running, or has failed."""
        for each in self._of(MACHINE):
            if each.state == "Creating":
                each.state, each.power = ("Failed", "") if each.failure else ("Succeeded", "running")

    def fail_late(self, code: str = "AllocationFailed", text: str = _ALLOCATION) -> None:
        """Machines that are accepted from now on do not come to be."""
        self.failing = (code, text)

    def add_machine(self, name: str, group: str = "theirs") -> None:
        """Somebody else's."""
        self.groups.setdefault(group, {"location": REGION})
        thing = Thing(MACHINE, group, name, {"location": REGION}, self._clock.now(), None, "Succeeded")
        thing.power = "running"
        self.things[MACHINE, group, name] = thing


def _interfaces(machine: Thing) -> list[str]:
    return [each["id"] for each in machine.properties.get("networkProfile", {}).get("networkInterfaces", [])]


def _addresses(interface: Thing) -> dict[str, str | None]:
    """The addresses of an interface, and what becomes of each when the machine goes."""
    found = (each["properties"]["publicIPAddress"] for each in interface.properties["ipConfigurations"])
    return {each["id"]: each.get("properties", {}).get("deleteOption") for each in found}


def _operation(retry_after: str) -> dict[str, str]:
    """Where a client could follow the operation, and how often."""
    where = f"https://management.azure.com/subscriptions/{SUBSCRIPTION}/providers/operations/1"
    return {"azure-asyncoperation": where, "location": where, "retry-after": retry_after}


def _usage(value: str, title: str, used: int, limit: int) -> dict[str, Any]:
    return {
        "unit": "Count",
        "currentValue": used,
        "limit": limit,
        "name": {"value": value, "localizedValue": title},
    }


def refusal(status: int, code: str, message: str) -> Reply:
    """The Resource Manager's no."""
    return Reply(status=status, body={"error": {"code": code, "message": message}})


def no_login(status: int, error: str, text: str, number: int) -> Reply:
    """Entra's no."""
    body = {"error": error, "error_description": text, "error_codes": [number], "trace_id": "0"}
    return Reply(status=status, body=body)
