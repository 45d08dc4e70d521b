"""Move a profile's files to another name, so that an interruption at any point can be finished by the next command."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.locks import locked
from idlehands_deploy.errors import StateRefusedError
from idlehands_deploy.host.files import PRIVATE_FILE, read_text, unusable, write_atomic
from idlehands_deploy.planning.draft import draft_renamed, store
from idlehands_deploy.text import listed

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session


def refuse_leftovers(session: Session, name: str) -> None:
    """See that no files lie under a name that is to be given.

    Raises:
        StateRefusedError: some do.
    """
    root = session.deployment.root
    there = [
        path for path in (root / "profiles" / name, root / "secrets" / name) if path.is_dir() and any(path.iterdir())
    ]
    if there:
        raise StateRefusedError(
            f"There are files of an earlier profile {name}: {listed([str(path) for path in there])}.",
            "Choose another name, or move them away.",
        )


def rename_files(session: Session, old: str, new: str) -> None:
    """Move a profile's directories and write it under its new name into the fleet file.

    Raises:
        FleetError: the fleet file cannot be edited so; nothing is changed.
        DirectoryError: something cannot be moved; the next command finishes the rename.
    """
    deployment = session.deployment
    with locked(deployment):
        draft_renamed(session, old, new)
        write_atomic(deployment.rename_file, json.dumps({"old": old, "new": new}), PRIVATE_FILE)
        _finish(session, old, new)


def finish_interrupted(session: Session) -> tuple[str, str] | None:
    """Finish a rename that was cut off; gives both names if there was one."""
    journal = session.deployment.rename_file
    if not journal.exists():
        return None
    with locked(session.deployment):
        text = read_text(journal)  # another command may have finished it meanwhile
        if text is None:
            return None
        names = json.loads(text)
        _finish(session, names["old"], names["new"])
        return names["old"], names["new"]


def _finish(session: Session, old: str, new: str) -> None:
    """Every step that is not done yet."""
    deployment = session.deployment
    for directory in (deployment.root / "secrets", deployment.root / "profiles"):
        _move(directory / old, directory / new)
    if old in session.fleet().profiles:
        store(session, draft_renamed(session, old, new))
    deployment.rename_file.unlink()


def _move(source: Path, target: Path) -> None:
    if not source.exists():
        return
    try:
        source.rename(target)
    except OSError as error:
        raise unusable("write", target, error) from None
