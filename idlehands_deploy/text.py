"""Text that is safe to show: output of a gateway must not control the terminal."""

from __future__ import annotations

# Longer than any message of the gateway or the image; characters.
LONGEST = 1000


def printable(text: object) -> str:
    """A text without control characters: a compromised gateway could otherwise control the terminal."""
    return "".join(mark for mark in str(text) if mark.isprintable())


def printable_line(line: str) -> str:
    """A line of somebody else's output, with its tabs as they are and without whatever else moves a cursor."""
    return "\t".join(map(printable, line.split("\t")))


def plain(text: object) -> str:
    """A gateway's message, printable and cut to ``LONGEST``."""
    return printable(str(text)[:LONGEST])


def count(number: int, noun: str) -> str:
    """A number with its noun, such as ``1 profile`` or ``2 profiles``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: list[str]) -> str:
    """Names for a sentence: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def some(names: list[str], most: int = 10) -> str:
    """The first of many names for a sentence: ``a, b and 40 more``."""
    rest = len(names) - most
    return listed([*names[:most], f"{rest} more"] if rest > 0 else names)


def file_size(size: int) -> str:
    """Bytes for people, such as 35 MB or 1.2 GB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
