"""An agent runs as its gateway's user: what it cannot do to what supervises the gateway."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.site import until
from tests.support.trials import is_healthy, signal_gateway

if TYPE_CHECKING:
    from tests.support.site import Site

pytestmark = pytest.mark.engine

# The entrypoint's children that run its own script: the watch and the forwarders' loops.
WATCHES = """
for process in /proc/[0-9]*; do
    grep -qs '^PPid:.1$' $process/status && grep -qs idlehands-entry $process/comm && echo ${process#/proc/}
done
"""
ORPHANS = "for i in 1 2 3 4 5; do (sh -c 'sleep 0.2 &' &); done; sleep 1; cat /proc/[0-9]*/stat"
AGAIN = "the watch of the gateway does not run any more: starting it again"


def inside(site: Site, script: str) -> str:
    return str(site.container("main").exec_run(["bash", "-c", script]).output.decode())


def restarts(site: Site) -> int:
    return int(site.container("main").attrs["RestartCount"])


def test_a_gateway_restarts_after_a_hang_although_its_agent_tried_to_stop_its_supervisor(site: Site) -> None:
    site.write("profiles: {main: {environment: {IDLEHANDS_HANG_TIMEOUT: '20', IDLEHANDS_START_TIMEOUT: '60'}}}\n")
    site.ok("up", "main")
    assert "idlehands-entrypoint" in inside(site, "tr '\\0' ' ' < /proc/1/cmdline")
    inside(site, "kill -STOP 1; kill -KILL 1; kill -KILL $(" + WATCHES + ")")
    until("a new watch", lambda: AGAIN in site.logs("main") or None)
    assert "Z" not in re.findall(r"\) (\w) ", inside(site, ORPHANS))
    assert re.search(r"^State:\s+S", inside(site, "cat /proc/1/status"), re.MULTILINE)
    assert site.state("main") == "ready"

    before = restarts(site)
    signal_gateway(site, "STOP")
    until("the restart", lambda: restarts(site) > before or None, 150)
    until("a healthy container", lambda: is_healthy(site), 150)
    assert site.ok("stop").seconds < 60


@pytest.mark.full
def test_a_watch_that_an_agent_has_stopped_is_replaced(site: Site) -> None:
    site.ok("up", "main")
    inside(site, "kill -STOP $(" + WATCHES + ")")
    until("a new watch", lambda: AGAIN in site.logs("main") or None, 90)
    assert site.state("main") == "ready"
