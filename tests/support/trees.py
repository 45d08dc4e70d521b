"""Trees that are hard to handle."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def nest(top: Path, depth: int) -> None:
    """Directories in each other, each with a file, deeper than any path or call can go."""
    descriptor = os.open(top, os.O_RDONLY)
    for _ in range(depth):
        os.close(os.open("file", os.O_WRONLY | os.O_CREAT, dir_fd=descriptor))
        os.mkdir("directory", dir_fd=descriptor)
        inner = os.open("directory", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
