"""What a person adds: what it needs on this host before a container starts, and Compose files beside ours."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from idlehands_deploy.errors import FleetError, Problem
from idlehands_deploy.fleet.additions import devices_of, mounts_of
from idlehands_deploy.host.file_facts import read_ordinary
from idlehands_deploy.host.files import read_text
from idlehands_deploy.targets.override import (
    ENVIRONMENT_FILE,
    OVERRIDE_FILES,
    environment_problems,
    override_problems,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.fleet.model import Fleet


class Missing(NamedTuple):
    """A path of this host that a container would be given, and that cannot be given to it.

    Attributes:
        place: in the fleet file.
    """

    place: str
    what: str
    fix: str


def refuse_missing(deployment: Deployment, fleet: Fleet, profiles: Sequence[str]) -> None:
    """See that all that these profiles' containers mount is there.

    Raises:
        FleetError: with every path that is not.
    """
    if problems := missing_problems(deployment, fleet, profiles):
        raise FleetError(str(deployment.fleet_file), problems)


def missing_problems(deployment: Deployment, fleet: Fleet, profiles: Sequence[str]) -> list[Problem]:
    """The same as problems of the fleet file."""
    return [Problem(found.place, f"{found.what}: {found.fix}") for found in find_missing(deployment, fleet, profiles)]


def find_missing(deployment: Deployment, fleet: Fleet, profiles: Sequence[str]) -> list[Missing]:
    """The mounts and devices of these profiles that are not on this host; each place once."""
    return list(dict.fromkeys(found for name in profiles for found in _missing(deployment, fleet, name)))


def _missing(deployment: Deployment, fleet: Fleet, name: str) -> Iterator[Missing]:
    for place, mount in mounts_of(fleet, name).items():
        path = deployment.root / mount.host
        if _mode(path) is None and path not in _made(deployment, fleet):
            hint = "; a $ is not the start of a variable here" if "$" in mount.host else ""
            yield Missing(place, f"{path} does not exist on this host", f"create or mount it, or remove it here{hint}")
    for place, device in devices_of(fleet, name).items():
        mode = _mode(Path(device.host))
        if mode is None:
            yield Missing(place, f"{device.host} does not exist on this host", "plug it in, or remove it here")
        elif mode and not any(is_kind(mode) for is_kind in (stat.S_ISCHR, stat.S_ISBLK, stat.S_ISDIR)):
            yield Missing(place, f"{device.host} is not a device", "use `volumes` for a file or directory")


def other_compose_files(deployment: Deployment, profiles: Container[str]) -> list[Problem]:
    """Why plain Compose makes other containers in this directory than this tool; empty if it does not."""
    problems: list[Problem] = []
    for name in OVERRIDE_FILES:
        if (text := read_text(deployment.root / name)) is not None:
            problems += override_problems(name, text, profiles)
    return problems + list(environment_problems(read_environment_file(deployment)))


def read_environment_file(deployment: Deployment) -> str:
    """Compose's file of variables, which is for something else: empty if there is none, or none that can be read."""
    try:
        return read_ordinary(deployment.root / ENVIRONMENT_FILE) or ""
    except OSError:
        return ""


def _made(deployment: Deployment, fleet: Fleet) -> set[Path]:
    """The directories that are made before any container is started."""
    profiles = {
        path
        for name in fleet.profiles
        for path in (deployment.secrets_directory(name), *deployment.mounted(name).values())
    }
    return {above for path in profiles for above in (path, path.parent)}


def _mode(path: Path) -> int | None:
    """A path's mode, through links; None if it does not exist, 0 if that cannot be known."""
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:  # another user's, or a server that is away: the engine will see
        return 0
