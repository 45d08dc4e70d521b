"""A finding: what is wrong somewhere, why it matters, and how to fix it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from idlehands_deploy.remedies import Remedy  # noqa: TC001 - a named tuple reads its annotations

Level = Literal["error", "warning", "note"]


class Finding(NamedTuple):
    """One thing wrong at one place.

    Attributes:
        level: an error breaks or endangers something now; a warning does so later, or makes a setting ineffective.
            A note is information only: nothing is wrong.
        place: the file and key (``fleet.yaml:profiles.rescue.port``), or the thing itself.
        what: what is wrong there.
        why: the consequence.
        fix: the command to run, or the change to make.
    """

    level: Level
    place: str
    what: str
    why: str
    fix: Remedy
