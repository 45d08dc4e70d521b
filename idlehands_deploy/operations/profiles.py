"""Commands that add profiles and take them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.deployment.additions import refuse_missing
from idlehands_deploy.deployment.leftovers import leftover_of
from idlehands_deploy.deployment.locks import containers_locked, locked
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import FleetError, Problem, StateRefusedError, UsageError
from idlehands_deploy.fleet.file import parse_text, with_profile
from idlehands_deploy.fleet.model import parse_fleet
from idlehands_deploy.fleet.ports import MAIN
from idlehands_deploy.fleet.rules import check_profile_name
from idlehands_deploy.health.readiness import wait_for
from idlehands_deploy.host.files import read_text
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.operations.lifecycle import Prepared, UpResult, end, tell
from idlehands_deploy.planning.compose import WAITING
from idlehands_deploy.planning.draft import (
    Draft,
    check_name,
    draft_without,
    make_draft,
    new_text,
    refuse_stale,
    store,
    with_profiles,
)
from idlehands_deploy.planning.executor import carry_out
from idlehands_deploy.planning.guards.config import refuse_broken
from idlehands_deploy.planning.guards.versions import refuse_other, version_of
from idlehands_deploy.planning.leftovers import confirm_old_files, nobody
from idlehands_deploy.planning.plans import plan_remove, plan_rename
from idlehands_deploy.planning.rename_files import check_rename, finish_interrupted, unfinished
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.text import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session


def edit(session: Session, change: Callable[[str], str], new: Collection[str]) -> Draft:
    """Change the fleet file, made if it is missing, and generate what follows from it.

    Args:
        new: the profiles that the change adds.
    """
    with locked(session.deployment):
        drafted = make_draft(session, change(_text(session)), new)
        store(session, drafted)
    return drafted


def init(session: Session, names: Sequence[str], project: str | None = None, base_port: int | None = None) -> Draft:
    """Make a deployment with these profiles.

    Args:
        project: the name of its Compose project; by default that of its directory.
        base_port: of main.

    Raises:
        UsageError: there is one already, or a name or the port cannot be; with all that is wrong.
    """
    if session.deployment.fleet_file.exists():
        raise UsageError(
            f"There is a fleet file already: {session.deployment.fleet_file}",
            Remedy("Add to it: ", ours("add", "NAME"), "   (or make another with -C DIRECTORY)"),
        )
    _check_new(names, project, base_port)
    drafted = edit(session, lambda _: with_profiles(new_text(session, project, base_port), names), names)
    if MAIN in names and (port := drafted.ports.profiles[MAIN].base) != drafted.fleet.base_port:
        session.progress.say(
            Remedy(
                f"{MAIN} is on {port}: {drafted.fleet.base_port} is that of a native gateway, see `",
                ours("ports"),
                "`.",
            )
        )
    return drafted


def _check_new(names: Sequence[str], project: str | None, base_port: int | None) -> None:
    problems = [Problem(name, problem) for name in names if (problem := check_profile_name(name))]
    wanted = {"name": project, "base_port": base_port}
    try:
        parse_fleet({key: value for key, value in wanted.items() if value is not None}, "")
    except FleetError as error:
        problems += [Problem(f"--{found.path.replace('_', '-')}", found.problem) for found in error.problems]
    if problems:
        names_alone = project is None and base_port is None
        see = Remedy("See what can be chosen: ", ours("init", "--help"))
        raise UsageError("\n".join(map(str, problems)), "Choose another name, such as rescue." if names_alone else see)


def add(
    session: Session, name: str, port: int | None, rescues: Sequence[str], confirm: Callable[[str], bool] = nobody
) -> Draft:
    """Add a profile; it takes the lowest free slot unless a port is given.

    Args:
        confirm: asked before it takes up files that lie under its name.

    Raises:
        UsageError: there is one of that name, the name cannot be, or it was not confirmed.
    """
    check_name(name)
    if name not in (session.fleet().profiles if read_text(session.deployment.fleet_file) is not None else ()):
        confirm_old_files(session.deployment, [name], confirm)

    def change(text: str) -> str:
        if name in parse_text(text, str(session.deployment.fleet_file)).profiles:
            raise UsageError(f"There is a profile {name} already.", Remedy("Start it: ", ours("up", name)))
        settings = {"port": port, "rescues": list(rescues) or None}
        return with_profile(text, name, {key: value for key, value in settings.items() if value is not None})

    return edit(session, change, [name])


def prepare_removal(session: Session, name: str, *, purge: bool) -> Prepared:
    """What `remove` would do.

    Raises:
        UsageError: there is no such profile, and no files of one.
        FleetError: it cannot be taken out of a fleet file of this form.
    """
    fleet = session.fleet()
    if name in fleet.profiles:
        draft_without(session, name)  # before anything is stopped or deleted
    look = take_look(session, fleet)
    if not (look.state(name) or leftover_of(session.deployment, name).paths):
        select(fleet, [name])
    directories = [str(path.relative_to(session.deployment.root)) for path in _directories(session, name)]
    return Prepared(look, plan_remove(look, name, directories, purge=purge), [name])


def remove(session: Session, name: str, *, purge: bool, confirm: Callable[[str], bool]) -> Path | None:
    """Take a profile and its container out.

    Args:
        purge: delete its files too.
        confirm: asked before anything is deleted, after the plan was told.

    Returns:
        Where its files stay; None if they were deleted.

    Raises:
        UsageError: there is no such profile, or the deletion was not confirmed.
    """
    prepared = tell(prepare_removal(session, name, purge=purge))
    files = _directories(session, name)
    question = f"Delete {listed([str(path) for path in files])} for good, with {name}'s sessions and credentials?"
    if purge and not confirm(question):
        raise UsageError(
            f"{name} was not removed: nothing was changed.",
            "To delete its files without being asked, add --yes.",
        )
    if purge and prepare_removal(session, name, purge=purge).plan != prepared.plan:  # the answer may have taken an hour
        raise UsageError(
            f"{name} changed meanwhile: nothing was removed.", Remedy("Look again: ", ours("status", name))
        )
    end(prepared)
    return None if purge else files[0]


def prepare_rename(session: Session, old: str, new: str, *, force: bool = False) -> Prepared:
    """What `rename` would do.

    Raises:
        UsageError: there is no such profile, or the new name cannot be.
        StateRefusedError: the new name has files or a container already.
        StaleError: compose.yaml is older than the fleet file.
        FleetError: a fleet file of this form cannot be edited so.
        ConfigError: it runs, would not start again with its config, and it is not forced.
    """
    check_name(new)
    renamed = check_rename(session, old, new)
    drafted = make_draft(session, session.fleet_text())
    look = take_look(session, drafted.fleet, drafted.ports)
    if look.orphan(new) or (new in look.fleet.profiles and look.state(new)):
        raise StateRefusedError(
            f"A container of an earlier profile {new} still exists.", Remedy("Remove it: ", ours("down", new))
        )
    if look.state(old) and not look.orphan(old):
        refuse_stale(session, drafted)
    image = None
    if look.state(old) == "running":
        refuse_missing(session.deployment, renamed.fleet, [new])
        refuse_broken(look, {old: "up"} if old in look.fleet.profiles else {}, force=force)
        image = look.engine.image(renamed.fleet.image_of(new))
        refuse_other(old, version_of(look, old), image.version if image else "")
    port, missing = renamed.ports.profiles[new].base, None if image else renamed.fleet.image_of(new)
    return Prepared(look, plan_rename(look, old, new, port, missing), [new])


def rename(session: Session, old: str, new: str, timeout: float, *, force: bool = False) -> UpResult | None:
    """Give a profile another name: its files, secrets, sessions and port stay its own.

    Returns:
        How its gateway is under the new name; None if it did not run.
    """
    prepared = tell(prepare_rename(session, old, new, force=force))
    look, progress = prepared.look, session.progress
    with look.engine.watch_deaths(look.fleet.name) as watch:
        # The lock is on the directory, which moves: nobody makes a container of either name meanwhile.
        with containers_locked(session.deployment, [old], lambda name: progress.update(name, WAITING)) as held:
            carry_out(look, watch, prepared.plan, held)
        if look.state(old) != "running":
            return None
        fleet = session.fleet()
        now = take_look(session, fleet, plan_here(session, fleet), look.engine)
        waited = wait_for(now, watch, [new], timeout)
        return UpResult(now.ports, waited.seen, waited.failure)


def finish_rename(session: Session) -> None:
    """Finish a rename that was interrupted, and say so."""
    if names := finish_interrupted(session):
        old, new = names
        session.progress.say(Remedy(f"Finished an interrupted rename of {old} to {new}. Start it: ", ours("up", new)))


def tell_of_unfinished_rename(session: Session) -> None:
    """Say that a rename was interrupted, for a command that changes nothing."""
    if names := unfinished(session.deployment):
        old, new = names
        session.progress.say(Remedy(f"A rename of {old} to {new} was interrupted. Finish it: ", ours("up", new)))


def _directories(session: Session, name: str) -> list[Path]:
    """Those that hold a profile's files, its own first."""
    deployment = session.deployment
    kept = deployment.snapshots_directory(name)
    own = [deployment.state_directory(name).parent, deployment.secrets_directory(name)]
    return [*own, kept] if kept.exists() else own


def _text(session: Session) -> str:
    text = read_text(session.deployment.fleet_file)
    return new_text(session) if text is None else text
