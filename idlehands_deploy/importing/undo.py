"""`import --undo`: a profile that was imported goes, and what was moved for it goes back."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.deployment.directory import read_text
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.errors import EngineForbiddenError, EngineUnreachableError, StateRefusedError, UsageError
from idlehands_deploy.importing import files as import_files
from idlehands_deploy.importing.exclusive import alone
from idlehands_deploy.importing.importer import forget_token
from idlehands_deploy.importing.journal import Journal, read_journal, staging_directory
from idlehands_deploy.importing.native import state_signs
from idlehands_deploy.planning import draft
from idlehands_deploy.planning.compose import run_compose
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet

# Docker's words for a container in which nothing runs.
ENDED = {"created", "exited", "dead"}


def undo(session: Session, name: str, *, confirm: Callable[[str], bool]) -> Journal:
    """Take an import back: profile, fleet entry and files; what was adopted goes where it was.

    Args:
        confirm: asked before anything is deleted.

    Raises:
        UsageError: nothing was imported under that name, or the deletion was not confirmed.
        StateRefusedError: the gateway runs.
    """
    draft.check_name(name)
    directory = session.deployment.state_directory(name).parent
    if (journal := read_journal(directory)) is None:
        directory = staging_directory(session.deployment, name)
        journal = read_journal(directory)
    if journal is None:
        raise UsageError(f"{name} was not imported.", Remedy("Take it out: ", ours("remove", name)))
    fleet = session.fleet() if read_text(session.deployment.fleet_file) is not None else None
    is_known = fleet is not None and name in fleet.profiles
    if is_known:
        draft.draft_without(session, name)  # before anything is stopped or deleted
    look = _look(session, fleet)
    _refuse_running(name, directory, look)
    loss = _loss(directory, journal)
    if not confirm(f"Take {name} out of the fleet again? {loss}"):
        raise UsageError(
            f"The import of {name} was not undone: nothing was changed. {loss}",
            "To undo it without being asked, add --yes.",
        )
    with alone(session):
        # The answer may have taken an hour.
        journal = read_journal(directory)
        if journal is None:
            raise StateRefusedError(f"{name} was taken back meanwhile.", Remedy("See what there is: ", ours("list")))
        look = look.again() if look else None
        _refuse_running(name, directory, look)
        import_files.refuse_occupied(directory, journal)
        if look and look.state(name):
            run_compose(look, ["down", name])
        if is_known:
            draft.drop(session, name)
        for warning in import_files.take_back(directory, journal):
            session.progress.say(f"Warning: {warning}")
        if directory != staging_directory(session.deployment, name):
            forget_token(session, name)
    return journal


def changes(directory: Path, journal: Journal) -> list[str]:
    """What was changed since the import, newest first, as paths below the profile's directory."""
    found: list[tuple[float, str]] = []
    for root, _, files in os.walk(directory):
        for file in files:
            path = f"{root}/{file}"
            try:
                changed = os.lstat(path).st_mtime
            except OSError:
                continue
            if changed > journal.finished_at:
                found.append((changed, os.path.relpath(path, directory)))
    return [path for _, path in sorted(found, reverse=True) if path != "import.json"]


def _loss(directory: Path, journal: Journal) -> str:
    """What would be lost, in sentences."""
    if not journal.finished_at:
        return "It was interrupted, and nothing of it was used."
    since = f" since {time.strftime('%Y-%m-%d %H:%M', time.localtime(journal.finished_at))}"
    if journal.adopted:
        loss = f"Its files go back to {journal.source}."
        if journal.config_digest != import_files.digest(directory / "state" / CONFIG_NAME):
            loss += f" What was changed in its config{since} would be lost."
        return loss
    loss = f"This deletes {directory} for good."
    if not (changed := changes(directory, journal)):
        return f"{loss} Nothing was changed in it{since}."
    files = "1 file" if len(changed) == 1 else f"{len(changed)} files"
    return f"{loss} {files} changed{since} would be lost, the last one {changed[0]}."


def _refuse_running(name: str, directory: Path, look: Look | None) -> None:
    signs = state_signs(directory / "state")
    if not signs and look and (state := look.state(name)) and state not in ENDED:
        signs = [f"its container is {state}"]
    if signs:
        raise StateRefusedError(
            f"{name} runs:\n" + "\n".join(f"  {sign}" for sign in signs), Remedy("Stop it: ", ours("down", name))
        )


def _look(session: Session, fleet: Fleet | None) -> Look | None:
    """The containers; None where there is no engine, and so none."""
    try:
        return None if fleet is None else take_look(session, fleet)
    except EngineForbiddenError:
        raise
    except EngineUnreachableError:
        return None
