"""A dashboard's handshake with a gateway of a few lines: the answers are those of a real one (2026.9.6)."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.gateway import handshake
from idlehands_deploy.gateway.handshake import ask_entry
from tests.support.websockets import receive, send, served, shake_hands

if TYPE_CHECKING:
    from tests.support.websockets import Behaviour

CHALLENGE = {"type": "event", "event": "connect.challenge", "payload": {"nonce": "n", "ts": 1}}


def gateway(error: dict[str, Any], asked: list[str] | None = None) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        request = shake_hands(connection)
        send(connection, json.dumps(CHALLENGE).encode())
        message = receive(connection)
        if asked is not None:
            asked.extend((request, json.dumps(message)))
        send(connection, json.dumps({"type": "res", "id": message["id"], "ok": False, "error": error}).encode())

    return behave


def coded(code: str) -> dict[str, Any]:
    return {"code": "INVALID_REQUEST", "message": "no", "details": {"code": code}}


@pytest.mark.parametrize(
    ("error", "entry"),
    [
        (coded("CONTROL_UI_ORIGIN_NOT_ALLOWED"), "refused"),
        (coded("DEVICE_IDENTITY_REQUIRED"), "accepted"),
        (coded("AUTH_TOKEN_MISSING"), "accepted"),
        (coded("PAIRING_REQUIRED"), "accepted"),
        ({"code": "UNAVAILABLE", "message": "gateway starting; retry shortly", "details": {}}, "unknown"),
        ({"code": "X", "details": ["y"]}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_a_gateway_tells_whether_it_lets_a_browser_in_before_it_asks_who_it_is(
    error: dict[str, Any], entry: str
) -> None:
    with served(gateway(error)) as port:
        assert ask_entry(("127.0.0.1", port), "http://nas.lan:18789") == entry


def test_it_is_asked_as_a_browser_and_as_a_proxy_asks_and_without_any_credential() -> None:
    asked: list[str] = []
    with served(gateway(coded("AUTH_TOKEN_MISSING"), asked)) as port:
        ask_entry(("127.0.0.1", port), "http://[fd00::5]:18789")
    with served(gateway(coded("AUTH_TOKEN_MISSING"), asked)) as port:
        ask_entry(("127.0.0.1", port), "https://bots.example.org", proxied=True)
    direct, first, proxied, second = asked
    assert "\r\nHost: [fd00::5]:18789\r\n" in direct
    assert "\r\nOrigin: http://[fd00::5]:18789\r\n" in direct
    assert "X-Forwarded" not in direct
    assert "\r\nHost: bots.example.org\r\n" in proxied
    assert "\r\nOrigin: https://bots.example.org\r\n" in proxied
    assert "\r\nX-Forwarded-For: 198.51.100.1\r\n" in proxied
    assert "auth" not in json.loads(first)["params"]
    assert "auth" not in json.loads(second)["params"]


@pytest.mark.parametrize(
    ("behave", "proxied", "entry"),
    [
        (lambda connection: connection.sendall(b"HTTP/1.1 403 No\r\n\r\n"), True, "untrusted proxy"),
        (lambda connection: connection.sendall(b"HTTP/1.1 403 No\r\n\r\n"), False, "unknown"),
        (lambda connection: connection.sendall(b"HTTP/1.1 503 No\r\n\r\n"), True, "unknown"),
        (lambda connection: connection.recv(1), False, "unknown"),
        (lambda connection: connection.recv(4096) and connection.recv(1), False, "unknown"),
    ],
    ids=["403-proxied", "403", "503", "gone", "silence"],
)
def test_what_gives_no_answer_that_tells_is_unknown(
    behave: Behaviour, proxied: bool, entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "SECONDS", 0.5)
    with served(behave) as port:
        assert ask_entry(("127.0.0.1", port), "https://bots.example.org", proxied=proxied) == entry
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert ask_entry(("127.0.0.1", free.getsockname()[1]), "http://127.0.0.1") == "unknown"
