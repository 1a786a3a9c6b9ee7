"""Channels and alerts on a real server: told through the real Apprise, sealed, and still there after `kill -9`."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest

from tests.e2e.installation import Installation
from tests.e2e.waiting import eventually
from tests.unit.control.receivers import webhook

pytestmark = pytest.mark.e2e
_HIDDEN = "hunter2-of-the-hook"


def add_channel(installation: Installation, name: str, address: str) -> subprocess.CompletedProcess[str]:
    """`tradewind channels add`, with the address on standard input."""
    return subprocess.run(
        [sys.executable, "-m", "tradewind.cli", "channels", "add", name],
        env=installation.environment(),
        cwd=installation.home,
        input=address + "\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_channel_is_told_and_its_address_kept_sealed(installation: Installation) -> None:
    with webhook() as receiver:
        added = add_channel(installation, "hook", f"json://user:{_HIDDEN}@127.0.0.1:{receiver.port}/in")
        assert added.returncode == 0, added.stderr
        tested = installation.cli("channels", "test", "hook")
        assert tested.returncode == 0, tested.stdout + tested.stderr
        assert [each["title"] for each in receiver.received] == ["Test message from Tradewind"]
        # The key outlives the process that made it.
        installation.kill()
        installation.start()
        assert installation.cli("channels", "test", "hook").returncode == 0
        assert len(receiver.received) == 2
        receiver.status = 500
        failed = installation.cli("channels", "test", "hook")
    assert failed.returncode == 1
    assert "the service answered 500" in failed.stdout
    key = installation.home / "config" / "secret.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    shown = installation.server_log() + failed.stdout + failed.stderr + added.stdout + added.stderr
    assert _HIDDEN not in shown
    kept = [path for path in installation.home.rglob("*") if path.is_file()]
    assert installation.state / "tradewind.db" in kept
    assert [path for path in kept if _HIDDEN.encode() in path.read_bytes()] == []
    key.unlink()
    installation.kill()
    installation.start()
    lost = installation.cli("channels", "test", "hook")
    assert lost.returncode == 5
    assert "TW-E501" in lost.stderr
    assert "put it back" in lost.stderr
    assert not key.exists()


def test_an_alert_is_looked_at_and_outlives_the_server(installation: Installation) -> None:
    added = installation.cli(
        "alerts", "add", "cheap", "--gpu", "no such card", "--below", "2", "--provider", "lambda_labs"
    )
    assert added.returncode == 0, added.stderr
    installation.kill()
    installation.start()

    def looked() -> bool:
        return installation.get("/alerts/cheap")["looked_at"] is not None

    eventually("the alert has been looked at", looked)
    alert = installation.get("/alerts/cheap")
    assert alert["condition"]["filters"]["providers"] == ["lambda"]
    assert alert["matching_offers"] == 0
    assert "no offer matches its filters now" in alert["notes"]
    preview = installation.cli("alerts", "add", "x", "--gpu", "no such card", "--below", "2", "--dry-run")
    assert "It would have fired 0 times in the last 30 days." in preview.stdout
    assert installation.cli("preferences", "set", "display_currency", "EUR").returncode == 0
    assert installation.get("/preferences")["currency"]["code"] == "EUR"


def test_a_price_is_told_once_though_the_server_is_killed(installation: Installation) -> None:
    with webhook() as receiver:
        added = add_channel(installation, "hook", f"json://127.0.0.1:{receiver.port}/in")
        assert added.returncode == 0, added.stderr
        # Every server knows the prices that ship with it.
        made = installation.cli(
            "alerts", "add", "any", "--gpu", "H100", "--below", "1000", "--channel", "hook"
        )
        assert made.returncode == 0, made.stderr
        eventually("the alert is told", lambda: receiver.received or None)
        assert receiver.received[0]["title"].startswith("any: $")

        def sent() -> bool:
            (firing,) = installation.get("/alerts/any/firings")["items"]
            return [each["state"] for each in firing["deliveries"]] == ["sent"]

        eventually("the message is noted as sent", sent)
        looked_at = installation.get("/alerts/any")["looked_at"]
        installation.kill()
        installation.start()
        eventually(
            "the alert is looked at again", lambda: installation.get("/alerts/any")["looked_at"] != looked_at
        )
        assert len(installation.get("/alerts/any/firings")["items"]) == 1
    assert len(receiver.received) == 1


def test_a_server_for_others_does_not_reach_into_its_own_machine(cold: Installation) -> None:
    cold.extra_environment["TRADEWIND_ALLOWED_HOSTS"] = "tradewind.example"
    cold.start()
    with webhook() as receiver:
        assert add_channel(cold, "hook", f"json://127.0.0.1:{receiver.port}/in").returncode == 0
        refused = cold.cli("channels", "test", "hook")
    assert refused.returncode == 1
    assert "does not send there" in refused.stdout
    assert "allow_private_addresses" in refused.stderr
    assert receiver.received == []
