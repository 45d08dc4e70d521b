"""A way back from every crash, and no mercy killing of a gateway that lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.site import start_browser, until
from tests.support.trials import GATEWAY, is_healthy, signal_gateway

if TYPE_CHECKING:
    from tests.support.site import Site

pytestmark = pytest.mark.engine


@pytest.mark.alone
@pytest.mark.full
def test_a_killed_gateway_is_ready_again_without_a_wait_for_its_lease(site: Site) -> None:
    clean = site.ok("up", "main").seconds
    for _ in range(2):
        site.container("main").kill()
        site.container("main").remove()
        assert site.ok("up", "main").seconds <= 1.3 * clean + 2  # seconds for what else the machine does


@pytest.mark.full
def test_a_browser_starts_again_after_a_kill_with_its_data_intact(site: Site) -> None:
    site.ok("up", "main")
    start_browser(site, "main")
    marker = site.config("main").parent / "browser" / "openclaw" / "user-data" / "Default" / "marker"
    marker.write_text("mine")
    site.container("main").kill()
    site.ok("up", "main")
    start_browser(site, "main")
    assert marker.read_text() == "mine"


@pytest.mark.full
def test_stop_now_does_not_wait_for_a_gateway_that_will_not_end(site: Site) -> None:
    site.ok("up", "main")
    signal_gateway(site, "STOP")
    assert site.ok("stop", "--now").seconds < 20
    assert site.state("main") == "stopped"


@pytest.mark.full
@pytest.mark.parametrize("moment", ["listening", "before"])
def test_a_gateway_that_freezes_in_its_start_is_started_again(site: Site, moment: str) -> None:
    # Longer than the start itself takes beside others.
    site.write("profiles: {main: {environment: {IDLEHANDS_START_TIMEOUT: '60'}}}\n")
    with site.begin("up", "main") as up:
        until("its process", lambda: _freeze(site, moment == "listening"), 150)
        until("the restart", lambda: site.container("main").attrs["RestartCount"] or None, 150)
        until("a healthy container", lambda: is_healthy(site), 150)
        up.communicate(timeout=120)
    assert "the gateway did not respond for 60 s after its start" in site.logs("main")


def _freeze(site: Site, listening: bool) -> bool | None:
    """Stop main's gateway as soon as it runs, or listens; None before that."""
    if not site.engine.containers.list(filters={"name": f"{site.name}-main-1"}):
        return None
    ready = f"cat /proc/net/tcp /proc/net/tcp6 | grep -q ':{site.base:04X} '" if listening else "true"
    code, _ = site.container("main").exec_run(["bash", "-c", f"{ready} && kill -STOP $({GATEWAY})"])
    return True if code == 0 else None
