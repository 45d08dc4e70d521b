"""The deployment directory: find it, lock it, read its files, and write them atomically."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.errors import DirectoryError
from idlehands_deploy.targets.compose import SECCOMP_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


FLEET_FILE = "fleet.yaml"
VARIABLE = "IDLEHANDS_DEPLOY_DIR"
PRIVATE_FILE = 0o600
LOCK_TIMEOUT = 60.0


@dataclass(frozen=True)
class Deployment:
    """The paths of one deployment."""

    root: Path

    @property
    def fleet_file(self) -> Path:
        """The file that a person writes."""
        return self.root / FLEET_FILE

    @property
    def compose_file(self) -> Path:
        """The file that is generated from the fleet file."""
        return self.root / "compose.yaml"

    @property
    def seccomp_file(self) -> Path:
        """The containers' seccomp profile, beside the Compose file."""
        return self.root / SECCOMP_FILE

    @property
    def schema_file(self) -> Path:
        """The fleet file's JSON Schema, for editors."""
        return self.root / "fleet.schema.json"

    @property
    def journal_file(self) -> Path:
        """The watch's journal."""
        return self.root / "watch" / "journal.jsonl"

    @property
    def rename_file(self) -> Path:
        """Both names, while a profile is being renamed."""
        return self.root / ".rename.json"

    def secrets_directory(self, profile: str) -> Path:
        """A profile's token and keys."""
        return self.root / "secrets" / profile

    def secret_file(self, profile: str, name: str) -> Path:
        """The file of one secret."""
        return self.secrets_directory(profile) / name

    def state_directory(self, profile: str) -> Path:
        """The gateway's config, sessions and credentials."""
        return self.root / "profiles" / profile / "state"

    def workspace_directory(self, profile: str) -> Path:
        """The agents' files."""
        return self.root / "profiles" / profile / "workspace"


def find_deployment(
    option: Path | None, environ: Mapping[str, str], start: Path | None, home: Path | None
) -> Deployment:
    """Find the deployment directory; it need not exist yet.

    The first of: the option, ``IDLEHANDS_DEPLOY_DIR``, the nearest parent of ``start`` with a fleet file, and
    the per-user default.

    Args:
        start: the working directory; None if it was deleted.

    Raises:
        DirectoryError: the given path cannot be a directory, or there is no home for the default.
    """
    if option is not None:
        return Deployment(_absolute(option, start))
    if variable := environ.get(VARIABLE):
        return Deployment(_absolute(Path(variable), start))
    for directory in (start, *start.parents) if start else ():
        if (directory / FLEET_FILE).is_file():
            return Deployment(directory)
    data = environ.get("XDG_DATA_HOME")
    if not data and home is None:
        raise DirectoryError("You have no home directory for a deployment.", "Give a directory with -C.")
    return Deployment((Path(data) if data else Path(home or ".") / ".local" / "share") / "idlehands-deploy")


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


def write_atomic(path: Path, text: str, mode: int = 0o644, owner: tuple[int, int] | None = None) -> None:
    """Replace a file atomically: after a crash or on a full disk it is the complete old or new file.

    Owner and mode of an existing file are kept. A link is replaced and never followed.

    Args:
        mode: of a new file.
        owner: uid and gid of a new file; ignored unless this user is root.

    Raises:
        DirectoryError: it cannot be written; nothing is changed.
    """
    with staged([(path, text)], mode, owner):
        pass


@contextmanager
def staged(
    files: Sequence[tuple[Path, str]], mode: int = 0o644, owner: tuple[int, int] | None = None
) -> Iterator[None]:
    """Write several files under temporary names, and rename them all after the block, if it raises nothing.

    Raises:
        DirectoryError: a file cannot be written; none is changed.
    """
    temporaries: list[Path] = []
    try:
        for path, text in files:
            try:
                temporaries.append(_stage(path, text, mode, owner))
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


def _stage(path: Path, text: str, mode: int, owner: tuple[int, int] | None) -> Path:
    old = path.lstat() if path.is_file() and not path.is_symlink() else None
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            os.fchmod(stream.fileno(), stat.S_IMODE(old.st_mode) if old else mode)
            keep = (old.st_uid, old.st_gid) if old else owner
            if keep and os.geteuid() == 0:
                os.fchown(stream.fileno(), *keep)
            stream.flush()
            if old:
                # Only a replaced file can lose data: a new file that a power cut left empty counts as missing and is
                # created again.
                os.fsync(stream.fileno())
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)


@contextmanager
def locked(deployment: Deployment) -> Iterator[None]:
    """Lock the deployment while it is edited; creates the directory.

    Raises:
        DirectoryError: it cannot be created or written, or another command has held the lock for a minute.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only commands that write pay for it

    path = deployment.root / ".lock"
    lock = FileLock(path, timeout=LOCK_TIMEOUT, mode=PRIVATE_FILE)
    try:
        deployment.root.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise DirectoryError(
            f"Another idlehands-deploy command has been changing {deployment.root} for {LOCK_TIMEOUT:.0f} s.",
            f"Wait until it ends, or find its process: fuser {path}",
        ) from None
    except OSError as error:
        raise unusable("write", deployment.root, error) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def containers_locked(
    deployment: Deployment, profiles: Sequence[str], waits: Callable[[str], None]
) -> Iterator[list[int]]:
    """Lock the containers of profiles while they are created or removed; waits as long as necessary.

    Args:
        waits: called with a profile that another command has locked.

    Yields:
        File descriptors; a child process that inherits them holds the locks too, until it ends.
    """
    descriptors: list[int] = []
    try:
        for profile in sorted(profiles):  # sorted, so that two commands never wait for each other
            with suppress(OSError):  # a file system without locks, or files that were deleted
                descriptors.append(os.open(deployment.state_directory(profile).parent, os.O_RDONLY))
                _lock(descriptors[-1], profile, waits)
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _lock(descriptor: int, profile: str, waits: Callable[[str], None]) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waits(profile)
        fcntl.flock(descriptor, fcntl.LOCK_EX)


def remove_tree(directory: Path) -> None:
    """Delete a directory with its content; a missing one is no error.

    Raises:
        DirectoryError: something in it cannot be deleted.
    """
    try:
        shutil.rmtree(directory)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise unusable("delete", directory, error) from None


def _absolute(path: Path, start: Path | None) -> Path:
    try:
        path = path.expanduser()
        if start is None and not path.is_absolute():
            raise DirectoryError(
                "The working directory was deleted.", "Change to another, or give a full path with -C."
            )
        return (start / path if start else path).resolve()
    except (OSError, RuntimeError) as error:  # a loop of links, or a ~user who does not exist
        raise DirectoryError(f"{path} cannot be a directory: {error}.", "Choose another one with -C.") from None


def unusable(verb: str, path: Path, error: OSError) -> DirectoryError:
    """An OSError as an error with a remedy.

    Args:
        verb: the failed action: read, write or delete.
    """
    reason = error.strerror or str(error)
    remedies = {
        "No space left on device": "Free some space and run the command again; existing files are unchanged.",
        "Read-only file system": "Choose another directory with -C, or make this one writable.",
        "Permission denied": f"Choose another directory with -C, or check its owner: ls -ld {path}",
    }
    remedy = remedies.get(reason, "Choose another directory with -C.")
    return DirectoryError(f"Cannot {verb} {path}: {reason}.", remedy)
