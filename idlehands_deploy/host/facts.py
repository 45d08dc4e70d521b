"""Facts about this host: kernel settings, memory and disks."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Kernel settings, by their sysctl names.
USER_NAMESPACES = "user.max_user_namespaces"
UNPRIVILEGED = "kernel.unprivileged_userns_clone"
INOTIFY_INSTANCES = "fs.inotify.max_user_instances"
INOTIFY_WATCHES = "fs.inotify.max_user_watches"
SETTINGS = (USER_NAMESPACES, UNPRIVILEGED, INOTIFY_INSTANCES, INOTIFY_WATCHES)


@dataclass(frozen=True)
class DiskFacts:
    """The free space of a file system; bytes."""

    path: str
    free: int
    free_files: int | None


@dataclass(frozen=True)
class HostFacts:
    """One look at the host.

    Attributes:
        settings: kernel settings by name, without those that this kernel does not have.
        available_memory: bytes available to a new process; None if the kernel does not report it.
        now: seconds since 1970.
        taken: inotify instances and watches in use by a user's visible processes, by the setting that limits them.
    """

    settings: dict[str, int]
    available_memory: int | None
    disks: tuple[DiskFacts, ...]
    now: float
    taken: dict[str, int] = field(default_factory=dict)


def look_at_host(paths: Iterable[Path], uid: int) -> HostFacts:
    """Collect the facts.

    Args:
        paths: where files will be written; for a missing path its nearest existing parent is used.
        uid: of the gateways' user.
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
    except OSError:  # another user's directory, or a loop of links
        return False


def _setting(name: str) -> int | None:
    try:
        return int(Path("/proc/sys", *name.split(".")).read_text())
    except (OSError, ValueError):
        return None


def _taken(uid: int) -> dict[str, int]:
    """The inotify use of the user's processes, also in containers: the kernel counts them together."""
    instances = watches = 0
    for descriptors in Path("/proc").glob("[0-9]*/fd"):
        try:
            if descriptors.stat().st_uid != uid:
                continue
            for descriptor in descriptors.iterdir():
                if str(descriptor.readlink()) == "anon_inode:inotify":
                    instances += 1
                    watches += (descriptors.parent / "fdinfo" / descriptor.name).read_text().count("inotify wd:")
        except OSError:  # another user's process, or ended meanwhile
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
    # Some file systems report no number of files.
    return DiskFacts(str(path), facts.f_bavail * facts.f_frsize, facts.f_favail if facts.f_files else None)


def process_mark(pid: int) -> str:
    """What tells a process from every other that has had or will have its number; empty if there is none.

    Args:
        pid: of this host.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        # The name in brackets may hold anything; the twentieth field after it is the start, in ticks since the boot.
        start = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{pid} {start} {boot}"
