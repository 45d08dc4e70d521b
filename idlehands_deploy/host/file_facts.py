"""Facts about files, and the reader of those that a gateway may have made: bounded, and led nowhere else by links."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

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


class UnfitError(OSError):
    """A file that is not read: it is none, too large, or not where it may be. Its ``strerror`` is a sentence's end."""


class OutsideError(UnfitError):
    """A file lies outside the directories in which it may be."""


class ForeignError(UnfitError):
    """A file belongs to somebody else than it may."""


@dataclass(frozen=True)
class Limits:
    """Which files are read.

    Attributes:
        roots: the directories in one of which it must be, once all links are followed; empty for anywhere. They may
            be links themselves.
        owner: the uid to which it must belong; None for any.
        links: whether its own name may be a link.
        largest: bytes.
    """

    roots: tuple[Path, ...] = ()
    owner: int | None = None
    links: bool = True
    largest: int = LARGEST


ANY = Limits()


def read_ordinary(path: Path, limits: Limits = ANY) -> str | None:
    """The text of a small ordinary file; None if it does not exist.

    Raises:
        OSError: it cannot be read; ``UnfitError`` where that is due to the limits.
    """
    content = read_ordinary_bytes(path, limits)
    return None if content is None else content.decode(errors="replace")


def read_ordinary_bytes(path: Path, limits: Limits = ANY) -> bytes | None:
    """The content of a small ordinary file; None if it does not exist, and would not be elsewhere if it did.

    Raises:
        OSError: it cannot be read; ``UnfitError`` where that is due to the limits.
    """
    try:
        with open_ordinary(path, limits) as stream:
            return read_within(stream, path, limits.largest)
    except (FileNotFoundError, NotADirectoryError):
        _refuse_outside(resolved(path), path, limits)
        return None


@contextmanager
def open_ordinary(path: Path | str, limits: Limits = ANY, directory: int | None = None) -> Iterator[BinaryIO]:
    """Open a small ordinary file for reading: the one way to read what a gateway may have made.

    It may put a link, a pipe or a device there, and swap them at any time. So the file is found first, which opens
    nothing, then judged, and then that very file is opened.

    Args:
        directory: an open one, to which the path is relative.

    Raises:
        OSError: it cannot be opened; ``UnfitError`` where that is due to the limits.
    """
    flags = os.O_PATH | os.O_CLOEXEC | (0 if limits.links else os.O_NOFOLLOW)
    try:
        found = os.open(path, flags, dir_fd=directory)
    except ValueError:  # a NUL or half a character, which a gateway may write into its config
        raise UnfitError(errno.EINVAL, "no file can have this name", str(path)) from None
    try:
        place = Path(f"/proc/self/fd/{found}")
        _judge(os.fstat(found), place, path, limits)
        descriptor = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(found)
    with os.fdopen(descriptor, "rb") as stream:
        yield stream


def read_within(stream: BinaryIO, path: Path | str, largest: int) -> bytes:
    """Read an open file to its end.

    Raises:
        UnfitError: it has become larger.
    """
    content = stream.read(largest + 1)
    if len(content) > largest:
        raise _too_large(path, largest)
    return content


def _judge(found: os.stat_result, place: Path, path: Path | str, limits: Limits) -> None:
    _refuse_outside(place.readlink(), path, limits)  # first: nothing is told of a file elsewhere
    if limits.owner not in {None, found.st_uid}:
        raise ForeignError(errno.EPERM, f"it belongs to uid {found.st_uid}", str(path))
    if not stat.S_ISREG(found.st_mode):
        raise UnfitError(errno.EINVAL, "it is not an ordinary file", str(path))
    if found.st_size > limits.largest:
        raise _too_large(path, limits.largest)


def _refuse_outside(place: Path, path: Path | str, limits: Limits) -> None:
    if limits.roots and not any(place.is_relative_to(resolved(root)) for root in limits.roots):
        raise OutsideError(errno.EXDEV, "it is a link to a file elsewhere", str(path))


def _too_large(path: Path | str, largest: int) -> UnfitError:
    limit = f"{largest >> 20} MB" if largest >> 20 else f"{largest} bytes"
    return UnfitError(errno.EFBIG, f"it is larger than {limit}, which is the limit", str(path))


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
