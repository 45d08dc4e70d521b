"""What is wrong somewhere, why it matters, and what mends it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from idlehands_deploy.remedies import Remedy  # noqa: TC001 - a named tuple reads its annotations

Level = Literal["error", "warning", "note"]


class Finding(NamedTuple):
    """One thing wrong at one place.

    Attributes:
        level: an error breaks or endangers something now; a warning will, or makes something not do what it says. A
            note is for knowing: nothing is wrong.
        place: the file and key (``fleet.yaml:profiles.rescue.port``), or the thing.
        what: what is wrong there.
        why: what comes of it.
        fix: the command to type, or the change to make.
    """

    level: Level
    place: str
    what: str
    why: str
    fix: Remedy | str
