from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import pytest
import typer.main

from idlehands_deploy.cli import app
from idlehands_deploy.cli.state import Listing
from tests.support.documents import DOCUMENTS, MULTIPLE_GATEWAYS, Step, fragments, links, own_commands, shows, steps
from tests.support.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


@each_document
def test_every_command_that_a_document_shows_exists_with_its_options(document: Path) -> None:
    for line in own_commands(document.read_text(encoding="utf-8")):
        follow(typer.main.get_command(app), shlex.split(line, comments=True), line)


@each_document
def test_every_link_within_the_project_leads_somewhere(document: Path) -> None:
    for path, fragment in links(document.read_text(encoding="utf-8")):
        target = document.parent / path if path else document
        assert target.exists(), path
        assert not fragment or fragment in fragments(target.read_text(encoding="utf-8")), f"{path}#{fragment}"


def test_the_page_on_several_gateways_shows_commands_and_refusals() -> None:
    shown = list(steps(MULTIPLE_GATEWAYS.read_text(encoding="utf-8")))
    assert {step.code for step in shown} >= {0, 2, 3, 6}
    assert sum("idlehands-deploy" in step.command for step in shown) > 10


@pytest.mark.parametrize(
    ("shown", "output", "is_shown"),
    [
        ("main  ready  5s\n", "main ready 17m\n", True),
        ("main ready\n", "main degraded\n", False),
        ("main ready\n", "main ready\nrescue ready\n", False),
        ("main ready\nrescue ready\n", "main ready\n", False),
        ("...\nrescue ready\n", "main ready\nrescue ready\n", True),
        ("...\nrescue ready\n", "rescue ready\n", True),
        ("...\nrescue ready\n", "rescue ready\nmain ready\n", False),
        ("rescue ...\n", "rescue ready\nmain ready\n", False),
        ("", "", True),
        ("", "Error\n", False),
    ],
)
def test_output_that_a_document_does_not_show_is_noticed(shown: str, output: str, *, is_shown: bool) -> None:
    assert shows(Step("command", 0, shown), output) is is_shown


def follow(command: Any, words: list[str], line: str) -> None:
    """See that each word of a command line names a command or an option, as far as the program is to understand it."""
    options = {name: option for option in command.params for name in (*option.opts, *option.secondary_opts)}
    passes_on = command.context_settings.get("ignore_unknown_options")
    ends = command.context_settings.get("allow_interspersed_args") is False
    while words:
        word = words.pop(0)
        if ends and not word.startswith("-"):
            words.clear()  # the rest is another program's
        elif word.startswith("-") and not passes_on:
            assert word in (*options, "-h", "--help"), f"idlehands-deploy {line}: there is no option {word}"
            if word in options and not options[word].is_flag:
                words.pop(0)
        elif hasattr(command, "commands"):
            if isinstance(command, Listing) and word not in command.commands:
                words.insert(0, word)
                word = "list"
            assert word in command.commands, f"idlehands-deploy {line}: there is no command {word}"
            follow(command.commands[word], words, line)
