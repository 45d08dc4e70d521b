"""What the watch wrote about gateways, and how available each one was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import UsageError
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.watch.journal import ALIVE, read_journal
from idlehands_deploy.watch.timeline import Availability, Timeline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.session import Session


@dataclass(frozen=True)
class History:
    """The entries about some profiles in a period.

    Attributes:
        since, until: the period; seconds since 1970.
        entries: as in the journal, oldest first.
        availability: by profile.
    """

    since: float
    until: float
    entries: list[dict[str, Any]]
    availability: dict[str, Availability]


def history(session: Session, names: Sequence[str], since: float, now: float) -> History:
    """Read the journal; a name may also be a profile that is no longer in the fleet.

    Args:
        since, now: the period; seconds since 1970.

    Raises:
        UsageError: there is no such profile, or `watch` has not run yet.
    """
    fleet = session.fleet()
    watched = read_journal(session.deployment.journal_file)
    if not watched.entries:
        raise UsageError(
            "No history: `watch` has not run here.",
            Remedy(
                "Start it: ",
                ours("watch"),
                "   (as a service: ",
                ours("install", "--watch", as_root=True),
                ")",
            ),
        )
    known = {str(entry["profile"]) for entry in watched.entries if "profile" in entry}
    select(fleet, [name for name in names if name not in known])
    profiles = list(dict.fromkeys(names)) or list(fleet.profiles)
    # A running watch updates the file's time only every 30 s.
    until = now if now - watched.until <= 2 * ALIVE else watched.until
    timeline = Timeline.of(watched.entries)
    return History(
        since,
        now,
        [entry for entry in watched.entries if entry["at"] >= since and entry.get("profile", profiles[0]) in profiles],
        {name: timeline.availability(name, since, until) for name in profiles},
    )
