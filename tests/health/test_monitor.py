from __future__ import annotations

import threading
from dataclasses import replace
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.errors import EngineFailedError, EngineUnreachableError
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.health import monitor as monitor_module
from idlehands_deploy.health.monitor import Monitor
from idlehands_deploy.health.observe import Observation
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.operations import status
from idlehands_deploy.operations.status import StatusReport
from idlehands_deploy.show import status as status_views
from tests.support.containers import RUNNING
from tests.support.engine import PATIENT, FakeEngine
from tests.support.helpers import fleet, session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


FLEET = fleet("profiles: {main: }")
SECONDS = 10


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FakeEngine, list[Any], Queue[Any]]]:
    """An engine, the results of looking for one in turn (the last one repeated), and the verdicts of a monitor."""
    monkeypatch.setattr(monitor_module, "RECONNECT", 0.01)
    engine, stopped, seen = FakeEngine(), threading.Event(), Queue[Any]()
    found: list[Any] = [engine]

    def look_for_engine(*_: object) -> FakeEngine:
        next_found = found.pop(0) if len(found) > 1 else found[0]
        if isinstance(next_found, Exception):
            raise next_found
        return next_found  # type: ignore[no-any-return]

    here = session(tmp_path)
    monkeypatch.setattr(type(here), "engine", look_for_engine)
    monitor = Monitor(here, FLEET, plan_ports(FLEET), ["main"], lambda item: seen.put(item.verdict.state), PATIENT)
    thread = threading.Thread(target=monitor.run, args=(stopped,))
    thread.start()
    yield engine, found, seen
    stopped.set()
    thread.join(SECONDS)
    assert not thread.is_alive()


def test_a_container_is_looked_at_again_as_soon_as_an_event_names_it(
    watched: tuple[FakeEngine, list[Any], Queue[Any]],
) -> None:
    engine, _, seen = watched
    assert seen.get(timeout=SECONDS) == "stopped"
    engine.becomes(None)
    engine.on_change("main")
    assert seen.get(timeout=SECONDS) == "missing"
    engine.becomes(replace(RUNNING, state="paused"))
    engine.on_change("main")
    assert seen.get(timeout=SECONDS) == "paused"


def test_the_engine_is_not_asked_again_without_an_event(
    watched: tuple[FakeEngine, list[Any], Queue[Any]],
) -> None:
    engine, _, seen = watched
    assert seen.get(timeout=SECONDS) == "stopped"
    engine.on_change("another")
    engine.on_change("main")
    assert seen.get(timeout=SECONDS) == "stopped"
    # All of them when it was found, and main's after each event.
    assert engine.calls["containers"] == 3


def test_gateways_are_unknown_while_the_engine_does_not_respond(
    watched: tuple[FakeEngine, list[Any], Queue[Any]],
) -> None:
    engine, found, seen = watched
    assert seen.get(timeout=SECONDS) == "stopped"
    found[:] = [EngineUnreachableError("No Docker Engine answers.", "Start it."), engine]
    engine.on_lost()
    assert seen.get(timeout=SECONDS) == "unknown"
    assert seen.get(timeout=SECONDS) == "stopped"


def test_a_failed_request_to_the_engine_leaves_no_gateway_unobserved(
    watched: tuple[FakeEngine, list[Any], Queue[Any]],
) -> None:
    engine, _, seen = watched
    assert seen.get(timeout=SECONDS) == "stopped"
    engine.failures.append(EngineFailedError("Docker could not do it.", "Try again."))
    engine.on_change("main")
    assert seen.get(timeout=SECONDS) == "unknown"
    assert seen.get(timeout=SECONDS) == "stopped"


def test_what_is_known_of_a_run_is_not_reported_for_the_next() -> None:
    old = Observation(Verdict("main", "ready"), RUNNING)
    report = StatusReport("x", [old], {}, [], is_stale=False, drift={"main": "runs an older build"})
    assert status._with(report, old).drift == {"main": "runs an older build"}
    new = replace(old, facts=replace(RUNNING, id="another"))
    assert (status._with(report, new).drift, status._with(report, new).seen) == ({}, [new])


def test_a_change_is_one_line_with_its_time() -> None:
    hung = Observation(Verdict("main", "hung", "accepts connections but never responds"), RUNNING)
    assert status_views.change_line(hung, 1767225600.9) == (
        "2026-01-01T00:00:00Z main hung: accepts connections but never responds"
    )
    assert (
        status_views.change_line(Observation(Verdict("main", "ready"), RUNNING), 0) == "1970-01-01T00:00:00Z main ready"
    )
