from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.engine.compose import LONGEST_LINE, Compose
from idlehands_deploy.errors import EngineFailedError
from idlehands_deploy.text import printable_line
from tests.support.helpers import clean_environ

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("main  | \x1b[31mred\x1b[0m", "main  | [31mred[0m"),
        ("\x1b]0;title\x07x", "]0;titlex"),
        ("a\tb\r\x08c", "a\tbc"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\u2028b\x85c\x9bd", "abcd"),
        ("\u6f22\u5b57 \u00e9 \U0001f600", "\u6f22\u5b57 \u00e9 \U0001f600"),
    ],
)
def test_a_line_of_a_log_keeps_its_text_and_loses_what_controls_a_terminal(line: str, shown: str) -> None:
    assert printable_line(line) == shown


@pytest.fixture
def compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compose:
    """A Compose that prints a line, one without an end, and fails."""
    program = tmp_path / "compose"
    program.write_text(f"#!/bin/sh\necho first\nhead -c {3 * LONGEST_LINE} /dev/zero | tr '\\0' x\nexit 3\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr("idlehands_deploy.engine.compose.find_binary", lambda: str(program))
    return Compose(tmp_path, "bots", {**clean_environ(tmp_path), "PATH": os.environ["PATH"]})


def test_compose_s_lines_are_passed_on_as_they_come_and_a_long_one_in_pieces(compose: Compose) -> None:
    lines: list[str] = []
    assert compose.relay("logs", show=lines.append) == 3
    assert lines[0] == "first"
    assert [len(line) for line in lines[1:]] == [LONGEST_LINE] * 3


def test_ctrl_c_ends_the_lines_without_a_word(compose: Compose) -> None:
    def interrupted(line: str) -> None:
        assert line == "first"
        raise KeyboardInterrupt

    assert compose.relay("logs", show=interrupted) == 3


def test_lines_are_given_as_they_come_and_a_failure_has_what_compose_said(compose: Compose) -> None:
    """A gateway may fill 30 MB of logs; they are not kept."""
    given: list[str] = []
    with pytest.raises(EngineFailedError, match="`docker compose logs` failed"):
        given.extend(compose.lines("logs"))
    assert given[0] == "first"
    assert [len(line) for line in given[1:]] == [LONGEST_LINE] * 3
