"""One import at a time into a deployment."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from idlehands_deploy.errors import StateRefusedError
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.handover import make_private

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session


@contextmanager
def import_lock(session: Session) -> Iterator[None]:
    """Allow one import at a time; other commands can still use the deployment while files are copied."""
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
            raise StateRefusedError("Another import into this deployment is running.", "Wait until it ends.") from None
        yield
    finally:
        os.close(descriptor)


def make_directory(path: Path) -> None:
    """Create a directory that only its owner can read, if it does not exist.

    Raises:
        DirectoryError: it cannot be created.
    """
    try:
        make_private(path)
    except OSError as error:
        raise unusable("write", path, error) from None
