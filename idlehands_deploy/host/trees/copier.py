"""Copy directory trees of any depth with the kernel's fastest call and without following links."""

from __future__ import annotations

import errno
import os
import stat
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from idlehands_deploy.host.trees.census import is_lock
from idlehands_deploy.host.trees.descent import Descent, identities, open_directory, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from idlehands_deploy.host.trees.descent import Identity
    from idlehands_deploy.host.trees.owners import Owner

CHUNK = 8 << 20
# The longest path that a system call takes, without the NUL at its end; bytes.
LONGEST_PATH = 4095
ACLS = {"system.posix_acl_access", "system.posix_acl_default"}


@dataclass
class Copier:
    """One copy of one or more trees, with common progress and common hard links.

    Attributes:
        owner: uid and gid of every copy, or of each copy its original's; None for the caller's.
        on_bytes: called with the size of each copied piece.
        takes_locks: whether what is called as the lock of a gateway or a browser is copied, too.
    """

    owner: Owner | Literal["same"] | None
    on_bytes: Callable[[int], None]
    takes_locks: bool = False
    _names: dict[Identity, str] = field(default_factory=dict)

    def copy(self, source: Path, target: Path, without: frozenset[Path] = frozenset()) -> None:
        """Copy a tree to a path that does not exist, with modes, times, ACLs and user attributes.

        A second hard link of a file becomes one in the copy, unless the path of the first is longer than a system call
        takes.

        Args:
            without: directories in it to leave out.

        Raises:
            OSError: something cannot be read or written; its ``filename`` is the full path in the source.
        """
        left_out = identities(without)
        with open_directory(source) as found:
            target.mkdir(mode=0o700)
            with opened(target) as copied:
                one = _Copy(self, Descent(found), Descent(copied), str(target), left_out)
                try:
                    one.run()
                except OSError as error:
                    error.filename = one.source.path(source, one.name)
                    raise
                finally:
                    one.source.close()
                    one.target.close()

    def file(self, source_directory: int, target_directory: int, name: str, copy: Callable[[], str]) -> None:
        """Copy a file.

        Args:
            copy: gives the path of the copy.
        """
        source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=source_directory)
        try:
            found = os.fstat(source)
            if not stat.S_ISREG(found.st_mode):
                return
            if found.st_nlink > 1 and (first := self._first(found, copy())):
                os.link(first, name, dst_dir_fd=target_directory, follow_symlinks=False)
                self.on_bytes(found.st_blocks * 512)
                return
            target = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=target_directory)
            try:
                self._content(source, target, found)
                self.keep(source, target, found)
            finally:
                os.close(target)
        finally:
            os.close(source)

    def _first(self, found: os.stat_result, copy: str) -> str:
        """The path of the copy of the same file under another name; empty if there is none yet."""
        if len(os.fsencode(copy)) > LONGEST_PATH:
            return self._names.get((found.st_dev, found.st_ino), "")
        first = self._names.setdefault((found.st_dev, found.st_ino), copy)
        return "" if first is copy else first

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

    def keep(self, source: int, target: int, found: os.stat_result) -> None:
        """Give a copy its owner, attributes, mode and times."""
        if owner := self._owner_of(found):
            os.chown(target, *owner)
        # Before the mode, which may forbid it; with an ACL the mode is the ACL's mask.
        _copy_attributes(source, target)
        os.chmod(target, stat.S_IMODE(found.st_mode) & 0o777)
        os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))

    def keep_link(self, directory: int, name: str, found: os.stat_result) -> None:
        """Give the copy of a link its owner and times."""
        if owner := self._owner_of(found):
            os.chown(name, *owner, dir_fd=directory, follow_symlinks=False)
        os.utime(name, ns=(found.st_atime_ns, found.st_mtime_ns), dir_fd=directory, follow_symlinks=False)

    def _owner_of(self, found: os.stat_result) -> Owner | None:
        return (found.st_uid, found.st_gid) if self.owner == "same" else self.owner


class _Copy:
    """The copy of one tree, without recursion.

    Attributes:
        name: what in the source's current directory is at work; empty for the directory itself.
    """

    def __init__(
        self, copier: Copier, source: Descent, target: Descent, root: str, without: frozenset[Identity]
    ) -> None:
        self.source, self.target = source, target
        self.name = ""
        self._copier = copier
        self._root = root
        self._without = without

    def run(self) -> None:
        """Copy all below both tops."""
        waiting = [self._files()]
        while waiting:
            if waiting[-1]:
                self.name = waiting[-1].pop()
                if self._enter():
                    waiting.append(self._files())
                continue
            waiting.pop()
            if waiting:
                self._leave()
        self.name = ""
        self._copier.keep(self.source.here, self.target.here, os.fstat(self.source.here))

    def _files(self) -> list[str]:
        """Copy what is in the current directory; returns the names of its directories, the first one last."""
        source, target, directories = self.source.here, self.target.here, []
        for entry in self.source.entries():
            self.name = name = entry.name
            if is_lock(entry) and not self._copier.takes_locks:
                continue
            if entry.is_file(follow_symlinks=False):
                self._copier.file(source, target, name, lambda: self.target.path(self._root, self.name))
            elif entry.is_symlink():
                os.symlink(os.readlink(name, dir_fd=source), name, dir_fd=target)
                self._copier.keep_link(target, name, entry.stat(follow_symlinks=False))
            elif entry.is_dir(follow_symlinks=False):
                directories.append(name)
        self.name = ""
        return directories[::-1]

    def _enter(self) -> bool:
        """Go into a directory, unless it is left out."""
        name = self.name
        self.source.enter(name)
        self.name = ""
        if self.source.identity in self._without:
            self.source.leave()
            return False
        os.mkdir(name, 0o700, dir_fd=self.target.here)
        self.target.enter(name)
        return True

    def _leave(self) -> None:
        self.name = self.source.name
        # Its mode is kept last: it may forbid to go up from the copy.
        with self.source.leaving() as source, self.target.leaving() as target:
            self._copier.keep(source, target, os.fstat(source))


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
