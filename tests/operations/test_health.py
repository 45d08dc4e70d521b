"""`health` as a script uses it: exit codes, JSON and lines. The observations are fakes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from idlehands_deploy.cli import app
from idlehands_deploy.errors import EngineUnreachableError, NotReadyError
from idlehands_deploy.health.deep_check.checked import Checked
from idlehands_deploy.health.deep_check.judge import Step
from idlehands_deploy.health.observe import Observation
from idlehands_deploy.health.readiness import WaitResult
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.operations import health, profiles
from idlehands_deploy.operations.health import HealthCheck
from idlehands_deploy.remedies import Remedy
from idlehands_deploy.show import health as health_views
from tests.support.engine import FakeEngine, with_fakes
from tests.support.helpers import run, session

if TYPE_CHECKING:
    from pathlib import Path

    from idlehands_deploy.health.verdict import State

OK = (Step("ready", "ok", 0.01, "/readyz answers 200"), Step("page", "ok", 1.5, "opened"))
RED = (OK[0], Step("page", "failed", 8.0, "gave no answer", "it hangs", Remedy.run("restart", "main")))
GAP = (OK[0], Step("page", "skipped", 0, "not published"))


def checked(state: State, steps: tuple[Step, ...] | None = None, profile: str = "main") -> Checked:
    reason, remedy = ("", Remedy()) if state == "ready" else ("why", Remedy.run("up", profile))
    return Checked(Observation(Verdict(profile, state, reason, (), remedy), None), steps)


@pytest.fixture
def fleet(tmp_path: Path) -> Path:
    profiles.init(session(tmp_path), ["main", "rescue"])
    return tmp_path


def call(monkeypatch: pytest.MonkeyPatch, fleet: Path, items: list[Checked], *arguments: str) -> Any:
    monkeypatch.setattr(health, "check", lambda *_, **__: HealthCheck(items))
    return CliRunner().invoke(app, ["-C", str(fleet), "health", *arguments])


@pytest.mark.parametrize(
    ("items", "code"),
    [
        ([checked("ready")], 0),
        ([checked("ready"), checked("ready", profile="rescue")], 0),
        ([checked("ready"), checked("stopped", profile="rescue")], 6),
        ([checked("degraded")], 6),
        ([checked("starting")], 6),
        ([checked("ready", OK)], 0),
        ([checked("ready", RED)], 6),
        ([checked("ready", GAP)], 6),
        ([checked("ready", ())], 6),
        ([checked("degraded", OK)], 6),
    ],
)
def test_the_exit_code_is_0_only_if_all_are_ready_and_pass_their_deep_check(
    monkeypatch: pytest.MonkeyPatch, fleet: Path, items: list[Checked], code: int
) -> None:
    assert call(monkeypatch, fleet, items).exit_code == code
    shown = call(monkeypatch, fleet, items, "--json")
    assert shown.exit_code == code
    assert all(item["healthy"] for item in json.loads(shown.stdout)) == (code == 0)


def test_each_profile_is_one_line_with_its_state_reason_and_remedy(
    monkeypatch: pytest.MonkeyPatch, fleet: Path
) -> None:
    shown = call(monkeypatch, fleet, [checked("ready"), checked("stopped", profile="rescue")])
    assert shown.stdout.splitlines() == [
        "main: ready",
        f"rescue: stopped: why - next: idlehands-deploy -C {fleet} up rescue",
    ]


def test_json_holds_the_facts_of_status_and_the_steps_of_a_deep_check(
    monkeypatch: pytest.MonkeyPatch, fleet: Path
) -> None:
    (plain,) = json.loads(call(monkeypatch, fleet, [checked("stopped")], "--json").stdout)
    assert (plain["profile"], plain["state"], plain["reason"]) == ("main", "stopped", "why")
    assert plain["remedy"] == "idlehands-deploy up main"
    assert "steps" not in plain
    (deep,) = json.loads(call(monkeypatch, fleet, [checked("ready", RED)], "--json", "--deep").stdout)
    assert deep["healthy"] is False
    assert deep["steps"][1] == {
        "name": "page", "status": "failed", "seconds": 8.0, "what": "gave no answer", "why": "it hangs",
        "fix": "idlehands-deploy restart main",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("item", "summary"),
    [
        (checked("ready", OK), "ready; the deep check passed in 1.5 s"),
        (checked("ready", RED), "not usable: step page failed"),
        (checked("ready", GAP), "ready, but not fully tested: step page was skipped"),
        (checked("stopped", (Step("ready", "failed", 0, "it is stopped"),)), "stopped"),
    ],
)
def test_a_deep_check_is_summed_up_in_one_sentence(item: Checked, summary: str) -> None:
    assert health_views.lines(HealthCheck([item]))[0].text == summary


def test_a_failed_step_is_shown_with_its_cause_and_a_command_that_can_be_copied() -> None:
    shown = health_views.lines(HealthCheck([checked("ready", RED)]))
    assert [line.label + str(line.text) for line in shown[2:]] == [
        "  page      failed   8.00 s  gave no answer",
        "            why: it hangs",
        "            fix: idlehands-deploy restart main",
    ]
    assert isinstance(shown[-1].text, Remedy)  # whose commands no terminal breaks


def test_an_unreachable_engine_exits_with_4_and_an_unknown_profile_with_2(fleet: Path) -> None:
    unreachable = run(fleet, "-C", str(fleet), "health", "--json")
    assert (unreachable.returncode, unreachable.stdout) == (EngineUnreachableError.exit_code, "")
    assert run(fleet, "-C", str(fleet), "health", "nobody").returncode == 2


def test_a_wait_that_times_out_is_a_verdict_and_not_an_error(fleet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = [checked("starting").seen]
    waited = []

    def wait_for(*arguments: object) -> WaitResult:
        waited.append(arguments[-1])
        return WaitResult(seen, NotReadyError("late", "Next: wait"))

    with_fakes(monkeypatch, FakeEngine())
    monkeypatch.setattr(health, "wait_for", wait_for)
    assert health.check(session(fleet), ["main"], 7, deep=False) == HealthCheck([checked("starting")])
    assert waited == [7]
