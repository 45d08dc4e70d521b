"""Words of a unit's text, as systemd reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LINE_BREAK = re.compile(r"[\n\r]")


def plain(directory: Path) -> str:
    """A path outside of lists and commands; systemd interprets percent signs, line breaks, and what ends a line."""
    text = LINE_BREAK.sub(" ", str(directory).replace("%", "%%"))
    return f"{text}/" if text.endswith(("\\", " ", "\t")) else text


def quoted(word: str) -> str:
    """A quoted word; in a command line systemd also interprets ``$``."""
    for mark, written in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("%", "%%")):
        word = word.replace(mark, written)
    return f'"{word}"'


def listed_path(path: Path) -> str:
    """A path for a list of paths; it is no error if it does not exist.

    A line break cannot be written there: in its place stands the nearest parent without one.
    """
    written = next(place for place in (path, *path.parents) if not LINE_BREAK.search(str(place)))
    return quoted(f"-{written}")
