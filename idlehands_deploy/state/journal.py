"""The journal of a transaction: on the disk before each of its steps, so that whatever ends the tool can be undone."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from idlehands_deploy.errors import DirectoryError, StateRefusedError
from idlehands_deploy.fleet.rules import check_profile_name
from idlehands_deploy.host.denials import unusable
from idlehands_deploy.host.facts import process_mark
from idlehands_deploy.host.file_facts import names_in
from idlehands_deploy.host.files import read_text, sync, write_durable
from idlehands_deploy.planning.steps import Step
from idlehands_deploy.state.trees import make_durable

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.deployment.directory import Deployment

VERSION = 1
# The verb of the step that does nothing: once it is begun, the others before it are not undone any more.
COMMIT = "commit"


@dataclass(frozen=True)
class Journal:
    """What is being done to a profile's state.

    Attributes:
        operation: as in "a rollback of main".
        begun: how many of the steps were begun.
        owner: the mark of the process that carries it out.
    """

    operation: str
    profile: str
    steps: tuple[Step, ...]
    begun: int = 0
    owner: str = ""

    @property
    def is_running(self) -> bool:
        """Whether another process carries it out, and is still there."""
        pid = int(self.owner.partition(" ")[0] or 0)
        return pid not in {0, os.getpid()} and process_mark(pid) == self.owner

    @property
    def is_committed(self) -> bool:
        """Whether its result was proven, so that it is finished and not undone."""
        return any(step.verb == COMMIT for step in self.steps[: self.begun])

    @property
    def left(self) -> list[tuple[str, ...]]:
        """What finishes one that is committed: the step at which it was cut off, again, and those after it."""
        return [step.how for step in self.steps[self.begun - 1 :] if step.verb != COMMIT]

    @property
    def undoing(self) -> list[tuple[str, ...]]:
        """What takes back all that was begun, in order."""
        return [step.undo for step in reversed(self.steps[: self.begun]) if step.undo]

    def __str__(self) -> str:
        return f"{self.operation} of {self.profile}"


def begin_next(deployment: Deployment, journal: Journal) -> Journal:
    """Note that the next step begins; returns the journal that says so, once it is on the disk.

    Raises:
        DirectoryError: it cannot be written, and the step must not be done.
    """
    journal = replace(journal, begun=journal.begun + 1, owner=process_mark(os.getpid()))
    path = _path(deployment, journal.profile)
    make_durable(path.parent)
    write_durable(path, json.dumps({"version": VERSION, **asdict(journal)}, indent=2) + "\n")
    return journal


def forget(deployment: Deployment, profile: str) -> None:
    """Delete a profile's journal: from now on nothing is undone.

    Raises:
        DirectoryError: it cannot be deleted.
    """
    path = _path(deployment, profile)
    try:
        # A write that was killed leaves a file under a temporary name.
        for name in (path.name, *(name for name in names_in(path.parent) if name.startswith(f".{path.name}."))):
            path.with_name(name).unlink(missing_ok=True)
        sync(path.parent)
    except OSError as error:
        raise unusable("delete", path, error) from None


def read_journal(deployment: Deployment, profile: str) -> Journal | None:
    """A profile's journal; None if nothing is being done to its state.

    Raises:
        StateRefusedError: it is damaged, or of another version of this tool.
        DirectoryError: it cannot be read.
    """
    path = _path(deployment, profile)
    text = read_text(path)
    if text is None:
        return None
    try:
        values: dict[str, Any] = json.loads(text)
        {(VERSION, profile): None}[values["version"], values["profile"]]
        steps = tuple(_step(step) for step in values["steps"])
        owner = str(values["owner"])
        int(owner.partition(" ")[0] or 0)
        return Journal(str(values["operation"]), profile, steps, int(values["begun"]), owner)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise StateRefusedError(
            f"{path} cannot be read by this version: something was being done to {profile}, and was interrupted.",
            f"Use the version that began it. Or see that profiles/{profile} is whole, with what lies in "
            f"snapshots/{profile} under names with a dot, and delete that file.",
        ) from None


def _step(values: dict[str, Any]) -> Step:
    how, undo = (tuple(str(word) for word in values[key]) for key in ("how", "undo"))
    return Step(str(values["subject"]), str(values["what"]), str(values["cause"]), how, str(values["downtime"]), undo)


def _path(deployment: Deployment, profile: str) -> Path:
    if problem := check_profile_name(profile):
        raise DirectoryError(f"{profile}: {problem}.", "Choose another name, such as rescue.")
    return deployment.transactions_directory / f"{profile}.json"
