"""How Amazon's services are called: botocore, brought in when it is first needed, with its own repeats switched off.

botocore repeats what failed with status 500, and Amazon says so when it has no capacity. Here the error's code decides,
and the rule that all providers share (`providers/repeating.py`). Calls block: they run where `wire.offload` puts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from threading import Lock
from typing import Any, Final

from tradewind.domain.errors import ProviderError, ProviderFault
from tradewind.providers.asking import credential, fault_of, hint_of, optional_credential, retry_after_s
from tradewind.providers.aws.faults import HINTS, fault_of_code
from tradewind.providers.renting import Setup
from tradewind.providers.repeating import clean_sentence, repeated

#: Pages of one answer after which a list is taken for endless.
_MOST_PAGES: Final = 1000
_CONNECT_S: Final = 10
_ANSWER_S: Final = 60
#: What an error of Amazon's looks like: XML of the older services, JSON of the newer ones.
_MARKS: Final = (b"<Code>", b"__type")


class AwsRefusalError(ProviderError):
    """Amazon said no. `aws_code` is its own word for why; empty where it used none."""

    def __init__(
        self, fault: ProviderFault, message: str, aws_code: str, retry_after_s: float | None = None
    ) -> None:
        hint = HINTS.get(aws_code) or hint_of(fault)
        super().__init__(fault, message, hint=hint, retry_after_s=retry_after_s)
        self.aws_code = aws_code


class _PlainRefusalError(Exception):
    """An answer that is not in Amazon's form: a gateway's, mostly."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers


class Aws:
    """One account. Operations are named as Amazon names them in Python: `describe_instances`."""

    def __init__(self, setup: Setup) -> None:
        wire = setup.wire
        self._wire = wire
        self._entropy = setup.entropy
        self._keys = {
            "aws_access_key_id": credential(wire, "AWS_ACCESS_KEY_ID"),
            "aws_secret_access_key": credential(wire, "AWS_SECRET_ACCESS_KEY"),
            "aws_session_token": optional_credential(wire, "AWS_SESSION_TOKEN") or None,
        }
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = Lock()

    async def read(self, service: str, region: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a call that changes nothing; repeated when it fails for a reason that may pass."""
        return await self._repeated(service, region, operation, parameters, is_safe=True)

    async def change(
        self, region: str, operation: str, *, is_repeatable: bool = False, **parameters: Any
    ) -> dict[str, Any]:
        """The answer of EC2 to a call that changes something.

        Raises:
            ProviderError: `AMBIGUOUS` where nobody knows whether it had its effect.
        """
        return await self._repeated(
            "ec2", region, operation, parameters, is_safe=False, is_repeatable=is_repeatable
        )

    async def pages(self, region: str, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
        """The rows under `key` of all pages of an answer of EC2."""
        rows: list[dict[str, Any]] = []
        for _ in range(_MOST_PAGES):
            answer = await self.read("ec2", region, operation, **parameters)
            rows += answer.get(key) or []
            token = answer.get("NextToken")
            if not token:
                return rows
            parameters["NextToken"] = token
        raise ProviderError(
            ProviderFault.PROVIDER_FAULT, f"{operation} in {region} has more than {_MOST_PAGES} pages"
        )

    async def is_permitted(self, region: str, operation: str, **parameters: Any) -> bool:
        """Whether EC2 would allow this call, as its dry run tells: false only where it says that it would not."""
        try:
            await self.read("ec2", region, operation, DryRun=True, **parameters)
        except AwsRefusalError as error:
            if error.fault in (ProviderFault.PERMISSION, ProviderFault.INVALID, ProviderFault.NOT_FOUND):
                return error.fault is not ProviderFault.PERMISSION
            raise
        return True

    async def _repeated(
        self,
        service: str,
        region: str,
        operation: str,
        parameters: dict[str, Any],
        *,
        is_safe: bool,
        is_repeatable: bool = False,
    ) -> dict[str, Any]:
        # Until a connection stands nothing can have happened; after that, anything.
        unsure = ProviderFault.PROVIDER_FAULT if is_safe else ProviderFault.AMBIGUOUS
        return await repeated(
            lambda: self._wire.offload(self._call, service, region, operation, parameters, unsure),
            self._wire,
            self._entropy,
            is_safe=is_safe,
            is_repeatable=is_repeatable,
        )

    def _call(
        self, service: str, region: str, operation: str, parameters: dict[str, Any], unsure: ProviderFault
    ) -> dict[str, Any]:
        where = f"{service} {operation} in {region}"
        client = self._client(service, region)
        from botocore import exceptions as boto
        from botocore.parsers import ResponseParserError

        try:
            answer: dict[str, Any] = getattr(client, operation)(**parameters)
            return answer
        except _PlainRefusalError as error:
            fault = unsure if error.status >= 500 else fault_of(error.status)
            after_s = retry_after_s(error.headers.get("retry-after"), self._wire)
            raise AwsRefusalError(fault, f"{where}: status {error.status}", "", after_s) from None
        except boto.ClientError as error:
            raise self._refusal(error.response, where, unsure) from None
        except (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError) as error:
            raise ProviderError(
                ProviderFault.PROVIDER_FAULT, f"{where}: Amazon cannot be reached ({type(error).__name__})"
            ) from None
        except (boto.HTTPClientError, boto.ResponseStreamingError, boto.IncompleteReadError) as error:
            raise ProviderError(unsure, f"{where}: the answer was lost ({type(error).__name__})") from None
        except boto.ParamValidationError as error:
            said = clean_sentence(str(error), self._wire)
            raise ProviderError(ProviderFault.INVALID, f"{where}: {said}") from None
        except (ResponseParserError, boto.BotoCoreError) as error:
            # An answer that cannot be read, mostly: the call may have had its effect.
            raise ProviderError(unsure, f"{where} failed ({type(error).__name__})") from None

    def _refusal(self, answer: Any, where: str, unsure: ProviderFault) -> AwsRefusalError:
        said = answer.get("Error") or {}
        about = answer.get("ResponseMetadata") or {}
        code = str(said.get("Code") or "")
        status = int(about.get("HTTPStatusCode") or 0)
        fault = fault_of_code(code, status, unsure)
        after_s = retry_after_s((about.get("HTTPHeaders") or {}).get("retry-after"), self._wire)
        sentence = clean_sentence(said.get("Message"), self._wire)
        return AwsRefusalError(fault, f"{where}: {code}: {sentence}", code, after_s)

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._connect(service, region)
            return self._clients[service, region]

    def _connect(self, service: str, region: str) -> Any:
        try:
            import boto3  # noqa: F401
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError
            from botocore.session import Session
        except ImportError:
            raise ProviderError(
                ProviderFault.INVALID,
                "Amazon EC2 needs the package boto3, which is not installed",
                hint="pip install 'tradewind[aws]'",
            ) from None
        try:
            session = Session()
            session.register_component("data_loader", _loader())
            client = session.create_client(
                service,
                region_name=region,
                endpoint_url=self._wire.settings.get("base_url"),
                config=Config(
                    retries={"total_max_attempts": 1, "mode": "standard"},
                    connect_timeout=_CONNECT_S,
                    read_timeout=_ANSWER_S,
                    user_agent_extra="tradewind",
                ),
                **self._keys,
            )
        except (BotoCoreError, ValueError) as error:
            said = clean_sentence(str(error), self._wire)
            raise ProviderError(ProviderFault.INVALID, f"{service} in {region}: {said}") from None
        client.meta.events.register("before-parse", _note_what_is_no_answer)
        return client


@cache
def _loader() -> Any:
    """Reads the descriptions of Amazon's services, which are large, once for all accounts."""
    from botocore.loaders import create_loader

    return create_loader()


def _note_what_is_no_answer(response_dict: dict[str, Any], **_rest: Any) -> None:
    """botocore cannot read an error that is not in Amazon's form, and would hide its status and its headers."""
    status = int(response_dict["status_code"])
    if status >= 400 and not any(mark in response_dict["body"] for mark in _MARKS):
        raise _PlainRefusalError(status, response_dict["headers"])
