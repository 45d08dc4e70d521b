"""What an undo removes, moves back and refuses."""

from __future__ import annotations

import json
import os
import secrets
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import StateRefusedError, UsageError
from idlehands_deploy.host.trees.census import census
from idlehands_deploy.host.trees.descent import each_directory, opened
from idlehands_deploy.operations import profiles
from tests.support.imports import asked, bring, session, undo
from tests.support.natives import Everything, everything, make_native
from tests.support.trees import deleted, nested

if TYPE_CHECKING:
    from pathlib import Path


def test_an_undo_removes_the_profile_and_everything_that_the_import_created(root: Path, state: Path) -> None:
    profiles.add(session(root), "other", None, [])
    before = everything(root)
    bring(root, state)
    undo(root)
    generated = {"fleet.yaml", "compose.yaml"}
    assert _without(everything(root), generated) == _without(before, generated)
    assert list(session(root).fleet().profiles) == ["other"]


def test_an_undo_keeps_the_secrets_that_a_person_added(root: Path, tmp_path: Path) -> None:
    state = make_native(tmp_path / "ada", {"gateway": {"auth": {"token": secrets.token_hex(8)}}})
    bring(root, state)
    (root / "secrets" / "rescue" / "A_KEY").write_text("x")
    undo(root)
    assert [path.name for path in (root / "secrets" / "rescue").iterdir()] == ["A_KEY"]


def test_an_undo_says_what_is_lost_and_changes_nothing_without_consent(root: Path, state: Path) -> None:
    bring(root, state)
    profile = root / "profiles" / "rescue"
    assert f"This permanently deletes {profile}. Nothing in it changed since " in asked(root)
    (profile / "workspace" / "MEMORY.md").write_text("another")
    before = everything(root)
    assert " are lost; the latest is workspace/MEMORY.md." in (said := asked(root))
    assert " Changes of 1 file since " in said
    assert everything(root) == before


@pytest.mark.parametrize("date", [1, 1_000_000_000])
def test_a_file_of_an_old_date_is_a_change_too(root: Path, state: Path, date: int) -> None:
    bring(root, state)
    note = root / "profiles" / "rescue" / "workspace" / "from-a-backup.md"
    note.write_text("another")
    os.utime(note, (date, date))
    assert " Changes of 1 file since " in (said := asked(root))
    assert " are lost; the latest is workspace/from-a-backup.md." in said


def test_our_own_record_of_a_start_is_no_change(root: Path, state: Path) -> None:
    bring(root, state)
    (root / "profiles" / "rescue" / "started.json").write_text("{}")
    assert "Nothing in it changed since " in asked(root)


def test_a_profile_that_was_not_imported_is_not_undone(root: Path) -> None:
    profiles.add(session(root), "rescue", None, [])
    with pytest.raises(UsageError, match="rescue was not imported"):
        undo(root)


def test_a_damaged_journal_is_refused(root: Path, state: Path) -> None:
    bring(root, state)
    for text in ("{}", "[]", "{", '{"version": 2}'):
        (root / "profiles" / "rescue" / "import.json").write_text(text)
        with pytest.raises(StateRefusedError, match="is not a journal that this version can read"):
            undo(root)


def test_an_undo_is_refused_while_a_gateway_uses_the_state(root: Path, state: Path) -> None:
    bring(root, state)
    lock = root / "profiles" / "rescue" / "state" / "tmp" / "openclaw-1000" / "gateway.state.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"pid": os.getpid()}))
    with pytest.raises(StateRefusedError, match="rescue is running:\n"):
        undo(root)


def test_moved_files_do_not_go_back_over_something_else(root: Path, state: Path) -> None:
    bring(root, state, adopt=True)
    state.mkdir()
    before = everything(root)
    with pytest.raises(StateRefusedError, match="exists again"):
        undo(root)
    assert everything(root) == before


def test_an_undo_does_not_overwrite_a_state_that_exists_again(root: Path, state: Path) -> None:
    bring(root, state, adopt=True)
    make_native(state.parent)
    before = everything(state.parent)
    with pytest.raises(StateRefusedError, match="exists again"):
        undo(root)
    assert everything(state.parent) == before
    assert (root / "profiles" / "rescue" / "state").exists()


def _without(found: Everything, names: set[str]) -> Everything:
    return {path: item for path, item in found.items() if path not in names}


@pytest.mark.parametrize("adopt", [False, True])
def test_a_gateway_that_nests_directories_endlessly_is_imported_and_undone(
    root: Path, state: Path, *, adopt: bool
) -> None:
    with nested(state / "workspace", 1200), deleted(root / "profiles"):
        before = census(state, frozenset(), frozenset())
        bring(root, state, adopt=adopt)
        with opened(root / "profiles" / "rescue" / "workspace") as top:
            for way, _ in each_directory(top):
                if way.depth == 1200:
                    os.close(os.open("new", os.O_CREAT | os.O_WRONLY, dir_fd=way.here))
        said = asked(root)
        assert said.startswith(f"Its files go back to {state}.") if adopt else "/directory/new." in said
        undo(root)
        assert census(state, frozenset(), frozenset()).files == before.files + adopt
        assert not (root / "profiles" / "rescue").exists()
