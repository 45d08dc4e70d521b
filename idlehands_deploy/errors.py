"""Every way this tool fails: one class a kind, one exit code a kind, and a remedy in every message."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from idlehands_deploy.remedies import Remedy, remedy_of

if TYPE_CHECKING:
    from collections.abc import Iterable


class Problem(NamedTuple):
    """One thing wrong at one place, printed as ``path: problem``."""

    path: str
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" if self.path else self.problem


class DeployError(Exception):
    """Something a person can act on.

    Args:
        what: what happened and, where it is known, why.
        remedy: the next command to type or the next thing to change.
    """

    exit_code = 1

    def __init__(self, what: str, remedy: Remedy | str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy_of(remedy)

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}"


class UsageError(DeployError):
    """The command line asks for something that does not exist or cannot be."""

    exit_code = 2


class DirectoryError(DeployError):
    """The deployment directory cannot be read or written."""

    exit_code = 2


class StaleError(DeployError):
    """The generated file is not what the fleet file says."""

    exit_code = 2


class FleetError(DeployError):
    """The fleet file is wrong; ``problems`` holds every problem found in it."""

    exit_code = 2

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{source} has {count}:\n{lines}", "Edit the file and run the command again.")


class PortConflictError(DeployError):
    """Two profiles, or a profile and another process, want the same port."""

    exit_code = 3


class EngineUnreachableError(DeployError):
    """No Docker Engine answers."""

    exit_code = 4


class EngineFailedError(DeployError):
    """The engine, Compose or an image build refused or failed."""

    exit_code = 5


class EngineForbiddenError(EngineUnreachableError):
    """There is an engine, and this user may not use it."""


class StateRefusedError(DeployError):
    """An operation on a gateway's state would lose or damage something."""

    exit_code = 7


class NotReadyError(DeployError):
    """A gateway did not become usable in time."""

    exit_code = 6
