"""How many packages the base install brings: those the pinned file names, and those a real environment holds."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.figures import Figure
from benchmarks.script import run_script
from benchmarks.sizes import Size

DESCRIPTION: Final = "Packages of the base install"
_GOAL: Final = 45.0
_REQUIREMENTS: Final = Path(__file__).parents[1] / "requirements" / "base.txt"
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)\s*(?:;\s*([^\\]+))?")


def measure(size: Size) -> list[Figure]:
    """Packages, Tradewind itself not counted; a real environment is made only when measuring in full."""
    figures = [
        Figure(
            name=f"pinned for {platform.system()}",
            unit="packages",
            values=(float(len(pinned_here())),),
            better="lower",
            goal=_GOAL,
        )
    ]
    if size.runs > 1:
        figures.append(_install())
    return figures


def pinned_here() -> list[str]:
    """Names that requirements/base.txt pins for this platform and Python."""
    found = []
    for line in _REQUIREMENTS.read_text(encoding="utf-8").splitlines():
        pin = _PIN.match(line)
        if pin is not None and (pin[3] is None or _holds_here(pin[3].strip())):
            found.append(pin[1].lower())
    return found


def _holds_here(marker: str) -> bool:
    from packaging.markers import Marker

    return Marker(marker).evaluate()


def _install() -> Figure:
    with TemporaryDirectory(prefix="tradewind-bench-") as folder:
        names = install_into(Path(folder), ["--require-hashes", "-r", str(_REQUIREMENTS)])
    return Figure(
        name="in a fresh virtual environment",
        unit="packages",
        values=(float(len(names)),),
        better="lower",
        goal=_GOAL,
        note="pip itself and setuptools not counted",
    )


def install_into(folder: Path, what: list[str]) -> list[str]:
    """Makes a virtual environment, installs into it and returns what it holds. Raises CalledProcessError."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", *what], check=True, capture_output=True, text=True)
    site = next((folder / "lib").glob("python*/site-packages"))
    names = {each.metadata["Name"].lower() for each in metadata.distributions(path=[str(site)])}
    return sorted(names - {"pip", "setuptools"})


if __name__ == "__main__":
    sys.exit(run_script(DESCRIPTION, measure))
