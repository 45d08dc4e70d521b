"""Commands that add profiles and take them out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from idlehands_deploy.deployment.locks import locked
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import StateRefusedError, UsageError
from idlehands_deploy.fleet.file import new_fleet_text, parse_text, with_profile
from idlehands_deploy.fleet.ports import MAIN
from idlehands_deploy.health.readiness import wait_for
from idlehands_deploy.host.files import read_text
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.operations.containers import look_at
from idlehands_deploy.operations.lifecycle import Prepared, UpResult, end, tell
from idlehands_deploy.planning.draft import (
    NEW_NAME,
    Draft,
    check_name,
    draft_renamed,
    draft_without,
    make_draft,
    store,
    with_profiles,
)
from idlehands_deploy.planning.executor import carry_out
from idlehands_deploy.planning.plans import plan_remove, plan_rename
from idlehands_deploy.planning.rename_files import finish_interrupted, refuse_leftovers
from idlehands_deploy.remedies import Remedy, ours

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
        plan = make_draft(session, change(_text(session)), new)
        store(session, plan)
    return plan


def init(session: Session, names: Sequence[str]) -> Draft:
    """Make a deployment with these profiles.

    Raises:
        UsageError: there is one already.
    """
    if session.deployment.fleet_file.exists():
        raise UsageError(
            f"There is a fleet file already: {session.deployment.fleet_file}",
            Remedy("Add to it: ", ours("add", "NAME"), "   (or make another with -C DIRECTORY)"),
        )
    for name in names:
        check_name(name)
    plan = edit(session, lambda text: with_profiles(text, names), names)
    if MAIN in names and (port := plan.ports.profiles[MAIN].base) != plan.fleet.base_port:
        session.progress.say(
            Remedy(
                f"{MAIN} is on {port}: {plan.fleet.base_port} is that of a native gateway, see `",
                ours("ports"),
                "`.",
            )
        )
    return plan


def add(session: Session, name: str, port: int | None, rescues: Sequence[str]) -> Draft:
    """Add a profile; it takes the lowest free slot unless a port is given.

    Raises:
        UsageError: there is one of that name, or the name cannot be.
    """
    check_name(name)

    def change(text: str) -> str:
        if name in parse_text(text, str(session.deployment.fleet_file)).profiles:
            raise UsageError(f"There is a profile {name} already.", Remedy("Start it: ", ours("up", name)))
        settings = {"port": port, "rescues": list(rescues) or None}
        return with_profile(text, name, {key: value for key, value in settings.items() if value is not None})

    return edit(session, change, [name])


def prepare_removal(session: Session, name: str, *, purge: bool) -> Prepared:
    """What `remove` would do.

    Raises:
        UsageError: there is no such profile.
        FleetError: it cannot be taken out of a fleet file of this form.
    """
    select(session.fleet(), [name])
    draft_without(session, name)  # before anything is stopped or deleted
    look, _ = look_at(session, [name])
    return Prepared(look, plan_remove(look, name, purge=purge), [name])


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
    files = [session.deployment.state_directory(name).parent, session.deployment.secrets_directory(name)]
    question = f"Delete {' and '.join(map(str, files))} for good, with {name}'s sessions and credentials?"
    if purge and not confirm(question):
        raise UsageError(
            f"{name} was not removed: nothing was changed.",
            "To delete its files without being asked, add --yes.",
        )
    end(prepared)
    return None if purge else files[0]


def prepare_rename(session: Session, old: str, new: str) -> Prepared:
    """What `rename` would do.

    Raises:
        UsageError: there is no such profile, or the new name cannot be.
        StateRefusedError: the new name has files or a container already.
        FleetError: a fleet file of this form cannot be edited so.
    """
    check_name(new)
    fleet = session.fleet()
    select(fleet, [old])
    if new in fleet.profiles:
        raise UsageError(f"There is a profile {new} already.", Remedy("See them: ", ours("list")))
    refuse_leftovers(session, new)
    draft_renamed(session, old, new)
    look = take_look(session, fleet, plan_here(session, fleet))
    if any(facts.profile == new for facts in look.orphans):
        raise StateRefusedError(
            f"A container of an earlier profile {new} still exists.", Remedy("See it: ", ours("status"))
        )
    return Prepared(look, plan_rename(look, old, new), [new])


def rename(session: Session, old: str, new: str, timeout: float) -> UpResult | None:
    """Give a profile another name: its files, secrets, sessions and port stay its own.

    Returns:
        How its gateway is under the new name; None if it did not run.
    """
    prepared = tell(prepare_rename(session, old, new))
    with prepared.look.engine.watch_deaths(prepared.look.fleet.name) as watch:
        carry_out(prepared.look, watch, prepared.plan)
        if prepared.look.state(old) != "running":
            return None
        fleet = session.fleet()
        look = take_look(session, fleet, plan_here(session, fleet))
        waited = wait_for(look, watch, [new], timeout)
        return UpResult(look.ports, waited.seen, waited.failure)


def finish_rename(session: Session) -> None:
    """Finish a rename that was interrupted, and say so."""
    if names := finish_interrupted(session):
        session.progress.say(f"Finished an interrupted rename of {names[0]} to {names[1]}.")


def _text(session: Session) -> str:
    text = read_text(session.deployment.fleet_file)
    return new_fleet_text(NEW_NAME) if text is None else text
