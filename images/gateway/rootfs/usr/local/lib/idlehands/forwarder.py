"""Forwards ports of the container's network to what listens on its loopback, one line an argument.

    forwarder.py ADDRESS LISTEN:TARGET[:guarded] ...

A connection is passed on once it has sent the head of an HTTP request: one that is idle cannot keep others out.
A guarded port is a browser's CDP port, which itself asks for nothing. Its requests must bring the token in
`IDLEHANDS_CDP_TOKEN`: as `?token=`, as a bearer token, or as the password of a login. `/` is the browser's own
WebSocket there, whose path changes with each start.
"""

import asyncio
import base64
import binascii
import hmac
import json
import os
import re
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote

LOOPBACK = "127.0.0.1"
# Bytes of a request's head, and of a response of the browser's HTTP pages, such as its list of pages.
LONGEST_HEAD = 1 << 16
LONGEST_PAGE = 1 << 25
# Seconds for a request's head, and for one of the browser's HTTP pages.
HEAD_SECONDS = 10.0
PAGE_SECONDS = 60.0
# Seconds that an answer may still take after its client ended its side.
LINGER_SECONDS = 60.0
# Connections of a port: with a whole head, and still without one; of the latter the oldest give way.
MOST = 128
MOST_WAITING = 64
CHUNK = 1 << 16
REFUSALS = {
    401: "Unauthorized\nThis port asks for a token. The address with it: idlehands-deploy url --cdp PROFILE",
    503: "Service Unavailable\nThis port has all the connections that it takes.",
}
SOCKET_URL = re.compile(rb'("webSocketDebuggerUrl":\s*"ws://[^"?]*)"')


@dataclass(frozen=True)
class Head:
    """The head of a request.

    Attributes:
        headers: as they are written, without line ends.
    """

    method: str
    target: str
    version: str
    headers: tuple[str, ...]

    @classmethod
    def read(cls, text: bytes) -> "Head":
        """Read a head; raises ValueError if it is none."""
        first, *headers = text.decode("latin-1").rstrip("\r\n").split("\r\n")
        method, target, version = first.split(" ")
        return cls(method, target, version, tuple(headers))

    def header(self, name: str) -> str:
        """The value of a header; empty if there is none."""
        for line in self.headers:
            key, _, value = line.partition(":")
            if key.strip().lower() == name:
                return value.strip()
        return ""

    @property
    def opens_socket(self) -> bool:
        """Whether it asks for a WebSocket."""
        return self.header("upgrade").lower() == "websocket"

    @property
    def path(self) -> str:
        """The path without its query."""
        return self.target.partition("?")[0]

    def knows(self, token: str) -> bool:
        """Whether it brings the token."""
        kind, _, given = self.header("authorization").partition(" ")
        login = _decoded(given).partition(":")[2] if kind.lower() == "basic" else given
        return any([_same(text, token) for text in (login, *map(_token, _query(self.target)))])  # noqa: C419 - all of them

    def to_browser(self, target: str) -> bytes:
        """The head as the browser gets it: without the token; one request a connection, but for a WebSocket."""
        path, _, _ = target.partition("?")
        query = "&".join(pair for pair in _query(target) if _token(pair) is None)
        dropped = {"authorization"} if self.opens_socket else {"authorization", "connection"}
        kept = [line for line in self.headers if line.partition(":")[0].strip().lower() not in dropped]
        if not self.opens_socket:
            kept.append("Connection: close")
        first = f"{self.method} {path}{'?' if query else ''}{query} {self.version}"
        return "\r\n".join((first, *kept, "", "")).encode("latin-1")


def _query(target: str) -> list[str]:
    return target.partition("?")[2].split("&")


def _token(pair: str) -> str | None:
    """The token in a part of a query; None if it is another part."""
    name, _, value = pair.partition("=")
    return unquote(value) if name == "token" else None


def _decoded(text: str) -> str:
    with suppress(binascii.Error, ValueError):
        return base64.b64decode(text, validate=True).decode("latin-1")
    return ""


def _same(given: str | None, token: str) -> bool:
    return bool(token) and hmac.compare_digest((given or "").encode(), token.encode())


@dataclass
class Port:
    """One forwarded port.

    Attributes:
        token: that a guarded port asks for; None for any other. An empty one lets nobody in.
        waiting: connections that have not sent a whole head yet, the oldest first.
        passed: how many were passed on and have not ended.
    """

    target: int
    token: str | None = None
    waiting: dict[asyncio.StreamWriter, None] = field(default_factory=dict)
    passed: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        _tune(writer)
        try:
            text = await self._read_head(reader, writer)
            if self.passed >= MOST:
                await _refuse(writer, 503)
                return
            self.passed += 1
            try:
                await self._pass_on(text, reader, writer)
            finally:
                self.passed -= 1
        except (OSError, EOFError, ValueError, LookupError, TypeError, asyncio.LimitOverrunError):
            # Nothing listens there, the other side went away, or it speaks no HTTP: as if the port were closed.
            pass
        finally:
            writer.close()

    async def _read_head(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        if len(self.waiting) >= MOST_WAITING:
            oldest = next(iter(self.waiting))
            del self.waiting[oldest]
            oldest.transport.abort()
        self.waiting[writer] = None
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                return await reader.readuntil(b"\r\n\r\n")
        finally:
            self.waiting.pop(writer, None)

    async def _pass_on(self, text: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.token is None:
            await _join(text, self.target, reader, writer)
            return
        head = Head.read(text)
        if not head.knows(self.token):
            await _refuse(writer, 401)
        elif head.opens_socket:
            target = await self._browser() if head.path == "/" else head.target
            await _join(head.to_browser(target), self.target, reader, writer)
        else:
            async with asyncio.timeout(PAGE_SECONDS):
                await self._page(head, writer)

    async def _browser(self) -> str:
        """The path of the browser's own WebSocket."""
        asked = b"GET /json/version HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        async with asyncio.timeout(PAGE_SECONDS):
            _, page = await _ask(asked, self.target)
        url = str(json.loads(page)["webSocketDebuggerUrl"])
        return "/" + url.split("/", 3)[3]

    async def _page(self, head: Head, writer: asyncio.StreamWriter) -> None:
        """One of the browser's HTTP pages, with the token in each address of a WebSocket."""
        start, page = await _ask(head.to_browser(head.target), self.target)
        page = SOCKET_URL.sub(rb"\1?token=" + (self.token or "").encode() + b'"', page)
        kept = [
            line for line in start.split(b"\r\n") if not line.lower().startswith((b"content-length:", b"connection:"))
        ]
        writer.write(b"\r\n".join((*kept, b"Content-Length: %d" % len(page), b"Connection: close", b"", page)))
        await writer.drain()


async def _ask(request: bytes, port: int) -> tuple[bytes, bytes]:
    """The head of the response without its empty line, and the body."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port, limit=LONGEST_HEAD)
    try:
        writer.write(request)
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n"))[:-4]
        length = re.search(rb"(?i)\r\ncontent-length:\s*(\d+)", head)
        if length is None:
            return head, await _all_of(reader)
        if int(length[1]) > LONGEST_PAGE:
            raise ValueError("the page is too long")
        return head, await reader.readexactly(int(length[1]))
    finally:
        writer.close()


async def _all_of(reader: asyncio.StreamReader) -> bytes:
    page = b""
    while chunk := await reader.read(CHUNK):
        page += chunk
        if len(page) > LONGEST_PAGE:
            raise ValueError("the page is too long")
    return page


async def _join(head: bytes, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send the head to a port on loopback, and then pass everything on in both directions."""
    inner_reader, inner_writer = await asyncio.open_connection(LOOPBACK, port)
    _tune(inner_writer)
    inner_writer.write(head)
    there = asyncio.ensure_future(_copy(reader, inner_writer))
    back = asyncio.ensure_future(_copy(inner_reader, writer))
    try:
        await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
        # A client may end its side first, and still read the answer; one that is gone may not.
        if there.done() and there.exception() is None:
            await asyncio.wait({back}, timeout=LINGER_SECONDS)
    finally:
        there.cancel()
        back.cancel()
        await asyncio.gather(there, back, return_exceptions=True)
        inner_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes until it ends, and its end."""
    while chunk := await reader.read(CHUNK):
        writer.write(chunk)
        await writer.drain()
    writer.write_eof()


async def _refuse(writer: asyncio.StreamWriter, status: int) -> None:
    reason, _, text = REFUSALS[status].partition("\n")
    writer.write(
        f"HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {len(text) + 1}\r\n"
        f"Connection: close\r\n\r\n{text}\n".encode()
    )
    with suppress(OSError):
        await writer.drain()


def _tune(writer: asyncio.StreamWriter) -> None:
    """Send small messages at once, and notice a peer that has gone."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


async def forward(address: str, ports: list[str], token: str) -> None:
    """Forward ports until this is cancelled.

    Args:
        ports: each ``LISTEN:TARGET``, and ``:guarded`` if it asks for the token.
    """
    async with asyncio.TaskGroup() as servers:
        for port in ports:
            listen, target, *guarded = port.split(":")
            served = Port(int(target), token if guarded else None)
            server = await asyncio.start_server(served.serve, address, int(listen), limit=LONGEST_HEAD, backlog=128)
            servers.create_task(server.serve_forever())


if __name__ == "__main__":
    asyncio.run(forward(sys.argv[1], sys.argv[2:], os.environ.get("IDLEHANDS_CDP_TOKEN", "")))
