"""Run commands of the real program over a hostile gateway, on a fake engine, and measure each."""

from __future__ import annotations

import json
import os
import resource
import secrets
import signal
import subprocess
import tarfile
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.deployment.session import Session
from idlehands_deploy.engine.client import MOST_LOGGED, Engine, _lines
from tests.support import program
from tests.support.containers import RUNNING
from tests.support.corpus.states import Place
from tests.support.engine import FakeEngine
from tests.support.helpers import USER, clean_environ
from tests.support.natives import make_native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from idlehands_deploy.engine.facts import ContainerFacts

# What a command may take: seconds, and bytes in memory at once.
SECONDS, SECONDS_OF_BUNDLE = 5.0, 10.0
MEMORY = 150 << 20
# A command that takes longer is ended.
PATIENCE = 60.0
READING = ("status", "doctor", "bundle", "ports", "watch", "logs")
COMMANDS = (*READING, "import", "remove")
# Before any file was made, so that a file that is read has another time of access.
LONG_AGO = 1_000_000_000


@dataclass(frozen=True)
class Ran:
    """A command that has ended.

    Attributes:
        said: all that it wrote: on its streams, into its archive or its journal.
        memory: bytes.
    """

    code: int
    said: str
    seconds: float
    memory: int


class Stand:
    """A deployment with one gateway, which is hostile, and beside it a native one.

    Attributes:
        canary: what stands in the files outside, and must never be told.
        outside: a directory of somebody else's.
        log: what the container has printed.
    """

    def __init__(self, root: Path, base: int) -> None:
        self.home, self.root, self.outside = root / "home", root / "deployment", root / "outside"
        self.native, self.base = self.home, base
        self.canary = secrets.token_hex(12)
        self.log = root / "log"
        for directory in (self.home, self.root, self.outside):
            directory.mkdir()
        (self.root / "fleet.yaml").write_text(
            f"name: test\nuser: {USER}\nbase_port: {base}\nprofiles: {{main: , other: }}\n"
        )
        (self.outside / "secret.json5").write_text(f'{{gateway: {{port: 4242}}, token: "{self.canary}"}}')
        (self.outside / "secrets.env").write_text(f"A_TOKEN={self.canary}\n")
        (self.outside / "other.sqlite").write_bytes(b"SQLite format 3\0" + self.canary.encode())
        assert self.run("generate").code == 0
        self.log.write_text("a line\n")

    def make(self, make: Callable[[Place], object]) -> None:
        """A hostile state, in the profile and in the native gateway's directory."""
        self.native = make_native(self.home)
        state = self.root / "profiles" / "main" / "state"
        for place in (
            Place(state, state / CONFIG_NAME, self.outside),
            Place(self.native, self.native / "openclaw.json", self.outside),
        ):
            make(place)
        if not os.geteuid():  # but not what somebody else has put there
            owned = ["chown", "--recursive", "--no-dereference", "--from=0", USER, str(state), str(self.home)]
            subprocess.run(owned, check=True)

    def run(self, command: str) -> Ran:
        """Run one of the commands to its end; `watch` is ended after its first round."""
        archive = self.home / "bundle.tar.gz"
        archive.unlink(missing_ok=True)
        arguments = {
            "bundle": ("doctor", "--bundle", str(archive)),
            "import": ("import", "brought", "--from", str(self.native)),
            "remove": ("remove", "main", "--purge", "--yes"),
        }.get(command, (command,))
        journal = self.root / "watch" / "journal.jsonl" if command == "watch" else None
        ran = _measured(("-C", str(self.root), *arguments), self.home, self.log, journal)
        return replace(ran, said=ran.said + _texts(archive)) if archive.exists() else ran


def _texts(archive: Path) -> str:
    with tarfile.open(archive) as opened:
        files = [file for member in opened.getmembers() if (file := opened.extractfile(member))]
        return "\n".join(file.read().decode() for file in files)


def _measured(arguments: tuple[str, ...], home: Path, log: Path, journal: Path | None) -> Ran:
    with tempfile.TemporaryDirectory(prefix="idlehands-tests-") as name:
        usage = Path(name, "usage")
        around = partial(_around, usage, log, journal)
        done = program.call(arguments, home, clean_environ(home), PATIENCE, around=around)
        seconds, memory = json.loads(usage.read_text())
        return Ran(done.returncode, done.stdout + done.stderr, seconds, memory)


@contextmanager
def _around(usage: Path, log: Path, journal: Path | None) -> Iterator[None]:
    _prepare(log, journal)
    began = time.monotonic()
    try:
        yield
    finally:
        used = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        usage.write_text(json.dumps([time.monotonic() - began, used << 10]))


class _Engine(FakeEngine):
    """One container that runs, and what the rest of a bug report asks for."""

    def __init__(self, log: Path) -> None:
        super().__init__(replace(RUNNING, health="healthy", restart_count=3))
        self.becomes(RUNNING, "other")
        self._log = log

    def deaths(self, *_: object) -> list[Any]:
        return []

    def is_healthy_now(self, _: str) -> bool:
        return True

    def environment(self, _: str) -> dict[str, str]:
        return {}

    def info_raw(self) -> dict[str, Any]:
        return {}

    def inspect_selected(self, _: str) -> dict[str, Any]:
        return {}

    def last_logs(self, *_: object, **__: object) -> list[str]:
        return _lines(self._read(end=True))[-300:]

    def first_logs(self, *_: object) -> list[str]:
        return _lines(self._read())

    def _read(self, *, end: bool = False) -> bytes:
        with self._log.open("rb") as file:
            if end:
                file.seek(max(0, self._log.stat().st_size - MOST_LOGGED))
            return file.read(MOST_LOGGED)

    def containers(self, project: str, service: str | None = None) -> list[ContainerFacts]:
        there = super().containers(project, service)
        return [replace(facts, directory=str(Path.cwd().parent / "deployment")) for facts in there]


COMPOSE = """#!/bin/sh
case " $* " in
*" other ") echo "2026-11-22T17:13:06.200000000Z a line" ;;
*" logs "*) cat {log} ;;
*" config "*) echo '{{}}' ;;
esac
"""


def _prepare(log: Path, journal: Path | None) -> None:
    """Give this process a fake engine and a fake Compose, as no host may be without the engine that others use."""
    engine = _Engine(log)
    Session.engine = lambda _: engine  # type: ignore[assignment, method-assign, return-value]
    Engine.connect = lambda _: engine  # type: ignore[assignment, method-assign, return-value]
    compose = log.with_name("compose")
    compose.write_text(COMPOSE.format(log=log))
    compose.chmod(0o755)
    from idlehands_deploy.engine import compose as module

    module.find_binary = lambda: str(compose)
    if journal:
        threading.Thread(target=_end_after_a_round, args=(journal,), daemon=True).start()


def _end_after_a_round(journal: Path) -> None:
    while True:
        text = journal.read_text() if journal.exists() else ""
        seen = {entry["profile"] for line in text.splitlines() if (entry := json.loads(line))["event"] == "state"}
        if {"main", "other"} <= seen:
            os.kill(os.getpid(), signal.SIGINT)
            return
        time.sleep(0.02)


@contextmanager
def untouched(directory: Path) -> Iterator[None]:
    """See that nothing below a directory is read or changed."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    for path in files:
        os.utime(path, (LONG_AGO, LONG_AGO))
    before = _facts(directory)
    yield
    assert _facts(directory) == before


def _facts(directory: Path) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for path in [directory, *directory.rglob("*")]:
        about = path.lstat()
        read = int(about.st_atime) if path.is_file() else 0
        found[str(path)] = (about.st_mode, about.st_uid, about.st_size, about.st_mtime_ns, about.st_ctime_ns, read)
    return found
