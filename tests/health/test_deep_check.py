"""The steps of a deep check against a fake browser control, for faults that a real one cannot produce on demand."""

from __future__ import annotations

import http.server
import json
import os
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.errors import DeployError
from idlehands_deploy.gateway.probe import GatewayProbe
from idlehands_deploy.gateway.test_page import LEFT, RIGHT
from idlehands_deploy.health.deep_check import prove as proving
from idlehands_deploy.health.deep_check.judge import Doors, FailedError, Step
from idlehands_deploy.health.deep_check.prove import Place, prove, within
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.remedies import Remedy
from tests.support.helpers import Quiet
from tests.support.pictures import png

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from idlehands_deploy.gateway.handshake import Entry

Answer = tuple[int, object]
PICTURE = "/home/idlehands/.idlehands/media/browser/x.png"


class Gateway(http.server.ThreadingHTTPServer):
    """A gateway and its browser control on one port, with CDP switched off."""

    def __init__(self, state: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.token = secrets.token_hex(16)
        self.state = state
        self.cdp_token = secrets.token_hex()
        self.asked: list[str] = []
        self.running = False
        # A test double: this one speaks no WebSocket. tests/gateway/test_handshake.py has one that does.
        self.entry: Entry = "accepted"
        self.answers: dict[str, Answer | list[Answer]] = {
            "POST /tabs/open": (200, {"targetId": "ours"}),
            "POST /screenshot": (200, {"path": PICTURE}),
            "GET /tabs": (200, {"tabs": [{"targetId": "ours", "url": "about:blank"}]}),
        }

    def browser(self, **more: object) -> dict[str, object]:
        return {"profile": "openclaw", "running": self.running, "cdpPort": 18800} | more

    def prove(self, state: str = "ready", interrupted: threading.Event | None = None) -> dict[str, Step]:
        port = int(self.server_address[1])
        doors = Doors("main", port, port, ())
        place = Place(
            doors, self.token, GatewayProbe("127.0.0.1", port, self.token), GatewayProbe("127.0.0.1", port, None),
            self.state, "http://127.0.0.1:1", lambda: self.entry, self.cdp_token,
        )  # fmt: skip
        verdict = Verdict("main", state, remedy=Remedy.run("start", "main"))  # type: ignore[arg-type]
        steps = prove(place, verdict, Quiet(), interrupted or threading.Event())
        assert [step.name for step in steps] == ["ready", "token", "dashboard", "browser", "page", "picture", "close"]
        return {step.name: step for step in steps}


class Handler(http.server.BaseHTTPRequestHandler):
    server: Gateway

    def _answer(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        path = self.path.partition("?")[0]
        asked = f"{self.command} {path}"
        allowed = self.headers["Authorization"] == f"Bearer {self.server.token}"
        if allowed:
            self.server.asked.append(asked)
        if asked == "POST /start":
            self.server.running = True
        status, body = self.server.answers.get(asked, (200, self.server.browser() if asked == "GET /" else {}))
        if not allowed and path == "/":
            status, body = 401, {}
        self.send_response(int(str(status)))
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - http.server calls these

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    picture = tmp_path / "media/browser/x.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(png(LEFT, RIGHT))
    with Gateway(tmp_path) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def statuses(steps: dict[str, Step]) -> str:
    return " ".join(step.status for step in steps.values())


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("refused", "refuses a browser that opened http://127.0.0.1:1/"),
        ("unknown", "does not respond to the WebSocket of its dashboard on port"),
    ],
)
def test_a_dashboard_that_nobody_can_open_fails(gateway: Gateway, entry: Entry, said: str) -> None:
    gateway.entry = entry
    step = gateway.prove()["dashboard"]
    assert (step.status, step.said.startswith(said)) == ("failed", True)


def test_without_a_cdp_port_everything_is_checked_through_browser_control_and_restored(gateway: Gateway) -> None:
    steps = gateway.prove()
    assert statuses(steps) == "ok ok ok ok ok ok ok"
    assert steps["page"].said.endswith("CDP is not published (fleet.yaml: profiles.main.publish.cdp)")
    assert gateway.asked[-3:] == ["DELETE /tabs/ours", "GET /tabs", "POST /stop"]


def test_a_browser_that_ran_is_left_running(gateway: Gateway) -> None:
    gateway.running = True
    assert statuses(gateway.prove()) == "ok ok ok ok ok ok ok"
    assert not {"POST /start", "POST /stop"} & set(gateway.asked)


def test_a_browser_that_somebody_uses_meanwhile_is_left_running(gateway: Gateway) -> None:
    class Later(dict[str, Any]):
        """The tab is not there when the browser has just started."""

        def get(self, asked: str, other: Any = None) -> Any:
            if asked == "GET /tabs" and "POST /tabs/open" not in gateway.asked:
                return 200, {"tabs": []}
            return super().get(asked, other)

    gateway.answers = Later(gateway.answers)
    gateway.answers["GET /tabs"] = (200, {"tabs": [{"targetId": "theirs", "url": "https://example.org"}]})
    assert gateway.prove()["close"].said == "page closed, browser left running: somebody else uses it now"
    assert "POST /stop" not in gateway.asked


def test_a_remote_browser_is_attached_to_and_never_stopped(gateway: Gateway) -> None:
    remote = gateway.browser(profile="office", cdpUrl="http://10.0.0.4:9222", cdpPort=9222)
    gateway.answers["GET /"] = (200, remote)
    steps = gateway.prove()
    assert statuses(steps) == "ok ok ok ok ok ok ok"
    assert steps["browser"].said == "attached to the remote office"
    assert "the browser is remote" in steps["page"].said
    assert "POST /stop" not in gateway.asked


@pytest.mark.parametrize(
    ("broken", "answer", "name", "said"),
    [
        ("POST /start", (500, {"error": "no room"}), "browser", "returns HTTP 500: no room"),
        ("GET /", (200, {"profile": "openclaw", "running": False, "pid": 7}), "browser", "running but never responds"),
        ("POST /tabs/open", (400, {"error": "x"}), "page", "returns HTTP 400 when asked to open a page: x"),
        ("POST /act", (500, {}), "picture", "returns HTTP 500 when asked to paint a page"),
        ("POST /screenshot", (200, {"path": "/etc/passwd"}), "picture", "outside its state directory"),
        ("POST /screenshot", (200, {"path": PICTURE + "/../../../../x"}), "picture", "outside its state directory"),
        ("POST /screenshot", (200, {}), "picture", "outside its state directory"),
        ("POST /stop", (500, {}), "close", "returns HTTP 500 when asked to stop the browser"),
        ("DELETE /tabs/ours", (500, {}), "close", "returns HTTP 500 when asked to close a page"),
    ],
)
def test_the_first_failed_step_ends_the_check_and_everything_is_restored(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, broken: str, answer: Answer, name: str, said: str
) -> None:
    monkeypatch.setattr(proving, "SETTLE_SECONDS", 0)
    gateway.answers[broken] = answer
    steps = gateway.prove()
    assert steps[name].status == "failed"
    assert said in steps[name].said
    order = list(steps)
    assert {steps[later].status for later in order[order.index(name) + 1 :]} <= {"skipped"}
    assert ("POST /start" in gateway.asked) == ("POST /stop" in gateway.asked)
    if "POST /tabs/open" in gateway.asked and broken != "POST /tabs/open":
        assert "DELETE /tabs/ours" in gateway.asked


def test_a_blank_picture_fails_and_everything_is_restored(gateway: Gateway) -> None:
    (gateway.state / "media/browser/x.png").write_bytes(png((255, 255, 255), (255, 255, 255)))
    steps = gateway.prove()
    assert statuses(steps) == "ok ok ok ok ok failed skipped"
    assert steps["picture"].said == "the picture is blank: rgb(255, 255, 255) everywhere"
    assert steps["close"].said == "page closed, browser stopped again"


def test_a_link_in_the_gateway_s_state_is_not_followed_out_of_it(
    gateway: Gateway, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x.png"
    elsewhere.write_bytes(png(LEFT, RIGHT))
    picture = gateway.state / "media/browser/x.png"
    picture.unlink()
    picture.symlink_to(elsewhere)
    assert "outside its state directory" in gateway.prove()["picture"].said


def test_a_config_that_forbids_painting_skips_the_picture(gateway: Gateway) -> None:
    gateway.answers["POST /act"] = (403, {"code": "ACT_EVALUATE_DISABLED", "error": "off"})
    steps = gateway.prove()
    assert statuses(steps) == "ok ok ok ok ok skipped skipped"
    assert "browser.evaluateEnabled" in steps["picture"].said
    assert steps["close"].said == "page closed, browser stopped again"


def test_a_token_that_a_gateway_repeats_is_removed(gateway: Gateway) -> None:
    gateway.answers["POST /start"] = (500, {"error": f"{gateway.token} and {gateway.cdp_token} are not welcome"})
    steps = gateway.prove()
    assert "(token) and (token) are not welcome" in steps["browser"].said
    assert gateway.token not in repr(steps)


def test_a_gateway_that_is_not_ready_is_not_touched(gateway: Gateway) -> None:
    steps = gateway.prove("stopped")
    assert statuses(steps) == "failed skipped skipped skipped skipped skipped skipped"
    assert steps["ready"].fix == Remedy.run("start", "main")
    assert gateway.asked == []


def test_after_ctrl_c_everything_is_restored(gateway: Gateway) -> None:
    interrupted = threading.Event()

    class Meanwhile(dict[str, Any]):
        def get(self, asked: str, other: Any = None) -> Any:
            if asked == "POST /act":
                interrupted.set()
            return super().get(asked, other)

    gateway.answers = Meanwhile(gateway.answers)
    with pytest.raises(KeyboardInterrupt):
        gateway.prove(interrupted=interrupted)
    assert gateway.asked[-3:] == ["DELETE /tabs/ours", "GET /tabs", "POST /stop"]


def test_an_action_that_does_not_end_is_left_at_its_time_limit() -> None:
    end = threading.Event()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        within(0.2, end.wait, threading.Event())
    assert time.monotonic() - began < 1
    end.set()


def test_an_interruption_ends_the_wait_after_a_short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "GRACE_SECONDS", 0.1)
    interrupted, end = threading.Event(), threading.Event()
    threading.Timer(0.1, interrupted.set).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        within(30, end.wait, interrupted)
    assert time.monotonic() - began < 2
    end.set()


@pytest.mark.parametrize("error", [FailedError("a", "b", Remedy("c")), DeployError("a", "b"), ValueError("a")])
def test_an_action_s_error_is_raised_where_it_is_waited_for(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        within(1, fail, threading.Event())
    assert caught.value is error


def test_a_picture_is_read_only_if_it_is_a_small_file_of_the_state(
    gateway: Gateway, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proving, "SETTLE_SECONDS", 0)
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "x.png"
    picture = tmp_path / "media/browser/x.png"
    picture.rename(elsewhere)
    picture.symlink_to(elsewhere)
    assert gateway.prove()["picture"].said == "the picture is outside its state directory"
    picture.unlink()
    os.mkfifo(picture)
    assert gateway.prove()["picture"].said == "the picture cannot be read: it is not an ordinary file"
    picture.unlink()
    picture.touch()
    os.truncate(picture, 5 << 20)
    assert gateway.prove()["picture"].said.endswith("it is larger than 4 MB, which is the limit")
    gateway.answers["POST /screenshot"] = 200, {"path": PICTURE + "\0"}
    assert gateway.prove()["picture"].said == "the picture cannot be read: no file can have this name"
