"""What one command knows of the world, taken once."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.directory import FLEET_FILE
from idlehands_deploy.deployment.published import as_published
from idlehands_deploy.errors import UsageError
from idlehands_deploy.fleet.ports import PortPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.fleet.ports import ProfilePorts


@dataclass(frozen=True)
class Look:
    """A fleet with its containers at one moment.

    Attributes:
        containers: those of the fleet's profiles, by profile.
        orphans: the project's containers that the fleet file does not name.
    """

    session: Session
    fleet: Fleet
    ports: PortPlan
    engine: Engine
    containers: Mapping[str, ContainerFacts]
    orphans: tuple[ContainerFacts, ...] = ()

    def again(self) -> Look:
        """The same with its containers as they are now; for after a change."""
        return _with_containers(self, self.engine.containers(self.fleet.name))

    def with_fleet(self, fleet: Fleet, ports: PortPlan) -> Look:
        """The same for a newer fleet of this name."""
        return _with_containers(replace(self, fleet=fleet, ports=ports), (*self.containers.values(), *self.orphans))

    def published(self, profile: str) -> ProfilePorts:
        """A profile's ports as its container has them, which may be older than the fleet file."""
        return as_published(self.ports.profiles[profile], self.containers.get(profile))

    def state(self, profile: str) -> str:
        """Docker's word for the container of a profile, or of a name without one; empty where there is none."""
        return facts.state if (facts := self.containers.get(profile) or self.orphan(profile)) else ""

    def orphan(self, name: str) -> ContainerFacts | None:
        """The container of a name that no profile has."""
        return next((facts for facts in self.orphans if facts.profile == name), None)


def take_look(session: Session, fleet: Fleet, ports: PortPlan | None = None, engine: Engine | None = None) -> Look:
    """Ask the engine once for all containers of the project.

    Args:
        ports: left out by what asks no gateway, and so works where no ports can be planned.
        engine: one that has answered already.

    Raises:
        EngineUnreachableError: no engine answers.
        UsageError: another directory's deployment has the fleet's name, so each would use the other's containers.
    """
    engine = engine or session.engine()
    look = Look(session, fleet, ports or PortPlan({}), engine, {})
    containers = engine.containers(fleet.name)
    _refuse_other_directories(look, containers)
    return _with_containers(look, containers)


def _refuse_other_directories(look: Look, containers: Iterable[ContainerFacts]) -> None:
    session = look.session
    others = {facts.directory for facts in containers if _is_elsewhere(session, facts)}
    # The paths of an engine on another host say nothing here.
    if others := {directory for directory in others if not look.engine.is_local or _is_deployment(Path(directory))}:
        raise UsageError(
            f"The Compose project {look.fleet.name} already runs from {', '.join(sorted(others))}.",
            f"Set another `name` in {session.deployment.fleet_file}, or use that deployment with -C.",
        )


def _is_elsewhere(session: Session, facts: ContainerFacts) -> bool:
    return bool(facts.directory) and Path(facts.directory).resolve() != session.deployment.root.resolve()


def _is_deployment(directory: Path) -> bool:
    """Whether a deployment may still be there; where it is not, it was moved."""
    try:
        return stat.S_ISREG((directory / FLEET_FILE).stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # another user's, or unreachable
        return True


def _with_containers(look: Look, found: Iterable[ContainerFacts]) -> Look:
    known: dict[str, ContainerFacts] = {}
    orphans: list[ContainerFacts] = []
    for container in found:
        facts = replace(container, moved=True) if _is_elsewhere(look.session, container) else container
        if facts.profile in look.fleet.profiles:
            known[facts.profile] = facts
        else:
            orphans.append(facts)
    return replace(look, containers=known, orphans=tuple(orphans))
