"""`import`: a natively installed gateway becomes a profile of the fleet."""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.contract import CONFIG_NAME, MADE_SECRETS, TOKEN_SECRET
from idlehands_deploy.deployment.locks import locked
from idlehands_deploy.errors import StateRefusedError
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.files import PRIVATE_FILE, remove_tree, write_atomic
from idlehands_deploy.host.trees.space import Meter, refuse_full_disk
from idlehands_deploy.importing import files as import_files
from idlehands_deploy.importing.journal import Journal, read_journal, staging_directory
from idlehands_deploy.importing.lock import import_lock, make_directory
from idlehands_deploy.importing.plan import draft_at, prepare_import, refuse_known, refuse_leftovers, refuse_running
from idlehands_deploy.planning import draft

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.ports import ProfilePorts
    from idlehands_deploy.importing.native import Native
    from idlehands_deploy.importing.plan import PreparedImport


@dataclass(frozen=True)
class Imported:
    """The result of an import.

    Attributes:
        warnings: what a person should check, one sentence each.
    """

    ports: ProfilePorts
    source: Path
    warnings: list[str]


def import_native(session: Session, name: str, directory: Path, port: int | None, *, adopt: bool) -> Imported:
    """Bring a native gateway's state, config and workspace into the fleet, and leave it stopped.

    Args:
        directory: its state directory.
        port: the base port; by default that of the next free slot, or with `adopt` the native one if it is free.
        adopt: move the files instead of copying them.

    Raises:
        UsageError: the directory contains no gateway, or the name is not valid.
        StateRefusedError: the gateway runs, the profile exists, or the disk has too little space.
    """
    draft.check_name(name)
    refuse_known(session, name)
    if staging_directory(session.deployment, name).exists():
        with import_lock(session):
            _clear_interrupted(session, name)
    prepared = prepare_import(session, name, directory, port, adopt=adopt)
    for line in prepared.plan.lines:
        session.progress.say(line)
    with import_lock(session):
        # Checked again: another import may have ended meanwhile.
        refuse_known(session, name)
        refuse_leftovers(session, name)
        damaged = _fill_staging(session, name, prepared, adopt=adopt)
        _put_in_place(session, name, prepared.native, prepared.ports, prepared.rewritten.token)
    return Imported(prepared.ports, prepared.native.given, [*prepared.warnings, *damaged])


def _fill_staging(session: Session, name: str, prepared: PreparedImport, *, adopt: bool) -> list[str]:
    """Fill the staging directory; on failure everything is restored as it was.

    Returns:
        Warnings about files that were left as they are.
    """
    native, drafted, census = prepared.native, prepared.drafted, prepared.census
    staging = staging_directory(session.deployment, name)
    uid, gid = (int(part) for part in drafted.fleet.profiles[name].user_or(drafted.user).split(":"))
    journal = _journal(native, adopt=adopt)
    try:
        make_directory(staging.parent)
        make_directory(staging)
        journal.write(staging)
        if adopt:
            _move(journal, staging)
        else:
            refuse_full_disk("The import", census.size, staging)
            import_files.copy_in(native, staging, (uid, gid), Meter(session.progress, name, census.size).add)
        refuse_running(native, staging / "state")  # started meanwhile, it would damage both
        damaged = import_files.adapt(native, journal, staging, prepared.rewritten, (uid, gid))
        journal.write(staging)
    except BaseException:
        import_files.revert(staging, journal)
        raise
    return [f"{path.relative_to(staging)}: is damaged or too new, and was left unchanged" for path in damaged]


def _put_in_place(session: Session, name: str, native: Native, ports: ProfilePorts, token: str | None) -> None:
    deployment = session.deployment
    staging, target = staging_directory(deployment, name), deployment.state_directory(name).parent
    secret = deployment.secret_file(name, TOKEN_SECRET)
    journal = read_journal(staging)
    assert journal is not None  # noqa: S101 - for the type checker
    placed = made_secret = False
    try:
        with locked(deployment):
            # Checked again: another command may have added this profile during the copy.
            refuse_known(session, name)
            refuse_leftovers(session, name)
            drafted = draft_at(session, name, native, ports.base)
            # From the rename on the profile can be used, so only a person may undo it.
            journal.finished_at = time.time()
            journal.write(staging)
            _rename(staging, target)
            placed = True
            if token:
                made_secret = True
                make_directory(secret.parent.parent)
                make_directory(secret.parent)
                write_atomic(secret, token + "\n", PRIVATE_FILE)
            draft.store(session, drafted)
    except BaseException:
        if made_secret:
            forget_token(session, name)
        import_files.revert(target if placed else staging, journal)
        raise


def _rename(staging: Path, target: Path) -> None:
    try:
        staging.rename(target)
    except OSError as error:
        raise unusable("write", target, error) from None


def _journal(native: Native, *, adopt: bool) -> Journal:
    found = native.state.stat()
    moved = import_files.trees(native)
    if native.workspace not in {path for path, _ in moved}:
        moved.append((native.workspace, "workspace"))
    names = sorted(path.name for path in native.state.glob(f"{CONFIG_NAME}.*"))
    real = {str(path) for path, _ in moved}
    places = sorted(((move.old, move.new) for move in native.moves), key=lambda pair: pair[0] not in real)
    return Journal(
        str(native.state), str(native.home), native.config_file.name, adopt, (found.st_uid, found.st_gid),
        moved=[(str(path), place) for path, place in moved], places=places,
        # The gateway would restore one of these as an older version of its config.
        renamed=[(old, f"native-{old}") for old in names],
        config_mode=native.config_file.stat().st_mode & 0o777,
    )  # fmt: skip


def _move(journal: Journal, staging: Path) -> None:
    try:
        import_files.move_in(journal, staging)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise StateRefusedError(
                f"{journal.source}, or one of its workspaces, is on another file system than {staging.parent}.",
                "Copy instead: run it without --adopt; or use a deployment on that file system, with -C.",
            ) from None
        raise unusable("move", staging, error) from None


def _clear_interrupted(session: Session, name: str) -> None:
    """Undo an import that was killed, and so could not undo itself."""
    staging = staging_directory(session.deployment, name)
    if (journal := read_journal(staging)) is not None:
        session.progress.say(f"Undoing an interrupted import of {name}.")
        for warning in import_files.revert(staging, journal):
            session.progress.say(f"Warning: {warning}")
    remove_tree(staging)


def forget_token(session: Session, name: str) -> None:
    """Delete the tokens that were made for an import: the next one refuses to start while there is one."""
    for made in MADE_SECRETS:
        secret = session.deployment.secret_file(name, made)
        secret.unlink(missing_ok=True)
    if secret.parent.is_dir() and not any(secret.parent.iterdir()):
        secret.parent.rmdir()
