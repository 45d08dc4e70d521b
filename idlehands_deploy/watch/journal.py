"""The watch's journal: JSON Lines in rotating files."""

from __future__ import annotations

import errno
import json
import logging
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any

from idlehands_deploy.errors import UsageError
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.file_lock import file_locked
from idlehands_deploy.host.files import PRIVATE_FILE
from idlehands_deploy.host.handover import give_to_owner, make_private
from idlehands_deploy.host.programs.tools import holder_command
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.timestamps import read_timestamp, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# About two thousand changes, which is months of a gateway that works; bytes.
LARGEST = 1 << 20
OLDER_FILES = 5
# How often a running watch updates the file's modification time: rarely, to spare flash memory; seconds.
ALIVE = 30.0


class Journal:
    """The journal of one deployment, open for writing; the file's modification time says until when the watch ran.

    Raises:
        DirectoryError: it cannot be created.
    """

    def __init__(self, path: Path, *, largest: int = LARGEST) -> None:
        try:
            make_directory(path.parent)
            self._handler = _Handler(path, maxBytes=largest, backupCount=OLDER_FILES, encoding="utf-8")
        except OSError as error:
            raise unusable("write", path, error) from None
        self._path = path

    def write(self, event: str, **more: object) -> dict[str, Any]:
        """Add an entry with the current time, and return it. On a full disk the entry is lost and the watch goes on."""
        entry = {"time": timestamp(time.time()), "event": event, **more}
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
        self._handler.handle(logging.LogRecord("journal", logging.INFO, "", 0, line, None, None))
        return entry

    def has_new_file(self) -> bool:
        """Whether a new file was started since the last call."""
        rotated, self._handler.rotated = self._handler.rotated, False
        return rotated

    def keep_alive(self) -> None:
        """Record that the watch still runs."""
        with suppress(OSError):
            os.utime(self._path, follow_symlinks=False)

    def close(self) -> None:
        """Close the file."""
        self._handler.close()


class _Handler(RotatingFileHandler):
    """A rotating file that only its owner can read; its errors are ignored."""

    def _open(self) -> Any:  # noqa: ANN401 - logging's own signature
        # Root may write here into another user's directory: their link must not lead to a system file.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        stream = os.fdopen(os.open(self.baseFilename, flags, PRIVATE_FILE), "a", encoding=self.encoding)
        try:
            give_to_owner(stream.fileno(), os.path.dirname(self.baseFilename))  # noqa: PTH120 - logging keeps a text
        except OSError:
            stream.close()
            raise
        return stream

    rotated = False

    def doRollover(self) -> None:  # noqa: N802 - logging's own name
        """Start a new file."""
        super().doRollover()
        self.rotated = True

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Go on: the watch matters more than its journal."""


@dataclass(frozen=True)
class JournalContent:
    """What a journal holds.

    Attributes:
        entries: oldest first.
        until: when the watch last ran, in seconds since 1970; 0 if it never did.
    """

    entries: list[dict[str, Any]]
    until: float


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of a journal: two watches would restart the same gateway twice.

    Raises:
        UsageError: another watch holds it.
        DirectoryError: the lock file cannot be opened.
    """
    lock = path.with_name("lock")

    def held() -> UsageError:
        command = holder_command(lock)
        return UsageError(
            f"Another watch is running in {path.parent.parent}.",
            Remedy("Show its journal: ", ours("history"), f"   (its process: {command})" if command else ""),
        )

    with file_locked(lock, 0, held):
        try:
            descriptor = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                give_to_owner(descriptor, path.parent)  # the next watch may run without root
            finally:
                os.close(descriptor)
        except OSError as error:
            raise unusable("write", lock, error) from None
        yield


def read_journal(path: Path) -> JournalContent:
    """Read a journal with its older files; incomplete and damaged lines are skipped.

    Raises:
        DirectoryError: it cannot be read.
    """
    until = last_run(path)
    return JournalContent(list(read_entries(path)), until)


def read_entries(path: Path) -> Iterator[dict[str, Any]]:
    """The same entries one by one: a journal is larger than what most readers keep of it.

    Raises:
        DirectoryError: it cannot be read.
    """
    for file in _files(path):
        try:
            with file.open(encoding="utf-8", errors="replace") as stream:
                yield from _entries(stream)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise unusable("read", file, error) from None


def last_run(path: Path) -> float:
    """When the watch of a journal last ran, in seconds since 1970; 0 if it never did."""
    until = 0.0
    for file in _files(path):
        with suppress(OSError):
            until = max(until, file.stat().st_mtime)
    return until


def _files(path: Path) -> list[Path]:
    """A journal's files, oldest first, those that do not exist too."""
    return [*(path.with_name(f"{path.name}.{number}") for number in range(OLDER_FILES, 0, -1)), path]


def make_directory(directory: Path) -> None:
    """Make the directory of what a watch writes.

    Raises:
        OSError: it cannot be made.
    """
    if not make_private(directory) and directory.is_symlink():
        raise OSError(errno.ELOOP, "it is a symbolic link")


def _entries(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict) and (at := read_timestamp(entry.get("time"))) is not None:
            yield {"event": "", **entry, "at": at}
