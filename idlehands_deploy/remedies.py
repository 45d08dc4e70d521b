"""The next thing to do, as a value: each view writes the commands in it its own way."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAM = "idlehands-deploy"


@dataclass(frozen=True)
class Command:
    """A command of this tool for the deployment at hand.

    Attributes:
        words: what follows the program's name, such as ``("up", "rescue")``.
        as_root: whether it needs root.
    """

    words: tuple[str, ...]
    as_root: bool = False

    def __str__(self) -> str:
        return ("sudo " if self.as_root else "") + shlex.join((PROGRAM, *self.words))


class Remedy:
    """The next command to type or the next thing to change: a sentence with commands in it.

    ``Remedy.run("up", "rescue")`` is a command alone; ``Remedy("put it back, then: ", ours("up", "rescue"))`` has
    words around it. It is false where there is nothing to do.
    """

    __slots__ = ("parts",)

    def __init__(self, *parts: str | Command) -> None:
        self.parts = tuple(part for part in parts if part)

    @classmethod
    def run(cls, *words: str, as_root: bool = False) -> Remedy:
        """A command of this tool and nothing else."""
        return cls(Command(words, as_root))

    @property
    def commands(self) -> tuple[Command, ...]:
        """The commands of this tool in it."""
        return tuple(part for part in self.parts if isinstance(part, Command))

    def text(self, write: Callable[[Command], str] = str) -> str:
        """The sentence.

        Args:
            write: how a command is written; by default without a directory.
        """
        return "".join(write(part) if isinstance(part, Command) else part for part in self.parts)

    def then(self, *parts: str | Command | Remedy) -> Remedy:
        """This remedy, and more of it."""
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
    """A command of this tool, to be put into a remedy."""
    return Command(words, as_root)


def remedy_of(fix: Remedy | str) -> Remedy:
    """A remedy, also of a plain sentence without a command of ours."""
    return fix if isinstance(fix, Remedy) else Remedy(fix)
