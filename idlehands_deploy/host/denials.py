"""Why this user cannot use a file, as one sentence, and the one command that changes it."""

from __future__ import annotations

import errno
import os
import shlex
import stat
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from idlehands_deploy.errors import DirectoryError

# What a host answers that a person can change, and that is no bug of a program.
CAUSES = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT})
ANOTHER = "or choose another directory with -C"


class Denial(NamedTuple):
    """Why something is not possible, as a sentence's end, and what to do."""

    why: str
    remedy: str


def unusable(verb: str, path: Path, error: OSError) -> DirectoryError:
    """An OSError as an error with a remedy; nothing was changed by what failed.

    Args:
        verb: the failed action: read, write, move or delete.
        path: what the action was about. Not always the error's own file, which may be a temporary one, or the source
            of a copy.
    """
    denial = explain(verb, path, error)
    return DirectoryError(f"Cannot {verb} {path}: {denial.why}.", denial.remedy)


def from_anywhere(error: OSError) -> DirectoryError:
    """The error for what no caller has caught."""
    if isinstance(error.filename, str):
        return unusable("use", Path(error.filename), error)
    return DirectoryError(
        f"A file could not be written: {error.strerror}.", "Free some space, then run the command again: df -h"
    )


def refused(path: Path) -> Denial:
    """Why this user may not read a path."""
    return _forbidden("read", path)


def explain(verb: str, path: Path, error: OSError) -> Denial:
    """Why a path cannot be used, and what to do about it."""
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return _forbidden(verb, path)
        case errno.EROFS:
            mount = _mount_of(path)
            again = f"sudo mount -o remount,rw {shlex.quote(str(mount))}"
            return Denial(f"{mount} is mounted read-only", f"Make it writable: {again}   ({ANOTHER})")
        case errno.ENOSPC:
            return _full(path)
        case errno.EDQUOT:
            return Denial(
                "your disk quota is used up",
                "Delete files of yours, or get a larger quota, then run the command again: quota -s",
            )
        case errno.EISDIR | errno.ENOTDIR | errno.EEXIST:
            place = path if error.errno == errno.EISDIR else _first_file(path)
            kind = "it is a directory" if stat.S_ISDIR(_mode(place)) else f"{place} is not a directory"
            name = shlex.quote(str(place))
            return Denial(kind, f"Move it away: mv {name} {name}.old   ({ANOTHER})")
    return Denial(error.strerror or str(error), "Choose another directory with -C.")


def _forbidden(verb: str, path: Path) -> Denial:
    place = _obstacle(verb, path)
    try:
        found = place.lstat()
    except OSError:
        return Denial("permission denied", f"Look at its owner: ls -ld {shlex.quote(str(path))}   ({ANOTHER})")
    name, uid = shlex.quote(str(place)), os.geteuid()
    if uid and found.st_uid != uid:
        subject = "it" if place == path else str(place)
        return Denial(f"{subject} belongs to {_name_of(found.st_uid)}", take_back(place, found.st_uid))
    if uid and not _permits(place, verb):
        recursive = "-R " if stat.S_ISDIR(found.st_mode) else ""
        whose = "its mode" if place == path else f"the mode of {place}"
        mode = f"{found.st_mode & 0o777:04o}"
        return Denial(f"{whose}, {mode}, forbids it", f"Permit it: chmod {recursive}u+rwX {name}")
    # Owner and mode permit it: an attribute of the file, a security module, or a server's rule for root.
    return Denial("the system forbids it", f"See why: lsattr -d {name}; ls -ldZ {name}   ({ANOTHER})")


def take_back(place: Path, owner: int) -> str:
    """What to do about a file of somebody else."""
    mine = next((path for path in (place, *place.parents[:-1]) if _owner(path.parent) == os.geteuid()), None)
    if mine is not None:
        return f"Take it back: sudo chown -R {os.geteuid()}:{os.getegid()} {shlex.quote(str(mine))}"
    who = "" if owner == 0 else f" -u {_name_of(owner)}"
    return f"Run the command as its owner (sudo{who}), {ANOTHER}."


def _obstacle(verb: str, path: Path) -> Path:
    """Which file or directory on the way to a path does not let this user do it; the path itself if none is found."""
    for directory in reversed(path.parents):
        if not os.access(directory, os.X_OK, effective_ids=True):
            return directory
    if verb != "read" and not (_mode(path) and not _permits(path, verb)):
        directory = next((above for above in path.parents if _mode(above)), path.parent)
        if not os.access(directory, os.W_OK | os.X_OK, effective_ids=True):
            return directory
    return path


def _permits(path: Path, verb: str) -> bool:
    wanted = os.R_OK if verb == "read" else os.W_OK
    if stat.S_ISDIR(_mode(path)):
        wanted |= os.X_OK
    return os.access(path, wanted, effective_ids=True)


def _full(path: Path) -> Denial:
    directory = next((above for above in (path, *path.parents) if stat.S_ISDIR(_mode(above))), Path("/"))
    counts = "df -h"
    with suppress(OSError):
        found = os.statvfs(directory)
        if found.f_files and not found.f_favail and found.f_bavail:
            counts = "df -i"
    what = "the disk has no room for more files" if counts == "df -i" else "the disk is full"
    where = shlex.quote(str(directory))
    return Denial(what, f"Free some space, then run the command again; existing files are unchanged: {counts} {where}")


def _mount_of(path: Path) -> Path:
    return next((above for above in (path, *path.parents) if _mode(above) and above.is_mount()), Path("/"))


def _first_file(path: Path) -> Path:
    """What is in the place of a directory."""
    places = reversed((path, *path.parents))
    return next((above for above in places if (mode := _mode(above)) and not stat.S_ISDIR(mode)), path)


def _mode(path: Path) -> int:
    """A path's mode, through links; 0 if it cannot be known."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _owner(path: Path) -> int | None:
    try:
        return path.lstat().st_uid
    except OSError:
        return None


def _name_of(uid: int) -> str:
    from idlehands_deploy.host.systemd import name_of  # noqa: PLC0415 - only a failure pays for it

    return name_of(uid)
