"""The files of a profile's secrets: what a value may be, which there are, and writing one."""

from __future__ import annotations

import re
import shlex
import stat
from typing import TYPE_CHECKING, Literal, NamedTuple

from idlehands_deploy.deployment.secret_values import UTF_16, read_content, read_secret_file
from idlehands_deploy.errors import UsageError
from idlehands_deploy.fleet.values import CAPITALS, MANAGED_VARIABLES
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.file_facts import names_in
from idlehands_deploy.host.files import PRIVATE_FILE, write_atomic
from idlehands_deploy.host.handover import make_private
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment

State = Literal["set", "empty", "unusable", "missing", "unreadable"]
# A terminal cuts a longer line off, and says nothing.
LONGEST_LINE = 4095


class Secret(NamedTuple):
    """One secret of a profile, without its value.

    Attributes:
        named: whether the fleet file names it.
        changed_at: seconds since 1970; 0 if it has no file.
    """

    profile: str
    name: str
    state: State
    named: bool
    changed_at: float


def read_value(name: str, given: bytes) -> str:
    """The value of a secret as it was given, without what only surrounds it.

    Raises:
        UsageError: it cannot be the value of a variable; the message does not hold it.
    """
    reading = read_content(name, given)
    if not reading.flaw:
        return reading.value
    remedy = "Give the key itself, as text."
    if reading.flaw == UTF_16:
        remedy = "Convert it first: iconv -f UTF-16 -t UTF-8"
    elif reading.is_blank:
        remedy = "Give it on standard input, or at the prompt."
    raise UsageError(f"The value {reading.flaw}: nothing was set.", remedy)


def read_typed(line: str) -> bytes:
    """A value that was typed or pasted at a prompt.

    Raises:
        UsageError: the terminal may have cut it off.
    """
    given = line.encode(errors="surrogateescape")
    if len(given) >= LONGEST_LINE:
        raise UsageError(
            f"A terminal takes {LONGEST_LINE} bytes a line, so the value may have been cut off.",
            "Write it to a file, and give that on standard input.",
        )
    return given


def read_secret(path: Path) -> str | None:
    """The value in a secret's file, as a gateway reads it; None if there is no file.

    Raises:
        UsageError: what is there is no ordinary file, or a link.
        DirectoryError: it cannot be read.
    """
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            raise UsageError(
                f"{path} is a link to {path.readlink()}.", "Write the value there, or remove the link first."
            )
        if not stat.S_ISREG(found.st_mode):
            raise UsageError(f"{path} is not a file.", f"Move it away: {shlex.join(('mv', str(path), f'{path}.old'))}")
        reading = read_secret_file(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unusable("read", path, error) from None
    return reading.value if reading else None


def is_private(path: Path, uid: int) -> bool:
    """Whether a file can be read by its owner alone, who is this user."""
    found = path.stat()
    return not stat.S_IMODE(found.st_mode) & 0o077 and found.st_uid == uid


def write_secret(path: Path, value: str, owner: tuple[int, int]) -> None:
    """Write a secret's file with its directories, so that only its owner can read it.

    Raises:
        DirectoryError: it cannot be written; an old value stays.
    """
    try:
        for directory in (path.parent.parent, path.parent):
            make_private(directory)
    except OSError as error:
        raise unusable("write", path, error) from None
    write_atomic(path, value, PRIVATE_FILE, owner, keep=False)


def delete_secret(path: Path) -> None:
    """Delete a secret's file, or a link in its place.

    Raises:
        DirectoryError: it cannot be deleted.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unusable("delete", path, error) from None


def find_secrets(deployment: Deployment, profile: str, named: Collection[str]) -> Iterator[Secret]:
    """A profile's secrets: those that the fleet file names, then files that it does not name."""
    directory = deployment.secrets_directory(profile)
    found = [name for name in names_in(directory) if re.fullmatch(CAPITALS, name)]
    for name in dict.fromkeys((*named, *found)):
        if name not in MANAGED_VARIABLES:
            state, changed_at = _state(directory / name)
            yield Secret(profile, name, state, name in named, changed_at)


def _state(path: Path) -> tuple[State, float]:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return "unreadable", found.st_mtime
        reading = read_secret_file(path)
    except (FileNotFoundError, NotADirectoryError):
        return "missing", 0.0
    except OSError:
        return "unreadable", 0.0
    if reading is None or not reading.flaw:
        return "set" if reading else "missing", found.st_mtime
    return "empty" if reading.is_blank else "unusable", found.st_mtime


def set_command(profile: str, name: str) -> Remedy:
    """The command that sets a secret."""
    return Remedy("Set it: ", ours("secret", "set", profile, name))
