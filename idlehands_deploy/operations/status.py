"""`status`: the current state of each gateway."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.profile_files import container_user
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import EngineUnreachableError
from idlehands_deploy.health.monitor import Monitor, Pace
from idlehands_deploy.health.observe import Observation, observe, unknown
from idlehands_deploy.host.files import read_text
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.planning.causes import out_of_date
from idlehands_deploy.planning.facts import find_images, find_recipe
from idlehands_deploy.targets.compose import build_document, render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.fleet.ports import PortPlan, ProfilePorts
    from idlehands_deploy.health.verdict import Verdict


@dataclass(frozen=True)
class StatusReport:
    """The status of the fleet at one time.

    Attributes:
        seen: one observation per profile.
        ports: of each profile, as its container has them.
        orphans: the project's containers that the fleet file does not name.
        is_stale: whether the fleet file has changed since compose.yaml was generated.
        drift: by profile, why its container is out of date.
        failure: why the engine does not respond, so that every state is unknown; None if it responds.
    """

    project: str
    seen: list[Observation]
    ports: dict[str, ProfilePorts]
    orphans: list[ContainerFacts]
    is_stale: bool
    drift: dict[str, str] = field(default_factory=dict)
    failure: EngineUnreachableError | None = None


def status(session: Session, names: Sequence[str]) -> StatusReport:
    """Observe the profiles, all at the same time; without an engine each is unknown."""
    fleet = session.fleet()
    plan = plan_here(session, fleet)
    profiles = select(fleet, names)
    try:
        return _status(session, fleet, plan, profiles, with_orphans=not names)
    except EngineUnreachableError as error:
        seen = [unknown(session, plan, name, error) for name in profiles]
        return StatusReport(fleet.name, seen, plan.profiles, [], is_stale=False, failure=error)


class StatusWatch:
    """The status of profiles, kept up to date.

    Attributes:
        report: the current status.
    """

    def __init__(self, session: Session, names: Sequence[str]) -> None:
        self._session = session
        self._names = names
        self.report = status(session, names)

    def run(self, on_change: Callable[[StatusReport, Observation], None]) -> None:
        """Follow the profiles until interrupted.

        Args:
            on_change: called with the report and the new observation in it: first for each profile, then for every
                change of a verdict.
        """
        fleet = self._session.fleet()
        plan = plan_here(self._session, fleet)
        verdicts: dict[str, Verdict] = {}

        def note(seen: Observation) -> None:
            profile = seen.verdict.profile
            self.report = _with(self.report, seen)
            if verdicts.get(profile) != seen.verdict:
                verdicts[profile] = seen.verdict
                on_change(self.report, seen)

        Monitor(self._session, fleet, plan, select(fleet, self._names), note, Pace()).run(threading.Event())


def _with(report: StatusReport, seen: Observation) -> StatusReport:
    """The report with a newer observation; the drift of an earlier run is removed, because it may not be true now."""
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
    """Why the engine does not respond, if this observation was made without it."""
    if seen.verdict.state != "unknown":
        return None
    return EngineUnreachableError(f"{seen.verdict.reason.partition(';')[0]}.", seen.verdict.remedy)


def _status(session: Session, fleet: Fleet, plan: PortPlan, profiles: list[str], *, with_orphans: bool) -> StatusReport:
    look = take_look(session, fleet, plan)
    document = build_document(fleet, plan, container_user(fleet, session.deployment))
    with ThreadPoolExecutor() as pool:
        images = pool.submit(find_images, look)
        is_stale = pool.submit(lambda: read_text(session.deployment.compose_file) != render(document))
        seen = observe(look, profiles, details=True)
        recipe = find_recipe(look, document["services"], images.result())
        running = [facts for name, facts in look.containers.items() if name in profiles and facts.state == "running"]
        causes = {facts.profile: out_of_date(facts, recipe) for facts in running}
        return StatusReport(
            fleet.name,
            seen,
            {name: look.published(name) for name in look.ports.profiles},
            list(look.orphans) if with_orphans else [],
            is_stale=is_stale.result(),
            drift={name: cause for name, cause in causes.items() if cause},
        )
