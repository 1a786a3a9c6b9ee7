"""Rents Paperspace machines. The product is fading: this adapter is kept working, no more.

Facts are from the description in Paperspace's own command line tool, which has no errors, no price list, no tags and no
idempotency token. A machine and its startup script are known by their names, which hold our key. The script is made
first and deleted with the machine; one that was left alone shows up among what is owned.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Availability, Capabilities, CreateIdempotency, Offer, SelfTermination
from tradewind.providers.access import key_of_name, machine_name
from tradewind.providers.asking import MAX_PAGES, base_url, credential, rows_of, too_many_pages
from tradewind.providers.base import (
    Account,
    Handle,
    MachinePhase,
    MachineView,
    OwnedMachine,
    PriceChange,
    Quota,
)
from tradewind.providers.normalising import micro_of, read_amount
from tradewind.providers.paperspace.refusals import classify_create
from tradewind.providers.paperspace.startup import USER, startup_script
from tradewind.providers.paperspace.templates import choose_template, region_of, type_of, types_of
from tradewind.providers.renting import Setup, login_for
from tradewind.providers.rest import Rest, bearer, refusing_what_is_unknown

_BASE: Final = "https://api.paperspace.com"
_API: Final = "/v1"
_MACHINES: Final = f"{_API}/machines"
_SCRIPTS: Final = f"{_API}/startup-scripts"
_DISK_GB: Final = 100
#: The longest that Paperspace's console offers. It must not end a job that is alive.
_AUTO_SHUTDOWN_HOURS: Final = 168
_PHASES: Final = {
    "provisioning": MachinePhase.STARTING,
    "starting": MachinePhase.STARTING,
    "restarting": MachinePhase.STARTING,
    "upgrading": MachinePhase.STARTING,
    "serviceready": MachinePhase.STARTING,
    "ready": MachinePhase.READY,
    # Its disk goes on costing money.
    "stopping": MachinePhase.UNKNOWN,
    "off": MachinePhase.UNKNOWN,
}
#: After these a create may still have its effect, or is sent once more: its script is needed.
_MAY_COME: Final = (ProviderFault.AMBIGUOUS, ProviderFault.RATE_LIMIT, ProviderFault.PROVIDER_FAULT)
CAPABILITIES: Final = Capabilities(
    create_idempotency=CreateIdempotency.TAG,
    self_termination=SelfTermination.NONE,
    list_lag=timedelta(minutes=1),
    boot_timeout=timedelta(minutes=20),
    gaps={
        "has_spot": "Paperspace sells no interruptible machines",
        "has_multi_node": "several machines of one job are not rented together here",
        "has_images": "commands run on the machine's template, not in a container",
        "has_mig": "whole accelerators only",
        "can_stop_and_start": "a machine that is switched off loses its place, and its disk goes on costing money",
    },
)


class PaperspaceMachines:
    """A `MachineProvider` on Paperspace."""

    id = "paperspace"
    capabilities = CAPABILITIES

    def __init__(self, setup: Setup) -> None:
        wire = setup.wire
        self._setup = setup
        self._settings = wire.settings
        base, authorize = base_url(wire, _BASE), bearer(credential(wire, "PAPERSPACE_API_KEY"))
        self._api = Rest(wire, setup.entropy, base, authorize)
        self._creates = Rest(wire, setup.entropy, base, authorize, classify=classify_create)

    async def examine(self) -> Account:
        session = await self._api.get(f"{_API}/auth/session")
        team = session.get("team") if isinstance(session, dict) else None
        if not isinstance(team, dict):
            # Whoever it does not know has no session, and that is no error.
            raise ProviderError(
                ProviderFault.CREDENTIALS,
                "Paperspace does not know this key",
                hint="check that it is the key of a team and has not been revoked",
            )
        used, limit = len(await self._all(_MACHINES)), team.get("maxMachines")
        return Account(
            identity=f"Paperspace team {team.get('namespace') or team.get('id')}",
            quotas=(Quota(name="machines", limit=float(limit), used=used),) if limit is not None else (),
            notes=(
                "Paperspace's API has no price list: prices are the catalog's until a machine tells its own.",
                "Which types the team may have is not told by the API.",
            ),
        )

    async def list_offers(self) -> list[Offer]:
        offers = await self._setup.listed()
        types = types_of(await self._templates()) if offers else frozenset()
        return [
            each
            if type_of(each) in types
            else replace(each, is_available=False, availability=Availability.UNAVAILABLE)
            for each in offers
        ]

    async def validate(self, offer: Offer) -> None:
        choose_template(await self._templates(), type_of(offer), self._settings.get("template"))

    async def create(self, offer: Offer, key: str, keep_until: datetime) -> Handle:
        name = machine_name(key)
        template = choose_template(await self._templates(), type_of(offer), self._settings.get("template"))
        body = {
            "name": name,
            "machineType": type_of(offer),
            "region": region_of(offer),
            "templateId": template.id,
            "diskSize": max(int(self._settings.get("disk_gb", _DISK_GB)), template.least_gb),
            # A dynamic address goes with the machine; a static one would be left, and cost.
            "publicIpType": "dynamic",
            "startupScriptId": await self._script(key),
            "startOnCreate": True,
            "autoShutdownEnabled": True,
            "autoShutdownForce": True,
            "autoShutdownTimeout": int(self._settings.get("auto_shutdown_hours", _AUTO_SHUTDOWN_HOURS)),
            "autoSnapshotEnabled": False,
            "takeInitialSnapshot": False,
            "emailPassword": False,
        }
        try:
            answer = await refusing_what_is_unknown(self._creates.change("POST", _MACHINES, body))
        except ProviderError as error:
            if error.fault not in _MAY_COME:
                # What cannot be deleted now is found as left alone later.
                with suppress(ProviderError):
                    await self._delete_scripts(name)
            raise
        made = answer.body.get("data") if isinstance(answer.body, dict) else None
        if not isinstance(made, dict) or not made.get("id"):
            raise ProviderError(ProviderFault.AMBIGUOUS, "Paperspace did not say which machine it made")
        return Handle({"id": str(made["id"]), "name": name})

    async def find(self, key: str) -> Handle | None:
        name = machine_name(key)
        for each in await self._all(_MACHINES):
            if each.get("name") == name and self._phase(each) is not MachinePhase.GONE:
                return Handle({"id": str(each["id"]), "name": name})
        return None

    async def get(self, handle: Handle) -> MachineView:
        if not handle.values["id"]:
            return await self._left_script(str(handle.values["name"]))
        machine = await self._api.get(f"{_MACHINES}/{handle.values['id']}")
        if not isinstance(machine, dict) or not machine.get("id"):
            raise ProviderError(ProviderFault.PROVIDER_FAULT, "Paperspace sent no machine")
        phase, address = self._phase(machine), machine.get("publicIp")
        if phase is MachinePhase.READY and not address:
            phase = MachinePhase.STARTING
        key = key_of_name(str(handle.values["name"]), self._setup.access.installation_id)
        login = None
        if address and key is not None:
            login = login_for(self._setup, key, str(address), user=USER)
        made_at, rate = _moment(machine.get("dtCreated")), read_amount(machine.get("usageRate"))
        # The only price that Paperspace ever tells, and only of a machine that one has.
        prices = (
            (PriceChange(at=made_at, micro_per_hour=micro_of(rate)),) if made_at and rate and rate > 0 else ()
        )
        return MachineView(
            phase=phase,
            login=login,
            explanation=f"Paperspace says: {machine.get('state')}",
            billed_from=made_at,
            price_changes=prices,
        )

    async def keep(self, handle: Handle, until: datetime) -> None:
        return

    async def terminate(self, handle: Handle) -> None:
        if handle.values["id"]:
            await self._delete(f"{_MACHINES}/{handle.values['id']}")
        await self._delete_scripts(str(handle.values["name"]))

    async def list_owned(self) -> list[OwnedMachine]:
        owned: list[OwnedMachine] = []
        named: set[str] = set()
        for each in await self._all(_MACHINES):
            name = str(each.get("name") or "")
            key = key_of_name(name, self._setup.access.installation_id)
            if key is not None:
                phase = self._phase(each)
                handle = Handle({"id": str(each["id"]), "name": name})
                owned.append(OwnedMachine(key=key, handle=handle, phase=phase))
                if phase is not MachinePhase.GONE:
                    named.add(name)
        for each in await self._all(_SCRIPTS):
            name = str(each.get("name") or "")
            key = key_of_name(name, self._setup.access.installation_id)
            if key is not None and name not in named:
                named.add(name)
                handle = Handle({"id": "", "name": name})
                owned.append(OwnedMachine(key=key, handle=handle, phase=MachinePhase.UNKNOWN))
        return owned

    # -- startup scripts -----------------------------------------------------------------------------------------

    async def _script(self, key: str) -> str:
        name = machine_name(key)
        for each in await self._all(_SCRIPTS):
            if each.get("name") == name:
                return str(each["id"])
        body = {"name": name, "script": startup_script(self._setup.access, key), "isRunOnce": True}
        answer = await self._api.change("POST", _SCRIPTS, body)
        if not isinstance(answer.body, dict) or not answer.body.get("id"):
            raise ProviderError(ProviderFault.AMBIGUOUS, "Paperspace did not say which script it keeps")
        return str(answer.body["id"])

    async def _left_script(self, name: str) -> MachineView:
        """A script without a machine: it costs nothing, and is there until it is deleted."""
        for each in await self._all(_SCRIPTS):
            if each.get("name") == name:
                made_at = _moment(each.get("dtCreated"))
                free = (PriceChange(at=made_at, micro_per_hour=0),) if made_at else ()
                text = "only its startup script is left"
                return MachineView(phase=MachinePhase.UNKNOWN, explanation=text, price_changes=free)
        raise ProviderError(ProviderFault.NOT_FOUND, f"Paperspace has nothing called {name}")

    async def _delete_scripts(self, name: str) -> None:
        for each in await self._all(_SCRIPTS):
            if each.get("name") == name:
                await self._delete(f"{_SCRIPTS}/{each['id']}")

    # -- asking --------------------------------------------------------------------------------------------------

    async def _templates(self) -> list[dict[str, Any]]:
        return await self._all(f"{_API}/os-templates")

    async def _delete(self, path: str) -> None:
        try:
            await self._api.change("DELETE", path, is_repeatable=True)
        except ProviderError as error:
            if error.fault is not ProviderFault.NOT_FOUND:
                raise

    async def _all(self, path: str) -> list[dict[str, Any]]:
        """Every row of a list, page by page."""
        rows: list[dict[str, Any]] = []
        query: dict[str, str | int] = {}
        for _ in range(MAX_PAGES):
            answer = await self._api.get(path, query)
            answer = answer if isinstance(answer, dict) else {}
            rows += [
                each for each in rows_of(answer, "items", path) if isinstance(each, dict) and each.get("id")
            ]
            if not answer.get("hasMore"):
                return rows
            if not answer.get("nextPage"):
                raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{path} has more, and does not say where")
            query = {"after": str(answer["nextPage"])}
        raise too_many_pages(path)

    def _phase(self, machine: dict[str, Any]) -> MachinePhase:
        """A machine that has a time of its end is gone, if that time can be one: living ones should have none."""
        made_at, deleted_at = _moment(machine.get("dtCreated")), _moment(machine.get("dtDeleted"))
        now = self._setup.wire.clock.now() + timedelta(minutes=5)
        if made_at is not None and deleted_at is not None and made_at < deleted_at <= now:
            return MachinePhase.GONE
        return _PHASES.get(str(machine.get("state")), MachinePhase.UNKNOWN)


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
