"""One HTTP question to a gateway, one typed answer; the only room that speaks HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests

# A gateway that listens answers in milliseconds; one that is stuck must not hold up its neighbours.
TIMEOUT = 2.0


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        status: the HTTP status; None if nothing answered.
        body: the JSON object of the answer; empty if it was none.
    """

    status: int | None
    body: dict[str, Any] = field(default_factory=dict)

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
        self._session.headers["Connection"] = "close"
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self) -> GatewayAnswers:
        """Ask ``/readyz``, and ``/startupz`` where that alone does not settle it."""
        ready = self._get("/readyz")
        if ready.ok or ready.status is None:
            return GatewayAnswers(started=ready, ready=ready)
        return GatewayAnswers(started=self._get("/startupz"), ready=ready)

    def _get(self, path: str) -> Answer:
        try:
            response = self._session.get(self._base + path, timeout=TIMEOUT, allow_redirects=False)
        except requests.RequestException:
            return Answer(None)
        try:
            body = response.json()
        except requests.JSONDecodeError:
            body = {}
        return Answer(response.status_code, body if isinstance(body, dict) else {})
