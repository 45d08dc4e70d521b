"""The states of gateways over time, from the journal's entries, and how available each gateway was."""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from idlehands_deploy.timestamps import read_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Span(NamedTuple):
    """A time in which a gateway was in one state; seconds since 1970."""

    state: str
    usable: bool
    since: float
    until: float
    reason: str = ""


@dataclass
class Availability:
    """How available one gateway was in a period; seconds.

    Attributes:
        watched: time in which the watch ran and the engine was reachable.
        ready, usable: the part of it in which the gateway was ready, and in which a person could use it.
        outages: how often it became unusable.
        longest: the longest outage.
        restarts: how often the watch restarted it.
    """

    watched: float = 0
    ready: float = 0
    usable: float = 0
    outages: int = 0
    longest: float = 0
    restarts: int = 0


class Timeline:
    """The states of gateways, from entries that are added oldest first.

    Args:
        most: how many spans and restarts of a profile are kept; None for all.
    """

    def __init__(self, most: int | None = None) -> None:
        self._ended: defaultdict[str, deque[Span]] = defaultdict(lambda: deque(maxlen=most))
        self._restarts: defaultdict[str, deque[float]] = defaultdict(lambda: deque(maxlen=most))
        self._open: dict[str, Span] = {}

    @classmethod
    def of(cls, entries: Iterable[Mapping[str, Any]]) -> Self:
        """The timeline of these entries, oldest first."""
        made = cls()
        for entry in entries:
            made.add(entry)
        return made

    def add(self, entry: Mapping[str, Any]) -> None:
        """Add an entry; ``at`` is its time in seconds since 1970."""
        at, profile = entry["at"], str(entry.get("profile"))
        match entry["event"]:
            case "watching" | "ended":
                # A killed watch writes no end: the next watch notes the file's time, which is when it last ran.
                end = min(at, read_timestamp(entry.get("unwatched_since")) or at)
                for name in [*self._open]:
                    self._end(name, end)
            case "left":
                self._end(profile, at)
            case "state":
                self._end(profile, at)
                state = str(entry.get("state"))
                # Without an engine the state is unknown, which counts as not watched.
                if state != "unknown":
                    reason = str(entry.get("reason", ""))
                    self._open[profile] = Span(state, bool(entry.get("usable")), at, at, reason)
            case "treated":
                self._restarts[profile].append(at)

    def spans(self, profile: str, until: float) -> list[Span]:
        """A gateway's states up to this time, oldest first; there are gaps where nobody watched."""
        running = [self._open[profile]._replace(until=until)] if profile in self._open else []
        found = [*self._ended.get(profile, ()), *running]
        return [span._replace(until=min(span.until, until)) for span in found if span.since < min(span.until, until)]

    def restarts(self, profile: str) -> list[float]:
        """When the watch restarted a gateway, oldest first."""
        return list(self._restarts.get(profile, ()))

    def availability(self, profile: str, since: float, until: float) -> Availability:
        """How available a gateway was between two times.

        Args:
            until: not later than the watch last ran.
        """
        found = _availability(self.spans(profile, until), since, until)
        found.restarts = sum(since <= at <= until for at in self.restarts(profile))
        return found

    def _end(self, profile: str, at: float) -> None:
        if span := self._open.pop(profile, None):
            self._ended[profile].append(span._replace(until=at))


def _availability(spans: Iterable[Span], since: float, until: float) -> Availability:
    """How available a gateway was between two times, without the restarts.

    Args:
        spans: oldest first.
    """
    found, outage, end = Availability(), 0.0, since
    for span in clipped(spans, since, until):
        lasted = span.until - span.since
        found.watched += lasted
        found.ready += lasted if span.state == "ready" else 0
        found.usable += lasted if span.usable else 0
        goes_on = outage and span.since == end
        found.outages += not span.usable and not goes_on
        outage = 0.0 if span.usable else lasted + (outage if goes_on else 0)
        found.longest = max(found.longest, outage)
        end = span.until
    return found


def clipped(spans: Iterable[Span], since: float, until: float) -> Iterator[Span]:
    """The parts of spans that lie between two times."""
    for span in spans:
        begin, end = max(since, span.since), min(until, span.until)
        if begin < end:
            yield span._replace(since=begin, until=end)
