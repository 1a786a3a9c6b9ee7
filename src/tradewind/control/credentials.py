"""Which values a connection works with: given by the user, in the server's environment, or in a vendor's own files.

Only values that were given are ever kept. The others are read anew whenever they are needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tradewind.domain.errors import InvalidInputError
from tradewind.domain.schemas_connections import CredentialSource
from tradewind.domain.secrets import Secret
from tradewind.providers.about import About, CredentialField
from tradewind.providers.vendor_files import Surroundings

#: Credentials by the names of their variables (`LAMBDA_API_KEY`).
Credentials = Mapping[str, Secret]
_SHORTEST_HIDDEN: Final = 4


def named_credentials(about: About, given: Mapping[str, Secret]) -> dict[str, Secret]:
    """What a user gave, by the names of the variables.

    Raises:
        InvalidInputError: the provider has no field of a name, or one that it needs is missing.
    """
    by_name = {name: field for field in about.credentials for name in (field.name, field.environment)}
    found: dict[str, Secret] = {}
    for name, value in given.items():
        field = by_name.get(name)
        if field is None:
            raise InvalidInputError(
                f"one of the names given is no credential of {about.title}", hint=f"it has: {_names(about)}"
            )
        text = value.reveal().strip()
        if any(not sign.isprintable() for sign in text):
            raise InvalidInputError(
                f"{field.environment} has a line break or a control character in it", hint="give it once more"
            )
        found[field.environment] = Secret(text)
    if not found:
        raise InvalidInputError(
            f"no credentials of {about.title} were given", hint=f"it has: {_names(about)}"
        )
    _check(about, found, "is missing", f"{about.title} needs: {_names(about, only_required=True)}")
    return found


def environment_credentials(about: About, where: Surroundings) -> dict[str, Secret]:
    """What the server's environment has of them. Raises InvalidInputError for one that is missing."""
    names = [field.environment for field in about.credentials]
    found = {name: Secret(where.environment[name]) for name in names if where.environment.get(name)}
    hint = f"set it where the server starts and start that again, or give it: `tradewind connect {about.id}`"
    _check(about, found, "is not set in the environment of the server", hint)
    if not found:
        raise InvalidInputError(f"none of {_names(about)} is set in the environment of the server", hint=hint)
    return found


def file_credentials(about: About, where: Surroundings) -> dict[str, Secret]:
    """What the vendor's own tool has kept on the server's machine.

    Raises:
        InvalidInputError: there is no such file, or it cannot be used.
    """
    if about.files is None:
        raise InvalidInputError(
            f"no tool of {about.title} is known to keep credentials that can be read",
            hint=f"give them: `tradewind connect {about.id}`",
        )
    looked = " or ".join(about.files.paths)
    values = about.files.read(where)
    fields = {field.name: field.environment for field in about.credentials}
    found = {fields[name]: Secret(value) for name, value in values.items() if name in fields}
    hint = f"log in with {about.files.tool} on the server's machine, or `tradewind connect {about.id}`"
    if not found:
        raise InvalidInputError(f"{looked} on the server's machine has no credentials", hint=hint)
    # A setting that is no secret may as well be in the environment.
    for field in about.credentials:
        value = where.environment.get(field.environment)
        if value and not field.is_secret and field.environment not in found:
            found[field.environment] = Secret(value)
    _check(about, found, f"is not in {looked}", hint)
    return found


def has_paths(about: About, names: Mapping[str, Secret]) -> list[str]:
    """Those of the names whose values are files of the server's machine."""
    return [field.environment for field in about.credentials if field.is_path and field.environment in names]


def source_credentials(about: About, source: CredentialSource, where: Surroundings) -> dict[str, Secret]:
    """What is in the environment or in the vendor's files, as the source says."""
    if source is CredentialSource.ENVIRONMENT:
        return environment_credentials(about, where)
    return file_credentials(about, where)


def secret_ones(about: About, credentials: Credentials) -> dict[str, Secret]:
    """Those whose values nobody may see."""
    hidden = {field.environment for field in about.credentials if field.is_secret}
    return {name: value for name, value in credentials.items() if name in hidden}


def redact(text: str, credentials: Credentials) -> str:
    """A sentence of somebody else's without the credentials that it may repeat."""
    for secret in sorted(credentials.values(), key=lambda each: -len(each.reveal())):
        value = secret.reveal()
        if len(value) >= _SHORTEST_HIDDEN:
            text = text.replace(value, "[secret]")
    return text


def _check(about: About, found: Mapping[str, Secret], what: str, hint: str) -> None:
    for field in about.credentials:
        if field.is_required and field.environment not in found:
            raise InvalidInputError(f"{field.environment} ({_title(field)}) {what}", hint=hint)


def _title(field: CredentialField) -> str:
    return field.title[:1].lower() + field.title[1:] if field.title[1:2].islower() else field.title


def _names(about: About, *, only_required: bool = False) -> str:
    names = [each.environment for each in about.credentials if each.is_required or not only_required]
    return ", ".join(names) or "none"
