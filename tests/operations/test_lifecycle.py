"""Commands against one engine that counts what it is asked; real gateways are in tests/integration."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.deployment.profile_files import new_token
from idlehands_deploy.deployment.session import Session
from idlehands_deploy.errors import UsageError
from idlehands_deploy.operations import containers, dashboard, doctor, lifecycle, profiles, status
from tests.support.engine import AWAY, IMAGE, FakeEngine, commands, with_fakes
from tests.support.helpers import snapshot
from tests.support.imports import Recorded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.operations.lifecycle import Prepared
    from tests.support.engine import Deaths
    from tests.support.fake_site import FakeSite

UP = "up --detach --no-build --pull never"


@pytest.fixture
def pair(site: FakeSite) -> FakeSite:
    """Main and rescue, up."""
    lifecycle.up(site.session, [], 5).usable()
    commands(site.compose)
    site.lines()
    site.engine.calls.clear()
    return site


def make_one(site: FakeSite) -> None:
    site.engine.becomes(None, "rescue")
    lifecycle.up(site.session, [], 5).usable()


COMMANDS: dict[str, Callable[[FakeSite], object]] = {
    "up, nothing to do": lambda site: lifecycle.up(site.session, [], 5).usable(),
    "up, one to make": make_one,
    "up --dry-run": lambda site: lifecycle.prepare_up(site.session, []),
    "status": lambda site: status.status(site.session, []),
    "stop": lambda site: lifecycle.stop(site.session, []),
    "restart": lambda site: lifecycle.restart(site.session, [], 5).usable(),
    "exec": lambda site: containers.execute(site.session, "main", ["true"], terminal=False),
    "logs": lambda site: containers.logs(site.session, [], containers.LogLines(), follow=False, show=print, raw=True),
    "doctor": lambda site: doctor.examine(site.session),
}
# How often the engine is asked for what, with two gateways up. Containers: once, once more when Compose has started
# some, to know these starts again, and once more after a change. Limits: of each gateway that answers, before the plan
# and while it is waited for; on the engine's host that is read from the kernel.
CALLS = {
    "up, nothing to do": {"containers": 1, "holders": 1, "image": 1, "watch_deaths": 1, "limits": 4},
    "up, one to make": {"containers": 3, "holders": 1, "image": 1, "watch_deaths": 1, "first_logs": 1, "limits": 3},
    "up --dry-run": {"containers": 1, "holders": 1, "image": 1, "limits": 2},
    "status": {"containers": 1, "image": 1, "counters": 2, "usage": 2, "limits": 2},
    "stop": {"containers": 1, "watch_deaths": 1, "last_logs": 2},
    "restart": {
        "containers": 3,
        "holders": 1,
        "watch_deaths": 1,
        "last_logs": 2,
        "first_logs": 2,
        "seconds_to_line": 2,
        "limits": 2,
    },
    "exec": {"containers": 1},
    "logs": {"containers": 1},
    "doctor": {"containers": 1, "facts": 1, "holders": 1, "image": 1, "first_logs": 2, "limits": 2},
}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_engine_is_asked_no_more_often_than_needed(pair: FakeSite, command: str) -> None:
    with suppress(SystemExit):  # a command that hands over to Compose
        COMMANDS[command](pair)
    assert dict(pair.engine.calls) == CALLS[command]


def new_key(site: FakeSite) -> None:
    (site.root / "secrets" / "main" / "IDLEHANDS_GATEWAY_TOKEN").write_text(new_token())


def more_memory(site: FakeSite) -> None:
    site.edit("main: {}", "main: {resources: {memory: 3g}}")


def all_sorts(site: FakeSite) -> None:
    more_memory(site)
    site.engine.becomes(None, "rescue")


def stopped(site: FakeSite) -> None:
    lifecycle.stop(site.session, ["rescue"])


def nothing(_: FakeSite) -> None:
    pass


RUNS: dict[str, tuple[Callable[[FakeSite], None], Callable[[FakeSite], Prepared], Callable[[FakeSite], object]]] = {
    "up, nothing to do": (
        nothing, lambda site: lifecycle.prepare_up(site.session, []), lambda site: lifecycle.up(site.session, [], 5),
    ),
    "up, all sorts of changes": (
        all_sorts,
        lambda site: lifecycle.prepare_up(site.session, ["main", "rescue", "third"]),
        lambda site: lifecycle.up(site.session, ["main", "rescue", "third"], 5),
    ),
    "up, a newer secret": (
        new_key, lambda site: lifecycle.prepare_up(site.session, []), lambda site: lifecycle.up(site.session, [], 5),
    ),
    "start": (
        stopped,
        lambda site: lifecycle.prepare_start(site.session, []),
        lambda site: lifecycle.start(site.session, [], 5),
    ),
    "stop": (
        nothing, lambda site: lifecycle.prepare_stop(site.session, []), lambda site: lifecycle.stop(site.session, []),
    ),
    "restart": (
        nothing,
        lambda site: lifecycle.prepare_restart(site.session, ["main"]),
        lambda site: lifecycle.restart(site.session, ["main"], 5),
    ),
    "down": (
        nothing, lambda site: lifecycle.prepare_down(site.session, []), lambda site: lifecycle.down(site.session, []),
    ),
    "remove": (
        nothing,
        lambda site: profiles.prepare_removal(site.session, "rescue", purge=False),
        lambda site: profiles.remove(site.session, "rescue", purge=False, confirm=lambda _: True),
    ),
    "remove --purge": (
        nothing,
        lambda site: profiles.prepare_removal(site.session, "rescue", purge=True),
        lambda site: profiles.remove(site.session, "rescue", purge=True, confirm=lambda _: True),
    ),
    "token --rotate": (
        nothing,
        lambda site: dashboard.prepare_rotation(site.session, "main"),
        lambda site: dashboard.rotate_token(site.session, "main", 5),
    ),
}  # fmt: skip


@pytest.mark.parametrize("command", RUNS)
def test_a_dry_run_says_what_the_run_says_and_changes_nothing(pair: FakeSite, command: str) -> None:
    before, prepare, run = RUNS[command]
    before(pair)
    pair.lines()
    commands(pair.compose)
    files, there = snapshot(pair.root), dict(pair.engine.there)
    dry = prepare(pair).plan.lines
    assert (snapshot(pair.root), pair.engine.there, commands(pair.compose), pair.lines()) == (files, there, [], [])
    run(pair)
    assert pair.lines()[: len(dry)] == dry


def test_a_dry_run_makes_no_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_fakes(monkeypatch, FakeEngine(None))
    monkeypatch.setattr("idlehands_deploy.planning.guards.port_conflicts.listen_error", lambda *_: None)
    root = tmp_path / "new"
    plan = lifecycle.prepare_up(Session(Deployment(root), {}, Recorded(), lambda _: False), ["main"]).plan
    assert not root.exists()
    assert plan.lines[:2] == [
        "main: profile added at 18789 (gateway), 18791 (browser control), 18800 (cdp openclaw), "
        "because fleet.yaml has none of this name",
        "fleet.yaml, fleet.schema.json, seccomp.json and compose.yaml: written, because they do not exist",
    ]


def test_up_calls_compose_for_what_changed_alone(pair: FakeSite) -> None:
    lifecycle.up(pair.session, [], 5).usable()
    assert commands(pair.compose) == []
    more_memory(pair)
    lifecycle.up(pair.session, [], 5).usable()
    assert commands(pair.compose) == [f"{UP} main"]
    assert pair.lines()[-2:] == [
        f"main: container recreated, because its settings changed: mem_limit from 2g to 3g{AWAY}",
        "rescue: nothing to do",
    ]


def test_up_of_one_profile_leaves_the_others_containers_alone(pair: FakeSite) -> None:
    more_memory(pair)
    pair.edit("rescue: {port: 19789}", "rescue: {port: 19789, resources: {memory: 3g}}")
    lifecycle.up(pair.session, ["rescue"], 5).usable()
    assert commands(pair.compose) == [f"{UP} rescue"]


def test_a_command_that_ends_nothing_watches_for_no_death(site: FakeSite) -> None:
    assert lifecycle.stop(site.session, []) == []
    assert site.engine.calls["watch_deaths"] == 0
    assert site.lines() == [
        "main: nothing to do, because it has no container", "rescue: nothing to do, because it has no container",
    ]  # fmt: skip


@pytest.mark.parametrize("end", [lifecycle.stop, lifecycle.down])
def test_gateways_can_be_ended_although_the_fleet_file_s_ports_meet(
    pair: FakeSite, end: Callable[[Session, list[str]], list[str]]
) -> None:
    pair.edit("port: 19789", "port: 18789")
    assert end(pair.session, []) == ["main", "rescue"]


def test_a_token_of_a_gateway_that_does_not_run_is_replaced_without_a_wait(site: FakeSite) -> None:
    before = dashboard.token(site.session, "main")
    dashboard.rotate_token(site.session, "main", 5)
    assert dashboard.token(site.session, "main") != before
    assert commands(site.compose) == []


def test_a_purge_is_refused_where_a_gateway_came_up_while_it_was_asked_about(site: FakeSite) -> None:
    def yes(_: str) -> bool:
        lifecycle.up(site.session, ["rescue"], 5).usable()
        return True

    with pytest.raises(UsageError, match="rescue changed meanwhile"):
        profiles.remove(site.session, "rescue", purge=True, confirm=yes)
    assert "rescue" in site.engine.there
    assert (site.root / "profiles" / "rescue").exists()


def test_deaths_are_watched_from_before_the_containers_are_looked_at(
    pair: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    class Noted(FakeEngine):
        """Notes in which order it is asked."""

        def watch_deaths(self, project: str) -> Deaths:
            order.append("watch_deaths")
            return super().watch_deaths(project)

        def containers(self, project: str, service: str | None = None) -> list[ContainerFacts]:
            order.append("containers")
            return super().containers(project, service)

    noted = Noted(None)
    noted.there = pair.engine.there
    with_fakes(monkeypatch, noted)
    for command in ("up, nothing to do", "restart"):
        order.clear()
        COMMANDS[command](pair)
        assert order[0] == "watch_deaths", command


def test_an_image_that_comes_back_the_same_recreates_nothing(pair: FakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.engine.built = None
    assert lifecycle.prepare_up(pair.session, ["main"]).plan.lines == [
        "idlehands/gateway:2026.9.6: image pulled or built, because the engine does not have it",
        "main: container recreated, unless its new image is the same, "
        f"because the engine no longer has idlehands/gateway:2026.9.6{AWAY}",
    ]
    monkeypatch.setattr(
        "idlehands_deploy.engine.images.build.ensure_image", lambda engine, *_: setattr(engine, "built", IMAGE)
    )
    lifecycle.up(pair.session, ["main"], 5).usable()
    assert commands(pair.compose) == []
    assert pair.lines()[-1] == "main: nothing to do"
