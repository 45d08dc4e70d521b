"""What a user of a container may do with a file of this host, as far as its owner and mode say."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

READ, WRITE, ENTER = 4, 2, 1
MEMORY = ("mem", "kmem", "port", "kmsg")


@dataclass(frozen=True)
class Access:
    """A file's owner and mode.

    Attributes:
        has_list: whether an access control list says more than the mode.
    """

    uid: int
    gid: int
    mode: int
    has_list: bool = False

    @property
    def is_directory(self) -> bool:
        """Whether it is a directory."""
        return stat.S_ISDIR(self.mode)

    def lacks(self, wanted: int, uid: int, groups: Collection[int]) -> int:
        """Which of the wanted permissions a user does not have; 0 if that cannot be known."""
        if self.has_list:
            return 0
        shift = 6 if uid == self.uid else 3 if self.gid in groups else 0
        return wanted & ~(self.mode >> shift)

    def group_has(self, wanted: int) -> bool:
        """Whether its group has all of these permissions."""
        return not wanted & ~(self.mode >> 3)


def access_of(path: Path) -> Access | None:
    """Owner and mode of a file, through links; None if they cannot be known."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Access(found.st_uid, found.st_gid, found.st_mode, _has_list(path))


def dangerous_device(path: Path) -> str:
    """What a device, or one in a directory of devices, opens of this host; empty for an ordinary one."""
    try:
        devices = list(path.iterdir()) if path.is_dir() else [path]
        for device in devices:
            if device.is_block_device():
                return "a disk of this host"
            if device.resolve().name in MEMORY:
                return "this host's memory"
    except OSError:
        pass
    return ""


def _has_list(path: Path) -> bool:
    try:
        return "system.posix_acl_access" in os.listxattr(path)
    except OSError:  # a file system without them
        return False
