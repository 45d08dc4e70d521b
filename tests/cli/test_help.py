from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from idlehands_deploy.cli import app
from tests.support.helpers import run

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM: Any = typer.main.get_command(app)
# Each group of commands, by the words that name it.
GROUPS: dict[tuple[str, ...], Any] = {(): PROGRAM} | {
    (name,): group for name, group in PROGRAM.commands.items() if hasattr(group, "commands")
}


@pytest.mark.parametrize("words", GROUPS, ids=lambda words: " ".join(words) or "program")
def test_the_summary_of_every_command_fits_its_line_at_80_columns(tmp_path: Path, words: tuple[str, ...]) -> None:
    shown = run(tmp_path, *words, "--help", COLUMNS="80")
    lines = shown.stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in lines] == list(GROUPS[words].commands)
    assert [line for line in lines if "..." in line] == []
