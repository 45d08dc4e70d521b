"""Files without a profile: whether one was renamed in the fleet file alone, or a new one would take them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.contract import PORT_VARIABLE
from idlehands_deploy.deployment.leftovers import find_leftovers, leftover_of
from idlehands_deploy.errors import StateRefusedError, UsageError
from idlehands_deploy.findings import Finding
from idlehands_deploy.host.files import read_text
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.targets.compose import read_services
from idlehands_deploy.text import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.deployment.leftovers import Leftover
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.fleet.ports import PortPlan
    from idlehands_deploy.remedies import Command


@dataclass(frozen=True)
class HandRename:
    """One profile whose name was changed in the fleet file, and nowhere else."""

    old: str
    new: str


def find_hand_renames(
    deployment: Deployment, fleet: Fleet, ports: PortPlan, added: Collection[str] = ()
) -> list[HandRename]:
    """Every profile that was renamed by hand since compose.yaml was generated.

    Args:
        added: profiles that this command adds, which are new for certain.
    """
    leftovers = [leftover.name for leftover in find_leftovers(deployment, fleet.profiles)]
    if not leftovers:
        return []
    before = known_ports(deployment)
    fresh = {
        name: ports.profiles[name].base
        for name in fleet.profiles
        if name not in added and name not in before and not leftover_of(deployment, name).paths
    }
    gone = {name: before[name] for name in leftovers if name in before}
    return match_names(gone, fresh)


def match_names(gone: Mapping[str, int], fresh: Mapping[str, int]) -> list[HandRename]:
    """Which new name is which old one's: that of the same port, or the only one that it can be.

    Args:
        gone: base ports by name: of those that have files and no profile any more.
        fresh: base ports by name: of those that have a profile and no files yet.
    """
    by_port = {port: name for name, port in fresh.items()}
    found = [HandRename(old, by_port[port]) for old, port in gone.items() if port in by_port]
    matched = {name for rename in found for name in (rename.old, rename.new)}
    rest_gone, rest_fresh = [name for name in gone if name not in matched], [n for n in fresh if n not in matched]
    if len(rest_gone) == len(rest_fresh) == 1:
        found.append(HandRename(rest_gone[0], rest_fresh[0]))
    return found


def refuse_hand_renames(deployment: Deployment, fleet: Fleet, ports: PortPlan, added: Collection[str] = ()) -> None:
    """See that no profile would begin empty because only its name was changed.

    Raises:
        StateRefusedError: with the command that moves the files too.
    """
    if not (renames := find_hand_renames(deployment, fleet, ports, added)):
        return
    said = [
        f"{rename.old} seems to be renamed to {rename.new} in fleet.yaml, and nowhere else: {rename.new} has no files "
        f"yet, and those of {rename.old} have no profile."
        for rename in renames
    ]
    remedy = Remedy("Finish the rename, with its files, secrets and container: ")
    for number, rename in enumerate(renames):
        remedy = remedy.then("; " if number else "", ours("rename", rename.old, rename.new))
    names = [rename.new for rename in renames]
    fresh = Remedy(f"\nOr begin {listed(names)} empty: ", ours("up", *names, "--yes"))
    raise StateRefusedError("\n".join(said), remedy.then(fresh))


def check_leftovers(leftovers: Sequence[Leftover], renames: Sequence[HandRename] = ()) -> Iterator[Finding]:
    """Files of names that no profile has.

    Args:
        renames: the profiles that were renamed in the fleet file alone.
    """
    renamed = {rename.old: rename.new for rename in renames}
    for leftover in leftovers:
        name, place = leftover.name, " and ".join(leftover.paths)
        if new := renamed.get(name):
            yield Finding(
                "warning", place, f"belong{'s' if len(leftover.paths) == 1 else ''} to {new}, as it seems: fleet.yaml "
                f"names it so since compose.yaml was generated", f"{new} would begin empty",
                Remedy.run("rename", name, new),
            )  # fmt: skip
        else:
            delete = ours("remove", name, "--purge")
            yield Finding(
                "note", place, "no profile has this name", "no gateway uses these files",
                Remedy("use them again: ", ours("add", name), "   (or delete them: ", delete, ")"),
            )  # fmt: skip


def known_ports(deployment: Deployment) -> dict[str, int]:
    """The base port of each profile when compose.yaml was generated."""
    ports = {}
    for name, service in read_services(read_text(deployment.compose_file) or "").items():
        environment = service.get("environment")
        port = environment.get(PORT_VARIABLE) if isinstance(environment, dict) else None
        if isinstance(port, str) and port.isdecimal():
            ports[name] = int(port)
    return ports


def nobody(_: str) -> bool:
    """The answer where there is nobody to ask."""
    return False


def confirm_old_files(deployment: Deployment, new: Sequence[str], confirm: Callable[[str], bool]) -> None:
    """Ask before new profiles take up what lies under their names.

    Raises:
        UsageError: it was not confirmed.
    """
    old = [leftover for name in new if (leftover := leftover_of(deployment, name)).was_used]
    if not old:
        return
    paths = listed([path for leftover in old for path in leftover.paths])
    names = listed([leftover.name for leftover in old])
    what = f"{paths} hold{'s' if len(old) == len(paths) == 1 else ''} files of an earlier {names}."
    if not confirm(f"{what} Use them?"):
        raise UsageError(
            f"{what} Nothing was changed.",
            Remedy("To use them without being asked, add --yes. To begin empty, delete them: ").then(
                *_purges([leftover.name for leftover in old])
            ),
        )


def _purges(names: Sequence[str]) -> Iterator[str | Command]:
    for number, name in enumerate(names):
        yield "; " if number else ""
        yield ours("remove", name, "--purge")
