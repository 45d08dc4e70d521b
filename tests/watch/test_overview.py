"""What a page can know of a watch, and of the watches before it."""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.engine.usage import Usage
from idlehands_deploy.fleet.ports import plan_ports
from idlehands_deploy.health.observe import Observation
from idlehands_deploy.health.verdict import Verdict
from idlehands_deploy.watch.journal import Journal
from idlehands_deploy.watch.page import follow as following
from idlehands_deploy.watch.page.changes import Changes
from idlehands_deploy.watch.page.follow import follow
from idlehands_deploy.watch.page.overview import MOST_EVENTS, MOST_SPANS, Overview, Watched
from tests.support.containers import RUNNING
from tests.support.engine import PATIENT, FakeEngine, with_fakes
from tests.support.helpers import fleet, session

if TYPE_CHECKING:
    from pathlib import Path

FLEET = fleet("profiles: {main: , rescue: }\n")
SECONDS = 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "watch" / "journal.jsonl"


def begin(overview: Overview, *profiles: str) -> Overview:
    overview.begin(Watched(FLEET, plan_ports(FLEET), profiles or ("main", "rescue")))
    return overview


def states(overview: Overview, profile: str = "main") -> list[str]:
    return [span.state for span in overview.spans(profile, time.time() + 1)]


def state(name: str, profile: str = "main") -> dict[str, object]:
    usable = name in {"ready", "degraded"}
    return {"event": "state", "profile": profile, "state": name, "usable": usable, "reason": ""}


def test_a_watch_s_own_timeline_goes_on_from_what_earlier_watches_wrote(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.write("watching")
        journal.write(**state("hung"))  # type: ignore[arg-type]
        time.sleep(0.01)
        os.utime(path)
        overview = begin(Overview(path, is_own=True))
        time.sleep(0.01)
        overview.write(journal.write("watching"))
        overview.write(journal.write(**state("ready")))  # type: ignore[arg-type]
        hung, ready = overview.spans("main", time.time() + 1)
        # The first was killed, and wrote no end.
        assert (hung.state, ready.state, hung.until < ready.since) == ("hung", "ready", True)
        overview.write(journal.write("treated", profile="main"))
        assert len(overview.restarts("main")) == 1


def test_a_page_without_a_watch_fills_the_time_in_which_no_watch_ran(path: Path) -> None:
    journal = Journal(path)
    journal.write(**state("ready"))  # type: ignore[arg-type]
    journal.write("ended")
    os.utime(path, (time.time() - 100, time.time() - 100))
    overview = begin(Overview(path, is_own=False))
    overview.write(state("hung"))
    time.sleep(0.01)
    assert (states(overview), overview.is_journal_written(time.time())) == (["hung"], False)
    assert [event["event"] for event in overview.events()] == ["state", "ended", "state"]
    # Another watch begins: the journal counts from then on.
    journal.write("watching")
    journal.write(**state("degraded"))  # type: ignore[arg-type]
    journal.close()
    overview.read_journal()
    overview.write(state("degraded"))
    assert (states(overview)[-1], overview.is_journal_written(time.time())) == ("degraded", True)
    assert [event.get("state") for event in overview.events()].count("degraded") == 1


def test_what_is_kept_of_a_gateway_that_changes_all_the_time_is_bounded(path: Path) -> None:
    overview = begin(Overview(path, is_own=True))
    for number in range(3 * MOST_SPANS):
        overview.write(state("ready" if number % 2 else "hung"))
    assert len(overview.spans("main", time.time() + 1)) <= MOST_SPANS + 1
    assert len(overview.events()) == MOST_EVENTS


def test_a_change_names_the_parts_that_changed_and_a_profile_that_leaves_has_none(path: Path) -> None:
    overview = begin(Overview(path, is_own=True))
    number, _ = overview.changes.wait(0, 0)
    usage = Usage(1, 0.1, 1.0)
    overview.see(Observation(Verdict("main", "ready"), RUNNING, usage=usage))
    overview.see(Observation(Verdict("rescue", "ready"), replace(RUNNING, profile="rescue")))
    number, parts = overview.changes.wait(number, 0)
    assert sorted(parts) == ["gateway/main", "gateway/rescue", "usage/main"]
    begin(overview, "rescue")
    _, parts = overview.changes.wait(0, 0)
    assert [part for part in parts if part.endswith("/main")] == []
    assert (overview.latest("main"), overview.latest("rescue") is not None) == (None, True)


def test_a_reader_that_waits_is_woken_by_a_change_and_by_the_end() -> None:
    changes, woken = Changes(), list[tuple[int, list[str]]]()
    reader = threading.Thread(target=lambda: woken.append(changes.wait(0, SECONDS)))
    reader.start()
    changes.mark("fleet")
    reader.join(SECONDS)
    changes.close()
    woken.append(changes.wait(1, SECONDS))
    assert woken == [(1, ["fleet"]), (1, [])]


def test_following_sees_what_a_watch_sees_and_writes_and_restarts_nothing(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PACE", PATIENT)
    monkeypatch.setattr(following, "TICK", 0.02)
    (tmp_path / "fleet.yaml").write_text("profiles: {main: }\nwatch: {patience: 0s}\n")
    engine = FakeEngine()
    compose = with_fakes(monkeypatch, engine)
    overview, stopped = Overview(path, is_own=False), threading.Event()
    thread = threading.Thread(target=follow, args=(session(tmp_path), overview, stopped))
    thread.start()
    try:
        wait_for(lambda: states(overview) == ["stopped"])
        engine.becomes(replace(RUNNING, health="unhealthy"))
        engine.on_change("main")
        wait_for(lambda: states(overview) == ["stopped", "ready"])
        (tmp_path / "fleet.yaml").write_text("profiles: {main: , rescue: }\n")
        wait_for(lambda: list(overview.profiles) == ["main", "rescue"])
    finally:
        stopped.set()
        thread.join(SECONDS)
    assert (path.parent.exists(), compose.asked.empty()) == (False, True)


def wait_for(condition: object) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.01)
