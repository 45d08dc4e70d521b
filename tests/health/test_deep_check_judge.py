from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.gateway.probe import Answer
from idlehands_deploy.gateway.test_page import LEFT, RIGHT
from idlehands_deploy.health.deep_check import judge
from idlehands_deploy.health.deep_check.judge import Doors, FailedError, SkippedError, Step
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.remedies import Remedy
from tests.support.helpers import fleet
from tests.support.pictures import png

if TYPE_CHECKING:
    from collections.abc import Callable

DOORS = Doors("main", 18789, 18791, (18800,))
SILENT = Answer(None, silent=True)
GONE = Answer(None)
KNOWN = Answer(200, {"uptimeMs": 7})
BROWSER: dict[str, Any] = {
    "enabled": True, "profile": "openclaw", "running": False, "pid": None, "cdpPort": 18800,
    "cdpUrl": "http://127.0.0.1:18800", "attachOnly": False,
}  # fmt: skip


def doors(profile: str) -> Doors:
    return Doors.of(plan_ports(fleet(f"profiles: {{main: {profile}}}")).profiles["main"])


def test_the_doors_of_a_profile_are_its_published_ports() -> None:
    assert doors("{}") == Doors("main", 18789, 18791, (18800,))
    assert doors("{browser: {profiles: {work: {}, far: {cdp_url: 'http://10.0.0.4:9222'}}}}").cdp == (18800, 18801)
    assert doors("{publish: {cdp: false}}") == Doors("main", 18789, 18791, ())
    assert doors("{publish: {control: false}}") == Doors("main", 18789, None, (18800,))


@pytest.mark.parametrize(
    ("judge", "what"),
    [
        (lambda: judge.judge_ready(DOORS, Answer(503)), "/readyz returns HTTP 503 on port 18789"),
        (lambda: judge.judge_ready(DOORS, SILENT), "/readyz accepts connections but never responds on port 18789"),
        (lambda: judge.judge_control(DOORS, Answer(401), Answer(401)), "rejects the token in its secret file"),
        (lambda: judge.judge_control(DOORS, GONE, GONE), "browser control on port 18791 does not respond"),
        (lambda: judge.judge_control(DOORS, Answer(500, {"error": "x"}), Answer(401)), "returns HTTP 500: x"),
        (lambda: judge.judge_control(DOORS, Answer(200), Answer(200)), "returns HTTP 200 without a token"),
        (lambda: judge.judge_control(DOORS, Answer(200), GONE), "does not respond without a token"),
        (lambda: judge.judge_gateway_token(DOORS, Answer(200), Answer(200)), "rejects the token"),
        (lambda: judge.judge_gateway_token(DOORS, KNOWN, KNOWN), "shows details without a token"),
        (lambda: judge.judge_browser("main", SILENT), "browser control accepts connections but never responds"),
        (lambda: judge.judge_start("main", browser(), Answer(500, {"error": "no \x1b[1mdisk"})), "500: no [1mdisk"),
        (lambda: judge.judge_start("main", browser(), SILENT), "never responds"),
        (lambda: judge.browser_path(DOORS, 18800, GONE), "CDP on port 18800 does not respond"),
        (lambda: judge.browser_path(DOORS, 18800, Answer(401)), "rejects the token in its secret file (HTTP 401)"),
        (
            lambda: judge.judge_picture("main", png((9, 9, 9), (9, 9, 9))),
            "the picture is blank: rgb(9, 9, 9) everywhere",
        ),
    ],
)
def test_a_failed_step_says_what_happened_the_likely_cause_and_the_next_command(
    judge: Callable[[], object], what: str
) -> None:
    with pytest.raises(FailedError) as caught:
        judge()
    assert what in caught.value.what
    assert caught.value.why
    assert caught.value.fix.commands


def browser(**body: object) -> judge.Browser:
    return judge.judge_browser("main", Answer(200, BROWSER | body))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {}),
        ({"running": True, "pid": 7}, {"running": True}),
        ({"pid": 7}, {"hangs": True}),
        ({"cdpUrl": "http://10.0.0.4:9222", "cdpPort": 9222}, {"remote": True, "cdp": 9222}),
        ({"attachOnly": True, "pid": 7}, {"remote": True}),
        ({"profile": "a\x1bb", "cdpPort": None}, {"name": "ab", "cdp": 0}),
    ],
)
def test_a_browser_is_read_from_browser_control_s_response(body: dict[str, object], expected: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"name": "openclaw", "cdp": 18800, "running": False, "remote": False, "hangs": False}
    assert browser(**body) == judge.Browser(**(usual | expected))


def test_a_browser_that_the_config_turns_off_is_skipped() -> None:
    with pytest.raises(SkippedError, match=r"turned off \(browser.enabled in profiles/main/state/idlehands.json\)"):
        browser(enabled=False)


def test_a_passed_step_has_a_sentence() -> None:
    assert judge.judge_ready(DOORS, Answer(200)) == "/readyz returns HTTP 200 on port 18789"
    assert "rejects requests without one (HTTP 401)" in judge.judge_control(DOORS, Answer(200), Answer(401))
    assert "publish.control" in judge.judge_gateway_token(DOORS, KNOWN, Answer(200))
    assert judge.judge_start("main", browser(), Answer(200)) == "started openclaw"
    assert judge.judge_picture("main", png(LEFT, RIGHT)).startswith("shows the test page")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("ws://127.0.0.1:18800/devtools/browser/ab-1", "/devtools/browser/ab-1"),
        ("ws://elsewhere.example/devtools/browser/ab-1", "/devtools/browser/ab-1"),
        ("ws://127.0.0.1:18800/devtools/page/ab", None),
        ("ws://127.0.0.1:18800/devtools/browser/a\r\nX: y", None),
        (7, None),
    ],
)
def test_only_a_well_formed_path_is_taken_from_the_cdp_address(url: object, path: str | None) -> None:
    answer = Answer(200, {"webSocketDebuggerUrl": url})
    if path is None:
        with pytest.raises(FailedError):
            judge.browser_path(DOORS, 18800, answer)
    else:
        assert judge.browser_path(DOORS, 18800, answer) == path


def test_a_gateway_that_is_not_ready_fails_with_its_own_reason_and_remedy() -> None:
    error = judge.unready(Verdict("main", "stopped", "exit code 0", remedy=Remedy.run("start", "main")))
    assert (error.what, error.fix) == ("it is stopped: exit code 0", Remedy.run("start", "main"))
    assert judge.unready(Verdict("main", "starting")).fix == Remedy.run("health", "main", "--wait")


def test_only_a_check_without_skipped_steps_proves_a_gateway_usable() -> None:
    done = Step("ready", "ok", 0.1, "")
    assert judge.proven((done,))
    assert not judge.proven(())
    assert not judge.proven((done, Step("page", "skipped", 0, "")))
    assert not judge.proven((done, Step("page", "failed", 1, "")))
