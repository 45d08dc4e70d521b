from __future__ import annotations

import json
import secrets
from urllib.parse import parse_qs, urlsplit

import pytest

from idlehands_deploy.gateway.pairing import BusyError, HandoffError, pairing_links

ONCE = secrets.token_urlsafe(32)
TOKEN = secrets.token_hex(32)
SAID = json.dumps(
    {
        "ok": True,
        "url": f"http://127.0.0.1:18789/#token={TOKEN}",
        "browserUrl": f"http://127.0.0.1:18789/#bootstrapToken={ONCE}&bootstrapProfile=owner"
        "&gatewayUrl=ws%3A%2F%2F127.0.0.1%3A18789",
    }
)


def test_the_gateway_s_own_link_is_made_for_the_address_at_which_it_is_opened() -> None:
    links = pairing_links(SAID, ["https://bots.example.org", "http://[fd00::5]:18789"])
    found = [urlsplit(link) for link in links]
    assert [(link.scheme, link.netloc, link.path, link.query) for link in found] == [
        ("https", "bots.example.org", "/", ""), ("http", "[fd00::5]:18789", "/", ""),
    ]  # fmt: skip
    assert [parse_qs(link.fragment) for link in found] == [
        {"bootstrapToken": [ONCE], "bootstrapProfile": ["owner"], "gatewayUrl": [socket]}
        for socket in ("wss://bots.example.org", "ws://[fd00::5]:18789")
    ]


def test_the_link_does_not_hold_the_gateway_s_token() -> None:
    assert TOKEN not in "".join(pairing_links(SAID, ["http://192.168.1.5:18789"]))


def test_a_warning_before_the_answer_is_passed_over() -> None:
    assert pairing_links(f"[warn] odd\n{SAID}\n", ["http://nas:18789"]) == pairing_links(SAID, ["http://nas:18789"])


def test_a_gateway_that_was_too_slow_may_be_asked_again() -> None:
    with pytest.raises(BusyError):
        pairing_links('{"ok": false, "reason": "Control UI dashboard is unavailable: request timed out."}', [])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ('{"ok": false, "reason": "Gateway is not ready"}', "Gateway is not ready"),
        ('{"ok": true, "url": "http://127.0.0.1:18789/"}', "this version of it has no such link"),
        ('{"browserUrl": "http://127.0.0.1:18789/"}', "this version of it has no such link"),
        ('{"ok": false, "reason": 3}', "this version of it has no such link"),
        ("error: unknown option '--json'", "this version of it has no such link"),
        ("{", "this version of it has no such link"),
        ("", "this version of it has no such link"),
    ],
)
def test_without_a_link_the_gateway_s_own_reason_is_told(said: str, why: str) -> None:
    with pytest.raises(HandoffError, match=f"^{why}$"):
        pairing_links(said, ["http://nas:18789"])
