"""`dashboard` and `watch --dashboard` as run by a person and a service manager; no engine is needed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
import requests

from tests.support.helpers import clean_environ, mode, run, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECONDS = 60
LINK = r"http://127\.0\.0\.1:(\d+)/\?token=[\w-]{43}"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "fleet.yaml").write_text("profiles: {main: {port: 41990}, rescue: {port: 42990}}\n")
    return tmp_path


@contextmanager
def begun(home: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "idlehands_deploy", *arguments]
    with subprocess.Popen(
        command, cwd=home, env=clean_environ(home), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_dashboard_serves_its_link_until_ctrl_c_which_ends_it_at_once_and_leaves_nothing(home: Path) -> None:
    before = snapshot(home)
    with begun(home, "dashboard", "--port", "0") as process:
        link = first_line(process)
        assert re.fullmatch(LINK, link)
        assert requests.get(link, timeout=SECONDS).status_code == 200
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) == 130
        assert time.monotonic() - began < 1
    assert snapshot(home) == before


def test_a_port_that_is_asked_for_must_be_free_and_the_usual_one_gives_way(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = run(home, "dashboard", "--port", str(port))
        assert (said.returncode, f"127.0.0.1:{port} for --port is in use" in said.stderr) == (3, True)
    with begun(home, "dashboard") as first, begun(home, "dashboard") as second:
        links = {first_line(first), first_line(second)}
        assert len({re.fullmatch(LINK, link)[1] for link in links if link}) == 2  # type: ignore[index]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("watch", "--dashboard", "0.0.0.0:18700"), "--dashboard listens on loopback alone, and 0.0.0.0 is not"),
        (("watch", "--dashboard", "192.0.2.1:18700"), "--dashboard listens on loopback alone"),
        (("watch", "--dashboard", "[::]:18700"), "--dashboard listens on loopback alone"),
        (("watch", "--dashboard", "18700"), "must be an address and a port"),
        (("dashboard", "--port", "65536"), "--port"),
        (("dashboard", "--port", "-1"), "--port"),
        (("install", "--dashboard", "127.0.0.1:18700"), "goes with --watch"),
    ],
)
def test_an_address_that_cannot_be_served_is_refused_and_changes_nothing(
    home: Path, arguments: tuple[str, ...], problem: str
) -> None:
    before = snapshot(home)
    said = run(home, *arguments)
    assert (said.returncode, problem in " ".join(said.stderr.split())) == (2, True)
    assert snapshot(home) == before


def test_a_fleet_that_cannot_be_shown_is_refused_before_a_link_is_printed(tmp_path: Path) -> None:
    for text in (None, "profiles: {}\n", "profiles: {main: {prot: 1}}\n"):
        if text:
            (tmp_path / "fleet.yaml").write_text(text)
        said = run(tmp_path, "dashboard", "--port", "0")
        assert (said.returncode, said.stdout) == (2, "")


def test_a_watch_keeps_the_token_of_its_page_out_of_its_log_and_gives_it_to_who_owns_the_files(home: Path) -> None:
    with begun(home, "watch", "--json", "--dashboard", f"127.0.0.1:{free_port()}") as process:
        assert json.loads(first_line(process))["event"] == "watching"
        said = run(home, "dashboard", "--link")
        assert (said.returncode, said.stderr) == (0, "")
        assert re.fullmatch(LINK, said.stdout.strip())
        assert mode(home / "watch" / "page.link") == oct(0o600)
        assert requests.get(said.stdout.strip(), timeout=SECONDS).status_code == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=SECONDS)
    token = said.stdout.strip().rpartition("=")[2]
    assert token not in out + err + (home / "watch" / "journal.jsonl").read_text()
    assert "idlehands-deploy dashboard --link" in err
    assert process.returncode == 0
    said = run(home, "dashboard", "--link")
    assert (said.returncode, "No watch serves a page here." in said.stderr) == (6, True)


def test_a_link_that_a_killed_watch_left_is_not_given_for_long(home: Path) -> None:
    (home / "watch").mkdir()
    (home / "watch" / "page.link").write_text("http://127.0.0.1:1/?token=old\n")
    (home / "watch" / "journal.jsonl").write_text("")
    os.utime(home / "watch" / "journal.jsonl", (1, 1))
    assert run(home, "dashboard", "--link").returncode == 6


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
