"""What a person opens of a gateway's isolation, and what its user may do with mounts and devices."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.findings import Finding
from idlehands_deploy.fleet.additions import devices_of, groups_of, mounts_of
from idlehands_deploy.host.access import ENTER, READ, WRITE, access_of, dangerous_device
from idlehands_deploy.host.file_facts import resolved
from idlehands_deploy.isolation.exposure import Given, check_exposure, deployment_places, host_places
from idlehands_deploy.isolation.native_scan import user_homes
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.host.access import Access

RUNTIME = Path("/run/user")


def check_additions(session: Session, fleet: Fleet, profiles: Sequence[str], user: str) -> list[Finding]:
    """What the additions of these profiles undo of their isolation, and which of them their users cannot use.

    Args:
        user: the default ``uid:gid`` of the containers.
    """
    found: dict[Finding, None] = {}
    for name in profiles:
        exposed = [*_exposed(session, fleet, name), *_open_browser(fleet, name)]
        found |= dict.fromkeys(exposed)
        # Nobody is told how to use what should not be there.
        places = {finding.place for finding in exposed}
        found |= {finding: None for finding in _unusable(session, fleet, name, user) if finding.place not in places}
    return list(found)


def _exposed(session: Session, fleet: Fleet, name: str) -> Iterator[Finding]:
    if mounts := mounts_of(fleet, name):
        root = resolved(session.deployment.root)
        host = host_places([resolved(home) for home in user_homes(session.environ)], engine_sockets(session.environ))
        own = deployment_places(root, fleet, name)
        for place, mount in mounts.items():
            # Not joined to the resolved root: a link's own parent counts.
            path = session.deployment.root / mount.host
            yield from check_exposure(Given(place, path, resolved(path)), root, host, own)
    for place, device in devices_of(fleet, name).items():
        if what := dangerous_device(Path(device.host)):
            yield Finding(
                "warning", f"fleet.yaml:{place}", f"{device.host} opens {what}",
                "the gateway may read and change what no permission of a file protects",
                Remedy("remove it, or mount the files that the gateway needs with `volumes`"),
            )  # fmt: skip


def _open_browser(fleet: Fleet, name: str) -> Iterator[Finding]:
    if fleet.profiles[name].publish.cdp == "open":
        yield Finding(
            "warning", f"fleet.yaml:profiles.{name}.publish.cdp", "is open: CDP asks for no token",
            "any user and any program of this host can read the gateway's files and secrets through its browser",
            Remedy("set it to true, and get the address with its token: ", ours("url", "--cdp", name)),
        )  # fmt: skip


def engine_sockets(environ: Mapping[str, str]) -> list[Path]:
    """The sockets of engines that only some hosts have: the one in DOCKER_HOST, and those of users."""
    host = environ.get("DOCKER_HOST", "")
    named = [Path(host.removeprefix("unix://"))] if host.startswith("unix://") else []
    users = [path / name for path in _directories(RUNTIME) for name in ("docker.sock", "podman/podman.sock")]
    return [resolved(path) for path in (*named, *users)]


def _directories(parent: Path) -> list[Path]:
    try:
        return sorted(parent.iterdir())
    except OSError:
        return []


def _unusable(session: Session, fleet: Fleet, name: str, user: str) -> Iterator[Finding]:
    for place, mount in mounts_of(fleet, name).items():
        path = session.deployment.root / mount.host
        wanted = READ | (WRITE if mount.is_writable else 0)
        if access := access_of(path):
            wanted |= ENTER if access.is_directory else 0
            yield from _check_access(fleet, name, user, place, path, access, wanted)
    for place, device in devices_of(fleet, name).items():
        access = access_of(Path(device.host))
        if access and not access.is_directory:
            wanted = (READ if "r" in device.permissions else 0) | (WRITE if "w" in device.permissions else 0)
            yield from _check_access(fleet, name, user, place, Path(device.host), access, wanted)


def _check_access(
    fleet: Fleet, name: str, user: str, place: str, path: Path, access: Access, wanted: int
) -> Iterator[Finding]:
    uid, gid = map(int, fleet.profiles[name].user_or(user).split(":"))
    groups = {gid, *groups_of(fleet, name)}
    lacks = access.lacks(wanted, uid, groups)
    if not lacks:
        return
    if access.gid not in groups and access.gid and access.group_has(wanted):
        fix = Remedy(f"write `groups: [{access.gid}]` for it in fleet.yaml, then: ", ours("up", name))
    elif place.partition("devices")[1]:
        # The engine makes the device in the container with its group and mode, and without any list.
        fix = Remedy("give it a group that may, by a rule of udev, and that group to the gateway with `groups`")
    else:
        letters = "".join(letter for letter, bit in (("r", READ), ("w", WRITE), ("x", ENTER)) if bit & wanted)
        fix = Remedy(f"let that user in, such as by: sudo setfacl -m u:{uid}:{letters} {shlex.quote(str(path))}")
    yield Finding(
        "warning", f"fleet.yaml:{place}",
        f"{path} belongs to {access.uid}:{access.gid} with mode {access.mode & 0o7777:04o}, "
        f"but {name} runs as {uid}:{gid}",
        f"its gateway cannot {'write to' if lacks & WRITE else 'read'} it", fix,
    )  # fmt: skip
