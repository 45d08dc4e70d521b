"""Break text for a terminal: between words, never within a command, a path or a link."""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from idlehands_deploy.remedies import Command, Remedy

USUAL_WIDTH = 80


def terminal_width(stream: TextIO) -> int:
    """The columns of a stream's terminal; the variable COLUMNS outranks them."""
    if (columns := os.environ.get("COLUMNS", "")).isdigit() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(stream.fileno()).columns or USUAL_WIDTH
    except (OSError, ValueError):  # no terminal, or a closed stream
        return USUAL_WIDTH


def cells(text: str) -> int:
    """The columns that a printable text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def padded(text: str, width: int) -> str:
    """A text with spaces up to a number of columns."""
    return text + " " * (width - cells(text))


def wrap(text: str, width: int, *, first: str = "", rest: str = "") -> list[str]:
    """Break a text between words; a word that is longer than a line stays whole.

    Args:
        first: what the first line begins with.
        rest: what each further line begins with.
    """
    return wrap_units(text.split(" "), width, first=first, rest=rest)


def wrap_units(units: Iterable[str], width: int, *, first: str = "", rest: str = "") -> list[str]:
    """Put units side by side, with a space between two, on as few lines as they need; none is broken."""
    lines, line, is_empty = [], first, True
    for unit in units:
        if not is_empty and cells(line) + 1 + cells(unit) > width:
            lines.append(line.rstrip())
            line, is_empty = rest, True
        line += unit if is_empty else f" {unit}"
        is_empty = is_empty and not unit
    return [*lines, line]


def wrap_lines(text: str, width: int) -> list[str]:
    """Break each line of a text; what continues a line is indented two columns further than it."""
    wrapped = []
    for line in text.split("\n"):
        bare = line.lstrip(" ")
        indent = line[: len(line) - len(bare)]
        wrapped += wrap(bare, width, first=indent, rest=f"{indent}  ")
    return wrapped


def wrap_remedy(remedy: Remedy, width: int, write: Callable[[Command], str]) -> list[str]:
    """Break a remedy before each command that is whole on a line of its own, but not where it stands.

    Nowhere else: its sentences can hold commands of the host, which are copied from the screen.
    """
    lines = [""]
    for part in remedy.parts:
        text = part if isinstance(part, str) else write(part)
        indent = " " * (len(lines[-1]) - len(lines[-1].lstrip(" ")) + 2)
        is_broken = cells(lines[-1]) + cells(text) > width >= cells(indent + text)
        if not isinstance(part, str) and lines[-1].strip() and is_broken:
            lines[-1] = lines[-1].rstrip(" ")
            lines.append(f"{indent}{text}")
        else:
            lines[-1] += text
    return lines


def _cells(mark: str) -> int:
    if unicodedata.combining(mark):
        return 0
    return 2 if unicodedata.east_asian_width(mark) in "WF" else 1
