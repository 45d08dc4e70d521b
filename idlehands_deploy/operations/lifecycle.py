"""Commands that start and stop gateways."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from idlehands_deploy.contract import TOKEN_SECRET
from idlehands_deploy.deployment.directory import PRIVATE_FILE, locked, read_text, remove_tree, write_atomic
from idlehands_deploy.deployment.profile_files import new_token, secrets_changed_at
from idlehands_deploy.deployment.session import meant, select
from idlehands_deploy.engine.compose import exec_arguments, interleaved, log_arguments, up_arguments
from idlehands_deploy.errors import UsageError
from idlehands_deploy.fleet.file import new_fleet_text
from idlehands_deploy.health.observe import Observation, observe
from idlehands_deploy.health.readiness import wait_for
from idlehands_deploy.health.verdict import assess
from idlehands_deploy.planning import draft
from idlehands_deploy.planning.ending import end
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.errors import NotReadyError
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.fleet.ports import PortPlan


@dataclass(frozen=True)
class UpResult:
    """What `up` and its kin came to.

    Attributes:
        failure: why not every profile is usable; None if each is.
    """

    ports: PortPlan
    seen: list[Observation]
    failure: NotReadyError | None = None

    def usable(self) -> UpResult:
        """This, if every profile is usable.

        Raises:
            NotReadyError: not all of them are.
        """
        if self.failure:
            raise self.failure
        return self


def up(session: Session, names: Sequence[str], timeout: float) -> UpResult:
    """Bring profiles up, adding those that do not exist, and wait until they are usable.

    Raises:
        PortConflictError: a port is taken; nothing was changed.
    """
    for name in names:
        draft.check_name(name)
    if not names:
        session.fleet_text()
    plan, _ = _plan_with(session, names)  # a fleet file that is wrong is told before anything is installed
    select(plan.fleet, names)
    engine = session.engine_for(plan.fleet)
    with locked(session.deployment):
        plan, added = _plan_with(session, names)
        profiles = select(plan.fleet, names)
        _refuse_conflicts(engine, plan.fleet, plan.ports, profiles)
        draft.store(session, plan)
    for name in added:
        ports = ", ".join(f"{port.port} ({port.purpose})" for port in plan.ports.profiles[name].published)
        session.progress.say(f"Added {name}{meant(name, plan.fleet)} to {session.deployment.fleet_file}: {ports}")
    _ensure_image(session, engine, plan.fleet)
    for profile in profiles:
        session.progress.update(profile, "bringing its container up")
    with engine.watch_deaths(plan.fleet.name) as watch:
        held = _held(session, engine, plan, profiles)
        session.remake(engine, plan.fleet, up_arguments(profiles), profiles)
        if again := _to_restart(session, engine, plan.fleet, profiles, held):
            for profile, reason in again.items():
                session.progress.say(f"Restarting {profile}: {reason}.")
            session.run_compose(engine, plan.fleet, ["restart", *again])
        waited = wait_for(session, engine, watch, plan.fleet, plan.ports, profiles, timeout)
        return UpResult(plan.ports, waited.seen, waited.failure)


def start(session: Session, names: Sequence[str], timeout: float) -> UpResult:
    """Start stopped profiles and wait until they are usable."""
    return _with_existing(session, names, timeout, "start")


def restart(session: Session, names: Sequence[str], timeout: float, *, now: bool = False) -> UpResult:
    """Restart profiles, letting each finish its work first unless it must be now, and wait until they are usable."""
    return _with_existing(session, names, timeout, "restart", now=now)


def logs(
    session: Session, names: Sequence[str], *, follow: bool, since: str | None, tail: int | None, colour: bool
) -> str:
    """The logs of several profiles, interleaved by time.

    With ``follow``, or of one profile, Compose takes this process over and this never returns.
    """
    fleet = session.fleet()
    profiles = select(fleet, names)
    engine = session.engine_for(fleet)
    existing = _containers(engine, fleet)
    there = [name for name in profiles if name in existing]
    if not there:
        raise UsageError(
            f"No container yet: {' '.join(profiles)}",
            Remedy("Make and start it: ", ours("up", *profiles)),
        )
    compose = session.compose(fleet)
    arguments = log_arguments(there, follow=follow, since=since, tail=tail, colour=colour)
    if follow or len(there) == 1:
        compose.become(*arguments)
    return interleaved(compose.run(*arguments, "--timestamps"))


def execute(session: Session, name: str, command: Sequence[str], *, terminal: bool) -> NoReturn:
    """Run a command in a profile's container on this terminal; Compose takes this process over.

    Raises:
        UsageError: the container does not run.
    """
    fleet = session.fleet()
    select(fleet, [name])
    facts = next((item for item in session.engine_for(fleet).containers(fleet.name) if item.profile == name), None)
    if facts is None or facts.state != "running":
        verdict = assess(name, facts, None)
        raise UsageError(f"{name} does not run: {verdict.reason}.", Remedy("Next: ").then(verdict.remedy))
    session.compose(fleet).become(*exec_arguments(name, command, terminal=terminal))


def remove(session: Session, name: str, *, purge: bool, confirm: Callable[[str], bool]) -> Path | None:
    """Take a profile and its container out.

    Args:
        purge: delete its files too.
        confirm: asked before anything is deleted.

    Returns:
        Where its files stay; None if they were deleted.

    Raises:
        UsageError: there is no such profile, or the deletion was not confirmed.
    """
    fleet = session.fleet()
    select(fleet, [name])
    draft.draft_without(session, name)  # before anything is stopped or deleted
    files = [session.deployment.state_directory(name).parent, session.deployment.secrets_directory(name)]
    question = f"Delete {' and '.join(map(str, files))} for good, with {name}'s sessions and credentials?"
    if purge and not confirm(question):
        raise UsageError(
            f"{name} was not removed: nothing was changed.",
            "To delete its files without being asked, add --yes.",
        )
    engine = session.engine_for(fleet)
    if facts := _containers(engine, fleet).get(name):
        with engine.watch_deaths(fleet.name) as watch:
            end(session, engine, watch, fleet, [facts], "down", now=False)
    draft.drop(session, name)
    if not purge:
        return files[0]
    for directory in files:
        remove_tree(directory)
    return None


def rotate_token(session: Session, name: str, timeout: float) -> None:
    """Give a profile a new token, and restart its gateway if it runs, since it reads the token once."""
    plan = draft.make_draft(session, session.fleet_text())
    select(plan.fleet, [name])
    # First all that could stand in the way: a gateway that cannot be restarted keeps the token that it knows.
    engine = session.engine_for(plan.fleet)
    running = [item.profile for item in engine.containers(plan.fleet.name) if item.state == "running"]
    if name in running:
        draft.refuse_stale(session, plan)
        _refuse_conflicts(engine, plan.fleet, plan.ports, [name])
    with locked(session.deployment):
        write_atomic(session.deployment.secret_file(name, TOKEN_SECRET), new_token() + "\n", PRIVATE_FILE)
    if name in running:
        restart(session, [name], timeout).usable()


def _plan_with(session: Session, names: Sequence[str]) -> tuple[draft.Draft, list[str]]:
    """The plan with these profiles in it, and those of them that are new."""
    text = read_text(session.deployment.fleet_file)
    if text is None:
        text = new_fleet_text(draft.NEW_NAME)
    existing = draft.make_draft(session, text)
    new = [name for name in dict.fromkeys(names) if name not in existing.fleet.profiles]
    if not new:
        return existing, []
    return draft.make_draft(session, draft.with_profiles(text, new), new), new


def _refuse_conflicts(engine: Engine, fleet: Fleet, ports: PortPlan, profiles: Sequence[str]) -> None:
    from idlehands_deploy.planning.port_conflicts import refuse_taken_ports  # noqa: PLC0415

    refuse_taken_ports(fleet, ports, profiles, engine.holders())


def _ensure_image(session: Session, engine: Engine, fleet: Fleet) -> None:
    from idlehands_deploy.engine.image import ensure_image  # noqa: PLC0415

    ensure_image(engine, fleet.image, session.environ, session.progress, session.may_install)


def _held(session: Session, engine: Engine, plan: draft.Draft, profiles: Sequence[str]) -> set[tuple[str, str]]:
    """The runs, by container and start, in which a gateway waits for something to be mended."""
    seen = observe(session, engine, plan.fleet, plan.ports, profiles)
    return {(item.facts.id, item.facts.started_at) for item in seen if item.facts and item.verdict.is_held}


def _to_restart(
    session: Session, engine: Engine, fleet: Fleet, profiles: Sequence[str], held: set[tuple[str, str]]
) -> dict[str, str]:
    """The profiles whose running container Compose sees no reason to touch, each with ours."""
    reasons: dict[str, str] = {}
    for facts in engine.containers(fleet.name):
        if facts.profile not in profiles or facts.state != "running":
            continue
        # A gateway reads its secrets once.
        if secrets_changed_at(session.deployment, fleet.profiles[facts.profile], facts.profile) > facts.started:
            reasons[facts.profile] = "a secret was changed since it started"
        elif (facts.id, facts.started_at) in held:
            reasons[facts.profile] = "it waited for its configuration or surroundings to be mended"
    return reasons


def _with_existing(
    session: Session, names: Sequence[str], timeout: float, command: str, *, now: bool = False
) -> UpResult:
    plan = draft.make_draft(session, session.fleet_text())
    profiles = select(plan.fleet, names)
    engine = session.engine_for(plan.fleet)
    existing = _containers(engine, plan.fleet)
    if missing := [name for name in profiles if name not in existing]:
        raise UsageError(
            f"No container yet: {' '.join(missing)}",
            Remedy("Make and start it: ", ours("up", *missing)),
        )
    draft.refuse_stale(session, plan)
    _refuse_conflicts(engine, plan.fleet, plan.ports, profiles)
    with engine.watch_deaths(plan.fleet.name) as watch:
        if command == "restart":
            end(session, engine, watch, plan.fleet, [existing[name] for name in profiles], command, now=now)
        else:
            session.run_compose(engine, plan.fleet, [command, *profiles])
        waited = wait_for(session, engine, watch, plan.fleet, plan.ports, profiles, timeout)
        return UpResult(plan.ports, waited.seen, waited.failure)


def _containers(engine: Engine, fleet: Fleet) -> dict[str, ContainerFacts]:
    return {facts.profile: facts for facts in engine.containers(fleet.name)}
