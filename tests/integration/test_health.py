"""`health` with real gateways: two that work, then one fault after the other."""

from __future__ import annotations

import json
import secrets
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.site import start_browser, stop_browser, until

if TYPE_CHECKING:
    from tests.support.site import Result, Site

pytestmark = pytest.mark.engine

NAMES = ["ready", "token", "dashboard", "browser", "page", "picture", "close"]


def inside(site: Site, command: str) -> str:
    output: bytes = site.container("main").exec_run(["bash", "-c", command]).output
    return output.decode().strip()


def browser(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = site.get(site.base + 2, "/", site.token("main")).json()
    return found


def freeze_drawing(site: Site) -> bool | None:
    """Freeze the process that draws; undone if that freezes all of Chromium, as sometimes on a busy machine."""
    inside(site, "pkill -STOP -f type=gpu-process")
    time.sleep(1)  # a Chromium that will freeze still answers the first request
    if browser(site)["running"]:
        return True
    inside(site, "pkill -CONT -f type=gpu-process")
    return None


def steps(result: Result, profile: int = 0) -> dict[str, dict[str, Any]]:
    return {step["name"]: step for step in result.json[profile]["steps"]}


def statuses(result: Result, profile: int = 0) -> list[str]:
    assert list(steps(result, profile)) == NAMES
    return [step["status"] for step in steps(result, profile).values()]


def red(site: Site, name: str, within: float) -> dict[str, Any]:
    """The step at which a deep check of main fails: in time, with its cause and the next command."""
    result = site.run("health", "main", "--deep", "--json")
    assert (result.code, result.json[0]["healthy"]) == (6, False)
    place = NAMES.index(name)
    assert statuses(result) == ["ok"] * place + ["failed"] + ["skipped"] * (len(NAMES) - place - 1)
    step = steps(result)[name]
    assert step["seconds"] < within
    assert step["why"]
    assert step["fix"].startswith("idlehands-deploy ")
    assert site.token("main") not in result.out + result.err
    return step


def test_health_of_working_gateways_exits_with_0_and_one_line_each(pair: Site) -> None:
    assert pair.ok("health").out == "main: ready\nrescue: ready\n"
    assert [item["healthy"] for item in pair.ok("health", "--wait", "--json").json] == [True, True]


def test_a_deep_check_tests_both_and_leaves_no_browser_and_no_page(pair: Site) -> None:
    result = pair.ok("health", "--deep", "--json")
    for profile in (0, 1):
        assert statuses(result, profile) == ["ok"] * len(NAMES)
        assert all(step["seconds"] > 0 for step in steps(result, profile).values())
        assert steps(result, profile)["close"]["what"] == "page closed, browser stopped again"
    assert "main: takes a picture of the page (6 of 7)" in result.err
    assert (browser(pair)["running"], browser(pair)["pid"]) == (False, None)


def test_repeated_deep_checks_leave_a_running_browser_running(pair: Site) -> None:
    start_browser(pair, "main")
    pages = [page["id"] for page in pair.get(pair.base + 11, "/json/list", pair.cdp_token("main")).json()]
    pid = browser(pair)["pid"]
    for _ in range(2):
        result = pair.ok("health", "main", "--deep", "--json")
        assert "was already running" in steps(result)["browser"]["what"]
        assert steps(result)["close"]["what"] == "page closed"
    assert browser(pair)["pid"] == pid
    assert [page["id"] for page in pair.get(pair.base + 11, "/json/list", pair.cdp_token("main")).json()] == pages


def test_a_frozen_chromium_fails_is_left_unchanged_and_the_suggested_command_fixes_it(pair: Site) -> None:
    start_browser(pair, "main")
    inside(pair, "pkill -STOP chromium")
    step = red(pair, "browser", within=15)
    assert step["what"] == "its Chromium is running but never responds"
    assert "T" in inside(pair, "ps -o stat= -p $(pgrep -o chromium)")
    pair.ok(*step["fix"].partition("   (")[0].split()[1:])
    pair.ok("health", "main", "--deep")
    stop_browser(pair)


def test_a_chromium_that_no_longer_draws_fails_at_the_picture(pair: Site) -> None:
    start_browser(pair, "main")
    until("a browser that answers and does not draw", lambda: freeze_drawing(pair))
    try:
        assert "did not respond within 8 s" in red(pair, "picture", within=15)["what"]
    finally:
        inside(pair, "pkill -CONT chromium")
        stop_browser(pair)


def test_a_cdp_port_without_a_forwarder_fails_at_the_page_and_the_browser_is_stopped_again(pair: Site) -> None:
    inside(pair, "pkill -STOP -f :guarded")
    try:
        said = red(pair, "page", within=10)["what"]
        assert f"CDP on port {pair.base + 11} accepts connections but never responds" in said
    finally:
        inside(pair, "pkill -CONT -f :guarded")
    assert browser(pair)["running"] is False


def test_a_wrong_token_in_the_secret_file_fails_at_the_token(pair: Site) -> None:
    file = pair.root / "secrets/main/IDLEHANDS_GATEWAY_TOKEN"
    before = file.read_text()
    file.write_text(secrets.token_hex(32) + "\n")
    try:
        assert "rejects the token in its secret file (HTTP 401)" in red(pair, "token", within=5)["what"]
    finally:
        file.write_text(before)


def test_ctrl_c_during_a_deep_check_leaves_no_browser(pair: Site) -> None:
    process = pair.begin("health", "main", "--deep")
    assert process.stderr is not None
    while "opens a page" not in (line := process.stderr.readline()):
        assert line
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert time.monotonic() - began < 15
    assert browser(pair)["running"] is False


def test_the_picture_is_taken_through_browser_control_where_cdp_is_not_published(pair: Site) -> None:
    fleet = pair.root / "fleet.yaml"
    before = fleet.read_text()
    # The ports stay published until `up`, but the check uses those of the fleet file.
    fleet.write_text(before.replace("main: {", "main: {publish: {cdp: false}, "))
    try:
        result = pair.ok("health", "main", "--deep", "--json")
        assert "profiles.main.publish.cdp" in steps(result)["page"]["what"]
        fleet.write_text(before.replace("main: {", "main: {publish: {cdp: false, control: false}, "))
        closed = pair.run("health", "main", "--deep", "--json")
        assert closed.code == 6
        assert statuses(closed) == ["ok"] * 3 + ["skipped"] * 4
        assert "profiles.main.publish.control" in steps(closed)["browser"]["what"]
    finally:
        fleet.write_text(before)


def test_a_stopped_gateway_exits_with_6_and_the_command_that_starts_it(pair: Site) -> None:
    pair.container("rescue").kill()
    until("its end", lambda: pair.container("rescue").status == "exited" or None)
    result = pair.run("health")
    assert result.code == 6
    assert result.out.splitlines()[0] == "main: ready"
    assert result.out.splitlines()[1].startswith("rescue: ")
    assert result.out.splitlines()[1].endswith(" start rescue")
    both = pair.run("health", "--deep", "--json")
    assert both.code == 6
    assert (statuses(both, 0), statuses(both, 1)) == (["ok"] * 7, ["failed"] + ["skipped"] * 6)
    late = pair.run("health", "rescue", "--wait", "--timeout", "5", "--json")
    assert (late.code, json.loads(late.out)[0]["remedy"]) == (6, "idlehands-deploy start rescue")
