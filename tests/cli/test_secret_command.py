"""`secret` as it is typed: where the value comes from, and where it never appears."""

from __future__ import annotations

import json
import os
import pty
import secrets
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from idlehands_deploy.cli import app
from idlehands_deploy.operations import profiles
from tests.support.helpers import clean_environ, run, session, snapshot

if TYPE_CHECKING:
    from pathlib import Path

CTRL_C = "\x03"
ASKED = b"(hidden): "


@pytest.fixture
def deployment(tmp_path: Path) -> Path:
    """A home directory that is a deployment of main and rescue."""
    profiles.init(session(tmp_path), ["main", "rescue"])
    return tmp_path


def typed(home: Path, line: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """The program with something on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "idlehands_deploy", *line.split()], cwd=home, env=clean_environ(home), input=given,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_the_value_comes_from_standard_input_and_is_never_shown(deployment: Path) -> None:
    value = secrets.token_hex(16)
    done = typed(deployment, "secret set rescue A_KEY", f"{value}\n")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        "secrets/rescue/A_KEY: written, because there is none\n"
        "fleet.yaml: A_KEY named under profiles.rescue.secrets, because it was not\n"
        "compose.yaml: written, because it is out of date\n"
        "Apply it: idlehands-deploy up rescue   (recreates a container that runs)\n"
    )
    assert (deployment / "secrets" / "rescue" / "A_KEY").read_text() == value
    listed = typed(deployment, "secret list")
    assert listed.stdout.splitlines()[1].split()[:3] == ["rescue", "A_KEY", "set"]
    (said,) = json.loads(typed(deployment, "secret list all --json").stdout)
    assert {**said, "changed_at": None} == {
        "profile": "rescue", "key": "A_KEY", "state": "set", "named": True, "changed_at": None,
    }  # fmt: skip
    assert value not in listed.stdout + listed.stderr


@pytest.mark.parametrize(
    "arguments",
    ["main A_KEY {0}", "main A_KEY -- {0}", "main A_KEY --{0}", "main A_KEY -----BEGIN-{0}", "main A_KEY --value={0}",
     "main A_KEY -v{0}", "main {0}", "main A_KEY={0}", "A_KEY {0}", "main {0} A_KEY", "main --key A_KEY --value {0}"],
)  # fmt: skip
def test_a_value_among_the_arguments_is_refused_and_not_repeated(deployment: Path, arguments: str) -> None:
    value = secrets.token_hex(16)
    before = snapshot(deployment)
    done = run(deployment, "secret", "set", *arguments.format(value).split())
    assert (done.returncode, done.stdout) == (2, "")
    assert value not in done.stderr
    assert "never the value" in done.stderr or "stays in your shell's history" in done.stderr
    assert snapshot(deployment) == before


@pytest.mark.parametrize("line", ["secret set main A_KEY", "secret set main A_KEY --dry-run"])
def test_no_value_at_all_is_refused(deployment: Path, line: str) -> None:
    before = snapshot(deployment)
    done = typed(deployment, line)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: The value is empty: nothing was set.\n")
    assert {**snapshot(deployment), ".lock": None} == {**before, ".lock": None}


def test_a_dry_run_shows_the_plan_and_changes_nothing(deployment: Path) -> None:
    before = snapshot(deployment)
    done = typed(deployment, "secret set main A_KEY --dry-run --up", "value")
    assert done.stdout.splitlines() == [
        "secrets/main/A_KEY: written, because there is none",
        "fleet.yaml: A_KEY named under profiles.main.secrets, because it was not",
        "compose.yaml: written, because it is out of date",
        "main: brought up, because --up was given",
    ]
    assert done.stderr == "Nothing was changed.\n"
    assert snapshot(deployment) == before


def test_without_a_fleet_file_nothing_is_made(tmp_path: Path) -> None:
    done = typed(tmp_path, "secret set main A_KEY", "value")
    assert done.returncode == 2
    assert "There is no fleet file" in done.stderr
    assert snapshot(tmp_path) == {}


def test_at_a_terminal_the_value_is_asked_for_and_not_shown(deployment: Path) -> None:
    value = secrets.token_hex(16)
    code, shown = at_terminal(deployment, "secret set main A_KEY", f"{value}\n")
    assert code == 0
    assert "Value of A_KEY for main (hidden): " in shown
    assert value not in shown
    assert (deployment / "secrets" / "main" / "A_KEY").read_text() == value


def test_ctrl_c_at_the_prompt_changes_nothing(deployment: Path) -> None:
    before = snapshot(deployment)
    code, _ = at_terminal(deployment, "secret set main A_KEY", CTRL_C)
    assert code == 130
    assert snapshot(deployment) == before


def test_a_wrong_name_is_reported_before_the_value_is_asked_for(deployment: Path) -> None:
    code, shown = at_terminal(deployment, "secret set mian A_KEY", "")
    assert code == 2
    assert "hidden" not in shown


@pytest.mark.parametrize(("word", "command"), [("ls", "list"), ("add", "set"), ("delete", "rm"), ("unset", "rm")])
def test_other_words_for_its_commands_work(word: str, command: str) -> None:
    shown = CliRunner().invoke(app, ["secret", word, "--help"])
    assert f"secret {command} " in shown.stdout
    assert CliRunner().invoke(app, ["secrets", word, "--help"]).stdout == shown.stdout


def at_terminal(home: Path, line: str, keys: str) -> tuple[int, str]:
    """The program at a terminal of its own, once it has asked for something."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(home)
        command = [sys.executable, "-m", "idlehands_deploy", *line.split()]
        os.execve(sys.executable, command, clean_environ(home))  # noqa: S606 - it is this program
    shown, deadline = b"", time.monotonic() + 60
    while True:
        if not select.select([terminal], [], [], 1)[0]:
            assert time.monotonic() < deadline, shown
            # Python may miss a Ctrl-C that comes in the moment before it waits; a person then presses it again.
            if keys == CTRL_C and shown.endswith(ASKED):
                os.write(terminal, keys.encode())
            continue
        try:
            read = os.read(terminal, 4096)
        except OSError:  # it has ended
            break
        shown += read
        if shown.endswith(ASKED):
            os.write(terminal, keys.encode())
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()
