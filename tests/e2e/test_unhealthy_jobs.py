"""Jobs that are ill, as real processes: one goes silent and is restarted, one has a loss of NaN and is stopped."""

from __future__ import annotations

import pytest

from tests.e2e.installation import Installation

pytestmark = pytest.mark.e2e

_GOES_SILENT = """
set -e
if [ -n "$TRADEWIND_CHECKPOINT" ]; then
  echo "resumed from $(cat "$TRADEWIND_CHECKPOINT")"
  exit 0
fi
echo "step: 1 loss: 0.5"
echo 1 > ckpt/step-1.txt
exec sleep 3600
"""
_LOSES_ITS_LOSS = """
echo "step: 1 loss: 0.5"
echo "step: 2 loss: nan"
exec sleep 3600
"""


def test_a_job_that_goes_silent_is_restarted_from_its_checkpoint(shared: Installation) -> None:
    job = shared.submit(
        {
            "name": "silent", "run": _GOES_SILENT, "resources": {"cpus": 0.1}, "checkpoints": {"path": "ckpt"},
            "health": {"stall_after": "8s"},
        }
    )  # fmt: skip
    ended = shared.wait_until_ended(job, timeout_s=120)
    assert (ended["status"], ended["exit_code"]) == ("succeeded", 0)
    first, second = shared.attempts(job)
    assert (first["reason"], second["status"]) == ("stalled", "succeeded")
    assert second["resumed_from"] is not None
    assert b"resumed from 1" in shared.raw_log(job, attempt=2)
    kinds = [event["type"] for event in shared.events(job)]
    assert kinds.count("health.stalled") == 1


def test_a_job_whose_loss_is_nan_is_stopped(shared: Installation) -> None:
    job = shared.submit(
        {
            "name": "nan", "run": _LOSES_ITS_LOSS, "resources": {"cpus": 0.1},
            "health": {"stop_on_nan": True}, "retry": {"failures": 3},
        }
    )  # fmt: skip
    ended = shared.wait_until_ended(job, timeout_s=60)
    assert (ended["status"], ended["reason"]) == ("failed", "nan_loss")
    assert ended["explanation"] == "loss was nan at step 2"
    assert len(shared.attempts(job)) == 1
