"""Rents RunPod pods: containers on one machine, reached by SSH at a mapped port.

Everything goes through the second version of RunPod's REST API. The first one is being retired (announced for
15 November, later for 1 December 2026), and with it went interruptible pods, which the second has not.
Names are not unique and there is no idempotency token: a pod is known by its name, which holds our key, and a create
call whose answer was lost is looked for before another one is sent. RunPod has been seen to answer a create call with
status 500 although the pod runs.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Capabilities, CreateIdempotency, Market, Offer, SelfTermination
from tradewind.providers.access import key_of_name, machine_name
from tradewind.providers.asking import MAX_PAGES, base_url, credential, rows_of, too_many_pages
from tradewind.providers.base import (
    Account,
    Handle,
    Login,
    MachinePhase,
    MachineView,
    OwnedMachine,
    PriceChange,
)
from tradewind.providers.container_start import COMMAND, VARIABLE, main_script
from tradewind.providers.normalising import micro_of, read_amount
from tradewind.providers.renting import Setup
from tradewind.providers.rest import Answer, Pace, Rest, bearer, refusing_what_is_unknown
from tradewind.providers.runpod.prices import COMMUNITY_SUFFIX, RunpodCatalog
from tradewind.providers.runpod.refusals import classify, sentence

_BASE: Final = "https://api.runpod.io"
_PODS: Final = "/v2/pods"
_GPUS: Final = "/v2/catalog/gpus"
#: Seen in use with the API in August 2026; that it holds what a job needs is believed.
_IMAGE: Final = "runpod/pytorch:1.0.7-cu1281-torch291-ubuntu2204"
_DISK_GB: Final = 50
#: The published example of a quota is 60 calls a minute.
_BETWEEN_CALLS_S: Final = 1.0
#: A pod's price may include its disk; one that is dearer than that is not what was agreed to.
_MOST_ABOVE_OFFER: Final = 1.1
_SHAPE: Final = re.compile(rf"(\d+)x (.+?)({re.escape(COMMUNITY_SUFFIX)})?")
_PHASES: Final = {
    "PROVISIONING": MachinePhase.STARTING,
    "STARTING": MachinePhase.STARTING,
    "RUNNING": MachinePhase.READY,
    # It exists. `was_reclaimed` says the rest.
    "EXITED": MachinePhase.UNKNOWN,
    "ERROR": MachinePhase.UNKNOWN,
    "TERMINATED": MachinePhase.GONE,
}
CAPABILITIES: Final = Capabilities(
    create_idempotency=CreateIdempotency.TAG,
    self_termination=SelfTermination.NONE,
    list_lag=timedelta(minutes=1),
    boot_timeout=timedelta(minutes=20),
    gaps={
        "has_spot": "RunPod's present API has no interruptible pods; the one that had is being retired",
        "has_multi_node": "RunPod's clusters are not rented yet",
        "has_images": "commands run in the image of the connection, not in one of the job",
        "has_mig": "whole accelerators only",
        "can_stop_and_start": "a stopped pod may find its accelerators taken; pods are only given back",
    },
)


@dataclass(frozen=True, slots=True)
class _Shape:
    """What an offer asks of RunPod."""

    gpu_id: str
    count: int
    cloud: str


class RunpodMachines:
    """A `MachineProvider` on RunPod. Settings: `image`, `disk_gb`, `ssh_user`, `base_url`."""

    id = "runpod"
    capabilities = CAPABILITIES

    def __init__(self, setup: Setup) -> None:
        wire = setup.wire
        self._setup = setup
        self._prices = RunpodCatalog()
        self._image = str(wire.settings.get("image") or _IMAGE)
        self._user = str(wire.settings.get("ssh_user") or "root")
        self._disk_gb = int(wire.settings.get("disk_gb") or _DISK_GB)
        self._api = Rest(
            wire,
            setup.entropy,
            base_url(wire, _BASE),
            bearer(credential(wire, "RUNPOD_API_KEY")),
            classify=classify,
            sentence=sentence,
            pace=Pace(wire.clock, _BETWEEN_CALLS_S),
        )

    async def examine(self) -> Account:
        # The pods are what the key must be able to see anyway: no further permission is asked of it.
        count = len([each async for each in self._pods()])
        return Account(
            identity=f"RunPod account with {count} pods",
            notes=(
                "RunPod's API does not tell the balance; when it is used up all pods stop.",
                "Whether the key may create pods shows when the first one is rented.",
            ),
        )

    async def list_offers(self) -> list[Offer]:
        return await self._prices.fetch(self._setup.wire)

    async def validate(self, offer: Offer) -> None:
        shape = _shape_of(offer)
        params: dict[str, str | int] = {
            "include": "AVAILABILITY",
            "product": "POD",
            "count": shape.count,
            "cloud": shape.cloud,
        }
        try:
            kind = await self._api.get(f"{_GPUS}/{quote(shape.gpu_id, safe='')}", params)
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise
            raise ProviderError(ProviderFault.INVALID, f"RunPod has no accelerator {shape.gpu_id}") from None
        levels = {str(each["id"]): each["availability"] for each in kind.get("dataCenters") or []}
        level = levels.get(offer.region) if offer.region else kind.get("availability")
        if level in (None, "NONE"):
            where = ", ".join(sorted(levels)) or "no data center"
            raise ProviderError(
                ProviderFault.CAPACITY,
                f"{offer.instance_type} is not to be had in {offer.region or 'any place'} now (it is in: {where})",
            )

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        shape = _shape_of(offer)
        name = machine_name(key)
        body = {
            "name": name,
            "image": self._image,
            "args": COMMAND,
            "cloud": shape.cloud,
            "gpu": {"id": shape.gpu_id, "count": shape.count},
            # No mount: what outlives a stop is charged for at twice the price.
            "disk": max(self._disk_gb, 1),
            "ports": ["22/tcp"],
            "env": {VARIABLE: main_script(self._setup.access, key), "TRADEWIND_MACHINE": name},
            **({"dataCenterIds": [offer.region]} if offer.region else {}),
        }
        answer = await refusing_what_is_unknown(self._api.change("POST", _PODS, body))
        handle = Handle({"id": _id_of(answer), "name": name})
        await self._give_back_if_dearer(offer, answer.body, handle)
        return handle

    async def _give_back_if_dearer(self, offer: Offer, pod: dict[str, Any], handle: Handle) -> None:
        """RunPod takes no limit on the price: what was agreed to is held against what the pod costs."""
        micro = _micro_per_hour(pod)
        if micro is None or micro <= offer.rate.micro_per_unit * _MOST_ABOVE_OFFER:
            return
        try:
            await self.terminate(handle)
        except ProviderError as error:
            raise ProviderError(ProviderFault.AMBIGUOUS, error.message, hint=error.hint) from None
        raise ProviderError(
            ProviderFault.CAPACITY,
            f"{offer.instance_type} costs ${micro / 1e6:.2f} per hour now and was offered at "
            f"${offer.rate.micro_per_unit / 1e6:.2f}; it was given back at once",
        )

    async def find(self, key: str) -> Handle | None:
        name = machine_name(key)
        async for each in self._pods():
            if each.get("name") == name and _phase(each) is not MachinePhase.GONE:
                return Handle({"id": str(each["id"]), "name": name})
        return None

    async def get(self, handle: Handle) -> MachineView:
        pod = await self._api.get(f"{_PODS}/{handle.values['id']}")
        phase, status = _phase(pod), str(pod.get("status"))
        login = self._login(pod, handle)
        if phase is MachinePhase.READY and login is None:
            # It is called running from the first moment on, and gets its port later.
            phase = MachinePhase.STARTING
        created_at = _moment(pod.get("createdAt"))
        micro = _micro_per_hour(pod)
        is_stopped = status == "EXITED"
        return MachineView(
            phase=phase,
            login=login,
            explanation="RunPod has stopped it" if is_stopped else f"RunPod says: {status}",
            was_reclaimed=is_stopped,
            billed_from=created_at,
            price_changes=(PriceChange(at=created_at, micro_per_hour=micro),) if created_at and micro else (),
        )

    def _login(self, pod: dict[str, Any], handle: Handle) -> Login | None:
        direct = (pod.get("ssh") or {}).get("direct")
        key = key_of_name(str(handle.values["name"]), self._setup.access.installation_id)
        if not isinstance(direct, dict) or key is None:
            return None
        host_key = self._setup.access.host_key(key).public
        return Login(
            host=str(direct["host"]), port=int(direct["port"]), user=self._user, host_keys=(host_key,)
        )

    async def keep(self, handle: Handle, until: datetime) -> None:
        return

    async def terminate(self, handle: Handle) -> None:
        try:
            await self._api.change("DELETE", f"{_PODS}/{handle.values['id']}", is_repeatable=True)
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise

    async def list_owned(self) -> list[OwnedMachine]:
        owned = []
        async for each in self._pods():
            name = str(each.get("name") or "")
            key = key_of_name(name, self._setup.access.installation_id)
            if key is not None:
                handle = Handle({"id": str(each["id"]), "name": name})
                owned.append(OwnedMachine(key=key, handle=handle, phase=_phase(each)))
        return owned

    async def _pods(self) -> AsyncIterator[dict[str, Any]]:
        """Every pod of the account. Newer versions of the API cut the list into pages, and say so."""
        cursor = ""
        for _ in range(MAX_PAGES):
            answer = await self._api.get(_PODS, {"cursor": cursor} if cursor else None)
            for each in rows_of(answer if isinstance(answer, dict) else {}, "pods", "RunPod"):
                if isinstance(each, dict):
                    yield each
            following = (answer.get("pagination") or {}).get("nextCursor")
            if not following:
                return
            cursor = str(following)
        raise too_many_pages("RunPod's list of pods")


def _shape_of(offer: Offer) -> _Shape:
    """Raises ProviderError where the offer is none of those that RunPod's own catalogue makes."""
    found = _SHAPE.fullmatch(offer.instance_type)
    if offer.market != Market.ON_DEMAND:
        raise ProviderError(ProviderFault.INVALID, CAPABILITIES.gaps["has_spot"])
    if found is None or not int(found[1]):
        raise ProviderError(
            ProviderFault.INVALID,
            f"RunPod has no pod type {offer.instance_type}: it cannot be told which accelerator to ask for",
            hint="choose an offer of the source runpod-catalog",
        )
    return _Shape(found[2], int(found[1]), "COMMUNITY" if found[3] else "SECURE")


def _id_of(answer: Answer) -> str:
    pod_id = answer.body.get("id") if isinstance(answer.body, dict) else None
    if not pod_id:
        raise ProviderError(ProviderFault.AMBIGUOUS, "RunPod made a pod and did not tell its id")
    return str(pod_id)


def _phase(pod: dict[str, Any]) -> MachinePhase:
    return _PHASES.get(str(pod.get("status")), MachinePhase.UNKNOWN)


def _micro_per_hour(pod: dict[str, Any]) -> int | None:
    """What it costs now; None where RunPod does not say, or it costs nothing since it does not run."""
    dollars = read_amount(pod.get("cost"))
    return micro_of(dollars) if dollars is not None and dollars > 0 else None


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
