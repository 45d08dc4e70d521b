"""Every fault that a gateway meets: told by its name within seconds, healed, and nothing lost.

The clock of a gateway that runs cannot be set without setting the host's; one that is wrong at the start is in
test_holding.py.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import psutil
import pytest

from tests.support.gauntlet import PROPERTY, new_row
from tests.support.site import IMAGE, Site, fill, root_only, small_disks, start_browser, until
from tests.support.trials import GATEWAY, Marks, Trial, inside, is_healthy, make_wedge_image, signal_gateway

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.engine, pytest.mark.alone, pytest.mark.full]

# Where nothing listens: asked for an image that is gone, the engine is refused at once, and asks nobody else.
REGISTRY = "127.0.0.1:1"
# At one stroke: slowly, the container would first lose its cached files and crawl.
EAT_MEMORY = "Buffer.alloc(2 ** 31, 1)"
# What `status` itself takes, on a machine that has other things to do too.
AT_ONCE = 6.0
# From nothing to ready, after an end that may take its whole grace; seconds.
START = 80.0
# A gateway that happens to be at something, such as a run of its own jobs, would use up any grace.
FLEET = """\
profiles:
  main:
    secrets: [A_KEY]
    stop_grace_period: 20s
  rescue: {rescues: [main]}
"""


def test_a_killed_gateway_starts_again(trial: Callable[[str], Trial], gauntlet: Site) -> None:
    this = trial("gateway killed (SIGKILL)")
    signal_gateway(gauntlet, "KILL")
    this.expect("starting", AT_ONCE, "last exit code 137")
    this.heals_by_itself("restart policy", START)


def test_a_killed_container_is_stopped_until_it_is_started(trial: Callable[[str], Trial], gauntlet: Site) -> None:
    this = trial("container killed (docker kill)")
    gauntlet.container("main").kill()
    this.expect("stopped", AT_ONCE, "exit code 137")
    this.heals_by_its_remedy(START)


def test_a_port_that_is_taken_between_an_end_and_the_next_start_is_named_with_its_holder(
    trial: Callable[[str], Trial], gauntlet: Site
) -> None:
    this = trial("port taken by another process before it starts again")
    with _thief(gauntlet.base + 2):
        signal_gateway(gauntlet, "KILL")
        this.expect("failed", AT_ONCE, f"127.0.0.1:{gauntlet.base + 2}: bind: address already in use")
        refused = gauntlet.run("up", "main")
        assert refused.code == 3
        assert f"(browser control of main): held by {Path('/proc/self/comm').read_text().strip()} (pid " in refused.err
    this.heals_by_its_remedy(START)


def test_a_frozen_gateway_is_killed_and_starts_again_within_ninety_seconds(
    trial: Callable[[str], Trial], gauntlet: Site
) -> None:
    before = gauntlet.container("main").attrs["RestartCount"]
    until("a healthy container", lambda: is_healthy(gauntlet))
    this = trial("gateway frozen (SIGSTOP)")
    signal_gateway(gauntlet, "STOP")
    this.expect("hung", 10)
    until("the restart", lambda: gauntlet.container("main").attrs["RestartCount"] > before or None, 90)
    this.heals_by_itself("watch in the container", 90)
    assert "the gateway did not respond for 50 s: killing it" in gauntlet.logs("main")


def test_a_gateway_whose_main_thread_never_returns_is_hung_and_restarted_at_once(
    trial: Callable[[str], Trial], gauntlet: Site
) -> None:
    until("a healthy container", lambda: is_healthy(gauntlet))
    this = trial("main thread wedged (endless loop)")
    wedge = gauntlet.root / "profiles" / "main" / "workspace" / "wedge"
    wedge.touch()
    this.expect("hung", 10)
    assert not wedge.exists()
    this.heals_by_its_remedy(START)


def test_a_gateway_that_the_kernel_kills_for_lack_of_memory_says_so_and_starts_again(
    trial: Callable[[str], Trial], gauntlet: Site
) -> None:
    # Of all processes in the container, the kernel shall choose the gateway.
    inside(gauntlet, f"echo 1000 > /proc/$({GATEWAY})/oom_score_adj")
    gauntlet.run("exec", "--raw", "main", "node", "-e", EAT_MEMORY)
    this = trial("killed for lack of memory (its own limit)")
    this.expect("starting", AT_ONCE, "killed: out of memory")
    this.heals_by_itself("restart policy", START)


def test_a_refused_config_is_held_and_started_again_as_soon_as_it_is_mended(
    trial: Callable[[str], Trial], gauntlet: Site
) -> None:
    config = gauntlet.config("main")
    good = config.read_text()
    config.write_text(good.replace("{", '{"no_such_key": 1, ', 1))
    gauntlet.compose("restart", "main")
    this = trial("config refused (exit 78)")
    this.expect("misconfigured", 30, "exit code 78: the gateway rejects its configuration")
    health = until("the health log", lambda: _health_log(gauntlet))
    assert '"reason":"exit code 78: the gateway rejects its configuration"' in health
    config.write_text(good)
    this.heals_by("mending the config", START, lambda: until("a ready gateway", gauntlet.is_ready))
    assert gauntlet.container("main").attrs["RestartCount"] == 0
    assert gauntlet.logs("main").count("exit code 78: the gateway rejects its configuration") == 1


def test_a_container_removed_behind_our_back_is_made_once_by_two_ups_at_once(
    trial: Callable[[str], Trial], gauntlet: Site
) -> None:
    this = trial("container removed; then two `up` at once")
    gauntlet.container("main").remove(force=True)
    this.expect("missing", AT_ONCE)
    assert this.status["remedy"] == "idlehands-deploy up main"
    this.heals_by("`up main`, twice at once", START, lambda: _both_succeed(gauntlet))


def test_a_container_taken_off_its_network_is_unreachable_and_up_brings_it_back(
    trial: Callable[[str], Trial], gauntlet: Site
) -> None:
    this = trial("network disconnected")
    gauntlet.engine.networks.get(f"{gauntlet.name}_main").disconnect(f"{gauntlet.name}-main-1")
    this.expect("unreachable", AT_ONCE)
    this.heals_by_its_remedy(START)
    assert gauntlet.get(gauntlet.base + 2, "/", gauntlet.token("main")).ok


@root_only
def test_a_disk_that_fills_up_makes_a_gateway_degraded_and_one_that_empties_starts_it_anew(
    trial: Callable[[str], Trial], gauntlet: Site
) -> None:
    state = gauntlet.config("main").parent
    this = trial("disk full (state)")
    stop = threading.Event()
    # Again and again: finding no room, the gateway deletes what it was about to write, which makes some.
    filling = threading.Thread(target=lambda: _fill_until(state, stop))
    filling.start()
    try:
        this.expect("degraded", 40, "disk: state directory /home/idlehands/.idlehands has ")
        until("the log", lambda: "the gateway may lose new data" in gauntlet.logs("main") or None)
    finally:
        stop.set()
        filling.join()
    (state / "filler").unlink()
    this.heals_by("freeing the disk", START, lambda: _starts_anew(gauntlet))


def test_a_secret_file_that_is_gone_keeps_a_container_from_starting_and_is_named(
    trial: Callable[[str], Trial], gauntlet: Site
) -> None:
    key = gauntlet.root / "secrets" / "main" / "A_KEY"
    value = key.read_text()
    key.unlink()
    assert gauntlet.state("main") == "ready"  # it has it
    this = trial("secret file removed, then killed")
    signal_gateway(gauntlet, "KILL")
    this.expect("failed", AT_ONCE, f"cannot start: {key} does not exist")
    assert this.status["remedy"] == "put it back, then: idlehands-deploy up main"
    assert "secrets/main/A_KEY: missing" in gauntlet.run("up", "main").err
    key.write_text(value)
    this.heals_by_its_remedy(START)


def test_an_image_that_is_gone_leaves_a_gateway_running_and_up_says_what_is_missing(
    trial: Callable[[str], Trial], gauntlet: Site, image: str
) -> None:
    before = gauntlet.container("main").id
    this = trial("image removed")
    gauntlet.engine.images.remove(image)
    this.expect("ready", AT_ONCE)
    refused = gauntlet.run("up", "main")
    assert refused.code == 5
    assert f"The image {image} does not exist here and cannot be pulled" in refused.err
    assert gauntlet.state("main") == "ready"
    _tag(gauntlet.engine, image)
    this.heals_by("the image, and `up main`", AT_ONCE, lambda: gauntlet.ok("up", "main"))
    assert gauntlet.container("main").id == before


def test_a_killed_chrome_is_off_and_starts_again_beside_a_gateway_that_stays_ready(
    trial: Callable[[str], Trial], gauntlet: Site
) -> None:
    start_browser(gauntlet, "main")
    mark = gauntlet.config("main").parent / "browser" / "openclaw" / "user-data" / "Default" / "mark"
    mark.write_text("mine")
    this = trial("Chrome killed (SIGKILL)")
    inside(gauntlet, "pkill -KILL chromium")
    this.expect("ready", AT_ONCE, note="browser off", browsers={"openclaw": "off"})
    this.heals_by("starting the browser", START, lambda: start_browser(gauntlet, "main"))
    assert gauntlet.status("main")["browsers"] == {"openclaw": "running"}
    assert mark.read_text() == "mine"


def test_a_frozen_chrome_makes_a_gateway_degraded_and_a_restart_mends_it(
    trial: Callable[[str], Trial], gauntlet: Site
) -> None:
    start_browser(gauntlet, "main")
    this = trial("Chrome frozen (SIGSTOP)")
    inside(gauntlet, "pkill -STOP chromium")
    this.expect("degraded", 10, "its browser accepts connections but never responds", browsers={"openclaw": "frozen"})
    this.heals_by_its_remedy(START)
    start_browser(gauntlet, "main")


def test_a_fleet_file_that_is_edited_disturbs_nobody_and_an_up_that_was_killed_is_run_again(
    trial: Callable[[str], Trial], gauntlet: Site, image: str
) -> None:
    before = gauntlet.container("main").id
    gauntlet.write(FLEET.replace("secrets", "secret"), image)
    assert gauntlet.run("status").code == 2
    assert gauntlet.is_ready()
    this = trial("fleet file edited; then `up` killed midway (SIGKILL)")
    gauntlet.write(FLEET.replace("20s", "20s\n    resources: {memory: 3g}"), image)
    this.expect("ready", AT_ONCE)
    assert gauntlet.ok("status", "--json").json["stale"] is True
    _kill_up(gauntlet)
    this.heals_by("`up main`, run again", START, lambda: gauntlet.ok("up", "main"))
    assert gauntlet.container("main").id != before
    assert gauntlet.status("main")["memory_limit"] == 3 << 30


@pytest.mark.skipif(
    "IDLEHANDS_TEST_MAY_RESTART_ENGINE" not in os.environ, reason="would restart an engine that others may use"
)
def test_after_an_engine_restart_what_was_up_is_ready_again_and_what_was_stopped_stays_so(
    trial: Callable[[str], Trial], gauntlet: Site
) -> None:
    gauntlet.ok("stop", "rescue")
    start_browser(gauntlet, "main")
    this = trial("engine restarted")
    command = _stop_engine(gauntlet.engine)
    this.expect("unknown", 2 * AT_ONCE)
    _start_engine(command)
    this.heals_by_itself("restart policy", START)
    start_browser(gauntlet, "main")
    assert gauntlet.state("rescue") == "stopped"


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient) -> Iterator[str]:
    """A name of this module's own for an image whose gateway can be wedged."""
    repository, tag = "idlehands-test", secrets.token_hex(4)
    name = f"{REGISTRY}/{repository}:{tag}"
    make_wedge_image(engine, IMAGE, repository, tag)
    _tag(engine, name)
    yield name
    for each in (name, f"{repository}:{tag}"):
        with contextlib.suppress(docker.errors.ImageNotFound):
            engine.images.remove(each)


@pytest.fixture(scope="module")
def disk(make_site: Callable[[], Site]) -> Iterator[Callable[[Path], None]]:  # noqa: ARG001 - outlives it
    with small_disks() as mount:
        yield mount


@pytest.fixture(scope="module")
def gauntlet(image: str, make_site: Callable[[], Site], disk: Callable[[Path], None]) -> Site:
    """Main, to which all happens, with its state on a small disk where root runs the tests; and its neighbour."""
    fresh = make_site()
    fresh.write(FLEET, image)
    fresh.secret("main", "A_KEY", "x")
    fresh.ok("generate")
    if os.geteuid() == 0:
        disk(fresh.config("main").parent)
        fresh.ok("generate")
    fresh.ok("up")
    return fresh


@pytest.fixture(scope="module")
def marks(gauntlet: Site) -> Marks:
    left = Marks(gauntlet)
    left.leave()
    return left


@pytest.fixture
def trial(gauntlet: Site, marks: Marks, record_property: Callable[[str, object], None]) -> Callable[[str], Trial]:
    """Begins a trial; its row is told with the test, also when that fails."""
    if gauntlet.state("main") != "ready":
        gauntlet.ok("up")  # after a test that failed

    def begin(fault: str) -> Trial:
        row = new_row(fault)
        record_property(PROPERTY, row)
        return Trial(gauntlet, marks, row)

    return begin


@contextlib.contextmanager
def _thief(port: int) -> Iterator[None]:
    """Somebody who takes a port the moment that it is free, and keeps it."""
    gone = threading.Event()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

    def take() -> None:
        while not gone.is_set():
            with contextlib.suppress(OSError):
                listener.bind(("127.0.0.1", port))
                listener.listen()
                return

    taking = threading.Thread(target=take)
    taking.start()
    try:
        yield
    finally:
        gone.set()
        taking.join()
        listener.close()


def _both_succeed(site: Site) -> None:
    both = [site.begin("up", "main") for _ in range(2)]
    for up in both:
        out, err = up.communicate(timeout=200)
        assert up.returncode == 0, out + err


def _kill_up(site: Site) -> None:
    """An `up` that is killed while its Compose makes a container, which Compose goes on with."""
    up = site.begin("up", "main")
    until("Compose", lambda: psutil.Process(up.pid).children() or None)
    up.send_signal(signal.SIGKILL)
    up.communicate()


def _fill_until(state: Path, stop: threading.Event) -> None:
    while not stop.wait(0.1):
        fill(state, 240)


def _starts_anew(site: Site) -> None:
    until("the restart", lambda: "the state directory has free space again" in site.logs("main") or None)
    until("the old gateway's end", lambda: None if site.is_ready() else True)
    until("a ready gateway", site.is_ready)


def _health_log(site: Site) -> str | None:
    entries = site.container("main").attrs["State"]["Health"]["Log"] or []
    return next((entry["Output"] for entry in entries if "misconfigured" in entry["Output"]), None)


def _stop_engine(engine: docker.DockerClient) -> list[str]:
    """Stop the engine and give the command that it was started with."""
    pid = int(Path("/var/run/docker.pid").read_text())
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    engine.close()  # its connections would break
    os.kill(pid, signal.SIGTERM)
    until("the engine's end", lambda: None if Path(f"/proc/{pid}").exists() else True)
    return command


def _start_engine(command: list[str]) -> None:
    # Through a shell that ends at once, so that the engine is no child of the tests.
    subprocess.run(["sh", "-c", '"$@" >/dev/null 2>&1 &', "sh", *command], start_new_session=True, check=True)
    until("the engine", _answers)


def _answers() -> bool | None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.connect("/var/run/docker.sock")
        client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return b" 200 " in client.recv(64) or None
    return None


def _tag(engine: docker.DockerClient, name: str) -> None:
    repository, _, tag = name.rpartition(":")
    engine.images.get(name.removeprefix(f"{REGISTRY}/")).tag(repository, tag)
