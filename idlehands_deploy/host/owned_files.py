"""Files in a directory that somebody else owns, such as a gateway: read and replaced without following any link."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.host.file_facts import Limits, open_ordinary, read_within
from idlehands_deploy.host.trees.descent import open_directory

if TYPE_CHECKING:
    from pathlib import Path

_LIMITS = Limits(links=False)
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class FileVersion:
    """A file as it was read."""

    content: bytes
    uid: int
    gid: int
    mode: int


def read_version(path: Path) -> FileVersion | None:
    """Read a small ordinary file; None if it does not exist.

    Args:
        path: without a link in it.

    Raises:
        OSError: there is a link in the path, it is no ordinary file, or it is larger than a config can be.
    """
    try:
        with open_directory(path.parent) as directory:
            return _read(path.name, directory)
    except FileNotFoundError:
        return None


def replace_version(path: Path, content: bytes, before: FileVersion) -> bool:
    """Replace a file at once, and keep its owner and mode; false if it is no longer as it was read.

    Raises:
        OSError: it cannot be written; it stays as it is.
    """
    with open_directory(path.parent) as directory:
        temporary = f".{path.name}.{secrets.token_hex(8)}"
        try:
            _write(temporary, directory, content, before)
            if _read(path.name, directory) != before:
                return False
            os.rename(temporary, path.name, src_dir_fd=directory, dst_dir_fd=directory)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=directory)
        os.fsync(directory)
    return True


def _read(name: str, directory: int) -> FileVersion:
    with open_ordinary(name, _LIMITS, directory) as stream:
        found = os.fstat(stream.fileno())
        content = read_within(stream, name, _LIMITS.largest)
        return FileVersion(content, found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode))


def _write(name: str, directory: int, content: bytes, like: FileVersion) -> None:
    with os.fdopen(os.open(name, _MAKE, 0o600, dir_fd=directory), "wb") as stream:
        stream.write(content)
        stream.flush()
        if os.geteuid() == 0:
            os.fchown(stream.fileno(), like.uid, like.gid)
        os.fchmod(stream.fileno(), like.mode)
        os.fsync(stream.fileno())
