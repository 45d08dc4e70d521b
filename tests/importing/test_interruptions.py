"""An import that fails or is killed on its way."""

from __future__ import annotations

import errno
import os
import secrets
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import DeployError, StateRefusedError
from idlehands_deploy.host import trees as copying
from idlehands_deploy.importing import files as import_files
from idlehands_deploy.operations import profiles
from idlehands_deploy.planning import draft
from tests.support.imports import alike, bring, failing, killed_at, refused, session, undo
from tests.support.natives import everything, make_native

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("number", "named"), [(errno.ENOSPC, "write {there}"), (errno.EIO, "read {file}")])
def test_a_copy_that_fails_names_the_full_disk_or_the_file(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch, number: int, named: str
) -> None:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    # A double, for neither disk can be had.
    monkeypatch.setattr(copying, "_transfer", fail)
    with pytest.raises(DeployError) as caught:
        bring(root, state)
    there, file = root / "profiles" / ".import-rescue", state / "credentials" / "key"
    assert f"Cannot {named.format(there=there, file=file)}: {os.strerror(number)}." in str(caught.value)
    assert list((root / "profiles").iterdir()) == []


@pytest.mark.parametrize("function", ["copy_in", "fit"])
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


def test_a_failure_after_the_last_copy_takes_everything_back(root: Path, tmp_path: Path) -> None:
    state = make_native(tmp_path / "ada", {"gateway": {"auth": {"token": secrets.token_hex(8)}}})
    before = everything(state.parent)
    with failing(draft, "store", KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        bring(root, state, adopt=True)
    assert alike(everything(state.parent), before)
    assert list((root / "profiles").iterdir()) == []
    assert not (root / "secrets" / "rescue" / "IDLEHANDS_GATEWAY_TOKEN").exists()


@pytest.mark.parametrize("arguments", [(), ("--adopt",)])
def test_an_import_that_was_killed_is_taken_back_by_the_next_which_begins_anew(
    root: Path, state: Path, arguments: tuple[str, ...]
) -> None:
    before = everything(state.parent)
    killed_at(root, state, "fit", *arguments)
    assert [path.name for path in (root / "profiles").iterdir()] == [".import-rescue"]
    assert state.exists() == (not arguments)
    bring(root, state)
    assert alike(everything(state.parent), before)
    assert [path.name for path in (root / "profiles").iterdir()] == ["rescue"]


def test_an_adoption_that_was_killed_can_be_undone(root: Path, state: Path) -> None:
    before = everything(state.parent)
    killed_at(root, state, "fit", "--adopt")
    undo(root)
    assert alike(everything(state.parent), before)
    assert list((root / "profiles").iterdir()) == []


def test_a_profile_that_was_added_while_the_copy_was_made_is_left_alone(root: Path, state: Path) -> None:
    before = everything(state.parent)

    def add_meanwhile(*_: object) -> list[Path]:
        profiles.add(session(root), "rescue", None, [])
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_files, "fit", add_meanwhile)
        with pytest.raises(StateRefusedError, match="rescue is a profile of the fleet already"):
            bring(root, state, adopt=True)
    assert alike(everything(state.parent), before)
    assert (root / "profiles" / "rescue" / "state" / "idlehands.json").exists()
    assert (root / "secrets" / "rescue" / "IDLEHANDS_GATEWAY_TOKEN").read_text()


def test_an_import_that_was_killed_before_the_fleet_file_was_written_is_not_thrown_away(
    root: Path, state: Path
) -> None:
    with failing(draft, "store", SystemExit()), pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_files, "take_back", lambda *_: None)  # as a kill would have it
        with pytest.raises(SystemExit):
            bring(root, state)
    assert "import rescue --undo" in refused(root, state)
    assert (root / "profiles" / "rescue" / "workspace" / "MEMORY.md").exists()
    undo(root)
    bring(root, state)
