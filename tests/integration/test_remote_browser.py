"""A Chrome that is not the gateway's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.support.site import IMAGE, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.site import Site

pytestmark = pytest.mark.engine

# As on any machine with a Chrome: it listens on loopback, and something lets the others in.
CHROME = """
chromium --headless=new --remote-debugging-port=9222 --user-data-dir=/tmp/chrome about:blank &
exec socat TCP-LISTEN:9333,fork,reuseaddr TCP:127.0.0.1:9222
"""


@pytest.fixture
def far(site: Site) -> Iterator[tuple[Site, str]]:
    """A site that is made and not yet up, and the address of a Chrome on its network."""
    site.write("profiles: {main: {browser: {profiles: {office: {cdp_url: 'http://host.docker.internal:9333'}}}}}\n")
    site.ok("generate")
    site.compose("create", "main")
    chrome: Any = site.engine.containers.run(
        IMAGE, ["-c", CHROME], entrypoint="bash", detach=True, network=f"{site.name}_main", init=True,
        security_opt=[f"seccomp={(site.root / 'seccomp.json').read_text()}"], cap_drop=["ALL"],
        tmpfs={"/tmp": "exec"},  # noqa: S108 - the container's
    )  # fmt: skip
    try:
        listens = ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9222"]
        until("Chrome", lambda: chrome.exec_run(listens).exit_code == 0 or None)
        chrome.reload()
        yield site, chrome.attrs["NetworkSettings"]["Networks"][f"{site.name}_main"]["IPAddress"]
    finally:
        chrome.remove(force=True, v=True)


@pytest.mark.full
def test_a_new_gateway_drives_the_chrome_that_the_fleet_file_names(far: tuple[Site, str]) -> None:
    site, address = far
    # Stands in for the host, on whose own addresses a test has nothing to open.
    fleet = site.root / "fleet.yaml"
    fleet.write_text(
        fleet.read_text().replace("main: {", f"main: {{environment: {{HOST_GATEWAY_ADDRESS: {address}}}, ")
    )
    site.ok("up")
    headers = {"Authorization": f"Bearer {site.token('main')}"}
    control = f"http://127.0.0.1:{site.base + 2}"
    started = requests.post(f"{control}/start?profile=office", headers=headers, timeout=60)
    assert started.status_code == 200, started.text
    tabs = requests.get(f"{control}/tabs?profile=office", headers=headers, timeout=60).json()
    assert tabs["running"] is True
    assert "about:blank" in [tab["url"] for tab in tabs["tabs"]]
    assert [item for item in site.run("doctor", "--json").json["findings"] if item["level"] != "note"] == []


def test_a_container_knows_its_host_by_name_and_the_gateway_by_address(pair: Site) -> None:
    hosts = pair.ok("exec", "--raw", "main", "getent", "hosts", "host.docker.internal").out.split()
    known = pair.container("main").exec_run(
        ["bash", "-c", "tr '\\0' '\\n' < /proc/$(pgrep -o openclaw-gatewa)/environ"]
    )
    assert f"HOST_GATEWAY_ADDRESS={hosts[0]}" in known.output.decode().splitlines()
