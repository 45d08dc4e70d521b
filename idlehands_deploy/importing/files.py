"""The files of an import: copied or moved into a staging directory, made fit for the container, and taken back."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.deployment.directory import PRIVATE_FILE, remove_tree, unusable, write_atomic
from idlehands_deploy.errors import StateRefusedError
from idlehands_deploy.host.trees import Census, Copier, census, free_space, give_tree, open_directory, other_owners
from idlehands_deploy.importing.databases import settle
from idlehands_deploy.importing.journal import ORIGINAL, Journal
from idlehands_deploy.importing.rewrite import Move

if TYPE_CHECKING:
    from collections.abc import Callable

    from idlehands_deploy.importing.native import Native
    from idlehands_deploy.importing.rewrite import Rewriting
    from idlehands_deploy.progress import Progress

# What the gateway itself needs beside the copy to start at all.
MARGIN = 100 << 20
# Links into the package itself, which the gateway makes anew when it starts.
REMADE = "plugin-skills/"
# What has to do with the place of a copy and not with the file that is copied.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def trees(native: Native) -> list[tuple[Path, str]]:
    """The directories of a native gateway with their places in the profile's; the state directory is the first."""
    found = [(native.state, "state")]
    if native.workspace.is_dir():
        found.append((native.workspace, "workspace"))
    return found + [(path, f"state/{name}") for path, name in native.others.items()]


def look_at(native: Native) -> Census:
    """Count what is to be copied.

    Raises:
        DirectoryError: something in it cannot be read.
    """
    found = trees(native)
    roots = frozenset(path for path, _ in found)
    total = Census()
    for path, _ in found:
        try:
            part = census(path, roots, roots - {path})
        except OSError as error:
            raise unusable("read", Path(error.filename or path), error) from None
        total.files += part.files
        total.size += part.size
        total.links_out += [f"{path / link}" for link in part.links_out if not link.startswith(REMADE)]
        total.skipped += [f"{path / name}" for name in part.skipped]
    return total


def refuse_full_disk(size: int, target: Path) -> None:
    """See that a copy has room.

    Raises:
        StateRefusedError: it has not.
    """
    free, needed = free_space(target), size + MARGIN
    if free < needed:
        raise StateRefusedError(
            f"The import needs {megabytes(needed)} at {target}, and {megabytes(free)} are free.",
            "Free some space, or keep the deployment elsewhere with -C.",
        )


def copy_in(native: Native, staging: Path, owner: tuple[int, int], told: Callable[[int], None]) -> None:
    """Copy everything into the staging directory.

    Raises:
        DirectoryError: something cannot be read or written.
    """
    found = trees(native)
    roots = frozenset(path for path, _ in found)
    copier = Copier(owner if os.geteuid() == 0 else None, told)
    for path, place in found:
        try:
            copier.copy(path, staging / place, roots - {path})
        except OSError as error:
            if error.errno in FULL:
                raise unusable("write", staging, error) from None
            raise unusable("read", Path(error.filename), error) from None


def move_in(journal: Journal, staging: Path) -> None:
    """Move everything into the staging directory, by renaming.

    Raises:
        OSError: a directory cannot be moved; those before it have been.
    """
    for old, place in journal.moved:
        here = _whereabouts(journal, staging, Path(old))
        if here.is_dir():
            with open_directory(here.parent) as parent:
                os.rename(here.name, staging / place, src_dir_fd=parent)


def fit(native: Native, journal: Journal, staging: Path, rewriting: Rewriting, owner: tuple[int, int]) -> list[Path]:
    """Make what lies in the staging directory fit for the container: config, databases, owner.

    Returns:
        Databases that could not be adapted.
    """
    state = staging / "state"
    if journal.adopted and os.geteuid() == 0:
        _note_owners(journal, staging)
    _keep_original(native, journal, staging)
    for old, new in journal.renamed:
        (state / old).rename(state / new)
    text = json.dumps(rewriting.config, indent=2, ensure_ascii=False) + "\n"
    write_atomic(state / CONFIG_NAME, text, PRIVATE_FILE, owner)
    journal.config_digest = digest(state / CONFIG_NAME)
    workspace = staging / "workspace"
    workspace.mkdir(mode=0o700, exist_ok=True)
    damaged = settle(state, native.moves, str(native.home))
    if os.geteuid() == 0:
        os.chown(workspace, *owner)  # a new one; all else in a copy has its owner already
        if journal.adopted:
            for tree in (state, workspace):
                give_tree(tree, owner)
    return damaged


def take_back(directory: Path, journal: Journal) -> list[str]:
    """Undo the file work of an import, whole or interrupted: originals that were moved go where they were.

    Returns:
        Warnings: what could not be made as it was, one sentence each.

    Raises:
        StateRefusedError: something else is where one was.
        DirectoryError: something cannot be moved or deleted.
    """
    damaged: list[Path] = []
    if journal.adopted:
        try:
            damaged = _restore(directory, journal)
        except OSError as error:
            raise unusable("write", Path(error.filename or journal.source), error) from None
    remove_tree(directory)
    there = [Path(journal.source, path.relative_to(directory / "state")) for path in damaged]
    return [f"{path}: is damaged or too new, and may hold paths of the container" for path in there]


def digest(path: Path) -> str:
    """SHA-256 of a file; empty if it cannot be read."""
    with suppress(OSError):
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return ""


def megabytes(size: int) -> str:
    """A size as a person reads it."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"


class Meter:
    """Tells of bytes copied, once a second, and nothing of what takes less."""

    def __init__(self, progress: Progress, subject: str, total: int) -> None:
        self._progress = progress
        self._subject = subject
        self._total = total
        self._done = 0
        self._next = time.monotonic() + 1

    def add(self, count: int) -> None:
        """So many more bytes are copied."""
        self._done += count
        if (now := time.monotonic()) >= self._next:
            self._next = now + 1
            done, total = megabytes(self._done), megabytes(max(self._total, self._done))
            self._progress.update(self._subject, f"copied {done} of {total}")


def left_behind(skipped: list[str]) -> list[str]:
    """A warning of what was not copied, if there is any."""
    if not skipped:
        return []
    named, more = ", ".join(sorted(skipped)[:3]), len(skipped) - 3
    return [
        f"{named}{f' and {more} more' if more > 0 else ''}: not copied, being no files but sockets, pipes or devices"
    ]


def _note_owners(journal: Journal, staging: Path) -> None:
    for tree in (staging / "state", staging / "workspace"):
        if tree.is_dir():
            others = other_owners(tree, journal.owner)
            journal.owners |= {os.path.relpath(path, staging): owner for path, owner in others.items()}
    journal.write(staging)


def _keep_original(native: Native, journal: Journal, staging: Path) -> None:
    original = staging / ORIGINAL
    (staging / "state" / journal.config).rename(original)
    if not original.is_symlink():
        original.chmod(PRIVATE_FILE)
    elif not journal.adopted:
        original.unlink()
        write_atomic(original, native.text, PRIVATE_FILE)


def refuse_occupied(directory: Path, journal: Journal) -> None:
    """See that what was moved can go back.

    Raises:
        StateRefusedError: something else is there again.
    """
    if not journal.adopted:
        return
    for old, place in journal.moved:
        there = _whereabouts(journal, directory, Path(old))
        if (directory / place).is_dir() and there.exists():
            raise StateRefusedError(
                f"{there} exists again, so that what was moved from there cannot go back.",
                "Move it away, and run the command again.",
            )


def _restore(directory: Path, journal: Journal) -> list[Path]:
    refuse_occupied(directory, journal)
    damaged = _unfit(directory, journal) if (directory / "state").is_dir() else []
    _put_back(directory, journal)
    return damaged


def _put_back(directory: Path, journal: Journal) -> None:
    for old, place in reversed(journal.moved):
        if (directory / place).is_dir():
            (directory / place).rename(_whereabouts(journal, directory, Path(old)))


def _unfit(directory: Path, journal: Journal) -> list[Path]:
    """The opposite of `fit`, if that was begun, with the databases that could not be adapted; can be done twice."""
    state, original = directory / "state", directory / ORIGINAL
    if not (original.is_symlink() or original.exists()):
        return []
    back: dict[str, str] = {}
    for old, new in journal.places:
        back.setdefault(new, old)
    damaged = settle(state, [Move(new, old) for new, old in back.items()], journal.home)
    waiting = {old: new for old, new in journal.renamed if (state / new).exists()}
    back_already = {old for old, _ in journal.renamed} - waiting.keys()
    # The container's config and its older versions, one of which the native gateway could put back as its own.
    for path in (state / CONFIG_NAME, *state.glob(f"{CONFIG_NAME}.*")):
        if path.name not in back_already:
            path.unlink(missing_ok=True)
    for old, new in waiting.items():
        (state / new).rename(state / old)
    if os.geteuid() == 0:
        others = {f"{directory}/{path}": owner for path, owner in journal.owners.items()}
        for tree in (state, directory / "workspace"):
            if tree.is_dir():
                give_tree(tree, journal.owner, others)
        config = others.get(f"{state}/{journal.config}", others.get(str(state), journal.owner))
        os.chown(original, *config, follow_symlinks=False)
    if not original.is_symlink():
        original.chmod(journal.config_mode)
    # Last, since it tells whether there is something to undo.
    original.rename(state / journal.config)
    return damaged


def _whereabouts(journal: Journal, directory: Path, old: Path) -> Path:
    """Where a directory of the native gateway is or belongs now, one within the state directory being taken along."""
    source = Path(journal.source)
    if old != source and old.is_relative_to(source) and not source.exists():
        return directory / "state" / old.relative_to(source)
    return old
