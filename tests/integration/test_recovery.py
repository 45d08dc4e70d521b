"""A way back from every crash, and no mercy killing of a gateway that lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.site import start_browser
from tests.support.trials import signal_gateway

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
