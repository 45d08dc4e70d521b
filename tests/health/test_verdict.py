from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import pytest

from idlehands_deploy.engine.facts import Limit
from idlehands_deploy.gateway.probe import Answer, GatewayAnswers
from idlehands_deploy.health.verdict import State, Verdict, assess
from idlehands_deploy.health.wait import wait_until_final
from tests.support.containers import ENDED, RUNNING
from tests.support.helpers import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from idlehands_deploy.engine.facts import ContainerFacts


LOGS = "idlehands-deploy logs main --tail 50"


def answers(ready: int | None, started: int | None = None, *, failing: object = (), **body: object) -> GatewayAnswers:
    said = {"status": "started"} if started == 200 else {}
    return GatewayAnswers(
        started=Answer(started, {**said, **body, "failing": failing}),
        ready=Answer(ready, {"ready": ready == 200, "failing": failing}),
    )


TABLE: dict[str, tuple[ContainerFacts | None, GatewayAnswers | None, str]] = {
    "no container": (None, None, "missing | no container | idlehands-deploy up main"),
    "answers ready": (RUNNING, answers(200, 200), "ready |  | "),
    "answers ready, though Docker has not seen it": (
        replace(RUNNING, health="unhealthy"), answers(200, 200), "ready |  | ",
    ),
"a web server that is no gateway returns 200": (
        RUNNING, GatewayAnswers(Answer(200), Answer(200)),
        "starting | /readyz returns HTTP 200, but not in the gateway's format | ",
    ),
    "answers ready, and its browser is frozen": (
        RUNNING, replace(answers(200, 200), browsers={"openclaw": Answer(None, silent=True), "work": Answer(200)}),
        "degraded | its browser accepts connections but never responds | idlehands-deploy restart main",
    ),
    "answers ready, and two of its browsers are frozen": (
        RUNNING, replace(answers(200, 200), browsers=dict.fromkeys(("openclaw", "work"), Answer(None, silent=True))),
        "degraded | its browsers openclaw, work accept connections but never respond | "
        "idlehands-deploy restart main",
    ),
    "answers ready, and can start no process": (
        replace(RUNNING, at_limit=(Limit("processes", "512 of 512 processes and threads are in use"),)),
        answers(200, 200),
        "degraded | 512 of 512 processes and threads are in use | idlehands-deploy restart main   (if it comes back: "
        "increase profiles.main.resources.pids in fleet.yaml, then: idlehands-deploy up main)",
    ),
    "answers ready, and can open no file": (
        replace(RUNNING, at_limit=(Limit("files", "node has 1024 of 1024 files open"),)), answers(200, 200),
        "degraded | node has 1024 of 1024 files open | idlehands-deploy restart main",
    ),
    "answers ready, and its browsers are off": (
        RUNNING, replace(answers(200, 200), browsers={"openclaw": Answer(None)}), "ready |  | ",
    ),
    "answers ready, and its browser control is frozen": (
        RUNNING, replace(answers(200, 200), control=Answer(None, silent=True)),
        "degraded | its browser control accepts connections but never responds | "
        "idlehands-deploy restart main",
    ),
    "answers ready, and rejects its token": (
        RUNNING, replace(answers(200, 200), control=Answer(401)),
        "degraded | it rejects the token in its secret file (HTTP 401) | idlehands-deploy up main",
    ),
    "answers ready, and has no browser control": (
        RUNNING, replace(answers(200, 200), control=Answer(None)), "ready |  | ",
    ),
    "answers ready, and cannot write": (
        replace(RUNNING, health_output="disk: state directory /x has 0 MB free\n"), answers(200, 200),
        "degraded | disk: state directory /x has 0 MB free | df -h profiles/main/state",
    ),
    "answers ready, and keeps a channel off after repeated crashes": (
        RUNNING, GatewayAnswers(Answer(200), Answer(200, {"ready": True, "failing": [], "suppressed": ["telegram"]})),
        f"degraded | after repeated crashes it keeps telegram off for some minutes | {LOGS}",
    ),
    "says that it started, and brings up the rest": (
        RUNNING, answers(503, 200, failing=["startup-sidecars"]), "starting | waits for startup-sidecars | ",
    ),
    "started, and a channel fails": (
        RUNNING, answers(503, 200, failing=["telegram", "slack"]),
        "degraded | it works, but these checks fail: telegram, slack | idlehands-deploy exec main channels status",
    ),
    "started, and does not say what fails": (
        RUNNING, answers(503, 200, failing="all"),
        "degraded | it works, but an unnamed check fails | "
        "idlehands-deploy exec main channels status",
    ),
    "draining": (
        RUNNING, answers(503, 503, status="draining"),
        "draining | it finishes its work before it stops | ",
    ),
    "rejects its configuration and waits for a fix": (
        RUNNING, answers(503, 503, status="misconfigured", reason="exit code 78: it is damaged", failing=["config"]),
        "misconfigured | exit code 78: it is damaged | "
        "idlehands-deploy config check main   (says what is wrong; mend it: idlehands-deploy config edit main; "
        f"if that is nothing: {LOGS})",
    ),
    "waits for a fix outside the container": (
        replace(RUNNING, health="unhealthy"),
        answers(503, 503, status="misconfigured", reason="it is full:\a free some", failing=["surroundings"]),
        "misconfigured | it is full: free some | fix that, then: idlehands-deploy up main",
    ),
    "nothing listens yet": (RUNNING, answers(None), "starting | nothing responds on its port yet | "),
    "starting, and says on what": (
        RUNNING, answers(503, 503, pendingReason="plugins"), "starting | waits for plugins | ",
    ),
    "starting, and names checks": (
        RUNNING, answers(503, 503, failing=["plugins"]), "starting | waits for plugins | ",
    ),
    "starting, and says nothing": (RUNNING, answers(500, 500), "starting | /readyz returns HTTP 500 | "),
    "starting again": (
        replace(RUNNING, restart_count=3), answers(None),
        "starting | nothing responds on its port yet; restarted 3 times | ",
    ),
    "runs and never answered": (
        replace(RUNNING, health="unhealthy"), answers(None),
        "hung | runs, but nothing responds on its port yet | idlehands-deploy restart main --now",
    ),
    "refused its configuration and runs again": (
        replace(RUNNING, restart_count=1, last_exit_code=78), answers(None),
        "misconfigured | exit code 78: the gateway rejects its configuration | "
        "idlehands-deploy config check main   (says what is wrong; mend it: idlehands-deploy config edit main; "
        f"if that is nothing: {LOGS})",
    ),
    "refused its configuration once and is ready": (
        replace(RUNNING, restart_count=1, last_exit_code=78), answers(200, 200), "ready |  | ",
    ),
    "crashed once and starts again": (
        replace(RUNNING, restart_count=1, last_exit_code=1), answers(None),
        "starting | nothing responds on its port yet; restarted once, last exit code 1 | ",
    ),
    "crashed twice and starts again": (
        replace(RUNNING, restart_count=2, last_exit_code=1), answers(None),
        "starting | nothing responds on its port yet; restarted 2 times, last exit code 1 | ",
    ),
    "ran out of memory and starts again": (
        replace(RUNNING, restart_count=1, last_exit_code=137, lacked_memory=True), answers(None),
        "starting | nothing responds on its port yet; restarted once, last exit code 137, killed: out of memory | ",
    ),
    "crashed three times, long ago but for the last, and starts again": (
        replace(RUNNING, restart_count=3, last_exit_code=0, recent_deaths=1), answers(None),
        "starting | nothing responds on its port yet; restarted 3 times, last exit code 0 | ",
    ),
    "crashed three times and starts again": (
        replace(RUNNING, restart_count=3, last_exit_code=0, recent_deaths=2), answers(None),
        f"crash-looping | nothing responds on its port yet; restarted 3 times, last exit code 0 | {LOGS}",
    ),
    "crashed often and is ready": (
        replace(RUNNING, restart_count=9, last_exit_code=1), answers(200, 200), "ready |  | ",
    ),
    "was healthy, and now accepts connections but does not respond": (
        replace(RUNNING, health="healthy"), GatewayAnswers(Answer(None, silent=True), Answer(None, silent=True)),
        "hung | accepts connections but never responds | idlehands-deploy restart main --now",
    ),
    "was never healthy, and accepts connections but does not respond": (
        RUNNING, GatewayAnswers(Answer(None, silent=True), Answer(None, silent=True)),
        "starting | accepts connections but does not respond yet | ",
    ),
    "disconnected from its network before it was healthy": (
        replace(RUNNING, is_connected=False), answers(None),
        "unreachable | its container is not connected to its network | idlehands-deploy up main",
    ),
    "healthy inside and refused outside": (
        replace(RUNNING, health="healthy"), answers(None),
        "unreachable | healthy inside the container, but its published port does not respond | "
        "idlehands-deploy restart main",
    ),
    "healthy inside and starting outside": (
        replace(RUNNING, health="healthy"), answers(503, 503), "starting | /readyz returns HTTP 503 | ",
    ),
    "runs and was not asked": (RUNNING, None, "starting | Docker reports: running | "),
    "stopped": (ENDED, None, "stopped | exit code 0 | idlehands-deploy start main"),
    "killed": (replace(ENDED, exit_code=137), None, "stopped | exit code 137 | idlehands-deploy start main"),
    "refuses its configuration": (
        replace(ENDED, exit_code=78), None,
        "misconfigured | exit code 78: the gateway rejects its configuration | "
        "idlehands-deploy config check main   (says what is wrong; mend it: idlehands-deploy config edit main; "
        f"if that is nothing: {LOGS})",
    ),
    "refuses its configuration again and again": (
        replace(ENDED, state="restarting", exit_code=78), None,
        "misconfigured | exit code 78: the gateway rejects its configuration | "
        "idlehands-deploy config check main   (says what is wrong; mend it: idlehands-deploy config edit main; "
        f"if that is nothing: {LOGS})",
    ),
    "out of memory": (
        replace(ENDED, exit_code=137, oom_killed=True), None,
        "failed | killed: out of memory | "
        "increase profiles.main.resources.memory in fleet.yaml, then: idlehands-deploy up main",
    ),
    "crashed just now, and the engine starts it again": (
        replace(ENDED, state="restarting", exit_code=137, restart_count=1), None,
        "starting | ended with exit code 137; Docker restarts it | ",
    ),
    "crashes again and again": (
        replace(ENDED, state="restarting", exit_code=1, restart_count=4), None,
        f"crash-looping | exit code 1, restarted 4 times | {LOGS}",
    ),
    "paused": (
        replace(RUNNING, state="paused"), None,
        "paused | paused with `docker pause` | docker unpause 0123456789ab",
    ),
    "paused, though it answered just now": (
        replace(RUNNING, state="paused"), answers(200, 200),
        "paused | paused with `docker pause` | docker unpause 0123456789ab",
    ),
    "could not be started": (
        replace(ENDED, error="no such file"), None, "failed | no such file | idlehands-deploy up main",
    ),
    "ended, and could not be started again": (
        replace(ENDED, missing_mounts=("/srv/fleet/secrets/main/A_KEY",)), None,
        "failed | cannot start: /srv/fleet/secrets/main/A_KEY does not exist | "
        "put it back, then: idlehands-deploy up main",
    ),
    "runs on a file that is gone": (
        replace(RUNNING, missing_mounts=("/srv/fleet/secrets/main/A_KEY",)), answers(200, 200), "ready |  | ",
    ),
    "only created": (
        replace(ENDED, state="created"), None,
        "stopped | its container was created but never started | idlehands-deploy start main",
    ),
    "dead": (replace(ENDED, state="dead"), None, "failed | Docker reports: dead | idlehands-deploy up main"),
    "being removed": (replace(ENDED, state="removing"), None, "starting | Docker reports: removing | "),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "answer", "expected"), TABLE.values(), ids=TABLE.keys())
def test_facts_and_answers_give_one_verdict(
    facts: ContainerFacts | None, answer: GatewayAnswers | None, expected: str
) -> None:
    verdict = assess("main", facts, answer)
    assert f"{verdict.state} | {verdict.reason} | {verdict.remedy}" == expected


def test_a_degraded_verdict_names_the_failing_checks_for_scripts() -> None:
    verdict = assess("main", RUNNING, answers(503, 200, failing=["telegram"]))
    assert verdict.failing == ("telegram",)


def test_only_a_gateway_whose_container_runs_waits_for_a_fix() -> None:
    held = answers(503, 503, status="misconfigured", failing=["config"])
    assert assess("main", RUNNING, held).is_held
    assert not assess("main", replace(ENDED, exit_code=78), None).is_held


def test_only_ready_and_degraded_gateways_are_usable() -> None:
    assert [state for state in get_args(State) if Verdict("main", state).usable] == ["ready", "degraded"]


class Clock:
    """A clock that only sleeping moves: no test waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def wait(state_at: Callable[[float], State], timeout: float) -> tuple[str, float, list[str]]:
    """The last verdict, the seconds it took, and the changes that were reported."""
    clock = Clock()
    changes: list[str] = []
    verdict = wait_until_final(
        lambda _: Verdict("main", state_at(clock() - 1000)), timeout,
        clock=clock, sleep=clock.sleep, on_change=lambda seen: changes.append(seen.state),
    )  # fmt: skip
    return verdict.state, round(clock() - 1000, 1), changes


@pytest.mark.parametrize("state", ["ready", "crash-looping", "misconfigured", "paused", "stopped", "failed", "missing"])
def test_a_verdict_that_will_not_change_ends_the_wait_at_once(state: State) -> None:
    assert wait(lambda _: state, 60) == (state, 0.0, [state])


def test_the_wait_ends_as_soon_as_the_gateway_is_ready() -> None:
    assert wait(lambda at: "ready" if at > 2.95 else "starting", 60) == ("ready", 3.0, ["starting", "ready"])


def test_the_wait_ends_as_soon_as_the_gateway_crashes() -> None:
    assert wait(lambda at: "crash-looping" if at > 0.95 else "starting", 60) == (
        "crash-looping", 1.0, ["starting", "crash-looping"],
    )  # fmt: skip


@pytest.mark.parametrize("state", ["starting", "draining", "hung", "unreachable"])
def test_a_wait_that_times_out_ends_in_time_with_the_last_verdict(state: State) -> None:
    last, took, changes = wait(lambda _: state, 10)
    assert (last, changes) == (state, [state])
    assert 9.8 <= took <= 10
    assert not Verdict("main", state).usable


def test_a_degraded_gateway_is_final_only_after_some_seconds() -> None:
    state, took, changes = wait(lambda _: "degraded", 60)
    assert (state, changes) == ("degraded", ["degraded"])
    assert 5 <= took <= 5.2


def test_a_degraded_gateway_that_recovers_is_ready() -> None:
    assert wait(lambda at: "ready" if at > 3.95 else "degraded", 60) == ("ready", 4.0, ["degraded", "ready"])


def test_the_wait_starts_again_when_a_degraded_gateway_changes_its_state() -> None:
    def state_at(at: float) -> State:
        return "starting" if 2.95 < at < 4 else "degraded"

    state, took, changes = wait(state_at, 60)
    assert (state, changes) == ("degraded", ["degraded", "starting", "degraded"])
    assert 9 <= took <= 9.3


def test_the_gateway_is_observed_once_even_if_the_timeout_is_zero() -> None:
    assert wait(lambda _: "starting", 0) == ("starting", 0.0, ["starting"])


def test_a_slow_look_ends_at_the_deadline() -> None:
    clock = Clock()

    def look(within: float) -> Verdict:
        clock.sleep(within)
        return Verdict("main", "starting")

    wait_until_final(look, 10, clock=clock, sleep=clock.sleep, on_change=lambda _: None)
    assert clock() == 1010


def test_every_verdict_is_documented() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", (ROOT / "docs" / "health.md").read_text(), re.MULTILINE)
    assert rows == list(get_args(State))
    schema = json.loads((ROOT / "docs" / "status.schema.json").read_text())
    assert schema["properties"]["profiles"]["items"]["properties"]["state"]["enum"] == rows
