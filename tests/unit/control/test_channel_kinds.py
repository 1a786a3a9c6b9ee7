"""What may be told, by which service and to which host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.control.channel_kinds import KINDS, check_addresses, kind_of
from tradewind.domain.errors import InvalidInputError
from tradewind.domain.secrets import Secret


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ", "slack"),
        ("https://hooks.slack.com/services/T1/B1/x?anything=goes", "https"),
        ("mailtos://me:pw@example.com?to=you@example.com&smtp=mail.example.com", "mailtos"),
        ("JSONS://host/path?+X-Key=abc&method=PUT", "jsons"),
        ("json://127.0.0.1:8080/", "json"),
        ("ntfys://host/topic?priority=high", "ntfys"),
    ],
)
def test_known_kinds(url: str, kind: str) -> None:
    assert kind_of(Secret(url)) == kind


@pytest.mark.parametrize(
    "url",
    [
        "syslog://", "syslog://user", "windows://", "dbus://", "gnome://", "glib://", "macosx://", "kde://x",
        "file:///etc/passwd", "exec://x", "schan://x", "blink1://x", "rsyslog://host", "smpp://x", "mqtt://host",
        "apprise://host/x", "http://example.com/", "ftp://x", "javascript://x", "nonsense", "://x", "slack:/x", "",
        "slack://", "json://host/a b", "json://host/\nX", "jsoñ://x",
    ],
)  # fmt: skip
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        kind_of(Secret(url))
    assert caught.value.hint


@pytest.mark.parametrize(
    "option",
    [
        "template=/etc/passwd", "Template=/etc/passwd", "tEmplate=x", "pgppub=/etc/passwd", "pgpprv=x", "optional=yes",
        "verify=no", "redirect=yes", "retry=9", "rto=9999", "cto=9999", "overflow=split", "x=1;template=/etc/passwd",
        "to=a&template=/etc/passwd", "%74emplate=/etc/passwd", "+X=1",
    ],
)  # fmt: skip
def test_options_that_reach_the_server_are_refused(option: str) -> None:
    with pytest.raises(InvalidInputError, match="not allowed"):
        kind_of(Secret(f"slack://a/b/c/?{option}"))


@given(st.sampled_from(sorted(KINDS)), st.text(min_size=8, max_size=40))
def test_an_error_never_has_the_address_in_it(kind: str, rest: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        kind_of(Secret(f"{kind}://{rest}\x00"))
    assert rest not in caught.value.message


LOOPBACK = ["127.0.0.1", "::1", "::ffff:127.0.0.1", "127.8.8.8"]
PRIVATE = ["10.1.2.3", "192.168.0.4", "172.16.0.1", "fd12::1", "100.64.0.1"]
NEVER = ["169.254.169.254", "fe80::1%eth0", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "255.255.255.255",
         "fd00:ec2::254", "100.100.100.200", "::ffff:169.254.169.254"]  # fmt: skip


@pytest.mark.parametrize("address", LOOPBACK + PRIVATE)
def test_the_servers_own_network_is_told_only_where_that_is_allowed(address: str) -> None:
    check_addresses("json", [address], allow_private=True)
    with pytest.raises(InvalidInputError, match="does not send there"):
        check_addresses("jsons", [address], allow_private=False)


@pytest.mark.parametrize("address", NEVER)
def test_nobody_is_told_at_odd_addresses(address: str) -> None:
    for allowed in (True, False):
        with pytest.raises(InvalidInputError):
            check_addresses("jsons", [address], allow_private=allowed)


def test_the_internet_is_told_encrypted_only() -> None:
    check_addresses("jsons", ["93.184.216.34", "2606:2800:220:1::1"], allow_private=False)
    with pytest.raises(InvalidInputError, match="unencrypted"):
        check_addresses("json", ["93.184.216.34"], allow_private=True)


def test_one_wrong_address_among_many_is_enough() -> None:
    with pytest.raises(InvalidInputError):
        check_addresses("jsons", ["93.184.216.34", "127.0.0.1"], allow_private=False)
