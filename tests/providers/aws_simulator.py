"""Amazon EC2 for tests: moto behind a proxy that knows what moto does not.

The proxy holds every request to botocore's model, replays client tokens, keeps the time of the test's clock, boots and
ends machines when it is told to, and answers what moto has no good answer for: prices of spot machines, regions, the
parameter with the image.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final, ParamSpec, TypeVar
from urllib.parse import urlencode

from tests.providers.boto_contracts import AwsContract, model
from tests.providers.contracts import Contract
from tests.providers.wire_server import Reply, Request
from tests.providers.world import OTHER_INSTALLATION, Billed, Living, World, node_key
from tradewind.domain.errors import ProviderFault
from tradewind.domain.offers import Market, Offer
from tradewind.providers.access import key_of_name
from tradewind.providers.normalising import GIB, Machine, make_offer

P = ParamSpec("P")
T = TypeVar("T")
KEY_ID: Final = "AKIATESTTESTTESTTEST"
SECRET: Final = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYtestsecret"
REGION: Final = "us-east-1"
REGIONS: Final = (REGION, "eu-west-1")
ON_DEMAND: Final = Decimal("1.006")
SPOT: Final = Decimal("0.4021")
PARAMETER: Final = (
    "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"
)
IMAGE_NAME: Final = "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) 20261101"
#: One GPU, eight of them, one on ARM.
TYPES: Final = ("g5.xlarge", "p4d.24xlarge", "g5g.xlarge")
_ACCOUNT: Final = "123456789012"
_NAMESPACE: Final = f"http://ec2.amazonaws.com/doc/{model('ec2').api_version}/"
_CODES: Final = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopped": 80}
#: Rows of a page, whatever is asked for: a vendor may give fewer.
_PAGE: Final = 3
#: Answers that never change while moto runs.
_STATIC: Final = ("DescribeInstanceTypes", "DescribeInstanceTypeOfferings")
_kept: dict[tuple[str, bytes], str] = {}
_moto: list[Any] = []


def moto_url() -> str:
    """Where moto answers; it is started when it is first needed, and serves all tests of a process."""
    if not _moto:
        os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"
        os.environ["MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION"] = "true"
        os.environ["MOTO_ENABLE_AMI_VALIDATION"] = "true"
        from moto.server import ThreadedMotoServer

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        _moto.append(ThreadedMotoServer("127.0.0.1", 0, verbose=False))
        _moto[0].start()
    host, port = _moto[0].get_host_and_port()
    return f"http://{host}:{port}"


def stop_moto() -> None:
    """Ends it, if it runs."""
    while _moto:
        _moto.pop().stop()


async def in_a_thread(fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls block, and the counterpart answers on the event loop."""
    return await asyncio.to_thread(fn, *args, **kwargs)


@dataclass
class Instance:
    """What moto does not keep of a machine, or keeps by another clock."""

    id: str
    region: str
    name: str
    state: str
    began_at: datetime
    market: str
    ended_at: datetime | None = None
    reason: tuple[str, str] = ("", "")
    is_odd: bool = False


@dataclass
class Answered:
    """The first call with a client token, and what it was answered."""

    body: dict[str, str]
    reply: Reply


@dataclass
class Price:
    """A spot machine costs so much from then on, in every zone."""

    at: datetime
    dollars: Decimal


@dataclass
class State:
    """Everything that a test may look at or change."""

    instances: dict[str, Instance] = field(default_factory=dict)
    tokens: dict[tuple[str, str], Answered] = field(default_factory=dict)
    prices: list[Price] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    has_parameter: bool = True
    denied: set[str] = field(default_factory=set)


class AwsWorld(World):
    provider_id: ClassVar[str] = "aws"
    credentials: ClassVar[Mapping[str, str]] = {
        "AWS_ACCESS_KEY_ID": KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    instance_type: ClassVar[str] = "g5.xlarge"
    region: ClassVar[str] = REGION
    reclaimed_market: ClassVar[str] = "spot"

    def __init__(self) -> None:
        super().__init__()
        self.offload = in_a_thread
        self.server.reads_forms = True
        self.state = State()
        #: Laid over the usual settings.
        self.further_settings: dict[str, Any] = {}

    async def __aenter__(self) -> AwsWorld:
        moto_url()
        from moto.ec2.models.amis import Ami
        from moto.moto_api._internal.models import moto_api_backend

        moto_api_backend.reset()
        self.state.prices = [Price(self.clock.now(), SPOT)]
        for region in REGIONS:
            backend = self.backend(region)
            for number, day in enumerate(("20261001", "20261101")):
                image_id = f"ami-0{region[0]}{number}".replace("u", "a").ljust(21, "0")
                backend.amis[image_id] = Ami(
                    backend,
                    image_id,
                    name=IMAGE_NAME.replace("20261101", day),
                    owner_id="898082745236",
                    owner_alias="amazon",
                    public=True,
                    architecture="x86_64",
                    root_device_type="ebs",
                    creation_date=datetime.strptime(day, "%Y%m%d"),
                )
                self.state.images[region] = image_id
        await super().__aenter__()
        return self

    def backend(self, region: str = REGION) -> Any:
        """moto's memory of one region."""
        from moto.ec2.models import ec2_backends

        return ec2_backends[_ACCOUNT][region]

    def contract(self) -> Contract:
        return AwsContract()

    def settings(self) -> Mapping[str, Any]:
        usual = {**super().settings(), "regions": [REGION], "ssh_from": "203.0.113.7/32"}
        return {**usual, **self.further_settings}

    async def listed(self) -> list[Offer]:
        machine = Machine(
            provider="aws", region=REGION, instance_type="g5.xlarge", label="A10G", count=1, cpus=4,
            accelerator_memory_gb=24.0, memory_bytes=16 * GIB,
        )  # fmt: skip
        return [
            make_offer(
                machine,
                dollars=ON_DEMAND,
                market=Market.ON_DEMAND,
                source="shipped",
                seen_at=self.clock.now(),
            )
        ]

    # -- the wire ------------------------------------------------------------------------------------------------

    async def handle(self, request: Request) -> Reply:
        scope = re.search(
            r"Credential=([^/]+)/\d{8}/([\w-]+)/(\w+)/", request.headers.get("authorization", "")
        )
        assert scope is not None, "the request is not signed"
        key_id, region, service = scope.groups()
        if key_id != KEY_ID:
            return wrong_key(service)
        if service == "ssm":
            return self.parameter(request, region)
        assert isinstance(request.body, dict)
        action = str(request.body["Action"])
        if action in self.state.denied:
            return refusal(403, "UnauthorizedOperation", "You are not authorized to perform this operation.")
        if request.body.get("DryRun") == "true":
            # moto has no dry run of some calls, and would do them.
            return refusal(412, "DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
        match action:
            case "DescribeRegions":
                rows = "".join(
                    f"<item><regionName>{each}</regionName><regionEndpoint>ec2.{each}.amazonaws.com"
                    "</regionEndpoint><optInStatus>opt-in-not-required</optInStatus></item>"
                    for each in REGIONS
                )
                return self.own(action, f"<regionInfo>{rows}</regionInfo>")
            case "DescribeSpotPriceHistory":
                return self.spot_prices(request.body, region)
            case "RunInstances":
                return await self.run_instances(request, region)
            case "TerminateInstances":
                reply = await self.forward(request)
                self.terminated([value for name, value in request.body.items() if "InstanceId." in name])
                return reply
            case "DeleteSecurityGroup" if self.uses(request.body["GroupId"]):
                return refusal(400, "DependencyViolation", "The resource has a dependent object")
            case "DescribeInstances":
                return await self.describe_instances(request)
        if action in _STATIC:
            static = (region, urlencode(sorted(request.body.items())).encode())
            if static not in _kept:
                _kept[static] = (await self.forward(request, self.few_types(request.body))).text or ""
            return Reply(text=_kept[static])
        return await self.forward(request)

    async def forward(self, request: Request, body: dict[str, str] | None = None) -> Reply:
        """What moto says."""
        headers = {
            name: value
            for name, value in request.headers.items()
            if name in ("authorization", "content-type") or name.startswith("x-amz-")
        }
        raw = request.raw if body is None else urlencode(body).encode()
        answer = await self.http.post(f"{moto_url()}{request.path}", content=raw, headers=headers)
        return Reply(status=answer.status_code, text=answer.text)

    def few_types(self, body: dict[str, str]) -> dict[str, str]:
        """moto knows more machine types than any test needs, and tells of them slowly."""
        if body.get("Filter.1.Name") != "instance-type" or body.get("Filter.1.Value.1") != "g*":
            return body
        rest = {name: value for name, value in body.items() if not name.startswith("Filter.1.Value.")}
        return rest | {f"Filter.1.Value.{number}": name for number, name in enumerate(TYPES, 1)}

    def own(self, action: str, inside: str) -> Reply:
        """An answer of the proxy, held to the contract."""
        text = f'<{action}Response xmlns="{_NAMESPACE}"><requestId>r-1</requestId>{inside}</{action}Response>'
        self.server.problems += [f"answered {action}: {each}" for each in model("ec2").xml(action, text)]
        return Reply(text=text)

    async def run_instances(self, request: Request, region: str) -> Reply:
        body: dict[str, str] = request.body
        token = (region, body["ClientToken"])
        before = self.state.tokens.get(token)
        if before is not None:
            if before.body != body:
                return refusal(400, "IdempotentParameterMismatch", "Arguments on this request differ.")
            return before.reply
        reply = await self.forward(request)
        if reply.status == 200:
            self.state.tokens[token] = Answered(dict(body), reply)
            instance_id = re.findall(r"<instanceId>(i-\w+)</instanceId>", reply.text or "")[0]
            self.note(instance_id, region, body.get("InstanceMarketOptions.MarketType", "on-demand"))
        return reply

    def note(self, instance_id: str, region: str, market: str) -> Instance:
        """Keeps what moto does not keep of a new machine."""
        tags = {each["key"]: each["value"] for each in self.moto(instance_id, region).get_tags()}
        made = Instance(
            id=instance_id, region=region, name=tags.get("Name", ""), state="pending",
            began_at=self.clock.now(), market=market,
        )  # fmt: skip
        self.state.instances[instance_id] = made
        self.show(made)
        return made

    def terminated(self, ids: list[str]) -> None:
        """moto has ended these at once; Amazon takes its time, and does not end what has ended again."""
        for each in ids:
            found = self.state.instances.get(each)
            if found is None:
                continue
            if found.state not in ("terminated", "shutting-down"):
                found.state = "shutting-down"
                found.reason = (
                    "Client.UserInitiatedShutdown",
                    "Client.UserInitiatedShutdown: User initiated",
                )
            self.show(found)

    async def describe_instances(self, request: Request) -> Reply:
        body = dict(request.body)
        if "MaxResults" in body:
            body["MaxResults"] = str(_PAGE)
        reply = await self.forward(request, body)
        text = reply.text or ""
        for each in self.state.instances.values():
            if each.is_odd:
                mark = f"<instanceId>{each.id}</instanceId>"
                text = text.replace(mark, f"{mark}<quantumState>both</quantumState>")
        return replace(reply, text=text)

    def spot_prices(self, body: dict[str, str], region: str) -> Reply:
        types = [value for name, value in body.items() if name.startswith("InstanceType.")]
        start = datetime.fromisoformat(body["StartTime"])
        zone = body.get("AvailabilityZone")
        old = [each for each in self.state.prices if each.at <= start][-1:]
        rows = [*old, *(each for each in self.state.prices if start < each.at <= self.clock.now())]
        items = "".join(
            f"<item><instanceType>{name}</instanceType><productDescription>Linux/UNIX</productDescription>"
            f"<spotPrice>{each.dollars}</spotPrice><timestamp>{each.at:%Y-%m-%dT%H:%M:%S}.000Z</timestamp>"
            f"<availabilityZone>{where}</availabilityZone></item>"
            for name in types
            if name == self.instance_type and region == REGION
            for where in ([zone] if zone else [f"{REGION}a", f"{REGION}b"])
            # Amazon tells the newest first.
            for each in reversed(rows)
        )
        return self.own("DescribeSpotPriceHistory", f"<spotPriceHistorySet>{items}</spotPriceHistorySet>")

    def parameter(self, request: Request, region: str) -> Reply:
        assert request.headers["x-amz-target"] == "AmazonSSM.GetParameter"
        if "GetParameter" in self.state.denied:
            return Reply(status=400, body={"__type": "AccessDeniedException", "Message": "not authorized"})
        if not self.state.has_parameter or request.body["Name"] != PARAMETER:
            return Reply(status=400, body={"__type": "ParameterNotFound"})
        image = self.state.images[region]
        found = {
            "Name": PARAMETER,
            "Type": "String",
            "Value": image,
            "Version": 1,
            "DataType": "aws:ec2:image",
        }
        return Reply(body={"Parameter": found})

    # -- gangs ---------------------------------------------------------------------------------------------------

    def uses(self, group_id: str) -> list[str]:
        """The machines that are in a security group; Amazon deletes none that has any. moto does not look."""
        return [
            each.id
            for each in self.state.instances.values()
            if each.state != "terminated" and group_id in self.groups_of(each.id, each.region)
        ]

    def groups_of(self, instance_id: str, region: str = REGION) -> set[str]:
        """The ids of the security groups that a machine is in."""
        known = self.moto(instance_id, region)
        of_interfaces = [group for nic in known.nics.values() for group in nic.group_set]
        return {each.id for each in [*known.security_groups, *of_interfaces]}

    def reaches(self, name: str, other: str) -> bool:
        source, target = (self.groups_of(self.named(each).id) for each in (name, other))
        return any(
            rule.ip_protocol == "-1" and (rule.source_group or {}).get("GroupId") in source
            for group in self.backend().describe_security_groups(group_ids=sorted(target))
            for rule in group.ingress_rules
        )

    def made_for_gangs(self) -> list[str]:
        return sorted(
            each.name
            for region in REGIONS
            for each in self.backend(region).describe_security_groups()
            if "-gang-" in each.name
        )

    # -- machines ------------------------------------------------------------------------------------------------

    def moto(self, instance_id: str, region: str) -> Any:
        """moto's own memory of a machine."""
        return self.backend(region).get_instance(instance_id)

    def show(self, instance: Instance) -> None:
        """Makes moto say of a machine what is true here."""
        known = self.moto(instance.id, instance.region)
        known._state.name, known._state.code = instance.state, _CODES.get(instance.state, 99)
        known.launch_time = instance.began_at
        known.state_reason.code, known.state_reason.message = instance.reason
        ended = instance.ended_at
        known._reason = f"User initiated ({ended:%Y-%m-%d %H:%M:%S} GMT)" if ended else ""
        if known.nics:
            number = int(instance.id[2:], 16)
            address = f"127.{number % 200 + 2}.{number // 200 % 250}.{number // 50_000 % 250 + 1}"
            known.nics[0].public_ip = address if instance.state == "running" else None

    def boot_data(self, name: str) -> str | None:
        found = self.named(name)
        (told,) = (each.body for (_, token), each in self.state.tokens.items() if token == name)
        assert found.state != "terminated"
        return base64.b64decode(told["UserData"]).decode()

    def named(self, name: str) -> Instance:
        (found,) = (each for each in self.state.instances.values() if each.name == name)
        return found

    def living(self) -> list[Living]:
        found = [
            Living(id=each.id, name=each.name)
            for each in self.state.instances.values()
            if each.state != "terminated"
        ]
        for region in REGIONS:
            for volume in self.backend(region).volumes.values():
                owner = getattr(volume.attachment, "instance", None)
                if owner is None or self.state.instances[owner.id].state == "terminated":
                    found.append(Living(id=volume.id, name="a disk without a machine"))
        return found

    def billed(self) -> list[Billed]:
        return [
            Billed(
                name=each.name,
                began_at=each.began_at,
                ended_at=each.ended_at,
                micro_per_hour=int((ON_DEMAND if each.market == "on-demand" else SPOT) * 1_000_000),
            )
            for each in self.state.instances.values()
        ]

    async def boot(self) -> None:
        for each in self.state.instances.values():
            if each.state == "pending":
                each.state = "running"
                self.show(each)

    async def end(self) -> None:
        for each in self.state.instances.values():
            if each.state == "shutting-down":
                self.finish(each)

    def finish(self, instance: Instance) -> None:
        """It is gone, and its disk with it where it was asked to be."""
        known = self.moto(instance.id, instance.region)
        for nic in known.nics.values():
            if nic.id not in self.backend(instance.region).enis:
                # It was deleted when moto was asked to end the machine, and would not be found again.
                nic.delete_on_termination = False
        known.terminate()
        instance.state, instance.ended_at = "terminated", self.clock.now()
        self.show(instance)

    async def reclaim(self, name: str) -> None:
        found = self.named(name)
        assert found.market == "spot"
        found.reason = ("Server.SpotInstanceTermination", "Server.SpotInstanceTermination: taken back")
        self.finish(found)

    async def switch_off(self, name: str) -> None:
        found = self.named(name)
        behaviour = self.moto(found.id, found.region).instance_initiated_shutdown_behavior
        found.reason = ("Client.InstanceInitiatedShutdown", "Instance initiated shutdown")
        if behaviour == "terminate":
            self.finish(found)
        else:
            found.state = "stopped"
            self.show(found)

    async def add_foreign(self, name: str) -> None:
        tags = {"Name": name}
        if key_of_name(name, OTHER_INSTALLATION) is not None:
            tags |= {"tradewind": OTHER_INSTALLATION, "tradewind-key": node_key(9, OTHER_INSTALLATION)}
        made = self.backend().run_instances(
            self.state.images[REGION], 1, None, [], instance_type="g5.xlarge", region_name=REGION,
            is_instance_type_default=False, tags={"instance": tags}, nics=[],
        )  # fmt: skip
        self.note(made.instances[0].id, REGION, "on-demand").state = "running"
        self.show(self.state.instances[made.instances[0].id])

    async def surprise(self, name: str) -> None:
        found = self.named(name)
        found.state, found.is_odd = "defragmenting", True
        self.show(found)

    def is_create(self, request: Request) -> bool:
        return is_call(request, "RunInstances")

    def refusals(self) -> Mapping[ProviderFault, Reply]:
        return {
            ProviderFault.CAPACITY: refusal(
                500, "InsufficientInstanceCapacity", "We currently do not have sufficient capacity."
            ),
            ProviderFault.QUOTA: refusal(400, "VcpuLimitExceeded", "You have requested more vCPU capacity."),
            ProviderFault.CREDENTIALS: refusal(401, "AuthFailure", f"{KEY_ID} cannot be validated"),
            ProviderFault.PERMISSION: refusal(403, "UnauthorizedOperation", "You are not authorized."),
            ProviderFault.INVALID: refusal(400, "InvalidParameterValue", f"Invalid: {SECRET}"),
        }


def is_call(request: Request, action: str) -> bool:
    """Whether it is this call of EC2, and meant."""
    body = request.body
    return isinstance(body, dict) and body.get("Action") == action and body.get("DryRun") != "true"


def refusal(status: int, code: str, message: str) -> Reply:
    """EC2's no."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Reply(
        status=status,
        text=f'<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors>{error}</Errors>'
        "<RequestID>ea966190-f9aa-478e-9ede-example</RequestID></Response>",
    )


def wrong_key(service: str) -> Reply:
    """How each service words that it does not know the key."""
    if service == "ssm":
        return Reply(status=400, body={"__type": "UnrecognizedClientException", "message": "invalid token"})
    if service == "sts":
        error = (
            "<Error><Type>Sender</Type><Code>InvalidClientTokenId</Code><Message>invalid</Message></Error>"
        )
        return Reply(
            status=403,
            text=f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">{error}</ErrorResponse>',
        )
    return refusal(401, "AuthFailure", "AWS was not able to validate the provided access credentials")
