"""An import that fails or is killed."""

from __future__ import annotations

import errno
import os
import secrets
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import DeployError, StateRefusedError
from idlehands_deploy.host.trees import copier as copying
from idlehands_deploy.importing import files as import_files
from idlehands_deploy.operations import profiles
from idlehands_deploy.planning import draft
from tests.support.imports import alike, bring, failing, killed_at, refused, session, undo
from tests.support.natives import everything, make_native

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("number", "named"),
    [(errno.ENOSPC, "write {there}: the disk is full"), (errno.EIO, "read {file}: Input/output error")],
)
def test_a_copy_that_fails_names_the_full_disk_or_the_file(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch, number: int, named: str
) -> None:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    # A test double: tests cannot fill a disk or break one.
    monkeypatch.setattr(copying, "_transfer", fail)
    with pytest.raises(DeployError) as caught:
        bring(root, state)
    there, file = root / "profiles" / ".import-rescue", state / "openclaw.json"
    assert f"Cannot {named.format(there=there, file=file)}." in str(caught.value)
    assert list((root / "profiles").iterdir()) == []


@pytest.mark.parametrize("function", ["copy_in", "adapt"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left on device")])
@pytest.mark.parametrize("adopt", [False, True])
def test_an_import_that_fails_leaves_everything_as_it_was(
    root: Path, state: Path, function: str, error: BaseException, adopt: bool
) -> None:
    before = everything(state.parent)
    if adopt and function == "copy_in":
        function = "move_in"
    with failing(import_files, function, error), pytest.raises((type(error), DeployError)):
        bring(root, state, adopt=adopt)
    assert alike(everything(state.parent), before)
    assert list((root / "profiles").iterdir()) == []
    assert session(root).fleet().profiles == {}
    bring(root, state, adopt=adopt)


def test_a_failure_after_the_last_copy_undoes_everything(root: Path, tmp_path: Path) -> None:
    state = make_native(tmp_path / "ada", {"gateway": {"auth": {"token": secrets.token_hex(8)}}})
    before = everything(state.parent)
    with failing(draft, "store", KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        bring(root, state, adopt=True)
    assert alike(everything(state.parent), before)
    assert list((root / "profiles").iterdir()) == []
    assert not (root / "secrets" / "rescue" / "IDLEHANDS_GATEWAY_TOKEN").exists()


@pytest.mark.parametrize("arguments", [(), ("--adopt",)])
def test_a_killed_import_is_undone_by_the_next_one_which_starts_from_the_beginning(
    root: Path, state: Path, arguments: tuple[str, ...]
) -> None:
    before = everything(state.parent)
    killed_at(root, state, "adapt", *arguments)
    assert [path.name for path in (root / "profiles").iterdir()] == [".import-rescue"]
    assert state.exists() == (not arguments)
    bring(root, state)
    assert alike(everything(state.parent), before)
    assert [path.name for path in (root / "profiles").iterdir()] == ["rescue"]


def test_a_killed_adoption_can_be_undone(root: Path, state: Path) -> None:
    before = everything(state.parent)
    killed_at(root, state, "adapt", "--adopt")
    undo(root)
    assert alike(everything(state.parent), before)
    assert list((root / "profiles").iterdir()) == []


def test_a_profile_that_was_added_during_the_copy_is_left_unchanged(root: Path, state: Path) -> None:
    before = everything(state.parent)

    def add_meanwhile(*_: object) -> list[Path]:
        profiles.add(session(root), "rescue", None, [])
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_files, "adapt", add_meanwhile)
        with pytest.raises(StateRefusedError, match="The fleet already has a profile rescue"):
            bring(root, state, adopt=True)
    assert alike(everything(state.parent), before)
    assert (root / "profiles" / "rescue" / "state" / "idlehands.json").exists()
    assert (root / "secrets" / "rescue" / "IDLEHANDS_GATEWAY_TOKEN").read_text()


def test_an_import_that_was_killed_before_the_fleet_file_was_written_is_not_deleted(root: Path, state: Path) -> None:
    with failing(draft, "store", SystemExit()), pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_files, "revert", lambda *_: None)  # as a kill would have it
        with pytest.raises(SystemExit):
            bring(root, state)
    assert "import rescue --undo" in refused(root, state)
    assert (root / "profiles" / "rescue" / "workspace" / "MEMORY.md").exists()
    undo(root)
    bring(root, state)
