"""A way back from every crash, and no mercy killing of a gateway that lives."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.engine.conftest import start_browser, until

if TYPE_CHECKING:
    import docker

    from tests.engine.conftest import Site

pytestmark = [pytest.mark.engine, pytest.mark.alone]

GATEWAY = "grep -ls ^openclaw-gatewa /proc/[0-9]*/comm | cut -d/ -f3"
# At one stroke: slowly, the container would first lose its cached files and crawl.
EAT_MEMORY = "Buffer.alloc(2 ** 31, 1)"


def test_a_killed_gateway_is_ready_again_without_a_wait_for_its_lease(site: Site) -> None:
    clean = site.ok("up", "main").seconds
    for _ in range(2):
        site.container("main").kill()
        site.container("main").remove()
        assert site.ok("up", "main").seconds <= 1.3 * clean + 2  # seconds for what else the machine does


def test_a_browser_starts_again_after_a_kill_with_its_data_intact(site: Site) -> None:
    site.ok("up", "main")
    start_browser(site, "main")
    marker = site.config("main").parent / "browser" / "openclaw" / "user-data" / "Default" / "marker"
    marker.write_text("mine")
    site.container("main").kill()
    site.ok("up", "main")
    start_browser(site, "main")
    assert marker.read_text() == "mine"


def test_a_hung_gateway_is_killed_and_ready_again_within_ninety_seconds(site: Site) -> None:
    site.ok("up", "main")
    site.ok("exec", "main", "health")  # in use for a moment, so that its watch has seen it answer
    until("a healthy container", lambda: site.container("main").health == "healthy" or None)
    hung = time.monotonic()
    _signal_gateway(site, "STOP")
    assert site.state("main") == "hung"
    until("the restart", lambda: site.container("main").attrs["RestartCount"] or None, 90)
    until("a ready gateway", site.is_ready, 60)
    assert time.monotonic() - hung <= 90
    assert "the gateway gave no answer for 50 s: killing it" in site.logs("main")


def test_stop_now_does_not_wait_for_a_gateway_that_will_not_end(site: Site) -> None:
    site.ok("up", "main")
    _signal_gateway(site, "STOP")
    assert site.ok("stop", "--now").seconds < 20
    assert site.state("main") == "stopped"


def test_a_gateway_that_is_slow_to_start_is_not_taken_for_hung(site: Site) -> None:
    # With a quarter of a core it takes longer than a gateway that had started would be given.
    site.write("profiles: {main: {resources: {cpus: 0.25}, environment: {IDLEHANDS_HANG_TIMEOUT: '20'}}}\n")
    assert site.ok("up", "main").seconds > 20
    assert site.container("main").attrs["RestartCount"] == 0
    assert "killing it" not in site.logs("main")


def test_a_gateway_that_the_kernel_kills_for_lack_of_memory_is_ready_again(site: Site) -> None:
    site.write("profiles: {main: {resources: {memory: 1600m}}}\n")
    site.ok("up", "main")
    # Of all processes in the container, the kernel shall choose the gateway.
    site.ok("exec", "--raw", "main", "bash", "-c", f"echo 1000 > /proc/$({GATEWAY})/oom_score_adj")
    site.run("exec", "--raw", "main", "node", "-e", EAT_MEMORY)
    until("the restart", lambda: site.container("main").attrs["RestartCount"] or None)
    until("a ready gateway", site.is_ready)
    assert site.state("main") == "ready"


@pytest.mark.skipif(
    "IDLEHANDS_TEST_MAY_RESTART_ENGINE" not in os.environ, reason="would restart an engine that others may use"
)
def test_after_an_engine_restart_what_was_up_is_ready_again_and_what_was_stopped_stays_so(
    engine: docker.DockerClient, site: Site
) -> None:
    site.write("profiles: {main: {}, other: {}}\n")
    site.ok("up")
    site.ok("stop", "other")
    start_browser(site, "main")
    _restart_engine(engine)
    until("a ready gateway", site.is_ready)
    start_browser(site, "main")
    assert site.state("other") == "stopped"


def _gateway(site: Site) -> str | None:
    """The process id of the gateway in its container."""
    found = site.container("main").exec_run(["bash", "-c", GATEWAY])
    return found.output.decode().strip() or None


def _signal_gateway(site: Site, name: str) -> None:
    site.container("main").exec_run(["bash", "-c", f"kill -{name} {_gateway(site)}"])


def _restart_engine(engine: docker.DockerClient) -> None:
    pid = int(Path("/var/run/docker.pid").read_text())
    command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    engine.close()  # its connections would break
    os.kill(pid, signal.SIGTERM)
    until("the engine's end", lambda: None if Path(f"/proc/{pid}").exists() else True)
    # Through a shell that ends at once, so that the engine is no child of the tests.
    subprocess.run(["sh", "-c", '"$@" >/dev/null 2>&1 &', "sh", *command], start_new_session=True, check=True)
    until("the engine", _answers)


def _answers() -> bool | None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.connect("/var/run/docker.sock")
        client.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
        return b" 200 " in client.recv(64) or None
    return None
