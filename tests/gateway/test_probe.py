from __future__ import annotations

import gzip
import http.server
import json
import secrets
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.gateway.probe import MOST_WAITING, TIMEOUT, Answer, GatewayAnswers, GatewayProbe
from tests.support.hostile_answers import (
    LONG,
    cut_short,
    endless,
    endless_chunks,
    hostile,
    long_number,
    nested,
    silent,
    slow,
    slow_chunk_size,
    slow_header,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future

    from tests.support.hostile_answers import Hostile


class Gateway(http.server.ThreadingHTTPServer):
    """A fake gateway with real HTTP: a real one takes seconds and cannot fail on demand."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, tuple[int, str]] = {}
        self.asked: list[tuple[str, str | None]] = []
        self.delay = 0.0

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def ask(self, token: str | None = None) -> GatewayAnswers:
        return GatewayProbe("127.0.0.1", self.port, token).ask()


class Handler(http.server.BaseHTTPRequestHandler):
    server: Gateway

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Authorization"]))
        time.sleep(self.server.delay)
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


def test_a_gateway_that_accepts_a_connection_and_is_silent_differs_from_one_that_refuses_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert GatewayProbe("127.0.0.1", port, None).ask().ready == Answer(None, silent=True)
    assert GatewayProbe("127.0.0.1", port, None).ask().ready == Answer(None, silent=False)


def test_a_gateway_that_is_busy_for_some_seconds_is_not_called_silent(gateway: Gateway) -> None:
    gateway.answers["/readyz"] = (200, '{"ready": true}')
    gateway.delay = TIMEOUT + 0.5
    assert gateway.ask().is_ready


def test_no_response_is_waited_for_longer_than_the_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        began = time.monotonic()
        answers = GatewayProbe("127.0.0.1", listener.getsockname()[1], None).ask(within=0.2)
        assert answers.ready == Answer(None, silent=True)
        assert time.monotonic() - began < 1


def test_browsers_are_asked_one_by_one_on_their_own_ports() -> None:
    with socket.create_server(("127.0.0.1", 0)) as frozen, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ports = {"frozen": frozen.getsockname()[1], "off": free.getsockname()[1]}
        said = GatewayProbe("127.0.0.1", 1, None, ports).ask_browsers()
    assert said == {"frozen": Answer(None, silent=True), "off": Answer(None)}


def test_browsers_get_their_own_token_and_browser_control_the_gateway_s(gateway: Gateway) -> None:
    port = gateway.port
    probe = GatewayProbe("127.0.0.1", 1, "mine", {"openclaw": port}, port, "theirs")
    probe.ask_browsers()
    probe.ask_control()
    assert [token for _, token in gateway.asked] == ["Bearer theirs", "Bearer mine"]


def test_a_port_without_a_listener_gives_no_response() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert GatewayProbe("127.0.0.1", port, None).ask() == GatewayAnswers(Answer(None), Answer(None))


BODIES = (endless, endless_chunks, slow, slow_chunk_size, silent, nested, cut_short, long_number)


@pytest.fixture(scope="module")
def asked() -> Iterator[Mapping[Hostile, Future[tuple[GatewayAnswers, float]]]]:
    """How each hostile gateway's response is read, and the seconds it took; all at once, because each one waits."""

    def ask(answer: Hostile) -> tuple[GatewayAnswers, float]:
        began = time.monotonic()
        with hostile(answer) as port:
            return GatewayProbe("127.0.0.1", port, None).ask(), time.monotonic() - began

    with ThreadPoolExecutor(len(BODIES) + 1) as pool:
        yield {answer: pool.submit(ask, answer) for answer in (*BODIES, slow_header)}


@pytest.mark.parametrize("answer", BODIES)
def test_a_body_that_is_too_long_too_slow_or_not_an_object_is_read_as_empty_within_seconds(
    asked: Mapping[Hostile, Future[tuple[GatewayAnswers, float]]], answer: Hostile
) -> None:
    found, seconds = asked[answer].result()
    assert seconds < 7
    assert found.ready.status in {200, None}
    assert found.ready.body == {}


def test_headers_that_never_end_delay_nobody(
    asked: Mapping[Hostile, Future[tuple[GatewayAnswers, float]]],
) -> None:
    found, seconds = asked[slow_header].result()
    assert seconds < 7
    assert found.ready.body == {}


def test_an_answer_in_chunks_is_read_whole() -> None:
    def chunked(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b'HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n')
        time.sleep(0.05)
        connection.sendall(b"4\r\n: 1}\r\n0\r\n\r\n")

    with hostile(chunked) as port:
        assert GatewayProbe("127.0.0.1", port, None).ask().ready == Answer(503, {"a": 1})


def test_a_response_is_not_requested_compressed() -> None:
    def compressed(connection: socket.socket, request: bytes) -> None:
        body, head = b'{"a": 1}', b""
        if b"gzip" in request:
            body, head = gzip.compress(body), b"Content-Encoding: gzip\r\n"
        connection.sendall(b"HTTP/1.1 503 x\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body), head, body))

    with hostile(compressed) as port:
        assert GatewayProbe("127.0.0.1", port, None).ask().ready == Answer(503, {"a": 1})


def test_answers_that_never_end_do_not_pile_up_and_a_gateway_that_recovers_is_heard_again() -> None:
    """Each of them waits on in a thread of its own."""
    ended = threading.Event()

    def endless_header(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not ended.wait(0.1):
            connection.sendall(b"1")
        connection.sendall(b'\r\nContent-Length: 8\r\n\r\n{"a": 1}')

    with hostile(endless_header) as port:
        probe = GatewayProbe("127.0.0.1", port, None)
        before = threading.active_count()
        answers = [probe.get("/", 0.05) for _ in range(3 * MOST_WAITING)]
        assert answers == [Answer(None, silent=True)] * len(answers)
        assert threading.active_count() - before <= 2 * MOST_WAITING  # both ends are here
        ended.set()
        deadline = time.monotonic() + LONG
        while (said := probe.get("/")).silent and time.monotonic() < deadline:
            pass
        assert said == Answer(200, {"a": 1})
