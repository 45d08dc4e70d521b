"""Other file systems that are mounted within a directory."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")


def mounts_below(directory: Path, mounts: Path = MOUNTS) -> list[Path]:
    """The mount points within a directory, not itself; bind mounts too."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return []
    points = {Path(_unescaped(line.split(" ")[4])) for line in lines}
    real = directory.resolve()
    return sorted(point for point in points if real in point.parents)


def _unescaped(text: str) -> str:
    """A path of the kernel's table, which writes spaces, tabs, line breaks and backslashes as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
