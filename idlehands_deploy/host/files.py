"""Files of ours on this host: read, and written so that nothing is ever half there."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.errors import DirectoryError
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.handover import give_to_owner
from idlehands_deploy.host.trees.descent import DIRECTORY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PRIVATE_FILE = 0o600


def read_text(path: Path) -> str | None:
    """Read a file; None if it does not exist.

    Raises:
        DirectoryError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise DirectoryError(f"{path} is not UTF-8 text: {error.reason}.", "Save the file as UTF-8.") from None
    except OSError as error:
        raise unusable("read", path, error) from None


def write_atomic(
    path: Path, text: str, mode: int = 0o644, owner: tuple[int, int] | None = None, *, keep: bool = True
) -> None:
    """Replace a file atomically: after a crash or on a full disk it is the complete old or new file.

    A link is replaced and never followed.

    Args:
        mode: of a new file.
        owner: uid and gid of a new file, by default those of its directory; ignored unless this user is root.
        keep: whether an existing file keeps its own mode and owner.

    Raises:
        DirectoryError: it cannot be written; nothing is changed.
    """
    with staged([(path, text)], mode, owner, keep=keep):
        pass


@contextmanager
def staged(
    files: Sequence[tuple[Path, str]], mode: int = 0o644, owner: tuple[int, int] | None = None, *, keep: bool = True
) -> Iterator[None]:
    """Write several files under temporary names, and rename them all after the block, if it raises nothing.

    Raises:
        DirectoryError: a file cannot be written; none is changed.
    """
    temporaries: list[Path] = []
    try:
        for path, text in files:
            try:
                temporaries.append(_stage(path, text, mode, owner, keep=keep))
            except OSError as error:
                raise unusable("write", path, error) from None
        yield
        for temporary, (path, _) in zip(temporaries, files, strict=True):
            try:
                temporary.replace(path)
            except OSError as error:
                raise unusable("write", path, error) from None
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)


def write_durable(path: Path, text: str, mode: int = PRIVATE_FILE) -> None:
    """Replace a file atomically, and return when it is on the disk: what it says survives a power cut.

    Raises:
        DirectoryError: it cannot be written; nothing is changed.
    """
    write_atomic(path, text, mode)
    try:
        sync(path, path.parent)
    except OSError as error:
        raise unusable("write", path, error) from None


def sync(*paths: Path) -> None:
    """Wait until these files and directories are on the disk as they are: of a directory, the names in it.

    Raises:
        OSError: one is not there, or the disk failed.
    """
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _stage(path: Path, text: str, mode: int, owner: tuple[int, int] | None, *, keep: bool) -> Path:
    old = path.lstat() if keep and path.is_file() and not path.is_symlink() else None
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            os.fchmod(stream.fileno(), stat.S_IMODE(old.st_mode) if old else mode)
            wanted = (old.st_uid, old.st_gid) if old else owner
            if not wanted:
                give_to_owner(stream.fileno(), path.parent)
            elif os.geteuid() == 0:
                os.fchown(stream.fileno(), *wanted)
            stream.flush()
            if old or not keep:
                # A replaced file can lose data, and so can one with a person's own words. Any other new file that a
                # power cut left empty counts as missing and is created again.
                os.fsync(stream.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


def remove_tree(directory: Path) -> None:
    """Delete a directory with its content; a missing one is no error.

    Raises:
        DirectoryError: something in it cannot be deleted.
    """
    try:
        descriptor = os.open(directory, DIRECTORY)
    except FileNotFoundError:
        return
    except OSError as error:
        raise unusable("delete", directory, error) from None
    try:
        _empty(descriptor)
        directory.rmdir()
    except OSError as error:
        raise unusable("delete", directory, error) from None
    finally:
        os.close(descriptor)


def _empty(top: int) -> None:
    """Delete all that is in an open directory.

    What is in its directories is moved up first, so that neither calls, nor open files, nor paths grow with a depth
    that a gateway has chosen. Killed in between, it leaves what the next time deletes.
    """
    prefix, moved = f".deleted-{secrets.token_hex(4)}-", 0
    while names := os.listdir(top):
        for name in names:
            if not stat.S_ISDIR(os.lstat(name, dir_fd=top).st_mode):
                os.unlink(name, dir_fd=top)
                continue
            inner = os.open(name, DIRECTORY, dir_fd=top)
            _open_up(".", inner)
            try:
                for child in os.listdir(inner):  # noqa: PTH208
                    if stat.S_ISDIR(os.lstat(child, dir_fd=inner).st_mode):
                        moved += 1
                        _open_up(child, inner)
                        os.rename(child, f"{prefix}{moved}", src_dir_fd=inner, dst_dir_fd=top)
                    else:
                        os.unlink(child, dir_fd=inner)
            finally:
                os.close(inner)
            os.rmdir(name, dir_fd=top)


def _open_up(directory: str, parent: int) -> None:
    """Let this user move a directory and delete in it: read-only ones, as in Go's cache, forbid it to all but root."""
    if os.geteuid():
        with suppress(OSError):
            os.chmod(directory, 0o700, dir_fd=parent)


def remove(path: Path) -> None:
    """Delete a file, a link or a directory with its content; a missing one is no error, and no link is followed.

    Raises:
        DirectoryError: it, or something in it, cannot be deleted.
    """
    if path.is_dir() and not path.is_symlink():
        remove_tree(path)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unusable("delete", path, error) from None
