"""Facts about files: owners, modes, what is missing. Follows no link that a gateway may have made."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterator
    from pathlib import Path

# How many files of a state are looked at; a browser's caches can hold more.
MOST = 50_000
# Larger than any config; bytes.
LARGEST = 1 << 20


@dataclass(frozen=True)
class PathFacts:
    """One path.

    Attributes:
        path: relative to the deployment directory.
        full: absolute and quoted for a shell.
        uid: None if the path does not exist.
        kind: file, directory, link or other; empty if the path does not exist.
    """

    path: str
    full: str
    uid: int | None = None
    gid: int | None = None
    mode: int = 0
    size: int = 0
    kind: str = ""

    @property
    def exists(self) -> bool:
        """Whether the path exists."""
        return self.uid is not None


@dataclass(frozen=True)
class ForeignFiles:
    """Files below a directory that do not belong to the container's user: how many, and the first."""

    count: int
    first: str


def resolved(path: Path) -> Path:
    """A path without symbolic links; unchanged if the links form a loop."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


def look_at(path: Path, root: Path, *, follow: bool = False) -> PathFacts:
    """Facts about one path; an unreadable path and a broken link count as missing.

    Args:
        follow: follow a link.
    """
    names = str(path.relative_to(root)), shlex.quote(str(path))
    try:
        found = path.stat() if follow else path.lstat()
    except OSError:
        return PathFacts(*names)
    kinds = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "directory"), (stat.S_ISLNK, "link"))
    kind = next((name for test, name in kinds if test(found.st_mode)), "other")
    return PathFacts(*names, found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode), found.st_size, kind)


def read_ordinary(path: Path) -> str | None:
    """The text of a small ordinary file; None if it does not exist.

    Raises:
        OSError: it cannot be read, is not an ordinary file, or is larger than a config can be.
    """
    content = read_ordinary_bytes(path)
    return None if content is None else content.decode(errors="replace")


def read_ordinary_bytes(path: Path) -> bytes | None:
    """The content of a small ordinary file; None if it does not exist.

    A gateway owns its state and could put a pipe there; reading a pipe would block.

    Raises:
        OSError: it cannot be read, is not an ordinary file, or is larger than a config can be.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            raise OSError(errno.EINVAL, "it is not an ordinary file, or too large")
        return stream.read(LARGEST)


def find_foreign_files(directory: Path, root: Path, uid: int) -> ForeignFiles | None:
    """The files below a directory that do not belong to ``uid``; None if there are none."""
    count, first = 0, ""
    for seen, entry in enumerate(walk(directory)):
        if seen >= MOST:
            break
        try:
            owner = entry.stat(follow_symlinks=False).st_uid
        except OSError:  # deleted meanwhile
            continue
        if owner != uid:
            count += 1
            first = first or os.path.relpath(entry.path, root)
    return ForeignFiles(count, first) if count else None


def names_in(directory: Path) -> list[str]:
    """The names in a directory; empty if it cannot be read."""
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208 - names are all that is asked for
    except OSError:
        return []


def walk(directory: Path, without: Container[str] = ()) -> Iterator[os.DirEntry[str]]:
    """All that is below a directory, a directory's entries in the order of their names; links are not followed.

    Without recursion: a gateway can nest directories more deeply than Python can call. What cannot be read, or has a
    longer path than the system takes, is left out.

    Args:
        without: names of directories that are not looked into, and not told.
    """
    pending = [str(directory)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError:  # not readable, or deleted meanwhile
            continue
        for entry in found:
            if not entry.is_dir(follow_symlinks=False):
                yield entry
            elif entry.name not in without:
                yield entry
                pending.append(entry.path)
