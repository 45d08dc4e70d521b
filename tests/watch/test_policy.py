from __future__ import annotations

import pytest

from idlehands_deploy.health.verdict import State, Verdict
from idlehands_deploy.remedies import Remedy
from idlehands_deploy.watch.policy import Notify, Policy, Restart, Supervisor, action_for

POLICY = Policy(patience=90, settle=5, overdue=180, first=10, longest=60, attempts=4, cooldown=3600, stable=600)


class Case:
    """A supervisor with a clock that the test sets, and its decisions, one line each."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.supervisor = Supervisor(policy)
        self.now = 1000.0
        self.said: list[str] = []

    def stays(self, state: State, seconds: int, *, failing: tuple[str, ...] = (), clean_exit: bool = False) -> Case:
        """Let the gateway be in this state for some seconds, with a verdict every second."""
        verdict = Verdict("main", state, "why", failing, Remedy("what to type"))
        for second in range(seconds + 1):
            for decision in self.supervisor.decide(verdict, self.now + second, clean_exit=clean_exit):
                self.said.append(f"{second}: {_text(decision)}")
        self.now += seconds + 0.5
        return self


def _text(decision: Restart | Notify) -> str:
    if isinstance(decision, Restart):
        return f"{decision.action} {decision.attempt}"
    return f"{decision.kind}: {decision.text}"


@pytest.mark.parametrize(
    ("state", "failing", "action"),
    [
        ("hung", (), "restart"),
        ("unreachable", (), "up"),
        ("degraded", ("browser",), "restart"),
        ("degraded", ("browser control",), "restart"),
        ("degraded", ("token",), None),
        ("degraded", ("telegram",), None),
        ("degraded", ("disk",), None),
        ("crash-looping", (), None),
        ("misconfigured", (), None),
        ("failed", (), None),
        ("starting", (), None),
        ("draining", (), None),
        ("stopped", (), None),
        ("missing", (), None),
        ("paused", (), None),
        ("unknown", (), None),
        ("ready", (), None),
    ],
)
def test_only_what_a_restart_fixes_is_restarted(state: State, failing: tuple[str, ...], action: str | None) -> None:
    assert action_for(Verdict("main", state, failing=failing)) == action


def test_a_hung_gateway_is_reported_restarted_when_patience_ends_and_reported_ready_again() -> None:
    case = Case().stays("ready", 60).stays("hung", 95).stays("starting", 20).stays("ready", 20)
    assert case.said == [
        "5: problem: main is hung: why", "90: restart 1", "5: recovered: main is ready again",
    ]  # fmt: skip


def test_a_problem_that_passes_is_neither_reported_nor_restarted() -> None:
    assert Case().stays("ready", 60).stays("hung", 4).stays("ready", 60).said == []


def test_a_gateway_that_its_container_restarts_first_is_not_restarted() -> None:
    case = Case().stays("hung", 60).stays("starting", 10).stays("hung", 60).stays("ready", 4)
    assert not [line for line in case.said if "restart" in line]


def test_restarts_without_success_come_less_and_less_often_until_the_watch_gives_up_once() -> None:
    case = Case(Policy(patience=1, settle=5, first=10, longest=30, attempts=4, cooldown=3600))
    case.stays("hung", 8000)
    assert case.said == [
        "1: restart 1",
        "5: problem: main is hung: why",
        "11: restart 2",
        "31: restart 3",
        "61: restart 4",
        "61: gave-up: main is still hung after 3 restarts; from now on it is restarted every 60 min",
        "3661: restart 5",
        "7261: restart 6",
    ]


def test_a_gateway_that_was_usable_for_long_starts_again_at_attempt_1() -> None:
    case = Case().stays("hung", 95).stays("ready", 700).stays("hung", 95)
    assert [line for line in case.said if "restart" in line] == ["90: restart 1", "90: restart 1"]


def test_a_gateway_that_was_usable_only_for_seconds_keeps_its_attempts() -> None:
    case = Case().stays("hung", 95).stays("ready", 100).stays("hung", 95)
    assert [line for line in case.said if "restart" in line] == ["90: restart 1", "90: restart 2"]


def test_nothing_is_restarted_where_the_fleet_file_says_so() -> None:
    case = Case(Policy(restarts=False, patience=1)).stays("hung", 500)
    assert case.said == ["5: problem: main is hung: why"]


def test_a_gateway_that_a_person_stops_and_removes_is_not_reported() -> None:
    case = Case().stays("ready", 60).stays("draining", 300).stays("stopped", 60, clean_exit=True).stays("missing", 60)
    assert case.said == []


def test_a_gateway_that_was_never_up_is_not_reported() -> None:
    assert Case().stays("missing", 60).said == []


def test_a_gateway_that_was_killed_or_removed_is_reported() -> None:
    assert Case().stays("ready", 60).stays("stopped", 6).said == ["5: problem: main is stopped: why"]
    assert Case().stays("ready", 60).stays("missing", 6).said == ["5: problem: main is missing: why"]


def test_a_start_that_takes_too_long_is_reported_with_its_time() -> None:
    assert Case().stays("starting", 200).said == ["180: problem: main is starting for 180 s: why"]


def test_a_new_problem_is_reported_and_the_same_one_again_is_not() -> None:
    case = Case().stays("hung", 10).stays("crash-looping", 10).stays("starting", 10).stays("crash-looping", 10)
    assert case.said == ["5: problem: main is hung: why", "5: problem: main is crash-looping: why"]


def test_another_failing_check_is_a_new_problem_with_its_own_patience() -> None:
    case = Case().stays("degraded", 300, failing=("token",)).stays("degraded", 20, failing=("browser",))
    assert case.said == ["5: problem: main is degraded: why", "5: problem: main is degraded: why"]
    assert "restart 1" in case.stays("degraded", 90, failing=("browser",)).said[-1]


def test_patience_after_a_restart_counts_from_its_end() -> None:
    case = Case().stays("hung", 90)
    case.now += 300
    case.supervisor.restarted(case.now)
    case.said.clear()
    assert case.stays("hung", 89).said == []
    assert case.stays("hung", 1).said == ["1: restart 2"]
