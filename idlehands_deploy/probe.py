"""One HTTP question to a gateway, one typed answer; the only room that speaks HTTP."""

from __future__ import annotations

import json
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import requests
from urllib3.exceptions import HTTPError

# A gateway that listens answers in milliseconds; one that is stuck must not hold up its neighbours.
TIMEOUT = 2.0
# Its answers are a few hundred bytes; one that is broken into must not fill this process's memory.
LONGEST = 65536


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: the HTTP status; None if nothing answered.
        silent: whether somebody took the question and gave no answer in time.
        body: the JSON object of the answer; empty if it was none.
    """

    status: int | None
    body: dict[str, Any] = field(default_factory=dict)
    silent: bool = False

    @property
    def ok(self) -> bool:
        """Whether it was a 200."""
        return self.status == 200


@dataclass(frozen=True)
class GatewayAnswers:
    """The two questions that tell a usable gateway: has it started, and is everything in it ready."""

    started: Answer
    ready: Answer


class GatewayProbe:
    """Asks one gateway over its published port; keeps no connection, since the gateway may be replaced.

    Args:
        host: the address that the port is published on.
        token: the gateway token; without it the answers say whether, but not why not.
    """

    def __init__(self, host: str, port: int, token: str | None) -> None:
        self._base = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        self._session = requests.Session()
        # Proxies and .netrc are for the internet, and our token is not for them.
        self._session.trust_env = False
        self._session.headers.update({"Connection": "close", "Accept-Encoding": "identity"})
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self) -> GatewayAnswers:
        """Ask ``/readyz``, and ``/startupz`` where that alone does not settle it."""
        ready = self.get("/readyz")
        if ready.ok or ready.status is None:
            return GatewayAnswers(started=ready, ready=ready)
        return GatewayAnswers(started=self.get("/startupz"), ready=ready)

    def get(self, path: str) -> Answer:
        """Ask one question."""
        answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        # Every byte renews a socket's timeout, so that one that drips would hold us for ever.
        threading.Thread(target=lambda: answers.put(self._request(path)), daemon=True).start()
        try:
            return answers.get(timeout=2 * TIMEOUT)
        except queue.Empty:
            return Answer(None, silent=True)

    def _request(self, path: str) -> Answer:
        try:
            with self._session.get(self._base + path, timeout=TIMEOUT, allow_redirects=False, stream=True) as response:
                return Answer(response.status_code, _read_object(response))
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
