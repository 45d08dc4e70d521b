"""The files of an import: copied or moved into a staging directory, adapted for the container, or moved back."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.errors import StateRefusedError
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.file_facts import LARGEST, Limits, open_ordinary, read_within
from idlehands_deploy.host.files import PRIVATE_FILE, remove_tree, write_atomic
from idlehands_deploy.host.trees.census import Census, census
from idlehands_deploy.host.trees.copier import Copier
from idlehands_deploy.host.trees.descent import open_directory
from idlehands_deploy.host.trees.owners import give_tree, other_owners
from idlehands_deploy.importing.databases import relocate_databases
from idlehands_deploy.importing.journal import ORIGINAL, Journal
from idlehands_deploy.importing.rewrite import Move

if TYPE_CHECKING:
    from collections.abc import Callable

    from idlehands_deploy.importing.native import Native
    from idlehands_deploy.importing.rewrite import RewrittenConfig

# Of a config that an import has written, with more white space than the original; bytes.
LARGEST_CONFIG = 64 * LARGEST
# Links into the package itself, which the gateway creates again when it starts.
RECREATED = "plugin-skills/"
# Errors of the target file system, not of the file that is copied.
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


def trees(native: Native) -> list[tuple[Path, str]]:
    """The directories of a native gateway with their places in the profile's directory; the state directory first."""
    found = [(native.state, "state")]
    if native.workspace.is_dir():
        found.append((native.workspace, "workspace"))
    return found + [(path, f"state/{name}") for path, name in native.others.items()]


def look_at(native: Native) -> Census:
    """Count the files to copy.

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
        total.links_out += [f"{path / link}" for link in part.links_out if not link.startswith(RECREATED)]
        total.skipped += [f"{path / name}" for name in part.skipped]
    return total


def copy_in(native: Native, staging: Path, owner: tuple[int, int], on_bytes: Callable[[int], None]) -> None:
    """Copy everything into the staging directory.

    Args:
        on_bytes: called with the size of each copied piece.

    Raises:
        DirectoryError: something cannot be read or written.
    """
    found = trees(native)
    roots = frozenset(path for path, _ in found)
    copier = Copier(owner if os.geteuid() == 0 else None, on_bytes)
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
        OSError: a directory cannot be moved; those before it already are.
    """
    for old, place in journal.moved:
        here = _whereabouts(journal, staging, Path(old))
        if here.is_dir():
            with open_directory(here.parent) as parent:
                os.rename(here.name, staging / place, src_dir_fd=parent)


def adapt(
    native: Native, journal: Journal, staging: Path, rewritten: RewrittenConfig, owner: tuple[int, int]
) -> list[Path]:
    """Adapt the files in the staging directory for the container: config, databases, owner.

    Returns:
        Databases that could not be adapted.
    """
    state = staging / "state"
    if journal.adopted and os.geteuid() == 0:
        _note_owners(journal, staging)
    _keep_original(native, journal, staging)
    for old, new in journal.renamed:
        (state / old).rename(state / new)
    text = json.dumps(rewritten.config, indent=2, ensure_ascii=False) + "\n"
    write_atomic(state / CONFIG_NAME, text, PRIVATE_FILE, owner)
    journal.config_digest = digest(state / CONFIG_NAME)
    workspace = staging / "workspace"
    workspace.mkdir(mode=0o700, exist_ok=True)
    damaged = relocate_databases(state, native.moves, str(native.home))
    if os.geteuid() == 0:
        os.chown(workspace, *owner)  # a new directory; everything else in a copy has its owner already
        if journal.adopted:
            for tree in (state, workspace):
                give_tree(tree, owner)
    return damaged


def revert(directory: Path, journal: Journal) -> list[str]:
    """Undo the file changes of an import, complete or interrupted: moved originals go back to their place.

    Returns:
        Warnings: what could not be restored, one sentence each.

    Raises:
        StateRefusedError: something else is now in the place of an original.
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
    return [f"{path}: is damaged or too new, and may contain paths of the container" for path in there]


def digest(path: Path) -> str:
    """SHA-256 of a gateway's config; empty if it cannot be read."""
    with suppress(OSError), open_ordinary(path, Limits((path.parent,), largest=LARGEST_CONFIG)) as file:
        return hashlib.sha256(read_within(file, path, LARGEST_CONFIG)).hexdigest()
    return ""


def skipped_warning(skipped: list[str]) -> list[str]:
    """A warning about files that were not copied, if there are any."""
    if not skipped:
        return []
    named, more = ", ".join(sorted(skipped)[:3]), len(skipped) - 3
    named += f" and {more} more" if more > 0 else ""
    return [f"{named}: not copied (only files, directories and links are copied)"]


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
    """Check that moved directories can go back.

    Raises:
        StateRefusedError: something is in their place again.
    """
    if not journal.adopted:
        return
    for old, place in journal.moved:
        there = _whereabouts(journal, directory, Path(old))
        if (directory / place).is_dir() and there.exists():
            raise StateRefusedError(
                f"{there} exists again, so the original cannot be moved back there.",
                "Move it away, and run the command again.",
            )


def _restore(directory: Path, journal: Journal) -> list[Path]:
    refuse_occupied(directory, journal)
    damaged = _revert_state(directory, journal) if (directory / "state").is_dir() else []
    _put_back(directory, journal)
    return damaged


def _put_back(directory: Path, journal: Journal) -> None:
    for old, place in reversed(journal.moved):
        if (directory / place).is_dir():
            (directory / place).rename(_whereabouts(journal, directory, Path(old)))


def _revert_state(directory: Path, journal: Journal) -> list[Path]:
    """Undo `adapt`, as far as it got; returns the databases that could not be adapted. Can be repeated."""
    state, original = directory / "state", directory / ORIGINAL
    if not (original.is_symlink() or original.exists()):
        return []
    back: dict[str, str] = {}
    for old, new in journal.places:
        back.setdefault(new, old)
    damaged = relocate_databases(state, [Move(new, old) for new, old in back.items()], journal.home)
    waiting = {old: new for old, new in journal.renamed if (state / new).exists()}
    back_already = {old for old, _ in journal.renamed} - waiting.keys()
    # The container's config and its older versions: the native gateway could restore one of them as its own.
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
    # Last: this file marks that there is something to undo.
    original.rename(state / journal.config)
    return damaged


def _whereabouts(journal: Journal, directory: Path, old: Path) -> Path:
    """Where a native directory is or belongs now; one inside the state directory moves with it."""
    source = Path(journal.source)
    if old != source and old.is_relative_to(source) and not source.exists():
        return directory / "state" / old.relative_to(source)
    return old
