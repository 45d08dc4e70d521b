"""What a watch has written of gateways, and how available it found them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import UsageError
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.watch.journal import ALIVE, Availability, availability, read_journal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.deployment.session import Session


@dataclass(frozen=True)
class History:
    """What was written of some profiles in a while.

    Attributes:
        since, until: the while; seconds since 1970.
        entries: as they stand in the journal, oldest first.
        availability: of each profile.
    """

    since: float
    until: float
    entries: list[dict[str, Any]]
    availability: dict[str, Availability]


def history(session: Session, names: Sequence[str], since: float, now: float) -> History:
    """Read the journal; a profile that has left the fleet may be named too.

    Args:
        since, now: the while; seconds since 1970.

    Raises:
        UsageError: there is no such profile, or nobody has watched yet.
    """
    fleet = session.fleet()
    watched = read_journal(session.deployment.journal_file)
    if not watched.entries:
        raise UsageError(
            "Nobody has watched these gateways yet, so that nothing is known of their past.",
            Remedy(
                "Watch from now on: ",
                ours("watch"),
                "   (as a service: ",
                ours("install", "--watch", as_root=True),
                ")",
            ),
        )
    known = {str(entry["profile"]) for entry in watched.entries if "profile" in entry}
    select(fleet, [name for name in names if name not in known])
    profiles = list(dict.fromkeys(names)) or list(fleet.profiles)
    # The file's time is renewed only now and then.
    until = now if now - watched.until <= 2 * ALIVE else watched.until
    return History(
        since,
        now,
        [entry for entry in watched.entries if entry["at"] >= since and entry.get("profile", profiles[0]) in profiles],
        {name: availability(watched.entries, name, since, until) for name in profiles},
    )
