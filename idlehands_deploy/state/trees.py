"""A profile's three directories together: copied, exchanged for others, and put back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.contract import STATE_CACHES
from idlehands_deploy.deployment.belongings import MOUNTED
from idlehands_deploy.errors import StateRefusedError
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.files import read_text, remove_tree, sync, write_durable
from idlehands_deploy.host.handover import PRIVATE_DIRECTORY, make_private
from idlehands_deploy.host.trees.census import Census, census
from idlehands_deploy.host.trees.copier import Copier
from idlehands_deploy.host.trees.space import refuse_full_disk, shares_blocks, sync_file_system

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idlehands_deploy.deployment.directory import Deployment

MARK = "used"


def measure(directory: Path) -> Census:
    """Count what a copy would hold.

    Raises:
        DirectoryError: something cannot be read.
    """
    total = Census()
    caches = _caches(directory)
    for part in MOUNTED:
        if not (directory / part).is_dir():
            continue
        try:
            found = census(directory / part, frozenset(), caches)
        except OSError as error:
            raise unusable("read", Path(error.filename or directory / part), error) from None
        total.files += found.files
        total.size += found.size
        total.skipped += [f"{part}/{name}" for name in found.skipped]
    return total


def refuse_unfit(deployment: Deployment, profile: str) -> None:
    """See that a profile's directories can be exchanged for others at once.

    Raises:
        StateRefusedError: one is a link, or on another file system than `snapshots/`.
        DirectoryError: `snapshots/` cannot be made.
    """
    kept = deployment.snapshots_directory(profile)
    if link := next((path for path in (kept.parent, kept) if path.is_symlink()), None):
        raise StateRefusedError(
            f"{link} is a link, and what it leads to cannot be exchanged with profiles/{profile} at once.",
            f"Put the directory itself there: it is at {os.path.realpath(link)}.",
        )
    target = make_directory(deployment, profile)
    for path in deployment.mounted(profile).values():
        if path.is_symlink():
            raise StateRefusedError(
                f"{path} is a link, and would be exchanged for a directory.",
                f"Put the directory itself there: it is at {os.path.realpath(path)}.",
            )
        if path.exists() and path.stat().st_dev != target.stat().st_dev:
            raise StateRefusedError(
                f"{path} is on another file system than {target}, so that the two cannot be exchanged at once.",
                "Keep the whole deployment directory on one file system.",
            )


def refuse_full(deployment: Deployment, profile: str, size: int) -> None:
    """See that there is space for a copy, which shares it with the original on some file systems.

    Args:
        size: bytes.

    Raises:
        StateRefusedError: there is not.
    """
    target = deployment.snapshots_directory(profile)
    if not shares_blocks(target):
        refuse_full_disk(f"A snapshot of {profile}", size, target)


def make_directory(deployment: Deployment, profile: str) -> Path:
    """The directory of a profile's snapshots, made if it is missing.

    Raises:
        DirectoryError: it cannot be made.
    """
    directory = deployment.snapshots_directory(profile)
    make_durable(directory.parent)
    make_durable(directory)
    return directory


def make_durable(directory: Path) -> None:
    """Make a directory that only its owner can use, and return when it is on the disk; one that is there is no error.

    Raises:
        DirectoryError: it cannot be made.
    """
    try:
        if make_private(directory):
            sync(directory.parent)
    except OSError as error:
        raise unusable("write", directory, error) from None


def refuse_incomplete(source: Path, may_lack: Sequence[str]) -> None:
    """See that what is to be copied is there: an empty state in the place of a missing one would be a loss.

    Args:
        may_lack: the directories that are made empty if they are missing.

    Raises:
        StateRefusedError: one is missing.
    """
    for part in MOUNTED:
        if not (source / part).is_dir() and (part not in may_lack or (source / part).exists()):
            raise StateRefusedError(
                f"{source / part} is not there, or is no directory.", "Choose another snapshot, or look at that one."
            )


def copy_parts(source: Path, target: Path, on_bytes: Callable[[int], None]) -> None:
    """Copy the three directories without the caches; one that is missing becomes an empty one.

    Args:
        target: a directory without them.
        on_bytes: called with the size of each copied piece.

    Raises:
        DirectoryError: something cannot be read or written.
    """
    copier = Copier("same" if os.geteuid() == 0 else None, on_bytes)
    caches = _caches(source)
    for part in MOUNTED:
        # What an agent's own files are called says nothing of locks.
        copier.takes_locks = part != "state"
        try:
            if (source / part).is_dir():
                copier.copy(source / part, target / part, caches)
            else:
                _make_empty(target / part)
        except OSError as error:
            raise unusable("copy", source / part, error) from None


def exchange(here: Path, incoming: Path, outgoing: Path) -> None:
    """Move the three directories out, and others in; may be repeated after it was cut off anywhere.

    Args:
        here: the profile's directory.
        incoming: has what moves in.
        outgoing: gets what moves out.

    Raises:
        DirectoryError: something cannot be moved.
    """
    try:
        # Else a power cut could leave files that are named and empty.
        sync_file_system(incoming)
        for part in MOUNTED:
            if not (outgoing / part).exists():
                if (here / part).exists():
                    (here / part).rename(outgoing / part)
                else:
                    _make_empty(outgoing / part)
            if (incoming / part).exists():
                (incoming / part).rename(here / part)
        sync(here, incoming, outgoing)
    except OSError as error:
        raise unusable("move", here, error) from None


def exchange_back(here: Path, incoming: Path, outgoing: Path) -> None:
    """Undo an exchange that was done, or cut off anywhere; may be repeated.

    Raises:
        DirectoryError: something cannot be moved.
    """
    try:
        for part in MOUNTED:
            if not (outgoing / part).exists():
                continue
            if (here / part).exists():
                # Where both are there, another command has made an empty one meanwhile.
                aside = incoming / part
                (here / part).rename(aside if not aside.exists() else incoming / f"{part}-made-meanwhile")
            (outgoing / part).rename(here / part)
        # The other two may be deleted already, if this is repeated.
        sync(*(directory for directory in (here, incoming, outgoing) if directory.exists()))
    except OSError as error:
        raise unusable("move", here, error) from None


def delete_copy(here: Path, copy: Path) -> None:
    """Delete a directory of copies, unless it holds the only one.

    Args:
        here: the profile's directory.

    Raises:
        StateRefusedError: the profile's own directory is not in its place.
        DirectoryError: something cannot be deleted.
    """
    if lost := [part for part in MOUNTED if not (here / part).exists() and _holds_something(copy / part)]:
        raise StateRefusedError(
            f"{here / lost[0]} is gone, and {copy / lost[0]} may be the only copy of it.",
            f"Move it back, then run the command again: mv {copy / lost[0]} {here / lost[0]}",
        )
    remove_tree(copy)


def write_mark(directory: Path, text: str) -> None:
    """Note in a directory that a gateway uses what came from it.

    Args:
        text: without secrets.

    Raises:
        DirectoryError: it cannot be written.
    """
    write_durable(directory / MARK, text)


def read_mark(directory: Path) -> str | None:
    """The note in a directory; None if there is none."""
    return read_text(directory / MARK)


def delete_mark(directory: Path) -> None:
    """Delete the note in a directory."""
    (directory / MARK).unlink(missing_ok=True)


def place(source: Path, target: Path) -> None:
    """Give a directory its final name, when all in it is on the disk; may be repeated.

    Raises:
        DirectoryError: it cannot be renamed.
    """
    try:
        if source.exists():
            sync_file_system(source)
            source.rename(target)
            sync(target.parent)
    except OSError as error:
        raise unusable("move", source, error) from None


def _holds_something(directory: Path) -> bool:
    try:
        return any(directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return False


def _caches(directory: Path) -> frozenset[Path]:
    """The gateway's caches; a link in the place of one leads to something else, which is none."""
    found = (directory / "state" / name for name in STATE_CACHES)
    return frozenset(path for path in found if not path.parent.is_symlink() and not path.is_symlink() and path.is_dir())


def _make_empty(path: Path) -> None:
    path.mkdir(mode=PRIVATE_DIRECTORY)
    if os.geteuid() == 0:
        other = next(
            (path.parent / part for part in MOUNTED if (path.parent / part).is_dir() and part != path.name), None
        )
        owner = (other or path.parent).stat()
        os.chown(path, owner.st_uid, owner.st_gid)
