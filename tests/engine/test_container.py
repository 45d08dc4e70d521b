"""What a container of ours promises: a sandboxed browser, and a way back from every crash."""

from __future__ import annotations

import base64
import json
import time
import zlib
from typing import TYPE_CHECKING, Any

import pytest
import requests
import websocket

from tests.engine.conftest import IMAGE, until

if TYPE_CHECKING:
    import docker

    from tests.engine.conftest import Site

pytestmark = pytest.mark.engine

# A line a process: its user namespace, whether seccomp filters it, its capabilities, and its command.
PROCESSES = r"""
for process in /proc/[0-9]*; do
    namespace=$(readlink $process/ns/user) || continue
    fields=$(grep -E '^(Seccomp|CapEff|CapPrm):' $process/status | tr -s '\n\t' '  ')
    echo "$namespace $fields $(tr '\0\n' '  ' < $process/cmdline)"
done
"""
HANG = "for p in /proc/[0-9]*; do grep -qs ^openclaw-gatewa $p/comm && kill -STOP ${p#/proc/}; done; true"


def test_the_browsers_renderers_are_sandboxed_and_no_process_has_a_capability(pair: Site) -> None:
    _start_browser(pair, "main")
    lines = pair.ok("exec", "--raw", "main", "bash", "-c", PROCESSES).out.splitlines()
    outside = next(line.split()[0] for line in lines if "openclaw-gateway" in line)
    renderers = [line for line in lines if "--type=renderer" in line]
    assert renderers
    assert all("Seccomp: 2" in line for line in renderers)
    assert all(line.split()[0] != outside for line in renderers)
    own = [line for line in lines if line.split()[0] == outside]
    assert all("CapPrm: 0000000000000000 CapEff: 0000000000000000" in line for line in own)


def test_a_client_on_the_host_opens_a_page_over_cdp_and_takes_a_picture_of_it(pair: Site) -> None:
    _start_browser(pair, "rescue")
    page = "data:text/html,<body style='background:rgb(0,128,0)'>hello"
    cdp = f"http://127.0.0.1:{pair.base + 20 + 11}"
    target = requests.put(f"{cdp}/json/new?{page}", timeout=10).json()
    # Chromium refuses pages of unknown origin, and this client is no page.
    client = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=30, suppress_origin=True)
    try:
        client.send(json.dumps({"id": 1, "method": "Page.captureScreenshot"}))
        answer = until("the picture", lambda: _answer(client, 1))
    finally:
        client.close()
    assert _first_pixel(base64.b64decode(answer["data"])) == (0, 128, 0)


def test_nothing_outside_mounts_and_scratch_can_be_written(pair: Site) -> None:
    refused = pair.run("exec", "--raw", "main", "bash", "-c", "touch /usr/x /etc/x /opt/x /x")
    assert refused.err.count("Read-only file system") == 4
    pair.ok("exec", "--raw", "main", "bash", "-c", "touch /tmp/x ~/x ~/workspace/x ~/.idlehands/x")


def test_a_killed_gateway_is_ready_again_without_a_wait_for_its_lease(site: Site) -> None:
    clean = site.ok("up", "main").seconds
    for _ in range(2):
        site.container("main").kill()
        site.container("main").remove()
        assert site.ok("up", "main").seconds <= 1.3 * clean + 2  # seconds for what else the machine does


def test_a_browser_starts_again_after_a_kill_with_its_data_intact(site: Site) -> None:
    site.ok("up", "main")
    _start_browser(site, "main")
    marker = site.config("main").parent / "browser" / "openclaw" / "user-data" / "Default" / "marker"
    marker.write_text("mine")
    site.container("main").kill()
    site.ok("up", "main")
    _start_browser(site, "main")
    assert marker.read_text() == "mine"


def test_a_hung_gateway_is_killed_and_ready_again_within_ninety_seconds(site: Site) -> None:
    site.ok("up", "main")
    site.ok("exec", "main", "health")  # in use for a moment, so that its watch has seen it answer
    hung = time.monotonic()
    site.ok("exec", "--raw", "main", "bash", "-c", HANG)
    until("the restart", lambda: site.container("main").attrs["RestartCount"] or None, 90)
    until("a ready gateway", lambda: True if _is_ready(site) else None, 60)
    assert time.monotonic() - hung <= 90
    assert b"the gateway gave no answer for 50 s: killing it" in site.container("main").logs()


def test_stop_now_does_not_wait_for_a_gateway_that_will_not_end(site: Site) -> None:
    site.ok("up", "main")
    site.ok("exec", "--raw", "main", "bash", "-c", HANG)
    assert site.ok("stop", "--now").seconds < 20
    assert site.state("main") == "stopped"


def test_without_user_namespaces_the_browser_runs_and_the_log_says_what_it_lacks(
    engine: docker.DockerClient, site: Site
) -> None:
    site.ok("add", "main")
    command = "idlehands-entrypoint idlehands gateway & chromium --headless --dump-dom data:text/html,hello"
    container: Any = engine.containers.run(
        IMAGE,
        ["-c", f"timeout 60 bash -c '{command}'"],
        entrypoint="bash",
        environment={"IDLEHANDS_GATEWAY_TOKEN": base64.b64encode(site.token("main").encode()).decode()},
        cap_drop=["ALL"],
        init=True,
        detach=True,
    )
    try:
        container.wait(timeout=90)
        output = container.logs().decode()
    finally:
        container.remove(force=True)
    assert "WARNING: user namespaces are forbidden here, so the browser runs WITHOUT its own sandbox" in output
    assert "hello</body>" in output


def _start_browser(site: Site, profile: str) -> None:
    answer = requests.post(
        f"http://127.0.0.1:{site.port(profile) + 2}/start",
        headers={"Authorization": f"Bearer {site.token(profile)}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text


def _answer(client: websocket.WebSocket, number: int) -> Any:
    message = json.loads(client.recv())
    return message["result"] if message.get("id") == number else None


def _first_pixel(png: bytes) -> tuple[int, ...]:
    """The top left pixel; the first of a picture's lines has no line before it that its filter could use."""
    assert png.startswith(b"\x89PNG")
    data, place = b"", 8
    while place < len(png):
        length = int.from_bytes(png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += length + 12
    return tuple(zlib.decompress(data)[1:4])


def _is_ready(site: Site) -> bool:
    try:
        return site.get(site.base, "/readyz").status_code == 200
    except requests.RequestException:
        return False
