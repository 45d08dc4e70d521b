"""Files that lie under a name which no profile has (any more)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME, HOME_MOUNT_POINTS, MADE_SECRETS
from idlehands_deploy.fleet.rules import check_profile_name
from idlehands_deploy.host.file_facts import names_in

if TYPE_CHECKING:
    from collections.abc import Collection

    from idlehands_deploy.deployment.directory import Deployment


@dataclass(frozen=True)
class Leftover:
    """The files of one such name.

    Attributes:
        paths: the directories that hold them, relative to the deployment directory.
        was_used: whether there is more than the first config and the token of a gateway that never ran.
    """

    name: str
    paths: tuple[str, ...]
    was_used: bool


def find_leftovers(deployment: Deployment, profiles: Collection[str]) -> list[Leftover]:
    """Every name with files and without a profile, in alphabetical order; what cannot be read is left out.

    Args:
        profiles: the names of the fleet's profiles.
    """
    names = {name for parent in ("profiles", "secrets", "snapshots") for name in names_in(deployment.root / parent)}
    found = [leftover_of(deployment, name) for name in sorted(names - set(profiles)) if not check_profile_name(name)]
    return [leftover for leftover in found if leftover.paths]


def leftover_of(deployment: Deployment, name: str) -> Leftover:
    """What lies under one name."""
    state, secrets = names_in(deployment.state_directory(name)), names_in(deployment.secrets_directory(name))
    workspace = names_in(deployment.workspace_directory(name))
    home = names_in(deployment.home_directory(name))
    paths = [deployment.state_directory(name).parent] if state or workspace or home else []
    paths += [deployment.secrets_directory(name)] if secrets else []
    paths += [deployment.snapshots_directory(name)] if names_in(deployment.snapshots_directory(name)) else []
    was_made = {CONFIG_NAME, *MADE_SECRETS, *HOME_MOUNT_POINTS}
    was_used = bool(workspace or {*home, *state, *secrets} - was_made)
    return Leftover(name, tuple(str(path.relative_to(deployment.root)) for path in paths), was_used)
