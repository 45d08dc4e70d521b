from __future__ import annotations

import resource
import signal
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.directory import Deployment, find_deployment
from idlehands_deploy.deployment.locks import containers_locked
from idlehands_deploy.deployment.profile_files import check_files, read_token
from idlehands_deploy.errors import DirectoryError
from idlehands_deploy.host.files import read_text, remove_tree, write_atomic
from tests.support.helpers import USER, fleet, mode, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def no_room() -> Iterator[None]:
    """Let no file grow beyond ten bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def find(tmp_path: Path, option: str | None, environ: Mapping[str, str], start: str) -> str:
    home, working = tmp_path / "home", tmp_path / start
    root = find_deployment(Path(option) if option else None, environ, working, home).root
    return str(root.relative_to(tmp_path))


def test_the_option_wins_then_the_variable_then_a_parent_then_the_default(tmp_path: Path) -> None:
    inner = tmp_path / "fleet" / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "fleet" / "fleet.yaml").touch()
    variable = {"IDLEHANDS_DEPLOY_DIR": str(tmp_path / "variable"), "XDG_DATA_HOME": str(tmp_path / "xdg")}
    data = {"XDG_DATA_HOME": str(tmp_path / "xdg")}
    assert find(tmp_path, "option", variable, "fleet/a/b") == "fleet/a/b/option"
    assert find(tmp_path, None, variable, "fleet/a/b") == "variable"
    assert find(tmp_path, None, data, "fleet/a/b") == "fleet"
    assert find(tmp_path, None, data, "elsewhere") == "xdg/idlehands-deploy"
    assert find(tmp_path, None, {}, "elsewhere") == "home/.local/share/idlehands-deploy"


def test_the_nearest_parent_with_a_fleet_file_is_the_one(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    (inner / "fleet.yaml").touch()
    (inner.parent / "fleet.yaml").touch()
    assert find(tmp_path, None, {}, "outer/inner") == "outer/inner"


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    empty = {"IDLEHANDS_DEPLOY_DIR": "", "XDG_DATA_HOME": ""}
    assert find(tmp_path, None, empty, "elsewhere") == "home/.local/share/idlehands-deploy"


def test_without_a_home_directory_the_message_says_how_to_name_a_deployment(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError) as caught:
        find_deployment(None, {}, tmp_path, None)
    assert str(caught.value) == "You have no home directory for a deployment.\nGive a directory with -C."
    assert find_deployment(tmp_path, {}, tmp_path, None).root == tmp_path
    assert find_deployment(None, {"XDG_DATA_HOME": "/x"}, tmp_path, None).root.as_posix() == "/x/idlehands-deploy"


def test_finding_and_reading_create_no_directory(tmp_path: Path) -> None:
    deployment = find_deployment(tmp_path / "new", {}, tmp_path, tmp_path)
    assert read_text(deployment.fleet_file) is None
    assert read_token(deployment, "main") is None
    check_files(deployment, fleet("profiles: {main: }"), USER)
    assert snapshot(tmp_path) == {}


def test_a_file_that_is_not_utf_8_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_bytes(b"name: \xff\n")
    with pytest.raises(DirectoryError) as caught:
        read_text(path)
    assert str(caught.value) == f"{path} is not UTF-8 text: invalid start byte.\nSave the file as UTF-8."


def test_an_unreadable_file_is_reported(ordinary_user: Path) -> None:
    path = ordinary_user / "fleet.yaml"
    path.touch(mode=0)
    with pytest.raises(DirectoryError) as caught:
        read_text(path)
    assert str(caught.value) == (f"Cannot read {path}: its mode, 0000, forbids it.\nPermit it: chmod u+rwX {path}")
    assert caught.value.exit_code == 2


def test_a_write_replaces_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "b"
    write_atomic(path, "a long first text\n")
    write_atomic(path, "é\n")
    assert path.read_text(encoding="utf-8") == "é\n"
    assert [item.name for item in path.parent.iterdir()] == ["b"]


def test_a_write_keeps_the_mode_of_a_file_and_gives_a_new_one_its_own(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.touch()
    old.chmod(0o640)
    write_atomic(old, "x")
    write_atomic(new, "x", 0o600)
    assert [mode(old), mode(new)] == ["0o640", "0o600"]


def test_a_write_replaces_a_link_and_does_not_follow_it(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.touch()
    link.symlink_to(target)
    write_atomic(link, "x")
    assert not link.is_symlink()
    assert target.read_text(encoding="utf-8") == ""


def test_a_write_that_fails_changes_nothing_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text("the old one\n", encoding="utf-8")
    path.chmod(0o640)
    before = snapshot(tmp_path)
    with no_room(), pytest.raises(DirectoryError) as caught:
        write_atomic(path, "the new one, which is longer\n")
    assert snapshot(tmp_path) == before
    assert str(caught.value) == f"Cannot write {path}: File too large.\nChoose another directory with -C."


def test_a_directory_that_is_not_writable_is_reported(ordinary_user: Path) -> None:
    ordinary_user.chmod(0o500)
    with pytest.raises(DirectoryError, match=r"^Cannot write .*: the mode of .*, 0500, forbids it\.\n"):
        write_atomic(ordinary_user / "fleet.yaml", "x")
    ordinary_user.chmod(0o700)
    assert snapshot(ordinary_user) == {}


def test_deleting_a_missing_directory_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    remove_tree(tmp_path / "a")
    remove_tree(tmp_path / "a")
    assert snapshot(tmp_path) == {}


def test_a_profile_s_containers_stay_locked_until_the_last_process_with_the_lock_ends(tmp_path: Path) -> None:
    deployment = Deployment(tmp_path)
    deployment.state_directory("main").parent.mkdir(parents=True)
    told: list[str] = []
    with containers_locked(deployment, ["main", "gone"], told.append) as held:
        # As Compose goes on when the command that began it is killed.
        heir = subprocess.Popen(["sleep", "60"], pass_fds=held)
    try:
        waiter = threading.Thread(target=lambda: _take(deployment, told))
        waiter.start()
        waiter.join(timeout=0.3)
        assert told == ["main"]
    finally:
        heir.kill()
        heir.wait()
    waiter.join(timeout=10)
    assert told == ["main", "taken"]


def _take(deployment: Deployment, told: list[str]) -> None:
    with containers_locked(deployment, ["main"], told.append):
        told.append("taken")
