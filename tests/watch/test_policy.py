from __future__ import annotations

import pytest

from idlehands_deploy.health.verdict import State, Verdict
from idlehands_deploy.remedies import Remedy
from idlehands_deploy.watch.policy import Policy, Supervisor, Tell, Treat, cure_for

POLICY = Policy(patience=90, settle=5, overdue=180, first=10, longest=60, attempts=4, cooldown=3600, stable=600)


class Case:
    """A supervisor whose clock stands where a test puts it, and what it decided: a line a decision."""

    def __init__(self, policy: Policy = POLICY) -> None:
        self.supervisor = Supervisor(policy)
        self.now = 1000.0
        self.said: list[str] = []

    def stays(self, state: State, seconds: int, *, failing: tuple[str, ...] = (), ended_well: bool = False) -> Case:
        """Let the gateway be so for a while, looked at every second."""
        verdict = Verdict("main", state, "why", failing, Remedy("what to type"))
        for second in range(seconds + 1):
            for decision in self.supervisor.decide(verdict, self.now + second, ended_well=ended_well):
                self.said.append(f"{second}: {_text(decision)}")
        self.now += seconds + 0.5
        return self


def _text(decision: Treat | Tell) -> str:
    if isinstance(decision, Treat):
        return f"{decision.cure} {decision.attempt}"
    return f"{decision.kind}: {decision.text}"


@pytest.mark.parametrize(
    ("state", "failing", "cure"),
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
def test_only_what_a_restart_heals_is_restarted(state: State, failing: tuple[str, ...], cure: str | None) -> None:
    assert cure_for(Verdict("main", state, failing=failing)) == cure


def test_a_gateway_that_hangs_is_told_soon_restarted_when_patience_ends_and_told_to_be_ready_again() -> None:
    case = Case().stays("ready", 60).stays("hung", 95).stays("starting", 20).stays("ready", 20)
    assert case.said == [
        "5: problem: main is hung: why", "90: restart 1", "5: recovered: main is ready again",
    ]  # fmt: skip


def test_a_trouble_that_passes_is_neither_told_nor_treated() -> None:
    assert Case().stays("ready", 60).stays("hung", 4).stays("ready", 60).said == []


def test_a_gateway_that_its_container_heals_first_is_not_restarted() -> None:
    case = Case().stays("hung", 60).stays("starting", 10).stays("hung", 60).stays("ready", 4)
    assert not [line for line in case.said if "restart" in line]


def test_restarts_in_vain_come_ever_more_seldom_until_the_circuit_opens_which_is_told_once() -> None:
    case = Case(Policy(patience=1, settle=5, first=10, longest=30, attempts=4, cooldown=3600))
    case.stays("hung", 8000)
    assert case.said == [
        "1: restart 1",
        "5: problem: main is hung: why",
        "11: restart 2",
        "31: restart 3",
        "61: restart 4",
        "61: gave-up: main was started anew 3 times in vain, and is hung still; from now on it is tried every 60 min",
        "3661: restart 5",
        "7261: restart 6",
    ]


def test_a_gateway_that_was_usable_for_long_begins_anew() -> None:
    case = Case().stays("hung", 95).stays("ready", 700).stays("hung", 95)
    assert [line for line in case.said if "restart" in line] == ["90: restart 1", "90: restart 1"]


def test_one_that_was_usable_only_for_a_moment_does_not() -> None:
    case = Case().stays("hung", 95).stays("ready", 100).stays("hung", 95)
    assert [line for line in case.said if "restart" in line] == ["90: restart 1", "90: restart 2"]


def test_nothing_is_restarted_where_the_fleet_file_says_so() -> None:
    case = Case(Policy(restarts=False, patience=1)).stays("hung", 500)
    assert case.said == ["5: problem: main is hung: why"]


def test_what_a_person_stops_and_takes_down_is_no_news() -> None:
    case = Case().stays("ready", 60).stays("draining", 300).stays("stopped", 60, ended_well=True).stays("missing", 60)
    assert case.said == []


def test_a_gateway_that_was_never_up_is_no_news() -> None:
    assert Case().stays("missing", 60).said == []


def test_one_that_was_killed_or_taken_away_is() -> None:
    assert Case().stays("ready", 60).stays("stopped", 6).said == ["5: problem: main is stopped: why"]
    assert Case().stays("ready", 60).stays("missing", 6).said == ["5: problem: main is missing: why"]


def test_a_start_that_takes_too_long_is_told_with_its_time() -> None:
    assert Case().stays("starting", 200).said == ["180: problem: main is starting for 180 s: why"]


def test_another_trouble_is_told_too_and_the_same_one_again_is_not() -> None:
    case = Case().stays("hung", 10).stays("crash-looping", 10).stays("starting", 10).stays("crash-looping", 10)
    assert case.said == ["5: problem: main is hung: why", "5: problem: main is crash-looping: why"]


def test_another_failing_check_is_another_trouble_with_a_patience_of_its_own() -> None:
    case = Case().stays("degraded", 300, failing=("token",)).stays("degraded", 20, failing=("browser",))
    assert case.said == ["5: problem: main is degraded: why", "5: problem: main is degraded: why"]
    assert "restart 1" in case.stays("degraded", 90, failing=("browser",)).said[-1]


def test_what_comes_of_a_restart_is_judged_from_its_end() -> None:
    case = Case().stays("hung", 90)
    case.now += 300
    case.supervisor.treated(case.now)
    case.said.clear()
    assert case.stays("hung", 89).said == []
    assert case.stays("hung", 1).said == ["1: restart 2"]
