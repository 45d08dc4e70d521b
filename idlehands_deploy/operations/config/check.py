"""`config check`, and the check of a text before it is saved."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import EngineFailedError, EngineUnreachableError
from idlehands_deploy.health.config_check import ConfigCheck, ConfigJudge
from idlehands_deploy.planning.guards.config import AT_ONCE
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.operations.config.files import ConfigFiles


def check(session: Session, names: Sequence[str]) -> list[ConfigCheck]:
    """Ask the gateways whether they accept their configs.

    Raises:
        EngineUnreachableError, EngineFailedError: a gateway cannot be asked, and nothing is plainly wrong.
    """
    fleet = session.fleet()
    profiles = select(fleet, names)
    look = find_look(session)

    def one(name: str) -> ConfigCheck:
        session.progress.update(name, "asking whether it accepts its config")
        judge = ConfigJudge(session.deployment, fleet, look.engine if look else None)
        return judge.check(name, image_of(look, name), again=True)

    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        checks = list(pool.map(one, profiles))
    unasked = [check.profile for check in checks if not check.is_its_own]
    if unasked and not any(check.problems for check in checks):
        raise _unasked(session, unasked, look)
    return checks


def check_drafts(files: ConfigFiles, look: Look | None, drafts: Mapping[Path, str]) -> ConfigCheck:
    """Ask a gateway whether it would accept its config with these texts in place of files."""
    files.session.progress.update(files.name, "asking whether it would accept this config")
    judge = ConfigJudge(files.session.deployment, files.fleet, look.engine if look else None, drafts)
    return judge.check(files.name, image_of(look, files.name), again=True)


def find_look(session: Session) -> Look | None:
    """A look without ports; None without an engine."""
    try:
        return take_look(session, session.fleet())
    except EngineUnreachableError:
        return None


def image_of(look: Look | None, name: str) -> str | None:
    """The image of a profile's gateway: its container's, or that of the fleet; None if there is neither."""
    if look is None:
        return None
    if facts := look.containers.get(name):
        return facts.image_id
    found = look.engine.image(look.fleet.image_of(name))
    return found.id if found else None


def _unasked(session: Session, names: Sequence[str], look: Look | None) -> EngineUnreachableError | EngineFailedError:
    if look is None:
        session.engine()  # says why
    reference = look.fleet.image_of(names[0]) if look else ""
    found = look.engine.image(reference) if look else None
    what = f"The gateway of {' and '.join(names)} cannot be asked about its config"
    if found is None and look:
        return EngineFailedError(
            f"{what}: there is no image {reference}.", Remedy("Build it: ", ours("image", "build"))
        )
    return EngineFailedError(
        f"{what}: its validation ended without a judgement.",
        Remedy("See why: ", ours("exec", names[0], "config", "validate")),
    )
