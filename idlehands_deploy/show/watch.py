"""The watch's journal as lines, table rows and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idlehands_deploy.show.layout.table import Column
from idlehands_deploy.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idlehands_deploy.watch.history import History
    from idlehands_deploy.watch.timeline import Availability

# Version of what `history --json` prints; raised when a change would break a script.
JSON_VERSION = 1
# The journal's events in words for people; scripts read the events themselves.
EVENTS = {
    "watching": "watch started",
    "ended": "watch ended",
    "treating": "restarting",
    "treated": "restarted",
    "treatment-failed": "restart failed",
    "spared": "restart skipped",
    "gave-up": "gave up",
    "not-told": "notification failed",
    "overdue": "observation cut short",
    "fleet-read": "fleet file read",
    "fleet-refused": "fleet file rejected",
    "left": "left the fleet",
}
COLUMNS = (Column("TIME"), Column("PROFILE"), Column("EVENT"), Column("AFTER", 1, "after"), Column("WHY", wraps=True))


def line(entry: Mapping[str, Any]) -> str:
    """An entry as one line."""
    return f"{entry['time']} {_sentence(entry)}"


def rows(history: History) -> list[tuple[str, ...]]:
    """One row per entry, oldest first."""
    return [
        (
            str(entry["time"]),
            str(entry.get("profile", "-")),
            event(entry),
            age(float(entry["lasted"])) if "lasted" in entry else "-",
            why(entry) or "-",
        )
        for entry in history.entries
    ]


def summary(history: History) -> list[str]:
    """One sentence per profile: how available it was."""
    return [_available(name, found, history.until - history.since) for name, found in history.availability.items()]


def as_json(history: History) -> dict[str, Any]:
    """The whole history, as docs/health.md describes it."""
    return {
        "version": JSON_VERSION,
        "since": timestamp(history.since),
        "until": timestamp(history.until),
        "profiles": [
            {
                "profile": name,
                "watched_seconds": round(found.watched, 3),
                "ready_seconds": round(found.ready, 3),
                "usable_seconds": round(found.usable, 3),
                "outages": found.outages,
                "longest_outage_seconds": round(found.longest, 3),
                "treatments": found.restarts,
            }
            for name, found in history.availability.items()
        ],
        "entries": [{key: value for key, value in entry.items() if key != "at"} for entry in history.entries],
    }


def age(seconds: float) -> str:
    """A duration in its two largest units, such as ``2h 5m``."""
    whole = max(0, round(seconds))
    parts = []
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if whole >= size:
            parts.append(f"{whole // size}{unit}")
            whole %= size
        elif parts:
            break
    return " ".join(parts[:2]) or "0s"


def _available(name: str, found: Availability, asked: float) -> str:
    if not found.watched:
        return f"{name}: not watched in the last {age(asked)}."
    ready, usable = (f"{_percent(part / found.watched)} %" for part in (found.ready, found.usable))
    also = "" if ready == usable else f", usable {usable}"
    outages = "no outage"
    if found.outages:
        outages = f"{found.outages} outage{'s' if found.outages > 1 else ''}, the longest {age(found.longest)}"
    times = "once" if found.restarts == 1 else f"{found.restarts} times"
    restarts = f"; restarted by the watch {times}" if found.restarts else ""
    return f"{name}: ready {ready}{also} of {age(found.watched)} watched; {outages}{restarts}."


def _percent(share: float) -> str:
    # Rounded down: 99.999 % must not look like 100 %.
    return f"{int(share * 10000) / 100:g}"


def _sentence(entry: Mapping[str, Any]) -> str:
    profile, reason = entry.get("profile", ""), why(entry)
    subject = f"{profile} " if profile else ""
    lasted = f" (was {entry['before']} for {age(float(entry['lasted']))})" if "lasted" in entry else ""
    return f"{subject}{event(entry)}{lasted}" + (f": {reason}" if reason else "")


def event(entry: Mapping[str, Any]) -> str:
    """What happened, in words."""
    name = str(entry["event"])
    return str(entry["state"]) if name == "state" else EVENTS.get(name, name)


def why(entry: Mapping[str, Any]) -> str:
    """Why it happened; empty if there is nothing to say."""
    match entry["event"]:
        case "treating":
            return f"{entry.get('reason', '')} (attempt {entry.get('attempt')}: {_action(entry)})"
        case "treated":
            return f"{_action(entry)} took {entry.get('seconds')} s"
        case "treatment-failed":
            return f"{_action(entry)}: {entry.get('reason', '')}"
        case "not-told":
            return f"{entry.get('receiver')}: {entry.get('reason', '')}"
        case "watching" | "fleet-read":
            return ", ".join(map(str, entry.get("profiles", [])))
        case _:
            return str(entry.get("reason", ""))


def _action(entry: Mapping[str, Any]) -> str:
    return "restart" if entry.get("cure") == "restart" else "new container"
