"""The disk under a copy: whether it has the space, and whether all of it is on the disk."""

from __future__ import annotations

import ctypes
import fcntl
import os
import tempfile
import time
from typing import TYPE_CHECKING

from idlehands_deploy.errors import StateRefusedError
from idlehands_deploy.text import file_size

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.progress import Progress

# Space that a gateway needs beside a copy to start; bytes.
MARGIN = 100 << 20
# Linux's ioctl that lets a file share the blocks of another one (ioctl_ficlone(2)).
FICLONE = 0x40049409


def free_space(directory: Path) -> int:
    """Bytes that this user can write to a directory, which may not exist yet."""
    while not directory.exists():
        directory = directory.parent
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def refuse_full_disk(what: str, size: int, target: Path) -> None:
    """Check that the disk has space for a copy.

    Args:
        what: needs it.
        size: bytes.

    Raises:
        StateRefusedError: it has not.
    """
    free, needed = free_space(target), size + MARGIN
    if free < needed:
        raise StateRefusedError(
            f"{what} needs {file_size(needed)} at {target}, but {file_size(free)} are free.",
            "Free some space, or use a deployment elsewhere with -C.",
        )


def shares_blocks(directory: Path) -> bool:
    """Whether copies in a directory take no space of their own until they are changed, as on btrfs and XFS."""
    try:
        with tempfile.TemporaryFile(dir=directory) as one, tempfile.TemporaryFile(dir=directory) as other:
            one.write(b"1")
            one.flush()
            fcntl.ioctl(other.fileno(), FICLONE, one.fileno())
    except OSError:
        return False
    return True


def sync_file_system(directory: Path) -> None:
    """Wait until all that was written to a directory's file system is on the disk.

    Raises:
        OSError: some of it could not be written.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if libc.syncfs(descriptor):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(directory))
    finally:
        os.close(descriptor)


class Meter:
    """Reports copied bytes once a second; a copy that takes less reports nothing."""

    def __init__(self, progress: Progress, subject: str, total: int) -> None:
        self._progress = progress
        self._subject = subject
        self._total = total
        self._done = 0
        self._next = time.monotonic() + 1

    def add(self, count: int) -> None:
        """Add copied bytes."""
        self._done += count
        if (now := time.monotonic()) >= self._next:
            self._next = now + 1
            done, total = file_size(self._done), file_size(max(self._total, self._done))
            self._progress.update(self._subject, f"copied {done} of {total}")
