"""How an operation reports its progress, without knowing how it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from idlehands_deploy.remedies import Remedy


class Progress(Protocol):
    """Takes messages for a person; never data."""

    def say(self, text: str | Remedy) -> None:
        """Show a line that stays."""

    def update(self, subject: str, text: str) -> None:
        """Show the current state of a subject (a profile, the image); on a terminal the next one replaces it."""

    def close(self) -> None:
        """Release the terminal, for a question or a command; the next update uses it again."""
