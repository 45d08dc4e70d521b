"""The deployment directory moves: everything can still be seen, and `up` takes its containers over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import StateRefusedError, UsageError
from idlehands_deploy.operations import dashboard, lifecycle
from idlehands_deploy.operations.status import status
from tests.support.engine import AWAY, commands

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.fake_site import FakeSite


def moved(site: FakeSite, from_: Path | str) -> None:
    """As if the containers had been made while the directory was there."""
    lifecycle.up(site.session, [], 5)
    for name, facts in site.engine.there.items():
        site.engine.there[name] = replace(facts, directory=str(from_))
    site.lines(), commands(site.compose)


def test_a_moved_directory_is_seen_as_it_is_and_why_its_containers_are_out_of_date(site: FakeSite) -> None:
    moved(site, "/srv/before")
    report = status(site.session, [])
    assert [item.verdict.state for item in report.seen] == ["ready", "ready"]
    assert report.drift["main"] == "the deployment directory was moved from /srv/before"


def test_up_makes_the_containers_of_a_moved_directory_again(site: FakeSite) -> None:
    moved(site, "/srv/before")
    assert lifecycle.up(site.session, [], 5).failure is None
    because = f"because the deployment directory was moved from /srv/before{AWAY}"
    assert site.lines() == [f"{name}: container recreated, {because}" for name in ("main", "rescue")]
    assert commands(site.compose) == ["up --detach --no-build --pull never --force-recreate main rescue"]


@pytest.mark.parametrize("command", ["start", "restart", "token --rotate"])
def test_a_command_that_would_start_from_the_old_place_is_refused_with_the_one_that_does_not(
    site: FakeSite, command: str
) -> None:
    moved(site, "/srv/before")
    run: dict[str, Callable[[], object]] = {
        "start": lambda: lifecycle.start(site.session, ["main"], 5),
        "restart": lambda: lifecycle.restart(site.session, ["main"], 5),
        "token --rotate": lambda: dashboard.rotate_token(site.session, "main", 5),
    }
    with pytest.raises(StateRefusedError, match="moved from /srv/before") as refused:
        run[command]()
    assert "idlehands-deploy up main" in str(refused.value)
    assert commands(site.compose) == []


def test_containers_of_a_moved_directory_can_be_stopped_and_removed(site: FakeSite) -> None:
    moved(site, "/srv/before")
    assert lifecycle.stop(site.session, []) == ["main", "rescue"]
    (verdict, _) = [item.verdict for item in status(site.session, []).seen]
    assert (verdict.state, str(verdict.remedy)) == ("stopped", "idlehands-deploy up main")
    assert lifecycle.down(site.session, []) == ["main", "rescue"]


def test_a_directory_reached_by_a_link_is_the_same(site: FakeSite, tmp_path: Path) -> None:
    link = tmp_path.parent / f"{tmp_path.name}-link"
    link.symlink_to(tmp_path)
    moved(site, link)
    assert lifecycle.prepare_up(site.session, []).plan.changes == ()


def test_a_deployment_that_is_still_there_is_another_one(site: FakeSite, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    moved(site, other)
    assert lifecycle.prepare_up(site.session, []).plan.changes != ()  # nothing is there but a directory
    (other / "fleet.yaml").touch()
    for command in (lambda: lifecycle.prepare_up(site.session, []), lambda: status(site.session, [])):
        with pytest.raises(UsageError, match=f"already runs from {other}"):
            command()


def test_the_paths_of_an_engine_on_another_host_say_nothing_here(site: FakeSite) -> None:
    moved(site, "/srv/before")
    site.engine.is_local = False
    with pytest.raises(UsageError, match="already runs from /srv/before"):
        lifecycle.up(site.session, [], 5)
