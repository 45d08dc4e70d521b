"""The deployment directory: find it, lock it, read it, and write it so that nothing is ever half there."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.compose import SECCOMP_FILE, secret_names
from idlehands_deploy.errors import DirectoryError, FleetError, Problem
from idlehands_deploy.fleet_values import TOKEN_SECRET
from idlehands_deploy.gateway import CONFIG_NAME, initial_config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from idlehands_deploy.fleet import Fleet, Profile
    from idlehands_deploy.ports import PortPlan, ProfilePorts

FLEET_FILE = "fleet.yaml"
VARIABLE = "IDLEHANDS_DEPLOY_DIR"
# Debian's first ordinary user, and the image's own: what root's gateways run as.
DEFAULT_USER = "1000:1000"
PRIVATE_FILE = 0o600
PRIVATE_DIRECTORY = 0o700
LOCK_TIMEOUT = 60.0


@dataclass(frozen=True)
class Deployment:
    """Where everything of one deployment lies."""

    root: Path

    @property
    def fleet_file(self) -> Path:
        """What a person writes."""
        return self.root / FLEET_FILE

    @property
    def compose_file(self) -> Path:
        """What is generated from it."""
        return self.root / "compose.yaml"

    @property
    def seccomp_file(self) -> Path:
        """The containers' seccomp profile, which Compose reads beside its own file."""
        return self.root / SECCOMP_FILE

    @property
    def schema_file(self) -> Path:
        """The fleet file's JSON Schema, for editors."""
        return self.root / "fleet.schema.json"

    def secret_file(self, profile: str, name: str) -> Path:
        """One secret's only place."""
        return self.root / "secrets" / profile / name

    def state_directory(self, profile: str) -> Path:
        """The gateway's config, sessions and credentials."""
        return self.root / "profiles" / profile / "state"

    def workspace_directory(self, profile: str) -> Path:
        """The agents' files."""
        return self.root / "profiles" / profile / "workspace"


def find_deployment(option: Path | None, environ: Mapping[str, str], start: Path, home: Path) -> Deployment:
    """Find the deployment directory; it need not exist yet.

    The first of: the option, ``IDLEHANDS_DEPLOY_DIR``, the nearest parent of ``start`` with a fleet file, and
    the per-user default.
    """
    if option is not None:
        return Deployment(_absolute(option, start))
    if variable := environ.get(VARIABLE):
        return Deployment(_absolute(Path(variable), start))
    for directory in (start, *start.parents):
        if (directory / FLEET_FILE).is_file():
            return Deployment(directory)
    data = environ.get("XDG_DATA_HOME")
    return Deployment((Path(data) if data else home / ".local" / "share") / "idlehands-deploy")


def read_text(path: Path) -> str | None:
    """Read a file; None where there is none.

    Raises:
        DirectoryError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise DirectoryError(f"{path} is not UTF-8 text: {error.reason}.", "Save it as UTF-8.") from None
    except OSError as error:
        raise _unusable("read", path, error) from None


def write_atomic(path: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file whole: after a crash or on a full disk it is the old one or the new one.

    Owner and mode of an existing file are kept; parents are made.

    Raises:
        DirectoryError: it cannot be written; nothing is changed.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = path.resolve()  # a fleet file may be a link into somebody's dotfiles
        old = target.stat() if target.exists() else None
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            os.fchmod(stream.fileno(), old.st_mode & 0o7777 if old else mode)
            if old and os.geteuid() == 0:
                os.fchown(stream.fileno(), old.st_uid, old.st_gid)
            stream.flush()
            if old:
                # Only what replaces something can lose something: a new file that a power cut left empty
                # counts as missing and is made again.
                os.fsync(stream.fileno())
        temporary.replace(target)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise _unusable("write", path, error) from None


@contextmanager
def locked(deployment: Deployment) -> Iterator[None]:
    """Hold the deployment alone while it is edited; makes the directory.

    Raises:
        DirectoryError: it cannot be made or written, or another command has held it for a minute.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only commands that write pay for it

    path = deployment.root / ".lock"
    try:
        deployment.root.mkdir(parents=True, exist_ok=True)
        with FileLock(path, timeout=LOCK_TIMEOUT, mode=PRIVATE_FILE):
            yield
    except Timeout:
        raise DirectoryError(
            f"Another idlehands-deploy has been changing {deployment.root} for {LOCK_TIMEOUT:.0f} s.",
            f"Wait for it, or see who holds it: fuser {path}",
        ) from None
    except OSError as error:
        raise _unusable("write", deployment.root, error) from None


def container_user(fleet: Fleet, deployment: Deployment) -> str:
    """``uid:gid`` of the containers: the fleet file's, else the directory's owner unless that is root."""
    if fleet.user:
        return fleet.user
    try:
        owner = deployment.root.stat()
    except FileNotFoundError:
        uid, gid = os.geteuid(), os.getegid()
    else:
        uid, gid = owner.st_uid, owner.st_gid
    return f"{uid}:{gid}" if uid else DEFAULT_USER


def check_files(deployment: Deployment, fleet: Fleet, user: str) -> None:
    """See that what the containers will mount can work, before anything is written.

    Raises:
        FleetError: with every secret that is missing and every directory of a wrong owner.
    """
    problems = [
        problem
        for name, profile in fleet.profiles.items()
        for problem in (
            *_secret_problems(deployment, name, profile),
            *_owner_problems(deployment, name, user),
        )
    ]
    if problems:
        raise FleetError(str(deployment.root), problems)


def make_files(deployment: Deployment, fleet: Fleet, plan: PortPlan, user: str) -> None:
    """Make each profile's directories, token and first config where they are missing; keep what is there.

    Raises:
        DirectoryError: they cannot be made.
    """
    uid, gid = (int(part) for part in user.split(":"))
    for name, profile in fleet.profiles.items():
        try:
            _make_profile(deployment, profile, plan.profiles[name], uid, gid)
        except OSError as error:
            raise _unusable("write", deployment.root / "profiles" / name, error) from None


def remove_tree(directory: Path) -> None:
    """Delete a directory with all in it; one that is not there is no error.

    Raises:
        DirectoryError: something in it cannot be deleted.
    """
    try:
        shutil.rmtree(directory)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _unusable("delete", directory, error) from None


def read_token(deployment: Deployment, profile: str) -> str | None:
    """The gateway token of a profile; None where there is none or it is another user's."""
    try:
        return deployment.secret_file(profile, TOKEN_SECRET).read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def new_token() -> str:
    """A token nobody can guess: 256 bits in hexadecimal."""
    return secrets.token_hex(32)


def _make_profile(deployment: Deployment, profile: Profile, ports: ProfilePorts, uid: int, gid: int) -> None:
    name = ports.profile
    state, secret = deployment.state_directory(name), deployment.secret_file(name, TOKEN_SECRET)
    # Only what is mounted is the container's user's: in a directory of its own it could plant links for root.
    for private in (state.parent.parent, state.parent, secret.parent.parent, secret.parent):
        private.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
    for mounted in (state, deployment.workspace_directory(name)):
        if not mounted.exists():
            mounted.mkdir(mode=PRIVATE_DIRECTORY)
            _give(mounted, uid, gid)
    config = state / CONFIG_NAME
    if _is_missing(config):
        write_atomic(config, initial_config(profile, ports), PRIVATE_FILE)
        _give(config, uid, gid)
    if _is_missing(secret):
        write_atomic(secret, new_token() + "\n", PRIVATE_FILE)
    for kept in secret_names(profile):
        path = secret.with_name(kept)
        if not path.is_symlink():  # a link's target is the person's to look after
            path.chmod(PRIVATE_FILE)
            _give(path, uid, gid)


def _is_missing(path: Path) -> bool:
    try:
        # The gateway owns its state and could have left a link there, which root must not follow.
        return path.lstat().st_size <= 1
    except FileNotFoundError:
        return True


def _give(path: Path, uid: int, gid: int) -> None:
    # Only root can give files away; for anybody else check_files has seen that they are the user's own.
    if os.geteuid() == 0:
        os.chown(path, uid, gid)


def _secret_problems(deployment: Deployment, name: str, profile: Profile) -> Iterator[Problem]:
    for secret in profile.secrets:
        path = deployment.secret_file(name, secret)
        where = str(path.relative_to(deployment.root))
        try:
            if not path.is_file():
                yield Problem(where, f"missing; write the value of {secret} into it (mode 0600)")
            elif path.stat().st_size == 0:
                yield Problem(where, "is empty")
        except PermissionError:
            yield Problem(where, "cannot be read by you")


def _owner_problems(deployment: Deployment, name: str, user: str) -> Iterator[Problem]:
    uid = int(user.partition(":")[0])
    if os.geteuid() not in (0, uid):
        yield Problem(
            f"profiles.{name}",
            f"its gateway would run as {user}, and you ({os.geteuid()}) cannot give files to that user; "
            f'set `user: "{os.geteuid()}:{os.getegid()}"`, or run this as root',
        )
        return
    for directory in (deployment.state_directory(name), deployment.workspace_directory(name)):
        try:
            owner = directory.stat().st_uid
        except OSError:
            continue
        if owner != uid:
            where = str(directory.relative_to(deployment.root))
            yield Problem(
                where, f"belongs to uid {owner}, its gateway runs as {user}: chown -R {user} {directory}"
            )


def _absolute(path: Path, start: Path) -> Path:
    return (start / path.expanduser()).resolve()


def _unusable(verb: str, path: Path, error: OSError) -> DirectoryError:
    reason = error.strerror or str(error)
    remedies = {
        "No space left on device": "Free some space and run the command again; nothing was changed.",
        "Read-only file system": "Choose another directory with -C, or mount this one writable.",
        "Permission denied": f"Choose another directory with -C, or see who owns it: ls -ld {path}",
    }
    remedy = remedies.get(reason, "Choose another directory with -C.")
    return DirectoryError(f"Cannot {verb} {path}: {reason}.", remedy)
