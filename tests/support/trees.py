"""Trees that are hard to handle."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from idlehands_deploy.host.files import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def nested(top: Path, depth: int) -> Iterator[None]:
    """Nest directories, and delete them at the end: they are too deep for pytest to delete with its other ones."""
    nest(top, depth)
    try:
        yield
    finally:
        remove_tree(top / "directory")


@contextmanager
def deleted(tree: Path) -> Iterator[None]:
    """Delete a tree at the end, however deep it is: pytest cannot."""
    try:
        yield
    finally:
        remove_tree(tree)


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
