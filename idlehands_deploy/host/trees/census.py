"""Count a tree before it is copied."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.host.trees.descent import each_directory, identities, opened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idlehands_deploy.host.trees.descent import Descent

# Chromium's locks, which name a host and a process that the copy will not have.
LOCKS = {"SingletonLock", "SingletonCookie", "SingletonSocket"}


@dataclass
class Census:
    """The content of a tree.

    Attributes:
        files: number of regular files, links and directories.
        size: disk space of the regular files; bytes.
        links_out: links that point outside the tree.
        skipped: sockets, pipes and devices, which are not copied; locks are not listed.
    """

    files: int = 0
    size: int = 0
    links_out: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def census(root: Path, within: Mapping[Path, object] | frozenset[Path], without: frozenset[Path]) -> Census:
    """Count a tree before it is copied.

    Args:
        within: the directories that are copied; links that point outside all of them are listed.
        without: directories in it to leave out.

    Raises:
        OSError: something cannot be read; its ``filename`` is the full path.
    """
    found = Census()
    try:
        with opened(root) as top:
            for way, entries in each_directory(top, identities(without)):
                found.files += way.depth > 0
                for entry in entries:
                    try:
                        _count(found, way, entry, root, within)
                    except OSError as error:
                        error.filename = way.path(root, entry.name)
                        raise
    except OSError as error:
        error.filename = os.path.normpath(root / str(error.filename or ""))
        raise
    return found


def _count(
    found: Census, way: Descent, entry: os.DirEntry[str], root: Path, within: Mapping[Path, object] | frozenset[Path]
) -> None:
    if is_lock(entry) or entry.is_dir(follow_symlinks=False):
        return
    if entry.is_file(follow_symlinks=False):
        found.size += entry.stat(follow_symlinks=False).st_blocks * 512
    elif entry.is_symlink():
        text = os.readlink(entry.name, dir_fd=way.here)
        if not _points_into(way, entry.name, text, root, within):
            found.links_out.append(f"{_below(way, entry.name)} -> {text}")
    else:
        found.skipped.append(_below(way, entry.name))
        return
    found.files += 1


def is_lock(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is the lock of a running process, which is useless in a copy."""
    if entry.name in LOCKS:
        return not entry.is_dir(follow_symlinks=False)
    return entry.name.startswith("gateway.") and entry.name.endswith(".lock") and entry.is_file(follow_symlinks=False)


def _below(way: Descent, name: str) -> str:
    return way.path(".", name).removeprefix("./")


def _points_into(
    way: Descent, name: str, text: str, root: Path, within: Mapping[Path, object] | frozenset[Path]
) -> bool:
    # An absolute target is a path on this host, which does not exist in the container.
    if not within or text.startswith("/"):
        return False
    try:
        place = _place(way.here, name)
    except OSError as error:
        if error.errno == errno.ELOOP:
            return False
        # It is broken, or deeper than a path can name.
        place = os.path.normpath(f"{way.path(root)}/{text}")
    return any(Path(place).is_relative_to(directory) for directory in within)


def _place(directory: int, name: str) -> str:
    """Where a link leads, through all others, as the kernel follows them."""
    found = os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=directory)
    try:
        return str(Path(f"/proc/self/fd/{found}").readlink())
    finally:
        os.close(found)
