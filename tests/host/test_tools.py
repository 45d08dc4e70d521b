from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from idlehands_deploy.host.programs import tools


def only(monkeypatch: pytest.MonkeyPatch, *there: str) -> None:
    """A host that has only these commands."""
    monkeypatch.setattr(shutil, "which", lambda name, **_: f"/usr/bin/{name}" if name in there else None)


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (["ss", "lsof", "netstat", "fuser"], "sudo ss -ltnp 'sport = :18789'"),
        (["lsof", "netstat", "fuser"], "sudo lsof -nP -iTCP:18789 -sTCP:LISTEN"),
        (["netstat", "fuser"], "sudo fuser -v 18789/tcp"),
        (["netstat"], "sudo netstat -ltnp"),
        ([], ""),
    ],
)
def test_a_listener_is_shown_by_a_command_that_this_host_has(
    monkeypatch: pytest.MonkeyPatch, there: list[str], expected: str
) -> None:
    only(monkeypatch, *there)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert tools.listener_command(18789) == expected


def test_root_is_not_told_to_look_with_rights_that_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert tools.listener_command(18789) == ""


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        (["fuser", "lsof"], "fuser -v '/srv/my bots/.lock'"),
        (["lsof"], "lsof '/srv/my bots/.lock'"),
        (["lslocks"], "lslocks"),
        ([], ""),
    ],
)
def test_a_lock_s_holder_is_shown_by_a_command_that_this_host_has(
    monkeypatch: pytest.MonkeyPatch, there: list[str], expected: str
) -> None:
    only(monkeypatch, *there)
    assert tools.holder_command(Path("/srv/my bots/.lock")) == expected


def test_the_command_that_is_named_shows_the_holder_of_a_real_lock(tmp_path: Path) -> None:
    path = tmp_path / "my lock"
    if not (command := tools.holder_command(path)):
        pytest.skip("this host has none of them")
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = subprocess.run(shlex.split(command), capture_output=True, text=True, check=False, timeout=30)
    assert str(os.getpid()) in done.stdout + done.stderr
