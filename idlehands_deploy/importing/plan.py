"""What an import would do, and all that can forbid it."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import CONFIG_NAME, TOKEN_SECRET
from idlehands_deploy.deployment.profile_files import check_files
from idlehands_deploy.errors import PortConflictError, StateRefusedError, UsageError
from idlehands_deploy.fleet.file import with_profile
from idlehands_deploy.fleet.values import HIGHEST_BASE_PORT, LOWEST_BASE_PORT
from idlehands_deploy.host.files import read_text
from idlehands_deploy.host.trees.space import refuse_full_disk
from idlehands_deploy.importing import files as import_files
from idlehands_deploy.importing.journal import staging_directory
from idlehands_deploy.importing.native import env_token, find_native, running_evidence
from idlehands_deploy.importing.rewrite import fleet_browsers, rewrite
from idlehands_deploy.planning import draft
from idlehands_deploy.planning.steps import Plan, Step
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.text import count, file_size, listed

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.ports import ProfilePorts
    from idlehands_deploy.host.trees.census import Census
    from idlehands_deploy.importing.native import Native
    from idlehands_deploy.importing.rewrite import RewrittenConfig


@dataclass(frozen=True)
class PreparedImport:
    """An import that was thought through and has changed nothing yet.

    Attributes:
        census: of the files to copy.
        adopt: whether they are moved.
    """

    native: Native
    drafted: draft.Draft
    ports: ProfilePorts
    rewritten: RewrittenConfig
    census: Census
    _: KW_ONLY
    adopt: bool

    @property
    def plan(self) -> Plan:
        """The steps."""
        name, source = self.ports.profile, self.native.given
        files = f"{count(self.census.files, 'file')} ({file_size(self.census.size)})"
        published = listed([f"{port.port} ({port.purpose})" for port in self.ports.published])
        moved = f"{files} {'moved' if self.adopt else 'copied'} from {source}"
        token = "token taken from its config" if self.rewritten.token else "token created"
        return Plan(
            (
                Step(name, f"profile added at {published}", f"it is imported from {source}", ("import",)),
                Step(f"profiles/{name}", moved, "", ("import",)),
                Step(
                    f"profiles/{name}/state/{CONFIG_NAME}",
                    "paths and ports rewritten for the container",
                    "",
                    ("import",),
                ),
                Step(f"secrets/{name}", token, "", ("import",)),
            )
        )

    @property
    def warnings(self) -> list[str]:
        """What a person should check, one sentence each."""
        warnings = [f"{self.native.config_file.name}: {problem}" for problem in self.rewritten.warnings]
        warnings += [f"{link}: points to something that was not imported" for link in self.census.links_out]
        if not self.adopt:
            warnings += import_files.skipped_warning(self.census.skipped)
        if not self.native.workspace.is_dir():
            warnings.append(f"{self.native.workspace}: does not exist, so the profile gets an empty workspace")
        return warnings


def prepare_import(session: Session, name: str, directory: Path, port: int | None, *, adopt: bool) -> PreparedImport:
    """What an import would do; changes nothing.

    Raises:
        UsageError, StateRefusedError: as in ``import_native``.
    """
    draft.check_name(name)
    refuse_known(session, name)
    native = find_native(directory)
    _refuse_own(session, native)
    refuse_running(native, native.state)
    refuse_leftovers(session, name)
    drafted = _plan(session, name, native, port, adopt=adopt)
    check_files(session.deployment, drafted.fleet, drafted.user)
    ports = drafted.ports.profiles[name]
    rewritten = rewrite(native.config, native.moves, str(native.home), ports)
    rewritten.token = rewritten.token or env_token(native)
    census = import_files.look_at(native)
    if not adopt:
        refuse_full_disk("The import", census.size, staging_directory(session.deployment, name))
    return PreparedImport(native, drafted, ports, rewritten, census, adopt=adopt)


def _plan(session: Session, name: str, native: Native, port: int | None, *, adopt: bool) -> draft.Draft:
    wanted = native.port if port is None and adopt else None
    if wanted is not None and LOWEST_BASE_PORT <= wanted <= HIGHEST_BASE_PORT:
        try:
            drafted = draft_at(session, name, native, wanted)
        except PortConflictError:
            pass
        else:
            if _all_free(drafted.ports.profiles[name]):
                return drafted
    return draft_at(session, name, native, port)


def draft_at(session: Session, name: str, native: Native, port: int | None) -> draft.Draft:
    """The draft with the imported profile at a base port; None for the next free slot's."""
    return draft.make_draft(session, with_profile(_fleet_text(session), name, _settings(native, port)), [name])


def _settings(native: Native, port: int | None) -> dict[str, Any]:
    settings: dict[str, Any] = {} if port is None else {"port": port}
    if browsers := fleet_browsers(native.config):
        settings["browser"] = {"profiles": browsers}
    return settings


def _fleet_text(session: Session) -> str:
    text = read_text(session.deployment.fleet_file)
    return draft.new_text(session) if text is None else text


def _all_free(ports: ProfilePorts) -> bool:
    from idlehands_deploy.host.network.sockets import listen_error  # noqa: PLC0415

    return not any(listen_error(port.host_ip, port.port) for port in ports.published)


def refuse_known(session: Session, name: str) -> None:
    """See that the fleet has no profile of this name.

    Raises:
        StateRefusedError: it has.
    """
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


def refuse_running(native: Native, state: Path) -> None:
    """See that a native gateway does not run.

    Args:
        state: its state directory, which an import may have moved.

    Raises:
        StateRefusedError: it does.
    """
    if evidence := running_evidence(native, state):
        raise StateRefusedError(
            f"The native gateway of {native.given} is running:\n" + "\n".join(f"  {line}" for line in evidence),
            "Stop it: idlehands gateway stop   (with its --profile, if it has one), and disable its automatic start",
        )


def refuse_leftovers(session: Session, name: str) -> None:
    """See that no files lie under the name.

    Raises:
        StateRefusedError: some do.
    """
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
