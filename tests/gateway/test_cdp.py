"""The CDP client against a fake browser that misbehaves, which a real one does not do on demand."""

from __future__ import annotations

import base64
import json
import re
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.gateway import channel
from idlehands_deploy.gateway.cdp import CdpError, Page
from tests.support.websockets import receive, send, served, shake_hands

if TYPE_CHECKING:
    from tests.support.websockets import Behaviour

ANSWERS: dict[str, dict[str, Any]] = {
    "Target.createBrowserContext": {"browserContextId": "c"},
    "Target.createTarget": {"targetId": "t"},
    "Target.attachToTarget": {"sessionId": "s"},
    "Page.captureScreenshot": {"data": base64.b64encode(b"picture").decode()},
}


def browser(answers: dict[str, dict[str, Any]], asked: list[str] | None = None) -> Behaviour:
    """Sends these answers, and an empty one to every other command."""

    def behave(connection: socket.socket) -> None:
        assert "Origin:" not in shake_hands(connection)
        while True:
            message = receive(connection)
            if asked is not None:
                asked.append(message["method"])
            answer = answers.get(message["method"], {})
            reply = {"id": message["id"]} | (answer if "error" in answer else {"result": answer})
            send(connection, json.dumps(reply).encode())
            if message["method"] == "Page.navigate":
                send(connection, b'{"method": "Page.loadEventFired", "params": {}}')

    return behave


def test_a_page_is_opened_in_its_own_context_and_closed_again() -> None:
    asked: list[str] = []
    with served(browser(ANSWERS, asked)) as port:
        page = Page.open(port, "/devtools/browser/x", "data:,x", 5)
        assert page.picture() == b"picture"
        page.close()
    assert asked[0] == "Target.createBrowserContext"
    assert asked[-2:] == ["Page.captureScreenshot", "Target.disposeBrowserContext"]


def drip(connection: socket.socket) -> None:
    shake_hands(connection)
    connection.sendall(b"\x81\x7f" + (1 << 20).to_bytes(8))
    while True:
        connection.sendall(b" ")
        time.sleep(0.02)


def flood(connection: socket.socket) -> None:
    shake_hands(connection)
    connection.sendall(b"\x81\x7f" + (1 << 40).to_bytes(8))
    while True:
        connection.sendall(b" " * 65536)


def chatter(connection: socket.socket) -> None:
    shake_hands(connection)
    while True:
        send(connection, b'{"method": "Target.targetInfoChanged"}')
        time.sleep(0.01)


def silence(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.recv(65536)


def says(text: bytes) -> Behaviour:
    def behave(connection: socket.socket) -> None:
        shake_hands(connection)
        send(connection, text)
        silence(connection)

    return behave


@pytest.mark.parametrize(
    ("behave", "said"),
    [
        (silence, "did not respond within 1 s"),
        (drip, "did not respond within 1 s"),
        (chatter, "did not respond within 1 s"),
        (flood, "sent more than 1 MiB"),
        (lambda connection: connection.recv(1), "closed the connection"),
        (lambda connection: connection.sendall(b"HTTP/1.1 403 No\r\n\r\n"), "refused the connection with 403"),
        (says(b"[]"), "does not speak the DevTools protocol"),
        (says(b"{"), "does not speak the DevTools protocol"),
        (browser({}), "responded without 'browserContextId'"),
        (
            browser({"Target.createBrowserContext": {"error": {"message": "no"}}}),
            "refused Target.createBrowserContext: no",
        ),
    ],
    ids=["silence", "drip", "chatter", "flood", "gone", "403", "list", "broken", "empty", "refusal"],
)
def test_a_misbehaving_browser_is_left_within_limits_of_time_and_size(
    behave: Behaviour, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "MOST_BYTES", 1 << 20)
    monkeypatch.setattr(channel._Bounded, "_left", 1 << 20)
    began = time.monotonic()
    with served(behave) as port, pytest.raises(CdpError, match=re.escape(said)):
        Page.open(port, "/devtools/browser/x", "data:,x", 1)
    assert time.monotonic() - began < 3


def test_a_port_without_a_listener_is_reported() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(CdpError, match="is not listening"):
            Page.open(free.getsockname()[1], "/devtools/browser/x", "data:,x", 1)


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with served(browser(ANSWERS)) as port:
        Page.open(port, "/devtools/browser/x", "data:,x", 5).close()


def test_a_picture_that_is_not_base64_is_refused() -> None:
    with served(browser(ANSWERS | {"Page.captureScreenshot": {"data": "%"}})) as port:
        page = Page.open(port, "/devtools/browser/x", "data:,x", 5)
        with pytest.raises(CdpError, match="not base64"):
            page.picture()
        page.close()
