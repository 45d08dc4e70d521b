"""A gateway that has used up what its container may use says that it is ready; we do not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.site import until

if TYPE_CHECKING:
    from tests.support.site import Site

pytestmark = pytest.mark.engine

# Starts processes until it cannot, and keeps them.
TAKE_ALL = """
import os, time
while True:
    try:
        if not os.fork():
            time.sleep(600)
    except BlockingIOError:
        time.sleep(0.2)
"""


def test_a_gateway_that_can_start_no_process_is_degraded_until_it_is_restarted(
    pair: Site,
) -> None:
    limit = pair.container("main").attrs["HostConfig"]["PidsLimit"]
    pair.container("main").exec_run(["python3", "-c", TAKE_ALL], detach=True)
    full = rf"\d+ of {limit} processes and threads are in use"
    until("all processes", lambda: re.search(full, pair.run("status", "main").out))
    entry = pair.status("main")
    assert pair.get(pair.port("main"), "/readyz").status_code == 200
    assert (entry["state"], entry["failing"]) == ("degraded", ["processes"])
    assert re.fullmatch(full, entry["reason"])
    assert re.search(full, pair.run("doctor").out)
    assert pair.state("rescue") == "ready"

    command = entry["remedy"].split("   (")[0].split()
    assert command[1:] == ["restart", "main"]
    pair.ok(*command[1:], "--now")
    assert pair.state("main") == "ready"
