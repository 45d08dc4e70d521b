"""News of gateways, in the forms in which they are sent to people and programs; no I/O."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.watch.policy import Kind

# Of the JSON; raised when a receiver would break.
VERSION = 1
# In ntfy's words.
_PRIORITY = {"recovered": "default", "problem": "high", "gave-up": "urgent"}
_TAG = {"recovered": "white_check_mark", "problem": "warning", "gave-up": "rotating_light"}
_RANK = ("recovered", "problem", "gave-up")


@dataclass(frozen=True)
class News:
    """One thing that people should know.

    Attributes:
        time: RFC 3339 in UTC.
        state: the gateway's verdict.
        text: a sentence, without its full stop.
        remedy: the next command; empty where there is nothing to do.
    """

    time: str
    profile: str
    kind: Kind
    state: str
    text: str
    remedy: str = ""


def as_json(project: str, host: str, news: Sequence[News]) -> dict[str, Any]:
    """One message of several news; `text` is all of it for a receiver that only shows texts."""
    return {
        "version": VERSION,
        "project": project,
        "host": host,
        "text": as_text(news),
        "events": [asdict(item) for item in news],
    }


def as_bytes(project: str, host: str, news: Sequence[News]) -> bytes:
    """The same as UTF-8."""
    return json.dumps(as_json(project, host, news), ensure_ascii=False).encode()


def as_text(news: Sequence[News]) -> str:
    """A line each, and one below it for the next command."""
    lines = []
    for item in news:
        lines.append(f"{item.text}.")
        if item.remedy:
            lines.append(f"Next: {item.remedy}")
    return "\n".join(lines)


def ntfy_headers(project: str, host: str, news: Sequence[News]) -> dict[str, str]:
    """What ntfy shows beside the text, as loud as the worst of the news."""
    worst = max((item.kind for item in news), key=_RANK.index)
    title = f"{project} on {host}".encode("ascii", "replace").decode()
    return {"Title": title, "Priority": _PRIORITY[worst], "Tags": _TAG[worst], "Content-Type": "text/plain"}
