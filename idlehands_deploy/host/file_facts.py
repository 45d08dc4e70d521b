"""What lies in the deployment directory: owners, modes, what is missing. Follows no link of a gateway's."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# So many files of a state are looked at; a browser's caches can hold more.
MOST = 50_000
# More bytes than any config has.
LARGEST = 1 << 20


@dataclass(frozen=True)
class PathFacts:
    """One path.

    Attributes:
        path: as a person writes it in the deployment directory.
        full: as a command takes it from anywhere.
        uid: None where there is nothing.
        kind: file, directory, link or other; empty where there is nothing.
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
        """Whether there is anything."""
        return self.uid is not None


@dataclass(frozen=True)
class Strangers:
    """Files below a directory that belong to somebody else than its container's user: how many, and the first."""

    count: int
    first: str


def resolved(path: Path) -> Path:
    """A path without links; as it is where they lead round in a circle."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path


def look_at(path: Path, root: Path, *, follow: bool = False) -> PathFacts:
    """One path; what cannot be seen, or where a link leads nowhere, counts as what is not there.

    Args:
        follow: look at what a link leads to.
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
    """A small ordinary file's text; None where there is nothing.

    Raises:
        OSError: it cannot be read, or is no ordinary file of a config's size.
    """
    content = read_ordinary_bytes(path)
    return None if content is None else content.decode(errors="replace")


def read_ordinary_bytes(path: Path) -> bytes | None:
    """A small ordinary file's content; None where there is nothing.

    A gateway owns its state and could have put a pipe there, which nobody must wait for.

    Raises:
        OSError: it cannot be read, or is no ordinary file of a config's size.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            raise OSError(errno.EINVAL, "it is no ordinary file of a config's size")
        return stream.read(LARGEST)


def find_strangers(directory: Path, root: Path, uid: int) -> Strangers | None:
    """The files below a directory that are another user's than ``uid``; None without any."""
    count, first = 0, ""
    for seen, entry in enumerate(_walk(directory)):
        if seen >= MOST:
            break
        try:
            owner = entry.stat(follow_symlinks=False).st_uid
        except OSError:  # gone since
            continue
        if owner != uid:
            count += 1
            first = first or os.path.relpath(entry.path, root)
    return Strangers(count, first) if count else None


def names_in(directory: Path) -> list[str]:
    """The names in a directory; none where it cannot be read."""
    try:
        return sorted(os.listdir(directory))  # noqa: PTH208 - names are all that is asked for
    except OSError:
        return []


def _walk(directory: Path) -> Iterator[os.DirEntry[str]]:
    pending = [str(directory)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    yield entry
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
        except OSError:  # not ours to read, or gone since
            continue
