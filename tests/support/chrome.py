"""The image's Chromium on this host's own network, for pages that this host serves on loopback."""

from __future__ import annotations

import base64
import json
import socket
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import websocket

from idlehands_deploy.targets.seccomp import seccomp_text
from tests.support.site import IMAGE, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import docker

SECONDS = 30
START = (
    "exec chromium --headless=new --remote-debugging-port={port} --user-data-dir=/tmp/chrome "
    "--force-color-profile=srgb --hide-scrollbars about:blank"
)


class Tab:
    """One tab of its own context, driven over CDP.

    Attributes:
        events: the parameters of each event so far, with its name as ``method``.
    """

    def __init__(self, port: int) -> None:
        version = json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/json/version", timeout=SECONDS).read())
        self._socket = websocket.create_connection(
            version["webSocketDebuggerUrl"], timeout=SECONDS, suppress_origin=True
        )
        self._last = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        context = self.call("Target.createBrowserContext", disposeOnDetach=True)["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Accessibility"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command, and wait for its result."""
        answer = self._ask(method, parameters)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, url: str) -> None:
        """Go to a page as if its address had been typed."""
        answer = self.call("Page.navigate", url=url, transitionType="typed")
        assert "errorText" not in answer, answer

    def look(self, width: int, height: int, *, dark: bool = False) -> None:
        """Be a screen of this size."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def value(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression: str, seconds: float = SECONDS) -> Any:
        """The first value of an expression that is true; it may fail until then."""
        return until(expression, lambda: self._try(expression), seconds)

    def roles(self) -> set[str]:
        """The roles that a screen reader finds in the page."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return {node["role"]["value"] for node in nodes if not node["ignored"]}

    def press(self, key: str, code: int = 0) -> None:
        """Press a key."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code)

    def picture(self, *, whole: bool = True) -> bytes:
        """The page as PNG."""
        clip: dict[str, Any] = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"clip": {**size, "scale": 1}, "captureBeyondViewport": True}
        return base64.b64decode(self.call("Page.captureScreenshot", format="png", **clip)["data"])

    def close(self) -> None:
        """End the connection, and with it the tab."""
        self._socket.close()

    def _ask(self, method: str, parameters: dict[str, object]) -> dict[str, Any]:
        self._last += 1
        session = {"sessionId": self._session} if self._session else {}
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": parameters, **session}))
        while (answer := self._receive()).get("id") != self._last:
            pass
        return answer

    def _try(self, expression: str) -> Any:
        # While another page is being loaded, there is an error and no result.
        result = self._ask("Runtime.evaluate", {"expression": expression, "returnByValue": True}).get("result", {})
        return result.get("result", {}).get("value") or None if "exceptionDetails" not in result else None

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self._socket.recv())
        if "method" in message:
            self.events.append({"method": message["method"], **message.get("params", {})})
        return message


@contextmanager
def chrome(engine: docker.DockerClient) -> Iterator[Callable[[], Tab]]:
    """Start the image's Chromium on this host's network; gives what opens a tab."""
    port = _free_port()
    container: Any = engine.containers.run(
        IMAGE, ["-c", START.format(port=port)], entrypoint="bash", detach=True, network_mode="host", init=True,
        security_opt=[f"seccomp={seccomp_text()}"], cap_drop=["ALL"], user="1000:1000", environment={"HOME": "/tmp"},  # noqa: S108 - the container's
        tmpfs={"/tmp": "exec"},  # noqa: S108 - the container's
    )  # fmt: skip
    tabs: list[Tab] = []

    def tab() -> Tab:
        tabs.append(Tab(port))
        return tabs[-1]

    try:
        until("Chromium", lambda: _listens(port) or None)
        yield tab
    finally:
        for one in tabs:
            one.close()
        container.remove(force=True, v=True)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        time.sleep(0.1)
        return caller.connect_ex(("127.0.0.1", port)) == 0
