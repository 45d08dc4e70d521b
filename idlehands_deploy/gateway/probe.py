"""One HTTP question to a gateway, one typed answer; the only room that speaks HTTP."""

from __future__ import annotations

import json
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from collections.abc import Mapping

# A gateway that listens answers in milliseconds; one that is stuck must not hold up its neighbours.
TIMEOUT = 2.0
# For one that drips.
LIMIT = 2 * TIMEOUT
# Its answers are a few hundred bytes; one that is broken into must not fill this process's memory.
LONGEST = 65536


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: the HTTP status; None if nothing answered.
        silent: whether somebody took the question and gave no answer in time.
        body: the JSON object of the answer; empty if it was none.
        seconds: that it took to come.
    """

    status: int | None
    body: dict[str, Any] = field(default_factory=dict)
    silent: bool = False
    seconds: float = field(default=0.0, compare=False)

    @property
    def ok(self) -> bool:
        """Whether it was a 200."""
        return self.status == 200


@dataclass(frozen=True)
class GatewayAnswers:
    """The two questions that tell a usable gateway: has it started, and is everything in it ready.

    Attributes:
        browsers: what each of its browsers said on its CDP port, by name; empty if they were not asked.
        control: what its browser control said to its token; None if it was not asked.
    """

    started: Answer
    ready: Answer
    browsers: Mapping[str, Answer] = field(default_factory=dict)
    control: Answer | None = None

    @property
    def is_ready(self) -> bool:
        """Whether a gateway says that it is ready: many a web server answers 200 to whatever it is asked."""
        return self.ready.ok and self.ready.body.get("ready") is True

    @property
    def has_started(self) -> bool:
        """Whether a gateway says that it works, if not all of it."""
        return self.started.ok and self.started.body.get("status") == "started"


def send(url: str, content: bytes, headers: Mapping[str, str], seconds: float) -> str | None:
    """Send a message to an address of a person's choice; None if it was taken, else why not, without the address.

    Unlike a gateway, it may lie behind the person's proxy.

    Args:
        seconds: that the other side may take between two bytes.
    """
    try:
        with requests.post(
            url, data=content, headers=dict(headers), timeout=seconds, allow_redirects=False, stream=True
        ) as response:
            return None if 200 <= response.status_code < 300 else f"it answers {response.status_code}"
    except requests.Timeout:
        return f"it gives no answer within {seconds:g} s"
    except requests.exceptions.SSLError:
        return "its certificate is not trusted here"
    except requests.ConnectionError:
        return "it cannot be reached"
    except (requests.RequestException, HTTPError, ValueError):
        return "it cannot be spoken to"


class GatewayProbe:
    """Asks one gateway over its published port; keeps no connection, since the gateway may be replaced.

    Args:
        host: the address that the port is published on.
        token: the gateway token; without it the answers say whether, but not why not.
        browsers: the CDP port of each of its browsers on loopback, by name.
        control: the port of its browser control on loopback.
    """

    def __init__(
        self,
        host: str,
        port: int,
        token: str | None,
        browsers: Mapping[str, int] | None = None,
        control: int | None = None,
    ) -> None:
        self._base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._browsers = {name: GatewayProbe("127.0.0.1", cdp, None) for name, cdp in (browsers or {}).items()}
        self._control = GatewayProbe("127.0.0.1", control, token) if control else None
        self._session = requests.Session()
        # Proxies and .netrc are for the internet, and our token is not for them.
        self._session.trust_env = False
        self._session.headers.update({"Connection": "close", "Accept-Encoding": "identity"})
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, within: float = 2 * LIMIT) -> GatewayAnswers:
        """Ask ``/readyz``, and ``/startupz`` where that alone does not settle it.

        Args:
            within: seconds for both, after which there is no answer.
        """
        began = time.monotonic()
        ready = self.get("/readyz", min(LIMIT, within))
        if ready.ok or ready.status is None:
            return GatewayAnswers(started=ready, ready=ready)
        left = within - (time.monotonic() - began)
        return GatewayAnswers(started=self.get("/startupz", min(LIMIT, left)), ready=ready)

    def ask_browsers(self) -> dict[str, Answer]:
        """What each browser says of itself; a refused connection is one that does not run."""
        return {name: probe.get("/json/version") for name, probe in self._browsers.items()}

    def ask_control(self) -> Answer | None:
        """What browser control says to the token; None where it cannot be asked."""
        # Nobody serves this: 404 to the token, 401 to a stranger, and no browser is held up, nor waited for.
        return self._control.get("/idlehands-deploy") if self._control else None

    def get(self, path: str, within: float = LIMIT) -> Answer:
        """Ask one question."""
        return self.call("GET", path, within=within)

    def call(
        self, method: str, path: str, body: object = None, seconds: float = TIMEOUT, within: float | None = None
    ) -> Answer:
        """Ask for something to be done.

        Args:
            body: sent as JSON; None for none.
            seconds: how long the gateway may take between two bytes.
            within: seconds for all of it; as long as that for its first byte and a little more if not given.
        """
        answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        # Every byte renews a socket's timeout, so that one that drips would hold us for ever.
        threading.Thread(target=lambda: answers.put(self._request(method, path, body, seconds)), daemon=True).start()
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
    """The JSON object of an answer; empty for anything else, too long or too slow ones included."""
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
