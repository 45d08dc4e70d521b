"""The page over real sockets: who gets in, what a browser is told, and what nobody can do to it."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import PortConflictError, UsageError
from idlehands_deploy.web import handler, parts, server
from idlehands_deploy.web.handler import FILES
from tests.support.pages import SECONDS, Answer, Page, page, read_answer

if TYPE_CHECKING:
    from pathlib import Path

POLICY = {
    "default-src": "'none'", "script-src": "'self'", "style-src": "'self'", "img-src": "'self'",
    "connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
    "require-trusted-types-for": "'script'", "trusted-types": "'none'",
}  # fmt: skip


def test_the_link_leads_to_the_page_by_a_cookie_and_leaves_no_token_behind(served: Page) -> None:
    way_in = served.get(f"/?token={served.token}")
    assert (way_in.status, "url=/fleet/" in way_in.body, served.token in way_in.body) == (200, True, False)
    served.enter()
    shown = served.get("/fleet/")
    assert (shown.status, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert served.token not in shown.body + str(shown.headers) + served.cookie
    assert (served.get("/").status, served.get("/").headers["location"]) == (303, "/fleet/")


@pytest.mark.parametrize("path", ["/", "/fleet/", "/fleet/nothing", "/nothing", *FILES])
def test_every_answer_forbids_what_comes_from_elsewhere_and_is_kept_nowhere(served: Page, path: str) -> None:
    for one in (served.get(path), served.enter().get(path)):
        policy = dict(part.strip().split(" ", 1) for part in one.headers["content-security-policy"].split(";"))
        assert policy == POLICY
        assert (one.headers["cache-control"], one.headers["referrer-policy"]) == ("no-store", "no-referrer")
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in one.headers


@pytest.mark.parametrize("path", ["/fleet/", "/fleet/stream", "/fleet/page.js", "/fleet/nothing", "/nothing"])
def test_nothing_is_shown_without_the_cookie(served: Page, path: str) -> None:
    for cookie in (None, "idlehands_fleet=", f"idlehands_fleet={served.token}", f"token={served.token}"):
        assert served.get(path, Cookie=cookie).status == 403
    assert served.get("/?token=wrong").status == 403
    assert served.get(f"/fleet/?token={served.token}").status == 403


def test_another_host_s_name_is_refused_even_with_the_cookie(served: Page) -> None:
    served.enter()
    for host in ("fleet.example.org", "fleet.example.org:80", "127.0.0.1.example.org", "", None):
        for path in ("/fleet/", "/fleet/stream", f"/?token={served.token}"):
            assert served.get(path, Host=host).status == 421
    assert served.get("/fleet/", Host="localhost:9999").status == 200


def test_a_page_of_another_port_cannot_read_the_stream_with_the_browser_s_cookie(served: Page) -> None:
    served.enter()
    headers = {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "cors", "Origin": "http://127.0.0.1:18789"}
    assert served.get("/fleet/stream", **headers).status == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"])
def test_only_get_and_head_are_answered(served: Page, method: str) -> None:
    said = served.enter().get("/fleet/", method)
    assert (said.status, said.headers["allow"]) == (405, "GET, HEAD")


def test_head_is_get_without_a_body(served: Page) -> None:
    served.enter()
    for path in ("/fleet/", "/fleet/page.css", "/fleet/nothing"):
        asked, got = served.get(path, "HEAD"), served.get(path)
        assert (asked.status, asked.body) == (got.status, "")
        assert asked.headers["content-length"] == got.headers["content-length"]
    assert served.get("/fleet/stream", "HEAD").headers["content-type"] == "text/event-stream"


@pytest.mark.parametrize("path", ["/fleet/../server.py", "/fleet/%2e%2e/server.py", "/fleet//etc/passwd", "*"])
def test_no_path_leads_to_another_file(served: Page, path: str) -> None:
    assert served.enter().get(path).status in {400, 404}


@pytest.mark.parametrize(
    "junk", [b"\0\1\2\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"x" * 70000]
)
def test_what_is_no_request_gets_a_short_answer_or_none(served: Page, junk: bytes) -> None:
    with served.connect() as connection:
        connection.sendall(junk)
        connection.shutdown(socket.SHUT_WR)
        content = connection.recv(65536)
    assert len(content) < 2000
    assert served.enter().get("/fleet/").status == 200


def test_nothing_is_logged(served: Page, capfd: pytest.CaptureFixture[str]) -> None:
    served.enter()
    for path in (f"/?token={served.token}", "/?token=wrong", "/fleet/", "/nothing"):
        served.get(path)
        served.get(path, "POST")
    served.ask("/fleet/stream").close()
    assert capfd.readouterr() == ("", "")


def test_a_request_that_never_ends_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SECONDS", 0.4)
    with page(tmp_path) as served, served.connect() as connection:
        began = time.monotonic()
        with pytest.raises(OSError, match=r"."):  # noqa: PT012 - whichever byte comes too late
            for _ in range(200):
                connection.sendall(b"G")
                time.sleep(0.05)
        assert time.monotonic() - began < 5


def test_connections_and_streams_are_limited_and_make_room_when_they_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MOST_STREAMS", 2)
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 4)
    monkeypatch.setattr(parts, "SILENCE", 0.05)
    with page(tmp_path) as served:
        served.enter()
        with ExitStack() as open_ones:
            for _ in range(2):
                stream = open_ones.enter_context(served.ask("/fleet/stream"))
                assert b"200" in stream.recv(100)
            assert served.get("/fleet/stream").status == 503
            assert served.get("/fleet/").status == 200
            for _ in range(2):
                open_ones.enter_context(served.connect())
            until(lambda: refusal(served).status == 503)
        until(lambda: b" 200 " in first_bytes(served))


def test_a_reader_that_does_not_read_is_ended_and_delays_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PACE", 0)
    monkeypatch.setattr(handler.Handler, "timeout", 0.5)
    monkeypatch.setattr(server, "SEND_BUFFER", 4096)
    with page(tmp_path) as served:
        served.enter()
        for number in range(60):
            served.source.overview.write({"event": "fleet-refused", "reason": f"{number} " + "wrong " * 100})
        slow = served.ask("/fleet/stream")
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with served.stream() as events:
            next(events)
            began = threading.active_count()
            for number in range(300):
                served.source.overview.write({"event": "fleet-refused", "reason": str(number)})
                # The first look of `doctor` may end in between.
                assert any("events" in event["parts"] for event in events)
            until(lambda: threading.active_count() < began)
        slow.close()


def test_the_end_ends_every_stream_at_once(tmp_path: Path) -> None:
    with page(tmp_path) as served:
        served.enter()
        stream = served.ask("/fleet/stream")
        stream.recv(100)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    with stream:
        assert b"".join(iter(lambda: stream.recv(65536), b"")).endswith(b"\n\n")
    with pytest.raises(ConnectionRefusedError):
        served.connect()


def test_a_port_in_use_names_its_holder(served: Page) -> None:
    with pytest.raises(PortConflictError, match=rf"--port is in use by .* \(pid {os.getpid()}\)"):
        serve(served, "127.0.0.1", served.port)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "10.0.0.1"])
def test_an_address_that_others_can_reach_is_refused(served: Page, host: str) -> None:
    with pytest.raises(UsageError, match=f"--port listens on loopback alone, and {re.escape(host)} is not") as caught:
        serve(served, host, 0)
    assert (caught.value.exit_code, "ssh -L" in str(caught.value.remedy)) == (2, True)


def test_localhost_is_an_address_of_loopback(served: Page) -> None:
    with server.served(served.source, "localhost", 0, "--port") as link:
        assert link.startswith("http://127.0.0.1:")


def refusal(served: Page) -> Answer:
    with served.connect() as connection:
        return read_answer(connection)


def first_bytes(served: Page) -> bytes:
    with served.ask("/fleet/stream") as connection:
        return connection.recv(100)


def serve(served: Page, host: str, port: int) -> None:
    with server.served(served.source, host, port, "--port"):
        pass


def until(condition: object) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)
