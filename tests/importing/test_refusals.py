"""Imports that are refused, and change nothing."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from idlehands_deploy.errors import PortConflictError, UsageError
from idlehands_deploy.host.trees import space
from idlehands_deploy.importing import lock
from idlehands_deploy.importing import plan as import_plan
from idlehands_deploy.operations import profiles
from idlehands_deploy.planning import draft
from tests.support.imports import bring, refused, session, undo
from tests.support.natives import everything, make_native


def test_a_running_gateway_is_refused_and_nothing_is_created(root: Path, tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        state = make_native(tmp_path / "ada", {"gateway": {"port": port}})
        before = everything(root)
        said = refused(root, state)
    assert f"is running:\n  port {port} of its config is held by " in said
    assert everything(root) == before


@pytest.mark.parametrize("adopt", [False, True])
def test_a_gateway_that_is_started_during_the_copy_is_refused(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch, adopt: bool
) -> None:
    evidence: list[list[str]] = [[], ["it came up"]]
    monkeypatch.setattr(import_plan, "running_evidence", lambda *_: evidence.pop(0))
    before = everything(state.parent)
    assert "it came up" in refused(root, state, adopt=adopt)
    assert everything(state.parent) == before
    assert list((root / "profiles").iterdir()) == []


def test_a_name_that_already_has_state_is_refused(root: Path, state: Path) -> None:
    profiles.add(session(root), "rescue", None, [])
    assert "The fleet already has a profile rescue." in refused(root, state)
    draft.drop(session(root), "rescue")
    before = everything(root)
    assert f"files of an earlier profile rescue: {root}/profiles/rescue and {root}/secrets/rescue" in refused(
        root, state
    )
    assert everything(root) == before


@pytest.mark.parametrize("name", ["", "-x", "a b", "x-y", "a/b", "..", "a" * 64, ".import-x"])
def test_an_invalid_name_is_refused_before_anything_is_read(root: Path, name: str) -> None:
    with pytest.raises(UsageError):
        bring(root, Path("/nonexistent"), name)
    with pytest.raises(UsageError):
        undo(root, name)


def test_a_directory_without_a_gateway_is_refused_and_nothing_is_created(root: Path, tmp_path: Path) -> None:
    before = everything(root)
    with pytest.raises(UsageError):
        bring(root, tmp_path)
    assert everything(root) == before


def test_a_port_of_another_profile_is_refused_and_nothing_is_copied(root: Path, state: Path) -> None:
    profiles.add(session(root), "other", 30500, [])
    with pytest.raises(PortConflictError):
        bring(root, state, port=30500)
    assert [path.name for path in (root / "profiles").iterdir()] == ["other"]


def test_a_disk_without_space_is_refused_with_both_sizes(
    root: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "free_space", lambda _: 5_000_000)
    assert "The import needs 105 MB at " in (said := refused(root, state))
    assert "but 5 MB are free." in said
    assert not (root / "profiles").exists()


def test_two_imports_at_once_are_refused(root: Path, state: Path) -> None:
    with lock.import_lock(session(root)):
        assert "Another import into this deployment is running." in refused(root, state)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_does_not_read_a_config_that_belongs_to_another_user(root: Path, state: Path) -> None:
    os.chown(state / "openclaw.json", 65534, 65534)
    assert "belongs to uid 65534" in refused(root, state)


def test_a_directory_inside_the_deployment_or_around_it_is_refused(root: Path, tmp_path: Path) -> None:
    profiles.add(session(root), "main", None, [])
    before = everything(root)
    for directory in (root / "profiles" / "main" / "state", make_native(tmp_path, name="deployment/inner")):
        with pytest.raises(UsageError, match="is inside the deployment"):
            bring(root, directory)
    outer = make_native(tmp_path, name=".openclaw-outer")
    with pytest.raises(UsageError, match="is inside the deployment"):
        bring(outer / "deployment", outer)
    shutil.rmtree(root / "inner")
    assert everything(root) == before
