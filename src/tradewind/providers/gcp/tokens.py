"""Access tokens for Google's APIs, with google-auth for what is Google's own and our client for all that is sent.

google-auth signs and says what to send, but sends by blocking calls of its own. Here it is run as often as it has
questions: whenever it would send something, it is stopped, the request goes out by the connection's own client, and it
is run once more with the answer at hand.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.asking import read_body, retry_after_s
from tradewind.providers.prices import Wire

if TYPE_CHECKING:
    import httpx2

CREDENTIAL: Final = "GOOGLE_APPLICATION_CREDENTIALS"
PROJECT: Final = "GOOGLE_CLOUD_PROJECT"
_SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
#: Of a user's login, which does not always name one.
_TOKEN_URI: Final = "https://oauth2.googleapis.com/token"
_MISSING_LIBRARY: Final = "Google Compute Engine needs google-auth, which is not installed"
_INSTALL: Final = "pip install 'tradewind[gcp]'"
_KINDS: Final = ("service_account", "authorized_user")
#: A token is renewed so long before it ends, or its answer does not say when that is.
_EARLY_S: Final = 300.0
_UNSAID_LIFETIME_S: Final = 900.0
_MOST_QUESTIONS: Final = 4
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Reply:
    """What google-auth reads of an answer."""

    status: int
    headers: Mapping[str, str]
    data: bytes


class _QuestionError(BaseException):
    """google-auth wants to send this. Not an `Exception`: it catches those."""

    def __init__(self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]) -> None:
        super().__init__()
        self.method, self.url, self.body, self.headers = method, url, body, headers


@dataclass(slots=True)
class _Answers:
    """Stands for google-auth's transport: gives the answers that are there, and stops at the first that is not."""

    known: list[_Reply] = field(default_factory=list)
    given: int = 0

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        **_others: object,
    ) -> _Reply:
        if self.given == len(self.known):
            raise _QuestionError(method, url, body, headers or {})
        self.given += 1
        return self.known[self.given - 1]


class GoogleTokens:
    """Whose credentials these are, and the headers that carry their token."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._lock = asyncio.Lock()
        self._info: dict[str, Any] | None = None
        self._token = ""
        self._renewed_at = float("-inf")

    async def project(self) -> str:
        """The project to work in: the setting, the environment's, or the key's own. Raises ProviderError."""
        said = self._wire.settings.get("project") or self._wire.credentials.get(PROJECT)
        if not said:
            info = await self._read()
            said = info.get("project_id") or info.get("quota_project_id")
        if not said:
            raise ProviderError(
                ProviderFault.CREDENTIALS, "no Google Cloud project is named", hint=f"set {PROJECT}"
            )
        return str(said).strip()

    async def identity(self) -> str:
        """Who the credentials belong to, as far as they say."""
        info = await self._read()
        return str(info.get("client_email") or info.get("account") or "a user's own login")

    async def headers(self) -> Mapping[str, str]:
        """An `authorization` header that is good for the next minutes. Raises ProviderError."""
        async with self._lock:
            if self._wire.clock.monotonic() >= self._renewed_at:
                await self._renew()
        return {"authorization": f"Bearer {self._token}"}

    async def _renew(self) -> None:
        credentials = await self._wire.offload(_credentials, await self._read())
        answers: list[_Reply] = []
        for _ in range(_MOST_QUESTIONS):
            try:
                await self._wire.offload(_refresh, credentials, _Answers(answers))
                break
            except _QuestionError as question:
                answers.append(await self._send(question))
        else:
            raise ProviderError(ProviderFault.PROVIDER_FAULT, "Google asked for a token again and again")
        self._token = str(credentials.token)
        self._renewed_at = self._wire.clock.monotonic() + _lifetime_s(answers) - _EARLY_S

    async def _read(self) -> dict[str, Any]:
        if self._info is None:
            self._info = await self._wire.offload(
                _read_credentials, self._wire.credentials.get(CREDENTIAL, "")
            )
        return self._info

    async def _send(self, question: _QuestionError) -> _Reply:
        import httpx2

        where = "Google's token service"
        try:
            async with self._wire.http.stream(
                question.method,
                question.url,
                content=question.body,
                headers=dict(question.headers),
                follow_redirects=False,
            ) as answer:
                content = await read_body(answer, where, _MOST_BYTES)
        except httpx2.HTTPError as error:
            what = type(error).__name__
            raise ProviderError(ProviderFault.PROVIDER_FAULT, f"{where} cannot be reached ({what})") from None
        except (httpx2.StreamError, httpx2.InvalidURL, UnicodeError) as error:
            what = type(error).__name__
            raise ProviderError(
                ProviderFault.CREDENTIALS, f"the address of {where} is none ({what})"
            ) from None
        self._raise_for(answer, where)
        return _Reply(answer.status_code, dict(answer.headers), content)

    def _raise_for(self, answer: httpx2.Response, where: str) -> None:
        """Refusals that may pass: google-auth would wait and ask again by a clock of its own."""
        status = answer.status_code
        if status == 429 or status >= 500:
            raise ProviderError(
                ProviderFault.RATE_LIMIT if status == 429 else ProviderFault.PROVIDER_FAULT,
                f"{where} answered {status}",
                retry_after_s=retry_after_s(answer.headers.get("retry-after"), self._wire),
            )


def _read_credentials(said: str) -> dict[str, Any]:
    """The JSON of a key file, given as it is or by its path; without either, what `gcloud` keeps for applications."""
    text = said.strip()
    if not text.startswith("{"):
        path = Path(text).expanduser() if text else _gcloud_file()
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise ProviderError(
                ProviderFault.CREDENTIALS,
                f"{CREDENTIAL} is neither the path of a key file that can be read nor the content of one"
                if said.strip()
                else f"{CREDENTIAL} is not set",
                hint="give it a service account's key file, or run `gcloud auth application-default login`",
            ) from None
    try:
        info = json.loads(text)
    except (ValueError, RecursionError):
        info = None
    kind = info.get("type") if isinstance(info, dict) else None
    if not isinstance(info, dict) or kind not in _KINDS:
        raise ProviderError(
            ProviderFault.CREDENTIALS,
            f"{CREDENTIAL} holds no credentials of a kind that can be used here",
            hint="use a service account's key, or what `gcloud auth application-default login` writes",
        )
    return info


def _gcloud_file() -> Path:
    _library()
    from google.auth import _cloud_sdk

    return Path(_cloud_sdk.get_application_default_credentials_path())  # type: ignore[no-untyped-call]


def _library() -> None:
    try:
        import google.auth  # noqa: F401
    except ImportError:
        raise ProviderError(ProviderFault.CREDENTIALS, _MISSING_LIBRARY, hint=_INSTALL) from None


def _credentials(info: dict[str, Any]) -> Any:
    _library()
    try:
        if info["type"] == "service_account":
            from google.oauth2 import service_account

            return service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
                info, scopes=[_SCOPE]
            )
        from google.oauth2 import credentials

        return credentials.Credentials(  # type: ignore[no-untyped-call]
            token=None,
            refresh_token=info["refresh_token"],
            token_uri=info.get("token_uri") or _TOKEN_URI,
            client_id=info["client_id"],
            client_secret=info["client_secret"],
            scopes=[_SCOPE],
        )
    # Whatever is wrong with a key shows in many ways, and some of them quote it.
    except Exception as error:
        raise ProviderError(
            ProviderFault.CREDENTIALS,
            f"the credentials in {CREDENTIAL} are damaged ({type(error).__name__})",
            hint="download the key again",
        ) from None


def _refresh(credentials: Any, answers: _Answers) -> None:
    from google.auth import exceptions

    try:
        credentials.refresh(answers)
    except exceptions.GoogleAuthError as error:
        said = str(error.args[0]) if error.args and isinstance(error.args[0], str) else type(error).__name__
        clean = "".join(sign if sign.isprintable() else " " for sign in said)[:200]
        raise ProviderError(
            ProviderFault.CREDENTIALS,
            f"Google gave no token: {clean}",
            hint="check that the key is right and has not been deleted",
        ) from None
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        what = type(error).__name__
        raise ProviderError(
            ProviderFault.PROVIDER_FAULT, f"Google's token service answered with something else ({what})"
        ) from None


def _lifetime_s(answers: list[_Reply]) -> float:
    try:
        return float(json.loads(answers[-1].data)["expires_in"])
    except (IndexError, ValueError, KeyError, TypeError):
        return _UNSAID_LIFETIME_S
