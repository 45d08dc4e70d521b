"""One import at a time into a deployment."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.directory import unusable
from idlehands_deploy.deployment.profile_files import PRIVATE_DIRECTORY
from idlehands_deploy.errors import StateRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session


@contextmanager
def alone(session: Session) -> Iterator[None]:
    """One import at a time, without keeping other commands from the deployment for as long as the copy takes."""
    import fcntl  # noqa: PLC0415 - not on every platform

    profiles = session.deployment.root / "profiles"
    try:
        session.deployment.root.mkdir(parents=True, exist_ok=True)
        make_directory(profiles)
        descriptor = os.open(profiles, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise unusable("write", profiles, error) from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateRefusedError("Another import into this deployment is under way.", "Wait for it.") from None
        yield
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Make a directory that its owner alone can read, if it is not there.

    Raises:
        DirectoryError: it cannot be made.
    """
    try:
        path.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    except OSError as error:
        raise unusable("write", path, error) from None
