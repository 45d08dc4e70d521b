"""Move a profile's files to another name, so that a later command can finish what was cut off at any point."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.leftovers import leftover_of
from idlehands_deploy.deployment.locks import locked
from idlehands_deploy.deployment.profile_files import check_files
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import DirectoryError, StateRefusedError, UsageError
from idlehands_deploy.gateway.leases import clear_leases
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.files import read_text, write_durable
from idlehands_deploy.planning.draft import draft_kept_port, draft_renamed, make_draft, store
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.text import listed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet
    from idlehands_deploy.planning.draft import Draft


def check_rename(session: Session, old: str, new: str) -> Draft:
    """See that a rename can be done to its end; changes nothing.

    Returns:
        The draft as it is to be.

    Raises:
        UsageError: there is no such profile, or one of the new name.
        StateRefusedError: files of an earlier profile lie under the new name.
        FleetError: the fleet file cannot be edited so, or something in the deployment directory is wrong.
    """
    fleet = session.fleet()
    by_hand = is_renamed_by_hand(session.deployment, fleet, old, new)
    if not by_hand:
        select(fleet, [old])
    if new in fleet.profiles and not by_hand:
        raise UsageError(f"There is a profile {new} already.", Remedy("See them: ", ours("list")))
    taken = [path for _, path in _moves(session.deployment, old, new) if path.is_dir() and any(path.iterdir())]
    if taken:
        raise StateRefusedError(
            f"There are files of an earlier profile {new}: {listed([str(path) for path in taken])}.",
            "Choose another name, or move them away.",
        )
    drafted = make_draft(session, session.fleet_text())
    check_files(session.deployment, drafted.fleet, drafted.user)
    return draft_kept_port(session, old, new) if by_hand else draft_renamed(session, old, new)


def is_renamed_by_hand(deployment: Deployment, fleet: Fleet, old: str, new: str) -> bool:
    """Whether the fleet file has only the new name already, and only the old one has files."""
    if old in fleet.profiles or new not in fleet.profiles:
        return False
    return bool(leftover_of(deployment, old).paths)


def rename_files(session: Session, old: str, new: str) -> None:
    """Move a profile's directories and write it under its new name into the fleet file, all or nothing.

    Raises:
        DeployError: it cannot be done; nothing is changed.
    """
    deployment = session.deployment
    with locked(deployment):
        check_rename(session, old, new)
        _write_journal(deployment, old, new)
        try:
            _finish(session, old, new)
        except Exception:
            _move_all(deployment, new, old)
            deployment.rename_file.unlink()
            raise


def unfinished(deployment: Deployment) -> tuple[str, str] | None:
    """Both names of a rename that was cut off, the old one first; None if there is none.

    Raises:
        DirectoryError: that cannot be known.
    """
    text = read_text(deployment.rename_file)
    if text is None:
        return None
    try:
        names = json.loads(text)
        return str(names["old"]), str(names["new"])
    except (ValueError, TypeError, KeyError):
        raise DirectoryError(
            f"{deployment.rename_file} is damaged: a rename was interrupted, and it does not say of what.",
            "See that each profile has its directory in profiles/ and in secrets/, then delete that file.",
        ) from None


def finish_interrupted(session: Session) -> tuple[str, str] | None:
    """Finish a rename that was cut off; gives both names if there was one."""
    if not unfinished(session.deployment):
        return None
    with locked(session.deployment):
        names = unfinished(session.deployment)  # another command may have finished it meanwhile
        if names:
            _finish(session, *names)
        return names


def _finish(session: Session, old: str, new: str) -> None:
    """Every step that is not done yet."""
    _move_all(session.deployment, old, new)
    # The host name is the profile's, and a gateway takes a lease of another host for somebody else's.
    clear_leases(session.deployment.state_directory(new))
    fleet = session.fleet()
    store(session, draft_renamed(session, old, new) if old in fleet.profiles else draft_kept_port(session, old, new))
    session.deployment.rename_file.unlink()


def _moves(deployment: Deployment, old: str, new: str) -> Iterator[tuple[Path, Path]]:
    for directory in (deployment.root / "snapshots", deployment.root / "secrets", deployment.root / "profiles"):
        yield directory / old, directory / new


def _move_all(deployment: Deployment, old: str, new: str) -> None:
    for source, target in _moves(deployment, old, new):
        if source.exists():
            try:
                source.rename(target)
            except OSError as error:
                raise unusable("move", source, error) from None


def _write_journal(deployment: Deployment, old: str, new: str) -> None:
    path = deployment.rename_file
    # On the disk before anything moves: a power cut must not leave moved files and an empty journal.
    try:
        write_durable(path, json.dumps({"old": old, "new": new}))
    except DirectoryError:
        path.unlink(missing_ok=True)  # otherwise the next command would finish what was not begun
        raise
