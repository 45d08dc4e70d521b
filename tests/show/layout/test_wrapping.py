from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.operations import profiles
from idlehands_deploy.planning.steps import Step
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show.layout.wrapping import cells, wrap, wrap_lines, wrap_remedy
from tests.support.helpers import run, session
from tests.support.terminal import WIDTHS, on_terminal

if TYPE_CHECKING:
    from pathlib import Path

at_any_width = pytest.mark.parametrize("width", WIDTHS)
REASONS = [
    "its settings changed: mem_limit from 2g to 3g, environment.A_VERY_LONG_NAME_OF_A_VARIABLE, user",
    "it refuses its config: /srv/bots/profiles/rescue/state/idlehands.json:browser.profiles.work.cdpPort is no number",
    "再起動に失敗しました。 設定ファイルの 書式が 正しくありません。 もう一度 確認してください。",
    "it ends again and again",
]


@pytest.mark.parametrize(
    ("text", "columns"), [("", 0), ("main", 4), ("é", 1), ("e\u0301", 1), ("救助", 4), ("ready 救助", 10), ("🤖", 2)]
)
def test_a_text_is_as_wide_as_a_terminal_shows_it(text: str, columns: int) -> None:
    assert cells(text) == columns


@at_any_width
@pytest.mark.parametrize("reason", REASONS)
def test_the_line_of_a_plan_breaks_between_words_and_loses_nothing(reason: str, width: int) -> None:
    line = str(Step("rescue-of-the-family", "container recreated", reason, ("up",)))
    lines = wrap_lines(line, width)
    assert " ".join(part.strip() for part in lines) == line
    assert [part for part in lines if cells(part) > width and " " in part.strip()] == []
    assert [part for part in lines[1:] if not part.startswith("  ")] == []


def test_what_fits_stays_as_it_is() -> None:
    assert wrap_lines("  a  b\n\n   ^", 40) == ["  a  b", "", "   ^"]
    assert wrap("one two", 7) == ["one two"]


def test_a_command_is_never_broken_and_gets_a_line_of_its_own_if_it_then_fits() -> None:
    remedy = Remedy("main is ready, at 127.0.0.1:18789. Open it: ", ours("url", "main"))
    assert wrap_remedy(remedy, 80, str) == [str(remedy)]
    assert wrap_remedy(remedy, 60, str) == [
        "main is ready, at 127.0.0.1:18789. Open it:", "  idlehands-deploy url main",
    ]  # fmt: skip
    assert wrap_remedy(remedy, 32, str) == [
        "main is ready, at", "  127.0.0.1:18789. Open it:", "  idlehands-deploy url main",
    ]  # fmt: skip
    assert wrap_remedy(Remedy("  Next: ", ours("logs", "m" * 40)), 40, str) == [f"  Next: {ours('logs', 'm' * 40)}"]


@pytest.mark.parametrize(
    ("sentence", "command"),
    [
        ("Start it (sudo systemctl start docker), then run again: ", "sudo systemctl start docker"),
        (
            "give the files to their gateways: sudo sh -c 'chown -R 1000:1000 /srv/a /srv/b'",
            "sh -c 'chown -R 1000:1000",
        ),
        ("use a kernel with seccomp; check: docker info --format '{{.SecurityOptions}}'", "docker info --format '{{"),
        ("chmod 700 '/srv/my bots/profiles'", "chmod 700 '/srv/my bots/profiles'"),
        ("Or look at it\n  cd /srv/bots && docker compose up", "cd /srv/bots && docker compose up"),
        ("its log: journalctl -u docker -n 50", "journalctl -u docker -n 50"),
    ],
)
@pytest.mark.parametrize("width", [20, 40, 60])
def test_a_command_of_the_host_in_a_sentence_is_never_broken(sentence: str, command: str, width: int) -> None:
    assert [line for line in wrap_remedy(Remedy(sentence, ours("up")), width, str) if command in line] != []


def test_a_sentence_that_holds_no_command_breaks_between_its_words() -> None:
    sentence = "if you do not trust that network, set `publish: {cdp: false}`, or use Docker Engine 28 or newer"
    assert wrap_remedy(Remedy(sentence), 60, str) == [
        "if you do not trust that network, set `publish: {cdp:", "  false}`, or use Docker Engine 28 or newer",
    ]  # fmt: skip


def test_a_remedy_of_several_lines_keeps_them() -> None:
    remedy = Remedy("Finish it: ", ours("rename", "a", "b"), "\nOr begin empty: ", ours("up", "b", "--yes"))
    assert wrap_remedy(remedy, 80, str) == str(remedy).split("\n")
    assert wrap_remedy(remedy, 36, str) == [
        "Finish it:", "  idlehands-deploy rename a b", "Or begin empty:", "  idlehands-deploy up b --yes",
    ]  # fmt: skip


@at_any_width
def test_a_person_sees_whole_names_links_and_commands_on_a_terminal(tmp_path: Path, width: int) -> None:
    profiles.init(session(tmp_path), ["main", "rescue-of-the-family"])
    code, shown = on_terminal(tmp_path, "status", width=width)
    assert code == 4
    assert [line for line in shown if "rescue-of-the-family" in line and "unknown" in line] != []
    # A command of the host is copied from the screen, so that it stays on one line.
    assert [line for line in shown if cells(line) > width and " " in line.strip() and "sudo" not in line] == []
    _, shown = on_terminal(tmp_path, "ports", "main", "rescue-of-the-family", width=width)
    assert [line for line in shown if re.search(r"127\.0\.0\.1 +19789$", line)] != []


@pytest.mark.parametrize("arguments", [("status",), ("ports", "main"), ("list",), ("generate", "--help")])
def test_what_a_pipe_gets_does_not_depend_on_the_terminal(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    profiles.init(session(tmp_path), ["main"])
    if "--help" not in arguments:
        assert run(tmp_path, *arguments, COLUMNS="40").stdout == run(tmp_path, *arguments, COLUMNS="200").stdout
    assert "\x1b" not in run(tmp_path, *arguments, TERM="xterm", FORCE_COLOR="1").stdout
