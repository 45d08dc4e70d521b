"""Files that must not be lost, and writes that fail halfway."""

from __future__ import annotations

import os
import resource
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import DeployError, DirectoryError, FleetError, StaleError, UsageError
from idlehands_deploy.host.files import staged
from idlehands_deploy.operations import generation, profiles
from tests.support.helpers import run, session, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session

FLEET = "profiles: {main: {}}\n"
CHANGES: dict[str, Callable[[Session], object]] = {
    "init": lambda session: profiles.init(session, ["main"]),
    "add": lambda session: profiles.add(session, "third", None, []),
    "generate": generation.generate,
}


@contextmanager
def room(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a disk that fills up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def files(root: Path) -> dict[str, bytes]:
    """The files of a directory, without the lock."""
    return {path: content for path, (_, _, content) in snapshot(root).items() if path != ".lock"}


@pytest.mark.parametrize("name", ["compose.yaml", "seccomp.json"])
@pytest.mark.parametrize("command", CHANGES)
def test_a_user_s_own_file_is_reported_by_name_and_kept(tmp_path: Path, command: str, name: str) -> None:
    if command != "init":
        (tmp_path / "fleet.yaml").write_text(FLEET, encoding="utf-8")
    (tmp_path / name).write_text("services: {mine: {image: x}}\n", encoding="utf-8")
    before = files(tmp_path)
    with pytest.raises(FleetError) as caught:
        CHANGES[command](session(tmp_path))
    assert [problem.path for problem in caught.value.problems] == [name]
    assert files(tmp_path) == before


def test_a_user_s_own_empty_compose_file_is_kept_too(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").touch()
    with pytest.raises(FleetError):
        profiles.init(session(tmp_path), ["main"])
    assert files(tmp_path) == {"compose.yaml": b""}


def test_a_generated_file_that_was_edited_by_hand_is_generated_again(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    before = files(tmp_path)
    for name in ("compose.yaml", "seccomp.json", "fleet.schema.json"):
        (tmp_path / name).write_bytes(before[name] + b" ")
    generation.generate(session(tmp_path))
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", ["compose.yaml", "seccomp.json", "fleet.schema.json"])
def test_check_reports_every_stale_file(tmp_path: Path, name: str) -> None:
    profiles.init(session(tmp_path), ["main"])
    generation.check_generated(session(tmp_path))
    with (tmp_path / name).open("a", encoding="utf-8") as stream:
        stream.write("# more\n")
    with pytest.raises(StaleError, match=f"--- {name}\n"):
        generation.check_generated(session(tmp_path))


# Obstacles for `add third`.
def _compose_directory(root: Path) -> None:
    (root / "compose.yaml").unlink()
    (root / "compose.yaml").mkdir()


def _schema_directory(root: Path) -> None:
    (root / "fleet.schema.json").unlink()
    (root / "fleet.schema.json").mkdir()


def _profile_file(root: Path) -> None:
    (root / "profiles" / "third").write_text("mine", encoding="utf-8")


def _secrets_file(root: Path) -> None:
    (root / "secrets" / "third").write_text("mine", encoding="utf-8")


@pytest.mark.parametrize("obstacle", [_compose_directory, _schema_directory, _profile_file, _secrets_file])
def test_an_edit_that_fails_halfway_changes_no_existing_file(tmp_path: Path, obstacle: Callable[[Path], None]) -> None:
    profiles.init(session(tmp_path), ["main"])
    obstacle(tmp_path)
    before = files(tmp_path)
    with pytest.raises(DirectoryError):
        profiles.add(session(tmp_path), "third", None, [])
    after = files(tmp_path)
    assert {path: after.get(path) for path in before} == before
    assert not [path for path in after if path.startswith(".") and path != ".lock"]


@pytest.mark.parametrize("size", [0, 20, 300, 500, 800, 1500, 2500])
def test_an_edit_on_a_disk_that_fills_up_changes_no_file(tmp_path: Path, size: int) -> None:
    profiles.init(session(tmp_path), ["main"])
    before = files(tmp_path)
    assert len(before["compose.yaml"]) > 1500
    with room(size), pytest.raises(DirectoryError, match="File too large"):
        profiles.add(session(tmp_path), "third", None, [])
    assert files(tmp_path) == before


@pytest.mark.parametrize("size", [0, 300, 2500, 5000])
def test_an_init_on_a_disk_that_fills_up_leaves_no_file(tmp_path: Path, size: int) -> None:
    with room(size), pytest.raises(DirectoryError, match="File too large"):
        profiles.init(session(tmp_path), ["main"])
    assert files(tmp_path) == {}


def test_files_that_are_staged_together_are_all_replaced_or_none(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("old", encoding="utf-8")
    with pytest.raises(KeyError), staged([(first, "new"), (second, "new")]):
        raise KeyError
    assert files(tmp_path) == {"first": b"old"}
    with pytest.raises(DirectoryError), staged([(first, "new"), (tmp_path / "none" / "second", "new")]):
        pytest.fail("staged")
    assert files(tmp_path) == {"first": b"old"}
    with staged([(first, "new"), (second, "new")]):
        assert first.read_text(encoding="utf-8") == "old"
    assert files(tmp_path) == {"first": b"new", "second": b"new"}


@pytest.mark.parametrize("name", ["x-foo", "x-"])
def test_a_profile_named_like_a_compose_extension_is_refused(tmp_path: Path, name: str) -> None:
    profiles.init(session(tmp_path), ["main"])
    before = snapshot(tmp_path)
    with pytest.raises(UsageError, match="not with x-"):
        profiles.add(session(tmp_path), name, None, [])
    assert snapshot(tmp_path) == before
    (tmp_path / "fleet.yaml").write_text(f"profiles: {{{name}: {{}}}}\n", encoding="utf-8")
    with pytest.raises(DeployError, match="not with x-"):
        generation.generate(session(tmp_path))


def test_a_pipe_in_place_of_a_config_does_not_block_generate(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main"])
    config = tmp_path / "profiles" / "main" / "state" / "idlehands.json"
    config.unlink()
    os.mkfifo(config)
    shown = run(tmp_path, "-C", str(tmp_path), "generate")
    assert "Traceback" not in shown.stderr
    assert config.is_fifo()
    assert shown.returncode == 0
