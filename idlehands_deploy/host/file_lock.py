"""A lock of a file, between commands; the only module that imports `filelock`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.files import PRIVATE_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from idlehands_deploy.errors import DeployError


@contextmanager
def file_locked(path: Path, seconds: float, held: Callable[[], DeployError]) -> Iterator[None]:
    """Hold a file's lock.

    Args:
        seconds: how long to wait for it.
        held: the error if another process holds it for as long.

    Raises:
        DirectoryError: the file cannot be opened, or its file system has no locks.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - slow to load

    lock = FileLock(path, timeout=seconds, mode=PRIVATE_FILE)
    try:
        lock.acquire()
    except Timeout:
        raise held() from None
    except OSError as error:
        raise unusable("write", path, error) from None
    except NotImplementedError:  # filelock's own word for a file system without locks
        raise unusable("write", path, OSError("its file system has no locks")) from None
    try:
        yield
    finally:
        lock.release()
