"""Commands that change the fleet file and what is generated from it."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.directory import locked, read_text
from idlehands_deploy.errors import StaleError, UsageError
from idlehands_deploy.fleet.file import (
    new_fleet_text,
    parse_text,
    with_profile,
)
from idlehands_deploy.fleet.ports import MAIN
from idlehands_deploy.planning.draft import NEW_NAME, Draft, check_name, generated, make_draft, store, with_profiles
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

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


def generate(session: Session) -> bool:
    """Bring the generated files up to date.

    Returns:
        Whether anything changed.
    """
    session.fleet_text()  # a directory without a fleet file is not even locked
    with locked(session.deployment):
        return store(session, make_draft(session, session.fleet_text()))


def check_generated(session: Session) -> None:
    """See that the generated files are what the fleet file says; writes nothing.

    Raises:
        StaleError: they are not; the message holds the difference.
    """
    differences: list[str] = []
    for path, text in generated(session, make_draft(session, session.fleet_text())):
        old = (read_text(path) or "").splitlines(keepends=True)
        new = text.splitlines(keepends=True)
        differences += difflib.unified_diff(old, new, path.name, f"{path.name} as generated")
    if differences:
        raise StaleError(
            f"{session.deployment.compose_file} is stale:\n{''.join(differences)}",
            Remedy("Renew it: ", ours("generate")),
        )


def _text(session: Session) -> str:
    text = read_text(session.deployment.fleet_file)
    return new_fleet_text(NEW_NAME) if text is None else text
