"""One gateway that wastes time delays no other, and is told once."""

from __future__ import annotations

import threading
import time
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.gateway import probe as probing
from idlehands_deploy.gateway.probe import GatewayProbe
from idlehands_deploy.health import monitor as monitor_module
from idlehands_deploy.health import observe
from idlehands_deploy.health.monitor import Monitor, Pace
from idlehands_deploy.health.observe import SECONDS as LIMIT
from idlehands_deploy.health.observe import Observer
from idlehands_deploy.show import watch as watch_views
from idlehands_deploy.watch.ledger import Ledger
from idlehands_deploy.watch.page.follow import NoJournal
from tests.support.containers import RUNNING
from tests.support.engine import FakeEngine
from tests.support.helpers import fleet, session
from tests.support.hostile_answers import hostile, slow_header

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from idlehands_deploy.health.observe import Observation

FLEET = fleet("profiles: {main: , other: }")
SECONDS = 20
BROWSERS = [f"b{number}" for number in range(9)]


def ready(connection: socket.socket, _: bytes) -> None:
    body = b'{"ready": true, "status": "started"}'
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


class Watch:
    """A monitor of a gateway whose browsers drip, and of one that answers."""

    def __init__(self, here: Any, probes: dict[str, GatewayProbe], monkeypatch: pytest.MonkeyPatch) -> None:
        self.engine, self.stopped = FakeEngine(), threading.Event()
        for name in ("main", "other"):
            self.engine.becomes(RUNNING, name)
        self.rounds: dict[str, Queue[Observation]] = {name: Queue() for name in probes}
        self.entries: list[dict[str, Any]] = []
        self._ledger = Ledger(NoJournal(), None, self.entries.append)
        monkeypatch.setattr(type(here), "engine", lambda _: self.engine)
        monkeypatch.setattr(Observer, "probe", lambda _, profile, __: probes[profile])
        pace = Pace(unsettled=0.02, settled=0.02)
        monitor = Monitor(here, FLEET, plan_ports(FLEET), ["main", "other"], self._see, pace)
        self.thread = threading.Thread(target=monitor.run, args=(self.stopped,))
        self.thread.start()

    def _see(self, seen: Observation) -> None:
        self._ledger.see(seen)
        self.rounds[seen.verdict.profile].put(seen)

    def end(self) -> float:
        """End it; returns the seconds that this took."""
        began = time.monotonic()
        self.stopped.set()
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()
        return time.monotonic() - began


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watch]:
    monkeypatch.setattr(probing, "LIMIT", 0.5)
    monkeypatch.setattr(observe, "SECONDS", 3.6)
    monkeypatch.setattr(monitor_module, "RECONNECT", 0.01)
    with hostile(ready) as port, hostile(slow_header) as dripping:
        probes = {
            "main": GatewayProbe("127.0.0.1", port, None, dict.fromkeys(BROWSERS, dripping)),
            "other": GatewayProbe("127.0.0.1", port, None),
        }
        one = Watch(session(tmp_path), probes, monkeypatch)
        yield one
        one.stopped.set()
        one.thread.join(SECONDS)


def test_a_gateway_that_drips_delays_no_other_and_only_so_much_of_it_is_waited_for(watch: Watch) -> None:
    began = time.monotonic()
    seen = watch.rounds["main"].get(timeout=SECONDS)
    assert time.monotonic() - began < 6
    assert watch.rounds["other"].qsize() > 3
    assert set(seen.browsers.values()) == {"frozen"}
    asked = len(seen.browsers)
    assert 1 <= asked <= 7
    assert seen.unasked == (*(f"browser {name}" for name in BROWSERS[asked:]), "browser control")


def test_it_is_told_once_with_the_limit(watch: Watch) -> None:
    for _ in range(2):
        watch.rounds["main"].get(timeout=SECONDS)
    watch.end()
    (told,) = [entry for entry in watch.entries if entry["event"] == "overdue"]
    line = watch_views.line(told)
    assert f" main observation cut short: it used up the {LIMIT:g} s that one observation may take, so that " in line
    assert line.endswith(" not asked")


def test_a_new_version_of_the_fleet_file_does_not_wait_for_it(watch: Watch) -> None:
    """All observations end before the next begin."""
    watch.rounds["other"].get(timeout=SECONDS)
    assert watch.end() < 2
