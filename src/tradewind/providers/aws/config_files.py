"""Credentials as the AWS command line keeps them: `~/.aws/credentials` and `~/.aws/config`, by profile."""

from __future__ import annotations

from typing import Final

from tradewind.providers.vendor_files import Surroundings, VendorFiles, read_text, sections

_KEYS: Final = {
    "aws_access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "aws_session_token": "session_token",
}


def read(where: Surroundings) -> dict[str, str]:
    """Keys and region of the profile that `AWS_PROFILE` names, else of `default`. Long-lived keys only, not SSO."""
    profile = where.environment.get("AWS_PROFILE") or "default"
    credentials = _section(where, "~/.aws/credentials", "AWS_SHARED_CREDENTIALS_FILE", profile)
    # In this file every profile but the default one has a word before its name.
    name = profile if profile == "default" else f"profile {profile}"
    config = _section(where, "~/.aws/config", "AWS_CONFIG_FILE", name)
    both = {**config, **credentials}
    found = {field: both[key] for key, field in _KEYS.items() if both.get(key)}
    if found and both.get("region"):
        found["region"] = both["region"]
    return found


def _section(where: Surroundings, path: str, variable: str, name: str) -> dict[str, str]:
    file = where.path(path, variable)
    text = read_text(file)
    return {} if text is None else sections(text, file).get(name, {})


FILES: Final = VendorFiles(
    tool="the AWS command line", paths=("~/.aws/credentials", "~/.aws/config"), read=read
)
