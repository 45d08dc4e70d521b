"""What a command is about to do, as values: steps with their causes."""

from __future__ import annotations

from dataclasses import dataclass

# What is said of a container when such a Compose command is run for it.
SAID = {"start": "container started", "restart": "container restarted", "stop": "container stopped"}


@dataclass(frozen=True)
class Step:
    """One thing that a command does.

    Attributes:
        subject: a profile, a file or an image.
        what: is done to it, as a past participle: "container recreated".
        cause: why, as a sentence's end; empty where the command itself asks for it.
        how: what the executor does: a verb and its arguments; empty for nothing.
        downtime: how long a gateway that runs is away; empty for one that is not.
        undo: in a transaction, what takes it back: a verb and its arguments, as in `how`; empty for nothing.
    """

    subject: str
    what: str
    cause: str = ""
    how: tuple[str, ...] = ()
    downtime: str = ""
    undo: tuple[str, ...] = ()

    def __str__(self) -> str:
        cause = f", because {self.cause}" if self.cause else ""
        return f"{self.subject}: {self.what}{cause}" + (f"; {self.downtime}" if self.downtime else "")

    def as_json(self) -> dict[str, str]:
        """The step for a script."""
        return {"subject": self.subject, "what": self.what, "cause": self.cause, "downtime": self.downtime}

    @property
    def verb(self) -> str:
        """The first word of `how`."""
        return self.how[0] if self.how else ""


@dataclass(frozen=True)
class Plan:
    """All that a command is about to do, in order."""

    steps: tuple[Step, ...] = ()

    def __add__(self, other: Plan) -> Plan:
        return Plan(self.steps + other.steps)

    @property
    def lines(self) -> list[str]:
        """A line a step, as a person reads them; a step without words is of no interest to anybody."""
        return [str(step) for step in self.steps if step.what]

    @property
    def changes(self) -> tuple[Step, ...]:
        """The steps that do anything."""
        return tuple(step for step in self.steps if step.how)

    def without(self, *verbs: str) -> Plan:
        """The steps with other verbs, or with none."""
        return Plan(tuple(step for step in self.steps if step.verb not in verbs))
