"""The page's parts as JSON texts: each is made once for all readers, and only when one asks."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

from idlehands_deploy import __version__
from idlehands_deploy.operations.watch import EVENTS, FLEET, GATEWAY, STATES, USAGE
from idlehands_deploy.show import page
from idlehands_deploy.web.findings import Findings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from idlehands_deploy.operations.watch import PageSource, Watched

FINDINGS = "doctor"
# How often is looked whether a watch still runs; seconds.
REMAKE = 60.0
# How long a stream says nothing while nothing changes, and how often at most it says something; seconds.
SILENCE = 15.0
PACE = 0.5


class Parts:
    """The current parts of the page."""

    def __init__(self, source: PageSource) -> None:
        self.changes = source.overview.changes
        self._overview = source.overview
        self._words = page.Words(source.redaction, source.directory)
        self._made: dict[str, tuple[int, str]] = {}
        self._lock = threading.Lock()
        self._remade = time.monotonic()
        # A number of this process: after a restart of it, a browser's last number means nothing.
        self._run = secrets.token_hex(4)
        self._findings = Findings(source, self._words, lambda: self.changes.mark(FINDINGS))
        self._makers: dict[str, Callable[[Watched, str, float], Any]] = {
            FLEET: self._fleet,
            EVENTS: lambda *_: page.events(self._overview.events(), self._words),
            FINDINGS: lambda *_: self._findings.result,
            GATEWAY: self._gateway,
            USAGE: self._usage,
            STATES: self._states,
        }

    def stream(self, last_id: str) -> Iterator[bytes]:
        """Server-sent events for one reader, from its last event on.

        Args:
            last_id: the id of that event; empty for a new reader.
        """
        after = self._number(last_id)
        yield b"retry: 2000\n\n"
        while not self.changes.closed:
            self._look()
            last, changed = self.changes.wait(after, SILENCE)
            if changed:
                after = last
                yield self._event(last, changed)
                # Many changes in a short time are one event.
                time.sleep(PACE)
            else:
                yield b":\n\n"

    def _number(self, event_id: str) -> int:
        """The number in an event's id; 0 if it is none of this process."""
        found = re.fullmatch(rf"{self._run}-([0-9]{{1,15}})", event_id)
        return int(found[1]) if found else 0

    def _event(self, number: int, changed: list[str]) -> bytes:
        parts = ((part, self._text(part)) for part in changed)
        joined = ",".join(f"{json.dumps(part)}:{text}" for part, text in parts if text)
        data = f'{{"now":{time.time():.1f},"parts":{{{joined}}}}}'
        return f"id: {self._run}-{number}\ndata: {data}\n\n".encode()

    def _look(self) -> None:
        """Have `doctor` run, and what depends on the time made again, if it is due."""
        self._findings.want(self.changes.number(EVENTS))
        with self._lock:
            if time.monotonic() - self._remade < REMAKE:
                return
            self._remade = time.monotonic()
        self.changes.mark(FLEET)

    def _text(self, part: str) -> str:
        number = self.changes.number(part)
        made = self._made.get(part)
        if made is None or made[0] != number:
            value = self._value(part)
            made = number, "" if value is None else json.dumps(value, separators=(",", ":"))
            self._made[part] = made
        return made[1]

    def _value(self, part: str) -> Any:  # noqa: ANN401 - any JSON value
        """A part's current value; None if there is none."""
        kind, slash, name = part.partition("/")
        watched = self._overview.watched
        if watched is None or (name and name not in watched.profiles):
            return None
        return self._makers[kind + slash](watched, name, time.time())

    def _fleet(self, watched: Watched, _: str, now: float) -> Any:  # noqa: ANN401
        is_watched = self._overview.is_journal_written(now)
        return page.fleet(watched, self._words, is_watched=is_watched, version=__version__)

    def _gateway(self, watched: Watched, name: str, now: float) -> Any:  # noqa: ANN401
        seen = self._overview.latest(name)
        return seen and page.gateway(seen, watched, self._overview.spans(name, now), self._words)

    def _usage(self, _: Watched, name: str, now: float) -> Any:  # noqa: ANN401
        return page.usage(*self._overview.usage(name, now), now)

    def _states(self, _: Watched, name: str, now: float) -> Any:  # noqa: ANN401
        return page.states(self._overview.spans(name, now), self._overview.restarts(name), now, self._words)
