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
from idlehands_deploy.importing.exclusive import alone, make_directory
from idlehands_deploy.importing.journal import Journal, read_journal, staging_directory
from idlehands_deploy.importing.native import env_token, find_native, signs_of_life
from idlehands_deploy.importing.rewrite import fleet_browsers, rewrite
from idlehands_deploy.planning import draft
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.ports import ProfilePorts
    from idlehands_deploy.importing.native import Native
    from idlehands_deploy.importing.rewrite import Rewriting


@dataclass(frozen=True)
class Imported:
    """What an import came to.

    Attributes:
        warnings: what a person should look at, one sentence each.
    """

    ports: ProfilePorts
    source: Path
    warnings: list[str]


def import_native(session: Session, name: str, directory: Path, port: int | None, *, adopt: bool) -> Imported:
    """Bring a native gateway's state, config and workspace into the fleet, and leave it stopped.

    Args:
        directory: its state directory.
        port: the base port; by default the next free slot's, or with `adopt` the native one where it is free.
        adopt: move the files and do not copy them.

    Raises:
        UsageError: the directory holds no gateway, or the name cannot be.
        StateRefusedError: it runs, the profile is there already, or there is no room.
    """
    draft.check_name(name)
    _refuse_known(session, name)
    if staging_directory(session.deployment, name).exists():
        with alone(session):
            _clear_interrupted(session, name)
    native = find_native(directory)
    _refuse_own(session, native)
    _refuse_alive(native, native.state)
    with alone(session):
        _refuse_leftovers(session, name)
        plan = _plan(session, name, native, port, adopt=adopt)
        check_files(session.deployment, plan.fleet, plan.user)
        ports = plan.ports.profiles[name]
        rewriting = rewrite(native.config, native.moves, str(native.home), ports)
        rewriting.token = rewriting.token or env_token(native)
        warnings = _make_ready(session, name, native, plan, rewriting, adopt=adopt)
        _put_in_place(session, name, native, ports, rewriting.token)
    return Imported(ports, native.given, warnings)


def _make_ready(
    session: Session, name: str, native: Native, plan: draft.Draft, rewriting: Rewriting, *, adopt: bool
) -> list[str]:
    """Fill the staging directory; without success, everything is as it was before."""
    staging = staging_directory(session.deployment, name)
    uid, gid = (int(part) for part in plan.fleet.profiles[name].user_or(plan.user).split(":"))
    census = import_files.look_at(native)
    journal = _journal(native, adopt=adopt)
    warnings = [f"{native.config_file.name}: {problem}" for problem in rewriting.warnings]
    warnings += [f"{link}: points outside of what was imported" for link in census.links_out]
    if not adopt:
        warnings += import_files.left_behind(census.skipped)
    if not native.workspace.is_dir():
        warnings.append(f"{native.workspace}: there is no workspace, so that the profile begins with an empty one")
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
        _refuse_alive(native, staging / "state")  # one that was started meanwhile would spoil both
        damaged = import_files.fit(native, journal, staging, rewriting, (uid, gid))
        journal.write(staging)
    except BaseException:
        import_files.take_back(staging, journal)
        raise
    return warnings + [f"{path.relative_to(staging)}: is damaged or too new, and was left as it is" for path in damaged]


def _put_in_place(session: Session, name: str, native: Native, ports: ProfilePorts, token: str | None) -> None:
    deployment = session.deployment
    staging, target = staging_directory(deployment, name), deployment.state_directory(name).parent
    secret = deployment.secret_file(name, TOKEN_SECRET)
    journal = read_journal(staging)
    assert journal is not None  # noqa: S101 - for the type checker
    placed = made_secret = False
    try:
        with locked(deployment):
            # As it is by now: another command may have added such a profile while the copy was made.
            _refuse_known(session, name)
            _refuse_leftovers(session, name)
            plan = _plan_at(session, name, native, ports.base)
            # From the rename on it can be used, and nothing takes it back without being asked.
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
        import_files.take_back(target if placed else staging, journal)
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
        # The gateway would put back what it takes for an older version of its config.
        renamed=[(old, f"native-{old}") for old in names],
        config_mode=native.config_file.stat().st_mode & 0o777,
    )  # fmt: skip


def _move(journal: Journal, staging: Path) -> None:
    try:
        import_files.move_in(journal, staging)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise StateRefusedError(
                f"{journal.source}, or a workspace of it, lies on another file system than {staging.parent}.",
                "Import a copy of it, without --adopt; or keep the deployment on that file system, with -C.",
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
            f"{name} is a profile of the fleet already.",
            Remedy("Choose another name, or take it out first: ", ours("remove", name)),
        )


def _refuse_own(session: Session, native: Native) -> None:
    root = session.deployment.root
    for path, _ in import_files.trees(native):
        if path.is_relative_to(root) or root.is_relative_to(path):
            raise UsageError(
                f"{path} and the deployment {root} lie one within the other.",
                "Name the state of a native gateway, or another deployment with -C.",
            )


def _refuse_alive(native: Native, state: Path) -> None:
    if signs := signs_of_life(native, state):
        raise StateRefusedError(
            f"The native gateway of {native.given} runs:\n" + "\n".join(f"  {sign}" for sign in signs),
            "Stop it, and keep it from starting again: idlehands gateway stop   (with its --profile, if it has one)",
        )


def _refuse_leftovers(session: Session, name: str) -> None:
    deployment = session.deployment
    directory, secret = deployment.state_directory(name).parent, deployment.secret_file(name, TOKEN_SECRET)
    there = [path for path in (directory, secret) if path.exists() and not _is_empty_directory(path)]
    if there:
        raise StateRefusedError(
            f"There are files of an earlier {name}: {' and '.join(map(str, there))}.",
            Remedy(
                "Take an import back that was cut off: ",
                ours("import", name, "--undo"),
                "   (or choose another name)",
            ),
        )


def _is_empty_directory(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _clear_interrupted(session: Session, name: str) -> None:
    """Take back what an import left that was interrupted so hard that it could not do so itself."""
    staging = staging_directory(session.deployment, name)
    if (journal := read_journal(staging)) is not None:
        session.progress.say(f"Taking back an import of {name} that was interrupted.")
        for warning in import_files.take_back(staging, journal):
            session.progress.say(f"Warning: {warning}")
    remove_tree(staging)


def forget_token(session: Session, name: str) -> None:
    """Delete the token that an import made or took over: it refuses to begin where there is one already."""
    secret = session.deployment.secret_file(name, TOKEN_SECRET)
    secret.unlink(missing_ok=True)
    if secret.parent.is_dir() and not any(secret.parent.iterdir()):
        secret.parent.rmdir()
