"""What lies in a deployment directory: what this tool and its gateways made, and what somebody else put there."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from idlehands_deploy.fleet.rules import check_profile_name
from idlehands_deploy.host.files import read_text
from idlehands_deploy.targets.compose import GENERATED, SECCOMP_FILE
from idlehands_deploy.targets.seccomp import seccomp_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment

MOUNTED = ("state", "workspace", "home")
# What this tool puts into the directory of a profile; with a dot, what is mounted while it is being made. The last two
# are of an import.
PROFILE_PARTS = {*MOUNTED, *(f".{part}" for part in MOUNTED), "started.json", "import.json", "imported-config"}
# Those with a dot are being made or deleted.
SNAPSHOT = re.compile(r"\.?\d{8}-\d{6}(-\d+)?(-failed)?(\.in|\.deleted)?")
TRANSACTION = re.compile(r"\.?[A-Za-z0-9][\w-]*\.json(\.[a-z0-9_]{8})?")
SECRET = re.compile(r"[A-Z_][A-Z0-9_]*|\.[A-Z_][A-Z0-9_]*\.[a-z0-9_]{8}")
WATCH = re.compile(r"journal\.jsonl(\.\d+)?|lock|page\.link")
# What a write leaves under a temporary name if it is killed.
TEMPORARY = re.compile(
    r"\.(compose\.yaml|seccomp\.json|fleet\.schema\.json|fleet\.yaml|\.(rename|reach)\.json)\.[a-z0-9_]{8}"
)
LAST = (".rename.json", ".reach.json", ".lock", "fleet.yaml")


@dataclass(frozen=True)
class Part:
    """Files that belong together.

    Attributes:
        name: what they are called: a path relative to the deployment directory.
        paths: what there is of them; the name alone if that is all theirs.
    """

    name: str
    paths: tuple[str, ...]


@dataclass
class Belongings:
    """The content of a deployment directory.

    Attributes:
        parts: what this tool and its gateways made, in the order in which it can be deleted: the fleet file last, since
            it says what else there is.
        foreign: what somebody else put there.
        links: each link among the parts, with the place that it leads to.
    """

    parts: list[Part] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)


def find_belongings(deployment: Deployment, named: Collection[str]) -> Belongings:
    """Look through the directory, and through those in it that are ours.

    Args:
        named: files in `secrets/` that the fleet file names.
    """
    found = Belongings()
    is_ours: dict[str, Callable[[str], bool]] = {
        "profiles": lambda path: _last(path) in PROFILE_PARTS,
        "secrets": lambda path: bool(SECRET.fullmatch(_last(path))) or path in named,
        "snapshots": lambda path: bool(SNAPSHOT.fullmatch(_last(path))),
        ".transactions": lambda path: bool(TRANSACTION.fullmatch(_last(path))),
        "watch": lambda path: bool(WATCH.fullmatch(_last(path))),
    }
    names = [name for name in _names(deployment, "") if name not in LAST]
    directories = [name for name in is_ours if (deployment.root / name).is_dir()]
    for name in directories:
        if not may_use(deployment.root / name):
            found.parts.append(Part(name, (name,)))  # what is in it cannot be seen, and so not deleted
        elif name in {"watch", ".transactions"}:
            _add_part(found, deployment, name, is_ours[name])
        else:
            for child in _names(deployment, name):
                _add_directory(found, deployment, f"{name}/{child}", is_ours[name], named)
        if (deployment.root / name).is_symlink():
            found.foreign.append(name)
    ours = [name for name in names if TEMPORARY.fullmatch(name) or _is_generated(deployment, name)]
    # The Compose file goes after the others: it tells that they are ours.
    ours.sort(key=lambda name: name == deployment.compose_file.name)
    # Deleting the files makes the lock again.
    ours += [name for name in LAST if os.path.lexists(deployment.root / name) or name == ".lock"]
    found.parts += [Part(name, (name,)) for name in ours]
    found.foreign += [name for name in names if name not in directories and name not in ours]
    for path in (path for part in found.parts for path in part.paths):
        if (deployment.root / path).is_symlink():
            found.links[path] = os.path.realpath(deployment.root / path)
    return found


def may_use(directory: Path) -> bool:
    """Whether this user may list a directory, and delete what is in it."""
    return os.access(directory, os.R_OK | os.W_OK | os.X_OK, effective_ids=True)


def _add_directory(
    found: Belongings, deployment: Deployment, path: str, is_ours: Callable[[str], bool], named: Collection[str]
) -> None:
    place = deployment.root / path
    if not place.is_symlink() and place.is_dir() and not check_profile_name(place.name):
        _add_part(found, deployment, path, is_ours)
    elif path in named:
        found.parts.append(Part(path, (path,)))
    else:
        found.foreign.append(path)


def _add_part(found: Belongings, deployment: Deployment, name: str, is_ours: Callable[[str], bool]) -> None:
    children = [f"{name}/{child}" for child in _names(deployment, name)]
    ours = [path for path in children if is_ours(path)]
    found.foreign += [path for path in children if path not in ours]
    if len(ours) == len(children) and not any((deployment.root / path).is_symlink() for path in (name, *ours)):
        found.parts.append(Part(name, (name,)))
    elif ours:
        found.parts.append(Part(name, tuple(ours)))


def _is_generated(deployment: Deployment, name: str) -> bool:
    path = deployment.root / name
    if not path.is_file():
        return False
    if path == deployment.compose_file:
        return (read_text(path) or "").startswith(GENERATED)
    if name == SECCOMP_FILE:
        # Another version's text is ours as well, where the compose file is.
        return read_text(path) == seccomp_text() or _is_generated(deployment, deployment.compose_file.name)
    return path == deployment.schema_file and _title(read_text(path) or "") == "idlehands-deploy fleet file"


def _title(text: str) -> object:
    try:
        schema = json.loads(text)
    except ValueError:
        return None
    return schema.get("title") if isinstance(schema, dict) else None


def _names(deployment: Deployment, path: str) -> list[str]:
    try:
        return sorted(os.listdir(deployment.root / path))  # noqa: PTH208 - names are all that is asked for
    except (FileNotFoundError, PermissionError):
        return []


def _last(path: str) -> str:
    return path.rpartition("/")[2]
