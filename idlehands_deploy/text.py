"""Text that may be shown: what a gateway wrote must not move a terminal's cursor."""

from __future__ import annotations

# Longer than any sentence of the gateway or the image; characters.
LONGEST = 1000


def printable(text: object) -> str:
    """A text without control characters: a gateway that was broken into could otherwise write to the terminal."""
    return "".join(mark for mark in str(text) if mark.isprintable())


def plain(text: object) -> str:
    """What a gateway says, as it may be shown: printable, and no longer than any sentence of the gateway's."""
    return printable(str(text)[:LONGEST])


def count(number: int, noun: str) -> str:
    """A number with its noun, as in ``1 profile`` and ``2 profiles``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(names: list[str]) -> str:
    """Names as a sentence has them: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def file_size(size: int) -> str:
    """Bytes as a person reads them, such as 35 MB or 1.2 GB."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
