"""Adopting: a native gateway's files are moved instead of copied."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.operations import profiles
from tests.support.imports import alike, asked, bring, refused, session, undo
from tests.support.natives import everything, jobs, make_native
from tests.support.site import root_only

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_adopting_moves_the_files_and_keeps_the_port_and_an_undo_moves_everything_back(root: Path, state: Path) -> None:
    before = everything(state.parent)
    inode = (state / "credentials" / "key").stat().st_ino
    done = bring(root, state, adopt=True)
    profile = root / "profiles" / "rescue"
    assert done.ports.base == 30500
    assert not state.exists()
    assert (profile / "state" / "credentials" / "key").stat().st_ino == inode
    assert (profile / "workspace" / "MEMORY.md").exists()
    undo(root)
    assert alike(everything(state.parent), before)
    assert not profile.exists()
    assert jobs(state / "state" / "openclaw.sqlite")[0][0] == f"{state}/cron/jobs.json"


@root_only
def test_files_of_several_users_get_their_owners_back(root: Path, state: Path) -> None:
    theirs = state / "workspace" / "theirs"
    theirs.mkdir()
    for number in range(50):
        (theirs / str(number)).touch()
    (state / "link").symlink_to("/nowhere")
    for path in (state.parent, *state.parent.rglob("*")):
        os.chown(path, 1234, 1234, follow_symlinks=False)
    for path in (state / "openclaw.json", state / "workspace"):
        os.chown(path, 1234, 44)  # such as one with which another program reads it
    for path in (theirs, *theirs.iterdir(), state / "link"):
        os.chown(path, 4321, 4321, follow_symlinks=False)
    os.chown(theirs / "7", 1234, 1234)
    before = everything(state.parent)
    bring(root, state, adopt=True)
    profile = root / "profiles" / "rescue"
    assert {path.lstat().st_uid for path in (profile / "workspace").rglob("*")} == {1000}
    kept = json.loads((profile / "import.json").read_text())["owners"]
    assert set(kept) == {
        "state/openclaw.json", "state/link", "workspace", "workspace/MEMORY.md", "workspace/memory",
        "workspace/theirs", "workspace/theirs/7",
    }  # fmt: skip
    (profile / "workspace" / "theirs" / "new").touch()
    undo(root)
    assert (theirs / "new").stat().st_uid == 4321
    (theirs / "new").unlink()
    assert alike(everything(state.parent), before)


def test_a_database_that_cannot_be_restored_is_reported(root: Path, state: Path) -> None:
    bring(root, state, adopt=True)
    (root / "profiles" / "rescue" / "state" / "state" / "openclaw.sqlite").write_text("spoilt" * 100)
    assert undo(root) == [
        f"Warning: {state}/state/openclaw.sqlite: is damaged or too new, and may contain paths of the container"
    ]


def test_an_undo_keeps_an_adopted_gateway_s_new_files_and_restores_its_original_config(root: Path, state: Path) -> None:
    original = (state / "openclaw.json").read_bytes()
    bring(root, state, adopt=True)
    profile = root / "profiles" / "rescue"
    (profile / "workspace" / "new.md").write_text("learnt")
    assert "Changes of its config" not in asked(root)
    (profile / "state" / "idlehands.json").write_text("{}")
    assert "Changes of its config since " in asked(root)
    undo(root)
    assert (state / "workspace" / "new.md").read_text() == "learnt"
    assert (state / "openclaw.json").read_bytes() == original
    assert not (state / "idlehands.json").exists()


def test_an_adopted_gateway_whose_port_is_in_use_gets_the_next_slot(root: Path, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        state = make_native(tmp_path / "ada", {"gateway": {"port": listener.getsockname()[1]}})
        assert bring(root, state, adopt=True).ports.base == 30420
    profiles.add(session(root), "other", 30600, [])
    third = make_native(tmp_path / "bob", {"gateway": {"port": 30600}})
    assert bring(root, third, "third", adopt=True).ports.base == 30440


def test_backups_of_the_native_config_are_renamed_and_restored(root: Path, tmp_path: Path) -> None:
    state = make_native(tmp_path / "ada")
    (state / "openclaw.json").rename(state / "idlehands.json")
    (state / "idlehands.json.bak").write_text("{}")
    before = everything(state)
    bring(root, state, adopt=True)
    moved = root / "profiles" / "rescue" / "state"
    assert (moved / "native-idlehands.json.bak").exists()
    for name in ("idlehands.json.bak", "idlehands.json.bak.1", "idlehands.json.last-start"):
        (moved / name).write_text("the container's")
    undo(root)
    assert alike(everything(state), before)


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A directory on another file system than those of the tests."""
    with tempfile.TemporaryDirectory(prefix="idlehands-tests-", dir="/dev/shm") as name:
        yield Path(name)


def test_nothing_is_adopted_across_file_systems(root: Path, elsewhere: Path) -> None:
    state = make_native(elsewhere)
    if state.stat().st_dev == root.stat().st_dev:
        pytest.skip("there is no other file system at /dev/shm")
    before = everything(elsewhere)
    said = refused(root, state, adopt=True)
    assert "is on another file system" in said
    assert "without --adopt" in said
    assert everything(elsewhere) == before
    assert list((root / "profiles").iterdir()) == []
    bring(root, state)
