"""Lay a table out for a terminal of any width: columns give way in a fixed order, and below that a card a row.

No cell is ever broken but those that wrap, and these between words.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from idlehands_deploy.show.layout.wrapping import cells, padded, wrap, wrap_units

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GAP = "  "
# Where a column that wraps has less room than this, it goes below its row, or becomes a line of a card.
LEAST = 24
NOTHING = "-"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        gives: the column with the lowest number is the first that a narrow terminal leaves out; 0 is never left out.
        label: what is written before its value in a card; the columns without a label begin the card.
        wraps: its text may be broken between words.
    """

    title: str
    gives: int = 0
    label: str = ""
    wraps: bool = False


@dataclass(frozen=True)
class Piece:
    """A piece of a line, with the title of the column that it is from; `header` for the header itself."""

    text: str
    column: str = ""
    is_header: bool = False


Rows = list[list[Piece]]


def plain_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[str]:
    """The whole table as aligned lines, for a pipe: the same at any width."""
    titles = [column.title for column in columns]
    widths = [max(len(row[index]) for row in (titles, *rows)) for index in range(len(columns))]
    return [
        GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (titles, *rows)
    ]


def fitted_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> Rows:
    """The table as lines of pieces, for a terminal of this width."""
    kept = _kept(columns, rows, width)
    if kept is None:
        return list(_cards(columns, rows, width))
    shown = [columns[index] for index in kept]
    return _table(shown, [[row[index] for index in kept] for row in rows], width)


def _kept(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """The columns for which there is room; None if those that never give way are too wide."""
    kept = list(range(len(columns)))
    natural = _widths(columns, rows)
    while sum(_least(columns[index], natural[index]) for index in kept) + len(GAP) * (len(kept) - 1) > width:
        giving = [index for index in kept if columns[index].gives]
        if not giving:
            return None
        kept.remove(min(giving, key=lambda index: columns[index].gives))
    return kept


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(cells, (column.title, *(row[index] for row in rows)))) for index, column in enumerate(columns)]


def _least(column: Column, natural: int) -> int:
    return min(natural, LEAST) if column.wraps else natural


def _table(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> Rows:
    widths = _widths(columns, rows)
    spare = width - sum(map(_least, columns, widths)) - len(GAP) * (len(columns) - 1)
    for index, column in enumerate(columns):
        if column.wraps:
            least = _least(column, widths[index])
            widths[index], spare = min(widths[index], least + spare), spare - min(widths[index] - least, spare)
    header = [Piece(column.title, column.title, is_header=True) for column in columns]
    return [_aligned(header, widths), *(line for row in rows for line in _row(columns, row, widths))]


def _row(columns: Sequence[Column], row: Sequence[str], widths: Sequence[int]) -> Iterator[list[Piece]]:
    """The lines of a row: one, or more if a cell wraps."""
    broken = [
        wrap(cell, width) if column.wraps else [cell] for column, cell, width in zip(columns, row, widths, strict=True)
    ]
    for number in range(max(map(len, broken))):
        pieces = [
            Piece(lines[number] if number < len(lines) else "", column.title)
            for column, lines in zip(columns, broken, strict=True)
        ]
        yield _aligned(pieces, widths)


def _aligned(pieces: Sequence[Piece], widths: Sequence[int]) -> list[Piece]:
    last = max((number for number, piece in enumerate(pieces) if piece.text), default=0)
    aligned = []
    for number, (piece, width) in enumerate(zip(pieces[: last + 1], widths, strict=False)):
        text = piece.text if number == last else padded(piece.text, width) + GAP
        aligned.append(Piece(text, piece.column, piece.is_header))
    return aligned


def _cards(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> Iterator[list[Piece]]:
    """A card a row; rows that follow each other and begin alike share the beginning."""
    for name, group in groupby(rows, key=lambda row: row[0]):
        several = list(group)
        if len(several) == 1:
            yield from _card(columns, several[0], width, "")
            continue
        yield [Piece(name, columns[0].title, is_header=True)]
        for row in several:
            yield from _card(columns[1:], row[1:], width, GAP)


def _card(columns: Sequence[Column], row: Sequence[str], width: int, indent: str) -> Iterator[list[Piece]]:
    line, used = [Piece(indent)] if indent else [], cells(indent)
    for column, cell in zip(columns, row, strict=True):
        if column.label or column.wraps or cell == NOTHING:
            continue
        gap = GAP if used > cells(indent) else ""
        if gap and used + cells(gap) + cells(cell) > width:
            yield line
            line, gap, used = [Piece(indent + GAP)], "", cells(indent + GAP)
        line += [Piece(gap), Piece(cell, column.title, is_header=not indent and not used)]
        used += cells(gap) + cells(cell)
    yield line
    below = indent + GAP
    fields = [
        f"{column.label} {cell}"
        for column, cell in zip(columns, row, strict=True)
        if column.label and not column.wraps and cell != NOTHING
    ]
    yield from _lines(wrap_units([f"{field}," for field in fields[:-1]] + fields[-1:], width, first=below, rest=below))
    for column, cell in zip(columns, row, strict=True):
        if column.wraps and cell not in {"", NOTHING}:
            yield from _lines(wrap(f"{column.label} {cell}".strip(), width, first=below, rest=below))


def _lines(texts: Sequence[str]) -> Iterator[list[Piece]]:
    yield from ([Piece(text)] for text in texts if text.strip())
