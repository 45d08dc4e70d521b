"""Locks of a deployment: one for its files, and one for each profile's container."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from idlehands_deploy.errors import DirectoryError, StateRefusedError
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.file_lock import file_locked
from idlehands_deploy.host.handover import give_to_owner
from idlehands_deploy.host.programs.tools import holder_command
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment

LOCK_TIMEOUT = 60.0


@contextmanager
def locked(deployment: Deployment) -> Iterator[None]:
    """Lock the deployment while it is edited; creates the directory.

    Raises:
        DirectoryError: it cannot be created or written, or another command has held the lock for a minute.
    """
    path = deployment.root / ".lock"

    def held() -> DirectoryError:
        return DirectoryError(
            f"Another idlehands-deploy command has been changing {deployment.root} for {LOCK_TIMEOUT:.0f} s.",
            "Wait until it ends" + (f", or find its process: {command}" if (command := holder_command(path)) else "."),
        )

    try:
        deployment.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable("write", path, error) from None
    with file_locked(path, LOCK_TIMEOUT, held):
        _hand_over(path)
        yield


def _hand_over(path: Path) -> None:
    """Let the next command run without root."""
    with suppress(OSError):  # a link or a hard link in its place stays whose it is
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            give_to_owner(descriptor, path.parent)
        finally:
            os.close(descriptor)


@contextmanager
def containers_locked(
    deployment: Deployment, profiles: Sequence[str], waits: Callable[[str], None], *, recovers: bool = False
) -> Iterator[list[int]]:
    """Lock the containers of profiles while they are created or removed; waits as long as necessary.

    Args:
        waits: called with a profile that another command has locked.
        recovers: whether the caller takes care of what was being done to a profile's state and was cut off.

    Yields:
        File descriptors; a child process that inherits them holds the locks too, until it ends.

    Raises:
        StateRefusedError: something was being done to a profile's state, and was cut off.
    """
    descriptors: list[int] = []
    try:
        for profile in sorted(profiles):  # sorted, so that two commands never wait for each other
            with suppress(OSError):  # a file system without locks, or files that were deleted
                descriptors.append(os.open(deployment.state_directory(profile).parent, os.O_RDONLY))
                _lock(descriptors[-1], profile, waits)
        if not recovers:
            refuse_interrupted(deployment, profiles)
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def refuse_interrupted(deployment: Deployment, profiles: Sequence[str]) -> None:
    """See that nothing is being done to the state of these profiles, or was and was cut off.

    Raises:
        StateRefusedError: something is.
    """
    if busy := [profile for profile in profiles if profile in deployment.in_transaction]:
        raise StateRefusedError(
            f"The state of {busy[0]} is being changed by another command, or was when that was interrupted.",
            Remedy("Wait for it. If it was interrupted, any command undoes it, such as: ", ours("status", busy[0])),
        )


def _lock(descriptor: int, profile: str, waits: Callable[[str], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waits(profile)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
