from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import DirectoryError, StateRefusedError, UsageError
from idlehands_deploy.operations import profiles
from idlehands_deploy.operations.cleanup import destroy
from idlehands_deploy.operations.state import snapshots
from idlehands_deploy.state import verbs
from idlehands_deploy.state.snapshots import Snapshot, choose, superfluous
from idlehands_deploy.state.transaction import recover
from tests.support.helpers import run

if TYPE_CHECKING:
    from tests.support.fake_site import FakeSite

DAY = 86_400.0


def test_a_snapshot_holds_the_three_directories_and_says_what_it_is(site: FakeSite) -> None:
    (site.root / "profiles/main/workspace/notes.md").write_text("mine")
    (made,) = snapshots.create(site.session, ["main"], "before the plugin")
    directory = site.root / "snapshots/main" / made.id
    assert (directory / "workspace/notes.md").read_text() == "mine"
    assert sorted(path.name for path in directory.iterdir()) == ["home", "snapshot.json", "state", "workspace"]
    assert (made.reason, made.label, made.proven, made.version) == ("by hand", "before the plugin", False, "2026.9.6")
    assert made.size > 0


def test_a_running_gateway_is_frozen_for_the_copy_alone(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site.session.compose(site.session.fleet()).run("up", "main")
    done: list[str] = []
    do = verbs.do

    def noted(run: verbs.Run, how: verbs.How) -> None:
        done.append(how[0])
        do(run, how)

    monkeypatch.setattr("idlehands_deploy.state.transaction.do", noted)
    (made,) = snapshots.create(site.session, ["main"])
    assert done == ["make", "pause", "copy", "unpause", "note", "commit", "place"]
    assert made.proven


@pytest.mark.parametrize("error", [KeyboardInterrupt(), DirectoryError("The disk is full.", "Free some space.")])
def test_a_copy_that_ends_early_leaves_no_frozen_gateway_and_no_snapshot(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    site.session.compose(site.session.fleet()).run("up", "main")

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setitem(verbs._VERBS, "copy", fail)
    with pytest.raises(type(error)):
        snapshots.create(site.session, ["main"])
    assert site.engine.there["main"].state == "running"
    assert list((site.root / "snapshots/main").iterdir()) == []
    assert list(recover(site.session)) == []


def test_caches_that_the_gateway_makes_again_are_left_out(site: FakeSite) -> None:
    state = site.root / "profiles/main/state"
    for path in ("cache/control-ui-assets/a", "cache/kept/b", "tmp/c", "plugin-skills/d"):
        (state / path).parent.mkdir(parents=True, exist_ok=True)
        (state / path).touch()
    (made,) = snapshots.create(site.session, ["main"])
    copy = site.root / "snapshots/main" / made.id / "state"
    assert (copy / "cache/kept/b").exists()
    assert not [name for name in ("cache/control-ui-assets", "tmp", "plugin-skills") if (copy / name).exists()]


def test_a_disk_without_space_is_refused_with_the_figures(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idlehands_deploy.host.trees.space.free_space", lambda _: 5_000_000)
    monkeypatch.setattr("idlehands_deploy.state.trees.shares_blocks", lambda _: False)
    with pytest.raises(StateRefusedError, match=r"A snapshot of main needs 105 MB at .*, but 5 MB are free\."):
        snapshots.create(site.session, ["main"])


def test_a_file_system_that_shares_blocks_needs_no_space(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idlehands_deploy.host.trees.space.free_space", lambda _: 5_000_000)
    monkeypatch.setattr("idlehands_deploy.state.trees.shares_blocks", lambda _: True)
    assert snapshots.create(site.session, ["main"])


def test_a_new_snapshot_replaces_the_oldest_that_the_fleet_file_does_not_keep(site: FakeSite) -> None:
    site.edit("profiles:", "snapshots: {keep: 2}\nprofiles:")
    first, second, third = (snapshots.create(site.session, ["main"])[0] for _ in range(3))
    assert f"main: snapshot {first.id} deleted, because the 2 newest are kept" in site.lines()
    assert [one.id for one in snapshots.list_snapshots(site.session, ["main"])] == [second.id, third.id]


def test_a_label_keeps_a_snapshot_and_names_it(site: FakeSite) -> None:
    site.edit("profiles:", "snapshots: {keep: 1}\nprofiles:")
    (first,) = snapshots.create(site.session, ["main"])
    assert snapshots.relabel(site.session, "main", first.id, "good one").label == "good one"
    snapshots.create(site.session, ["main"])
    snapshots.create(site.session, ["main"])
    assert [one.label for one in snapshots.list_snapshots(site.session, ["main"])] == ["good one", ""]
    assert snapshots.relabel(site.session, "main", "good one", "").label == ""


def test_the_newest_the_newest_proven_and_those_with_a_label_are_kept_whatever_the_rules_say() -> None:
    made = [
        Snapshot("main", "1", 1 * DAY, label="mine"),
        Snapshot("main", "2", 2 * DAY, proven=True),
        Snapshot("main", "3", 3 * DAY, proven=True),
        Snapshot("main", "4", 4 * DAY),
        Snapshot("main", "5", 5 * DAY),
    ]
    assert [one.id for one in superfluous(made, 1, 0)] == ["2", "4"]
    assert [one.id for one in superfluous(made, 9, 100 * DAY)] == ["2", "4"]
    assert [one.id for one in superfluous(made, 9, 4 * DAY)] == ["2"]
    assert superfluous(made, 9, 0) == []


@pytest.mark.parametrize(
    ("wanted", "id_"), [(None, "20260102-0000"), ("20260101", "20260101-0000"), ("mine", "20260101-0000")]
)
def test_a_snapshot_is_chosen_by_its_id_the_beginning_of_it_or_its_label(wanted: str | None, id_: str) -> None:
    made = [Snapshot("main", "20260101-0000", 1, label="mine"), Snapshot("main", "20260102-0000", 2)]
    assert choose(made, "main", wanted).id == id_


def test_one_that_may_be_several_is_refused() -> None:
    made = [Snapshot("main", "20260101-0000", 1), Snapshot("main", "20260102-0000", 2)]
    with pytest.raises(UsageError, match="main has 2 snapshots 2026"):
        choose(made, "main", "2026")


def test_a_damaged_record_is_listed_and_can_still_be_gone_back_to(site: FakeSite) -> None:
    (made,) = snapshots.create(site.session, ["main"])
    (site.root / "snapshots/main" / made.id / "snapshot.json").write_text("{")
    (found,) = snapshots.list_snapshots(site.session, ["main"])
    assert (found.id, found.reason) == (made.id, "its record is damaged or missing")
    assert abs(found.taken_at - time.time()) < DAY
    assert snapshots.rollback(site.session, "main", found.id, 5) is None


def test_a_profile_is_removed_with_its_snapshots_only_where_its_files_are(site: FakeSite) -> None:
    snapshots.create(site.session, ["rescue"])
    kept = profiles.prepare_removal(site.session, "rescue", purge=False).plan
    assert "snapshots/rescue: kept" in kept.lines
    profiles.remove(site.session, "rescue", purge=True, confirm=lambda _: True)
    assert not (site.root / "snapshots/rescue").exists()


def test_a_deployment_is_destroyed_with_its_snapshots(site: FakeSite) -> None:
    snapshots.create(site.session, ["main", "rescue"])
    assert destroy.destroy(site.session, lambda _: True, keep_files=False, now=True) == []
    assert list(site.root.iterdir()) == []


def test_scripts_get_what_people_see(site: FakeSite) -> None:
    snapshots.create(site.session, ["main"], "mine")
    shown = run(site.root, "-C", str(site.root), "snapshots", "list", "main")
    assert shown.stdout.splitlines()[0].split() == [
        "PROFILE",
        "SNAPSHOT",
        "AGE",
        "SIZE",
        "GATEWAY",
        "WAS",
        "READY",
        "WHY",
        "LABEL",
    ]
    assert '"label": "mine"' in run(site.root, "-C", str(site.root), "snapshots", "list", "--json").stdout


@pytest.mark.parametrize("words", [[], ["main"], ["--json"], ["main", "rescue"]])
def test_without_a_command_the_snapshots_are_listed(site: FakeSite, words: list[str]) -> None:
    snapshots.create(site.session, ["main"], "mine")
    command = ["-C", str(site.root), "snapshots"]
    listed = run(site.root, *command, "list", *words).stdout
    assert run(site.root, *command, *words).stdout.split("  ")[0] == listed.split("  ")[0] != ""
    assert "Commands:" in run(site.root, *command, "--help").stdout
