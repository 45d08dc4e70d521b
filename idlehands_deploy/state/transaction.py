"""Carry a plan out as a whole: all of its steps, or none of them, whatever ends the tool."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.locks import containers_locked
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.errors import DeployError, StateRefusedError
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.state.journal import Journal, begin_next, forget, read_journal
from idlehands_deploy.state.verbs import NEED_ENGINE, Run, do

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.events import DeathWatch
    from idlehands_deploy.planning.steps import Plan


class UndoneInterrupt(KeyboardInterrupt):
    """Ctrl-C, after which everything was put back."""


def carry_out_whole(
    look: Look, watch: DeathWatch, operation: str, profile: str, plan: Plan, held: Sequence[int]
) -> None:
    """Do each step, or undo all that were begun.

    Args:
        watch: begun before the look was taken.
        operation: what this is, as in "a rollback of main".
        held: descriptors of the profile's container lock.

    Raises:
        DeployError: a step failed; everything is as it was before.
        StateRefusedError: undoing failed as well; the next command tries it again.
        UndoneInterrupt: Ctrl-C; everything is as it was before.
    """
    deployment = look.session.deployment
    run = Run(look.session, profile, held, look, watch)
    journal = Journal(operation, profile, plan.changes)
    try:
        for step in plan.changes:
            journal = begin_next(deployment, journal)
            do(run, step.how)
        forget(deployment, profile)
    except BaseException as error:
        if isinstance(error, DeployError):
            look.session.progress.say(f"{profile}: {error.what}")
        _undo(run, journal)
        if isinstance(error, KeyboardInterrupt):
            raise UndoneInterrupt(f"Interrupted: the {journal} was undone.") from None
        raise


def recover(session: Session) -> Iterator[str]:
    """Undo every transaction that was cut off; gives a sentence for each, after it was undone.

    One that another command is carrying out is left alone.

    Raises:
        StateRefusedError: one cannot be undone.
        EngineUnreachableError: one cannot be undone without the engine.
    """
    for profile in session.deployment.in_transaction:
        try:
            with containers_locked(session.deployment, [profile], _is_busy) as held:
                # Another command may have ended it meanwhile. One that runs holds the lock, where there are locks.
                journal = read_journal(session.deployment, profile)
                if journal and not journal.is_running:
                    _recover(session, journal, held)
                    yield f"A {journal} was interrupted, and is undone now: {profile} is as it was before."
        except _BusyError:
            continue


def _recover(session: Session, journal: Journal, held: Sequence[int]) -> None:
    with ExitStack() as stack:
        look = watch = None
        if any(undo[0] in NEED_ENGINE for undo in journal.undoing):
            fleet = session.fleet()
            look = take_look(session, fleet, plan_here(session, fleet))
            watch = stack.enter_context(look.engine.watch_deaths(fleet.name))
        _undo(Run(session, journal.profile, held, look, watch), journal)


def _undo(run: Run, journal: Journal) -> None:
    if journal.begun:
        run.session.progress.update(journal.profile, "putting everything back as it was")
    for undo in journal.undoing:
        try:
            do(run, undo)
        except DeployError as error:
            raise StateRefusedError(
                f"The {journal} was not completed, and undoing it failed: {error.what}",
                error.remedy.then(Remedy("\nThen any command tries it again, such as: ", ours("status"))),
            ) from None
    forget(run.session.deployment, journal.profile)


class _BusyError(Exception):
    """Another command holds the lock."""


def _is_busy(_: str) -> None:
    raise _BusyError
