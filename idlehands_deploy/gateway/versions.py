"""The versions of gateways, and which of them started last with a state."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from idlehands_deploy.gateway.leases import databases

if TYPE_CHECKING:
    from pathlib import Path

# Where a gateway (2026.7.35 and later) notes its version when it has migrated a state: in the first line of a cell.
NOTED = "SELECT substr(app_version, 1, 40) FROM schema_meta WHERE meta_key = 'startup-migrations'"
VERSION = re.compile(r"\d{4}\.\d{1,3}\.\d{1,3}([-.+][0-9A-Za-z.-]{1,20})?")
# A gateway may put into its database what makes a query endless; seconds.
READING = 5.0


def is_version(text: str) -> bool:
    """Whether a text is a gateway's version, such as 2026.9.6."""
    return VERSION.fullmatch(text) is not None


def order(version: str) -> tuple[int, ...]:
    """A version for comparison: 2026.10.1 is newer than 2026.9.6."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def state_version(state: Path) -> str:
    """The version that started last with a state directory; empty if it is not known."""
    deadline = time.monotonic() + READING
    for path in databases(state):
        if path.parent.name == "state" and path.parent.parent == state and time.monotonic() < deadline:
            with suppress(sqlite3.Error, OSError):
                if is_version(found := _read(path, deadline).partition("\n")[0]):
                    return found
    return ""


def _read(path: Path, deadline: float) -> str:
    with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as database:
        database.set_progress_handler(lambda: time.monotonic() > deadline, 100_000)
        row = database.execute(NOTED).fetchone()
        return str(row[0]) if row else ""
