"""Snapshots as a table for people and as JSON for scripts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show.layout.table import NOTHING, Column
from idlehands_deploy.show.watch import age
from idlehands_deploy.text import file_size, printable
from idlehands_deploy.timestamps import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from idlehands_deploy.state.snapshots import Snapshot

COLUMNS = (
    Column("PROFILE"),
    Column("SNAPSHOT"),
    Column("AGE", label="age"),
    Column("SIZE", label="size", gives=2),
    Column("GATEWAY", label="gateway", gives=3),
    Column("WAS READY", label="was ready", gives=1),
    Column("WHY", label="why", wraps=True),
    Column("LABEL", label="label", wraps=True),
)


def rows(snapshots: Sequence[Snapshot]) -> list[tuple[str, ...]]:
    """One row per snapshot."""
    now = time.time()
    return [
        (
            one.profile,
            one.id,
            age(now - one.taken_at),
            file_size(one.size),
            one.version or NOTHING,
            "yes" if one.proven else NOTHING,
            one.reason,
            printable(one.label) or NOTHING,
        )
        for one in snapshots
    ]


def notes(snapshots: Sequence[Snapshot], names: Sequence[str]) -> Iterator[Remedy]:
    """What can be done with them."""
    if not snapshots:
        yield Remedy("There is none. Take one: ", ours("snapshots", "create", *names))


def as_json(snapshots: Sequence[Snapshot]) -> list[dict[str, Any]]:
    """One object per snapshot."""
    return [
        {
            "profile": one.profile,
            "id": one.id,
            "taken_at": timestamp(one.taken_at),
            "size": one.size,
            "version": one.version,
            "proven": one.proven,
            "reason": one.reason,
            "label": one.label,
        }
        for one in snapshots
    ]
