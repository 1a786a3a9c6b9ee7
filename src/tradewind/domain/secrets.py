"""A secret as a type: whatever prints, formats, serialises or logs it shows that there is one, and not what it is."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final, NoReturn, Self

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

REDACTED: Final = "[redacted]"


class Secret:
    """Text that only `reveal` gives out. It can be neither pickled nor encoded as JSON by accident.

    In a Pydantic model it is read from a string and written as `[redacted]`, and the JSON Schema marks the field as
    write-only. Comparing two secrets takes the same time wherever they differ.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError("a secret is made from text")
        self._text = text

    def reveal(self) -> str:
        """The text itself: for the one call that needs it, never for a message."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({REDACTED!r})"

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, format_spec: str) -> str:
        return REDACTED

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled")

    @classmethod
    def _read(cls, text: str) -> Self:
        if any("\ud800" <= sign <= "\udfff" for sign in text):
            # JSON can write half a character; nothing can be sealed or sent of it.
            raise ValueError("is no text: it has half a character (a lone surrogate)")
        return cls(text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # Imported late: whoever only holds a secret does not need Pydantic.
        from pydantic_core import core_schema

        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(cls._read, core_schema.str_schema()),
            python_schema=core_schema.union_schema(
                [
                    core_schema.is_instance_schema(cls),
                    core_schema.no_info_after_validator_function(
                        cls._read, core_schema.str_schema(strict=True)
                    ),
                ]
            ),
            serialization=core_schema.plain_serializer_function_ser_schema(str, when_used="json"),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "format": "password", "writeOnly": True}
