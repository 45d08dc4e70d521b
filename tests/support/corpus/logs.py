"""Hostile logs, as a container has printed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# All that the engine keeps of one container, in which each line takes some 75 bytes more.
MOST, MOST_LINES = 30_000_000, 400_000
TIME = "2026-11-22T17:13:06.100000000Z "
CONTROLS = "\x1b]0;title\x07\x1b[2J\x1b[31m\u202e\u2028\r\x08"


def _lines(line: str, most: int = MOST_LINES) -> Callable[[Path], None]:
    whole = (TIME + line + "\n").encode(errors="replace")
    return lambda path: _repeat(path, whole, min(most, MOST // len(whole)))


def _line(unit: str) -> Callable[[Path], None]:
    """The engine cuts a long line, and Compose puts it together again."""
    return lambda path: _repeat(path, unit.encode(), MOST // len(unit))


def _repeat(path: Path, unit: bytes, number: int) -> None:
    with path.open("wb") as file:
        for _ in range(100):
            file.write(unit * (number // 100))


def _noise(path: Path) -> None:
    path.write_bytes(bytes(range(256)) * 20_000)


LOGS: dict[str, Callable[[Path], None]] = {
    "as many lines as there can be": _lines(""),
    "30 MB of lines with a secret": _lines("token=sesame password: sesame Bearer abcdefgh12345678"),
    "30 MB of long lines": _lines("word " * 3000),
    "lines that control a terminal": _lines(CONTROLS, 20_000),
    "lines that look like other containers'": _lines("other-1  | " + TIME + "x", 20_000),
    "a line without an end": _line("x"),
    "a line of names": _line("token="),
    "a line of addresses": _line("http://a@"),
    "a private key without an end": _line("-----BEGIN A-----"),
    "no text": _noise,
}
