"""The plan of each command, as a person reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import pytest

from idlehands_deploy.deployment.look import Look
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.planning import plans
from idlehands_deploy.planning.causes import Recipe
from idlehands_deploy.planning.facts import FileFacts
from idlehands_deploy.planning.steps import Plan, Step
from idlehands_deploy.targets.compose import build_document
from tests.support.containers import ENDED, RUNNING
from tests.support.engine import IMAGE, made_from
from tests.support.helpers import USER, fleet, session

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.engine.client import Engine
    from idlehands_deploy.engine.facts import ContainerFacts

PAIR = fleet("profiles: {main: {}, rescue: {port: 19789}}")
PORTS = plan_ports(PAIR)
SERVICES = build_document(PAIR, PORTS, USER)["services"]
OWN = ("profiles/rescue", "secrets/rescue")
RECIPE = Recipe(SERVICES, images={PAIR.image: IMAGE})
NAMES = ["main", "rescue"]


def container(name: str) -> ContainerFacts:
    return made_from(SERVICES[name], name)


def planned(recipe: Recipe = RECIPE, **containers: ContainerFacts) -> Plan:
    return plans.plan_up(containers, recipe, NAMES)


@pytest.fixture
def pair(tmp_path: Path) -> Look:
    """Main runs, and rescue is stopped."""
    containers = {"main": RUNNING, "rescue": replace(ENDED, profile="rescue")}
    return Look(session(tmp_path), PAIR, PORTS, cast("Engine", None), containers)


def test_a_step_reads_as_a_sentence() -> None:
    assert str(Step("main", "container restarted")) == "main: container restarted"
    assert str(Step("main", "container restarted", "a secret changed")) == (
        "main: container restarted, because a secret changed"
    )


def test_what_has_no_container_gets_one() -> None:
    assert planned().lines == [
        "main: container created, because it has none",
        "rescue: container created, because it has none",
    ]


def test_where_all_is_as_it_should_be_there_is_nothing_to_do() -> None:
    plan = planned(main=container("main"), rescue=container("rescue"))
    assert plan.lines == ["main: nothing to do", "rescue: nothing to do"]
    assert plan.changes == ()


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ("running", ""), ("paused", ", because it is paused"),
        ("restarting", ", because it ends and is restarted again and again"),
    ],
)  # fmt: skip
def test_a_container_in_a_state_that_compose_leaves_alone_is_left_alone(state: str, why: str) -> None:
    assert planned(main=replace(container("main"), state=state)).lines[-1] == f"main: nothing to do{why}"


def test_a_container_that_cannot_be_started_is_made_again() -> None:
    plan = planned(main=replace(container("main"), state="dead"))
    assert "main: container recreated, because its removal failed" in plan.lines


@pytest.mark.parametrize("state", ["paused", "restarting"])
def test_start_leaves_alone_what_docker_would_refuse_to_start(pair: Look, state: str) -> None:
    odd = replace(pair, containers={"main": replace(RUNNING, state=state)})
    assert plans.plan_start(odd, ["main"]).changes == ()


@pytest.mark.parametrize(
    ("state", "why"),
    [("exited", "it is stopped"), ("created", "it was never started")],
)
def test_a_container_that_does_not_run_is_started(state: str, why: str) -> None:
    assert planned(main=replace(container("main"), state=state)).lines[0] == (f"main: container started, because {why}")


def test_compose_is_called_once_for_all_that_it_treats_alike() -> None:
    recipe = replace(RECIPE, secrets={"rescue": "changed"})
    plan = planned(recipe, rescue=container("rescue"))
    assert [(step.subject, step.verb) for step in plan.steps] == [("main", "up"), ("rescue", "restart")]
    assert planned(main=replace(container("main"), digest="")).steps[0].how == planned().steps[1].how


def test_what_compose_would_not_see_is_made_again_all_the_same() -> None:
    plan = planned(main=replace(container("main"), is_connected=False), rescue=container("rescue"))
    assert plan.lines[0] == "main: container recreated, because it lost its network"
    assert "--force-recreate" in plan.steps[0].how


def test_an_image_that_is_missing_comes_first() -> None:
    assert planned(replace(RECIPE, images={})).lines[0] == (
        "idlehands/gateway:2026.9.6: image pulled or built, because the engine does not have it"
    )


def test_what_is_written_is_told_before_any_container() -> None:
    facts = FileFacts(
        added={"rescue": " (did you mean rescued?)"}, pinned=["main", "rescue"], missing=["compose.yaml"],
        stale=["seccomp.json", "fleet.schema.json"], absent={"rescue": ["state", "token"], "main": ["token"]},
    )  # fmt: skip
    assert plans.plan_files(facts, PORTS).lines == [
        "rescue: profile added at 19789 (gateway), 19791 (browser control), 19800 (cdp openclaw), "
        "because fleet.yaml has none of this name (did you mean rescued?)",
        "main: port 18789 written to fleet.yaml, because it had none",
        "compose.yaml: written, because it does not exist",
        "seccomp.json and fleet.schema.json: written, because they are out of date",
        "rescue: state and token created, because there are none",
        "main: token created, because there is none",
    ]


def test_start_leaves_alone_what_runs(pair: Look) -> None:
    assert plans.plan_start(pair, NAMES).lines == [
        "rescue: container started", "main: nothing to do, because it runs",
    ]  # fmt: skip


def test_stop_leaves_alone_what_does_not_run(pair: Look) -> None:
    assert plans.plan_stop(pair, NAMES, now=False).lines == [
        "main: container stopped", "rescue: nothing to do, because it is stopped",
    ]  # fmt: skip
    nobody = replace(pair, containers={})
    assert plans.plan_stop(nobody, ["main"], now=False).lines == ["main: nothing to do, because it has no container"]


def test_haste_is_in_what_compose_is_told(pair: Look) -> None:
    assert plans.plan_stop(pair, ["main"], now=True).steps[0].how == ("stop", "--timeout", "5")
    assert plans.plan_restart(["main"], now=True).steps[0].how == ("restart", "--timeout", "5")


def test_down_stops_first_and_removes_then(pair: Look) -> None:
    assert plans.plan_down(pair, NAMES, now=False).lines == [
        "main: container stopped", "main: container removed", "rescue: container removed",
    ]  # fmt: skip
    nobody = replace(pair, containers={})
    assert plans.plan_down(nobody, ["main"], now=False).lines == ["main: nothing to do, because it has no container"]


def test_a_removal_says_what_stays(pair: Look) -> None:
    assert plans.plan_remove(pair, "rescue", OWN, purge=False).lines == [
        "rescue: container removed",
        "rescue: profile taken out of fleet.yaml",
        "profiles/rescue: kept",
        "secrets/rescue: kept",
    ]


def test_a_purge_says_what_goes_after_the_profile_is_out(pair: Look) -> None:
    plan = plans.plan_remove(replace(pair, containers={}), "rescue", OWN, purge=True)
    assert plan.lines == [
        "rescue: profile taken out of fleet.yaml",
        "profiles/rescue: deleted for good, because --purge was given",
        "secrets/rescue: deleted for good, because --purge was given",
    ]


def test_a_new_token_restarts_a_gateway_that_runs_and_no_other(pair: Look) -> None:
    assert plans.plan_rotation(pair, "main").lines == [
        "main: token replaced", "main: container restarted, because it reads its token once",
    ]  # fmt: skip
    assert plans.plan_rotation(pair, "rescue").lines == ["rescue: token replaced"]
