"""What a deployment has on this host: files, containers, networks and boot units."""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.belongings import Belongings, find_belongings, may_use
from idlehands_deploy.deployment.directory import FLEET_FILE
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.errors import DeployError, FleetError, UsageError
from idlehands_deploy.fleet.model import Fleet
from idlehands_deploy.host.files import read_text
from idlehands_deploy.host.mounts import mounts_below
from idlehands_deploy.host.trees.census import census
from idlehands_deploy.remedies import Remedy
from idlehands_deploy.targets.boot_units import unit_directory, unit_name, watch_unit_name
from idlehands_deploy.targets.compose import read_project

if TYPE_CHECKING:
    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session

NOTHING = frozenset[Path]()


@dataclass(frozen=True)
class Holdings:
    """All that a deployment has.

    Attributes:
        look: at its containers, as those of no profile: they are removed although the fleet file may be wrong.
        units: of systemd, that of the watch first.
        adopted: where the files of an adopted native gateway were before, by profile.
        size: of the files that would be deleted; bytes.
    """

    look: Look
    units: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    belongings: Belongings = field(default_factory=Belongings)
    adopted: dict[str, str] = field(default_factory=dict)
    size: int = 0


def find_holdings(session: Session) -> Holdings:
    """Look at all that a deployment has.

    Raises:
        UsageError: there is no deployment, or something in its directory must not or cannot be deleted.
        EngineUnreachableError: no engine answers.
    """
    fleet, project = _read_fleet(session)
    named = [value for value in (fleet.watch.notify.webhook, fleet.watch.notify.ntfy) if value]
    belongings = find_belongings(session.deployment, named)
    units = _find_units(session, project)
    look = take_look(session, Fleet(name=project))
    return Holdings(
        look, units, look.engine.leftovers.networks(project), belongings, _adopted(session, belongings),
        _size(session.deployment.root, belongings),
    )  # fmt: skip


def refuse_undeletable(session: Session, holdings: Holdings) -> None:
    """See that everything can be deleted, before anything is.

    Raises:
        UsageError: another file system is mounted in the directory, or this user lacks permission.
    """
    root = session.deployment.root
    if mounts := mounts_below(root):
        points = shlex.join(map(str, mounts))
        raise UsageError(f"Another file system is mounted in {root}: {points}.", f"Unmount it: sudo umount {points}")
    paths = [root / path for part in holdings.belongings.parts for path in part.paths]
    if forbidden := [path for path in paths if not _may_delete(path)]:
        raise UsageError(
            f"You may not delete {forbidden[0]}.",
            Remedy("Run this as root: ").then(Remedy.run("-C", str(root), "destroy", as_root=True)),
        )


def _read_fleet(session: Session) -> tuple[Fleet, str]:
    """The fleet, and its project's name; of a fleet file that is wrong or missing, what the Compose file says."""
    project = read_project(read_text(session.deployment.compose_file) or "")
    try:
        fleet = session.fleet()
    except (UsageError, FleetError):
        if not project:
            raise
        return Fleet(name=project), project
    # The containers that run have the name that was generated last.
    return fleet, project or fleet.name


def _find_units(session: Session, project: str) -> list[str]:
    try:
        systemd = session.systemd()
    except UsageError:  # there is no systemd, or the engine is on another host
        return []
    names = [watch_unit_name(project), *systemd.matching(unit_name(project, "*"))]
    found = [name for name in names if _is_of(session, read_text(systemd.units / name))]
    if found and not may_use(systemd.units):
        root = str(session.deployment.root)
        raise UsageError(
            f"You may not remove {systemd.units / found[0]}.",
            Remedy("Run this as root: ").then(Remedy.run("-C", root, "destroy", as_root=True)),
        )
    return found


def _is_of(session: Session, text: str | None) -> bool:
    """Whether a unit is for this deployment: it names its directory, or one where there is none any more."""
    directory = unit_directory(text or "")
    return bool(directory) and (
        Path(directory) == session.deployment.root.resolve() or not (Path(directory) / FLEET_FILE).is_file()
    )


def _adopted(session: Session, belongings: Belongings) -> dict[str, str]:
    found = {}
    for part in belongings.parts:
        parent, _, name = part.name.partition("/")
        if parent == "profiles":
            try:
                journal = json.loads(read_text(session.deployment.root / part.name / "import.json") or "{}")
                if journal.get("adopted"):
                    found[name] = str(journal.get("source"))
            except (ValueError, AttributeError, DeployError):
                continue
    return found


def _size(root: Path, belongings: Belongings) -> int:
    size = 0
    for path in (root / path for part in belongings.parts for path in part.paths):
        try:
            size += census(path, NOTHING, NOTHING).size if _is_tree(path) else path.lstat().st_size
        except OSError:  # deleted meanwhile, or not readable
            continue
    return size


def _may_delete(path: Path) -> bool:
    """Whether a path can be deleted, as far as its first two levels tell."""
    if not os.path.lexists(path):
        return True
    trees = [path] if _is_tree(path) else []
    if trees and may_use(path):
        trees += [child for child in path.iterdir() if _is_tree(child)]
    return all(map(may_use, (path.parent, *trees)))


def _is_tree(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
