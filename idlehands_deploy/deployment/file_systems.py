"""File systems on which a gateway's files are in danger, or cannot be used at all."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from idlehands_deploy.errors import Problem
from idlehands_deploy.findings import Finding
from idlehands_deploy.host.mounts import file_system_of, mounted
from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.findings import Level
    from idlehands_deploy.host.mounts import FileSystem

NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "gfs2", "ocfs2", "fuse.sshfs", "fuse.rclone",
    "fuse.s3fs", "fuse.glusterfs", "fuse.juicefs",
})  # fmt: skip
# They keep no owner and no mode of a file; drvfs is Windows' own drives in its subsystem for Linux.
WITHOUT_OWNERS = frozenset({"vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "drvfs"})
# Some systems for storage servers run from memory altogether.
IN_MEMORY = frozenset({"tmpfs", "ramfs", "rootfs"})
SCRATCH = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - a person who deploys there knows


def file_system_problems(deployment: Deployment, starting: Iterable[str]) -> Iterator[Problem]:
    """Why gateways cannot use the file systems that their files are on.

    Args:
        starting: the profiles whose containers will be started.
    """
    for found in check_file_systems(deployment, starting):
        if found.level == "error":
            yield Problem(found.place, f"{found.what}: {found.why}; {found.fix}")


def check_file_systems(
    deployment: Deployment, profiles: Iterable[str], look: Callable[[Path], FileSystem | None] | None = None
) -> Iterator[Finding]:
    """What the file systems of the profiles' directories mean for their gateways; each is told once.

    Args:
        look: gives the file system of a path; by default, this host's.
    """
    table = [] if look else list(mounted())
    places: dict[FileSystem, list[str]] = {}
    for name in profiles:
        for path in deployment.mounted(name).values():
            if found := look(path) if look else file_system_of(path, table):
                places.setdefault(found, []).append(str(path.relative_to(deployment.root)))
    for found, paths in places.items():
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        yield from (finding(f"{paths[0]}{more}") for finding in _judge(found, paths))


def _judge(found: FileSystem, paths: list[str]) -> Iterator[Callable[[str], Finding]]:
    where = f"{'is' if len(paths) == 1 else 'are'} on {found.kind} ({found.source} at {found.point})"
    if hidden := _hidden_from(found):
        yield _says(
            "error", f"{where}, which uid {hidden} alone may enter", "the engine and its gateways cannot use it",
            "mount it with -o allow_other; /etc/fuse.conf must then contain user_allow_other",
        )  # fmt: skip
    # The second version of that subsystem mounts them by 9p, which keeps owners elsewhere.
    if found.kind in WITHOUT_OWNERS or any(option.startswith("aname=drvfs") for option in found.options):
        yield _says(
            "warning", f"{where}, which keeps no owner and no mode of a file",
            "other users of this host may read tokens and sessions, and the gateway may refuse its own files",
            "move the deployment directory to a Linux file system, such as ext4",
        )  # fmt: skip
    elif found.kind in NETWORK and any(path.endswith("/state") for path in paths):
        yield _says(
            "warning", f"{where}, and a gateway's databases (SQLite) need a local disk",
            "a broken connection or a second host can damage sessions and credentials",
            "keep profiles/NAME/state on a local disk; workspace and home may stay",
        )  # fmt: skip
    if found.kind in IN_MEMORY and not str(found.point).startswith(SCRATCH):
        yield _says(
            "warning", f"{where}, which is in memory", "everything there is lost when this host restarts",
            "move the deployment directory to a disk",
        )  # fmt: skip
    if "noexec" in found.options:
        yield _says(
            "warning", f"{where}, mounted with noexec", "plugins, scripts and what npx installs cannot run there",
            f"sudo mount -o remount,exec {shlex.quote(str(found.point))}",
        )  # fmt: skip


def _hidden_from(found: FileSystem) -> str:
    """The only uid that may enter a file system of FUSE; empty if others may too."""
    if not found.kind.startswith("fuse") or "allow_other" in found.options:
        return ""
    return next((option.partition("=")[2] for option in found.options if option.startswith("user_id=")), "0")


def _says(level: Level, what: str, why: str, fix: str) -> Callable[[str], Finding]:
    return lambda place: Finding(level, place, what, why, Remedy(fix))
