"""The commands for a gateway's config, as a person and a script type them, without an engine."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.helpers import NO_ENGINE, ROOT, USER, run

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = '{gateway: {mode: "local", auth: {token: "a-long-secret-01"}}} // by hand\n'


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "fleet.yaml").write_text(f'name: x\nuser: "{USER}"\nprofiles: {{main: {{port: 30000}}}}\n')
    assert run(tmp_path, "generate").returncode == 0
    (tmp_path / "profiles/main/state/idlehands.json").write_text(CONFIG)
    return tmp_path


def typed(home: Path, *arguments: str, keys: str = "", editor: str = "true") -> tuple[int, str]:
    """The program at a terminal, with these keys pressed: its exit code and the screen."""
    script = home / "editor"
    script.write_text(f"#!/bin/sh\n{editor}\n")
    script.chmod(0o755)
    environ = os.environ | {"DOCKER_HOST": NO_ENGINE, "EDITOR": str(script), "PYTHONPATH": str(ROOT)}
    environ.pop("VISUAL", None)
    person, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "idlehands_deploy", *arguments],
        cwd=home, env=environ, stdin=terminal, stdout=terminal, stderr=terminal,
    ) as process:  # fmt: skip
        os.close(terminal)
        os.write(person, keys.encode())
        screen = b""
        while piece := _read(person):
            screen += piece
    os.close(person)
    return process.returncode, screen.decode().replace("\r\n", "\n")


def _read(person: int) -> bytes:
    try:
        return os.read(person, 1 << 16)
    except OSError:  # the program has ended
        return b""


def test_a_config_is_edited_at_a_terminal_and_saved(home: Path) -> None:
    code, screen = typed(home, "config", "edit", "main", editor="""sed -i 's/"local"/"local", bind: "lan"/' "$1" """)
    path = home / "profiles/main/state/idlehands.json"
    assert code == 0
    said = " ".join(screen.split())  # lines may be broken between words
    assert f"Saved {path}." in said
    assert "main could not be asked whether it accepts it: only its syntax was checked." in said
    assert path.read_text() == CONFIG.replace('"local"', '"local", bind: "lan"')


def test_a_broken_edit_is_discarded_when_the_person_says_so(home: Path) -> None:
    code, screen = typed(home, "config", "edit", "main", keys="n\n", editor="echo '{' > \"$1\"")
    assert code == 0
    assert "idlehands.json: is not JSON5 at line 2, column 1" in screen
    assert screen.endswith("Discarded: nothing was saved.\n")
    assert (home / "profiles/main/state/idlehands.json").read_text() == CONFIG


def test_an_edit_needs_a_terminal(home: Path) -> None:
    done = run(home, "config", "edit", "main")
    assert (done.returncode, "needs a terminal" in done.stderr) == (2, True)


def test_a_script_shows_checks_and_sets(home: Path) -> None:
    shown = run(home, "config", "show", "main")
    assert (shown.returncode, shown.stdout) == (0, CONFIG.replace("a-long-secret-01", "<removed>"))
    assert run(home, "config", "show", "main", "--raw").stdout == CONFIG
    assert json.loads(run(home, "config", "show", "main", "--json").stdout)["gateway"]["mode"] == "local"
    done = run(home, "config", "set", "main", "gateway.port", "30000")
    assert done.returncode == 0, done.stderr
    assert "port: 30000" in run(home, "config", "show", "main").stdout
    assert run(home, "config", "unset", "main", "gateway.port").returncode == 0
    assert run(home, "config", "show", "main", "--raw").stdout == CONFIG
    done = run(home, "config", "set", "main", "gateway.mode", "remote")
    assert (done.returncode, "gateway.mode: is not local" in done.stderr) == (2, True)
    assert run(home, "config", "check", "main").returncode == 4  # nobody to ask
    (home / "profiles/main/state/idlehands.json").write_text("{")
    done = run(home, "config", "check", "main")
    assert done.returncode == 2
    assert "  is not JSON5 at line 1, column 2\n" in done.stdout
    checked = json.loads(run(home, "config", "check", "main", "--json").stdout)
    assert checked[0]["problems"] == [{"path": "", "problem": "is not JSON5 at line 1, column 2"}]
