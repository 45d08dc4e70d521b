"""Commands that look and change nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from idlehands_deploy.compose import build_document, render
from idlehands_deploy.directory import read_text
from idlehands_deploy.errors import DirectoryError
from idlehands_deploy.fleet_values import TOKEN_SECRET
from idlehands_deploy.isolation import check_isolation
from idlehands_deploy.operations.readiness import Observation, gateway_host, observe
from idlehands_deploy.operations.session import select
from idlehands_deploy.operations.surroundings import find_natives, plan_here, read_setups
from idlehands_deploy.profile_files import container_user, read_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.findings import Finding
    from idlehands_deploy.fleet import Fleet
    from idlehands_deploy.members import Native, Setup
    from idlehands_deploy.operations.session import Session
    from idlehands_deploy.ports import PortPlan, ProfilePorts


@dataclass(frozen=True)
class StatusReport:
    """The fleet at one moment.

    Attributes:
        orphans: the project's containers that the fleet file does not name.
        is_stale: the fleet file was changed since the containers' compose file was generated from it.
    """

    seen: list[Observation]
    ports: dict[str, ProfilePorts]
    orphans: list[ContainerFacts]
    is_stale: bool


@dataclass(frozen=True)
class PortsReport:
    """Who takes which ports on this host.

    Attributes:
        natives: gateways without a container; left out where profiles were named.
        findings: who meets whom, and what configs say other than the plan.
    """

    setups: list[Setup]
    natives: list[Native]
    findings: list[Finding]


@dataclass(frozen=True)
class Listing:
    """The fleet file's content."""

    fleet: Fleet
    plans: list[ProfilePorts]


def ports(session: Session, names: Sequence[str]) -> PortsReport:
    """The ports of the profiles as they take effect, and those of native gateways."""
    fleet = session.fleet()
    plan = plan_here(session, fleet)
    chosen = select(fleet, names)
    setups = {setup.name: setup for setup in read_setups(session, fleet, plan)}
    natives = [] if names else find_natives(session)
    findings = [] if names else check_isolation(list(setups.values()), natives)
    return PortsReport([setups[name] for name in chosen], natives, findings)


def listing(session: Session) -> Listing:
    """The profiles of the fleet file, with their ports."""
    fleet = session.fleet()
    return Listing(fleet, list(plan_here(session, fleet).profiles.values()))


def status(session: Session, names: Sequence[str]) -> StatusReport:
    """Look at the profiles, all at once."""
    fleet = session.fleet()
    plan = plan_here(session, fleet)
    profiles = select(fleet, names)
    engine = session.engine_for(fleet)
    seen = observe(session, engine, fleet, plan, profiles)
    orphans = [] if names else [facts for facts in engine.containers(fleet.name) if facts.profile not in fleet.profiles]
    return StatusReport(seen, plan.profiles, orphans, is_stale=_is_stale(session, fleet, plan))


def _is_stale(session: Session, fleet: Fleet, plan: PortPlan) -> bool:
    text = render(build_document(fleet, plan, container_user(fleet, session.deployment)))
    return read_text(session.deployment.compose_file) != text


def url(session: Session, name: str) -> str:
    """The dashboard's link, with the token in it so that it logs straight in."""
    fleet = session.fleet()
    select(fleet, [name])
    host = gateway_host(fleet)
    host = f"[{host}]" if ":" in host else host
    base = plan_here(session, fleet).profiles[name].base
    # In the fragment, which a browser sends to nobody.
    return f"http://{host}:{base}/#token={quote(token(session, name))}"


def token(session: Session, name: str) -> str:
    """A profile's gateway token.

    Raises:
        DirectoryError: there is none, or you may not read it.
    """
    select(session.fleet(), [name])
    if found := read_token(session.deployment, name):
        return found
    path = session.deployment.secret_file(name, TOKEN_SECRET)
    read_text(path)
    raise DirectoryError(f"There is no token at {path}.", "Make it: idlehands-deploy generate")
