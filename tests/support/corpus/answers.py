"""Hostile answers over HTTP, and where a WebSocket's address is asked for: more of what `hostile_answers` has."""

from __future__ import annotations

import gzip
import json
import time
from functools import partial
from typing import TYPE_CHECKING

from tests.support import hostile_answers as some
from tests.support.hostile_answers import LONG, drip

if TYPE_CHECKING:
    import socket

    from tests.support.hostile_answers import Hostile

CONTROLS = "\x1b]0;title\x07\x1b[31m\u202e"


def _say(head: bytes, body: bytes = b"") -> Hostile:
    def say(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 " + head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    return say


def _raw(data: bytes) -> Hostile:
    return lambda connection, _: connection.sendall(data)


def _json(value: object) -> Hostile:
    return _say(b"200 OK", json.dumps(value).encode())


def _again(piece: bytes, first: bytes = b"HTTP/1.1 200 OK\r\n") -> Hostile:
    """The same without end."""

    def say(connection: socket.socket, _: bytes) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(piece * 4096)

    return say


def _repeated(data: bytes, connection: socket.socket, _: bytes) -> None:
    """The same, slowly."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        connection.sendall(data)
        time.sleep(0.2)


def _slow_start(connection: socket.socket, _: bytes) -> None:
    drip(connection)


def _nothing(connection: socket.socket, _: bytes) -> None:
    connection.settimeout(LONG)
    connection.recv(1)


def _bomb(connection: socket.socket, _: bytes) -> None:
    body = gzip.compress(b"[" * 200_000_000, 1)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head + body)


READY = {"ready": True, "status": "started"}
ANSWERS: dict[str, Hostile] = {
    "a body without end": some.endless,
    "chunks without end": some.endless_chunks,
    "a body that drips": some.slow,
    "a chunk's size that drips": some.slow_chunk_size,
    "a header that drips": some.slow_header,
    "a body that stops": some.silent,
    "brackets": some.nested,
    "a body cut short": some.cut_short,
    "a number of 9,000 digits": some.long_number,
    "a status that drips": _slow_start,
    "nothing": _nothing,
    "the end at once": lambda *_: None,
    "noise": _raw(bytes(range(256)) * 4096),
    "a line without end": _again(b"x", b"HTTP/1.1 200 "),
    "a header's line without end": _again(b"x", b"HTTP/1.1 200 OK\r\nX: "),
    "headers without end": _again(b"X: y\r\n"),
    "90 headers of 60 kB": _say(b"200 OK" + b"".join(b"\r\nX%d: " % each + b"y" * 60_000 for each in range(90))),
    "interim answers without end": _again(b"HTTP/1.1 100 Continue\r\n\r\n", b""),
    "interim answers that drip": partial(_repeated, b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a chunk's extension without end": _again(b"x", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;"),
    "a chunk of a negative size": _raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n"),
    "a negative length": _raw(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n" + b"x" * 100_000),
    "a length of 20 digits": _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{"),
    "a length that is no number": _raw(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 9000 + b"x\r\n\r\n{}"),
    "two lengths": _raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}"),
    "a bomb": _bomb,
    "bytes that are no gzip": _say(b"200 OK\r\nContent-Encoding: gzip", b"x" * 1000),
    "an unknown status": _say(b"999 " + CONTROLS.encode(), b"{}"),
    "a status that is no number": _raw(b"HTTP/1.1 abc OK\r\n\r\n"),
    "another protocol": _raw(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "a redirection to itself": _say(b"302 Found\r\nLocation: /readyz", b""),
    "a redirection to a file": _say(b"302 Found\r\nLocation: file:///etc/passwd", b""),
    "a redirection elsewhere": _say(b"307 Temporary Redirect\r\nLocation: http://10.255.255.1/", b""),
    "an upgrade that nobody asked for": _raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x7f"),
    "a demand for a password": _say(b"401 Unauthorized\r\nWWW-Authenticate: Digest " + b"a=b," * 5000, b"{}"),
    "a list": _json([READY]),
    "words for truth": _json({"ready": "yes", "status": {"a": "started"}, "failing": "all"}),
    "failures that control a terminal": _say(
        b"503 No", json.dumps({"ready": False, "failing": [CONTROLS] * 900}).encode()
    ),
    "a body of no text": _say(b"200 OK", b"\xff\xfe{}\0"),
    "an address of a browser elsewhere": _json(
        READY | {"Browser": CONTROLS, "webSocketDebuggerUrl": "ws://10.255.255.1:1/devtools"}
    ),
    "an address of a browser that is none": _json(READY | {"Browser": 7, "webSocketDebuggerUrl": ["file:///etc/passwd"]}),
}  # fmt: skip
