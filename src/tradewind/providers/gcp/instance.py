"""What is asked of Google for one machine. Pure: the same offer and key give the same words, byte by byte."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Market, Offer
from tradewind.providers.access import Access, machine_name, name_prefix

#: Whom the control plane logs in as, unless the settings say otherwise: Google's guest agent makes this user.
USER: Final = "tradewind"
#: On every machine and disk, with the installation as its value.
LABEL: Final = "tradewind"
#: On the machines of a gang, with the gang's name as its value.
GANG_LABEL: Final = "tradewind_gang"
#: A machine that nobody has ever spoken to switches itself off after this long.
GUARD_S: Final = 3600
_IMAGE: Final = (
    "projects/deeplearning-platform-release/global/images/family/common-cu129-ubuntu-2204-nvidia-580"
)
_DISK_GB: Final = 200
#: Machine types whose accelerators are part of them. TPUs are rented by another API, and `a4x` is no x86 machine.
_BUILT_IN: Final = re.compile(r"(a2|a3|a4|g2)-[a-z]+-[0-9]+g?")
_ATTACHED: Final = re.compile(r"(n1-[a-z]+-[0-9]+)\+([0-9]+)x([A-Z0-9]+)")
_CARDS: Final = {
    "T4": "nvidia-tesla-t4",
    "V100": "nvidia-tesla-v100",
    "P100": "nvidia-tesla-p100",
    "P4": "nvidia-tesla-p4",
}
#: These boot from Hyperdisk only.
_HYPERDISK: Final = ("a4-", "a3-ultragpu-")
#: These have Google's own network card only.
_GVNIC: Final = ("a3-", "a4-")


@dataclass(frozen=True, slots=True)
class Kind:
    """A machine type in Google's words, and the cards that are attached to it."""

    machine_type: str
    card: str | None = None
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the connection's settings say of machines."""

    image: str = _IMAGE
    disk_gb: int = _DISK_GB
    network: str = "default"
    subnetwork: str | None = None
    max_run_h: int | None = None
    user: str = USER
    placement_policy: str | None = None

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> Wishes:
        """Raises ProviderError where a number is none."""
        try:
            max_run_h = settings.get("max_run_h")
            return cls(
                image=str(settings.get("image") or _IMAGE),
                disk_gb=int(settings.get("disk_gb") or _DISK_GB),
                network=str(settings.get("network") or "default"),
                subnetwork=str(settings["subnetwork"]) if settings.get("subnetwork") else None,
                user=str(settings.get("ssh_user") or USER),
                placement_policy=str(settings.get("placement_policy") or "") or None,
                max_run_h=None if max_run_h is None else int(max_run_h),
            )
        except (TypeError, ValueError):
            raise ProviderError(
                ProviderFault.INVALID, "`disk_gb` and `max_run_h` of the Google connection are whole numbers"
            ) from None


def kind_of(instance_type: str) -> Kind | None:
    """How Google is asked for this type; None for what cannot be rented as a machine here."""
    if _BUILT_IN.fullmatch(instance_type):
        return Kind(instance_type)
    attached = _ATTACHED.fullmatch(instance_type)
    if attached is None or attached[3] not in _CARDS:
        return None
    return Kind(attached[1], _CARDS[attached[3]], int(attached[2]))


def labels(access: Access) -> dict[str, str]:
    """The mark of this installation."""
    return {LABEL: installation_label(access.installation_id)}


def installation_label(installation_id: str) -> str:
    """The installation as a label's value: lower-case letters and digits."""
    return name_prefix(installation_id).split("-")[1]


def network_tag(installation_id: str) -> str:
    """What the firewall rule knows the machines of this installation by."""
    return name_prefix(installation_id).rstrip("-")


def instance_body(
    offer: Offer, kind: Kind, key: str, access: Access, wishes: Wishes, gang: str | None = None
) -> dict[str, Any]:
    """The body of `instances.insert`. `gang` is the name of the machine's gang, where it is in one."""
    zone, mark = offer.zone, labels(access)
    tags = [network_tag(access.installation_id)]
    disk_type = "hyperdisk-balanced" if offer.instance_type.startswith(_HYPERDISK) else "pd-balanced"
    body: dict[str, Any] = {
        "name": machine_name(key),
        "description": "Rented by Tradewind for a job.",
        "machineType": f"zones/{zone}/machineTypes/{kind.machine_type}",
        "labels": mark if gang is None else mark | {GANG_LABEL: gang},
        "tags": {"items": tags if gang is None else [*tags, gang]},
        "disks": [
            {
                "boot": True,
                "autoDelete": True,
                "initializeParams": {
                    "sourceImage": wishes.image,
                    "diskSizeGb": str(wishes.disk_gb),
                    "diskType": f"zones/{zone}/diskTypes/{disk_type}",
                    "labels": mark,
                },
            }
        ],
        "networkInterfaces": [_network_interface(offer, wishes)],
        "scheduling": _scheduling(offer, wishes),
        "metadata": {"items": _metadata(key, access, wishes.user)},
    }
    if gang is not None and wishes.placement_policy is not None:
        body["resourcePolicies"] = [f"regions/{offer.region}/resourcePolicies/{wishes.placement_policy}"]
    if kind.card is not None:
        body["guestAccelerators"] = [
            {"acceleratorType": f"zones/{zone}/acceleratorTypes/{kind.card}", "acceleratorCount": kind.count}
        ]
    return body


def _network_interface(offer: Offer, wishes: Wishes) -> dict[str, Any]:
    interface: dict[str, Any] = {
        "network": f"global/networks/{wishes.network}",
        "accessConfigs": [{"name": "External NAT", "type": "ONE_TO_ONE_NAT"}],
    }
    if wishes.subnetwork is not None:
        interface["subnetwork"] = f"regions/{offer.region}/subnetworks/{wishes.subnetwork}"
    if offer.instance_type.startswith(_GVNIC):
        interface["nicType"] = "GVNIC"
    return interface


def _scheduling(offer: Offer, wishes: Wishes) -> dict[str, Any]:
    is_spot = offer.market == Market.SPOT
    scheduling: dict[str, Any] = {
        "provisioningModel": "SPOT" if is_spot else "STANDARD",
        # Machines with accelerators cannot move to another host.
        "onHostMaintenance": "TERMINATE",
        # One that came back by itself would cost money without its job.
        "automaticRestart": False,
    }
    if is_spot:
        scheduling["instanceTerminationAction"] = "DELETE"
    if wishes.max_run_h is not None:
        scheduling["maxRunDuration"] = {"seconds": str(wishes.max_run_h * 3600)}
        scheduling["instanceTerminationAction"] = "DELETE"
    return scheduling


def _metadata(key: str, access: Access, user: str) -> list[dict[str, str]]:
    public = access.login.public
    values = {
        # Google's guest agent makes the user, and lets it become root.
        "ssh-keys": f"{user}:{public}",
        "block-project-ssh-keys": "TRUE",
        "enable-oslogin": "FALSE",
        "install-nvidia-driver": "True",
        # Images with cloud-init have their host key before sshd starts; on the others the script sees to it.
        "user-data": access.user_data(key, user=user, guard_s=GUARD_S),
        "startup-script": startup_script(key, access),
    }
    return [{"key": name, "value": value} for name, value in values.items()]


def startup_script(key: str, access: Access) -> str:
    """Gives a machine without cloud-init its host key, and ends it if nobody ever comes.

    Where cloud-init was there first, nothing is left to do. Otherwise nobody can log in before this has run, so the
    guard that it sets is there before anybody could take it over. Everything in it that is data is in base 64.
    """
    host = access.host_key(key)
    private = base64.b64encode(host.private.reveal().encode()).decode()
    public = base64.b64encode(f"{host.public}\n".encode()).decode()
    blob = host.public.split()[1]
    return f"""#!/bin/sh
set -eu
umask 077
file=/etc/ssh/ssh_host_ed25519_key
if [ -s "$file.pub" ] && [ "$(cut -d ' ' -f 2 "$file.pub")" = '{blob}' ]; then
  exit 0
fi
shutdown -P +{GUARD_S // 60}
printf %s '{private}' | base64 -d > "$file.new"
printf %s '{public}' | base64 -d > "$file.pub.new"
chmod 644 "$file.pub.new"
rm -f /etc/ssh/ssh_host_*_key /etc/ssh/ssh_host_*_key.pub
mv "$file.new" "$file"
mv "$file.pub.new" "$file.pub"
systemctl restart ssh || systemctl restart sshd
"""
