"""What the page costs beside a watch of eight gateways, with two readers: doubles, since eight are too many here."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil

from idlehands_deploy.deployment.directory import Deployment
from idlehands_deploy.doctor.examine import Diagnosis
from idlehands_deploy.engine.usage import Usage
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.health.observe import Observation
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.operations.watch import PageSource
from idlehands_deploy.redaction.repeated import RepeatedRedaction
from idlehands_deploy.watch.page.overview import Overview, Watched
from idlehands_deploy.web.server import served
from tests.support.containers import RUNNING
from tests.support.helpers import fleet
from tests.support.pages import Page
from tests.support.site import measure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROFILES = [f"bot{number}" for number in range(8)]
# The watch probes each ready gateway so often; seconds.
PACE = 8
SECONDS = 40
READER = """
import sys, urllib.request
link, cookie = sys.argv[1:]
for line in urllib.request.urlopen(urllib.request.Request(link, headers={"Cookie": cookie})):
    pass
"""


@measure
def test_two_open_pages_of_eight_gateways_cost_a_hundredth_of_a_core_and_15_mb(tmp_path: Path) -> None:
    text = "name: bots\nprofiles:\n" + "".join(f"  {name}: {{}}\n" for name in PROFILES)
    (tmp_path / "fleet.yaml").write_text(text)
    deployment = Deployment(tmp_path)
    overview = Overview(deployment.journal_file, is_own=True)
    overview.begin(Watched(fleet(text), plan_ports(fleet(text)), PROFILES))
    source = PageSource(overview, RepeatedRedaction(deployment), tmp_path, lambda: Diagnosis(8))
    before = psutil.Process().memory_info().rss
    with served(source, "127.0.0.1", 0, "--dashboard") as link:
        page = Page(link, source).enter()
        readers = [
            subprocess.Popen([sys.executable, "-c", READER, f"http://127.0.0.1:{page.port}/fleet/stream", page.cookie])
            for _ in range(2)
        ]
        try:
            look_at_all(overview, 5)
            spent, began = time.process_time(), time.monotonic()
            look_at_all(overview, SECONDS)
            share = (time.process_time() - spent) / (time.monotonic() - began)
            grown = psutil.Process().memory_info().rss - before
        finally:
            for reader in readers:
                reader.kill()
                reader.wait()
    print(f"{share:.2%} of a core, {grown / 1e6:.1f} MB")  # noqa: T201
    assert share <= 0.01
    assert grown <= 15e6


def look_at_all(overview: Overview, seconds: float) -> None:
    """See each gateway as often as a watch does."""
    for number, name in enumerate(endless()):
        if number >= seconds * len(PROFILES) / PACE:
            return
        usage = Usage(800 << 20, 0.02, time.monotonic() / 50)
        overview.see(Observation(Verdict(name, "ready"), replace(RUNNING, profile=name), usage=usage))
        time.sleep(PACE / len(PROFILES))


def endless() -> Iterator[str]:
    while True:
        yield from PROFILES
