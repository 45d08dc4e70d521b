from __future__ import annotations

import errno
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import DirectoryError, FleetError, StateRefusedError, UsageError
from idlehands_deploy.fleet.file import parse_text, with_renamed_profile
from idlehands_deploy.operations import lifecycle, profiles
from idlehands_deploy.operations.state import snapshots
from tests.support.engine import commands
from tests.support.helpers import run, snapshot

if TYPE_CHECKING:
    from tests.support.fake_site import FakeSite

COMMENTED = """\
# of the file
name: bots
profiles:
  main: {}
  # of rescue
  rescue:  # beside it
    port: 19789
    rescues: [main]
  third: {port: 20789, rescues: ['rescue', main]}
"""


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ("rescue", "backup", [("  rescue:", "  backup:"), ("'rescue'", "backup")]),
        ("main", "first", [("  main:", "  first:"), ("[main]", "[first]"), ("', main]", "', first]")]),
        ("third", "123", [("  third:", '  "123":')]),
        ("third", "null", [("  third:", '  "null":')]),
    ],
)
def test_nothing_but_the_name_changes_in_the_fleet_file(old: str, new: str, changes: list[tuple[str, str]]) -> None:
    wanted = COMMENTED
    for before, after in changes:
        wanted = wanted.replace(before, after)
    renamed = with_renamed_profile(COMMENTED, old, new)
    assert renamed == wanted
    assert parse_text(renamed, "fleet.yaml") == parse_text(COMMENTED, "fleet.yaml").renamed(old, new)


def test_a_renamed_profile_keeps_its_files_its_token_and_its_port(site: FakeSite) -> None:
    (site.root / "profiles" / "rescue" / "workspace" / "notes.md").write_text("kept")
    before = site.mine("rescue")
    assert profiles.rename(site.session, "rescue", "backup", 5) is None
    assert site.mine("backup") == before
    assert site.mine("rescue") == {}
    assert site.session.fleet().profiles["backup"].port == 19789
    assert list(site.session.fleet().profiles) == ["main", "backup"]
    assert "profiles/rescue" not in (site.root / "compose.yaml").read_text()


def test_main_keeps_its_port_under_another_name(site: FakeSite) -> None:
    profiles.rename(site.session, "main", "first", 5)
    assert site.session.fleet().profiles["first"].port == 18789


def test_a_gateway_that_runs_is_ended_and_made_again_under_its_new_name(site: FakeSite) -> None:
    lifecycle.up(site.session, [], 5).usable()
    commands(site.compose)
    result = profiles.rename(site.session, "rescue", "backup", 5)
    assert result is not None
    assert [item.verdict.profile for item in result.usable().seen] == ["backup"]
    assert commands(site.compose) == [
        "stop rescue", "down rescue", "up --detach --no-build --pull never backup",
    ]  # fmt: skip
    assert set(site.engine.there) == {"main", "backup"}


def test_a_dry_run_of_a_rename_says_what_the_rename_says_and_changes_nothing(site: FakeSite) -> None:
    lifecycle.up(site.session, [], 5).usable()
    commands(site.compose)
    before, site.told.lines = snapshot(site.root), []
    dry = profiles.prepare_rename(site.session, "rescue", "backup").plan.lines
    assert dry == [
        "rescue: container stopped",
        "rescue: container removed",
        "rescue: renamed to backup, with its files, secrets and port 19789",
        "backup: container created, because rescue was running",
    ]
    assert (snapshot(site.root), commands(site.compose), site.told.lines) == (before, [], [])
    profiles.rename(site.session, "rescue", "backup", 5)
    assert site.told.lines[: len(dry)] == dry


@pytest.mark.parametrize(("old", "new"), [("nobody", "backup"), ("rescue", "main"), ("rescue", "a/b")])
def test_a_name_that_cannot_be_is_refused(site: FakeSite, old: str, new: str) -> None:
    before = snapshot(site.root)
    with pytest.raises(UsageError):
        profiles.rename(site.session, old, new, 5)
    assert snapshot(site.root) == before


def test_a_mistyped_name_is_answered_with_the_one_that_was_meant(site: FakeSite) -> None:
    with pytest.raises(UsageError, match=r"did you mean rescue\?"):
        profiles.rename(site.session, "resque", "backup", 5)


def test_files_of_an_earlier_profile_are_never_mixed_with(site: FakeSite) -> None:
    profiles.remove(site.session, "rescue", purge=False, confirm=lambda _: True)
    with pytest.raises(StateRefusedError, match="files of an earlier profile rescue"):
        profiles.rename(site.session, "main", "rescue", 5)


def test_a_profile_that_comes_from_a_merge_is_refused_and_nothing_moves(site: FakeSite) -> None:
    path = site.root / "fleet.yaml"
    path.write_text("profiles:\n  <<: {rescue: {port: 19789}}\n  main: {}\n")
    before = snapshot(site.root)
    with pytest.raises(FleetError, match=r"profiles\.rescue: write backup here yourself"):
        profiles.rename(site.session, "rescue", "backup", 5)
    assert snapshot(site.root) == before


@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_rename_that_was_killed_at_any_point_is_finished_by_the_next_command_that_changes_anything(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch, step: int, tmp_path: Path
) -> None:
    before, done = site.mine("rescue"), []
    real = Path.rename

    def killed(source: Path, target: Path) -> Path:
        done.append(source)
        if len(done) == step:
            raise KeyboardInterrupt
        return real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", killed)
        patched.setattr("idlehands_deploy.planning.rename_files.store", lambda *_: killed(tmp_path, tmp_path))
        with pytest.raises(KeyboardInterrupt):
            profiles.rename(site.session, "rescue", "backup", 5)
    assert json.loads((site.root / ".rename.json").read_text()) == {"old": "rescue", "new": "backup"}
    while_unfinished = snapshot(site.root)
    listed = run(tmp_path, "-C", str(site.root), "list")
    assert listed.stderr == (
        f"A rename of rescue to backup was interrupted. Finish it: idlehands-deploy -C {site.root} up backup\n"
    )
    assert snapshot(site.root) == while_unfinished
    finished = run(tmp_path, "-C", str(site.root), "generate")
    assert finished.stderr.startswith("Finished an interrupted rename of rescue to backup. Start it: ")
    assert site.mine("backup") == before
    listed = run(tmp_path, "-C", str(site.root), "list")
    assert (listed.stderr, "backup" in listed.stdout, "rescue" in listed.stdout) == ("", True, False)


def test_a_rename_that_cannot_move_everything_moves_nothing(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    before, real = snapshot(site.root), Path.rename

    def busy(source: Path, target: Path) -> Path:
        if source == site.root / "profiles" / "rescue":  # as a mount point is
            raise OSError(errno.EBUSY, "Device or resource busy")
        return real(source, target)

    monkeypatch.setattr(Path, "rename", busy)
    with pytest.raises(DirectoryError, match=r"Cannot move .*/profiles/rescue: Device or resource busy"):
        profiles.rename(site.session, "rescue", "backup", 5)
    assert snapshot(site.root) == before


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_rename_that_cannot_be_noted_is_not_begun_and_not_finished_later(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    before = snapshot(site.root)

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    # A test double: a disk that fills up between a file's writing and its sync cannot be had in a test.
    monkeypatch.setattr("idlehands_deploy.host.files.os.fsync", fail)
    with pytest.raises(DirectoryError, match=r"Cannot write .*/\.rename\.json: "):
        profiles.rename(site.session, "rescue", "backup", 5)
    assert snapshot(site.root) == before


def test_what_keeps_the_fleet_from_being_written_is_told_before_anything_is_stopped(site: FakeSite) -> None:
    lifecycle.up(site.session, [], 5).usable()
    commands(site.compose)
    path = site.root / "fleet.yaml"
    path.write_text(path.read_text().replace("main: {}", "main: {secrets: [NOT_THERE]}"))
    before = snapshot(site.root)
    with pytest.raises(FleetError, match="secrets/main/NOT_THERE: missing"):
        profiles.rename(site.session, "rescue", "backup", 5)
    assert (snapshot(site.root), commands(site.compose)) == (before, [])


def test_a_damaged_journal_is_named_with_what_to_do(site: FakeSite, tmp_path: Path) -> None:
    (site.root / ".rename.json").touch()
    shown = run(tmp_path, "-C", str(site.root), "list")
    assert shown.returncode == 2
    assert f"{site.root}/.rename.json is damaged: a rename was interrupted" in shown.stderr


def test_an_image_that_is_gone_is_made_before_the_gateway_is_stopped(site: FakeSite) -> None:
    lifecycle.up(site.session, [], 5).usable()
    site.engine.built = None
    assert profiles.prepare_rename(site.session, "rescue", "backup").plan.lines[:2] == [
        "idlehands/gateway:2026.9.6: image pulled or built, because the engine does not have it",
        "rescue: container stopped",
    ]


def test_the_lease_of_a_killed_gateway_does_not_keep_it_from_starting_under_its_new_name(site: FakeSite) -> None:
    database = site.root / "profiles" / "rescue" / "state" / "state" / "main.sqlite"
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE state_leases (owner TEXT)")
        connection.execute("INSERT INTO state_leases VALUES ('rescue:1')")
    profiles.rename(site.session, "rescue", "backup", 5)
    with closing(sqlite3.connect(str(database).replace("rescue", "backup"))) as connection:
        assert connection.execute("SELECT count(*) FROM state_leases").fetchone() == (0,)


def test_what_a_gateway_can_go_back_to_is_renamed_with_it(site: FakeSite) -> None:
    (made,) = snapshots.create(site.session, ["rescue"])
    profiles.rename(site.session, "rescue", "backup", 5)
    assert [one.id for one in snapshots.list_snapshots(site.session, ["backup"])] == [made.id]
    assert not (site.root / "snapshots/rescue").exists()
