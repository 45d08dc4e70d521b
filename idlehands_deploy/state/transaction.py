"""Carry a plan out as a whole: all of its steps, or none of them, whatever ends the tool."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NoReturn

from idlehands_deploy.deployment.locks import containers_locked
from idlehands_deploy.deployment.look import take_look
from idlehands_deploy.errors import DeployError, StateRefusedError
from idlehands_deploy.isolation.setups import plan_here
from idlehands_deploy.planning.compose import WAITING
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.state.journal import Journal, begin_next, forget, read_journal
from idlehands_deploy.state.verbs import NEED_ENGINE, Run, do

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from idlehands_deploy.deployment.look import Look
    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.events import DeathWatch
    from idlehands_deploy.planning.steps import Plan

# What ends a program that has no terminal any more, or was told to end.
ENDING = (signal.SIGTERM, signal.SIGHUP)


class ToldInterrupt(KeyboardInterrupt):
    """Ctrl-C, with a sentence on what became of what was begun."""


class UndoError(StateRefusedError):
    """Something failed, and undoing it as well: the next command tries that again."""


@contextmanager
def state_locked(session: Session, profile: str) -> Iterator[list[int]]:
    """Lock a profile's container, and undo or finish what was being done to its state and was cut off.

    Yields:
        The lock's descriptors.
    """

    def waits(name: str) -> None:
        session.progress.update(name, WAITING)

    with containers_locked(session.deployment, [profile], waits, recovers=True) as held:
        if said := _settle(session, profile, held):
            session.progress.say(said)
        yield held


def carry_out_whole(
    look: Look, watch: DeathWatch, operation: str, profile: str, plan: Plan, held: Sequence[int]
) -> None:
    """Do each step, or undo all that were begun.

    Args:
        watch: begun before the look was taken.
        operation: what this is, as in "a rollback of main".
        held: descriptors of the profile's lock, as `state_locked` gives them.

    Raises:
        DeployError: a step failed; everything is as it was before.
        UndoError: undoing failed as well.
        ToldInterrupt: Ctrl-C, or the tool was told to end; it says what became of it.
    """
    run = Run(look.session, profile, held, look, watch)
    journal = Journal(operation, profile, plan.changes)
    try:
        with _interruptible():
            for step in plan.changes:
                journal = begin_next(look.session.deployment, journal)
                do(run, step.how)
    except BaseException as error:
        if journal.is_committed:
            if isinstance(error, KeyboardInterrupt):
                said = f"Interrupted when the {journal} had succeeded. The next command finishes it."
                raise ToldInterrupt(said) from None
            raise
        if isinstance(error, DeployError):
            look.session.progress.say(f"{profile}: {error.what}")
        try:
            _undo(run, journal)
        except KeyboardInterrupt:
            said = f"Interrupted again: the {journal} is not undone yet. The next command goes on with it."
            raise ToldInterrupt(said) from None
        if isinstance(error, KeyboardInterrupt):
            raise ToldInterrupt(f"Interrupted: the {journal} was undone.") from None
        raise
    forget(look.session.deployment, profile)


def recover(session: Session) -> Iterator[str]:
    """Undo every transaction that was cut off, or finish it if it was proven; gives a sentence for each.

    One that another command is carrying out is left alone.

    Raises:
        UndoError: one cannot be undone.
        EngineUnreachableError: one cannot be undone without the engine.
    """
    for profile in session.deployment.in_transaction:
        try:
            with containers_locked(session.deployment, [profile], _is_busy, recovers=True) as held:
                if said := _settle(session, profile, held):
                    yield said
        except _BusyError:
            continue


def _settle(session: Session, profile: str, held: Sequence[int]) -> str:
    """Undo or finish a profile's transaction; gives a sentence, or nothing if there is none."""
    journal = read_journal(session.deployment, profile)
    # One that runs holds the lock, where there are locks.
    if journal is None or journal.is_running:
        return ""
    with ExitStack() as stack:
        look = watch = None
        if any(how[0] in NEED_ENGINE for how in (journal.left if journal.is_committed else journal.undoing)):
            fleet = session.fleet()
            look = take_look(session, fleet, plan_here(session, fleet))
            watch = stack.enter_context(look.engine.watch_deaths(fleet.name))
        run = Run(session, profile, held, look, watch)
        if journal.is_committed:
            for how in journal.left:
                do(run, how)
            forget(session.deployment, profile)
            return f"A {journal} was interrupted when it had succeeded, and is finished now."
        _undo(run, journal)
    return f"A {journal} was interrupted, and is undone now: {profile} has its state of before."


def _undo(run: Run, journal: Journal) -> None:
    if journal.begun:
        run.session.progress.update(journal.profile, "putting everything back as it was")
    for undo in journal.undoing:
        try:
            do(run, undo)
        except DeployError as error:
            raise UndoError(
                f"The {journal} was not completed, and undoing it failed: {error.what}",
                error.remedy.then(Remedy("\nThen any command tries it again, such as: ", ours("status"))),
            ) from None
        except (KeyError, IndexError, ValueError, OverflowError, TypeError):
            raise UndoError(
                f"The {journal} was interrupted, and this version does not know how to undo it: {' '.join(undo)}",
                "Use the version of this tool that began it.",
            ) from None
    forget(run.session.deployment, journal.profile)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let the signals that end a program interrupt the block, as Ctrl-C does."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # One that is ignored stays so: `nohup` asks for that.
    heeded = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interrupt) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _BusyError(Exception):
    """Another command holds the lock."""


def _is_busy(_: str) -> None:
    raise _BusyError
