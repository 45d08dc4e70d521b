"""Which files must change hands so that gateways can use them, and the one command that does it."""

from __future__ import annotations

import shlex
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from idlehands_deploy.doctor.checks.files import ProfileFiles
    from idlehands_deploy.host.file_facts import PathFacts


@dataclass(frozen=True)
class Handover:
    """A file or directory, and who is to own it.

    Attributes:
        owner: uid:gid.
        path: quoted for a shell.
        is_secret: a file that its owner alone may read; otherwise it is a directory with all that it holds.
    """

    owner: str
    path: str
    is_secret: bool


def is_handed_over(files: ProfileFiles, mount: PathFacts) -> bool:
    """Whether a mount, or something in it, belongs to the wrong user."""
    return mount.kind == "directory" and (mount.uid != files.uid or mount.path in files.foreign)


def is_unreadable(files: ProfileFiles, secret: PathFacts) -> bool:
    """Whether the gateway cannot read a secret because of its owner or mode."""
    return secret.kind == "file" and bool(secret.size) and (secret.uid != files.uid or not secret.mode & stat.S_IRUSR)


def find_handovers(files: ProfileFiles) -> Iterator[Handover]:
    """What must change hands for one profile."""
    owner = f"{files.uid}:{files.gid}"
    for mount in files.mounts:
        if is_handed_over(files, mount):
            yield Handover(owner, mount.full, is_secret=False)
    for secret in files.secrets:
        if is_unreadable(files, secret):
            yield Handover(owner, secret.full, is_secret=True)


def handover_command(handovers: Iterable[Handover]) -> Remedy:
    """One command for all of them, with one `sudo`."""
    given = list(handovers)
    commands = [
        f"chown {'' if is_secret else '-R '}{owner} {' '.join(paths)}"
        for owner in dict.fromkeys(item.owner for item in given)
        for is_secret in (False, True)
        if (paths := [item.path for item in given if item.owner == owner and item.is_secret is is_secret])
    ]
    if secrets := [item.path for item in given if item.is_secret]:
        commands.append(f"chmod 600 {' '.join(secrets)}")
    if len(commands) == 1:
        return Remedy(f"sudo {commands[0]}")
    return Remedy(f"sudo sh -c {shlex.quote(' && '.join(commands))}")
