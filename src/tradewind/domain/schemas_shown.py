"""What people look at: labels and permitted actions as the API words them, so that no client makes up its own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator

from tradewind.domain.schemas_base import Answer

#: What a label means: `good` and `bad` are ends, `busy` is under way, `warning` wants attention, `quiet` is no news.
Tone = Literal["good", "busy", "warning", "bad", "quiet"]
#: A picture that says the same as the label, for those who see no colours.
Icon = Literal[
    "check",
    "cross",
    "play",
    "clock",
    "pause",
    "stop",
    "alert",
    "question",
    "moon",
    "bolt",
    "plug",
    "lock",
    "swap",
]


def _in_sentence_case(label: str) -> str:
    # A badge stands by itself, so it begins as a sentence does, whoever words it.
    return label[:1].upper() + label[1:]


class BadgeView(Answer):
    """A state in a word or two: text, tone and picture say the same."""

    label: Annotated[str, AfterValidator(_in_sentence_case)]
    tone: Tone
    icon: Icon
    #: A sentence with more, where there is more to say.
    explanation: str | None = None


class ActionView(Answer):
    """Something that the caller may do now."""

    id: str
    label: str
    #: What to ask before it is done, with what it costs or loses; None: done at once.
    confirm: str | None = None
    is_destructive: bool = False


#: In an answer of a server that does not say the state in words yet.
UNSAID = BadgeView(label="", tone="quiet", icon="question")
