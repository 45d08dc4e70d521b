"""The HTTP server of the page: on loopback, bounded in connections, streams and time."""

from __future__ import annotations

import errno
import socket
import socketserver
import sys
import threading
import time
from contextlib import contextmanager, suppress
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from idlehands_deploy.errors import PortConflictError, UsageError
from idlehands_deploy.operations.watch import process_on
from idlehands_deploy.web.guard import Door, is_loopback
from idlehands_deploy.web.handler import SECONDS, Handler
from idlehands_deploy.web.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.operations.watch import PageSource

# A page needs one stream and, while it loads, six more connections.
MOST_CONNECTIONS = 64
MOST_STREAMS = 16
# How often requests that take too long are looked for, and how long an end waits at most; seconds.
POLL = 0.25
# What the kernel keeps for a reader that does not read; bytes.
SEND_BUFFER = 64 << 10
FULL = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class PageServer(ThreadingHTTPServer):
    """A server with a thread for each connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 32

    def __init__(self, address: tuple[str, int], parts: Parts) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.parts = parts
        self.door = Door()
        self._lock = threading.Lock()
        self._deadlines: dict[Any, float] = {}
        self._streams = 0
        super().__init__(address, Handler)

    @property
    def address(self) -> str:
        """Where it listens, for a link."""
        host, port = self.server_address[:2]
        shown = str(host)
        return f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"

    def server_bind(self) -> None:
        """Listen, without the name of the address, which the base class looks up over the network."""
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's signature
        """Serve a connection in a thread of its own, unless there are too many."""
        with self._lock:
            is_full = len(self._deadlines) >= MOST_CONNECTIONS
            if not is_full:
                self._deadlines[request] = time.monotonic() + SECONDS
        if is_full:
            with suppress(OSError):
                request.setblocking(False)
                request.send(FULL)
            super().shutdown_request(request)
            return
        request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401 - the base class's signature
        """End a connection."""
        with self._lock:
            self._deadlines.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """End the connections whose time is over: a timeout of the socket begins again with each byte."""
        now = time.monotonic()
        with self._lock:
            late = [request for request, deadline in self._deadlines.items() if deadline < now]
        for request in late:
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the base class's
        """Say nothing of a reader that went away; anything else is a bug, and Python shows it."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    @contextmanager
    def streaming(self, request: Any) -> Iterator[bool]:  # noqa: ANN401 - a socket
        """Let a connection last; false if there are too many that do."""
        with self._lock:
            allowed = self._streams < MOST_STREAMS
            if allowed:
                self._streams += 1
                self._deadlines[request] = float("inf")
        try:
            yield allowed
        finally:
            if allowed:
                with self._lock:
                    self._streams -= 1


@contextmanager
def served(source: PageSource, host: str, port: int, option: str) -> Iterator[str]:
    """Serve the page during the block; gives its link, with the token.

    Args:
        host: an address of loopback.
        port: 0 for a free one.
        option: the option that named the address.

    Raises:
        UsageError: the address is not of this host alone, or cannot be opened.
        PortConflictError: another process has the port.
    """
    host = "127.0.0.1" if host == "localhost" else host
    if not is_loopback(host):
        raise UsageError(
            f"{option} listens on loopback alone, and {host} is not a loopback address.",
            f"Use 127.0.0.1. From another computer: ssh -L {port or 18700}:127.0.0.1:{port or 18700} HOST",
        )
    try:
        server = PageServer((host, port), Parts(source))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _in_use(host, port, option) from None
        raise UsageError(
            f"{option} cannot listen on {host}:{port}: {error.strerror}.", f"Choose another port for {option}."
        ) from None
    thread = threading.Thread(target=server.serve_forever, args=(POLL,), name="page", daemon=True)
    thread.start()
    try:
        yield f"http://{server.address}/?token={server.door.token}"
    finally:
        server.parts.changes.close()
        server.shutdown()
        server.server_close()


def _in_use(host: str, port: int, option: str) -> PortConflictError:
    """The error for a port that is in use, with its holder if it can be seen."""
    holder = process_on(port)
    return PortConflictError(
        f"Port {host}:{port} for {option} is in use by {holder or 'another process'}.",
        f"Choose another port for {option}.",
    )
