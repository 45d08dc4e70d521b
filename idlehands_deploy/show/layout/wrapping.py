"""Break text for a terminal: between words, never within a command, a path or a link."""

from __future__ import annotations

import os
import re
import unicodedata
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from idlehands_deploy.remedies import Command, Remedy

USUAL_WIDTH = 80
# Where a sentence turns into a command line of the host.
HOST_COMMAND = re.compile(
    r"(?<![\w.-])(sudo|docker|ch(mod|own|grp)|mv|cp|rm|rmdir|du|df|ls|ssh|cd|cat|grep|(journal|system|login|timedate)ctl|sysctl"
    r"|pip|fuser|u?mount|apt(-get)?|idlehands-deploy|usermod|openssl|xdg-open|curl|kill|ps|ip|ss|ufw|nft|iptables) "
)


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
        # A command that is too long for any line begins where it stands.
        is_endless = " " in unit and cells(rest + unit) > width
        if not is_empty and not is_endless and cells(line) + 1 + cells(unit) > width:
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
    """Break a remedy between the words of its sentences, and never within a command, which a person copies.

    What continues a line is indented two columns further than it.

    Args:
        write: formats a command of this tool.
    """
    wrapped = []
    for units in _unit_lines(remedy, write):
        indent = next((number for number, unit in enumerate(units) if unit), 0)
        wrapped += wrap_units(units[indent:], width, first=" " * indent, rest=" " * (indent + 2))
    return wrapped


def _unit_lines(remedy: Remedy, write: Callable[[Command], str]) -> list[list[str]]:
    """Each line of a remedy as units: words and whole commands."""
    lines = [[""]]
    for part in remedy.parts:
        if not isinstance(part, str):
            lines[-1][-1] += write(part)
            continue
        for number, text in enumerate(part.split("\n")):
            if number:
                lines.append([""])
            # A command of the host goes up to the end of its sentence, as far as anybody can tell.
            before = found.start() if (found := HOST_COMMAND.search(text)) else len(text)
            head, *others = text[:before].split(" ")
            lines[-1][-1] += head
            lines[-1] += others
            if rest := text[before:]:
                lines[-1][-1] += rest.rstrip(" ")
                lines[-1] += [""] * (len(rest) - len(rest.rstrip(" ")))
    return lines


def _cells(mark: str) -> int:
    if unicodedata.combining(mark):
        return 0
    return 2 if unicodedata.east_asian_width(mark) in "WF" else 1
