"""JSON5 rewritten as plain JSON, in time that is linear in its length: any gateway may write any text."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Possessive, and one attempt a position.
_PIECE = re.compile(
    r"(?P<blank>(?:[\s\ufeff]++|//[^\n\r\u2028\u2029]*+|/\*.*?\*/)++)"
    r"|(?P<string>\"(?:[^\"\\\n\r]|\\.)*+\"|'(?:[^'\\\n\r]|\\.)*+')"
    r"|(?P<mark>[{}\[\]:,])"
    r"|(?P<word>[^\s\ufeff,:{}\[\]/'\"]++)",
    re.DOTALL,
)
_SPECIAL = re.compile(r"\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|\r\n|.)|[\"\x00-\x1f]", re.DOTALL)
_DECIMAL = re.compile(r"([+-]?)(?:(0|[1-9][0-9]*+)(\.[0-9]*+)?+|(\.[0-9]++))([eE][+-]?[0-9]++)?+")
_HEXADECIMAL = re.compile(r"([+-]?)0[xX]([0-9a-fA-F]++)")
_CONSTANT = re.compile(r"(?:\+|(-))?(Infinity|NaN)")
# Escapes that JSON has as well.
_SAME = frozenset('"\\bfnrt')
_LINE_ENDS = frozenset(("\n", "\r", "\r\n", "\u2028", "\u2029"))


class NotPlainError(ValueError):
    """A text that is not rewritten: it is no JSON5, or an unusual one.

    Attributes:
        lineno: where, the first line being 1; as in a ``JSONDecodeError``.
    """

    def __init__(self, lineno: int) -> None:
        super().__init__(lineno)
        self.lineno = lineno


def as_json(text: str) -> str:
    """The same value as JSON, on the same lines; wrong texts stay wrong, though not in every case.

    Raises:
        NotPlainError: it is not rewritten.
    """
    pieces = list(_pieces(text))
    written: list[str] = []
    last, lines = "", 1
    for number, (piece, line) in enumerate(pieces):
        after = pieces[number + 1][0] if number + 1 < len(pieces) else ""
        if piece == "," and after in {"]", "}"} and last not in {"", "[", "{", ",", ":"}:
            continue
        last = piece if piece in _MARKS else _string(piece, line) if piece[0] in "'\"" else _word(piece, after, line)
        written.append("\n" * (line - lines) + last)
        lines = line
    return " ".join(written)


_MARKS = frozenset("{}[]:,")


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """Each piece that is not blank, and its line."""
    place, line = 0, 1
    while place < len(text):
        found = _PIECE.match(text, place)
        if found is None:
            raise NotPlainError(line)
        place = found.end()
        if found.lastgroup != "blank":
            yield found[0], line
        line += found[0].count("\n")


def _string(piece: str, line: int) -> str:
    return f'"{_SPECIAL.sub(partial(_character, line), piece[1:-1])}"'


def _character(line: int, found: re.Match[str]) -> str:
    """A part of a string as JSON writes it."""
    piece = found[0]
    if piece[0] != "\\":
        return '\\"' if piece == '"' else f"\\u{ord(piece):04x}"
    escaped = piece[1:]
    if len(escaped) == 5 or escaped in _SAME:
        return piece
    if len(escaped) == 3:
        return f"\\u00{escaped[1:]}"
    if escaped in _LINE_ENDS:
        return ""
    if escaped == "0" and not found.string[found.end() : found.end() + 1].isdigit():
        return "\\u0000"
    if escaped in "ux0123456789":  # cut short, or with a meaning of its own
        raise NotPlainError(line)
    return "\\u000b" if escaped == "v" else f"\\u{ord(escaped):04x}" if escaped < " " else escaped


def _word(piece: str, after: str, line: int) -> str:
    if after == ":":
        if piece.replace("$", "_").isidentifier() and piece.isascii():
            return f'"{piece}"'
        raise NotPlainError(line)
    if piece in {"true", "false", "null"}:
        return piece
    if found := _DECIMAL.fullmatch(piece):
        sign, whole, part, below, power = (group or "" for group in found.groups())
        digits = f"{whole or '0'}{part or below}"
        return f"{sign.strip('+')}{digits}{'0' if digits[-1] == '.' else ''}{power}"
    if found := _HEXADECIMAL.fullmatch(piece):
        return f"{found[1].strip('+')}{int(found[2], 16)}"
    if found := _CONSTANT.fullmatch(piece):
        return f"{found[1] or ''}{found[2]}" if found[2] == "Infinity" else found[2]
    raise NotPlainError(line)
