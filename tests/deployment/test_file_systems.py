from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.file_systems import check_file_systems
from idlehands_deploy.host.mounts import FileSystem, file_system_of, mounted
from tests.support.site import mounts_only

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Deployment(Path("/srv/bots"))
PARTS = "profiles/main/state and 2 more"


def on(kind: str, *options: str, point: str = "/srv", source: str = "nas:/bots") -> FileSystem:
    return FileSystem(kind, Path(point), source, frozenset(options))


def found(system: FileSystem) -> list[tuple[str, str, str]]:
    """Each finding of a profile that lies on a file system: its level, place and text."""
    return [(item.level, item.place, item.what) for item in check_file_systems(HOME, ["main"], lambda _: system)]


@pytest.mark.parametrize(
    "system",
    [
        on("ext4", "rw", "relatime"), on("btrfs"), on("xfs"), on("zfs"), on("overlay"), on("virtiofs"), on("bcachefs"),
        on("tmpfs", point="/tmp"), on("tmpfs", point="/tmp/pytest"), on("ext4", "nosuid", "nodev"),  # noqa: S108
        on("fuse.mergerfs", "user_id=0", "allow_other"),
        on("fuse.bindfs", "user_id=0", "allow_other"), on("fuse.mount", "user_id=1000", "allow_other"),
    ],
    ids=lambda system: f"{system.kind} {' '.join(sorted(system.options))}",
)  # fmt: skip
def test_a_file_system_that_serves_is_not_mentioned(system: FileSystem) -> None:
    assert found(system) == []


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "fuse.sshfs", "fuse.rclone"])
def test_databases_on_the_network_are_a_warning(kind: str) -> None:
    assert found(on(kind, "allow_other")) == [
        ("warning", PARTS, f"are on {kind} (nas:/bots at /srv), and a gateway's databases (SQLite) need a local disk")
    ]


def test_a_workspace_alone_may_be_on_the_network() -> None:
    systems = {"workspace": on("nfs4")}
    findings = check_file_systems(HOME, ["main"], lambda path: systems.get(path.name, on("ext4", source="/dev/sda1")))
    assert list(findings) == []


@pytest.mark.parametrize(
    "system",
    [
        *(on(kind, "allow_other") for kind in ("vfat", "exfat", "ntfs3", "fuseblk", "drvfs")),
        on("9p", "aname=drvfs;path=C:\\;uid=1000;gid=1000"),
    ],
    ids=lambda system: system.kind,
)
def test_a_file_system_without_owners_is_a_warning(system: FileSystem) -> None:
    ((level, place, what),) = found(system)
    assert (level, place) == ("warning", PARTS)
    assert what.endswith(", which keeps no owner and no mode of a file")


@pytest.mark.parametrize(
    ("system", "uid"),
    [
        (on("fuse.sshfs", "user_id=1000"), "1000"), (on("fuse.rclone", "user_id=0"), "0"),
        (on("fuse.encfs", "user_id=1000", "default_permissions"), "1000"),
    ],
)  # fmt: skip
def test_a_file_system_that_its_user_alone_may_enter_is_refused_before_anything_starts(
    system: FileSystem, uid: str
) -> None:
    level, place, what = found(system)[0]
    assert (level, place) == ("error", PARTS)
    assert what == f"are on {system.kind} (nas:/bots at /srv), which uid {uid} alone may enter"


@pytest.mark.parametrize("kind", ["tmpfs", "ramfs", "rootfs"])
def test_a_file_system_in_memory_is_a_warning(kind: str) -> None:
    ((level, _, what),) = found(on(kind, point="/", source="none"))
    assert (level, what) == ("warning", f"are on {kind} (none at /), which is in memory")


def test_one_directory_alone_is_told_in_the_singular() -> None:
    systems = {"state": on("nfs4")}
    (item,) = check_file_systems(HOME, ["main"], lambda path: systems.get(path.name))
    assert (item.place, item.what.split(" (")[0]) == ("profiles/main/state", "is on nfs4")


def test_each_file_system_is_told_once_with_all_that_is_on_it() -> None:
    systems = {"state": on("nfs4"), "workspace": on("ext4", "noexec", point="/w"), "home": on("nfs4")}
    findings = check_file_systems(HOME, ["main", "rescue"], lambda path: systems[path.name])
    assert [item.place for item in findings] == [
        "profiles/main/state and 3 more", "profiles/main/workspace and 1 more",
    ]  # fmt: skip


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory that runs no program."""
    point = tmp_path / "with space"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "noexec,size=1m", "mine", point], check=True)
    yield point
    subprocess.run(["umount", point], check=True)


@mounts_only
def test_the_kernel_s_table_tells_a_real_one(in_memory: Path) -> None:
    system = file_system_of(in_memory / "profiles" / "main" / "state", mounted())
    assert system is not None
    assert (system.kind, system.point, system.source) == ("tmpfs", in_memory, "mine")
    (finding,) = check_file_systems(Deployment(in_memory), ["main"])
    assert str(finding.fix) == f"sudo mount -o remount,exec '{in_memory}'"
    subprocess.run(["sh", "-c", str(finding.fix).removeprefix("sudo ")], check=True)
    assert list(check_file_systems(Deployment(in_memory), ["main"])) == []
