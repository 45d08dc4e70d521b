"""A watch from its first entry to its last, with an engine whose events the test sends."""

from __future__ import annotations

import json
import threading
import time
from contextlib import closing
from dataclasses import replace
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.contract import CONFIG_NAME
from idlehands_deploy.errors import EngineFailedError, FleetError, UsageError
from idlehands_deploy.health import observe as observing
from idlehands_deploy.health.monitor import Monitor
from idlehands_deploy.health.observe import Observation
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.planning.draft import make_draft
from idlehands_deploy.watch import loop
from idlehands_deploy.watch.journal import Journal, read_journal
from idlehands_deploy.watch.ledger import Ledger
from idlehands_deploy.watch.loop import WatchOptions, watch
from idlehands_deploy.watch.metrics import Metrics
from idlehands_deploy.watch.policy import Policy
from idlehands_deploy.watch.timeline import Timeline
from tests.support.containers import ENDED, RUNNING
from tests.support.engine import PATIENT, FakeCompose, FakeEngine, with_fakes
from tests.support.helpers import session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from idlehands_deploy.deployment.session import Session
    from idlehands_deploy.engine.facts import ContainerFacts
    from idlehands_deploy.health.verdict import State

SECONDS = 20


class Watched:
    """A running watch."""

    def __init__(self, here: Session, engine: FakeEngine, compose: FakeCompose) -> None:
        self.here, self.engine, self.compose = here, engine, compose
        self.entries: Queue[dict[str, Any]] = Queue()
        self.stopped = threading.Event()
        self.failure: BaseException | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            watch(self.here, WatchOptions([], None, self.entries.put, self.stopped))
        except BaseException as error:  # noqa: BLE001 - the test asks for it
            self.failure = error

    def next(self, event: str) -> dict[str, Any]:
        """The next entry, which must be of this kind."""
        entry = self.entries.get(timeout=SECONDS)
        assert entry["event"] == event, entry
        return entry

    def has_begun(self) -> None:
        """Read its first entries: that it has started, and the state of main."""
        self.next("watching")
        self.next("state")

    def becomes(self, facts: ContainerFacts | None, name: str = "main") -> None:
        self.engine.becomes(facts, name)
        self.engine.on_change(name)

    def end(self) -> None:
        self.stopped.set()
        self.thread.join(SECONDS)
        assert not self.thread.is_alive()


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Watched]]:
    """Starts a watch with this text at the end of the fleet file; the engine has one stopped container."""
    monkeypatch.setattr(loop, "PACE", PATIENT)
    monkeypatch.setattr(loop, "TICK", 0.02)
    engine, made = FakeEngine(), list[Watched]()
    here, compose = session(tmp_path), with_fakes(monkeypatch, engine)

    def begin(more: str = "") -> Watched:
        (tmp_path / "fleet.yaml").write_text(f"profiles: {{main: }}\n{more}")
        made.append(Watched(here, engine, compose))
        made[-1].thread.start()
        return made[-1]

    yield begin
    for one in made:
        one.end()


def looks_like(monkeypatch: pytest.MonkeyPatch, verdicts: dict[str, State], failing: tuple[str, ...] = ()) -> None:
    """Give verdicts by Docker's state, without a gateway to ask."""

    def look(_: object, profile: str, facts: ContainerFacts | None, **__: object) -> Observation:
        state = verdicts[facts.state] if facts else "missing"
        return Observation(Verdict(profile, state, "why", failing if state == "degraded" else ()), facts)

    monkeypatch.setattr(observing.Observer, "look", look)


def test_the_first_state_and_every_change_are_written_with_their_evidence(
    deployment: Callable[[str], Watched], tmp_path: Path
) -> None:
    run = deployment("")
    assert run.next("watching")["profiles"] == ["main"]
    first = run.next("state")
    assert (first["state"], first["usable"], first["evidence"]["exit_code"]) == ("stopped", False, ENDED.exit_code)
    assert "before" not in first
    run.becomes(replace(RUNNING, state="paused"))
    second = run.next("state")
    assert (second["state"], second["before"], second["lasted"] >= 0) == ("paused", "stopped", True)
    run.end()
    run.next("ended")
    events = [entry["event"] for entry in read_journal(tmp_path / "watch" / "journal.jsonl").entries]
    assert events == ["watching", "state", "state", "ended"]


def test_a_hung_gateway_is_restarted_without_a_grace_period_when_patience_ends(
    deployment: Callable[[str], Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks_like(monkeypatch, {"exited": "ready", "running": "hung"})
    run = deployment("watch: {patience: 0s}\n")
    run.has_begun()
    run.becomes(RUNNING)
    assert run.next("state")["state"] == "hung"
    assert (run.next("treating")["attempt"], run.compose.asked.get(timeout=SECONDS)) == (1, "restart --timeout 5 main")
    assert run.next("treated")["cure"] == "restart"


def test_a_gateway_with_a_frozen_browser_may_finish_its_work_first(
    deployment: Callable[[str], Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks_like(monkeypatch, {"exited": "ready", "running": "degraded"}, ("browser",))
    run = deployment("watch: {patience: 0s}\n")
    run.has_begun()
    state = run.here.deployment.state_directory("main")
    state.mkdir(parents=True, exist_ok=True)
    (state / CONFIG_NAME).write_text('{"gateway": {"mode": "local"}}')
    run.becomes(RUNNING)
    assert run.compose.asked.get(timeout=SECONDS) == "restart main"


def test_an_unreachable_gateway_gets_a_new_container(
    deployment: Callable[[str], Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks_like(monkeypatch, {"exited": "ready", "running": "unreachable"})
    run = deployment("watch: {patience: 0s}\n")
    run.has_begun()
    run.here.deployment.compose_file.write_text(make_draft(run.here, run.here.fleet_text()).compose_text)
    run.becomes(RUNNING)
    assert run.compose.asked.get(timeout=SECONDS) == "up --detach --no-build --pull never --force-recreate main"


def test_no_container_is_made_from_a_compose_file_that_does_not_match_the_fleet_file(
    deployment: Callable[[str], Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks_like(monkeypatch, {"exited": "ready", "running": "unreachable"})
    run = deployment("watch: {patience: 0s}\n")
    run.has_begun()
    run.here.deployment.compose_file.write_text("services: {main: {privileged: true}}\n")
    run.becomes(RUNNING)
    run.next("state")
    run.next("treating")
    assert "was changed since compose.yaml was generated" in run.next("treatment-failed")["reason"]
    assert run.compose.asked.empty()


def test_a_restart_that_fails_is_written_and_the_watch_goes_on(
    deployment: Callable[[str], Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks_like(monkeypatch, {"exited": "ready", "running": "hung", "paused": "ready"})
    monkeypatch.setattr(FakeCompose, "failure", EngineFailedError("Compose could not do it.", "Fix it."))
    run = deployment("watch: {patience: 0s}\n")
    run.has_begun()
    run.becomes(RUNNING)
    run.next("state")
    run.next("treating")
    assert run.next("treatment-failed")["reason"] == "Compose could not do it."
    run.becomes(replace(RUNNING, state="paused"))
    assert run.next("state")["state"] == "ready"


def test_a_gateway_that_a_person_is_stopping_is_not_restarted(
    deployment: Callable[[str], Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks_like(monkeypatch, {"exited": "ready", "running": "hung"})
    run = deployment("watch: {patience: 0s}\n")
    run.engine.is_stopping = True
    run.has_begun()
    run.becomes(RUNNING)
    assert run.next("state")["state"] == "hung"
    assert run.next("spared")["reason"] == "it is being stopped"
    assert run.compose.asked.empty()


def test_nothing_is_restarted_where_the_fleet_file_says_so(
    deployment: Callable[[str], Watched], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks_like(monkeypatch, {"exited": "hung", "running": "ready"})
    run = deployment("watch: {patience: 0s, restart: false}\n")
    run.has_begun()
    run.becomes(RUNNING)
    assert run.next("state")["state"] == "ready"
    assert run.compose.asked.empty()


def test_the_watch_follows_an_edit_of_the_fleet_file(deployment: Callable[[str], Watched], tmp_path: Path) -> None:
    run = deployment("")
    run.has_begun()
    (tmp_path / "fleet.yaml").write_text("profiles: {main: , rescue: {port: 19789}}\n")
    assert run.next("fleet-read")["profiles"] == ["main", "rescue"]
    # Main's state has not changed, so it is not written again.
    assert run.next("state")["profile"] == "rescue"
    (tmp_path / "fleet.yaml").write_text("profiles: {main: }\n")
    run.next("fleet-read")
    assert run.next("left")["profile"] == "rescue"


def test_a_wrong_fleet_file_is_reported_once_and_the_last_valid_one_stays_in_use(
    deployment: Callable[[str], Watched], tmp_path: Path
) -> None:
    run = deployment("")
    run.has_begun()
    (tmp_path / "fleet.yaml").write_text("profiles: {main: {prot: 1}}\n")
    assert "did you mean port?" in run.next("fleet-refused")["reason"]
    run.becomes(replace(RUNNING, state="paused"))
    assert run.next("state")["state"] == "paused"


def test_the_watch_follows_an_edit_made_while_it_reads_the_last_one(
    deployment: Callable[[str], Watched], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, before = tmp_path / "fleet.yaml", Monitor.run

    def slow(monitor: Monitor, stopped: threading.Event) -> None:
        before(monitor, stopped)
        if "b:" not in file.read_text() and not asked.stopped.is_set():
            file.write_text("profiles: {main: , a: {port: 19789}, b: {port: 20789}}\n")

    monkeypatch.setattr(Monitor, "run", slow)
    run = asked = deployment("")
    run.has_begun()
    file.write_text("profiles: {main: , a: {port: 19789}}\n")
    assert run.next("fleet-read")["profiles"] == ["main", "a"]
    while (entry := run.entries.get(timeout=SECONDS))["event"] != "fleet-read":
        pass
    assert entry["profiles"] == ["main", "a", "b"]


def test_a_recovery_is_reported_also_after_an_edit_of_the_fleet_file(
    deployment: Callable[[str], Watched], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(loop, "Policy", lambda **more: Policy(**more | {"settle": 0}))
    looks_like(monkeypatch, {"exited": "failed", "running": "ready"})
    more = 'watch: {notify: {command: [sh, -c, "cat >> events.json; echo >> events.json"]}}\n'
    run = deployment(more)
    run.has_begun()
    (tmp_path / "fleet.yaml").write_text(f"profiles: {{main: , rescue: {{port: 19789}}}}\n{more}")
    run.next("fleet-read")
    assert run.next("state")["profile"] == "rescue"
    run.becomes(RUNNING)
    assert run.next("state")["state"] == "ready"
    run.end()
    events = [
        event for text in (tmp_path / "events.json").read_text().splitlines() for event in json.loads(text)["events"]
    ]
    assert [event["kind"] for event in events if event["profile"] == "main"] == ["problem", "recovered"]


def test_time_is_counted_also_while_nothing_happens(tmp_path: Path) -> None:
    metrics = Metrics("bots")
    with closing(Journal(tmp_path / "watch" / "journal.jsonl")) as journal:
        ledger = Ledger(journal, metrics, lambda _: None)
        ledger.see(Observation(Verdict("main", "stopped"), ENDED))
        ledger.tick()
    labels = {"project": "bots", "profile": "main"}
    counted = metrics.registry.get_sample_value("idlehands_gateway_watched_seconds_total", labels)
    assert counted is not None
    assert counted > 0


def test_an_unchanged_state_is_still_known_after_the_oldest_file_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "watch" / "journal.jsonl"
    with closing(Journal(path, largest=2000)) as journal:
        ledger = Ledger(journal, None, lambda _: None)
        ledger.see(Observation(Verdict("main", "ready"), RUNNING))
        for number in range(200):
            ledger.see(Observation(Verdict("rescue", "starting" if number % 2 else "stopped"), ENDED))
    found = Timeline.of(read_journal(path).entries).availability("main", 0, time.time())
    assert found.watched == found.ready > 0


def test_a_second_watch_of_the_same_deployment_is_refused(deployment: Callable[[str], Watched]) -> None:
    first = deployment("")
    first.next("watching")
    second = deployment("")
    second.thread.join(SECONDS)
    assert isinstance(second.failure, UsageError)
    assert "Another watch is running" in second.failure.what
    first.next("state")


def test_a_lasting_problem_is_sent_to_the_command_in_the_fleet_file(
    deployment: Callable[[str], Watched], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tmp_path.chmod(0o755)
    monkeypatch.setattr(loop, "Policy", lambda **more: Policy(**more | {"settle": 0}))
    looks_like(monkeypatch, {"exited": "failed"})
    run = deployment('watch: {notify: {command: [sh, -c, "cat > events.json"]}}\n')
    run.has_begun()
    run.end()
    assert json.loads((tmp_path / "events.json").read_text())["events"][0]["state"] == "failed"


def test_a_receiver_that_cannot_be_used_is_refused_before_the_watch_starts(
    deployment: Callable[[str], Watched], tmp_path: Path
) -> None:
    run = deployment("watch: {notify: {webhook: secrets/none}}\n")
    run.thread.join(SECONDS)
    assert isinstance(run.failure, FleetError)
    assert not (tmp_path / "watch").exists()
