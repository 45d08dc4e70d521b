from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from idlehands_deploy.cli import app
from idlehands_deploy.cli.usage import help_page
from tests.support.helpers import run
from tests.support.terminal import on_terminal

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM: Any = typer.main.get_command(app)
# Each group of commands, by the words that name it.
GROUPS: dict[tuple[str, ...], Any] = {(): PROGRAM} | {
    (name,): group for name, group in PROGRAM.commands.items() if hasattr(group, "commands")
}


each_page = pytest.mark.parametrize("words", GROUPS, ids=lambda words: " ".join(words) or "program")


def rows(page: str) -> dict[str, str]:
    """The commands of a help page with their sentences, joined if they take several lines."""
    found: dict[str, str] = {}
    for line in re.split(r"\n(?:Every day|Commands):\n", page)[1].splitlines():
        if re.match(r"  [a-z]", line):
            name, _, sentence = line.strip().partition(" ")
            found[name] = sentence.strip()
        elif line.startswith("   "):
            found[name] += f" {line.strip()}"
    return found


@each_page
def test_the_summary_of_every_command_fits_its_line_at_80_columns(tmp_path: Path, words: tuple[str, ...]) -> None:
    shown = run(tmp_path, *words, "--help", COLUMNS="80").stdout
    commands = {name: command for name, command in GROUPS[words].commands.items() if not command.hidden}
    assert sorted(rows(shown)) == sorted(commands)
    for name, sentence in rows(shown).items():
        assert f"  {name} " in shown
        assert f" {sentence}\n" in shown
        assert sentence.endswith(".")


@each_page
@pytest.mark.parametrize("width", [40, 60, 120, 200])
def test_a_help_page_says_the_same_at_any_width_and_is_not_wider_than_that(
    tmp_path: Path, words: tuple[str, ...], width: int
) -> None:
    shown = run(tmp_path, *words, "--help", COLUMNS=str(width)).stdout
    assert rows(shown) == rows(run(tmp_path, *words, "--help", COLUMNS="80").stdout)
    assert [line for line in shown.splitlines() if len(line) > width] == []


def test_every_command_is_in_one_group_of_the_help_page(tmp_path: Path) -> None:
    named = [name for names in help_page.GROUPS.values() for name in names]
    assert len(named) == len(set(named))
    assert set(named) == {name for name, command in PROGRAM.commands.items() if not command.hidden}
    shown = run(tmp_path, "--help").stdout
    places = [shown.index(f"\n{title}:\n") for title in help_page.GROUPS]
    assert places == sorted(places)
    assert f"\n{help_page.OTHERS}:\n" not in shown


def test_a_terminal_shows_the_same_page_as_a_pipe(tmp_path: Path) -> None:
    _, shown = on_terminal(tmp_path, "--help", width=80)
    assert shown == run(tmp_path, "--help", COLUMNS="80").stdout.splitlines()
