"""What is asked of Azure for one machine: an address, a network interface, and the machine with its disk."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.domain.offers import Market, Offer

#: Azure lets nobody log in as root at first.
USER: Final = "azureuser"
#: Ubuntu with NVIDIA's drivers, by Microsoft, without a price of its own. Believed to fit the sizes with accelerators.
IMAGE: Final = "microsoft-dsvm:ubuntu-hpc:2204:latest"
_DISK_GB: Final = 128
#: Every size takes it, unlike the premium ones.
_DISK_TYPE: Final = "StandardSSD_LRS"
_GONE_WITH_IT: Final = "Delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One machine: where, which, as what it is known, and what it is told at its first boot."""

    name: str
    offer: Offer
    tags: Mapping[str, str]
    settings: Mapping[str, Any]
    login_key: str
    user_data: str

    @property
    def is_spot(self) -> bool:
        return self.offer.market == Market.SPOT

    def _head(self, *, is_zonal: bool) -> dict[str, Any]:
        zones = {"zones": [self.offer.zone]} if is_zonal and self.offer.zone else {}
        return {"location": self.offer.region, "tags": dict(self.tags), **zones}

    def address(self) -> dict[str, Any]:
        """A fixed public address: the basic ones, that could change, are no longer made."""
        return {
            **self._head(is_zonal=True),
            "sku": {"name": "Standard", "tier": "Regional"},
            "properties": {
                "publicIPAllocationMethod": "Static",
                "publicIPAddressVersion": "IPv4",
                "deleteOption": _GONE_WITH_IT,
            },
        }

    def interface(self, subnet_id: str, address_id: str) -> dict[str, Any]:
        """The interface that has the address."""
        settings = {
            "subnet": {"id": subnet_id},
            "privateIPAllocationMethod": "Dynamic",
            "publicIPAddress": {"id": address_id, "properties": {"deleteOption": _GONE_WITH_IT}},
        }
        return {
            **self._head(is_zonal=False),
            "properties": {"ipConfigurations": [{"name": "main", "properties": settings}]},
        }

    def machine(self, interface_id: str) -> dict[str, Any]:
        """The machine; interface, address and disk go when it goes."""
        key = {"path": f"/home/{USER}/.ssh/authorized_keys", "keyData": self.login_key}
        properties: dict[str, Any] = {
            "hardwareProfile": {"vmSize": self.offer.instance_type},
            "storageProfile": {"imageReference": self._image(), "osDisk": self._disk()},
            "osProfile": {
                "computerName": self.name,
                "adminUsername": USER,
                "customData": base64.b64encode(self.user_data.encode()).decode(),
                "linuxConfiguration": {
                    "disablePasswordAuthentication": True,
                    "ssh": {"publicKeys": [key]},
                },
            },
            "networkProfile": {
                "networkInterfaces": [
                    {"id": interface_id, "properties": {"primary": True, "deleteOption": _GONE_WITH_IT}}
                ]
            },
        }
        group = self._proximity_group()
        if group is not None:
            properties["proximityPlacementGroup"] = {"id": group}
        if self.is_spot:
            # At no more than the on-demand price, and gone when it is taken back: stopped it would still cost.
            properties |= {
                "priority": "Spot",
                "evictionPolicy": "Delete",
                "billingProfile": {"maxPrice": -1},
            }
        return {**self._head(is_zonal=True), "properties": properties}

    def _disk(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "createOption": "FromImage",
            "diskSizeGB": int(self.settings.get("disk_gb", _DISK_GB)),
            "managedDisk": {"storageAccountType": str(self.settings.get("disk_type", _DISK_TYPE))},
            "deleteOption": _GONE_WITH_IT,
        }

    def _proximity_group(self) -> str | None:
        said = str(self.settings.get("proximity_placement_group") or "")
        if said and not said.startswith("/subscriptions/"):
            raise ProviderError(
                ProviderFault.INVALID,
                f"`proximity_placement_group` is {said!r}, which is not the id of one",
                hint="`az ppg show --query id` tells it: it begins with /subscriptions/",
            )
        return said or None

    def _image(self) -> dict[str, str]:
        text = str(self.settings.get("image") or IMAGE)
        if text.startswith("/"):
            return {"id": text}
        parts = text.split(":")
        if len(parts) != 4 or not all(parts):
            raise ProviderError(
                ProviderFault.INVALID,
                f"`image` is {text!r}, which is neither publisher:offer:sku:version nor the id of an image",
            )
        return dict(zip(("publisher", "offer", "sku", "version"), parts, strict=True))
