"""A deployment that somebody else has used: each command names the right file and what to type, and changes nothing."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.contract import MADE_SECRETS
from tests.support.helpers import NOBODY, clean_environ, snapshot
from tests.support.program import call
from tests.support.site import mounts_only, root_only

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = root_only
ME = f"{NOBODY}:{NOBODY}"


def run(home: Path, *arguments: str, uid: int | None = NOBODY) -> subprocess.CompletedProcess[str]:
    return call(("-C", str(home / "bots"), *arguments), home, clean_environ(home), uid=uid)


@pytest.fixture
def home() -> Iterator[Path]:
    """An ordinary user's home directory with a deployment."""
    with tempfile.TemporaryDirectory(prefix="idlehands-tests-") as name:
        os.chown(name, NOBODY, NOBODY)
        assert run(Path(name), "init", "main").returncode == 0
        yield Path(name)


def give(path: Path, uid: int) -> None:
    for found in (path, *path.rglob("*")):
        os.lchown(found, uid, uid)


def refused(home: Path, *arguments: str) -> str:
    """What a command that changes nothing says."""
    before = snapshot(home / "bots")
    done = run(home, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert snapshot(home / "bots") == before
    return done.stderr.replace(f"{home}/bots", "HERE")


def follow(home: Path, remedy: str) -> None:
    """Do what was said, as root."""
    command = remedy.partition(": ")[2].partition("   (")[0].replace("HERE", f"{home}/bots").removeprefix("sudo ")
    subprocess.run(shlex.split(command), check=True)


PLACES = {
    ".lock": "Cannot write HERE/.lock: it",
    "fleet.yaml": "Cannot read HERE/fleet.yaml: it",
    "compose.yaml": "Cannot read HERE/compose.yaml: it",
    "seccomp.json": "Cannot read HERE/seccomp.json: it",
    "profiles": "Cannot write HERE/profiles/main: HERE/profiles",
    "profiles/main": "Cannot write HERE/profiles/main/state: HERE/profiles/main",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_file_that_root_has_made_is_named_with_the_command_that_takes_it_back(home: Path, place: str) -> None:
    path = home / "bots" / place
    give(path, 0)
    path.chmod(path.stat().st_mode & 0o700)
    what, remedy = refused(home, "generate").splitlines()
    assert what == f"Error: {PLACES[place]} belongs to root."
    assert remedy == f"Take it back: sudo chown -R {ME} HERE/{place}"
    follow(home, remedy)
    assert run(home, "generate").returncode == 0


@pytest.mark.parametrize("place", ["secrets", "secrets/main", "secrets/main/IDLEHANDS_GATEWAY_TOKEN"])
def test_a_secret_that_root_has_made_is_told_by_its_owner(home: Path, place: str) -> None:
    give(home / "bots" / place, 0)
    what, *problems, remedy = refused(home, "generate").splitlines()
    whose, names = ("it", ["IDLEHANDS_GATEWAY_TOKEN"]) if place.endswith("TOKEN") else (f"HERE/{place}", MADE_SECRETS)
    assert what == f"Error: HERE has {len(names)} problem{'s' * (len(names) > 1)}:"
    assert problems == [f"  secrets/main/{name}: you may not read it: {whose} belongs to root" for name in names]
    assert remedy == f"Take it back: sudo chown -R {ME} HERE/{place}"
    follow(home, remedy)
    assert run(home, "token", "main").returncode == 0


@pytest.mark.parametrize(
    "command", [["generate"], ["add", "third"], ["secret", "set", "main", "KEY"], ["config", "show", "main"]]
)
def test_one_command_takes_back_all_that_root_has_made(home: Path, command: list[str]) -> None:
    give(home / "bots", 0)
    (home / "bots").chmod(0o700)
    remedy = refused(home, *command).splitlines()[-1]
    assert remedy == f"Take it back: sudo chown -R {ME} HERE"
    follow(home, remedy)
    assert run(home, "generate").returncode == 0


def test_a_directory_of_another_person_is_not_taken_from_them(home: Path) -> None:
    give(home, 1234)
    home.chmod(0o755)
    (home / "bots").chmod(0o755)
    what, remedy = refused(home, "generate").splitlines()
    assert what == "Error: Cannot write HERE/.lock: it belongs to 1234."
    assert remedy == "Run the command as its owner (sudo -u 1234), or choose another directory with -C."


@pytest.mark.parametrize(
    ("place", "mode", "said"),
    [
        (".lock", 0o400, "Cannot write HERE/.lock: its mode, 0400, forbids it."),
        ("fleet.yaml", 0o000, "Cannot read HERE/fleet.yaml: its mode, 0000, forbids it."),
        ("profiles", 0o600, "Cannot write HERE/profiles/main: the mode of HERE/profiles, 0600, forbids it."),
    ],
)
def test_a_mode_of_another_umask_is_told_with_the_command_that_mends_it(
    home: Path, place: str, mode: int, said: str
) -> None:
    (home / "bots" / place).chmod(mode)
    what, remedy = refused(home, "generate").splitlines()
    assert what == f"Error: {said}"
    follow(home, remedy)
    assert run(home, "generate").returncode == 0


def test_what_root_does_in_somebody_s_deployment_locks_nobody_out(home: Path) -> None:
    for name in (".lock", "compose.yaml", "fleet.schema.json"):
        (home / "bots" / name).unlink()
    subprocess.run(["rm", "-r", home / "bots" / "profiles", home / "bots" / "secrets"], check=True)
    for command in (["generate"], ["add", "third"], ["secret", "set", "main", "KEY", "--dry-run"]):
        run(home, *command, uid=None)
    assert {path.lstat().st_uid for path in (home / "bots").rglob("*")} == {NOBODY}
    assert run(home, "add", "fourth").returncode == 0
    assert run(home, "token", "third").returncode == 0


def test_what_nobody_has_caught_is_a_sentence_too(home: Path) -> None:
    give(home / "bots", 0)
    (home / "bots").chmod(0o700)
    assert "HERE belongs to root.\nTake it back: sudo chown -R" in refused(home, "init")


@contextmanager
def disk(place: Path, options: str) -> Iterator[None]:
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"mode=0700,uid={NOBODY},gid={NOBODY},{options}", "tmpfs", place], check=True
    )
    try:
        yield
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.fixture
def disks() -> Iterator[Path]:
    """A place for a file system that every user may enter."""
    with tempfile.TemporaryDirectory(prefix="idlehands-tests-") as name:
        Path(name).chmod(0o755)
        (Path(name) / "bots").mkdir()
        yield Path(name)


@mounts_only
@pytest.mark.parametrize("uid", [NOBODY, None], ids=["somebody", "root"])
def test_a_read_only_mount_is_named_with_the_command_that_makes_it_writable(disks: Path, uid: int | None) -> None:
    with disk(disks / "bots", "size=1m"):
        assert run(disks, "init", "main").returncode == 0
        subprocess.run(["mount", "-o", "remount,ro", disks / "bots"], check=True)
        before = snapshot(disks / "bots")
        for command in (["generate"], ["add", "third"]):
            done = run(disks, *command, uid=uid)
            assert done.returncode == 2
            what, remedy = done.stderr.replace(f"{disks}/bots", "HERE").splitlines()
            assert what == "Error: Cannot write HERE/.lock: HERE is mounted read-only."
            assert remedy == "Make it writable: sudo mount -o remount,rw HERE   (or choose another directory with -C)"
        assert run(disks, "list", uid=uid).returncode == 0
        assert snapshot(disks / "bots") == before
        follow(disks, remedy)
        assert run(disks, "add", "third").returncode == 0


def fill(place: Path) -> None:
    """Take all the room that there is."""
    with (place / "filler").open("wb", buffering=0) as file:
        while True:
            try:
                file.write(b"\1" * 4096)
            except OSError:
                return


def take_files(place: Path) -> None:
    """Take all the files that there may be."""
    (place / "many").mkdir()
    for number in range(10_000):
        try:
            (place / "many" / str(number)).touch()
        except OSError:
            return


@mounts_only
@pytest.mark.parametrize(
    ("options", "use_up", "said", "count"),
    [
        ("size=256k", fill, "the disk is full", "df -h"),
        ("size=1m,nr_inodes=40", take_files, "the disk has no room for more files", "df -i"),
    ],
)
def test_a_full_disk_leaves_everything_as_it_was(
    disks: Path, options: str, use_up: object, said: str, count: str
) -> None:
    with disk(disks / "bots", options):
        assert run(disks, "init", "main").returncode == 0
        assert callable(use_up)
        use_up(disks / "bots")
        before = snapshot(disks / "bots")
        for command in (["add", "third"], ["token", "main", "--rotate", "--dry-run"], ["generate"]):
            done = run(disks, *command)
            assert "Traceback" not in done.stderr
            if command[0] == "add":
                assert done.returncode == 2
                what, remedy = done.stderr.replace(f"{disks}/bots", "HERE").splitlines()
                assert what.endswith(f": {said}.")
                assert remedy == (
                    f"Free some space, then run the command again; existing files are unchanged: {count} HERE"
                )
        assert snapshot(disks / "bots") == before
