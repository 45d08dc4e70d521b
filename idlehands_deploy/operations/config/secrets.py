"""`secret`: set, list and remove the keys that gateways get as variables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from idlehands_deploy.deployment.locks import locked
from idlehands_deploy.deployment.secret_files import (
    Secret,
    delete_secret,
    find_secrets,
    is_private,
    read_secret,
    read_typed,
    read_value,
    write_secret,
)
from idlehands_deploy.deployment.secret_rules import check, check_key, config_note, owner_of, refuse_used
from idlehands_deploy.deployment.session import select
from idlehands_deploy.errors import FleetError, Problem, UsageError
from idlehands_deploy.fleet.rules import meant
from idlehands_deploy.fleet.text.secret_edits import with_secret, without_secret
from idlehands_deploy.host.files import read_text, write_atomic
from idlehands_deploy.operations.lifecycle import UpResult, up
from idlehands_deploy.planning.draft import Draft, draft_edited, make_draft, store
from idlehands_deploy.planning.leftovers import refuse_hand_renames
from idlehands_deploy.planning.steps import Plan, Step
from idlehands_deploy.remedies import Remedy, ours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.fleet.model import Fleet

__all__ = ["check", "list_secrets", "prepare_removal", "prepare_set", "read_typed", "remove_secret", "set_secret"]

UP = "brought up"


@dataclass(frozen=True)
class Change:
    """What is about to be done with a secret.

    Attributes:
        drafted: the fleet file as it is to be; None if it stays as it is.
        next: what the person should do then; empty for nothing.
    """

    plan: Plan
    drafted: Draft | None = None
    next: Remedy = Remedy()  # noqa: RUF009 - a value that never changes


def prepare_set(session: Session, name: str, key: str, value: bytes, *, then_up: bool = False) -> Change:
    """What `set_secret` would do.

    Raises:
        UsageError: there is no such profile, or the name or the value of the secret cannot be.
        FleetError: the fleet file cannot be edited so, or the file cannot be given to the gateway's user.
        StateRefusedError: the profile was renamed in the fleet file alone.
    """
    fleet = check(session, name, key)
    now = make_draft(session, session.fleet_text())
    # A file under the new name of such a profile would be in the way of its own.
    refuse_hand_renames(session.deployment, now.fleet, now.ports)
    path = session.deployment.secret_file(name, key)
    file_step = _file_step(session, fleet, path, name, read_value(key, value))
    drafted, steps = None, [file_step]
    if key not in fleet.profiles[name].secrets:
        drafted = _with(session, name, key)
        steps.append(Step("fleet.yaml", f"{key} named under profiles.{name}.secrets", "it was not", ("store",)))
        steps += _compose_step(session, drafted)
    if then_up:
        return Change(Plan((*steps, Step(name, UP, "--up was given", ("up",)))), drafted)
    if not file_step.how and drafted is None:
        return Change(Plan(tuple(steps)))
    what = "recreates a container" if drafted else "restarts a gateway"
    apply = Remedy("Apply it: ", ours("up", name), f"   ({what} that runs)")
    return Change(Plan(tuple(steps)), drafted, apply)


def prepare_removal(session: Session, name: str, key: str, *, then_up: bool = False) -> Change:
    """What `remove_secret` would do.

    Raises:
        UsageError: there is no such profile or secret, or something still needs it.
        FleetError: the fleet file cannot be edited so.
    """
    check_key(name, key)
    fleet = session.fleet()
    select(fleet, [name])
    named = key in fleet.profiles[name].secrets
    path = session.deployment.secret_file(name, key)
    if not named and not os.path.lexists(path):
        known = [secret.name for secret in find_secrets(session.deployment, name, fleet.profiles[name].secrets)]
        raise UsageError(
            f"{name} has no secret {key}{meant(key, known)}.", Remedy("See them: ", ours("secret", "list", name))
        )
    refuse_used(session, fleet, name, key, then_up=then_up)
    steps: list[Step] = []
    drafted = _without(session, name, key) if named else None
    if drafted:
        steps.append(Step("fleet.yaml", f"{key} taken out of profiles.{name}.secrets", "", ("store",)))
        steps += _compose_step(session, drafted)
    if then_up:
        steps.append(Step(name, UP, "--up was given", ("up",)))
    if os.path.lexists(path):
        steps.append(Step(f"secrets/{name}/{key}", "deleted for good", "", ("delete",)))
    return Change(Plan(tuple(steps)), drafted, Remedy(config_note(session, name, key)))


def set_secret(
    session: Session, name: str, key: str, value: bytes, timeout: float, *, then_up: bool = False
) -> UpResult | None:
    """Write a secret's value, and name it in the fleet file; then bring the gateway up, if that is wanted.

    The file comes first: if this is interrupted, there is a file that nobody reads, and not a name without a file.

    Returns:
        How the gateway is; None if it was left alone.
    """
    session.fleet()  # without a fleet file, nothing is locked or created
    with locked(session.deployment):
        change = _tell(session, prepare_set(session, name, key, value, then_up=then_up))
        if change.plan.steps[0].how:
            path = session.deployment.secret_file(name, key)
            write_secret(path, read_value(key, value), owner_of(session, session.fleet(), name))
        _store(session, change)
    if change.next:
        session.progress.say(change.next)
    return up(session, [name], timeout) if then_up else None


def remove_secret(
    session: Session, name: str, key: str, timeout: float, confirm: Callable[[str], bool], *, then_up: bool = False
) -> UpResult | None:
    """Take a secret out of the fleet file and delete its file; before that recreate the container, if that is wanted.

    The file goes last: a container that mounts it could not start again.

    Returns:
        How the gateway is; None if it was left alone.

    Raises:
        UsageError: it was not confirmed, or something still needs the secret.
    """
    told = _tell(session, prepare_removal(session, name, key, then_up=then_up))
    if told.next:
        session.progress.say(told.next)
    if not confirm(f"Delete {key} of {name} for good?"):
        raise UsageError(f"{key} was not removed: nothing was changed.", "To remove it without being asked, add --yes.")
    with locked(session.deployment):
        change = prepare_removal(session, name, key, then_up=then_up)
        if change.plan != told.plan:  # the answer may have taken an hour
            raise UsageError(
                f"{name} changed meanwhile: nothing was removed.", Remedy("Look again: ", ours("secret", "list", name))
            )
        _store(session, change)
    result = up(session, [name], timeout) if then_up else None
    with locked(session.deployment):
        refuse_used(session, session.fleet(), name, key, then_up=False)
        delete_secret(session.deployment.secret_file(name, key))
    return result


def list_secrets(session: Session, names: Sequence[str]) -> list[Secret]:
    """The secrets of profiles, without their values."""
    fleet = session.fleet()
    return [
        secret
        for name in select(fleet, names)
        for secret in find_secrets(session.deployment, name, fleet.profiles[name].secrets)
    ]


def _store(session: Session, change: Change) -> None:
    if change.drafted is None:
        return
    try:
        store(session, change.drafted)
    except FleetError as error:
        # As a person would write it: what is missing may be another secret, which is set next.
        write_atomic(session.deployment.fleet_file.resolve(), change.drafted.text)
        for problem in error.problems:
            session.progress.say(f"compose.yaml is not written yet: {problem}")


def _tell(session: Session, change: Change) -> Change:
    for line in change.plan.lines:
        session.progress.say(line)
    return change


def _file_step(session: Session, fleet: Fleet, path: Path, name: str, value: str) -> Step:
    uid = owner_of(session, fleet, name)[0]
    subject, how = f"secrets/{name}/{path.name}", ("store",)
    old = read_secret(path)
    if old is None:
        return Step(subject, "written", "there is none", how)
    if old != value:
        return Step(subject, "written", "it had another value" if old.strip() else "it was empty", how)
    if not is_private(path, uid):
        return Step(subject, "written", "it was not private to its gateway", how)
    return Step(subject, "nothing to do", "it has that value")


def _with(session: Session, name: str, key: str) -> Draft:
    return draft_edited(
        session,
        lambda text: with_secret(text, name, key),
        lambda fleet: fleet.with_secrets(name, [*fleet.profiles[name].secrets, key]),
        Problem(f"profiles.{name}.secrets", f"name {key} here yourself: the tool cannot in a file of this form"),
    )


def _without(session: Session, name: str, key: str) -> Draft:
    return draft_edited(
        session,
        lambda text: without_secret(text, name, key),
        lambda fleet: fleet.with_secrets(name, [other for other in fleet.profiles[name].secrets if other != key]),
        Problem(f"profiles.{name}.secrets", f"take {key} out yourself: the tool cannot in a file of this form"),
    )


def _compose_step(session: Session, drafted: Draft) -> Iterator[Step]:
    if read_text(session.deployment.compose_file) != drafted.compose_text:
        yield Step("compose.yaml", "written", "it is out of date", ("store",))
