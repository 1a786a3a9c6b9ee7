"""Which image a machine boots: Ubuntu with NVIDIA's driver, as Amazon keeps it.

The image's id is read from a public parameter of Systems Manager. That parameter's name is what others use and was not
tried on the live service; where it is not there, the newest image of that name which Amazon owns is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tradewind.domain.clock import Clock
from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.aws.by_region import in_region
from tradewind.providers.aws.calling import Aws

#: Believed, not seen: see above.
_PARAMETER: Final = (
    "/aws/service/deeplearning/ami/{architecture}/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"
)
_NAMES: Final = {
    "x86_64": "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) *",
    "arm64": "Deep Learning ARM64 Base OSS Nvidia Driver GPU AMI (Ubuntu 22.04) *",
}
#: For so long one image is given to all machines: a repeated create call must say what the first one said.
_KEPT_S: Final = 6 * 3600.0
_GB: Final = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image, the device of its root disk, and how large that disk is at least."""

    id: str
    root_device: str
    disk_gb: int


class Images:
    """Images by region and architecture. `chosen` is the setting `ami`: one id, or one for each region."""

    def __init__(self, aws: Aws, clock: Clock, chosen: object) -> None:
        self._aws = aws
        self._clock = clock
        self._chosen = chosen
        self._known: dict[tuple[str, str], tuple[float, Image]] = {}

    async def find(self, region: str, architecture: str) -> Image:
        """The image for new machines. Raises ProviderError where there is none."""
        known = self._known.get((region, architecture))
        now = self._clock.monotonic()
        if known is not None and now - known[0] < _KEPT_S:
            return known[1]
        image = await self._look(region, architecture)
        self._known[region, architecture] = (now, image)
        return image

    async def _look(self, region: str, architecture: str) -> Image:
        if architecture not in _NAMES:
            raise ProviderError(ProviderFault.INVALID, f"no image is known for {architecture} in {region}")
        chosen = self._chosen_in(region)
        image_id = chosen or await self._published(region, _PARAMETER.format(architecture=architecture))
        if image_id is not None:
            found = await self._describe(region, ImageIds=[image_id])
            if found:
                return _read(found[0])
            if chosen:
                raise ProviderError(ProviderFault.INVALID, f"there is no image {image_id} in {region}")
        found = await self._describe(
            region,
            Owners=["amazon"],
            Filters=[
                {"Name": "name", "Values": [_NAMES[architecture]]},
                {"Name": "state", "Values": ["available"]},
                {"Name": "architecture", "Values": [architecture]},
            ],
        )
        if not found:
            raise ProviderError(
                ProviderFault.INVALID,
                f"no image with NVIDIA's driver was found in {region} for {architecture}",
                hint="name one in the setting `ami`",
            )
        return _read(max(found, key=lambda each: str(each.get("CreationDate"))))

    def _chosen_in(self, region: str) -> str | None:
        return in_region(self._chosen, region)

    async def _published(self, region: str, name: str) -> str | None:
        try:
            answer = await self._aws.read("ssm", region, "get_parameter", Name=name)
        except ProviderError as error:
            # It is not there, or may not be read: the list of images has it too.
            if error.fault not in (ProviderFault.INVALID, ProviderFault.PERMISSION, ProviderFault.NOT_FOUND):
                raise
            return None
        return str(answer["Parameter"]["Value"])

    async def _describe(self, region: str, **parameters: Any) -> list[dict[str, Any]]:
        try:
            return await self._aws.pages(region, "describe_images", "Images", **parameters)
        except ProviderError as error:
            if error.fault is not ProviderFault.INVALID:
                raise
            return []


def disk_gb_for(wanted_bytes: int, image: Image) -> int:
    """How large a disk is asked for, in whole GB."""
    return max(-(-wanted_bytes // _GB), image.disk_gb)


def _read(image: dict[str, Any]) -> Image:
    device = str(image.get("RootDeviceName") or "/dev/sda1")
    sizes = [
        int((each.get("Ebs") or {}).get("VolumeSize") or 0)
        for each in image.get("BlockDeviceMappings") or []
        if each.get("DeviceName") == device
    ]
    return Image(id=str(image["ImageId"]), root_device=device, disk_gb=max(sizes, default=0))
