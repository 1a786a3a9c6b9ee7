"""Where Tradewind keeps its settings and its state on this machine, and what the files there are called."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

#: Where the local server says that it is ready, and who it is.
SERVER_FILE: Final = "server.json"
#: Held (flock) by the local server for as long as it lives: "is it running" is "is this held".
SERVER_LOCK: Final = "server.lock"
#: Standard output and error of a local server that was started in the background.
SERVER_LOG: Final = "server.log"
#: The token of local mode, mode 0600.
TOKEN_FILE: Final = "token"
#: The user's settings.
CONFIG_FILE: Final = "config.toml"


def state_dir() -> Path:
    """The folder with the database, logs and checkpoints: `TRADEWIND_STATE_DIR`, else the platform's own place."""
    return _folder("TRADEWIND_STATE_DIR", "user_state_dir")


def config_dir() -> Path:
    """The folder with `config.toml`: `TRADEWIND_CONFIG_DIR`, else the platform's own place."""
    return _folder("TRADEWIND_CONFIG_DIR", "user_config_dir")


def _folder(variable: str, function: str) -> Path:
    wanted = os.environ.get(variable)
    if wanted:
        return Path(wanted).expanduser().absolute()
    # Imported late: it costs start-up time that a caller with the variable set need not pay.
    import platformdirs

    folder: str = getattr(platformdirs, function)("tradewind", appauthor=False)
    return Path(folder)
