"""Copy directory trees with the kernel's fastest call and without following links; count them; change their owner."""

from __future__ import annotations

import errno
import os
import stat
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CHUNK = 8 << 20
DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Chromium's locks, which name a host and a process that the copy will not have.
LOCKS = {"SingletonLock", "SingletonCookie", "SingletonSocket"}
ACLS = {"system.posix_acl_access", "system.posix_acl_default"}

Owner = tuple[int, int]


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


@dataclass
class Copier:
    """One copy of one or more trees, with common progress and common hard links.

    Attributes:
        owner: uid and gid of every copy; None for the caller's.
        on_bytes: called with the size of each copied piece.
    """

    owner: Owner | None
    on_bytes: Callable[[int], None]
    _names: dict[tuple[int, int], str] = field(default_factory=dict)

    def copy(self, source: Path, target: Path, without: frozenset[Path] = frozenset()) -> None:
        """Copy a tree to a path that does not exist, with modes, times, ACLs and user attributes.

        Args:
            without: directories in it to leave out.

        Raises:
            OSError: something cannot be read or written; its ``filename`` is the full path in the source.
        """
        with open_directory(source) as found:
            target.mkdir(mode=0o700)
            with _opened(str(target), DIRECTORY) as copied:
                self._directory(found, copied, str(source), str(target), {str(path) for path in without})

    def _directory(self, source: int, target: int, path: str, copy: str, without: set[str]) -> None:
        # Relative to open directories: a link that replaces a directory during the copy is not followed.
        here = path
        try:
            for entry in sorted(os.scandir(source), key=lambda item: item.name):
                name = entry.name
                here, there = f"{path}/{name}", f"{copy}/{name}"
                if here in without or is_lock(entry):
                    continue
                if entry.is_file(follow_symlinks=False):
                    self._file(source, target, name, there)
                elif entry.is_symlink():
                    os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
                    self._keep_link(target, name, entry.stat(follow_symlinks=False))
                elif entry.is_dir(follow_symlinks=False):
                    os.mkdir(name, 0o700, dir_fd=target)
                    with _opened(name, DIRECTORY, source) as inner, _opened(name, DIRECTORY, target) as copied:
                        self._directory(inner, copied, here, there, without)
            here = path
            self._keep(source, target, os.fstat(source))
        except OSError as error:
            if not str(error.filename).startswith(f"{here}/"):  # a plain name or a descriptor, which does not say where
                error.filename = here
            raise

    def _file(self, source_directory: int, target_directory: int, name: str, copy: str) -> None:
        source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source_directory)
        try:
            found = os.fstat(source)
            if not stat.S_ISREG(found.st_mode):
                return
            if found.st_nlink > 1:
                first = self._names.setdefault((found.st_dev, found.st_ino), copy)
                if first is not copy:
                    os.link(first, name, dst_dir_fd=target_directory, follow_symlinks=False)
                    self.on_bytes(found.st_blocks * 512)
                    return
            target = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target_directory)
            try:
                self._content(source, target, found)
                self._keep(source, target, found)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def _content(self, source: int, target: int, found: os.stat_result) -> None:
        if found.st_blocks * 512 >= found.st_size:
            self._piece(source, target, 0, found.st_size)
            return
        for start, end in _pieces(source, found):
            self._piece(source, target, start, end)
        os.ftruncate(target, found.st_size)

    def _piece(self, source: int, target: int, offset: int, end: int) -> None:
        while offset < end:
            count = _transfer(source, target, offset, min(CHUNK, end - offset))
            if not count:  # the file has become shorter
                break
            offset += count
            self.on_bytes(count)

    def _keep(self, source: int, target: int, found: os.stat_result) -> None:
        if self.owner is not None:
            os.chown(target, *self.owner)
        # Before the mode, which may forbid it; with an ACL the mode is the ACL's mask.
        _copy_attributes(source, target)
        os.chmod(target, stat.S_IMODE(found.st_mode) & 0o777)
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))

    def _keep_link(self, directory: int, name: str, found: os.stat_result) -> None:
        if self.owner is not None:
            os.chown(name, *self.owner, dir_fd=directory, follow_symlinks=False)
        os.utime(name, ns=(found.st_atime_ns, found.st_mtime_ns), dir_fd=directory, follow_symlinks=False)


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


def is_lock(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is the lock of a running process, which is useless in a copy."""
    if entry.name in LOCKS:
        return not entry.is_dir(follow_symlinks=False)
    return entry.name.startswith("gateway.") and entry.name.endswith(".lock") and entry.is_file(follow_symlinks=False)


def census(root: Path, within: Mapping[Path, object] | frozenset[Path], without: frozenset[Path]) -> Census:
    """Count a tree before it is copied.

    Args:
        within: the directories that are copied; links that point outside all of them are listed.
        without: directories in it to leave out.

    Raises:
        OSError: something cannot be read.
    """
    found = Census()
    left_out = {str(path) for path in without}
    pending = [str(root)]
    while pending:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.path in left_out or is_lock(entry):
                    continue
                if entry.is_file(follow_symlinks=False):
                    found.size += entry.stat(follow_symlinks=False).st_blocks * 512
                elif entry.is_dir(follow_symlinks=False):
                    pending.append(entry.path)
                elif entry.is_symlink():
                    if not _points_into(Path(entry.path), within):
                        found.links_out.append(f"{os.path.relpath(entry.path, root)} -> {Path(entry.path).readlink()}")
                else:
                    found.skipped.append(os.path.relpath(entry.path, root))
                    continue
                found.files += 1
    return found


def free_space(directory: Path) -> int:
    """Bytes that this user can write to a directory, which may not exist yet."""
    while not directory.exists():
        directory = directory.parent
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def other_owners(root: Path, owner: Owner) -> dict[str, Owner]:
    """Entries whose owner differs from their directory's, and the root if its owner differs from ``owner``.

    Raises:
        OSError: something cannot be read.
    """
    found = {} if (own := _owner(os.lstat(root))) == owner else {str(root): own}
    for path, directories, files, descriptor in os.fwalk(root):
        own = _owner(os.fstat(descriptor))
        for name in (*directories, *files):
            if (other := _owner(os.lstat(name, dir_fd=descriptor))) != own:
                found[f"{path}/{name}"] = other
    return found


def give_tree(root: Path, owner: Owner, others: Mapping[str, Owner] = MappingProxyType({})) -> None:
    """Change the owner of a tree, without following links in it.

    Args:
        others: paths in it with another owner, including everything below them.

    Raises:
        OSError: this user may not.
    """
    owners = {str(root): others.get(str(root), owner)}
    for path, directories, files, descriptor in os.fwalk(root):
        own = owners[path]
        os.fchown(descriptor, *own)
        for name in (*directories, *files):
            owners[f"{path}/{name}"] = others.get(f"{path}/{name}", own)
            os.chown(name, *owners[f"{path}/{name}"], dir_fd=descriptor, follow_symlinks=False)


def _owner(found: os.stat_result) -> Owner:
    return found.st_uid, found.st_gid


def _points_into(link: Path, within: Mapping[Path, object] | frozenset[Path]) -> bool:
    try:
        target = link.resolve()
    except (OSError, RuntimeError):
        return False
    # An absolute target is a path on this host, which does not exist in the container.
    return not link.readlink().is_absolute() and any(target.is_relative_to(root) for root in within)


def _pieces(descriptor: int, found: os.stat_result) -> Iterator[tuple[int, int]]:
    """The written parts of a sparse file: its holes stay holes in the copy."""
    end = 0
    while end < found.st_size:
        try:
            start = os.lseek(descriptor, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:  # a file system without sparse files
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


def _copy_attributes(source: int, target: int) -> None:
    if sys.platform == "linux":
        try:
            for name in os.listxattr(source):
                if name in ACLS or name.startswith("user."):
                    os.setxattr(target, name, os.getxattr(source, name))
        except OSError as error:
            if error.errno not in {errno.ENOTSUP, errno.ENODATA}:  # a file system without attributes; deleted meanwhile
                raise


@contextmanager
def _opened(name: str, flags: int, directory: int | None = None) -> Iterator[int]:
    descriptor = os.open(name, flags, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
