"""What a container of ours promises about the browser in it, and about what can be written."""

from __future__ import annotations

import base64
import json
import secrets
import zlib
from typing import TYPE_CHECKING, Any

import pytest
import requests
import websocket

from tests.support.site import IMAGE, root_only, start_browser, until

if TYPE_CHECKING:
    import docker

    from tests.support.site import Site

pytestmark = pytest.mark.engine

# A line a process: its user namespace, whether seccomp filters it, its capabilities, and its command.
PROCESSES = r"""
for process in /proc/[0-9]*; do
    namespace=$(readlink $process/ns/user) || continue
    fields=$(grep -E '^(Seccomp|CapEff|CapPrm):' $process/status | tr -s '\n\t' '  ')
    echo "$namespace $fields $(tr '\0\n' '  ' < $process/cmdline)"
done
"""


USE_TOOLS = """
for tool in node npm ssh unzip; do command -v $tool > /dev/null || echo no $tool; done
git init -q /tmp/a && cd /tmp/a && echo '{"x": 1}' > f && git add f
git -c user.name=a -c user.email=a@b commit -qm one && git clone -q . ../b && jq .x ../b/f
python3 -c 'import json, sqlite3, ssl, venv' && rg -c x f && curl -V > v
"""
# Draws each character, and one that no font has; what looks like that one, or like its neighbour, is a box.
GLYPHS = """
<meta charset=utf-8><body><script>
const drawn = text => {
  const canvas = document.createElement("canvas"), context = canvas.getContext("2d")
  context.font = "30px sans-serif"
  context.fillText(text, 4, 40)
  return canvas.toDataURL()
}
const characters = [...CHARACTERS], pictures = characters.map(drawn), box = drawn("\\u{F0000}")
document.body.textContent = characters.filter((_, i) => pictures[i] === box || pictures[i] === pictures[i ^ 1]).join("")
  || "every one is drawn"
</script>
"""


def test_pages_in_chinese_japanese_korean_and_with_emoji_show_no_boxes(engine: docker.DockerClient) -> None:
    page = GLYPHS.replace(
        "CHARACTERS", json.dumps("\u6f22\u5b57\u306a\u30c4\ud55c\uae00\u0416\u03a9\U0001f600\U0001f680")
    )
    address = f"data:text/html;base64,{base64.b64encode(page.encode()).decode()}"
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=/tmp/b", "--dump-dom"]
    shown = engine.containers.run(IMAGE, ["chromium", *flags, address], network_mode="none", remove=True)
    assert "<body>every one is drawn\n</body>" in shown.decode()


def test_what_agents_call_most_is_in_the_image_and_runs_without_a_network(engine: docker.DockerClient) -> None:
    said = engine.containers.run(IMAGE, ["bash", "-c", USE_TOOLS], network_mode="none", remove=True)
    assert said.decode().split() == ["1", "1"]


def test_when_memory_runs_out_pages_are_ended_before_the_gateway(pair: Site) -> None:
    start_browser(pair, "main")
    script = "for p in /proc/[0-9]*; do echo $(cat $p/oom_score_adj) $(tr '\\0\\n' '  ' < $p/cmdline); done"
    lines = pair.ok("exec", "--raw", "main", "bash", "-c", script).out.splitlines()
    gateway = [int(line.split()[0]) for line in lines if line.endswith("openclaw-gateway")]
    pages = [int(line.split()[0]) for line in lines if "--type=renderer" in line]
    assert gateway == [0]
    assert pages
    assert min(pages) >= 300


def test_the_browsers_renderers_are_sandboxed_and_no_process_has_a_capability(pair: Site) -> None:
    start_browser(pair, "main")
    lines = pair.ok("exec", "--raw", "main", "bash", "-c", PROCESSES).out.splitlines()
    outside = next(line.split()[0] for line in lines if "openclaw-gateway" in line)
    renderers = [line for line in lines if "--type=renderer" in line]
    assert renderers
    assert all("Seccomp: 2" in line for line in renderers)
    assert all(line.split()[0] != outside for line in renderers)
    own = [line for line in lines if line.split()[0] == outside]
    assert all("CapPrm: 0000000000000000 CapEff: 0000000000000000" in line for line in own)


@pytest.mark.full
def test_with_the_sandbox_off_the_browser_runs_without_it_and_up_warns(site: Site) -> None:
    site.write("profiles: {main: {browser: {sandbox: off}}}\n")
    assert "  Warning: the browser runs WITHOUT its own sandbox, as configured" in site.ok("up").out
    start_browser(site, "main")
    lines = site.ok("exec", "--raw", "main", "bash", "-c", PROCESSES).out.splitlines()
    renderers = [line for line in lines if "--type=renderer" in line]
    assert renderers
    assert all("--no-sandbox" in line for line in renderers)


def test_a_client_on_the_host_opens_a_page_over_cdp_and_takes_a_picture_of_it(pair: Site) -> None:
    start_browser(pair, "rescue")
    page = "data:text/html,<body style='background:rgb(0,128,0)'>hello"
    cdp = f"http://127.0.0.1:{pair.base + 20 + 11}"
    target = requests.put(f"{cdp}/json/new?token={pair.cdp_token('rescue')}&{page}", timeout=10).json()
    # Chromium refuses pages of unknown origin, and this client is no page.
    client = websocket.create_connection(target["webSocketDebuggerUrl"], timeout=30, suppress_origin=True)
    try:
        client.send(json.dumps({"id": 1, "method": "Page.captureScreenshot"}))
        answer = until("the picture", lambda: _answer(client, 1))
    finally:
        client.close()
    assert _first_pixel(base64.b64decode(answer["data"])) == (0, 128, 0)


@root_only
@pytest.mark.full
def test_a_gateway_runs_as_the_user_that_its_profile_names(site: Site) -> None:
    site.write("profiles: {main: {environment: {PUID: '4321', PGID: '4322'}}}\n")
    site.ok("up")
    start_browser(site, "main")
    assert site.ok("exec", "--raw", "main", "id", "--user").out == "4321\n"
    assert site.config("main").stat().st_uid == 4321


def test_nothing_outside_mounts_and_scratch_can_be_written(pair: Site) -> None:
    refused = pair.run("exec", "--raw", "main", "bash", "-c", "touch /usr/x /etc/x /opt/x /x")
    assert refused.err.count("Read-only file system") == 4
    pair.ok("exec", "--raw", "main", "bash", "-c", "touch /tmp/x ~/x ~/workspace/x ~/.idlehands/x")


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


# The documentation's commands for two gateways on one host, under our names.
BY_HAND = """
idlehands --profile rescue onboard --non-interactive --accept-risk --mode local --auth-choice skip \\
    --gateway-port 19789 --skip-health --skip-daemon
echo '{gateway: {mode: "local"}}' > ~/.idlehands/main.json

IDLEHANDS_CONFIG_PATH=~/.idlehands/main.json \\
IDLEHANDS_STATE_DIR=~/.idlehands-main \\
idlehands gateway --port 18789 &

idlehands --profile rescue gateway --port 19789 &

for port in 18789 19789; do
    until IDLEHANDS_GATEWAY_PORT=$port idlehands-healthcheck; do sleep 0.5; done
done
ls -d ~/.idlehands-rescue/idlehands.json ~/.idlehands-main/state
"""


@pytest.mark.full
def test_the_documentation_s_manual_example_works_in_the_image(engine: docker.DockerClient) -> None:
    environ = {"IDLEHANDS_GATEWAY_TOKEN": secrets.token_hex(32)}
    container: Any = engine.containers.run(
        IMAGE, ["-ec", BY_HAND], entrypoint="bash", environment=environ, init=True, detach=True
    )
    try:
        assert container.wait(timeout=240)["StatusCode"] == 0, container.logs().decode()
        output = container.logs().decode()
    finally:
        container.remove(force=True)
    assert output.count('"status":"started"') == 2
    assert "/home/idlehands/.idlehands-rescue/idlehands.json\n" in output


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
