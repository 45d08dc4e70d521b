from __future__ import annotations

import http.server
import json
import secrets
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.probe import Answer, GatewayAnswers, GatewayProbe

if TYPE_CHECKING:
    from collections.abc import Iterator


class Gateway(http.server.ThreadingHTTPServer):
    """A double of a gateway: real HTTP, since the real one takes seconds and cannot be told how to fail."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, str]] = {}
        self.asked: list[tuple[str, str | None]] = []

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def ask(self, token: str | None = None) -> GatewayAnswers:
        return GatewayProbe("127.0.0.1", self.port, token).ask()


class Handler(http.server.BaseHTTPRequestHandler):
    server: Gateway

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"]))
        status, body = self.server.answers.get(self.path, (404, ""))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_ready_gateway_is_asked_once_with_its_token(gateway: Gateway) -> None:
    gateway.answers["/readyz"] = (200, "{}")
    token = secrets.token_hex()
    assert gateway.ask(token) == GatewayAnswers(Answer(200), Answer(200))
    assert gateway.asked == [("/readyz", f"Bearer {token}")]


def test_a_gateway_that_is_not_ready_is_asked_whether_it_has_started(gateway: Gateway) -> None:
    failing = {"failing": ["telegram"]}
    gateway.answers = {"/readyz": (503, json.dumps(failing)), "/startupz": (200, "{}")}
    assert gateway.ask() == GatewayAnswers(started=Answer(200), ready=Answer(503, failing))
    assert gateway.asked == [("/readyz", None), ("/startupz", None)]


@pytest.mark.parametrize("body", ["", "<html>", "[1]", "null"])
def test_a_body_that_is_no_json_object_is_empty(gateway: Gateway, body: str) -> None:
    gateway.answers["/readyz"] = (503, body)
    assert gateway.ask().ready == Answer(503, {})


def test_a_redirect_is_an_answer_and_not_followed(gateway: Gateway) -> None:
    gateway.answers["/readyz"] = (302, "")
    assert gateway.ask().ready.status == 302
    assert "/elsewhere" not in [path for path, _ in gateway.asked]


def test_no_proxy_of_the_environment_is_asked(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    gateway.answers["/readyz"] = (200, "{}")
    assert gateway.ask().ready.ok


def test_a_port_that_nobody_listens_on_gives_no_answer() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert GatewayProbe("127.0.0.1", port, None).ask() == GatewayAnswers(Answer(None), Answer(None))
