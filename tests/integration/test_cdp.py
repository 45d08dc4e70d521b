"""The ways into a browser from this host, by the programs that people use."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from contextlib import ExitStack
from pathlib import PurePath
from typing import TYPE_CHECKING

import pytest
import requests

from tests.support.site import IMAGE, start_browser, stop_browser

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.site import Site

pytestmark = pytest.mark.engine

PLAYWRIGHT = "/opt/gateway/lib/node_modules/openclaw/node_modules/playwright-core"
# Prints what each page shows, or why it does not.
CLIENTS = {
    "playwright": """
        const [library, address, ...urls] = process.argv.slice(1);
        const {chromium} = require(library);
        (async () => {
            const browser = await chromium.connectOverCDP(address);
            const context = await browser.newContext();
            const shown = {};
            for (const url of urls) {
                const page = await context.newPage();
                shown[url] = await page.goto(url).then(() => page.innerText("body"), (error) => String(error));
            }
            console.log(JSON.stringify(shown));
            await context.close();
            await browser.close();
        })();
    """,
    "puppeteer": """
        const [library, address, ...urls] = process.argv.slice(1);
        const puppeteer = require(library);
        (async () => {
            const browser = await puppeteer.connect({browserWSEndpoint: address});
            const shown = {};
            for (const url of urls) {
                const page = await browser.newPage();
                await page.goto(url);
                shown[url] = await page.$eval("body", (body) => body.innerText);
                await page.close();
            }
            console.log(JSON.stringify(shown));
            await browser.disconnect();
        })();
    """,
}
HELLO = "data:text/html,hello"
TOKEN_FILE = "file:///run/secrets/IDLEHANDS_GATEWAY_TOKEN"  # noqa: S105 - where it is


@pytest.fixture
def browsing(pair: Site) -> Iterator[Site]:
    """The pair, while the browser of main runs."""
    start_browser(pair, "main")
    yield pair
    stop_browser(pair)


def browse(client: str, site: Site, library: str, address: str, *urls: str) -> dict[str, str]:
    """What a client on this host is shown of each page."""
    at = PurePath(library)
    mounts = {} if at.is_relative_to("/opt") else {str(at.parent): {"bind": str(at.parent), "mode": "ro"}}
    shown: dict[str, str] = json.loads(
        site.engine.containers.run(
            IMAGE,
            ["-e", CLIENTS[client], library, address, *urls],
            entrypoint="node",
            network_mode="host",
            volumes=mounts,
            remove=True,
        )
    )
    return shown


def address_of(site: Site, profile: str) -> str:
    address = site.ok("url", "--cdp", profile).out.strip()
    assert address == f"ws://127.0.0.1:{site.port(profile) + 11}/?token={site.cdp_token(profile)}"
    return address


def test_the_cdp_port_asks_for_a_token_that_is_not_the_gateway_s(browsing: Site) -> None:
    port = browsing.base + 11
    for token in (None, browsing.token("main"), browsing.cdp_token("rescue")):
        assert browsing.get(port, "/json/version", token).status_code == 401
    assert browsing.get(port, "/json/version", browsing.cdp_token("main")).status_code == 200


def test_nothing_but_the_forwarder_has_the_token(pair: Site) -> None:
    """Not that it would help against the gateway's user, whose file it is; but its agents print their environment."""
    others = "for each in /proc/[0-9]*; do grep -qs forwarder $each/cmdline || cat $each/environ; done"
    seen = f"cat /proc/[0-9]*/cmdline; {others}"
    found = pair.container("main").exec_run(["sh", "-c", seen]).output
    assert b"forwarder.py" in found
    assert b"OPENCLAW_GATEWAY_PORT" in found
    assert pair.cdp_token("main").encode() not in found
    assert pair.cdp_token("main") not in json.dumps(pair.container("main").attrs)


def test_playwright_connects_to_the_address_that_url_prints_and_reads_no_file_through_it(browsing: Site) -> None:
    local = [TOKEN_FILE, "view-source:file:///etc/passwd", "chrome://version"]
    shown = browse("playwright", browsing, PLAYWRIGHT, address_of(browsing, "main"), HELLO, *local)
    assert shown[HELLO] == "hello"
    assert all("net::ERR_BLOCKED_BY_ADMINISTRATOR" in shown[url] for url in local)


@pytest.mark.full
@pytest.mark.skipif(shutil.which("npm") is None, reason="Puppeteer comes by npm")
def test_puppeteer_connects_to_the_address_that_url_prints(browsing: Site, tmp_path: Path) -> None:
    subprocess.run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "puppeteer-core"], cwd=tmp_path, check=True
    )
    library = tmp_path / "node_modules" / "puppeteer-core"
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    assert browse("puppeteer", browsing, str(library), address_of(browsing, "main"), HELLO) == {HELLO: "hello"}


@pytest.mark.full
def test_a_gateway_s_own_cdp_url_may_hold_the_token(pair: Site) -> None:
    networks = pair.container("main").attrs["NetworkSettings"]["Networks"]
    inside = networks[f"{pair.name}_main"]["IPAddress"]
    address = address_of(pair, "main").replace("127.0.0.1", inside)
    headers = {"Authorization": f"Bearer {pair.token('main')}"}
    control = f"http://127.0.0.1:{pair.base + 2}"
    pair.ok("config", "set", "main", "browser.ssrfPolicy.dangerouslyAllowPrivateNetwork", "true")
    pair.ok("config", "set", "main", "browser.profiles.again.cdpUrl", address)
    try:
        # A change of the config ends it.
        start_browser(pair, "main")
        started = requests.post(f"{control}/start?profile=again", headers=headers, timeout=60)
        assert started.status_code == 200, started.text
        assert requests.get(f"{control}/tabs?profile=again", headers=headers, timeout=60).json()["running"] is True
    finally:
        stop_browser(pair)
        pair.ok("config", "unset", "main", "browser.profiles.again")
        pair.ok("config", "unset", "main", "browser.ssrfPolicy")


def test_connections_that_say_nothing_leave_a_gateway_ready(browsing: Site) -> None:
    with ExitStack() as idle:
        for port in (browsing.base + 2, browsing.base + 11):
            for _ in range(100):
                idle.enter_context(socket.create_connection(("127.0.0.1", port)))
        found = browsing.status("main")
        assert (found["state"], found["control"], found["browsers"]) == ("ready", "answers", {"openclaw": "running"})


@pytest.mark.full
def test_an_open_port_and_local_pages_are_there_for_who_wants_them(site: Site) -> None:
    site.write("profiles: {main: {publish: {cdp: open}, browser: {local_pages: true}}}\n")
    told = site.ok("up").err
    assert "profiles.main.publish.cdp: is open: CDP asks for no token" in told
    start_browser(site, "main")
    address = site.ok("url", "--cdp", "main").out.strip()
    assert address == f"ws://127.0.0.1:{site.base + 11}/"
    shown = browse("playwright", site, PLAYWRIGHT, f"http://127.0.0.1:{site.base + 11}", TOKEN_FILE)
    assert shown[TOKEN_FILE].strip() == site.token("main")
