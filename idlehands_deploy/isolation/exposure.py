"""What a mount of a person's own opens to a gateway that its container would keep closed: paths in, findings out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from idlehands_deploy.findings import Finding
from idlehands_deploy.isolation.native_scan import STATE_NAME
from idlehands_deploy.remedies import Remedy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from idlehands_deploy.fleet.model import Fleet

SOCKET_NAMES = ("docker.sock", "podman.sock", "containerd.sock")
SOCKETS = (
    "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock",
)  # fmt: skip
SYSTEM = "this host's own files"
CONTROLS = "whoever can open it controls this host as root, even if it is mounted read-only"
READS = "the gateway may read this host's accounts, keys and settings in it"
# Ordinary files among the host's settings, which programs in containers often need.
HARMLESS = tuple(map(Path, ("/etc/localtime", "/etc/timezone", "/etc/ssl/certs", "/etc/os-release")))
# In a home directory.
KEYS = (".ssh", ".gnupg", ".aws", ".kube", ".docker", ".netrc", ".git-credentials")


class Place(NamedTuple):
    """A place of this host that a gateway should not see.

    Attributes:
        path: with links resolved.
        why: what follows.
        whole: whether what lies below it should not be seen either.
    """

    path: Path
    what: str
    why: str
    whole: bool = True


class Given(NamedTuple):
    """A path of this host that a gateway is given.

    Attributes:
        place: in the fleet file.
        path: as it is written, absolute.
        real: with links resolved.
    """

    place: str
    path: Path
    real: Path


def host_places(homes: Sequence[Path], sockets: Sequence[Path]) -> list[Place]:
    """What no gateway should see of a host, the worst first.

    Args:
        homes: the home directories of its people.
        sockets: of its engine, besides the usual ones.
    """
    return [
        Place(Path("/"), "this host's whole file system", "the gateway may read every file on it", whole=False),
        *(Place(path, "the engine's socket", CONTROLS) for path in (*sockets, *map(Path, SOCKETS))),
        *(
            Place(Path(path), "the engine's own files", "they contain the files of every container")
            for path in ("/var/lib/docker", "/var/lib/containers", "/var/lib/containerd")
        ),
        *(Place(Path(path), SYSTEM, READS) for path in ("/proc", "/sys", "/dev", "/etc", "/root", "/boot")),
        *(
            Place(home / name, "a person's keys", "whoever has them can act as that person")
            for home in homes
            for name in KEYS
        ),
        *(
            Place(home, "a person's home directory", "the gateway may read that person's keys and files", whole=False)
            for home in (*homes, Path("/home"))
        ),
    ]


def deployment_places(root: Path, fleet: Fleet, name: str) -> list[Place]:
    """What one gateway should not see of its deployment.

    Args:
        root: with links resolved.
    """
    others = [other for other in fleet.profiles if other != name]
    return [
        *(
            Place(
                root / "profiles" / other, f"the files of {other}", f"they contain {other}'s sessions and credentials"
            )
            for other in others
        ),
        Place(root / "secrets", "this deployment's secrets", "the tokens and keys in it are for one gateway each"),
        *(
            Place(root / own, "a file of this tool", "it says what every container may do")
            for own in ("fleet.yaml", "compose.yaml", "seccomp.json", "watch", "snapshots", "backups")
        ),
        Place(root, "this deployment's directory", "it contains every profile's files and secrets", whole=False),
    ]


def check_exposure(given: Given, root: Path, host: Sequence[Place], own: Sequence[Place]) -> Iterator[Finding]:
    """What a mount opens, the worst alone.

    Args:
        root: the deployment directory, with links resolved.
        host: of host_places.
        own: of deployment_places.
    """
    if any(given.path.is_relative_to(path) for path in HARMLESS):
        return
    # Below it, only our own files count: it can be in somebody's home directory.
    below = given.real != root and given.real.is_relative_to(root)
    for what, why in _opened(given, own if below else [*host, *own]):
        yield Finding(
            "warning", f"fleet.yaml:{given.place}", what, why,
            Remedy("mount only what this gateway needs of it, or remove the mount"),
        )  # fmt: skip
        return


def _opened(given: Given, places: Sequence[Place]) -> Iterator[tuple[str, str]]:
    shown = str(given.path) if given.path == given.real else f"{given.path} ({given.real})"
    if given.real.name in SOCKET_NAMES or given.path.name in SOCKET_NAMES:
        yield f"{shown} is the engine's socket", CONTROLS
    for place in places:
        if place.path in {given.path, given.real}:
            yield f"{shown} is {place.what}", place.why
        elif place.path.is_relative_to(given.real):
            yield f"{shown} contains {place.path}, {place.what}", place.why
        elif place.whole and given.real.is_relative_to(place.path):
            yield f"{shown} is in {place.path}, {place.what}", place.why
    if any(STATE_NAME.fullmatch(part) for part in given.real.parts):
        yield f"{shown} is in the state of a native gateway", "it contains that one's sessions and credentials"
