"""docs/cli.md is what the commands say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def test_the_reference_is_current() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "write_cli_docs.py", "--check"], check=False)
    assert done.returncode == 0, "docs/cli.md is not current: run `make docs-cli`"
