"""Commands that look and change nothing."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from idlehands_deploy.contract import TOKEN_SECRET
from idlehands_deploy.deployment.directory import read_text
from idlehands_deploy.deployment.profile_files import container_user, read_token, written_at
from idlehands_deploy.deployment.session import select
from idlehands_deploy.doctor.drift import compose_hashes, find_drift
from idlehands_deploy.errors import DirectoryError, EngineUnreachableError
from idlehands_deploy.health.monitor import Monitor, Pace
from idlehands_deploy.health.observe import Observation, gateway_host, observe, unknown
from idlehands_deploy.host.sockets import own_addresses
from idlehands_deploy.isolation.check import check_isolation
from idlehands_deploy.isolation.setups import find_natives, plan_here, read_setups
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.targets.compose import build_document, render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.findings import Finding
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.fleet.ports import PortPlan, ProfilePorts
    from idlehands_deploy.health.verdict import Verdict
    from idlehands_deploy.isolation.claims import Native, Setup


@dataclass(frozen=True)
class StatusReport:
    """The fleet at one moment.

    Attributes:
        host: the address at which this host reaches the gateways.
        orphans: the project's containers that the fleet file does not name.
        is_stale: the fleet file was changed since the containers' compose file was generated from it.
        drift: how a profile's container differs from what would be made now, by profile.
        failure: what keeps the engine from answering, so that nothing is certain; None if it does.
    """

    project: str
    host: str
    seen: list[Observation]
    ports: dict[str, ProfilePorts]
    orphans: list[ContainerFacts]
    is_stale: bool
    drift: dict[str, str] = field(default_factory=dict)
    failure: EngineUnreachableError | None = None


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
    findings = [] if names else check_isolation(list(setups.values()), natives, own_addresses)
    return PortsReport([setups[name] for name in chosen], natives, findings)


def listing(session: Session) -> Listing:
    """The profiles of the fleet file, with their ports."""
    fleet = session.fleet()
    return Listing(fleet, list(plan_here(session, fleet).profiles.values()))


def status(session: Session, names: Sequence[str]) -> StatusReport:
    """Look at the profiles, all at once; where the engine cannot be asked, each is unknown."""
    fleet = session.fleet()
    plan = plan_here(session, fleet)
    profiles = select(fleet, names)
    try:
        return _status(session, fleet, plan, profiles, with_orphans=not names)
    except EngineUnreachableError as error:
        seen = [unknown(session, fleet, plan, name, error) for name in profiles]
        return StatusReport(fleet.name, gateway_host(fleet), seen, plan.profiles, [], is_stale=False, failure=error)


class StatusWatch:
    """The status of profiles, kept current.

    Attributes:
        report: of this moment.
    """

    def __init__(self, session: Session, names: Sequence[str]) -> None:
        self._session = session
        self._names = names
        self.report = status(session, names)

    def run(self, told: Callable[[StatusReport, Observation], None]) -> None:
        """Follow the profiles until interrupted.

        Args:
            told: called with the report and with what is new in it: first each profile, then every change of a
                verdict.
        """
        fleet = self._session.fleet()
        plan = plan_here(self._session, fleet)
        verdicts: dict[str, Verdict] = {}

        def note(seen: Observation) -> None:
            profile = seen.verdict.profile
            self.report = _with(self.report, seen)
            if verdicts.get(profile) != seen.verdict:
                verdicts[profile] = seen.verdict
                told(self.report, seen)

        Monitor(self._session, fleet, plan, select(fleet, self._names), note, Pace()).run(threading.Event())


def _with(report: StatusReport, seen: Observation) -> StatusReport:
    """The report with a newer observation; what was told of a run that has ended is not told of the next."""
    profile = seen.verdict.profile
    before = next(item for item in report.seen if item.verdict.profile == profile)
    drift = dict(report.drift)
    if _run(before) != _run(seen):
        drift.pop(profile, None)
    others = [seen if item is before else item for item in report.seen]
    return replace(report, seen=others, drift=drift, failure=_failure(seen))


def _run(seen: Observation) -> tuple[str, str] | None:
    return (seen.facts.id, seen.facts.started_at) if seen.facts else None


def _failure(seen: Observation) -> EngineUnreachableError | None:
    """What keeps the engine from answering, if this is an observation without it."""
    if seen.verdict.state != "unknown":
        return None
    return EngineUnreachableError(f"{seen.verdict.reason.partition(';')[0]}.", seen.verdict.remedy)


def _status(session: Session, fleet: Fleet, plan: PortPlan, profiles: list[str], *, with_orphans: bool) -> StatusReport:
    engine, containers = session.engine_and_containers(fleet)
    compose_text = render(build_document(fleet, plan, container_user(fleet, session.deployment)))
    with ThreadPoolExecutor() as pool:
        image = pool.submit(engine.image, fleet.image)
        known = {facts.profile: facts for facts in containers if facts.profile in fleet.profiles}
        running = {name: facts for name, facts in known.items() if name in profiles and facts.state == "running"}
        # Asking Compose costs more than all the rest, and a file that is older than every container tells nothing.
        oldest = min((facts.created for facts in running.values()), default=float("inf"))
        is_newer = written_at(session.deployment.compose_file) > oldest
        hashes = pool.submit(compose_hashes, session, fleet, compose_text) if is_newer else None
        seen = observe(session, engine, fleet, plan, profiles, known, details=True)
        drift = find_drift(session, fleet, running, hashes.result() if hashes else {}, image.result())
        return StatusReport(
            fleet.name,
            gateway_host(fleet),
            seen,
            plan.profiles,
            [facts for facts in containers if facts.profile not in fleet.profiles] if with_orphans else [],
            is_stale=read_text(session.deployment.compose_file) != compose_text,
            drift={finding.place: finding.what for finding in drift},
        )


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
    raise DirectoryError(f"There is no token at {path}.", Remedy("Make it: ", ours("generate")))
