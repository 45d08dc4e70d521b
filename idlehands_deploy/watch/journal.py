"""What a watch has seen and done: JSON Lines in files that rotate, and how available that says each gateway was."""

from __future__ import annotations

import errno
import json
import logging
import os
import stat
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING, Any

from idlehands_deploy.deployment.directory import PRIVATE_FILE, unusable
from idlehands_deploy.errors import UsageError
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.timestamps import moment, read_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

# Some two thousand changes a file, which is months of a gateway that works.
LARGEST = 1 << 20
OLDER_FILES = 5
# How often a watch says in the file's time that it still watches: seldom, for the sake of memory cards; seconds.
ALIVE = 30.0


class Journal:
    """The journal of one deployment, open for writing; its file's time says until when somebody watched.

    Raises:
        DirectoryError: it cannot be made.
    """

    def __init__(self, path: Path, *, largest: int = LARGEST) -> None:
        try:
            _make_directory(path.parent)
            self._handler = _Handler(path, maxBytes=largest, backupCount=OLDER_FILES, encoding="utf-8")
        except OSError as error:
            raise unusable("write", path, error) from None
        self._path = path

    def write(self, event: str, **more: object) -> dict[str, Any]:
        """Add an entry, with the moment that it is; gives it as written. A full disk costs entries and no watch."""
        entry = {"time": moment(time.time()), "event": event, **more}
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
        self._handler.handle(logging.LogRecord("journal", logging.INFO, "", 0, line, None, None))
        return entry

    def begins_anew(self) -> bool:
        """Whether a new file was begun since this was last asked."""
        began, self._handler.began = self._handler.began, False
        return began

    def keep_alive(self) -> None:
        """Say that somebody still watches."""
        with suppress(OSError):
            os.utime(self._path, follow_symlinks=False)

    def close(self) -> None:
        """Close the file."""
        self._handler.close()


class _Handler(RotatingFileHandler):
    """A rotating file that is its owner's alone, and whose errors are nobody's affair."""

    def _open(self) -> Any:  # noqa: ANN401 - logging's own signature
        # As root in somebody's directory: a link that lies there must not lead to a file of the system.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        stream = os.fdopen(os.open(self.baseFilename, flags, PRIVATE_FILE), "a", encoding=self.encoding)
        try:
            _give_away(stream.fileno(), os.path.dirname(self.baseFilename))  # noqa: PTH120 - logging keeps a text
        except OSError:
            stream.close()
            raise
        return stream

    began = False

    def doRollover(self) -> None:  # noqa: N802 - logging's own name
        """Begin a new file."""
        super().doRollover()
        self.began = True

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Go on: the watch matters more than its journal."""


@dataclass(frozen=True)
class Watched:
    """What a journal tells.

    Attributes:
        entries: oldest first.
        until: up to when somebody watched, in seconds since 1970; 0 if nobody ever did.
    """

    entries: list[dict[str, Any]]
    until: float


@dataclass
class Availability:
    """How one gateway fared over a while; seconds.

    Attributes:
        watched: of it that anybody watched, and had an engine to ask.
        ready, usable: of these, that it was ready, and that a person could work with it.
        outages: how often it was unusable.
        longest: the longest time that it was unusable without a break.
        restarts: how often the watch started it anew.
    """

    watched: float = 0
    ready: float = 0
    usable: float = 0
    outages: int = 0
    longest: float = 0
    restarts: int = 0


@dataclass
class _Run:
    """A gateway's state as the entries are read."""

    state: str
    usable: bool
    since: float
    down: float = field(default=0)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """See that nobody else watches with this journal: two would restart the same gateway twice.

    Raises:
        UsageError: somebody does.
        DirectoryError: that cannot be found out.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - slow to load

    lock = FileLock(path.with_name("lock"), timeout=0, mode=PRIVATE_FILE)
    try:
        lock.acquire()
        descriptor = os.open(lock.lock_file, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            _give_away(descriptor, path.parent)  # whoever watches next need not be root
        finally:
            os.close(descriptor)
    except Timeout:
        raise UsageError(
            f"Another watch is at work in {path.parent.parent}.",
            Remedy("See what it sees: ", ours("history"), f"   (and who it is: fuser {lock.lock_file})"),
        ) from None
    except OSError as error:
        raise unusable("write", path.with_name("lock"), error) from None
    try:
        yield
    finally:
        lock.release()


def read_journal(path: Path) -> Watched:
    """Read a journal with its older files; lines that are cut or damaged are left out.

    Raises:
        DirectoryError: it cannot be read.
    """
    entries: list[dict[str, Any]] = []
    until = 0.0
    for number in range(OLDER_FILES, -1, -1):
        file = path.with_name(f"{path.name}.{number}") if number else path
        try:
            with file.open(encoding="utf-8", errors="replace") as stream:
                entries += _entries(stream)
                until = max(until, os.fstat(stream.fileno()).st_mtime)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise unusable("read", file, error) from None
    return Watched(entries, until)


def availability(entries: Iterable[dict[str, Any]], profile: str, since: float, until: float) -> Availability:
    """How a gateway fared between two moments, in seconds since 1970.

    Args:
        entries: of a journal, oldest first.
        until: no later than somebody watched.
    """
    found = Availability()
    run: _Run | None = None
    for entry in entries:
        at = entry["at"]
        if entry["event"] in {"watching", "ended"} or (entry["event"], entry.get("profile")) == ("left", profile):
            # A watch that was killed said nothing; what its next one found as the file's time is its end.
            end = min(at, read_moment(entry.get("unwatched_since")) or at)
            _count(found, run, max(since, run.since) if run else 0, min(until, end))
            run = None
        elif entry.get("profile") != profile:
            continue
        elif entry["event"] == "state":
            if run:
                _count(found, run, max(since, run.since), min(until, at))
            usable = bool(entry.get("usable"))
            # Without an engine nobody knows, which is as if nobody watched.
            known = entry.get("state") != "unknown"
            run = _Run(str(entry.get("state")), usable, at, run.down if run and not usable else 0) if known else None
        elif entry["event"] == "treated" and since <= at <= until:
            found.restarts += 1
    if run:
        _count(found, run, max(since, run.since), until)
    return found


def _make_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        if directory.is_symlink():
            raise OSError(errno.ELOOP, "it is a link") from None
        return
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _give_away(descriptor, directory.parent)
    finally:
        os.close(descriptor)


def _give_away(descriptor: int, directory: str | Path) -> None:
    """Give what root has made to whom the directory belongs, so that they can read it without root.

    Raises:
        OSError: it is also something else, by another name.
    """
    found = os.fstat(descriptor)
    if not stat.S_ISDIR(found.st_mode) and (not stat.S_ISREG(found.st_mode) or found.st_nlink > 1):
        raise OSError(errno.EINVAL, "it is no ordinary file")
    if os.geteuid() == 0:
        owner = os.stat(directory)  # noqa: PTH116 - a text or a path
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def _count(found: Availability, run: _Run | None, since: float, until: float) -> None:
    if run is None or until <= since:
        return
    lasted = until - since
    found.watched += lasted
    found.ready += lasted if run.state == "ready" else 0
    found.usable += lasted if run.usable else 0
    found.outages += not run.usable and not run.down
    run.down = 0 if run.usable else run.down + lasted
    found.longest = max(found.longest, run.down)


def _entries(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry, dict) and (at := read_moment(entry.get("time"))) is not None:
            yield {"event": "", **entry, "at": at}
