"""Tables on terminals of any width: what must stay whole stays whole, and columns give way in a fixed order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.show import fleet, ports, status, watch
from idlehands_deploy.show.layout.table import Column, fitted_table, plain_table
from idlehands_deploy.show.layout.wrapping import cells
from tests.support.terminal import WIDTHS

if TYPE_CHECKING:
    from collections.abc import Sequence

LONG = "rescue-of-the-whole-family-and-of-everybody-who-asks-for-it-too"
STATUS = [
    ("main", "ready", "http://127.0.0.1:18789/", "32s", "0", "786M/2G", "1%", "off", "2026.9.6"),
    (LONG, "crash-looping", "http://[2001:db8:1234:5678:9abc:def0:1234:5678]:19789/", "16d", "12", "1.5G/2G", "150%",
     "openclaw starting, work on", "2026.9.6"),
    ("gone", "missing", *"-------"),
]  # fmt: skip
MANY = [(f"profile-{number}", "ready", f"http://127.0.0.1:{19789 + number}/", *STATUS[0][3:]) for number in range(60)]
HISTORY = [
    ("2026-11-28T04:00:00Z", "main", "watch started", "-", "-"),
    ("2026-11-28T04:10:00Z", LONG, "restart failed", "2h 5m", "再起動に失敗しました: the engine refused it " * 4),
]
PORTS = [
    ("main", "gateway", "127.0.0.1", "18789", "nothing responds: gateway.bind is loopback"),
    ("main", "browser control", "127.0.0.1", "18791", ""),
    ("/root/.idlehands-救助", "gateway", "native", "19789", "not running, set by /root/.idlehands-救助/idlehands.json"),
]
LIST = [("main", "18789", "-", "-"), (LONG, "19789", "main, ops", ", ".join(["OPENAI_API_KEY"] * 9))]
TABLES: dict[str, tuple[Sequence[Column], Sequence[Sequence[str]]]] = {
    "status": (status.COLUMNS, STATUS),
    "status of short names": (status.COLUMNS, STATUS[:1]),
    "status of many": (status.COLUMNS, MANY),
    "history": (watch.COLUMNS, HISTORY),
    "ports": ((*ports.COLUMNS, Column("NOTE", wraps=True)), PORTS),
    "list": (fleet.LIST_COLUMNS, LIST),
}
at_any_width = pytest.mark.parametrize("width", WIDTHS)
of_any_table = pytest.mark.parametrize("table", TABLES)


def lines(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    return ["".join(piece.text for piece in line) for line in fitted_table(columns, rows, width)]


@at_any_width
@of_any_table
def test_names_states_and_links_are_whole_at_any_width(table: str, width: int) -> None:
    columns, rows = TABLES[table]
    shown = lines(columns, rows, width)
    for row in rows:
        for column, cell in zip(columns, row, strict=True):
            if not column.gives and not column.wraps and cell != "-":
                assert [line for line in shown if cell in line], cell


@at_any_width
@of_any_table
def test_no_line_is_wider_than_the_terminal_but_one_that_is_a_single_long_word(table: str, width: int) -> None:
    for line in lines(*TABLES[table], width):
        assert cells(line) <= width or " " not in line.strip(), line


@at_any_width
@of_any_table
def test_columns_stand_below_their_titles(table: str, width: int) -> None:
    columns, rows = TABLES[table]
    header, *below = lines(columns, rows, width)
    if not header.startswith(columns[0].title):
        return  # cards
    for title in header.split():
        place = cells(header[: header.index(title)])
        for line in below:
            before = next((number for number in range(len(line) + 1) if cells(line[:number]) == place), None)
            assert before is None or before == 0 or line[before - 1] == " ", (title, line)


def test_columns_of_status_give_way_in_a_fixed_order() -> None:
    shown = [lines(status.COLUMNS, STATUS[:1], width)[0].split() for width in range(120, 43, -1)]
    dropped = [
        title for wide, narrow in pairwise(shown) for title in wide if title not in narrow
    ]  # fmt: skip
    assert dropped == ["VERSION", "CPU", "MEMORY", "BROWSER", "RESTARTS"]
    assert shown[-1] == ["PROFILE", "STATE", "LINK", "UP"]


def test_at_80_columns_status_leaves_out_the_version_of_short_names_alone() -> None:
    assert lines(status.COLUMNS, STATUS[:1], 80) == [
        "PROFILE  STATE  LINK                     UP   RESTARTS  MEMORY   CPU  BROWSER",
        "main     ready  http://127.0.0.1:18789/  32s  0         786M/2G  1%   off",
    ]


def test_at_40_columns_each_profile_has_a_card_with_everything() -> None:
    assert lines(status.COLUMNS, [*STATUS[:1], *STATUS[2:]], 40) == [
        "main  ready  http://127.0.0.1:18789/",
        "  up 32s, restarts 0, memory 786M/2G,",
        "  cpu 1%, browser off, version 2026.9.6",
        "gone  missing",
    ]


def test_at_40_columns_the_ports_of_a_profile_share_its_card() -> None:
    assert lines((*ports.COLUMNS, Column("NOTE", wraps=True)), PORTS[:2], 40) == [
        "main",
        "  gateway  127.0.0.1  18789",
        "    nothing responds: gateway.bind is",
        "    loopback",
        "  browser control  127.0.0.1  18791",
    ]


def test_a_text_that_wraps_continues_in_its_own_column() -> None:
    rows = [("main", "18789", "-", "OPENAI_API_KEY, TELEGRAM_BOT_TOKEN, SLACK_BOT_TOKEN")]
    assert lines(fleet.LIST_COLUMNS, rows, 70) == [
        "PROFILE  PORT   RESCUES  SECRETS",
        "main     18789  -        OPENAI_API_KEY, TELEGRAM_BOT_TOKEN,",
        "                         SLACK_BOT_TOKEN",
    ]


@of_any_table
def test_a_pipe_gets_the_whole_table_with_a_line_for_each_row(table: str) -> None:
    columns, rows = TABLES[table]
    header, *below = plain_table(columns, rows)
    assert header.split() == [column.title for column in columns]
    assert len(below) == len(rows)
    for row, line in zip(rows, below, strict=True):
        assert line.split() == " ".join(row).split()
