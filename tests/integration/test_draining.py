"""A gateway that has a reply in the making, or is slow to start, has its time, and is never taken for hung."""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.site import until

if TYPE_CHECKING:
    from tests.support.site import Site

pytestmark = pytest.mark.engine

# A double of a model provider: what a real one answers, and when, is nobody's to decide. Ends after SECONDS.
PROVIDER = """
const seconds = Number(process.env.SECONDS);
require("http").createServer((question, answer) => {
  question.resume().on("end", () => {
    const send = (delta, finish_reason) => answer.write("data: " + JSON.stringify({
      id: "x", object: "chat.completion.chunk", created: 1, model: "slow", choices: [{index: 0, delta, finish_reason}],
    }) + "\\n\\n");
    answer.writeHead(200, {"content-type": "text/event-stream"});
    send({role: "assistant", content: "slowly "}, null);
    setTimeout(() => { send({content: "done"}, null); send({}, "stop"); answer.end("data: [DONE]\\n\\n"); },
      seconds * 1000);
  });
}).listen(18999, "127.0.0.1");
"""


class Turn(threading.Thread):
    """A client that asks the gateway something and reads the reply to its end."""

    def __init__(self, site: Site) -> None:
        super().__init__(daemon=True)
        self.reply = ""
        self._site = site

    def run(self) -> None:
        # A gateway that is cut off drops the connection too.
        with (
            contextlib.suppress(requests.RequestException),
            requests.post(
                f"http://127.0.0.1:{self._site.base}/v1/chat/completions",
                headers={"Authorization": f"Bearer {self._site.token('main')}"},
                json={"model": "openclaw", "stream": True, "messages": [{"role": "user", "content": "hello"}]},
                stream=True,
                timeout=120,
            ) as response,
        ):
            for line in response.iter_lines():
                self.reply += line.decode()


@pytest.mark.full
def test_stop_waits_for_the_reply_in_the_making_while_docker_calls_the_container_healthy(site: Site) -> None:
    turn = _busy(site, seconds=45, environment="{IDLEHANDS_HANG_TIMEOUT: '20'}")
    stop = site.begin("stop", "main")
    until("the draining", lambda: site.state("main") == "draining" or None)
    until("a health check while it drains", lambda: _last_health_check(site) == "draining\n" or None)
    # Unhealthy containers are restarted by some, and that would cut the reply off.
    assert site.container("main").attrs["State"]["Health"]["Status"] == "healthy"
    _, err = stop.communicate(timeout=120)
    turn.join(timeout=10)
    assert stop.returncode == 0
    assert "done" in turn.reply
    assert "main: finishing its work, for at most 330s\nmain: ended\nmain is stopped." in err
    assert "killing it" not in site.logs("main")


@pytest.mark.full
def test_stop_now_cuts_a_reply_short(site: Site) -> None:
    _busy(site, seconds=300)
    assert site.ok("stop", "--now").seconds < 20
    assert site.state("main") == "stopped"


@pytest.mark.full
def test_a_reply_that_takes_longer_than_the_grace_period_is_cut_off_and_that_is_said(site: Site) -> None:
    _busy(site, seconds=300, more="stop_grace_period: 6s, ")
    began = time.monotonic()
    result = site.ok("down", "main")
    assert 6 <= time.monotonic() - began < 25
    assert "main had not finished after 6s and was killed: unfinished work was lost. To give" in result.err


@pytest.mark.full
def test_a_gateway_that_is_slow_to_start_is_not_taken_for_hung(site: Site) -> None:
    # With a quarter of a core it takes longer than a gateway that had started would be given.
    site.write("profiles: {main: {resources: {cpus: 0.25}, environment: {IDLEHANDS_HANG_TIMEOUT: '20'}}}\n")
    assert site.ok("up", "main").seconds > 20
    assert site.container("main").attrs["RestartCount"] == 0
    assert "killing it" not in site.logs("main")


def _busy(site: Site, seconds: int, more: str = "", environment: str = "{}") -> Turn:
    """A gateway that is up and makes a reply, which takes so many seconds."""
    site.write(f"profiles: {{main: {{{more}environment: {environment}}}}}\n")
    site.ok("generate")
    config: dict[str, Any] = json.loads(site.config("main").read_text())
    config["gateway"]["http"] = {"endpoints": {"chatCompletions": {"enabled": True}}}
    provider = {
        "baseUrl": "http://127.0.0.1:18999/v1", "apiKey": secrets.token_hex(8), "api": "openai-completions",
        "timeoutSeconds": 600, "models": [{"id": "slow", "name": "slow"}],
    }  # fmt: skip
    config["models"] = {"providers": {"slow": provider}}
    config.setdefault("agents", {}).setdefault("defaults", {})["model"] = {"primary": "slow/slow"}
    site.config("main").write_text(json.dumps(config))
    site.ok("up", "main")
    site.container("main").exec_run(["node", "-e", PROVIDER], environment={"SECONDS": str(seconds)}, detach=True)
    turn = Turn(site)
    turn.start()
    until("the reply's beginning", lambda: "slowly" in turn.reply or None)
    return turn


def _last_health_check(site: Site) -> str:
    checks = site.container("main").attrs["State"]["Health"]["Log"] or [{"Output": "none yet"}]
    return str(checks[-1]["Output"])
