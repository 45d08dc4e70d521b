"""`destroy`: a deployment is removed with all that it has on this host."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.locks import containers_locked, locked
from idlehands_deploy.errors import UsageError
from idlehands_deploy.operations.lifecycle import Prepared, tell
from idlehands_deploy.planning.cleanup.facts import find_holdings, refuse_undeletable
from idlehands_deploy.planning.cleanup.plan import plan_destroy
from idlehands_deploy.planning.compose import WAITING
from idlehands_deploy.planning.executor import carry_out
from idlehands_deploy.planning.steps import Plan
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.text import file_size, some
from idlehands_deploy.watch.journal import locked as watch_locked

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.planning.cleanup.facts import Holdings


@dataclass(frozen=True)
class Destruction:
    """A `destroy` that was thought through and has changed nothing yet.

    Attributes:
        question: what is asked before it is carried out.
    """

    prepared: Prepared
    question: str

    @property
    def plan(self) -> Plan:
        """What would be done."""
        return self.prepared.plan


def prepare_destroy(session: Session, *, keep_files: bool, now: bool) -> Destruction:
    """What `destroy` would do.

    Args:
        keep_files: remove containers, networks and units only.
        now: allow unfinished work no more than a few seconds.

    Raises:
        UsageError: there is no deployment, a watch runs here, or something must not or cannot be deleted.
    """
    holdings = find_holdings(session)
    if not holdings.units:
        _refuse_watch(session.deployment)
    if not keep_files:
        refuse_undeletable(session, holdings)
    plan = plan_destroy(holdings, keep_files=keep_files, now=now)
    names = sorted({facts.profile for facts in holdings.look.orphans})
    return Destruction(Prepared(holdings.look, plan, names), _question(holdings, keep_files=keep_files))


def destroy(session: Session, confirm: Callable[[str], bool], *, keep_files: bool, now: bool) -> list[str]:
    """Remove a deployment. One that was interrupted is finished by running it again.

    Args:
        confirm: asked before anything is changed, after the plan was told.
        keep_files, now: as in `prepare_destroy`.

    Returns:
        What is left in its directory; empty if there is nothing, or nothing was to be deleted.

    Raises:
        UsageError: as in `prepare_destroy`, or it was not confirmed; nothing was changed.
    """
    destruction = prepare_destroy(session, keep_files=keep_files, now=now)
    tell(destruction.prepared)
    if not confirm(destruction.question):
        raise UsageError(
            "The deployment was not destroyed: nothing was changed.", "To destroy it without being asked, add --yes."
        )
    if prepare_destroy(session, keep_files=keep_files, now=now).plan != destruction.plan:  # the answer may take an hour
        raise UsageError(
            "The deployment changed meanwhile: nothing was destroyed.", Remedy("Look again: ", ours("status"))
        )
    _carry_out(session, destruction.prepared)
    if keep_files:
        return []
    _remove_empty(session.deployment)
    return sorted(path.name for path in session.deployment.root.iterdir())


def _carry_out(session: Session, prepared: Prepared) -> None:
    look, progress = prepared.look, session.progress
    files = Plan(tuple(step for step in prepared.plan.changes if step.verb == "delete"))
    with (
        look.engine.watch_deaths(look.fleet.name) as deaths,
        containers_locked(session.deployment, prepared.profiles, lambda name: progress.update(name, WAITING)) as held,
    ):
        carry_out(look, deaths, prepared.plan.without("delete"), held)
        if files.steps:
            _refuse_watch(session.deployment)
            with locked(session.deployment):
                carry_out(look, deaths, files, held)


def _question(holdings: Holdings, *, keep_files: bool) -> str:
    root = holdings.look.session.deployment.root
    if keep_files:
        return f"Remove all containers of {root}, with their networks and boot units?"
    names = [name for part in holdings.belongings.parts if (name := part.name.partition("profiles/")[2])]
    whose = f" {some(names)} in" if names else ""
    return f"Delete{whose} {root} for good, with all sessions, credentials and workspaces ({file_size(holdings.size)})?"


def _refuse_watch(deployment: Deployment) -> None:
    """See that no watch runs here: it would start gateways again, and write its journal anew."""
    if not deployment.journal_file.with_name("lock").exists():
        return
    try:
        with watch_locked(deployment.journal_file):
            pass
    except UsageError as error:
        lock = deployment.journal_file.with_name("lock")
        raise UsageError(error.what, f"Stop it first; its process: fuser {lock}") from None


def _remove_empty(deployment: Deployment) -> None:
    """Remove the directories in it that are empty now."""
    parents = [deployment.root / name for name in ("profiles", "secrets", "snapshots", "watch", ".transactions")]
    children = [child for parent in parents if parent.is_dir() for child in parent.iterdir()]
    for directory in [*children, *parents]:
        _remove_if_empty(directory)


def _remove_if_empty(directory: Path) -> None:
    if directory.is_dir() and not directory.is_symlink():
        with suppress(OSError):  # not empty
            directory.rmdir()
