"""The next thing to do, as a value; each view formats its commands in its own way."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = "idlehands-deploy"


@dataclass(frozen=True)
class Command:
    """A command of this tool, for the current deployment.

    Attributes:
        words: what follows the program's name, such as ``("up", "rescue")``.
        as_root: whether it needs root.
    """

    words: tuple[str, ...]
    as_root: bool = False

    def __str__(self) -> str:
        return ("sudo " if self.as_root else "") + shlex.join((PROGRAM, *self.words))


class Remedy:
    """The next command to run or the next thing to change: a sentence with commands in it.

    ``Remedy.run("up", "rescue")`` is a command alone; ``Remedy("restore it, then: ", ours("up", "rescue"))`` is a
    sentence with a command. An empty remedy is false.
    """

    __slots__ = ("parts",)

    def __init__(self, *parts: str | Command) -> None:
        self.parts = tuple(part for part in parts if part)

    @classmethod
    def run(cls, *words: str, as_root: bool = False) -> Remedy:
        """A remedy that is one command of this tool."""
        return cls(Command(words, as_root))

    @property
    def commands(self) -> tuple[Command, ...]:
        """Its commands of this tool."""
        return tuple(part for part in self.parts if isinstance(part, Command))

    def text(self, write: Callable[[Command], str] = str) -> str:
        """The sentence.

        Args:
            write: formats a command; by default without the deployment directory.
        """
        return "".join(write(part) if isinstance(part, Command) else part for part in self.parts)

    def then(self, *parts: str | Command | Remedy) -> Remedy:
        """This remedy, followed by more parts."""
        added = [item for part in parts for item in (part.parts if isinstance(part, Remedy) else (part,))]
        return Remedy(*self.parts, *added)

    def __str__(self) -> str:
        return self.text()

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remedy) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)

    def __repr__(self) -> str:
        return f"Remedy{self.parts!r}"


def ours(*words: str, as_root: bool = False) -> Command:
    """A command of this tool, as a part of a remedy."""
    return Command(words, as_root)


def remedy_of(fix: Remedy | str) -> Remedy:
    """A remedy from a remedy or a plain sentence."""
    return fix if isinstance(fix, Remedy) else Remedy(fix)
