"""This host as a gateway meets it: kernel settings, memory and disks."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Settings of the kernel, by the name that sysctl gives them.
USER_NAMESPACES = "user.max_user_namespaces"
UNPRIVILEGED = "kernel.unprivileged_userns_clone"
INOTIFY_INSTANCES = "fs.inotify.max_user_instances"
INOTIFY_WATCHES = "fs.inotify.max_user_watches"
SETTINGS = (USER_NAMESPACES, UNPRIVILEGED, INOTIFY_INSTANCES, INOTIFY_WATCHES)


@dataclass(frozen=True)
class DiskFacts:
    """A file system's room, at a path on it; bytes."""

    path: str
    free: int
    free_files: int | None


@dataclass(frozen=True)
class HostFacts:
    """One look at the host.

    Attributes:
        settings: the kernel's, by name; without those that this kernel does not have.
        available_memory: bytes that a new process can have; None where the kernel does not tell.
        now: seconds since 1970.
        taken: how many of a user's inotify instances and watches processes have that can be seen, by the setting that
            limits them.
    """

    settings: dict[str, int]
    available_memory: int | None
    disks: tuple[DiskFacts, ...]
    now: float
    taken: dict[str, int] = field(default_factory=dict)


def look_at_host(paths: Iterable[Path], uid: int) -> HostFacts:
    """Read what the kernel says.

    Args:
        paths: where files will be written; for one that is not there yet, the nearest parent that is.
        uid: of the user as which gateways run.
    """
    settings = {name: value for name in SETTINGS if (value := _setting(name)) is not None}
    disks: dict[int, DiskFacts] = {}
    for path in paths:
        there = next(parent for parent in (path, *path.parents) if _is_there(parent))
        disks.setdefault(there.stat().st_dev, _disk(there))
    return HostFacts(settings, _available_memory(), tuple(disks.values()), time.time(), _taken(uid))


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # another user's, or links that lead round in a circle
        return False


def _setting(name: str) -> int | None:
    try:
        return int(Path("/proc/sys", *name.split(".")).read_text())
    except (OSError, ValueError):
        return None


def _taken(uid: int) -> dict[str, int]:
    """What of inotify the user's processes have, in containers too; the kernel counts them all together."""
    instances = watches = 0
    for descriptors in Path("/proc").glob("[0-9]*/fd"):
        try:
            if descriptors.stat().st_uid != uid:
                continue
            for descriptor in descriptors.iterdir():
                if str(descriptor.readlink()) == "anon_inode:inotify":
                    instances += 1
                    watches += (descriptors.parent / "fdinfo" / descriptor.name).read_text().count("inotify wd:")
        except OSError:  # another user's, or gone since
            continue
    return {INOTIFY_INSTANCES: instances, INOTIFY_WATCHES: watches}


def _available_memory() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _disk(path: Path) -> DiskFacts:
    facts = os.statvfs(path)
    # Some file systems count no files.
    return DiskFacts(str(path), facts.f_bavail * facts.f_frsize, facts.f_favail if facts.f_files else None)
