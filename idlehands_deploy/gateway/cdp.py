"""A browser page over the Chrome DevTools Protocol."""

from __future__ import annotations

import base64
import binascii
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from idlehands_deploy.fleet.addresses import LOOPBACK
from idlehands_deploy.gateway.channel import Channel, ChannelError

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    def open(cls, port: int, path: str, url: str, seconds: float, token: str | None = None) -> Self:
        """Open a page and wait until it has loaded.

        Args:
            port: on this host's loopback.
            path: of the browser's own WebSocket, ``/devtools/browser/...``.
            token: that the port asks for.
        """
        connection = _Connection(port, path, seconds, token)
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
    def __init__(self, port: int, path: str, seconds: float, token: str | None) -> None:
        self._last = 0
        self._events: set[str] = set()
        with _as_cdp_error():
            # Without an origin: Chromium rejects unknown ones.
            self._channel = Channel(
                (LOOPBACK, port), f"ws://{LOOPBACK}:{port}{path}", "the DevTools protocol", seconds,
                {"Authorization": f"Bearer {token}"} if token else None,
            )  # fmt: skip

    def call(self, method: str, session: str = "", **parameters: object) -> dict[str, Any]:
        """Send a command and wait for its response."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters} | (
            {"sessionId": session} if session else {}
        )
        with _as_cdp_error():
            self._channel.send(message)
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
        self._channel.renew()

    def end(self) -> None:
        """Close the connection without a closing message: the browser may not respond."""
        self._channel.end()

    def _receive(self) -> dict[str, Any]:
        with _as_cdp_error():
            message = self._channel.receive()
        if "id" not in message and isinstance(message.get("method"), str):
            self._events.add(message["method"])
        return message


@contextmanager
def _as_cdp_error() -> Iterator[None]:
    try:
        yield
    except ChannelError as error:
        raise CdpError(str(error)) from None
