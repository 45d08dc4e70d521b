"""The files of each profile in the deployment directory: checked, and made where they are missing."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from idlehands_deploy.compose import GENERATED, secret_names
from idlehands_deploy.directory import PRIVATE_FILE, read_text, unusable, write_atomic
from idlehands_deploy.errors import FleetError, Problem
from idlehands_deploy.fleet_values import TOKEN_SECRET
from idlehands_deploy.gateway import CONFIG_NAME, initial_config
from idlehands_deploy.seccomp import seccomp_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idlehands_deploy.directory import Deployment
    from idlehands_deploy.fleet import Fleet, Profile
    from idlehands_deploy.ports import PortPlan, ProfilePorts

# Debian's first ordinary user, and the image's own: what root's gateways run as.
DEFAULT_USER = "1000:1000"
PRIVATE_DIRECTORY = 0o700
# A file of more bytes than this cannot be only white space that an editor or a power cut left.
SHORT = 16
NOT_OURS = "is not this tool's and would be lost; move it away, or choose another directory with -C"


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
    problems = [*_foreign_files(deployment)]
    problems += [
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
            raise unusable("write", deployment.root / "profiles" / name, error) from None


def secrets_changed_at(deployment: Deployment, profile: Profile, name: str) -> float:
    """When the newest of a profile's secrets was written, in seconds since 1970; 0 where none can be seen."""
    newest = 0.0
    for secret in secret_names(profile):
        with suppress(OSError):
            newest = max(newest, deployment.secret_file(name, secret).stat().st_mtime)
    return newest


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
    if _is_empty(config):
        write_atomic(config, initial_config(profile, ports), PRIVATE_FILE, (uid, gid))
    if _is_empty(secret):
        write_atomic(secret, new_token() + "\n", PRIVATE_FILE)
    for kept in secret_names(profile):
        path = secret.with_name(kept)
        if not path.is_symlink():  # a link's target is the person's to look after
            path.chmod(PRIVATE_FILE)
            _give(path, uid, gid)


def _is_empty(path: Path) -> bool:
    """Whether there is no such file, or one with nothing in it; a link or pipe counts as something.

    The gateway owns its state and could have left a link there, which root must not follow.
    """
    try:
        found = path.lstat()
        return stat.S_ISREG(found.st_mode) and found.st_size <= SHORT and not path.read_bytes().strip()
    except FileNotFoundError:
        return True


def _give(path: Path, uid: int, gid: int) -> None:
    # Only root can give files away; for anybody else check_files has seen that they are the user's own.
    if os.geteuid() == 0:
        os.chown(path, uid, gid)


def _foreign_files(deployment: Deployment) -> Iterator[Problem]:
    """Files of a person's own where the generated ones belong."""
    compose = read_text(deployment.compose_file)
    if compose is not None and not compose.startswith(GENERATED):
        yield Problem("compose.yaml", "was not generated by this tool and would be lost; move it, or choose another -C")
    seccomp = read_text(deployment.seccomp_file)
    if compose is None and seccomp not in {None, seccomp_text()}:
        yield Problem("seccomp.json", "was not generated by this tool and would be lost; move it, or choose another -C")


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
            yield Problem(where, f"belongs to uid {owner}, its gateway runs as {user}: chown -R {user} {directory}")
