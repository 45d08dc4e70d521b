"""The plan by which a deployment is destroyed. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.planning.plans import ENDED, haste
from idlehands_deploy.planning.steps import SAID, Plan, Step
from idlehands_deploy.text import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.deployment.belongings import Part
    from idlehands_deploy.planning.cleanup.facts import Holdings

CONTENT = {
    "profiles": "with its sessions, credentials and workspace",
    "secrets": "with its token and keys",
    "snapshots": "all that it can go back to",
}


def plan_destroy(holdings: Holdings, *, keep_files: bool, now: bool) -> Plan:
    """Remove all that a deployment has: what uses something goes before what it uses, and the fleet file last."""
    files = _kept_files(holdings) if keep_files else _file_steps(holdings)
    return Plan((*_unit_steps(holdings), *_container_steps(holdings, now=now), *files))


def _unit_steps(holdings: Holdings) -> Iterator[Step]:
    for unit in holdings.units:
        yield Step(unit, "stopped and removed" if unit.endswith(".service") else "removed", "", ("unit",))


def _container_steps(holdings: Holdings, *, now: bool) -> Iterator[Step]:
    containers = sorted(holdings.look.orphans, key=lambda facts: facts.profile)
    for facts in containers:
        if facts.state not in ENDED:
            yield Step(facts.profile, SAID["stop"], "", ("stop-orphan", *haste(now)))
    for facts in containers:
        yield Step(facts.profile, "container removed", "", ("remove-orphan",))
    for network in holdings.networks:
        yield Step(network, "network removed", "", ("network",))


def _file_steps(holdings: Holdings) -> Iterator[Step]:
    belongings = holdings.belongings
    for part in belongings.parts:
        yield Step(part.name, _deleted(part, holdings), "", ("delete", *part.paths))
    for path, target in belongings.links.items():
        yield Step(target, "kept", f"{path} only leads to it")
    if foreign := belongings.foreign:
        yield Step(some(foreign), "kept", f"this tool did not make {'it' if len(foreign) == 1 else 'them'}")


def _deleted(part: Part, holdings: Holdings) -> str:
    parent, _, name = part.name.partition("/")
    if not name:
        return "deleted"
    source = holdings.adopted.get(name) if parent == "profiles" else None
    moved = f"; they were moved here from {source}, and there is no copy" if source else ""
    return f"deleted for good, {CONTENT[parent]}{moved}"


def _kept_files(holdings: Holdings) -> Iterator[Step]:
    yield Step(str(holdings.look.session.deployment.root), "kept, with all that is in it", "--keep-files was given")
