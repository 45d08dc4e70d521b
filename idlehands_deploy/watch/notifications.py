"""Notifications about gateways, in the formats in which people and programs receive them; no I/O."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.watch.policy import Kind

# Version of the JSON; raised when a change would break a receiver.
VERSION = 1
# ntfy's own values.
_PRIORITY = {"recovered": "default", "problem": "high", "gave-up": "urgent"}
_TAG = {"recovered": "white_check_mark", "problem": "warning", "gave-up": "rotating_light"}
_RANK = ("recovered", "problem", "gave-up")


@dataclass(frozen=True)
class Notification:
    """One thing that people should know.

    Attributes:
        time: RFC 3339 in UTC.
        state: the gateway's verdict.
        text: a sentence, without its full stop.
        remedy: the next command; empty if there is nothing to do.
    """

    time: str
    profile: str
    kind: Kind
    state: str
    text: str
    remedy: str = ""


def as_json(project: str, host: str, batch: Sequence[Notification]) -> dict[str, Any]:
    """One message with several notifications; `text` repeats them all, for receivers that show only text."""
    return {
        "version": VERSION,
        "project": project,
        "host": host,
        "text": as_text(batch),
        "events": [asdict(item) for item in batch],
    }


def as_bytes(project: str, host: str, batch: Sequence[Notification]) -> bytes:
    """The JSON as UTF-8."""
    return json.dumps(as_json(project, host, batch), ensure_ascii=False).encode()


def as_text(batch: Sequence[Notification]) -> str:
    """One line per notification, and one below it for the next command."""
    lines = []
    for item in batch:
        lines.append(f"{item.text}.")
        if item.remedy:
            lines.append(f"Next: {item.remedy}")
    return "\n".join(lines)


def ntfy_headers(project: str, host: str, batch: Sequence[Notification]) -> dict[str, str]:
    """The headers for ntfy: title, priority and tag; the worst notification decides."""
    worst = max((item.kind for item in batch), key=_RANK.index)
    title = f"{project} on {host}".encode("ascii", "replace").decode()
    return {"Title": title, "Priority": _PRIORITY[worst], "Tags": _TAG[worst], "Content-Type": "text/plain"}
