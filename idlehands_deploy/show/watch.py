"""A watch's journal as lines, as a table and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from idlehands_deploy.timestamps import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idlehands_deploy.watch.history import History
    from idlehands_deploy.watch.journal import Availability

# Of what `history --json` prints; raised when a script would break.
JSON_VERSION = 1
COLUMNS = ("TIME", "PROFILE", "EVENT", "AFTER", "WHY")


def line(entry: Mapping[str, Any]) -> str:
    """An entry in one line, for whoever watches the watch."""
    return f"{entry['time']} {_sentence(entry)}"


def rows(history: History) -> list[tuple[str, ...]]:
    """A row an entry, oldest first."""
    return [
        (
            str(entry["time"]),
            str(entry.get("profile", "-")),
            str(entry["state"] if entry["event"] == "state" else entry["event"]),
            age(float(entry["lasted"])) if "lasted" in entry else "-",
            _why(entry) or "-",
        )
        for entry in history.entries
    ]


def summary(history: History) -> list[str]:
    """A sentence a profile on how available it was."""
    return [_available(name, found, history.until - history.since) for name, found in history.availability.items()]


def as_json(history: History) -> dict[str, Any]:
    """All of it; docs/health.md says what is in it."""
    return {
        "version": JSON_VERSION,
        "since": moment(history.since),
        "until": moment(history.until),
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
    """A time in its two largest units, as in ``2h 5m``."""
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
        return f"{name}: nothing is known of the last {age(asked)}."
    ready, usable = (f"{_percent(part / found.watched)} %" for part in (found.ready, found.usable))
    also = "" if ready == usable else f", usable {usable}"
    outages = "no outage"
    if found.outages:
        outages = f"{found.outages} outage{'s' if found.outages > 1 else ''}, the longest {age(found.longest)}"
    times = "once" if found.restarts == 1 else f"{found.restarts} times"
    restarts = f"; started anew by the watch {times}" if found.restarts else ""
    return f"{name}: ready {ready}{also} of {age(found.watched)} watched; {outages}{restarts}."


def _percent(share: float) -> str:
    # Rounded down: what is not all of it must not look so.
    return f"{int(share * 10000) / 100:g}"


def _sentence(entry: Mapping[str, Any]) -> str:
    profile, why = entry.get("profile", ""), _why(entry)
    subject = f"{profile} " if profile else ""
    lasted = f" (was {entry['before']} for {age(float(entry['lasted']))})" if "lasted" in entry else ""
    event = entry["state"] if entry["event"] == "state" else entry["event"]
    return f"{subject}{event}{lasted}" + (f": {why}" if why else "")


def _why(entry: Mapping[str, Any]) -> str:
    match entry["event"]:
        case "treating":
            return f"{_cure(entry)}, since it is {entry.get('reason', '')} (attempt {entry.get('attempt')})"
        case "treated":
            return f"{_cure(entry)} took {entry.get('seconds')} s"
        case "treatment-failed":
            return f"{_cure(entry)}: {entry.get('reason', '')}"
        case "not-told":
            return f"{entry.get('receiver')}: {entry.get('reason', '')}"
        case "watching" | "fleet-read":
            return ", ".join(map(str, entry.get("profiles", [])))
        case _:
            return str(entry.get("reason", ""))


def _cure(entry: Mapping[str, Any]) -> str:
    return "restart" if entry.get("cure") == "restart" else "up: its ports and network anew"
