"""Directory trees copied as fast as the kernel can, without following a link, and compared."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CHUNK = 8 << 20
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Chromium's marks of a profile in use, which name a host and a process that will not be there.
LOCKS = {"SingletonLock", "SingletonCookie", "SingletonSocket"}


@dataclass
class Census:
    """What a tree holds.

    Attributes:
        files: regular files, links and directories.
        size: bytes of the regular files, as they take room.
        links_out: links that point to something outside of the tree.
        skipped: what is not copied: sockets, pipes, devices and stale locks.
    """

    files: int = 0
    size: int = 0
    links_out: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


@dataclass
class Copier:
    """One copy of one or more trees, which shares its progress and the files that have several names.

    Attributes:
        owner: uid and gid of every copy; None to leave them the caller's.
        told: called with the bytes of each piece that was copied.
    """

    owner: tuple[int, int] | None
    told: Callable[[int], None]
    _names: dict[tuple[int, int], Path] = field(default_factory=dict)

    def copy(self, source: Path, target: Path, without: frozenset[Path] = frozenset()) -> None:
        """Copy a tree to a path where nothing is yet, with modes and times.

        Args:
            without: directories in it that are left out.

        Raises:
            OSError: something cannot be read or written.
        """
        with open_directory(source) as descriptor:
            self._directory(descriptor, source, target, without)

    def _directory(self, descriptor: int, source: Path, target: Path, without: frozenset[Path]) -> None:
        target.mkdir(mode=0o700)
        for entry in sorted(os.scandir(descriptor), key=lambda item: item.name):
            path = source / entry.name
            if path in without or is_skipped(entry):
                continue
            copied = target / entry.name
            if entry.is_symlink():
                copied.symlink_to(os.readlink(entry.name, dir_fd=descriptor))
                self._keep(copied, entry.stat(follow_symlinks=False))
            elif entry.is_dir(follow_symlinks=False):
                # By its place in the open directory: a link that takes its place now is not followed.
                with _opened(entry.name, DIRECTORY, descriptor) as inner:
                    self._directory(inner, path, copied, without)
            else:
                self._file(descriptor, entry.name, copied)
        self._keep(target, os.fstat(descriptor))

    def _file(self, directory: int, name: str, target: Path) -> None:
        with _opened(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, directory) as source:
            found = os.fstat(source)
            if not stat.S_ISREG(found.st_mode):
                return
            identity = (found.st_dev, found.st_ino)
            if found.st_nlink > 1 and identity in self._names:
                target.hardlink_to(self._names[identity])
                self.told(found.st_blocks * 512)
                return
            with _opened(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode=0o600) as copied:
                self._content(source, copied, found)
            self._keep(target, found)
            self._names[identity] = target

    def _content(self, source: int, target: int, found: os.stat_result) -> None:
        for start, end in _pieces(source, found):
            offset = start
            while offset < end:
                count = _transfer(source, target, offset, min(CHUNK, end - offset))
                if not count:  # it became shorter meanwhile
                    break
                offset += count
                self.told(count)
        os.ftruncate(target, found.st_size)

    def _keep(self, target: Path, found: os.stat_result) -> None:
        if self.owner is not None:
            os.chown(target, *self.owner, follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            target.chmod(stat.S_IMODE(found.st_mode) & 0o777)
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns), follow_symlinks=False)


@contextmanager
def open_directory(path: Path) -> Iterator[int]:
    """Open a directory by a path without links, so that none which is put on the way is followed.

    Raises:
        OSError: there is one, or it cannot be read.
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


def is_skipped(entry: os.DirEntry[str]) -> bool:
    """Whether a thing is of use to nobody but the process that made it."""
    if entry.name in LOCKS:
        return True
    mode = entry.stat(follow_symlinks=False).st_mode
    if stat.S_ISREG(mode) and entry.name.startswith("gateway.") and entry.name.endswith(".lock"):
        return True
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))


def census(root: Path, within: Mapping[Path, object] | frozenset[Path], without: frozenset[Path]) -> Census:
    """Look at a tree before it is copied.

    Args:
        within: directories that come along; a link to something outside of all of them is told.
        without: directories in it that are left out.

    Raises:
        OSError: something cannot be read.
    """
    found = Census()
    pending = [root]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                path = Path(entry.path)
                if path in without:
                    continue
                name = str(path.relative_to(root))
                if is_skipped(entry):
                    found.skipped.append(name)
                    continue
                found.files += 1
                if entry.is_symlink():
                    if not _points_into(path, within):
                        found.links_out.append(f"{name} -> {path.readlink()}")
                elif entry.is_dir(follow_symlinks=False):
                    pending.append(path)
                else:
                    found.size += entry.stat(follow_symlinks=False).st_blocks * 512
    return found


def free_space(directory: Path) -> int:
    """Bytes that this user may still write where a directory is, or would be."""
    while not directory.exists():
        directory = directory.parent
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def give_tree(root: Path, owner: tuple[int, int]) -> None:
    """Give a tree to a user, without following a link in it.

    Raises:
        OSError: the caller may not.
    """
    for _, directories, files, descriptor in os.fwalk(root):
        for name in (*directories, *files):
            os.chown(name, *owner, dir_fd=descriptor, follow_symlinks=False)
        os.fchown(descriptor, *owner)


def _points_into(link: Path, within: Mapping[Path, object] | frozenset[Path]) -> bool:
    try:
        target = link.resolve()
    except (OSError, RuntimeError):
        return False
    # An absolute target is the path on this host, which a container does not have.
    return not link.readlink().is_absolute() and any(target.is_relative_to(root) for root in within)


def _pieces(descriptor: int, found: os.stat_result) -> Iterator[tuple[int, int]]:
    """The parts of a file that hold data: what was never written takes no room in the copy either."""
    if found.st_blocks * 512 >= found.st_size:
        yield 0, found.st_size
        return
    end = 0
    while end < found.st_size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:  # a file system that knows of no holes
                yield end, found.st_size
            return
        end = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, end


def _transfer(source: int, target: int, offset: int, count: int) -> int:
    if sys.platform == "linux":
        try:
            return os.copy_file_range(source, target, count, offset, offset)
        except OSError as error:
            if error.errno not in {errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM}:
                raise
    data = os.pread(source, count, offset)
    return os.pwrite(target, data, offset)


@contextmanager
def _opened(path: Path | str, flags: int, directory: int | None = None, mode: int = 0o600) -> Iterator[int]:
    descriptor = os.open(path, flags, mode, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
