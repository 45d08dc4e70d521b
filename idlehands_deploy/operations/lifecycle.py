"""Commands that start and stop gateways."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from idlehands_deploy.directory import locked, read_text, remove_tree
from idlehands_deploy.errors import EngineFailedError, EngineUnreachableError, UsageError
from idlehands_deploy.fleet_file import new_fleet_text
from idlehands_deploy.operations import editing, inspection
from idlehands_deploy.operations.readiness import Observation, wait_for
from idlehands_deploy.operations.session import select

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.fleet import Fleet
    from idlehands_deploy.operations.session import Session
    from idlehands_deploy.ports import PortPlan


@dataclass(frozen=True)
class UpResult:
    """What `up` and its kin came to."""

    fleet: Fleet
    plan: PortPlan
    seen: list[Observation]


def up(session: Session, names: Sequence[str], timeout: float) -> UpResult:
    """Bring profiles up, adding those that do not exist, and wait until they are usable.

    Raises:
        NotReadyError: not all of them are, in time.
        PortConflictError: a port is taken; nothing was changed.
    """
    if not names:
        session.fleet_text()
    for name in names:
        editing.check_name(name)
    engine = session.engine()
    with locked(session.deployment):
        plan, added = _plan_with(session, names)
        profiles = select(plan.fleet, names)
        _refuse_foreign(session, engine, plan.fleet)
        _refuse_conflicts(engine, plan, profiles)
        editing.store(session, plan)
    for name in added:
        ports = ", ".join(f"{port.port} ({port.purpose})" for port in plan.ports.profiles[name].published)
        session.progress.say(f"Added {name} to {session.deployment.fleet_file}: {ports}")
    _ensure_image(session, engine, plan.fleet)
    for profile in profiles:
        session.progress.update(profile, "starting its container")
    return _run_and_wait(session, engine, plan.fleet, plan.ports, profiles, timeout, "up")


def start(session: Session, names: Sequence[str], timeout: float) -> UpResult:
    """Start stopped profiles and wait until they are usable."""
    return _with_existing(session, names, timeout, "start")


def restart(session: Session, names: Sequence[str], timeout: float) -> UpResult:
    """Restart profiles, letting each finish its work first, and wait until they are usable."""
    return _with_existing(session, names, timeout, "restart")


def stop(session: Session, names: Sequence[str]) -> list[str]:
    """Stop profiles, letting each finish its work first; they stay stopped."""
    return _end(session, names, "stop")


def down(session: Session, names: Sequence[str]) -> list[str]:
    """Stop profiles and remove their containers and networks; their files stay."""
    return _end(session, names, "down")


def logs(
    session: Session, names: Sequence[str], *, follow: bool, since: str | None, tail: str | None, colour: bool
) -> NoReturn:
    """Show logs on this terminal; Compose takes this process over."""
    from idlehands_deploy.engine.compose import log_arguments  # noqa: PLC0415

    fleet = session.fleet()
    arguments = log_arguments(select(fleet, names), follow=follow, since=since, tail=tail, colour=colour)
    session.engine()
    session.compose(fleet).become(*arguments)


def execute(session: Session, name: str, command: Sequence[str], *, terminal: bool) -> NoReturn:
    """Run a command in a profile's container on this terminal; Compose takes this process over.

    Raises:
        UsageError: the container does not run.
    """
    from idlehands_deploy.engine.compose import exec_arguments  # noqa: PLC0415

    fleet = session.fleet()
    select(fleet, [name])
    running = {facts.profile for facts in session.engine().containers(fleet.name) if facts.state == "running"}
    if name not in running:
        raise UsageError(
            f"{name} does not run, so nothing can run in it.", f"Start it: idlehands-deploy up {name}"
        )
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
    files = [session.deployment.state_directory(name).parent, session.deployment.secret_file(name, "").parent]
    question = f"Delete {' and '.join(map(str, files))} for good, with {name}'s sessions and credentials?"
    if purge and not confirm(question):
        raise UsageError(
            f"{name}'s files were not deleted, and nothing was changed.", "To delete them: add --yes"
        )
    engine = session.engine()
    if any(facts.profile == name for facts in engine.containers(fleet.name)):
        _refuse_foreign(session, engine, fleet)
        session.progress.update(name, "finishing its work, then stopping")
        _run(session, engine, fleet, ["down", name])
    editing.drop(session, name)
    if not purge:
        return files[0]
    for directory in files:
        remove_tree(directory)
    return None


def rotate_token(session: Session, name: str, timeout: float) -> None:
    """Give a profile a new token, and restart its gateway if it runs, since it reads the token once."""
    engine = session.engine()  # first: a gateway that cannot be restarted keeps the token that it knows
    inspection.rotate_token(session, name)
    if any(
        (facts.profile, facts.state) == (name, "running") for facts in engine.containers(session.fleet().name)
    ):
        restart(session, [name], timeout)


def _plan_with(session: Session, names: Sequence[str]) -> tuple[editing.Plan, list[str]]:
    """The plan with these profiles in it, and those of them that are new."""
    text = read_text(session.deployment.fleet_file)
    if text is None:
        text = new_fleet_text(editing.NEW_NAME)
    existing = editing.make_plan(session, text)
    new = [name for name in dict.fromkeys(names) if name not in existing.fleet.profiles]
    if not new:
        return existing, []
    return editing.make_plan(session, editing.with_profiles(text, new)), new


def _refuse_foreign(session: Session, engine: Engine, fleet: Fleet) -> None:
    """Two deployments of one project name would take each other's containers for their own."""
    root = session.deployment.root.resolve()
    directories = {facts.directory for facts in engine.containers(fleet.name) if facts.directory}
    others = {directory for directory in directories if Path(directory).resolve() != root}
    if others:
        raise UsageError(
            f"The Compose project {fleet.name} already runs from {', '.join(sorted(others))}.",
            f"Set another `name` in {session.deployment.fleet_file}, or use that deployment with -C.",
        )


def _refuse_conflicts(engine: Engine, plan: editing.Plan, profiles: Sequence[str]) -> None:
    from idlehands_deploy.operations.conflicts import refuse_taken_ports  # noqa: PLC0415

    refuse_taken_ports(plan.fleet, plan.ports, profiles, engine.holders())


def _ensure_image(session: Session, engine: Engine, fleet: Fleet) -> None:
    from idlehands_deploy.image import ensure_image  # noqa: PLC0415

    ensure_image(engine, fleet.image, session.environ, session.progress, session.may_install)


def _with_existing(session: Session, names: Sequence[str], timeout: float, command: str) -> UpResult:
    plan = editing.make_plan(session, session.fleet_text())
    profiles = select(plan.fleet, names)
    engine = session.engine()
    missing = set(profiles) - {facts.profile for facts in engine.containers(plan.fleet.name)}
    if missing:
        names_of = " ".join(sorted(missing))
        raise UsageError(
            f"No container yet: {names_of}", f"Make and start it: idlehands-deploy up {names_of}"
        )
    _refuse_conflicts(engine, plan, profiles)
    for profile in profiles:
        session.progress.update(
            profile, f"{command}: finishing its work first" if command == "restart" else command
        )
    return _run_and_wait(session, engine, plan.fleet, plan.ports, profiles, timeout, command)


def _run_and_wait(
    session: Session,
    engine: Engine,
    fleet: Fleet,
    plan: PortPlan,
    profiles: Sequence[str],
    timeout: float,
    command: str,
) -> UpResult:
    from idlehands_deploy.engine.compose import up_arguments  # noqa: PLC0415

    arguments = up_arguments(profiles) if command == "up" else [command, *profiles]
    with engine.watch_deaths(fleet.name) as watch:
        _run(session, engine, fleet, arguments)
        if command == "restart":
            watch.forget()
        return UpResult(fleet, plan, wait_for(session, engine, watch, fleet, plan, profiles, timeout))


def _end(session: Session, names: Sequence[str], command: str) -> list[str]:
    fleet = session.fleet()
    profiles = select(fleet, names)
    engine = session.engine()
    for profile in profiles:
        session.progress.update(profile, "finishing its work, then stopping")
    # Without names Compose also removes what the profiles share.
    _run(session, engine, fleet, [command, *(profiles if names else [])])
    return profiles


def _run(session: Session, engine: Engine, fleet: Fleet, arguments: Sequence[str]) -> None:
    try:
        session.compose(fleet).run(*arguments)
    except EngineFailedError:
        if engine.alive():
            raise
        raise EngineUnreachableError(
            f"The Docker Engine went away during `{arguments[0]}`.",
            f"Start it (sudo systemctl start docker), then run again: idlehands-deploy {arguments[0]}",
        ) from None
