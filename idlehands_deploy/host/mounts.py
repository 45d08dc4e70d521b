"""What is mounted where, as the kernel's table tells it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOUNTS = Path("/proc/self/mountinfo")


@dataclass(frozen=True)
class FileSystem:
    """The mount that holds a file.

    Attributes:
        kind: the kernel's name for it, such as ``ext4`` or ``fuse.sshfs``.
        point: where it is mounted.
        source: what is mounted: a device, a server's path, or any text.
        options: those of the mount and of the file system, as ``noexec`` and ``user_id=1000``.
    """

    kind: str
    point: Path
    source: str
    options: frozenset[str]


def mounts_below(directory: Path, mounts: Path = MOUNTS) -> list[Path]:
    """The mount points within a directory, not itself; bind mounts too."""
    real = directory.resolve()
    return sorted({found.point for found in mounted(mounts) if real in found.point.parents})


def file_system_of(path: Path, table: Iterable[FileSystem]) -> FileSystem | None:
    """The file system of a path, or of its nearest parent that exists; None if the table does not tell.

    Args:
        table: what is mounted, in the kernel's order.
    """
    real = path.resolve()
    # Of several at one place, the last one covers the others.
    by_point = {found.point: found for found in table}
    return next((by_point[point] for point in (real, *real.parents) if point in by_point), None)


def mounted(mounts: Path = MOUNTS) -> Iterator[FileSystem]:
    """All that is mounted, in the kernel's order; nothing if its table cannot be read."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        about, _, what = line.partition(" - ")
        place, options = about.split(" ")[4:6]
        kind, source, more = what.split(" ")[:3]
        both = frozenset((*options.split(","), *more.split(",")))
        yield FileSystem(kind, Path(_unescaped(place)), _unescaped(source), both)


def _unescaped(text: str) -> str:
    """A path of the kernel's table, which writes spaces, tabs, line breaks and backslashes as octal numbers."""
    return os.fsdecode(re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), os.fsencode(text)))
