"""`destroy`: everything that this tool made goes, and nothing else."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.deployment.session import Session
from idlehands_deploy.errors import DirectoryError, UsageError
from idlehands_deploy.host import files
from idlehands_deploy.host.systemd import Systemd
from idlehands_deploy.operations import lifecycle, profiles
from idlehands_deploy.operations.cleanup import destroy as operation
from idlehands_deploy.targets.boot_units import unit_name, unit_text, watch_unit_name, watch_unit_text
from idlehands_deploy.watch.journal import Journal, locked
from tests.support.containers import RUNNING
from tests.support.helpers import run, session, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.fake_site import FakeSite

REMOVE = "idlehands_deploy.planning.executor.remove"
FILES = [
    "profiles/main: deleted for good, with its sessions, credentials and workspace",
    "profiles/rescue: deleted for good, with its sessions, credentials and workspace",
    "secrets/main: deleted for good, with its token and keys",
    "secrets/rescue: deleted for good, with its token and keys",
    "fleet.schema.json: deleted",
    "seccomp.json: deleted",
    "compose.yaml: deleted",
    ".lock: deleted",
    "fleet.yaml: deleted",
]


def yes(_: str) -> bool:
    return True


def destroyed(session: Session, *, keep_files: bool = False) -> list[str]:
    return operation.destroy(session, yes, keep_files=keep_files, now=False)


def planned(session: Session) -> list[str]:
    return operation.prepare_destroy(session, keep_files=False, now=False).plan.lines


@pytest.fixture
def units(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory for the units of a systemd that does not run."""
    directory = tmp_path_factory.mktemp("units")
    monkeypatch.setattr(Session, "systemd", lambda _: Systemd(user=False, units=directory))
    monkeypatch.setattr(Systemd, "_run", lambda *_, **__: "")
    return directory


@pytest.fixture
def busy(site: FakeSite, units: Path) -> FakeSite:
    """Main runs, rescue is stopped, a container has no profile, both units are installed, and a watch has run."""
    lifecycle.up(site.session, [], 1.0)
    lifecycle.stop(site.session, ["rescue"])
    site.engine.becomes(replace(RUNNING, id="90" * 32), "gone")
    site.engine.nets = ["net_main", "net_rescue"]
    project = site.session.fleet().name
    (units / unit_name(project, "main")).write_text(unit_text(project, "main", site.root, user=False))
    watch = watch_unit_text(project, site.root, ["watch"], {}, "", user=False)
    (units / watch_unit_name(project)).write_text(watch)
    journal = Journal(site.session.deployment.journal_file)
    journal.write("ended")
    journal.close()
    with locked(site.session.deployment.journal_file):
        pass
    site.lines()
    return site


def test_everything_goes_in_an_order_that_can_be_finished_later(busy: FakeSite, units: Path) -> None:
    project = busy.session.fleet().name
    assert destroyed(busy.session) == []
    assert [line for line in busy.lines() if ": " in line and "waiting" not in line] == [
        f"idlehands-{project}.watch.service: stopped and removed",
        f"idlehands-{project}.main.target: removed",
        "gone: container stopped",
        "main: container stopped",
        "gone: container removed",
        "main: container removed",
        "rescue: container removed",
        "net_main: network removed",
        "net_rescue: network removed",
        *FILES[:4],
        "watch: deleted",
        *FILES[4:],
    ]
    assert (snapshot(busy.root), busy.engine.there, busy.engine.nets, list(units.iterdir())) == ({}, {}, [], [])


def test_it_asks_once_with_what_would_be_lost_and_a_no_changes_nothing(busy: FakeSite, units: Path) -> None:
    before, containers = snapshot(busy.root), dict(busy.engine.there)
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    with pytest.raises(UsageError, match="nothing was changed") as caught:
        operation.destroy(busy.session, no, keep_files=False, now=False)
    assert caught.value.exit_code == 2
    (question,) = asked
    assert question.startswith(f"Delete main and rescue in {busy.root} for good, with all sessions, credentials and ")
    assert (snapshot(busy.root), busy.engine.there, len(list(units.iterdir()))) == (before, containers, 2)


def test_a_dry_run_changes_nothing(busy: FakeSite) -> None:
    before, containers = snapshot(busy.root), dict(busy.engine.there)
    assert planned(busy.session)[-len(FILES) + 4 :] == FILES[4:]
    assert (snapshot(busy.root), busy.engine.there) == (before, containers)


def test_what_changes_while_it_asks_stops_it(busy: FakeSite) -> None:
    def answer_late(_: str) -> bool:
        (busy.root / "notes.txt").write_text("mine")
        return True

    with pytest.raises(UsageError, match="changed meanwhile: nothing was destroyed"):
        operation.destroy(busy.session, answer_late, keep_files=False, now=False)
    assert len(busy.engine.there) == 3


def test_with_keep_files_only_containers_networks_and_units_go(busy: FakeSite, units: Path) -> None:
    before = snapshot(busy.root)
    assert destroyed(busy.session, keep_files=True) == []
    assert f"{busy.root}: kept, with all that is in it, because --keep-files was given" in busy.lines()
    assert (busy.engine.there, busy.engine.nets, list(units.iterdir())) == ({}, [], [])
    assert snapshot(busy.root) == before


FOREIGN = [
    "notes.txt", ".env", "compose.override.yaml", "backups/old.tar", "profiles/notes.txt", "profiles/x-no-name/state/a",
    "profiles/main/notes.txt", "profiles/.import-ops/state/a", "secrets/notes.txt", "secrets/main/notes.txt",
    "watch/notes.txt", "main/state/a", ".compose.yaml.txt",
]  # fmt: skip


def test_what_somebody_else_put_there_stays_and_is_named(site: FakeSite) -> None:
    for path in FOREIGN:
        (site.root / path).parent.mkdir(parents=True, exist_ok=True)
        (site.root / path).write_text("mine")
    mine = {path: facts for path, facts in snapshot(site.root).items() if path in FOREIGN}
    (last,) = [line for line in planned(site.session) if "because this tool did not make them" in line]
    assert last.startswith(
        "profiles/.import-ops, profiles/main/notes.txt, profiles/notes.txt, profiles/x-no-name, "
        "secrets/main/notes.txt, secrets/notes.txt, watch/notes.txt, .compose.yaml.txt, .env, backups"
    )
    assert destroyed(site.session) == [
        ".compose.yaml.txt", ".env", "backups", "compose.override.yaml", "main", "notes.txt", "profiles", "secrets",
        "watch",
    ]  # fmt: skip
    assert {path: facts for path, facts in snapshot(site.root).items() if (site.root / path).is_file()} == mine


@pytest.mark.parametrize("name", ["compose.yaml", "seccomp.json", "fleet.schema.json"])
def test_a_person_s_own_file_in_the_place_of_a_generated_one_stays(site: FakeSite, name: str) -> None:
    for generated in ("compose.yaml", name):
        (site.root / generated).write_text("services: {}\n")
    assert name in destroyed(site.session)
    assert (site.root / name).read_text() == "services: {}\n"


def test_a_profile_that_was_removed_without_its_files_goes_too(site: FakeSite) -> None:
    profiles.remove(site.session, "rescue", purge=False, confirm=yes)
    assert destroyed(site.session) == []
    assert snapshot(site.root) == {}


def test_a_secret_file_that_the_fleet_file_names_goes_and_another_stays(site: FakeSite) -> None:
    site.edit("profiles:", "watch: {notify: {webhook: secrets/webhook.url, ntfy: secrets/main/ntfy.url}}\nprofiles:")
    for name in ("webhook.url", "main/ntfy.url", "other.url"):
        (site.root / "secrets" / name).write_text("https://example.org/")
    assert destroyed(site.session) == ["secrets"]
    assert [path for path in snapshot(site.root) if path.endswith(".url")] == ["secrets/other.url"]


def test_no_link_is_followed_and_the_place_that_it_leads_to_is_named(site: FakeSite, tmp_path_factory: Any) -> None:
    disk = tmp_path_factory.mktemp("disk")
    (site.root / "profiles/main/state").rename(disk / "state")
    (site.root / "profiles/main/state").symlink_to(disk / "state")
    (site.root / "fleet.yaml").rename(disk / "dotfile.yaml")
    (site.root / "fleet.yaml").symlink_to(disk / "dotfile.yaml")
    (site.root / "profiles/rescue/workspace/out").symlink_to(disk)
    before = snapshot(disk)
    lines = planned(site.session)
    assert f"{disk}/state: kept, because profiles/main/state only leads to it" in lines
    assert f"{disk}/dotfile.yaml: kept, because fleet.yaml only leads to it" in lines
    assert destroyed(site.session) == []
    assert (snapshot(site.root), snapshot(disk)) == ({}, before)


class CutOffError(Exception):
    """Stands for a kill at any moment."""


@pytest.mark.parametrize("allowed", range(len(FILES) + 3))
def test_one_that_was_cut_off_is_finished_by_running_it_again(
    busy: FakeSite, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    left = [allowed]

    def remove(path: Path) -> None:
        if not left[0]:
            raise CutOffError
        left[0] -= 1
        files.remove(path)

    with monkeypatch.context() as patch:
        patch.setattr(REMOVE, remove)
        try:
            destroyed(busy.session)
        except CutOffError:
            assert (busy.root / "fleet.yaml").exists()
            patch.undo()
            assert destroyed(busy.session) == []
    assert (snapshot(busy.root), busy.engine.there) == ({}, {})


def test_one_that_was_cut_off_within_a_directory_is_finished_by_running_it_again(site: FakeSite) -> None:
    (site.root / "profiles/main/workspace").rmdir()
    (site.root / "profiles/main/state/idlehands.json").unlink()
    (site.root / "secrets/main/IDLEHANDS_GATEWAY_TOKEN").unlink()
    (site.root / ".compose.yaml.x1_y2z3w").write_text("half")
    assert destroyed(site.session) == []
    assert snapshot(site.root) == {}


@pytest.mark.parametrize("text", ["spacing: 1\n", "[", "", "profiles: {x: {}, y: {}}\n"])
def test_a_fleet_file_that_is_wrong_keeps_nobody_from_it(busy: FakeSite, text: str) -> None:
    (busy.root / "fleet.yaml").write_text(text)
    assert destroyed(busy.session) == []
    assert (snapshot(busy.root), busy.engine.there) == ({}, {})


def test_without_a_fleet_file_the_compose_file_says_what_there_is(busy: FakeSite) -> None:
    (busy.root / "fleet.yaml").unlink()
    assert destroyed(busy.session) == []
    assert (snapshot(busy.root), busy.engine.there) == ({}, {})


def test_where_there_is_no_deployment_nothing_is_done(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("name: other\nservices: {}\n")
    before = snapshot(tmp_path)
    shown = run(tmp_path, "-C", str(tmp_path), "destroy", "--yes")
    assert (shown.returncode, shown.stdout) == (2, "")
    assert "There is no fleet file" in shown.stderr
    assert snapshot(tmp_path) == before


def test_a_watch_that_runs_without_a_unit_is_to_be_stopped_first(site: FakeSite) -> None:
    journal = Journal(site.session.deployment.journal_file)
    before = dict(site.engine.there)
    with locked(site.session.deployment.journal_file), pytest.raises(UsageError, match="watch is running") as caught:
        destroyed(site.session)
    journal.close()
    assert str(caught.value.remedy) == f"Stop it first; its process: fuser {site.root}/watch/lock"
    assert site.engine.there == before
    assert (site.root / "fleet.yaml").exists()


def test_units_of_another_deployment_of_the_same_name_stay(site: FakeSite, units: Path, tmp_path: Path) -> None:
    other, project = tmp_path / "other", site.session.fleet().name
    other.mkdir()
    (other / "fleet.yaml").write_text("profiles: {}\n")
    path = units / unit_name(project, "main")
    path.write_text(unit_text(project, "main", other, user=False))
    moved = units / unit_name(project, "rescue")
    moved.write_text(unit_text(project, "rescue", tmp_path / "moved from", user=False))
    assert [line for line in planned(site.session) if "idlehands-" in line] == [f"{moved.name}: removed"]
    destroyed(site.session)
    assert list(units.iterdir()) == [path]


def test_files_that_were_moved_here_from_a_native_gateway_are_said_to_be_the_only_ones(site: FakeSite) -> None:
    (site.root / "profiles/rescue/import.json").write_text('{"adopted": true, "source": "/home/ann/.idlehands-rescue"}')
    assert (
        "profiles/rescue: deleted for good, with its sessions, credentials and workspace; they were moved here from "
        "/home/ann/.idlehands-rescue, and there is no copy"
    ) in planned(site.session)


def test_another_file_system_in_the_directory_is_refused_before_anything_is_changed(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = site.root / "profiles/main/workspace"
    monkeypatch.setattr("idlehands_deploy.planning.cleanup.facts.mounts_below", lambda _: [point])
    before = snapshot(site.root)
    with pytest.raises(UsageError) as caught:
        destroyed(site.session)
    assert str(caught.value) == (
        f"Another file system is mounted in {site.root}: {point}.\nUnmount it: sudo umount {point}"
    )
    assert snapshot(site.root) == before


def test_what_cannot_be_deleted_later_is_an_error_that_names_it(
    site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise DirectoryError(f"Cannot delete {path}: Operation not permitted.", "Look.")

    monkeypatch.setattr(REMOVE, fail)
    with pytest.raises(DirectoryError, match="profiles/main: Operation not permitted"):
        destroyed(site.session)
    assert (site.root / "fleet.yaml").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("path", ["profiles/main/state", "secrets/main", "profiles"])
def test_a_person_who_may_not_delete_something_is_told_so_before_anything_is_changed(
    site: FakeSite, ordinary_user: Path, path: str
) -> None:
    profiles.init(session(ordinary_user), ["main"])
    os.seteuid(0)
    os.chown(ordinary_user / path, 0, 0)
    os.seteuid(65534)
    own = Session(session(ordinary_user).deployment, {}, site.told, lambda _: False)
    before = snapshot(ordinary_user) if path == "profiles" else None
    with pytest.raises(UsageError, match="You may not delete") as caught:
        destroyed(own)
    assert str(caught.value.remedy) == f"Run this as root: sudo idlehands-deploy -C {ordinary_user} destroy"
    assert before is None or snapshot(ordinary_user) == before


def test_without_a_terminal_it_needs_yes(tmp_path: Path) -> None:
    assert run(tmp_path, "init").returncode == 0
    assert run(tmp_path, "destroy").returncode in {2, 4}
    assert (tmp_path / "fleet.yaml").exists()


def test_a_script_that_runs_twice_destroys_no_other_deployment(tmp_path: Path) -> None:
    assert run(tmp_path, "add", "main").returncode == 0  # the default deployment
    before = snapshot(tmp_path)
    (tmp_path / "here").mkdir()
    shown = run(tmp_path, "destroy", "--yes")
    assert shown.returncode == 2
    root = f"{tmp_path}/.local/share/idlehands-deploy"
    assert shown.stderr.splitlines()[-1] == f"If you mean it: idlehands-deploy -C {root} destroy --yes"
    assert {path: facts for path, facts in snapshot(tmp_path).items() if path != "here"} == before
