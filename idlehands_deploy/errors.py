"""All errors of this tool: a class for each kind of failure, with its exit code, and a remedy in each message."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from idlehands_deploy.remedies import Remedy, remedy_of

if TYPE_CHECKING:
    from collections.abc import Iterable


class Problem(NamedTuple):
    """One thing wrong at one place, printed as ``path: problem``.

    Attributes:
        line: of the file, from 1; 0 if it is not known.
    """

    path: str
    problem: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}" if self.path else self.problem

    @property
    def located(self) -> str:
        """The problem with its line."""
        return f"{self} (line {self.line})" if self.line else str(self)


class DeployError(Exception):
    """A failure that a person can fix.

    Args:
        what: what happened and, if known, why.
        remedy: the next command to run or the next thing to change.
    """

    exit_code = 1

    def __init__(self, what: str, remedy: Remedy | str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy_of(remedy)

    def __str__(self) -> str:
        return f"{self.what}\n{self.remedy}"


def system_error(error: OSError | UnicodeError) -> DeployError:
    """What this machine refused, where nothing nearer has words for it."""
    if isinstance(error, UnicodeError):
        return UsageError("A text has characters that your locale cannot write.", "Set another: export LC_ALL=C.UTF-8")
    reason = error.strerror or str(error) or type(error).__name__
    if not error.filename:
        return DirectoryError(f"This machine refused what the command needs: {reason}.", "Fix that and run it again.")
    return DirectoryError(
        f"Cannot use {error.filename}: {reason}.", f"Look at it: ls -ld {shlex.quote(str(error.filename))}"
    )


class UsageError(DeployError):
    """The command line asks for something that does not exist or is not possible."""

    exit_code = 2


class DirectoryError(DeployError):
    """The deployment directory cannot be read or written."""

    exit_code = 2


class StaleError(DeployError):
    """A generated file does not match the fleet file."""

    exit_code = 2


class FleetError(DeployError):
    """The fleet file is wrong; ``problems`` holds all of its problems.

    Args:
        excerpt: lines that show the place of the only problem.
        remedy: what to do, if it is not an edit of that file.
    """

    exit_code = 2

    def __init__(
        self,
        source: str,
        problems: Iterable[Problem],
        remedy: Remedy | str = "Edit the file and run the command again.",
        excerpt: Iterable[str] = (),
    ) -> None:
        self.problems = tuple(problems)
        lines = "\n".join(
            [*(f"  {problem.located}" for problem in self.problems), *(f"    {line}" for line in excerpt)]
        )
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        super().__init__(f"{source} has {count}:\n{lines}", remedy)


class ConfigError(DeployError):
    """A gateway refuses its own config; ``problems`` holds all of its problems."""

    exit_code = 2

    def __init__(self, what: str, problems: Iterable[Problem], remedy: Remedy | str) -> None:
        self.problems = tuple(problems)
        lines = "".join(f"\n  {problem}" for problem in self.problems)
        super().__init__(what + lines, remedy)


class PortConflictError(DeployError):
    """Two profiles, or a profile and another process, need the same port."""

    exit_code = 3


class EngineUnreachableError(DeployError):
    """No Docker Engine responds."""

    exit_code = 4


class EngineFailedError(DeployError):
    """The engine, Compose or an image build refused or failed."""

    exit_code = 5


class EngineForbiddenError(EngineUnreachableError):
    """This user may not use the engine."""


class StateRefusedError(DeployError):
    """An operation on a gateway's state would lose or damage something."""

    exit_code = 7


class NotReadyError(DeployError):
    """A gateway did not become usable in time."""

    exit_code = 6
