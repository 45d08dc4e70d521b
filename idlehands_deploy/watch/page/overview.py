"""What a watch knows of its gateways, kept for a page: now, over the last hour, and from the journal."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idlehands_deploy.errors import DeployError
from idlehands_deploy.watch.journal import ALIVE, last_run, read_entries
from idlehands_deploy.watch.page.changes import Changes
from idlehands_deploy.watch.page.samples import Samples
from idlehands_deploy.watch.timeline import Span, Timeline, clipped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.fleet.ports import PortPlan
    from idlehands_deploy.health.observe import Observation

Event = dict[str, Any]
# The parts that change on their own.
FLEET, EVENTS = "fleet", "events"
GATEWAY, USAGE, STATES = "gateway/", "usage/", "states/"
# How much is kept of a gateway that changes all the time.
MOST_SPANS = 500
MOST_EVENTS = 60
# What an event keeps of an entry.
_SHOWN = ("at", "event", "profile", "state", "before", "lasted", "reason", "cure", "attempt", "seconds",
          "receiver", "profiles")  # fmt: skip


@dataclass(frozen=True)
class Watched:
    """What is watched.

    Attributes:
        profiles: those that are watched.
    """

    fleet: Fleet
    ports: PortPlan
    profiles: Sequence[str]


class Overview:
    """The gateways as a watch sees them; called from many threads, and bounded however long it lives.

    Its timeline has two parts: what other watches write to the journal, and beyond that what this one sees.

    Args:
        journal: the path of the deployment's journal.
        is_own: whether this watch writes it; what is in it before is then from earlier watches.

    Attributes:
        changes: which part changed when.
        watched: what is watched; None before the first round.
    """

    def __init__(self, journal: Path, *, is_own: bool) -> None:
        self.changes = Changes()
        self.watched: Watched | None = None
        self._path = journal
        self._until = last_run(journal) if is_own else None
        self._lock = threading.Lock()
        self._signature: tuple[int, int] | None = None
        self._others = _Past()
        self._own = _Past()
        self._seen: dict[str, Observation] = {}
        self._samples: dict[str, Samples] = {}
        self.read_journal()

    def begin(self, watched: Watched) -> None:
        """Begin with a fleet, or go on with a newer one."""
        gone = set(self.profiles) - set(watched.profiles)
        with self._lock:
            self.watched = watched
            for profile in gone:
                self._seen.pop(profile, None)
                self._samples.pop(profile, None)
        self.changes.forget(*(part + name for name in gone for part in (GATEWAY, USAGE, STATES)))
        self.changes.mark(FLEET, EVENTS, *(STATES + name for name in watched.profiles))

    def see(self, seen: Observation) -> None:
        """Take in an observation."""
        profile, changed = seen.verdict.profile, []
        with self._lock:
            self._seen[profile] = seen
            if seen.usage and self._samples.setdefault(profile, Samples()).add(seen.usage, time.time()):
                changed.append(USAGE + profile)
        self.changes.mark(GATEWAY + profile, *changed)

    def write(self, entry: dict[str, Any]) -> None:
        """Take in an entry of this watch, whether or not it is written to the journal."""
        now = time.time()
        # Another watch writes the same event in its own words.
        is_told = self._until is None and self.is_journal_written(now)
        with self._lock:
            self._own.add(entry | {"at": now}, as_event=not is_told)
        if (profile := entry.get("profile")) in self.profiles:
            self.changes.mark(EVENTS, STATES + str(profile))
        else:
            self.changes.mark(EVENTS)

    def read_journal(self) -> None:
        """Take in what other watches wrote, if that has changed; a journal that cannot be read is left out."""
        try:
            found = self._path.stat()
            signature = found.st_ino, found.st_size
            if signature == self._signature:
                return
            past = _Past()
            for entry in read_entries(self._path):
                past.add(entry)
        except (OSError, DeployError):
            return
        with self._lock:
            self._signature, self._others = signature, past
        self.changes.mark(EVENTS, *(STATES + name for name in self.profiles))

    @property
    def profiles(self) -> Sequence[str]:
        """The profiles that are watched."""
        return self.watched.profiles if self.watched else ()

    def latest(self, profile: str) -> Observation | None:
        """The last observation of a profile."""
        return self._seen.get(profile)

    def usage(self, profile: str, now: float) -> tuple[list[int | None], list[float | None]]:
        """Memory and CPU of a profile over the last hour."""
        with self._lock:
            samples = self._samples.get(profile) or Samples()
            return samples.memory(now), samples.cpu(now)

    def spans(self, profile: str, now: float) -> list[Span]:
        """A profile's states until now: from the journal, and beyond that from what this watch saw."""
        until = last_run(self._path) if self._until is None else self._until
        with self._lock:
            others = self._others.timeline.spans(profile, min(now, until))
            return [*others, *clipped(self._own.timeline.spans(profile, now), until, now)]

    def restarts(self, profile: str) -> list[float]:
        """When a watch restarted a profile, oldest first."""
        with self._lock:
            return [*self._others.timeline.restarts(profile), *self._own.timeline.restarts(profile)]

    def events(self) -> list[Event]:
        """The latest events of these profiles, oldest first."""
        with self._lock:
            both = [*self._others.events, *self._own.events]
        mine = {None, *self.profiles}
        return sorted((event for event in both if event.get("profile") in mine), key=_at)[-MOST_EVENTS:]

    def is_journal_written(self, now: float) -> bool:
        """Whether a watch writes the journal now, this one or another."""
        if self._until is not None:
            return True
        return not self._others.has_ended and now - last_run(self._path) <= 2 * ALIVE


class _Past:
    """What entries tell: the states over time, and the latest events."""

    def __init__(self) -> None:
        self.timeline = Timeline(MOST_SPANS)
        self.events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self.has_ended = False

    def add(self, entry: Event, *, as_event: bool = True) -> None:
        self.timeline.add(entry)
        self.has_ended = entry["event"] == "ended"
        if as_event:
            self.events.append({key: entry[key] for key in _SHOWN if key in entry})


def _at(event: Event) -> float:
    return float(event["at"])
