"""`import --undo`: removes an imported profile, and moves adopted files back."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.errors import EngineForbiddenError, EngineUnreachableError, StateRefusedError, UsageError
from idlehands_deploy.host.files import read_text
from idlehands_deploy.host.trees.descent import each_directory, opened
from idlehands_deploy.importing import files as import_files
from idlehands_deploy.importing.importer import forget_token
from idlehands_deploy.importing.journal import Journal, read_journal, staging_directory
from idlehands_deploy.importing.lock import import_lock
from idlehands_deploy.importing.native import state_evidence
from idlehands_deploy.planning import draft
from idlehands_deploy.planning.compose import run_compose
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet

# Files in a profile's directory that are no gateway's.
OURS = {"import.json", "started.json"}
# Docker's states of a container in which nothing runs.
ENDED = {"created", "exited", "dead"}


def undo(session: Session, name: str, *, confirm: Callable[[str], bool]) -> Journal:
    """Undo an import: remove the profile, its fleet entry and its files; adopted files go back to their place.

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
        raise UsageError(f"{name} was not imported.", Remedy("Remove it instead: ", ours("remove", name)))
    fleet = session.fleet() if read_text(session.deployment.fleet_file) is not None else None
    is_known = fleet is not None and name in fleet.profiles
    if is_known:
        draft.draft_without(session, name)  # before anything is stopped or deleted
    look = _look(session, fleet)
    _refuse_running(name, directory, look)
    loss = _loss(directory, journal)
    if not confirm(f"Undo the import of {name}? {loss}"):
        raise UsageError(
            f"The import of {name} was not undone: nothing was changed. {loss}",
            "To undo it without a question, add --yes.",
        )
    with import_lock(session):
        # The person may have taken an hour to answer.
        journal = read_journal(directory)
        if journal is None:
            raise StateRefusedError(
                f"Another command has undone the import of {name}.", Remedy("List the profiles: ", ours("list"))
            )
        look = look.again() if look else None
        _refuse_running(name, directory, look)
        import_files.refuse_occupied(directory, journal)
        if look and look.state(name):
            run_compose(look, ["down", name])
        if is_known:
            draft.drop(session, name)
        for warning in import_files.revert(directory, journal):
            session.progress.say(f"Warning: {warning}")
        if directory != staging_directory(session.deployment, name):
            forget_token(session, name)
    return journal


@dataclass
class Changes:
    """The files that changed since an import: how many, and the latest, as a path in the profile's directory."""

    count: int = 0
    latest: str = ""
    at: float = 0.0


def changes(directory: Path, journal: Journal) -> Changes:
    """What changed since the import; a directory that cannot be read is left out."""
    found = Changes()
    with suppress(OSError), opened(directory) as top:
        for way, entries in each_directory(top, tolerant=True):
            for entry in entries:
                if entry.is_dir(follow_symlinks=False) or (not way.depth and entry.name in OURS):
                    continue
                # Not the date of its content, which a copy or an archive can set back.
                changed = _changed(entry)
                found.count += changed > journal.finished_at
                if changed > max(found.at, journal.finished_at):
                    found.at, found.latest = changed, way.path(".", entry.name).removeprefix("./")
    return found


def _changed(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_ctime
    except OSError:  # deleted meanwhile
        return 0.0


def _loss(directory: Path, journal: Journal) -> str:
    """What the undo deletes, in sentences."""
    if not journal.finished_at:
        return "The import was interrupted, and the profile was never used."
    since = f" since {time.strftime('%Y-%m-%d %H:%M', time.localtime(journal.finished_at))}"
    if journal.adopted:
        loss = f"Its files go back to {journal.source}."
        if journal.config_digest != import_files.digest(directory / "state" / CONFIG_NAME):
            loss += f" Changes of its config{since} are lost."
        return loss
    loss = f"This permanently deletes {directory}."
    changed = changes(directory, journal)
    if not changed.count:
        return f"{loss} Nothing in it changed{since}."
    files = "1 file" if changed.count == 1 else f"{changed.count} files"
    return f"{loss} Changes of {files}{since} are lost; the latest is {changed.latest}."


def _refuse_running(name: str, directory: Path, look: Look | None) -> None:
    evidence = state_evidence(directory / "state")
    if not evidence and look and (state := look.state(name)) and state not in ENDED:
        evidence = [f"its container is {state}"]
    if evidence:
        raise StateRefusedError(
            f"{name} is running:\n" + "\n".join(f"  {line}" for line in evidence),
            Remedy("Stop it: ", ours("down", name)),
        )


def _look(session: Session, fleet: Fleet | None) -> Look | None:
    """The containers; None if there is no engine, and so no container."""
    try:
        return None if fleet is None else take_look(session, fleet)
    except EngineForbiddenError:
        raise
    except EngineUnreachableError:
        return None
