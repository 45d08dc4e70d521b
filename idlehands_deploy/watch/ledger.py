"""What the watch last saw of each profile, and what it wrote to the journal."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from idlehands_deploy.health.observe import SECONDS, as_entry
from idlehands_deploy.watch.journal import ALIVE
from idlehands_deploy.watch.policy import signature

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idlehands_deploy.health.observe import Observation
    from idlehands_deploy.watch.journal import Journal
    from idlehands_deploy.watch.metrics import Metrics
    from idlehands_deploy.watch.page.follow import NoJournal

Entry = dict[str, Any]


class Ledger:
    """The last observation of each profile, and the journal and metrics they go to; lives as long as the watch.

    Args:
        on_entry: called with each entry of the journal as it is written.
    """

    def __init__(
        self, journal: Journal | NoJournal, metrics: Metrics | None, on_entry: Callable[[Entry], None]
    ) -> None:
        self._journal = journal
        self._metrics = metrics
        self._on_entry = on_entry
        self._writing = threading.Lock()
        self._counting = threading.Lock()
        self._seen: dict[str, tuple[Observation, float]] = {}
        self._since: dict[str, float] = {}
        self._alive = 0.0
        self._overdue: set[str] = set()

    def write(self, event: str, **more: object) -> None:
        """Write an entry to the journal, and report it."""
        with self._writing:
            self._on_entry(self._journal.write(event, **more))
            if self._journal.has_new_file():
                # A state that lasts for months would otherwise be lost with the oldest file.
                for seen in self.latest():
                    self._journal.write("state", **as_entry(seen))

    def see(self, seen: Observation) -> None:
        """Record an observation; a new state, or other failing checks, make an entry."""
        verdict, last = seen.verdict, self._count(seen.verdict.profile, seen)
        if self._metrics:
            self._metrics.see(seen)
        if seen.unasked and verdict.profile not in self._overdue:
            # Once: a gateway that wastes time does so in each round.
            self._overdue.add(verdict.profile)
            self.write("overdue", profile=verdict.profile, reason=_overdue(seen))
        if last and signature(last.verdict) == signature(verdict):
            return
        now, since = time.monotonic(), self._since.get(verdict.profile)
        lasted = {"before": last.verdict.state, "lasted": round(now - since, 3)} if last and since else {}
        self._since[verdict.profile] = now
        self.write("state", **as_entry(seen), **lasted)

    def _count(self, profile: str, new: Observation | None = None) -> Observation | None:
        """Count the time since the last observation, and return that observation."""
        with self._counting:
            now = time.monotonic()
            last, at = self._seen.get(profile, (None, now))
            if last and self._metrics:
                self._metrics.spend(profile, last.verdict.state, now - at)
            if seen := new or last:
                self._seen[profile] = seen, now
            return last

    def latest(self) -> list[Observation]:
        """The last observation of each profile."""
        return [seen for seen, _ in self._seen.copy().values()]

    def restarted(self, profile: str) -> None:
        """Count a restart."""
        if self._metrics:
            self._metrics.restarted(profile)

    def keep(self, profiles: Sequence[str]) -> None:
        """Forget every profile that is not one of these."""
        for profile in set(self._seen) - set(profiles):
            del self._seen[profile], self._since[profile]
            self._overdue.discard(profile)
            self.write("left", profile=profile)
            if self._metrics:
                self._metrics.forget(profile)

    def tick(self) -> None:
        """Count the time that has passed, and mark the journal at regular times: the watch still runs."""
        for seen in self.latest():
            self._count(seen.verdict.profile)
        if time.monotonic() - self._alive >= ALIVE:
            self._alive = time.monotonic()
            self._journal.keep_alive()


def _overdue(seen: Observation) -> str:
    """Why an observation was cut short."""
    more = len(seen.unasked) - 3
    named = ", ".join(seen.unasked[:3]) + (f" and {more} more" if more > 0 else "")
    return (
        f"it used up the {SECONDS:g} s that one observation may take, so that {named} "
        f"{'was' if len(seen.unasked) == 1 else 'were'} not asked"
    )
