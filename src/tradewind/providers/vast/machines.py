"""Rents containers on Vast.ai, a market of many hosts: on demand, or for a bid until somebody bids more.

An offer is one machine of one host. Its ask has a new number each time, so the machine is searched for once more
before it is rented, and rented only if it costs no more than was offered. There is no idempotency token: an instance is
known by its label, which holds our key, and a call whose answer was lost is looked for before another one is sent.

What was outbid is paused: it still exists and its disk is charged for. It might go on some day; here it counts as taken
back, and is given back.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.money import MICRO
from tradewind.domain.offers import Capabilities, CreateIdempotency, Market, Offer, SelfTermination
from tradewind.providers.access import key_of_name, machine_name
from tradewind.providers.asking import MAX_PAGES, Sieve, base_url, credential, rows_of, too_many_pages
from tradewind.providers.base import Account, Handle, MachineView, OwnedMachine
from tradewind.providers.container_start import background_script
from tradewind.providers.normalising import GIB, read_amount
from tradewind.providers.renting import Setup
from tradewind.providers.rest import Answer, Pace, Rest, bearer, refusing_what_is_unknown
from tradewind.providers.vast.instances import COLUMNS, SSH_PORT, phase_of, view_of
from tradewind.providers.vast.prices import (
    UNVERIFIED,
    Ask,
    Terms,
    VastSearch,
    instance_type_of,
    offer_of,
    storage_per_hour,
    terms_of,
)
from tradewind.providers.vast.refusals import classify, sentence

_BASE: Final = "https://console.vast.ai"
_SEARCH: Final = "/api/v0/bundles/"
_ASKS: Final = "/api/v0/asks/"
_INSTANCES: Final = "/api/v0/instances/"
_LIST: Final = "/api/v1/instances/"
_USER: Final = "/api/v0/users/current/"
#: An image of Vast.ai's with PyTorch; that the tag is made for it as for their base image is believed.
_IMAGE: Final = "vastai/pytorch:@vastai-automatic-tag"
#: Seconds between two calls of one kind, by the thresholds in the published examples of status 429.
_BETWEEN_CREATES_S: Final = 4.5
_BETWEEN_DELETES_S: Final = 3.0
_BETWEEN_READS_S: Final = 1.0
_LONGEST_START: Final = 4048
_PER_PAGE: Final = 25
_KINDS: Final = {Market.ON_DEMAND.value: "ondemand", Market.SPOT.value: "bid"}
_SHAPE: Final = re.compile(r"(\d+)x .+ m(\d+)")
CAPABILITIES: Final = Capabilities(
    create_idempotency=CreateIdempotency.TAG,
    self_termination=SelfTermination.NONE,
    list_lag=timedelta(minutes=1),
    boot_timeout=timedelta(minutes=20),
    has_spot=True,
    gaps={
        "has_multi_node": "hosts of Vast.ai share no fast network",
        "has_images": "commands run in the image of the connection, not in one of the job",
        "has_mig": "whole accelerators only",
        "can_stop_and_start": "a stopped instance may find its accelerators taken; instances are only given back",
    },
)


@dataclass(frozen=True, slots=True)
class _Found:
    """An ask that fits an offer, and what is paid for it."""

    ask: Ask
    offer: Offer


class VastMachines:
    """A `MachineProvider` on Vast.ai. Settings: `image`, `ssh_user`, `base_url`, and those of prices."""

    id = "vast"
    capabilities = CAPABILITIES

    def __init__(self, setup: Setup) -> None:
        wire = setup.wire
        self._setup = setup
        self._prices = VastSearch()
        self._image = str(wire.settings.get("image") or _IMAGE)
        self._user = str(wire.settings.get("ssh_user") or "root")
        # One at a time: a machine's ask has another number once a part of it is rented.
        self._creating = Pace(wire.clock, _BETWEEN_CREATES_S)
        # Vast.ai counts each kind of call by itself.
        self._searches = self._rest(_BETWEEN_READS_S)
        self._reads = self._rest(_BETWEEN_READS_S)
        self._creates = self._rest(_BETWEEN_CREATES_S)
        self._deletes = self._rest(_BETWEEN_DELETES_S)

    def _rest(self, interval_s: float) -> Rest:
        wire = self._setup.wire
        return Rest(
            wire,
            self._setup.entropy,
            base_url(wire, _BASE),
            bearer(credential(wire, "VAST_API_KEY")),
            classify=classify,
            sentence=sentence,
            pace=Pace(wire.clock, interval_s),
        )

    async def examine(self) -> Account:
        user = await self._reads.get(_USER)
        balance = read_amount(user.get("balance"))
        notes: tuple[str, ...] = ("When the balance is used up all instances stop.",)
        if balance is not None and balance <= 0:
            notes = (f"The balance is ${balance:.2f}: nothing can be rented before credit is added.", *notes)
        return Account(identity=f"Vast.ai user {user.get('email') or user.get('id')}", notes=notes)

    async def list_offers(self) -> list[Offer]:
        return await self._prices.fetch(self._setup.wire)

    async def validate(self, offer: Offer) -> None:
        await self._find_ask(offer)

    async def _find_ask(self, offer: Offer) -> _Found:
        """The offer's machine as it can be had now, for no more than was offered."""
        shape, kind = _SHAPE.fullmatch(offer.instance_type), _KINDS.get(offer.market)
        if shape is None or kind is None:
            raise ProviderError(
                ProviderFault.INVALID,
                f"Vast.ai has no machine {offer.instance_type} ({offer.market})",
                hint="choose an offer of the source vast-search",
            )
        usual = terms_of(self._setup.wire)
        # The disk that the offer's price includes.
        terms = Terms(offer.disk_bytes // GIB or usual.disk_gb, usual.bid_factor)
        body = {
            "type": kind,
            "limit": 64,
            "order": [["dph_total", "asc"]],
            "machine_id": {"eq": int(shape[2])},
            "num_gpus": {"eq": int(shape[1])},
            "verified": {"in": [True, False] if UNVERIFIED in offer.flags else [True]},
            "rentable": {"eq": True},
            "rented": {"eq": False},
            # Without a port of its own nobody gets in: Vast.ai's proxy leads to its sshd, not to ours.
            "direct_port_count": {"gte": 2},
            "allocated_storage": terms.disk_gb,
        }
        answer = await self._searches.read(_SEARCH, body)
        sieve, now = Sieve("Vast.ai's offers"), self._setup.wire.clock.now()
        asks = [each for raw in rows_of(answer, "offers", sieve.title) if (each := sieve.read(Ask, raw))]
        sieve.finish()
        found = [
            _Found(each, offer_of(each, Market(offer.market), terms, self.id, now))
            for each in asks
            if instance_type_of(each) == offer.instance_type and each.rentable
        ]
        found = [each for each in found if each.offer.is_available and each.offer.rate.micro_per_unit]
        if not found:
            raise ProviderError(ProviderFault.CAPACITY, f"{offer.instance_type} is not offered any more")
        best = min(found, key=lambda each: each.offer.rate.micro_per_unit)
        micro = best.offer.rate.micro_per_unit
        if micro > offer.rate.micro_per_unit:
            raise ProviderError(
                ProviderFault.CAPACITY,
                f"{offer.instance_type} costs ${micro / MICRO:.4f} per hour now and was offered at "
                f"${offer.rate.micro_per_unit / MICRO:.4f}",
            )
        return best

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        async with self._creating.alone():
            found = await self._find_ask(offer)
            call = self._creates.change("PUT", f"{_ASKS}{found.ask.id}/", self._order(offer, found, key))
            answer = await refusing_what_is_unknown(call)
        return Handle({"id": _id_of(answer), "name": machine_name(key)})

    def _order(self, offer: Offer, found: _Found, key: str) -> dict[str, Any]:
        name = machine_name(key)
        disk_gb = found.offer.disk_bytes // GIB
        start = background_script(self._setup.access, key, port=SSH_PORT)
        assert len(start) <= _LONGEST_START
        body: dict[str, Any] = {
            "image": self._image,
            "label": name,
            "disk": disk_gb,
            "runtype": "ssh_direc ssh_proxy",
            "onstart": start,
            "env": {"TRADEWIND_MACHINE": name, f"-p {SSH_PORT}:{SSH_PORT}": "1"},
            "target_state": "running",
            # Rather a no now than an instance that waits for a host that is taken, and pays for its disk.
            "cancel_unavail": True,
        }
        if offer.market == Market.SPOT:
            body["price"] = _bid(offer, found.ask, disk_gb)
        return body

    async def find(self, key: str) -> Handle | None:
        name = machine_name(key)
        async for each in self._instances({"label": {"eq": name}}):
            if each.get("label") == name:
                return Handle({"id": str(each["id"]), "name": name})
        return None

    async def get(self, handle: Handle) -> MachineView:
        wanted = str(handle.values["id"])
        async for each in self._instances({"id": {"eq": int(wanted)}}):
            if str(each.get("id")) == wanted:
                return self._view(each, handle)
        raise ProviderError(ProviderFault.NOT_FOUND, f"Vast.ai has no instance {wanted}")

    def _view(self, instance: dict[str, Any], handle: Handle) -> MachineView:
        key = key_of_name(str(handle.values["name"]), self._setup.access.installation_id)
        host_key = None if key is None else self._setup.access.host_key(key).public
        return view_of(instance, host_key, self._user)

    async def keep(self, handle: Handle, until: datetime) -> None:
        return

    async def terminate(self, handle: Handle) -> None:
        try:
            await self._deletes.change("DELETE", f"{_INSTANCES}{handle.values['id']}/", is_repeatable=True)
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise

    async def list_owned(self) -> list[OwnedMachine]:
        owned = []
        async for each in self._instances({}):
            name = str(each.get("label") or "")
            key = key_of_name(name, self._setup.access.installation_id)
            if key is not None:
                handle = Handle({"id": str(each["id"]), "name": name})
                owned.append(OwnedMachine(key=key, handle=handle, phase=phase_of(each)))
        return owned

    async def _instances(self, filters: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Instances of the account, page by page in the order of their ids. One that was destroyed is not listed."""
        params: dict[str, str | int] = {
            "limit": _PER_PAGE,
            "order_by": json.dumps([{"col": "id", "dir": "asc"}]),
            "select_cols": json.dumps(list(COLUMNS)),
            "select_filters": json.dumps(filters),
        }
        for _ in range(MAX_PAGES):
            answer = await self._reads.get(_LIST, params)
            for each in rows_of(answer if isinstance(answer, dict) else {}, "instances", "Vast.ai"):
                if isinstance(each, dict):
                    yield each
            following = answer.get("next_token")
            if not following:
                return
            params = {**params, "after_token": str(following)}
        raise too_many_pages("Vast.ai's list of instances")


def _bid(offer: Offer, ask: Ask, disk_gb: int) -> float:
    """Dollars per hour to bid: all that was offered less what the disk costs besides; never below the least bid."""
    offered = Decimal(offer.rate.micro_per_unit) / MICRO
    least = read_amount(ask.min_bid) or Decimal(0)
    return float(max(round(offered - storage_per_hour(ask, disk_gb), 6), least))


def _id_of(answer: Answer) -> str:
    made = answer.body.get("new_contract") if isinstance(answer.body, dict) else None
    if isinstance(made, int):
        return str(made)
    fault = classify(answer.status, answer.body) or ProviderFault.AMBIGUOUS
    raise ProviderError(
        fault, f"Vast.ai made no instance that it told of: {sentence(answer.body) or 'no reason'}"
    )
