from __future__ import annotations

import base64
import json
import re
import secrets
import socket
import socketserver
import subprocess
import sys
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.support.helpers import ROOT
from tests.support.site import until

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = ROOT / "images/gateway/rootfs/usr/local/lib/idlehands/forwarder.py"
# Where it listens; what it forwards to listens on 127.0.0.1.
OUTSIDE = "127.0.0.2"
TOKEN = secrets.token_hex(16)
UPGRADE = ("Upgrade: websocket", "Connection: Upgrade")


@dataclass
class Browser:
    """What answers behind the forwarder as a browser's CDP port does.

    Attributes:
        heads: of the requests that came.
        page: the body of every HTTP page; by default its version page.
        open: how many connections have not ended.
    """

    port: int = 0
    heads: list[str] = field(default_factory=list)
    page: bytes = b""
    open: int = 0

    def serve(self, connection: socket.socket) -> None:
        """Answer one request; what follows on a WebSocket is sent back."""
        head = read_head(connection)
        self.heads.append(head)
        if "websocket" in head.lower():
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
            while text := connection.recv(1 << 16):
                connection.sendall(text)
            return
        host = found[1] if (found := re.search(r"\r\nHost: (\S+)", head)) else ""
        version = {"Browser": "Chrome", "webSocketDebuggerUrl": f"ws://{host}/devtools/browser/now"}
        page = self.page or json.dumps(version, indent=3).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)


@dataclass(frozen=True)
class Ways:
    """A forwarder with one guarded and one plain port, each to a browser of its own."""

    guarded: Browser
    plain: Browser


def read_head(connection: socket.socket) -> str:
    text = b""
    while not text.endswith(b"\r\n\r\n"):
        if not (more := connection.recv(1)):
            break
        text += more
    return text.decode("latin-1")


@pytest.fixture(scope="module")
def shared() -> Iterator[Ways]:
    with forwarded() as found:
        yield found


@pytest.fixture
def ways(shared: Ways) -> Ways:
    until("the ends of connections", lambda: shared.guarded.open + shared.plain.open == 0 or None)
    for browser in (shared.guarded, shared.plain):
        browser.heads.clear()
        browser.page = b""
    return shared


@contextmanager
def forwarded(token: str = TOKEN, **constants: float) -> Iterator[Ways]:
    """A forwarder of its own, with other constants."""
    with serving() as guarded, serving() as plain:
        ports = [f"{guarded.port}:{guarded.port}:guarded", f"{plain.port}:{plain.port}"]
        with running(ports, token, **constants):
            yield Ways(guarded, plain)


@contextmanager
def running(ports: list[str], token: str, **constants: float) -> Iterator[None]:
    start = f"""
import asyncio, runpy
names = runpy.run_path({str(SCRIPT)!r})
names["forward"].__globals__.update({constants!r})
asyncio.run(names["forward"]({OUTSIDE!r}, {ports!r}, {token!r}))
"""
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", start]) as process:
        try:
            until("its ports", lambda: all(listens(int(port.partition(":")[0])) for port in ports) or None)
            yield
        finally:
            process.kill()


class serving:  # noqa: N801 - used as a function
    """A browser that answers, each connection in a thread of its own."""

    def __enter__(self) -> Browser:
        browser = Browser()

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                browser.open += 1
                try:
                    browser.serve(self.request)
                except OSError:
                    pass
                finally:
                    browser.open -= 1

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        browser.port = self.server.server_address[1]
        return browser

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def listens(port: int) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex((OUTSIDE, port)) == 0


def connect(browser: Browser) -> socket.socket:
    return socket.create_connection((OUTSIDE, browser.port), timeout=20)


def ask(browser: Browser, target: str, *headers: str, method: str = "GET") -> bytes:
    """The whole answer to one request."""
    with connect(browser) as connection:
        connection.sendall("\r\n".join((f"{method} {target} HTTP/1.1", "Host: outside:1", *headers, "", "")).encode())
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def basic(password: str) -> str:
    return f"Authorization: Basic {base64.b64encode(f'any:{password}'.encode()).decode()}"


KEYS = {
    "in the query": (f"/json/version?token={TOKEN}", ()),
    "behind another in the query": (f"/json/version?a=b&token={TOKEN}", ()),
    "before a slash": (f"/json/version/?token={TOKEN}", ()),
    "as a bearer token": ("/json/version", (f"Authorization: Bearer {TOKEN}",)),
    "as a bearer token in small letters": ("/json/version", (f"authorization: bearer {TOKEN}",)),
    "as a password": ("/json/version", (basic(TOKEN),)),
}
NO_KEYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "none": ("/json/version", ()),
    "an empty one": ("/json/version?token=", ()),
    "its beginning": (f"/json/version?token={TOKEN[:-1]}", ()),
    "it and more": (f"/json/version?token={TOKEN}0", ()),
    "it in a path": (f"/json/version/{TOKEN}", ()),
    "it under another name": (f"/json/version?key={TOKEN}", ()),
    "an empty bearer token": ("/json/version", ("Authorization: Bearer ",)),
    "a login that is not base64": ("/json/version", ("Authorization: Basic %%%",)),
    "it as a user": ("/json/version", (f"Authorization: Basic {base64.b64encode(f'{TOKEN}:'.encode()).decode()}",)),
    "letters that are not ASCII": ("/json/version?token=%C3%A9", ()),
}


@pytest.mark.parametrize(("target", "headers"), KEYS.values(), ids=KEYS)
def test_who_brings_the_token_is_let_in_and_the_browser_does_not_see_it(
    ways: Ways, target: str, headers: tuple[str, ...]
) -> None:
    assert ask(ways.guarded, target, *headers).startswith(b"HTTP/1.1 200 OK")
    assert "/json/version" in ways.guarded.heads[0]
    assert TOKEN not in ways.guarded.heads[0]
    assert "authorization" not in ways.guarded.heads[0].lower()


@pytest.mark.parametrize(("target", "headers"), NO_KEYS.values(), ids=NO_KEYS)
def test_who_does_not_bring_the_token_is_told_where_it_is_and_reaches_nothing(
    ways: Ways, target: str, headers: tuple[str, ...]
) -> None:
    answer = ask(ways.guarded, target, *headers)
    assert answer.startswith(b"HTTP/1.1 401 Unauthorized")
    assert b"idlehands-deploy url --cdp" in answer
    assert ask(ways.guarded, target, *headers, *UPGRADE).startswith(b"HTTP/1.1 401")
    assert ways.guarded.heads == []


def test_without_a_token_of_its_own_it_lets_nobody_in() -> None:
    with forwarded("") as ways:
        for target, headers in [*KEYS.values(), *NO_KEYS.values()]:
            assert ask(ways.guarded, target, *headers).startswith(b"HTTP/1.1 401")
        assert ways.guarded.heads == []


def test_the_addresses_that_the_browser_hands_out_hold_the_token(ways: Ways) -> None:
    head, _, page = ask(ways.guarded, f"/json/version?token={TOKEN}").partition(b"\r\n\r\n")
    assert json.loads(page)["webSocketDebuggerUrl"] == f"ws://outside:1/devtools/browser/now?token={TOKEN}"
    assert b"Content-Length: %d" % len(page) in head


def test_a_page_s_own_words_never_get_the_token(ways: Ways) -> None:
    said = {
        "title": '"webSocketDebuggerUrl": "ws://elsewhere/"',
        "webSocketDebuggerUrl": "ws://outside:1/devtools/page/A",
    }
    ways.guarded.page = json.dumps([said]).encode()
    page = json.loads(ask(ways.guarded, f"/json/list?token={TOKEN}").partition(b"\r\n\r\n")[2])
    assert page == [said | {"webSocketDebuggerUrl": f"ws://outside:1/devtools/page/A?token={TOKEN}"}]


def test_the_address_of_a_new_page_comes_through_whole(ways: Ways) -> None:
    ask(ways.guarded, f"/json/new?token={TOKEN}&http://page/?token=theirs&b", method="PUT")
    assert ways.guarded.heads[0].startswith("PUT /json/new?http://page/?token=theirs&b HTTP/1.1\r\n")


def test_a_page_of_megabytes_comes_through_whole(ways: Ways) -> None:
    ways.guarded.page = secrets.token_bytes(5 << 20)
    assert ask(ways.guarded, f"/json/protocol?token={TOKEN}").partition(b"\r\n\r\n")[2] == ways.guarded.page


@pytest.mark.parametrize(
    ("asked", "reached"), [("/devtools/browser/now", "/devtools/browser/now"), ("/", "/devtools/browser/now")]
)
def test_a_web_socket_passes_on_whatever_is_said(ways: Ways, asked: str, reached: str) -> None:
    with connect(ways.guarded) as connection:
        connection.sendall("\r\n".join((f"GET {asked}?token={TOKEN} HTTP/1.1", *UPGRADE, "", "")).encode())
        assert " 101 " in read_head(connection)
        for text in (b"hello", b"\0" * 300_000):
            connection.sendall(text)
            assert read_bytes(connection, len(text)) == text
    assert ways.guarded.heads[-1].startswith(f"GET {reached} HTTP/1.1\r\n")
    assert TOKEN not in "".join(ways.guarded.heads)


def read_bytes(connection: socket.socket, count: int) -> bytes:
    text = b""
    while len(text) < count:
        text += connection.recv(1 << 16)
    return text


def test_a_client_that_is_gone_leaves_no_connection_to_the_browser(ways: Ways) -> None:
    with connect(ways.guarded) as connection:
        connection.sendall("\r\n".join((f"GET /?token={TOKEN} HTTP/1.1", *UPGRADE, "", "")).encode())
        read_head(connection)
        assert ways.guarded.open == 1
        # Reset, not closed: as when its process or its network ends.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    until("the browser's end of it", lambda: ways.guarded.open == 0 or None)


def test_a_plain_port_passes_on_all_as_it_is(ways: Ways) -> None:
    ask(ways.plain, f"/a?token={TOKEN}", f"Authorization: Bearer {TOKEN}")
    assert ways.plain.heads == [
        f"GET /a?token={TOKEN} HTTP/1.1\r\nHost: outside:1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    ]


def test_an_answer_comes_to_a_client_that_has_ended_its_side(ways: Ways) -> None:
    with connect(ways.plain) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: connection.recv(1 << 16), b"")).startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("kind", ["guarded", "plain"])
def test_connections_that_say_nothing_keep_nobody_out(ways: Ways, kind: str) -> None:
    browser: Browser = getattr(ways, kind)
    idle = [connect(browser) for _ in range(200)]
    try:
        assert ask(browser, f"/json/version?token={TOKEN}").startswith(b"HTTP/1.1 200")
        # The oldest gave way at once, long before its time is over.
        idle[0].settimeout(2)
        assert idle[0].recv(1) == b""
        until("the end of the one that was passed on", lambda: browser.open == 0 or None)
        assert len(browser.heads) == 1
    finally:
        for connection in idle:
            connection.close()


def test_half_a_request_ends_after_its_time() -> None:
    with forwarded(HEAD_SECONDS=0.1) as ways:
        for browser in (ways.guarded, ways.plain):
            with connect(browser) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\n")
                assert connection.recv(1) == b""


@pytest.mark.parametrize(
    "text", [b"\0" * 100_000, b"hello\r\n\r\n", b"GET / HTTP/1.1 more\r\n\r\n"], ids=["zeros", "a word", "four words"]
)
def test_what_is_no_request_ends_without_an_answer(ways: Ways, text: bytes) -> None:
    with connect(ways.guarded) as connection:
        try:
            connection.sendall(text)
            assert connection.recv(1) == b""
        except ConnectionError:
            pass  # as good: the rest of it was not read
    assert ways.guarded.heads == []


def test_more_connections_than_a_port_takes_are_told_so() -> None:
    with forwarded(MOST=1) as ways:
        with connect(ways.plain) as connection:
            connection.sendall("\r\n".join(("GET / HTTP/1.1", *UPGRADE, "", "")).encode())
            read_head(connection)
            assert ask(ways.plain, "/").startswith(b"HTTP/1.1 503")
        until("its place", lambda: ask(ways.plain, "/").startswith(b"HTTP/1.1 200") or None)


def test_a_port_without_a_listener_behind_it_looks_closed() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = Browser(free.getsockname()[1])
        with running([f"{closed.port}:{closed.port}:guarded"], TOKEN):
            assert ask(closed, f"/json/version?token={TOKEN}") == b""
