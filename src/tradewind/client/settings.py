"""Which server, with which token, for which project: flag, then environment, then files."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.paths import CONFIG_FILE, config_dir

PROJECT_FILE: Final = "tradewind.toml"
_KEYS: Final = ("server", "token_file", "project", "output")
_SERVER_TABLES: Final = ("local", "server")
_OUTPUTS: Final = ("table", "json", "jsonl", "csv", "yaml", "name")


@dataclass(frozen=True, slots=True)
class Settings:
    """What was configured; `server` is absent when the local server is meant."""

    server: str | None = None
    token: str | None = None
    token_file: Path | None = None
    project: str | None = None
    output: str = "table"

    def read_token(self) -> str | None:
        """The configured token, if there is one. Raises InvalidInputError when its file cannot be read."""
        if self.token or self.token_file is None:
            return self.token
        try:
            return self.token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(
                f"the token file {self.token_file} cannot be read",
                causes=(str(error),),
                hint="check `token_file` in your settings, or set TRADEWIND_TOKEN",
            ) from None


def load_settings(
    *,
    server: str | None = None,
    token: str | None = None,
    token_file: str | None = None,
    project: str | None = None,
    output: str | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """Settings by precedence: argument, `TRADEWIND_*`, `./tradewind.toml`, the user's `config.toml`.

    Raises InvalidInputError when a settings file is not valid, or a value is impossible.
    """
    env = os.environ if environment is None else environment
    files = [
        _read_file((folder or Path.cwd()) / PROJECT_FILE),
        _read_file(config_dir() / CONFIG_FILE),
    ]

    def choose(flag: str | None, key: str) -> str | None:
        named = (flag, env.get(f"TRADEWIND_{key.upper()}"), *(file.get(key) for file in files))
        return next((value for value in named if value), None)

    wanted_output = choose(output, "output") or "table"
    if wanted_output not in _OUTPUTS:
        raise InvalidInputError(
            f"output {wanted_output!r} does not exist", hint=f"use one of {', '.join(_OUTPUTS)}"
        )
    url = choose(server, "server")
    if url is not None and not url.startswith(("http://", "https://")):
        raise InvalidInputError(
            f"the server address {url!r} is not a URL",
            hint="write for example --server https://tradewind.example",
        )
    chosen_token_file = choose(token_file, "token_file")
    # A file named by a flag is nearer than a token in the environment.
    chosen_token = token or (None if token_file else env.get("TRADEWIND_TOKEN"))
    return Settings(
        server=url.rstrip("/") if url else None,
        token=chosen_token or None,
        token_file=Path(chosen_token_file).expanduser() if chosen_token_file else None,
        project=choose(project, "project"),
        output=wanted_output,
    )


def _read_file(path: Path) -> dict[str, str]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInputError(f"the settings file {path} cannot be read", causes=(str(error),)) from None
    # Tables are settings of the server on this machine, which reads them itself.
    found = {
        key: value for key, value in found.items() if not (key in _SERVER_TABLES and isinstance(value, dict))
    }
    for key, value in found.items():
        if key not in _KEYS:
            raise InvalidInputError(
                f"the settings file {path} has an unknown key {key!r}", hint=f"known keys: {', '.join(_KEYS)}"
            )
        if not isinstance(value, str):
            raise InvalidInputError(f"{key!r} in the settings file {path} must be text in quotes")
    if "token_file" in found:
        # Relative to the file that names it, wherever the command is run.
        found["token_file"] = str(path.parent / Path(found["token_file"]).expanduser())
    return found
