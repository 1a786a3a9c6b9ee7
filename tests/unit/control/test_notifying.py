"""Messages through the real Apprise, to receivers on loopback."""

from __future__ import annotations

import asyncio
import builtins
import email
import email.policy
import logging
import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.control.receivers import mail_server, webhook
from tradewind.control import notifying
from tradewind.control.notifying import AppriseNotifier, DeliveryError, Message
from tradewind.domain.clock import SystemClock
from tradewind.domain.secrets import Secret

#: Apprise asks for a module that Python 3.13 no longer has, and does without it there.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
MESSAGE = Message(title="cheap: $1.61/GPU-h", body="vast, eu-nl costs less.\nSeen now.")


async def in_thread(fn: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return await asyncio.to_thread(fn, *args, **named)


def notifier(*, allow_private: bool = True) -> AppriseNotifier:
    return AppriseNotifier(SystemClock(), in_thread, allow_private=allow_private)


async def refusal(url: str, *, allow_private: bool = True) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        await notifier(allow_private=allow_private).send(Secret(url), MESSAGE)
    return caught.value


async def test_a_webhook_gets_the_message() -> None:
    with webhook() as receiver:
        await notifier().send(Secret(f"json://user:hidden@127.0.0.1:{receiver.port}/in?+X-Key=k"), MESSAGE)
    assert len(receiver.received) == 1
    assert receiver.received[0]["title"] == MESSAGE.title
    assert receiver.received[0]["message"] == MESSAGE.body
    assert receiver.headers[0]["X-Key"] == "k"
    assert receiver.headers[0]["Authorization"].startswith("Basic ")


async def test_a_mail_server_gets_the_mail() -> None:
    with mail_server() as server:
        url = f"mailto://localhost:{server.port}?smtp=127.0.0.1&from=tradewind@example.com&to=ana@example.com"
        await notifier().send(Secret(url + "&mode=insecure"), MESSAGE)
    mail = email.message_from_string(server.mails[0], policy=email.policy.default)
    assert mail["Subject"] == MESSAGE.title
    assert "ana@example.com" in server.recipients[0]
    content = mail.get_body(("plain", "html"))
    assert content is not None
    assert "vast, eu-nl costs less." in content.get_content()


@pytest.mark.parametrize(
    ("status", "is_final"), [(404, True), (403, True), (410, True), (500, False), (503, False), (429, False)]
)
async def test_a_refusal_says_the_status_and_nothing_of_the_address(status: int, is_final: bool) -> None:
    with webhook() as receiver:
        receiver.status = status
        error = await refusal(f"json://user:hidden@127.0.0.1:{receiver.port}/very/private")
    assert error.reason == f"the service answered {status}"
    assert error.is_final is is_final
    assert "hidden" not in repr(error)
    assert "private" not in repr(error)


async def test_a_redirect_is_not_followed() -> None:
    with webhook() as elsewhere, webhook() as receiver:
        receiver.status, receiver.location = 307, f"http://127.0.0.1:{elsewhere.port}/"
        await refusal(f"json://127.0.0.1:{receiver.port}/")
    assert elsewhere.received == []


async def test_nobody_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = await refusal(f"json://127.0.0.1:{unused.getsockname()[1]}/")
    assert error.reason == "the service refused the connection"
    assert not error.is_final


async def test_a_refused_recipient() -> None:
    with mail_server() as server:
        server.refuses = True
        url = f"mailto://localhost:{server.port}?smtp=127.0.0.1&from=t@example.com&to=ana@example.com&mode=insecure"
        error = await refusal(url)
    assert error.reason == "the mail server answered 550"
    assert error.is_final


async def test_private_addresses_are_refused_where_they_are_not_allowed() -> None:
    with webhook() as receiver, mail_server() as server:
        for url in (
            f"json://127.0.0.1:{receiver.port}/",
            f"json://localhost:{receiver.port}/",
            f"json://[::ffff:127.0.0.1]:{receiver.port}/",
            f"mailto://example.com:{server.port}?smtp=127.0.0.1&from=t@example.com&to=a@example.com&mode=insecure",
        ):
            error = await refusal(url, allow_private=False)
            assert error.is_final
    assert receiver.received == []
    assert server.recipients == []


# Loopback only, so that a check that fails does not reach out of this machine.
@pytest.mark.parametrize(
    "url",
    [
        "workflows://127.0.0.1:1/643fce9eae7e4/xD-dGqYhQk",
        "workflow://localhost:1/643fce9eae7e4/xD-dGqYhQk",
        f"zulip://bot@127.0.0.1/{'a' * 32}",
    ],
)
async def test_a_service_whose_address_names_a_host_is_no_way_around_that(url: str) -> None:
    error = await refusal(url, allow_private=False)
    assert error.is_final
    assert "does not send there" in error.reason


@pytest.mark.parametrize(
    "url", ["syslog://", "jsons://", "slack://only-one", "mailto://host?template=/etc/passwd"]
)
async def test_what_is_not_used_is_not_sent(url: str) -> None:
    assert (await refusal(url)).is_final


async def test_the_address_is_in_no_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    with webhook() as receiver:
        await notifier().send(Secret(f"json://user:hidden@127.0.0.1:{receiver.port}/"), MESSAGE)
        receiver.status = 500
        await refusal(f"json://user:hidden@127.0.0.1:{receiver.port}/")
    captured = capfd.readouterr()
    assert "hidden" not in caplog.text + captured.out + captured.err


async def test_without_apprise_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "apprise":
            raise ImportError(name)
        return real(name, *args, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    error = await refusal("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ")
    assert "not installed" in error.reason
    assert error.hint == notifying.INSTALL_HINT
    assert not error.is_final


async def test_a_service_that_hangs_is_given_up() -> None:
    class Impatient(SystemClock):
        async def wait(self, event: asyncio.Event, timeout_s: float) -> bool:
            assert timeout_s == notifying.TIME_LIMIT_S
            return False

    ended = asyncio.Event()

    async def hang(fn: Callable[..., Any], *args: Any, **named: Any) -> Any:
        await ended.wait()
        raise DeliveryError("too late")

    slow = AppriseNotifier(Impatient(), hang, allow_private=True)
    with pytest.raises(DeliveryError, match="no answer within"):
        await slow.send(Secret("slack://a/b/c"), MESSAGE)
    # What comes of it afterwards is nobody's error any more.
    ended.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
