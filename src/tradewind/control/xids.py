"""What NVIDIA's driver reports in the kernel log ("Xid"), and whose fault it is.

Source of the meanings: NVIDIA, "XID Errors", catalogue of Xids (docs.nvidia.com/deploy/xid-errors), which tells for
each whether restarting the application, resetting the GPU or restarting the machine resolves it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Fault(StrEnum):
    """Whose fault an error of a GPU is."""

    APPLICATION = "application"  #: the program did something wrong, or was ended
    DEVICE_SUSPECT = "suspect"  #: the device had an error that it may go on from; what dies now died of it
    DEVICE_BROKEN = "broken"  #: nothing runs well on it until it was reset or replaced


_MEANINGS: Final[dict[int, tuple[Fault, str]]] = {
    13: (Fault.APPLICATION, "an exception of the graphics engine, mostly an access out of bounds"),
    31: (Fault.APPLICATION, "an access to memory that is not mapped"),
    43: (Fault.APPLICATION, "the program's work on the GPU was stopped"),
    45: (Fault.APPLICATION, "work was cleared away because its program ended"),
    69: (Fault.APPLICATION, "an invalid class of work was given to the graphics engine"),
    48: (Fault.DEVICE_BROKEN, "an error in memory that could not be corrected (double bit)"),
    62: (Fault.DEVICE_BROKEN, "its internal microcontroller stopped"),
    63: (Fault.DEVICE_SUSPECT, "a bad row of memory was replaced, which takes effect at the next reset"),
    64: (Fault.DEVICE_BROKEN, "a bad row of memory could not be replaced"),
    74: (Fault.DEVICE_SUSPECT, "an error of NVLink"),
    79: (Fault.DEVICE_BROKEN, "it has fallen off the bus"),
    92: (Fault.DEVICE_SUSPECT, "many single-bit errors of memory"),
    94: (Fault.DEVICE_SUSPECT, "an error in memory that was contained: only the program that met it is lost"),
    95: (Fault.DEVICE_BROKEN, "an error in memory that was not contained"),
    119: (Fault.DEVICE_BROKEN, "its system processor does not answer"),
    120: (Fault.DEVICE_BROKEN, "its system processor failed"),
    140: (Fault.DEVICE_BROKEN, "an error in memory that was not recovered from"),
}


def meaning_of(xid: int) -> tuple[Fault, str]:
    """Whose fault it is, and what happened, in a few words. What is not listed makes the device suspect."""
    return _MEANINGS.get(xid, (Fault.DEVICE_SUSPECT, "an error that NVIDIA's catalogue of Xids describes"))
