"""How an operation tells what it is doing, without knowing where it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from idlehands_deploy.remedies import Remedy


class Progress(Protocol):
    """A place for talk; never for data."""

    def say(self, text: str | Remedy) -> None:
        """A line that stays."""

    def update(self, subject: str, text: str) -> None:
        """What a subject (a profile, the image) is at now; a terminal replaces it by the next."""

    def close(self) -> None:
        """Leave the terminal to somebody else; the next update takes it again."""
