"""`watch` and `history` as run by a shell and a service manager; no engine is needed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from idlehands_deploy.cli.watch import Screen
from idlehands_deploy.show import output
from tests.support.helpers import clean_environ, run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SECONDS = 60
INTERRUPTED = """
import os, signal, threading
from idlehands_deploy.cli.watch import stop_on_sigterm
stopped = threading.Event()
stop_on_sigterm(stopped)
with stopped._cond:  # as during a short time of each wait
    os.kill(os.getpid(), signal.SIGTERM)
assert stopped.wait(30)
"""


def begin(home: Path) -> subprocess.Popen[str]:
    (home / "fleet.yaml").write_text("profiles: {main: {port: 41990}, rescue: {port: 42990}}\n")
    arguments = [sys.executable, "-m", "idlehands_deploy", "watch", "--json"]
    return subprocess.Popen(arguments, cwd=home, env=clean_environ(home), stdout=subprocess.PIPE, text=True)


def test_a_watch_ends_with_sigpipe_s_code_when_its_reader_is_gone(tmp_path: Path) -> None:
    with begin(tmp_path) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "watching"
        process.stdout.close()
        assert process.wait(SECONDS) == 141


def test_no_thread_of_a_watch_ends_when_its_reader_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_: str) -> None:
        raise SystemExit(141)

    monkeypatch.setattr(output, "show_now", gone)
    screen = Screen(str)
    screen.show({})
    assert (screen.code, screen.stopped.is_set()) == (141, True)


def test_sigterm_ends_a_watch_with_exit_code_0(tmp_path: Path) -> None:
    with begin(tmp_path) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["event"] == "watching"
        process.send_signal(signal.SIGTERM)
        assert json.loads(process.communicate(timeout=SECONDS)[0].splitlines()[-1])["event"] == "ended"
        assert process.returncode == 0


def test_sigterm_ends_a_watch_at_any_time(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", INTERRUPTED], env=clean_environ(tmp_path), timeout=SECONDS, check=True)


def test_an_age_beyond_the_calendar_shows_everything(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("profiles: {main: }\n")
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "journal.jsonl").write_text('{"time":"2026-01-01T00:00:00.000Z","event":"ended"}\n')
    said = run(tmp_path, "history", "--since", "999999d", "--json")
    assert (said.returncode, len(json.loads(said.stdout)["entries"])) == (0, 1)


def test_an_invalid_address_for_metrics_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fleet.yaml").write_text("profiles: {main: }\n")
    said = run(tmp_path, "watch", "--metrics", "a..b:9464")
    assert (said.returncode, "--metrics cannot listen on a..b:9464" in said.stderr) == (2, True)
