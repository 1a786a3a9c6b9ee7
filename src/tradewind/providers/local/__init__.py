"""The machine Tradewind itself runs on."""

from tradewind.providers.local.platform import LocalPlatform, create

__all__ = ["LocalPlatform", "create"]
