"""The way down into a tree of any depth: by open directories, few of them at once, and past no link."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from pathlib import Path

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# This many directories above the current one stay open. Those further up are opened again on the way back.
KEPT = 32

# What a directory is, wherever it is moved to: device and inode.
Identity = tuple[int, int]


@dataclass
class _Level:
    """A directory on the way; its descriptor is -1 while it is closed."""

    name: str
    descriptor: int
    identity: Identity


class Descent:
    """A place in a tree, which is moved by one directory at a time.

    Calls, open files and paths do not grow with a depth that a gateway has chosen. What is above the current directory
    is reached by ``..``, and refused if it is another one than on the way down.

    Args:
        top: an open directory, which stays the caller's.
    """

    def __init__(self, top: int) -> None:
        self._levels = [_Level("", top, identity(os.fstat(top)))]

    @property
    def here(self) -> int:
        """The current directory."""
        return self._levels[-1].descriptor

    @property
    def identity(self) -> Identity:
        """What the current directory is."""
        return self._levels[-1].identity

    @property
    def name(self) -> str:
        """The current directory's; empty at the top."""
        return self._levels[-1].name

    @property
    def depth(self) -> int:
        """How many directories the current one is below the top."""
        return len(self._levels) - 1

    def path(self, top: object, name: str = "") -> str:
        """The path of the current directory, or of what is in it; longer than a system call takes, perhaps.

        Args:
            top: the path of the top.
        """
        names = [level.name for level in self._levels[1:]]
        return "/".join([str(top), *names, *([name] if name else [])])

    def entries(self) -> list[os.DirEntry[str]]:
        """What is in the current directory, by name; to be used before it is left."""
        with os.scandir(self.here) as found:
            return sorted(found, key=lambda entry: entry.name)

    def enter(self, name: str) -> None:
        """Go into a directory.

        Raises:
            OSError: it is a link, or cannot be read.
        """
        descriptor = os.open(name, DIRECTORY, dir_fd=self.here)
        self._levels.append(_Level(name, descriptor, identity(os.fstat(descriptor))))
        if len(self._levels) > KEPT + 2:  # the top is not ours to close
            _close(self._levels[-KEPT - 2])

    @contextmanager
    def leaving(self) -> Iterator[int]:
        """Go up; gives the directory that is left, which is open until the end of the block.

        Raises:
            OSError: the directory was moved meanwhile.
        """
        below, above = self._levels.pop(), self._levels[-1]
        try:
            if above.descriptor < 0:
                above.descriptor = _open_above(below.descriptor, above.identity)
            yield below.descriptor
        finally:
            _close(below)

    def leave(self) -> None:
        """Go up."""
        with self.leaving():
            pass

    def close(self) -> None:
        """Close all directories but the top."""
        for level in self._levels[1:]:
            _close(level)
        del self._levels[1:]


def each_directory(
    top: int, without: Container[Identity] = (), *, tolerant: bool = False
) -> Iterator[tuple[Descent, list[os.DirEntry[str]]]]:
    """Each directory of a tree with what is in it, before those in it; to be used before the next one is asked for.

    Args:
        top: an open directory.
        without: directories to leave out.
        tolerant: leave out what cannot be read, or is gone.

    Raises:
        OSError: a directory cannot be read; its ``filename`` is its path below the top.
    """
    way = Descent(top)
    waiting: list[list[str]] = []
    try:
        entries: list[os.DirEntry[str]] | None = way.entries()
        while entries is not None:
            yield way, entries
            waiting.append([entry.name for entry in reversed(entries) if entry.is_dir(follow_symlinks=False)])
            entries = _next(way, waiting, without, tolerant=tolerant)
    finally:
        way.close()


def _next(
    way: Descent, waiting: list[list[str]], without: Container[Identity], *, tolerant: bool
) -> list[os.DirEntry[str]] | None:
    """Go to the next directory, and look into it; None at the end of the tree.

    Args:
        waiting: the names that are left in each directory on the way, the next one last.
    """
    while waiting:
        if not waiting[-1]:
            waiting.pop()
            if waiting:
                way.leave()
            continue
        name, depth = waiting[-1].pop(), way.depth
        try:
            way.enter(name)
            if way.identity not in without:
                return way.entries()
        except OSError as error:
            if not tolerant:
                error.filename = way.path(".", name if way.depth == depth else "")
                raise
        if way.depth > depth:
            way.leave()
    return None


@contextmanager
def open_directory(path: Path) -> Iterator[int]:
    """Open a directory without following any link in its path, even one that is created meanwhile.

    Raises:
        OSError: the path contains a link, or it cannot be read.
    """
    descriptor = os.open(path.anchor, DIRECTORY)
    try:
        for part in path.parts[1:]:
            inner = os.open(part, DIRECTORY, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a directory, which is no link itself.

    Raises:
        OSError: it is a link, or cannot be read.
    """
    descriptor = os.open(path, DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def identity(found: os.stat_result) -> Identity:
    """What a directory is."""
    return found.st_dev, found.st_ino


def identities(paths: Iterable[Path]) -> frozenset[Identity]:
    """What these directories are; without those that do not exist."""
    found = set()
    for path in paths:
        with suppress(FileNotFoundError):
            found.add(identity(path.stat()))
    return frozenset(found)


def _open_above(below: int, expected: Identity) -> int:
    descriptor = os.open("..", DIRECTORY, dir_fd=below)
    if identity(os.fstat(descriptor)) != expected:
        os.close(descriptor)
        raise OSError(errno.ESTALE, "a directory in it was moved meanwhile")
    return descriptor


def _close(level: _Level) -> None:
    if level.descriptor >= 0:
        os.close(level.descriptor)
        level.descriptor = -1
