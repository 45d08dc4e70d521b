"""A browser page over the Chrome DevTools Protocol; the only module that imports `websocket`."""

from __future__ import annotations

import base64
import binascii
import json
import socket
import time
from typing import Any, Self

import websocket

from idlehands_deploy.fleet.ports import LOOPBACK

# A picture is about 10 kB; a compromised browser must not fill this process's memory.
MOST_BYTES = 16 << 20


class CdpError(Exception):
    """The browser did not do what was asked; the message completes a sentence."""


class Page:
    """One open page in a separate browser context: it has no cookies, and is closed when this connection ends.

    Every method may raise `CdpError`, and takes at most the seconds given to `open`.
    """

    def __init__(self, connection: _Connection, context: str, session: str) -> None:
        self._connection = connection
        self._context = context
        self._session = session

    @classmethod
    def open(cls, port: int, path: str, url: str, seconds: float) -> Self:
        """Open a page and wait until it has loaded.

        Args:
            port: on this host's loopback.
            path: of the browser's own WebSocket, ``/devtools/browser/...``.
        """
        connection = _Connection(port, path, seconds)
        try:
            # The browser deletes the context itself when this connection ends, however it ends.
            context = connection.call("Target.createBrowserContext", disposeOnDetach=True)["browserContextId"]
            # In the background: a person who looks at the browser keeps the visible page.
            target = connection.call("Target.createTarget", url="about:blank", browserContextId=context,
                                     background=True)["targetId"]  # fmt: skip
            session = connection.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            connection.call("Page.enable", session)
            connection.call("Page.navigate", session, url=url)
            connection.wait_for("Page.loadEventFired")
        except KeyError as error:
            connection.end()
            raise CdpError(f"responded without {error}") from None
        except BaseException:
            connection.end()
            raise
        return cls(connection, context, session)

    def picture(self) -> bytes:
        """A picture of the page, as PNG."""
        self._connection.renew()
        answer = self._connection.call("Page.captureScreenshot", self._session, format="png")
        try:
            return base64.b64decode(answer.get("data", ""), validate=True)
        except (binascii.Error, TypeError):
            raise CdpError("returned a picture that is not base64") from None

    def close(self) -> None:
        """Close the page."""
        self._connection.renew()
        try:
            self._connection.call("Target.disposeBrowserContext", browserContextId=self._context)
        finally:
            self._connection.end()


class _Connection:
    def __init__(self, port: int, path: str, seconds: float) -> None:
        self._seconds = seconds
        self._last = 0
        self._events: set[str] = set()
        try:
            self._socket = _Bounded(fileno=socket.create_connection((LOOPBACK, port), seconds).detach())
            self._socket.allow(seconds)
            # On our own socket, so that no proxy is used. No origin: Chromium rejects unknown ones.
            self._client = websocket.create_connection(
                f"ws://{LOOPBACK}:{port}{path}", socket=self._socket, timeout=seconds, suppress_origin=True,
                enable_multithread=False,
            )  # fmt: skip
        except (OSError, websocket.WebSocketException) as error:
            if hasattr(self, "_socket"):
                self._socket.close()
            raise _error(error, seconds) from None

    def call(self, method: str, session: str = "", **parameters: object) -> dict[str, Any]:
        """Send a command and wait for its response."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters} | (
            {"sessionId": session} if session else {}
        )
        try:
            self._client.send(json.dumps(message))
        except (OSError, websocket.WebSocketException) as error:
            raise _error(error, self._seconds) from None
        while True:
            answer = self._receive()
            if answer.get("id") == self._last:
                break
        if "error" in answer:
            said = answer["error"].get("message") if isinstance(answer["error"], dict) else answer["error"]
            raise CdpError(f"refused {method}: {str(said)[:200]}")
        result = answer.get("result")
        return result if isinstance(result, dict) else {}

    def wait_for(self, event: str) -> None:
        """Wait until an event has come since the connection began."""
        while event not in self._events:
            self._receive()

    def renew(self) -> None:
        """Restart the time limit."""
        self._socket.allow(self._seconds)

    def end(self) -> None:
        """Close the socket without a closing message: the browser may not respond."""
        self._socket.close()

    def _receive(self) -> dict[str, Any]:
        try:
            message = json.loads(self._client.recv())
        except (OSError, websocket.WebSocketException, RecursionError, ValueError) as error:
            raise _error(error, self._seconds) from None
        if not isinstance(message, dict):
            raise CdpError("does not speak the DevTools protocol")
        if "id" not in message and isinstance(message.get("method"), str):
            self._events.add(message["method"])
        return message


class _Bounded(socket.socket):
    """A socket with a limit of bytes and a deadline: a plain timeout restarts with each byte."""

    _left = MOST_BYTES
    _until = 0.0

    def allow(self, seconds: float) -> None:
        """Set the deadline."""
        self._until = time.monotonic() + seconds

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive bytes until the deadline."""
        remaining = self._until - time.monotonic()
        if remaining <= 0:
            raise TimeoutError
        self.settimeout(remaining)
        content = super().recv(size, flags)
        self._left -= len(content)
        if self._left < 0:
            raise OSError(f"more than {MOST_BYTES >> 20} MiB")
        return content


def _error(error: Exception, seconds: float) -> CdpError:
    if isinstance(error, TimeoutError | websocket.WebSocketTimeoutException):
        return CdpError(f"did not respond within {seconds:.0f} s")
    if isinstance(error, ConnectionRefusedError):
        return CdpError("is not listening")
    if isinstance(error, OSError) and "MiB" in str(error):
        return CdpError(f"sent {error}")
    if isinstance(error, ConnectionError | websocket.WebSocketConnectionClosedException):
        return CdpError("closed the connection")
    if isinstance(error, websocket.WebSocketBadStatusException):
        return CdpError(f"refused the connection with {error.status_code}")
    return CdpError("does not speak the DevTools protocol")
