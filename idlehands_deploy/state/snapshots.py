"""The snapshots of a profile: their records, which there are, and which are kept."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from idlehands_deploy.errors import UsageError
from idlehands_deploy.host.file_facts import names_in
from idlehands_deploy.host.files import read_text, remove_tree, write_durable
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.state.trees import measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment

RECORD = "snapshot.json"
# Of the record.
FORM = 1
# The end of the id of what a gateway made of a state, and was not ready with.
FAILED = "-failed"
DELETED = ".deleted"
ID = re.compile(r"\d{8}-\d{6}(-\d+)?(-failed)?")


@dataclass(frozen=True)
class Snapshot:
    """One snapshot.

    Attributes:
        id: when it was taken, in UTC, such as 20261128-181530.
        taken_at: seconds since 1970.
        reason: why it was taken, such as "before a rollback".
        version: of the gateway that used it last; empty if not known.
        image: the id of that gateway's image; empty if not known.
        reference: a name of that image; empty if not known.
        size: on the disk; bytes.
        proven: whether a gateway was ready with it.
        label: a person's own words; one with a label is never deleted automatically.
    """

    profile: str
    id: str
    taken_at: float
    reason: str = "its record is damaged or missing"
    version: str = ""
    image: str = ""
    reference: str = ""
    size: int = 0
    proven: bool = False
    label: str = ""

    @property
    def is_failed(self) -> bool:
        """Whether it is what a gateway made of a state, and was not kept."""
        return self.id.endswith(FAILED)


def new_id(deployment: Deployment, profile: str, now: float) -> str:
    """An id that no snapshot of the profile has, nor any that is being made.

    Args:
        now: seconds since 1970.
    """
    text = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
    taken = {name.lstrip(".") for name in names_in(deployment.snapshots_directory(profile))}
    return next(name for name in (text, *(f"{text}-{number}" for number in range(2, 10_000))) if name not in taken)


def write_record(directory: Path, values: dict[str, Any]) -> None:
    """Write the record of a snapshot, with its size.

    Raises:
        DirectoryError: it cannot be written.
    """
    size = values.get("size") or measure(directory).size
    write_durable(directory / RECORD, json.dumps({"form": FORM, **values, "size": size}, indent=2) + "\n")


def find_snapshots(deployment: Deployment, profile: str) -> list[Snapshot]:
    """A profile's snapshots, the oldest first."""
    directory = deployment.snapshots_directory(profile)
    names = sorted(name for name in names_in(directory) if ID.fullmatch(name) and (directory / name).is_dir())
    found = [_read(profile, directory / name) for name in names]
    return sorted(found, key=lambda snapshot: snapshot.taken_at)


def choose(snapshots: Sequence[Snapshot], profile: str, wanted: str | None) -> Snapshot:
    """The snapshot that is meant.

    Args:
        wanted: its id, the beginning of it, or its label; None for the newest that no upgrade has failed with.

    Raises:
        UsageError: there is none, or it may be one of several.
    """
    see = Remedy("See them: ", ours("snapshots", "list", profile))
    if not snapshots:
        raise UsageError(f"{profile} has no snapshot.", Remedy("Take one: ", ours("snapshots", "create", profile)))
    good = [snapshot for snapshot in snapshots if not snapshot.is_failed]
    if wanted is None and good:
        return good[-1]
    if not wanted:
        raise UsageError(f"{profile} has no snapshot that a gateway was ready with: name one with --to.", see)
    exact = [snapshot for snapshot in snapshots if wanted == snapshot.id]
    exact = exact or [snapshot for snapshot in snapshots if wanted == snapshot.label]
    found = exact or [snapshot for snapshot in snapshots if snapshot.id.startswith(wanted)]
    if len(found) != 1:
        what = "no snapshot" if not found else f"{len(found)} snapshots"
        raise UsageError(f"{profile} has {what} {wanted}.", see)
    return found[0]


def superfluous(snapshots: Sequence[Snapshot], keep: int, oldest: float) -> list[Snapshot]:
    """Which may be deleted: not the newest, nor the newest that was proven, nor any with a label.

    Args:
        snapshots: the oldest first.
        keep: how many of those without a label are kept.
        oldest: those taken before are not kept; seconds since 1970.
    """
    good = [snapshot for snapshot in snapshots if not snapshot.is_failed]
    failed = [snapshot for snapshot in snapshots if snapshot.is_failed]
    proven = [snapshot for snapshot in good if snapshot.proven]
    kept = [*good[-1:], *proven[-1:], *failed[-1:]]
    plain = [snapshot for snapshot in good if not snapshot.label]
    late = [snapshot for snapshot in plain[-keep:] if snapshot.taken_at >= oldest]
    return [one for one in snapshots if not one.label and one not in late and one not in kept]


def delete(deployment: Deployment, snapshots: Iterable[Snapshot]) -> None:
    """Delete snapshots. One that is cut off leaves a name with a dot, which no list shows.

    Raises:
        DirectoryError: one cannot be deleted.
    """
    for snapshot in snapshots:
        directory = deployment.snapshots_directory(snapshot.profile)
        hidden = directory / f".{snapshot.id}{DELETED}"
        (directory / snapshot.id).rename(hidden)
        remove_tree(hidden)


def delete_leftovers(deployment: Deployment, profile: str) -> None:
    """Finish deletions that were cut off.

    Raises:
        DirectoryError: something cannot be deleted.
    """
    directory = deployment.snapshots_directory(profile)
    for name in names_in(directory):
        if name.startswith(".") and name.endswith(DELETED):
            remove_tree(directory / name)


def relabel(deployment: Deployment, snapshot: Snapshot, label: str) -> None:
    """Give a snapshot another label; an empty one takes it away.

    Raises:
        DirectoryError: its record cannot be written.
    """
    directory = deployment.snapshots_directory(snapshot.profile) / snapshot.id
    values = _values(directory) or {"taken_at": snapshot.taken_at, "reason": snapshot.reason}
    write_record(directory, values | {"label": label})


def _read(profile: str, directory: Path) -> Snapshot:
    try:
        taken = datetime.strptime(directory.name[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC).timestamp()
    except ValueError:  # a name that somebody made up
        taken = 0.0
    values = _values(directory)
    if not values:
        return Snapshot(profile, directory.name, taken)
    texts = {key: str(values.get(key, "")) for key in ("reason", "version", "image", "reference", "label")}
    try:
        when, size = float(values["taken_at"]), int(values["size"])
        datetime.fromtimestamp(when, UTC)
    except (KeyError, ValueError, TypeError, OverflowError, OSError):
        return Snapshot(profile, directory.name, taken, label=texts["label"])
    return Snapshot(profile, directory.name, when, **texts, size=size, proven=values.get("proven") is True)


def _values(directory: Path) -> dict[str, Any]:
    try:
        values = json.loads(read_text(directory / RECORD) or "")
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}
