"""Badges begin as sentences do, whoever words them."""

from __future__ import annotations

import pytest

from tradewind.domain.schemas_shown import BadgeView


@pytest.mark.parametrize(
    ("worded", "shown"),
    [("in use", "In use"), ("Running", "Running"), ("3 failed", "3 failed"), ("no GPU", "No GPU"), ("", "")],
)
def test_a_badge_is_in_sentence_case(worded: str, shown: str) -> None:
    assert BadgeView(label=worded, tone="good", icon="check").label == shown
    answer = f'{{"label": "{worded}", "tone": "good", "icon": "check"}}'
    assert BadgeView.model_validate_json(answer).label == shown
