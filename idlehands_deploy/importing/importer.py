"""`import`: a natively installed gateway becomes a profile of the fleet."""

from __future__ import annotations

import errno
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import CONFIG_NAME, TOKEN_SECRET
from idlehands_deploy.deployment.directory import PRIVATE_FILE, locked, read_text, remove_tree, unusable, write_atomic
from idlehands_deploy.deployment.profile_files import check_files
from idlehands_deploy.errors import PortConflictError, StateRefusedError, UsageError
from idlehands_deploy.fleet.file import new_fleet_text, with_profile
from idlehands_deploy.fleet.values import HIGHEST_BASE_PORT, LOWEST_BASE_PORT
from idlehands_deploy.importing import files as import_files
from idlehands_deploy.importing.journal import Journal, read_journal, staging_directory
from idlehands_deploy.importing.lock import import_lock, make_directory
from idlehands_deploy.importing.native import env_token, find_native, running_evidence
from idlehands_deploy.importing.rewrite import fleet_browsers, rewrite
from idlehands_deploy.planning import draft
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.ports import ProfilePorts
    from idlehands_deploy.importing.native import Native
    from idlehands_deploy.importing.rewrite import RewrittenConfig


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
    _refuse_known(session, name)
    if staging_directory(session.deployment, name).exists():
        with import_lock(session):
            _clear_interrupted(session, name)
    native = find_native(directory)
    _refuse_own(session, native)
    _refuse_running(native, native.state)
    with import_lock(session):
        _refuse_leftovers(session, name)
        plan = _plan(session, name, native, port, adopt=adopt)
        check_files(session.deployment, plan.fleet, plan.user)
        ports = plan.ports.profiles[name]
        rewritten = rewrite(native.config, native.moves, str(native.home), ports)
        rewritten.token = rewritten.token or env_token(native)
        warnings = _prepare(session, name, native, plan, rewritten, adopt=adopt)
        _put_in_place(session, name, native, ports, rewritten.token)
    return Imported(ports, native.given, warnings)


def _prepare(
    session: Session, name: str, native: Native, plan: draft.Draft, rewritten: RewrittenConfig, *, adopt: bool
) -> list[str]:
    """Fill the staging directory; on failure everything is restored as it was."""
    staging = staging_directory(session.deployment, name)
    uid, gid = (int(part) for part in plan.fleet.profiles[name].user_or(plan.user).split(":"))
    census = import_files.look_at(native)
    journal = _journal(native, adopt=adopt)
    warnings = [f"{native.config_file.name}: {problem}" for problem in rewritten.warnings]
    warnings += [f"{link}: points to something that was not imported" for link in census.links_out]
    if not adopt:
        warnings += import_files.skipped_warning(census.skipped)
    if not native.workspace.is_dir():
        warnings.append(f"{native.workspace}: does not exist, so the profile gets an empty workspace")
    try:
        make_directory(staging.parent)
        make_directory(staging)
        journal.write(staging)
        if adopt:
            _move(journal, staging)
        else:
            import_files.refuse_full_disk(census.size, staging)
            import_files.copy_in(
                native, staging, (uid, gid), import_files.Meter(session.progress, name, census.size).add
            )
        _refuse_running(native, staging / "state")  # started meanwhile, it would damage both
        damaged = import_files.adapt(native, journal, staging, rewritten, (uid, gid))
        journal.write(staging)
    except BaseException:
        import_files.revert(staging, journal)
        raise
    return warnings + [
        f"{path.relative_to(staging)}: is damaged or too new, and was left unchanged" for path in damaged
    ]


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
            _refuse_known(session, name)
            _refuse_leftovers(session, name)
            plan = _plan_at(session, name, native, ports.base)
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
            draft.store(session, plan)
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


def _plan(session: Session, name: str, native: Native, port: int | None, *, adopt: bool) -> draft.Draft:
    wanted = native.port if port is None and adopt else None
    if wanted is not None and LOWEST_BASE_PORT <= wanted <= HIGHEST_BASE_PORT:
        try:
            plan = _plan_at(session, name, native, wanted)
        except PortConflictError:
            pass
        else:
            if _all_free(plan.ports.profiles[name]):
                return plan
    return _plan_at(session, name, native, port)


def _plan_at(session: Session, name: str, native: Native, port: int | None) -> draft.Draft:
    return draft.make_draft(session, with_profile(_fleet_text(session), name, _settings(native, port)), [name])


def _settings(native: Native, port: int | None) -> dict[str, Any]:
    settings: dict[str, Any] = {} if port is None else {"port": port}
    if browsers := fleet_browsers(native.config):
        settings["browser"] = {"profiles": browsers}
    return settings


def _fleet_text(session: Session) -> str:
    text = read_text(session.deployment.fleet_file)
    return new_fleet_text(draft.NEW_NAME) if text is None else text


def _all_free(ports: ProfilePorts) -> bool:
    from idlehands_deploy.host.sockets import listen_error  # noqa: PLC0415

    return not any(listen_error(port.host_ip, port.port) for port in ports.published)


def _refuse_known(session: Session, name: str) -> None:
    text = read_text(session.deployment.fleet_file)
    if text is not None and name in session.fleet().profiles:
        raise StateRefusedError(
            f"The fleet already has a profile {name}.",
            Remedy("Choose another name, or remove it first: ", ours("remove", name)),
        )


def _refuse_own(session: Session, native: Native) -> None:
    root = session.deployment.root
    for path, _ in import_files.trees(native):
        if path.is_relative_to(root) or root.is_relative_to(path):
            raise UsageError(
                f"{path} is inside the deployment {root}, or the deployment is inside it.",
                "Give the state directory of a native gateway, or another deployment with -C.",
            )


def _refuse_running(native: Native, state: Path) -> None:
    if evidence := running_evidence(native, state):
        raise StateRefusedError(
            f"The native gateway of {native.given} is running:\n" + "\n".join(f"  {line}" for line in evidence),
            "Stop it: idlehands gateway stop   (with its --profile, if it has one), and disable its automatic start",
        )


def _refuse_leftovers(session: Session, name: str) -> None:
    deployment = session.deployment
    directory, secret = deployment.state_directory(name).parent, deployment.secret_file(name, TOKEN_SECRET)
    there = [path for path in (directory, secret) if path.exists() and not _is_empty_directory(path)]
    if there:
        raise StateRefusedError(
            f"There are files of an earlier profile {name}: {' and '.join(map(str, there))}.",
            Remedy(
                "If an import was interrupted, undo it: ",
                ours("import", name, "--undo"),
                "   (or choose another name)",
            ),
        )


def _is_empty_directory(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _clear_interrupted(session: Session, name: str) -> None:
    """Undo an import that was killed, and so could not undo itself."""
    staging = staging_directory(session.deployment, name)
    if (journal := read_journal(staging)) is not None:
        session.progress.say(f"Undoing an interrupted import of {name}.")
        for warning in import_files.revert(staging, journal):
            session.progress.say(f"Warning: {warning}")
    remove_tree(staging)


def forget_token(session: Session, name: str) -> None:
    """Delete the token that an import wrote: the next import refuses to start while there is one."""
    secret = session.deployment.secret_file(name, TOKEN_SECRET)
    secret.unlink(missing_ok=True)
    if secret.parent.is_dir() and not any(secret.parent.iterdir()):
        secret.parent.rmdir()
