"""Credentials as Google's command line keeps them: application default credentials, and the active configuration."""

from __future__ import annotations

from typing import Final

from tradewind.providers.vendor_files import Surroundings, VendorFiles, read_text, sections

_FOLDER: Final = "~/.config/gcloud"
_CREDENTIALS: Final = "application_default_credentials.json"


def read(where: Surroundings) -> dict[str, str]:
    """The path of the credentials that `gcloud auth application-default login` wrote, and the project that is set."""
    folder = where.path(_FOLDER, "CLOUDSDK_CONFIG")
    credentials = folder / _CREDENTIALS
    if not credentials.is_file():
        return {}
    found = {"service_account_file": str(credentials)}
    active = (
        where.environment.get("CLOUDSDK_ACTIVE_CONFIG_NAME")
        or (read_text(folder / "active_config") or "").strip()
    )
    configuration = folder / "configurations" / f"config_{active or 'default'}"
    text = read_text(configuration)
    project = where.environment.get("CLOUDSDK_CORE_PROJECT")
    if not project and text is not None:
        project = sections(text, configuration).get("core", {}).get("project")
    if project:
        found["project"] = project
    return found


FILES: Final = VendorFiles(
    tool="gcloud",
    paths=(f"{_FOLDER}/{_CREDENTIALS}", f"{_FOLDER}/configurations/config_default"),
    read=read,
)
