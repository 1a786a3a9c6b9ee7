"""Puts the built web application into wheels and source archives, so that whoever installs one needs no Node."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_OUT = "src/tradewind/server/static"


class WebHook(BuildHookInterface[Any]):
    """Builds the application where it is not there yet. `TRADEWIND_SKIP_UI=1` builds a package without one."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 -- the hook's interface
        if version == "editable" or os.environ.get("TRADEWIND_SKIP_UI") == "1":
            return
        root = Path(self.root)
        out = root / _OUT
        # A source archive brings it along.
        if not (root / "web" / "package.json").is_file():
            if not (out / "index.html").is_file():
                raise RuntimeError(f"{_OUT} is missing, and there are no sources to build it from")
            return
        npm = shutil.which("npm")
        if npm is None and not (root / ".venv").is_dir():
            raise RuntimeError(
                "building Tradewind from its sources needs Node 20.19 or newer; "
                "TRADEWIND_SKIP_UI=1 builds it without the web application"
            )
        subprocess.run([str(root / "scripts" / "build-web")], check=True, cwd=root)
