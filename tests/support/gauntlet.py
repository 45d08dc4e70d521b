"""The gauntlet's table: what each fault gave, printed at the end of the test run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Under which a test's report carries its rows, also from one process to another.
PROPERTY = "gauntlet"
FAULT, VERDICT, DETECTED, RECOVERED_BY, READY, LOST = COLUMNS = (
    "fault", "verdict", "after (s)", "recovered by", "ready after (s)", "lost",
)  # fmt: skip


def new_row(fault: str) -> dict[str, Any]:
    """A row of which nothing is known but the fault; what a test does not come to stays so."""
    return dict.fromkeys(COLUMNS, "?") | {FAULT: fault}


def table(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The table's lines, which are Markdown too."""
    cells = [COLUMNS, *(tuple(_text(row[column]) for column in COLUMNS) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [" | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) for row in cells]
    return [f"| {line} |" for line in (lines[0], " | ".join("-" * width for width in widths), *lines[1:])]


def _text(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)
