"""HTTP requests to a gateway, with typed responses; the only module that imports `requests`."""

from __future__ import annotations

import json
import math
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# To connect, and for a part of a response.
TIMEOUT = 2.0
# For a whole response. A working gateway takes milliseconds, but for seconds if it has just started on a busy host.
LIMIT = 2 * TIMEOUT
# Requests to one port that may be waiting at once. One whose answer never ends waits on after its time is over, and
# without a limit there would be more of them in each round.
MOST_WAITING = 8
# Responses are a few hundred bytes; a compromised gateway must not fill this process's memory.
LONGEST = 65536


@dataclass(frozen=True)
class Answer:
    """The response to one request.

    Attributes:
        status: the HTTP status; None if nothing responded.
        silent: whether the connection was accepted, but no response came in time.
        body: the JSON object in the response; empty if there is none.
        seconds: the response time.
    """

    status: int | None
    body: dict[str, Any] = field(default_factory=dict)
    silent: bool = False
    seconds: float = field(default=0.0, compare=False)

    @property
    def ok(self) -> bool:
        """Whether the status is 200."""
        return self.status == 200


@dataclass(frozen=True)
class GatewayAnswers:
    """A gateway's responses on whether it has started, and on whether everything in it is ready.

    Attributes:
        browsers: each browser's response on its CDP port, by name; empty if they were not asked.
        control: browser control's response to the token; None if it was not asked.
    """

    started: Answer
    ready: Answer
    browsers: Mapping[str, Answer] = field(default_factory=dict)
    control: Answer | None = None

    @property
    def is_ready(self) -> bool:
        """Whether the gateway reports that it is ready; the status alone is not enough, any web server returns 200."""
        return self.ready.ok and self.ready.body.get("ready") is True

    @property
    def has_started(self) -> bool:
        """Whether the gateway reports that it has started, even if some checks fail."""
        return self.started.ok and self.started.body.get("status") == "started"


def send(url: str, content: bytes, headers: Mapping[str, str], seconds: float) -> str | None:
    """Send a message to a person's receiver; returns None on success, else the reason, without the address.

    Unlike requests to a gateway, it uses the environment's proxy.

    Args:
        seconds: time limit between two bytes.
    """
    try:
        with requests.post(
            url, data=content, headers=dict(headers), timeout=seconds, allow_redirects=False, stream=True
        ) as response:
            return None if 200 <= response.status_code < 300 else f"it returns HTTP {response.status_code}"
    except requests.Timeout:
        return f"it does not respond within {seconds:g} s"
    except requests.exceptions.SSLError:
        return "its certificate is not trusted"
    except requests.ConnectionError:
        return "it cannot be reached"
    except (requests.RequestException, HTTPError, ValueError):
        return "the request failed"


class GatewayProbe:
    """Sends requests to one gateway's published port; keeps no connection open, because the gateway may be replaced.

    Args:
        host: the address on which the port is published.
        token: the gateway token; without it a response says that a check fails, but not which.
        browsers: the CDP port of each browser on loopback, by name.
        control: the port of browser control on loopback.
        cdp_token: that the CDP ports ask for.
    """

    def __init__(
        self,
        host: str,
        port: int,
        token: str | None,
        browsers: Mapping[str, int] | None = None,
        control: int | None = None,
        cdp_token: str | None = None,
    ) -> None:
        self._base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._browsers = {name: GatewayProbe("127.0.0.1", cdp, cdp_token) for name, cdp in (browsers or {}).items()}
        self._control = GatewayProbe("127.0.0.1", control, token) if control else None
        self._free = threading.BoundedSemaphore(MOST_WAITING)
        self._session = requests.Session()
        # Proxies and .netrc are for other hosts, and must not get our token.
        self._session.trust_env = False
        self._session.headers.update({"Connection": "close", "Accept-Encoding": "identity"})
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, within: float = 2 * LIMIT) -> GatewayAnswers:
        """Request ``/readyz``, and ``/startupz`` if the first is not enough.

        Args:
            within: time limit for both; seconds.
        """
        began = time.monotonic()
        ready = self.get("/readyz", min(LIMIT, within))
        if ready.ok or ready.status is None:
            return GatewayAnswers(started=ready, ready=ready)
        left = within - (time.monotonic() - began)
        return GatewayAnswers(started=self.get("/startupz", min(LIMIT, left)), ready=ready)

    def ask_browsers(self, left: Callable[[], float] = lambda: math.inf) -> dict[str, Answer]:
        """Each browser's version page; a browser that does not run refuses the connection.

        Args:
            left: seconds that are left. A browser without the time for a whole answer is not asked.
        """
        answers = {}
        for name, probe in self._browsers.items():
            if left() < LIMIT:
                break
            answers[name] = probe.get("/json/version", LIMIT)
        return answers

    @property
    def browsers(self) -> list[str]:
        """The names of the browsers that can be asked."""
        return list(self._browsers)

    def ask_control(self) -> Answer | None:
        """Browser control's response to the token; None if its port is not known."""
        # A path that does not exist: 404 with the right token, 401 with a wrong one, in 5 ms and without any browser.
        return self._control.get("/idlehands-deploy") if self._control else None

    def get(self, path: str, within: float = LIMIT) -> Answer:
        """Send a GET request."""
        return self.call("GET", path, seconds=within, within=within)

    def call(
        self, method: str, path: str, body: object = None, seconds: float = TIMEOUT, within: float | None = None
    ) -> Answer:
        """Send a request.

        Args:
            body: sent as JSON; None for none.
            seconds: time limit between two bytes.
            within: time limit for the whole response; by default ``seconds`` and a little more.
        """
        if not self._free.acquire(blocking=False):
            return Answer(None, silent=True)
        answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()

        def request() -> None:
            try:
                answers.put(self._request(method, path, body, seconds))
            finally:
                self._free.release()

        # In a thread: each byte restarts a socket's timeout, so a response that comes byte by byte would never end.
        threading.Thread(target=request, daemon=True).start()
        try:
            return answers.get(timeout=max(0.0, seconds + TIMEOUT if within is None else within))
        except queue.Empty:
            return Answer(None, silent=True)

    def _request(self, method: str, path: str, body: object, seconds: float) -> Answer:
        began = time.monotonic()
        try:
            with self._session.request(
                method, self._base + path, json=body, timeout=(TIMEOUT, seconds), allow_redirects=False, stream=True
            ) as response:
                said = _read_object(response)
                return Answer(response.status_code, said, seconds=time.monotonic() - began)
        except requests.ReadTimeout:
            return Answer(None, silent=True)
        except (requests.RequestException, HTTPError):
            return Answer(None)


def _read_object(response: requests.Response) -> dict[str, Any]:
    """The JSON object in a response; empty for anything else, and if it is too long or too slow."""
    deadline = time.monotonic() + TIMEOUT
    content = b""
    try:
        while chunk := response.raw.read1(4096):
            content += chunk
            if len(content) > LONGEST or time.monotonic() > deadline:
                return {}
        body = json.loads(content)
    except (ValueError, RecursionError, OSError, HTTPError):
        return {}
    return body if isinstance(body, dict) else {}
