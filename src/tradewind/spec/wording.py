"""How the models say what is wrong, in words that go on from the name of the key."""

from __future__ import annotations

from typing import Final

#: Begins the names of the forms that a value can have, as paths of errors contain them. No key can begin so.
FORM_MARK: Final = "\0"


class FieldError(ValueError):
    """What is wrong with a value, and what would be right. A message without a capital goes on from the key's name.

    `at` is where inside of the value, for one that is looked at as a whole.
    """

    def __init__(self, message: str, hint: str | None = None, at: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.hint, self.at = hint, at


def name_type(value: object) -> str:
    """What a value is, in the words of someone who wrote it in YAML."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list | tuple) else f"a {type(value).__name__}"
