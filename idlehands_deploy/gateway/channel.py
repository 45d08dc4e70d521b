"""A WebSocket with limits of time and size; the only module that imports `websocket`."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import websocket

# A picture is about 10 kB; a compromised browser must not fill this process's memory.
MOST_BYTES = 16 << 20


class ChannelError(Exception):
    """The other side did not do what was asked; the message completes a sentence.

    Attributes:
        status: the HTTP status with which it refused the connection; None if it did not.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Channel:
    """An open WebSocket on which both sides send JSON objects. Every method may raise `ChannelError`."""

    def __init__(
        self, address: tuple[str, int], url: str, protocol: str, seconds: float, headers: dict[str, str] | None = None
    ) -> None:
        """Connect.

        Args:
            address: to connect to, whatever host the address names.
            url: asked for; its host is sent as `Host`.
            protocol: that is spoken, for messages.
            seconds: the limit for all until `renew`.
            headers: to be sent; without an `Origin` none is sent.
        """
        self._seconds = seconds
        self._protocol = protocol
        more = {name: value for name, value in (headers or {}).items() if name != "Origin"}
        origin = (headers or {}).get("Origin")
        try:
            # On our own socket, so that no proxy is used.
            self._socket = _Bounded(fileno=socket.create_connection(address, seconds).detach())
            self._socket.allow(seconds)
            self._client = websocket.create_connection(
                url, socket=self._socket, timeout=seconds, suppress_origin=origin is None, origin=origin, header=more,
                enable_multithread=False,
            )  # fmt: skip
        except (OSError, websocket.WebSocketException) as error:
            if hasattr(self, "_socket"):
                self._socket.close()
            raise self._error(error) from None

    def send(self, message: dict[str, Any]) -> None:
        """Send an object."""
        try:
            self._client.send(json.dumps(message))
        except (OSError, websocket.WebSocketException) as error:
            raise self._error(error) from None

    def receive(self) -> dict[str, Any]:
        """Wait for an object."""
        try:
            message = json.loads(self._client.recv())
        except (OSError, websocket.WebSocketException, RecursionError, ValueError) as error:
            raise self._error(error) from None
        if not isinstance(message, dict):
            raise ChannelError(f"does not speak {self._protocol}")
        return message

    def renew(self) -> None:
        """Restart the time limit."""
        self._socket.allow(self._seconds)

    def end(self) -> None:
        """Close the socket without a closing message: the other side may not respond."""
        self._socket.close()

    def _error(self, error: Exception) -> ChannelError:
        if isinstance(error, TimeoutError | websocket.WebSocketTimeoutException):
            return ChannelError(f"did not respond within {self._seconds:.0f} s")
        if isinstance(error, ConnectionRefusedError):
            return ChannelError("is not listening")
        if isinstance(error, OSError) and "MiB" in str(error):
            return ChannelError(f"sent {error}")
        if isinstance(error, ConnectionError | websocket.WebSocketConnectionClosedException):
            return ChannelError("closed the connection")
        if isinstance(error, websocket.WebSocketBadStatusException):
            return ChannelError(f"refused the connection with {error.status_code}", error.status_code)
        return ChannelError(f"does not speak {self._protocol}")


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
