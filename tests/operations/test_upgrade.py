from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.errors import DirectoryError, NotReadyError, StateRefusedError, UsageError
from idlehands_deploy.gateway.probe import Answer, GatewayAnswers, GatewayProbe
from idlehands_deploy.gateway.versions import order, state_version
from idlehands_deploy.operations import lifecycle
from idlehands_deploy.operations.state import snapshots, upgrade
from idlehands_deploy.state import verbs
from idlehands_deploy.state.contents import read_count
from idlehands_deploy.state.transaction import recover
from tests.support.engine import AWAY, IMAGE, commands
from tests.support.gateway_images import NEW, OLD, deep, image
from tests.support.kills import each_kill
from tests.support.states import content, here, kept_aside, left_over, put_back

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.support.fake_site import FakeSite


@pytest.fixture
def old(site: FakeSite, monkeypatch: pytest.MonkeyPatch) -> FakeSite:
    """Main runs 2026.9.6, and there is an image of 2026.10.1. A deep check passes, without a browser."""
    site.engine.images_by_name = {OLD: IMAGE, NEW: image("2026.10.1")}
    deep(monkeypatch, lambda _: "ok")
    lifecycle.up(site.session, ["main"], 5).usable()
    (site.root / "profiles/main/workspace/notes.md").write_text("mine")
    site.lines()
    commands(site.compose)
    return site


def test_an_upgrade_is_told_before_it_is_done(old: FakeSite) -> None:
    plan = upgrade.prepare_upgrade(old.session, "main", "2026.10.1", 180).plan
    new = plan.changes[-1].how[1].removesuffix(".in").rpartition(".")[2]
    assert plan.lines == [
        f"main: container stopped{AWAY}",
        f"main: state, workspace and home copied (0 MB); the originals become snapshot {new}",
        "main: gateway upgraded from 2026.9.6 to 2026.10.1",
        "main: container recreated",
        "main: must be ready within 180 s, pass `health --deep` and have no fewer sessions and jobs, "
        "or all is put back as it was",
    ]


def test_an_upgrade_gives_the_new_gateway_a_copy_and_keeps_the_original(old: FakeSite) -> None:
    before = here(old)
    done = upgrade.upgrade(old.session, ["main"], "2026.10.1", 5)
    assert done.failure is None
    assert here(old) == before
    assert old.engine.there["main"].version == "2026.10.1"
    (kept,) = snapshots.list_snapshots(old.session, ["main"])
    assert (kept.reason, kept.version, kept.reference, kept.proven) == (
        "before an upgrade to 2026.10.1", "2026.9.6", OLD, True,
    )  # fmt: skip
    assert content(old.root / "snapshots/main" / kept.id) == before
    assert old.session.fleet().profiles["main"].image == NEW
    assert left_over(old) == []


def test_when_all_profiles_have_it_the_image_is_the_fleet_s(old: FakeSite) -> None:
    lifecycle.up(old.session, ["rescue"], 5).usable()
    text = (old.root / "fleet.yaml").read_text()
    upgrade.upgrade(old.session, [], "2026.10.1", 5)
    assert (old.root / "fleet.yaml").read_text() == text.replace(OLD, NEW)
    assert lifecycle.prepare_up(old.session, []).plan.changes == ()


def test_a_rollback_after_it_puts_image_and_state_back_together(old: FakeSite) -> None:
    before = here(old)
    upgrade.upgrade(old.session, ["main"], "2026.10.1", 5)
    (old.root / "profiles/main/state/migrated").touch()
    snapshots.rollback(old.session, "main", None, 5)
    assert here(old) == before
    assert old.engine.there["main"].version == "2026.9.6"
    assert old.session.fleet().profiles["main"].image == OLD


def broken_prove(*_: object) -> None:
    raise NotReadyError("main is not ready.", "Look.")


@pytest.mark.parametrize("verb", ["copy", "exchange", "set-image", "up", "prove", "prove-deep"])
def test_whatever_fails_image_and_state_are_put_back(old: FakeSite, monkeypatch: pytest.MonkeyPatch, verb: str) -> None:
    before, fleet = here(old), (old.root / "fleet.yaml").read_text()
    monkeypatch.setitem(verbs._VERBS, verb, _fails_once(verbs._VERBS[verb]))
    with pytest.raises(DirectoryError):
        upgrade.upgrade(old.session, ["main"], "2026.10.1", 5)
    assert here(old) == before
    assert (old.engine.there["main"].version, old.engine.there["main"].state) == ("2026.9.6", "running")
    assert left_over(old) == []
    assert lifecycle.prepare_up(old.session, ["main"]).plan.changes == ()
    assert old.session.fleet().profiles["main"].image in {None, OLD}
    assert fleet.replace("main: {}", "main:") in (old.root / "fleet.yaml").read_text().replace(
        f"main: {{image: {OLD}}}", "main:"
    ).replace("main: {}", "main:")


def test_a_gateway_that_is_not_ready_leaves_what_it_made_of_the_state_for_study(
    old: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = here(old)

    def ask(*_: object) -> GatewayAnswers:
        answer = Answer(200, {"ready": True, "status": "started"})
        if old.engine.there["main"].version == "2026.10.1":
            (old.root / "profiles/main/state/migrated").touch()
            answer = Answer(503)
        return GatewayAnswers(answer, answer)

    monkeypatch.setattr(GatewayProbe, "ask", ask)
    with pytest.raises(NotReadyError):
        upgrade.upgrade(old.session, ["main"], "2026.10.1", 1)
    assert here(old) == before
    (failed,) = snapshots.list_snapshots(old.session, ["main"])
    assert (failed.is_failed, failed.version) == (True, "2026.10.1")
    assert failed.reason == "what gateway 2026.10.1 made of it, and was not kept"
    assert (old.root / "snapshots/main" / failed.id / "state/migrated").exists()
    assert "main: put back, with its gateway and its state; it is ready" in old.told.lines


def test_a_gateway_that_is_ready_and_fails_its_deep_check_goes_back(
    old: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = here(old)
    deep(monkeypatch, lambda look: "failed" if look.containers["main"].version == "2026.10.1" else "ok")
    with pytest.raises(NotReadyError, match="main is ready, but its deep check failed: page: it is blank"):
        upgrade.upgrade(old.session, ["main"], "2026.10.1", 5)
    assert here(old) == before
    assert old.engine.there["main"].version == "2026.9.6"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ('{"totalCount": 2}', "3 sessions before, and 2 now"),
        ("Error", "3 sessions before, and does not list them now"),
    ],
)
def test_a_gateway_that_is_ready_and_has_lost_sessions_goes_back(
    old: FakeSite, monkeypatch: pytest.MonkeyPatch, now: str, said: str
) -> None:
    before = here(old)

    def run(_container: str, command: Sequence[str]) -> tuple[int, str]:
        is_new = old.engine.there["main"].version == "2026.10.1"
        return 0, (now if is_new else '{"totalCount": 3}') if "sessions" in command else '{"jobs": []}'

    monkeypatch.setattr(old.engine, "run", run)
    with pytest.raises(NotReadyError, match=f"has lost something: {said}"):
        upgrade.upgrade(old.session, ["main"], "2026.10.1", 5)
    assert here(old) == before
    assert old.engine.there["main"].version == "2026.9.6"


def test_where_a_gateway_does_not_tell_what_it_has_the_plan_does_not_say_that_it_is_counted(old: FakeSite) -> None:
    upgrade.upgrade(old.session, ["main"], "2026.10.1", 5)  # the fake engine's commands say nothing that counts
    assert "main: must be ready within 5 s and pass `health --deep`, or all is put back as it was" in old.told.lines


@pytest.mark.parametrize(
    ("what", "said", "count"),
    [
        ("sessions", '{"count": 1, "totalCount": 7}', 7),
        ("sessions", '{"count": 4}', 4),
        ("scheduled jobs", '{"jobs": [{"declarationKey": "heartbeat:main"}, {"name": "mine"}]}', 1),
        ("sessions", "[" * 100_000, None),
        ("sessions", '{"count": true}', None),
        ("scheduled jobs", '{"jobs": 3}', None),
        ("scheduled jobs", "[]", None),
    ],
)
def test_what_a_gateway_says_of_its_contents_is_counted(what: str, said: str, count: int | None) -> None:
    assert read_count(what, said) == count


def test_a_deep_check_that_fails_before_is_not_asked_for_after(old: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    deep(monkeypatch, lambda _: "failed")
    assert upgrade.upgrade(old.session, ["main"], "2026.10.1", 5).failure is None
    assert "main fails its deep check now (page: it is blank), so the new one may too." in old.lines()


def test_whatever_kills_it_the_next_command_puts_image_and_state_back(old: FakeSite) -> None:
    before, aside = here(old), kept_aside(old)
    was = dict(old.engine.there)

    def prepare() -> Callable[[], object]:
        put_back(old, aside)
        return lambda: upgrade.upgrade(old.session, ["main"], "2026.10.1", 5)

    for number in each_kill(prepare, 3 if "IDLEHANDS_TEST_EXAMPLES" in os.environ else 29):
        # What the engine had done when the tool was killed is not known here: as if it had done nothing, or all.
        old.engine.there = was | {"main": replace(was["main"], version="2026.10.1", image_id=image("2026.10.1").id)}
        list(recover(old.session))
        assert here(old) == before, number
        assert left_over(old) == [], number


def test_a_stopped_gateway_is_proven_and_stopped_again(old: FakeSite) -> None:
    lifecycle.stop(old.session, ["main"])
    upgrade.upgrade(old.session, ["main"], "2026.10.1", 5)
    assert (old.engine.there["main"].version, old.engine.there["main"].state) == ("2026.10.1", "exited")


def test_those_that_repair_others_come_last_and_the_first_failure_stops(
    old: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    lifecycle.up(old.session, ["rescue"], 5).usable()
    path = old.root / "fleet.yaml"
    path.write_text("profiles: {rescue: {port: 19789, rescues: [main]}, main: {}}\n")
    assert upgrade.order_of(old.session.fleet(), []) == ["main", "rescue"]
    monkeypatch.setitem(verbs._VERBS, "prove", broken_prove)
    old.lines()
    with pytest.raises(NotReadyError):
        upgrade.upgrade(old.session, [], "2026.10.1", 5)
    assert "Not begun: rescue." in old.lines()
    assert old.engine.there["rescue"].version == "2026.9.6"


def test_nothing_is_done_where_the_gateway_has_that_image_already(old: FakeSite) -> None:
    assert upgrade.prepare_upgrade(old.session, "main", None, 5).plan.lines == [
        "main: nothing to do, because it is gateway 2026.9.6 already"
    ]
    assert upgrade.upgrade(old.session, [], None, 5).failure is None


def test_a_profile_that_never_ran_or_would_start_that_gateway_has_nothing_to_upgrade(old: FakeSite) -> None:
    assert upgrade.prepare_upgrade(old.session, "rescue", None, 5).plan.lines == [
        "rescue: nothing to do, because it has never run"
    ]
    lifecycle.down(old.session, ["main"])
    state = old.root / "profiles/main/state/state"
    state.mkdir()
    with closing(sqlite3.connect(state / "any.sqlite")) as database, database:
        database.execute("CREATE TABLE schema_meta (meta_key TEXT, app_version TEXT)")
        database.execute("INSERT INTO schema_meta VALUES ('startup-migrations', '2026.9.6')")
    assert upgrade.prepare_upgrade(old.session, "main", None, 5).plan.lines == [
        "main: nothing to do, because it is gateway 2026.9.6 already"
    ]
    assert upgrade.prepare_upgrade(old.session, "main", "2026.10.1", 5).plan.changes


@pytest.mark.parametrize("to", ["", "2026.9", "v2026.9.6", "20", "!x", "a b", "-x"])
def test_what_is_neither_a_version_nor_an_image_is_refused_before_anything_is_pulled(old: FakeSite, to: str) -> None:
    with pytest.raises(UsageError, match="is neither a version nor the name of an image"):
        upgrade.upgrade(old.session, ["main"], to, 5)


def test_an_older_gateway_is_refused_for_a_newer_state(old: FakeSite) -> None:
    old.engine.images_by_name["idlehands/gateway:2026.8.2"] = image("2026.8.2")
    with pytest.raises(StateRefusedError, match=r"Gateway 2026\.8\.2 is older than the state of main"):
        upgrade.upgrade(old.session, ["main"], "2026.8.2", 5)
    old.edit(f"image: {OLD}", "image: idlehands/gateway:2026.8.2")
    with pytest.raises(StateRefusedError, match=r"Gateway 2026\.8\.2 is older than the state of main"):
        lifecycle.up(old.session, ["main"], 5)


def test_an_edited_image_of_another_version_is_an_upgrade_and_up_says_so(old: FakeSite) -> None:
    old.edit(f"image: {OLD}", f"image: {NEW}")
    before = old.engine.there["main"]
    with pytest.raises(StateRefusedError, match="which would migrate its state for good") as caught:
        lifecycle.up(old.session, ["main"], 5)
    assert str(caught.value.remedy) == "Upgrade it, with a way back: idlehands-deploy upgrade main"
    assert old.engine.there["main"] == before
    upgrade.upgrade(old.session, ["main"], None, 5)
    assert old.engine.there["main"].version == "2026.10.1"
    assert old.session.fleet().profiles["main"].image is None
    assert lifecycle.prepare_up(old.session, ["main"]).plan.changes == ()


def test_another_build_of_the_same_version_needs_no_upgrade(old: FakeSite) -> None:
    old.engine.images_by_name[OLD] = replace(IMAGE, id="sha256:" + "7" * 64)
    lifecycle.up(old.session, ["main"], 5).usable()


def test_the_version_that_used_a_state_last_is_read_from_it(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    assert state_version(tmp_path) == ""
    with closing(sqlite3.connect(tmp_path / "state/any.sqlite")) as database, database:
        database.execute("CREATE TABLE schema_meta (meta_key TEXT, app_version TEXT)")
        database.execute("INSERT INTO schema_meta VALUES ('startup-migrations', '2026.8.2\n3\nabc')")
    assert state_version(tmp_path) == "2026.8.2"


@pytest.mark.parametrize("text", ["", "2026.8.2 and more", "x" * 100, "\x1b[2J"])
def test_a_version_that_is_none_is_not_known(tmp_path: Path, text: str) -> None:
    (tmp_path / "state").mkdir()
    with closing(sqlite3.connect(tmp_path / "state/any.sqlite")) as database, database:
        database.execute("CREATE TABLE schema_meta (meta_key TEXT, app_version TEXT)")
        database.execute("INSERT INTO schema_meta VALUES ('startup-migrations', ?)", (text,))
    assert state_version(tmp_path) == ""


def test_versions_are_ordered_as_numbers() -> None:
    assert order("2026.9.6") < order("2026.10.1")
    assert order("2026.9.6") == order("2026.9.6-beta.1")


def _fails_once(do: Callable[..., None]) -> Callable[..., None]:
    calls = iter([True])

    def call(*arguments: Any) -> None:
        if next(calls, False):
            raise DirectoryError("The disk is full.", "Free some space.")
        do(*arguments)

    return call
