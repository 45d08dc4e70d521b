"""What root makes in a directory of another user belongs to that user, who is otherwise locked out of it."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE_DIRECTORY = 0o700


def give_to_owner(descriptor: int, directory: str | Path) -> None:
    """Give a file that root created to the owner of the directory, who can then read it without root.

    Raises:
        OSError: it is not an ordinary file, or it has a second hard link.
    """
    found = os.fstat(descriptor)
    if not stat.S_ISDIR(found.st_mode) and (not stat.S_ISREG(found.st_mode) or found.st_nlink > 1):
        raise OSError(errno.EINVAL, "it is not an ordinary file")
    if os.geteuid() == 0:
        owner = os.stat(directory)  # noqa: PTH116 - a text or a path
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def make_private(directory: Path) -> bool:
    """Create a directory that only the owner of the one above it can use; false if it was there.

    Raises:
        OSError: it cannot be created.
    """
    try:
        directory.mkdir(mode=PRIVATE_DIRECTORY)
    except FileExistsError:
        if not directory.is_dir():
            raise
        return False
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        give_to_owner(descriptor, directory.parent)
    finally:
        os.close(descriptor)
    return True
