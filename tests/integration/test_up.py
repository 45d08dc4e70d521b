from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.site import PROJECT_LABEL, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.site import Site

pytestmark = pytest.mark.engine


# How often each hostile image is tried; without a number only the one that no test below has.
HOSTILE_RUNS = int(os.environ.get("IDLEHANDS_TEST_HOSTILE_RUNS", "0"))


def _serving(answer: str) -> str:
    """A command that serves HTTP in the gateway's place."""
    handler = f"(request, response) => {answer}"
    return f'node -e "http.createServer({handler}).listen(process.env.IDLEHANDS_GATEWAY_PORT)"'


class Prober(threading.Thread):
    """Asks a gateway twenty times a second, as somebody who knows nothing of the tool would."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self.port = port
        self.first: float | None = None

    def run(self) -> None:
        while self.first is None:
            with contextlib.suppress(requests.RequestException):
                if requests.get(f"http://127.0.0.1:{self.port}/readyz", timeout=1).status_code == 200:
                    self.first = time.monotonic()
            time.sleep(0.05)


@pytest.mark.alone
def test_up_of_an_unknown_name_adds_it_and_returns_as_soon_as_it_is_ready(site: Site) -> None:
    prober = Prober(site.base + 20)
    prober.start()
    result = site.ok("up", "rescue")
    returned = time.monotonic()
    prober.join(timeout=5)
    assert f"rescue: profile added at {site.base + 20} (gateway)" in result.err
    assert result.out.startswith(f"rescue is ready, at 127.0.0.1:{site.base + 20}.")
    assert prober.first is not None
    assert returned - prober.first <= 0.5


@pytest.mark.alone
@pytest.mark.full
def test_up_when_already_up_is_quick_and_recreates_nothing(pair: Site) -> None:
    before = pair.container("main").id
    result = pair.ok("up")
    assert result.seconds <= 1.5
    assert pair.container("main").id == before


def test_adding_a_profile_recreates_no_other(pair: Site) -> None:
    before = {name: pair.container(name).id for name in ("main", "rescue")}
    pair.ok("add", "third")
    pair.ok("up", "main", "rescue")
    assert {name: pair.container(name).id for name in before} == before


@pytest.mark.full
def test_plain_compose_brings_the_generated_file_up_without_the_tool(site: Site) -> None:
    site.ok("add", "main")
    site.compose("up", "--detach", "--wait")
    assert site.get(site.port("main"), "/readyz").status_code == 200
    assert site.state("main") == "ready"


@pytest.mark.full
def test_a_config_that_the_gateway_refuses_ends_the_wait_with_the_gateways_own_sentence(site: Site) -> None:
    site.ok("add", "main")
    config = json.loads(site.config("main").read_text()) | {"no_such_key": 1}
    site.config("main").write_text(json.dumps(config))
    result = site.run("up", "main", "--force")
    assert result.code == 6
    assert result.seconds < 90
    assert "main is not ready: misconfigured: exit code 78" in result.err
    assert "no_such_key" in result.err
    assert "config check main   (says what is wrong; mend it: " in result.err
    until("a status that says why", lambda: site.state("main") == "misconfigured" or None)


@pytest.mark.full
def test_a_gateway_whose_chat_channel_fails_is_ready_but_called_degraded(site: Site) -> None:
    site.ok("add", "main")
    config = json.loads(site.config("main").read_text())
    # A token that is not there: fails at once and asks no server.
    missing = {"source": "env", "provider": "default", "id": "NOT_SET_BOT_TOKEN"}
    config["channels"] = {"telegram": {"enabled": True, "botToken": missing}}
    site.config("main").write_text(json.dumps(config))
    result = site.ok("up", "main")
    assert result.out.startswith("main is ready, degraded: it works, but these checks fail: telegram, at 127.0.0.1:")
    assert site.state("main") == "degraded"


@pytest.mark.alone
def test_a_container_that_dies_ends_the_wait_at_once(site: Site) -> None:
    site.ok("add", "main")
    up = site.begin("up", "main")
    container = until("a running container", lambda: _running(site, "main"))
    container.kill()
    killed = time.monotonic()
    _, err = up.communicate(timeout=60)
    assert up.returncode == 6
    assert time.monotonic() - killed < 2
    assert "main is not ready: stopped: exit code 137" in err


def test_a_gateway_that_never_listens_is_not_ready_when_the_time_is_up(site: Site, variant: Callable[..., str]) -> None:
    site.write("profiles:\n  main: {}\n", image=variant(script="sleep 600"))
    result = site.run("up", "main", "--timeout", "3")
    assert result.code == 6
    assert "main is not ready after 3 s: starting: nothing responds on its port yet" in result.err
    assert f"Next: idlehands-deploy -C {site.root} logs main --follow" in result.err


def test_a_crash_loop_is_never_ready(site: Site, variant: Callable[..., str]) -> None:
    site.write("profiles:\n  main: {}\n", image=variant(script="echo giving up; exit 3"))
    result = site.run("up", "main", "--timeout", "20")
    assert result.code == 6
    assert result.seconds < 15
    assert "exit code 3" in result.err
    assert "| giving up" in result.err


def test_a_gateway_that_lives_but_is_never_ready_is_not_called_ready(site: Site, variant: Callable[..., str]) -> None:
    answer = "(request, response) => response.writeHead(503).end('{}')"
    serve = f'node -e "http.createServer({answer}).listen(process.env.IDLEHANDS_GATEWAY_PORT)"'
    site.write("profiles:\n  main: {}\n", image=variant(script=serve))
    result = site.run("up", "main", "--timeout", "4")
    assert result.code == 6
    assert "main is not ready after 4 s: starting: /readyz returns HTTP 503" in result.err


LIAR = "answers 200 to whatever it is asked"
HOSTILE = {
    "never listens": "sleep 600",
    "crash-loops": "exit 3",
    "lives and is never ready": _serving("response.writeHead(request.url === '/healthz' ? 200 : 503).end('{}')"),
    LIAR: _serving("response.writeHead(200).end('<html>')"),
}


@pytest.mark.parametrize("name", HOSTILE if HOSTILE_RUNS else [LIAR])
def test_nothing_that_only_runs_is_ever_called_ready(site: Site, variant: Callable[..., str], name: str) -> None:
    site.write("profiles:\n  main: {}\n", image=variant(script=HOSTILE[name]))
    for _ in range(HOSTILE_RUNS or 1):
        result = site.run("up", "main", "--timeout", "2", "--json")
        assert (result.code, result.json[0]["usable"]) == (6, False)
        assert not site.status("main")["usable"]
        site.ok("down", "--now")


@pytest.mark.alone
def test_status_watch_tells_of_a_death_within_a_second_and_of_the_next_start(
    site: Site, variant: Callable[..., str]
) -> None:
    site.write("profiles:\n  main: {}\n", image=variant(script="sleep 600"))
    site.run("up", "main", "--timeout", "1")
    watch = site.begin("status", "--watch")
    assert watch.stdout is not None
    assert "main starting: nothing responds on its port yet" in watch.stdout.readline()
    container = site.container("main")
    container.kill()
    died = time.monotonic()
    assert "main stopped: exit code 137" in watch.stdout.readline()
    assert time.monotonic() - died < 1
    container.start()
    assert "main starting" in watch.stdout.readline()
    watch.send_signal(signal.SIGINT)
    _, err = watch.communicate(timeout=10)
    assert (watch.returncode, err) == (130, "")


def test_ctrl_c_leaves_what_runs_and_says_so(site: Site) -> None:
    site.ok("add", "main")
    up = site.begin("up", "main")
    container = until("a running container", lambda: _running(site, "main"))
    assert up.stderr is not None
    until("the wait", lambda: "starting" in up.stderr.readline() or None)  # type: ignore[union-attr]
    up.send_signal(signal.SIGINT)
    _, err = up.communicate(timeout=10)
    assert up.returncode == 130
    assert "Interrupted: nothing is undone." in err
    container.reload()
    assert container.status == "running"
    site.ok("up", "main")


def test_a_port_held_by_a_process_is_refused_by_its_name_and_nothing_changes(site: Site) -> None:
    before = _files(site.root)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", site.base + 22))
        listener.listen()
        result = site.run("up", "rescue")
    assert result.code == 3
    assert f"127.0.0.1:{site.base + 22} (browser control of rescue): held by " in result.err
    assert "(pid " in result.err
    assert _files(site.root) == before


def test_a_port_held_by_a_container_is_refused_by_its_name(site: Site, pair: Site) -> None:
    site.write(f"profiles:\n  main: {{port: {pair.base}}}\n")
    result = site.run("up", "main")
    assert result.code == 3
    assert f"(gateway of main): held by container {pair.name}-main-1" in result.err


def test_a_second_directory_of_the_same_project_is_refused(site: Site, pair: Site) -> None:
    site.name, own = pair.name, site.name
    site.write("profiles:\n  main: {}\n")
    site.name = own
    result = site.run("up", "main")
    assert result.code == 2
    assert f"The Compose project {pair.name} already runs from {pair.root}." in result.err


def test_an_engine_that_vanishes_midway_is_exit_4(site: Site, fragile_engine: FragileEngine) -> None:
    site.ok("add", "main")
    site.environ["DOCKER_HOST"] = fragile_engine.address
    up = site.begin("up", "main")
    until("a running container", lambda: _running(site, "main"))
    fragile_engine.vanish()
    _, err = up.communicate(timeout=60)
    assert up.returncode == 4, err
    assert "Start it: " in err


class FragileEngine:
    """The real engine behind a socket that can go away: the engine itself also serves other tests."""

    def __init__(self, path: Path) -> None:
        self.address = f"unix://{path}"
        self._path = path
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def vanish(self) -> None:
        self._path.unlink(missing_ok=True)
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.socket(socket.AF_UNIX)
                far.connect("/var/run/docker.sock")
                self._open += [near, far]
                for source, target in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@pytest.fixture
def fragile_engine(tmp_path: Path) -> Iterator[FragileEngine]:
    fragile = FragileEngine(tmp_path / "docker.sock")
    yield fragile
    fragile.vanish()


def _running(site: Site, profile: str) -> Any:
    found = site.engine.containers.list(filters={"label": f"{PROJECT_LABEL}={site.name}", "status": "running"})
    return next((item for item in found if item.labels["com.docker.compose.service"] == profile), None)


def _files(root: Path) -> dict[str, bytes]:
    # The lock is the one file that a refused command may leave.
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.name != ".lock"
    }
