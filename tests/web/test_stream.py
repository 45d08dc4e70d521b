"""The stream: all parts first, then what has changed, and on from there after a lost connection."""

from __future__ import annotations

import json
import secrets
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.contract import TOKEN_SECRET
from idlehands_deploy.doctor.examine import Diagnosis
from idlehands_deploy.errors import EngineUnreachableError
from idlehands_deploy.findings import Finding
from idlehands_deploy.remedies import Remedy, ours
from idlehands_deploy.show.page import Words
from idlehands_deploy.web import findings, parts
from idlehands_deploy.web.findings import Findings
from idlehands_deploy.web.handler import FILES
from tests.support.helpers import PACKAGE
from tests.support.pages import SECONDS, Page, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from idlehands_deploy.operations.watch import PageSource

ALL = {"fleet", "events", "gateway/main", "usage/main", "states/main", "states/rescue"}
STATIC = PACKAGE / "web" / "static"


def collect(events: Iterator[dict[str, Any]], wanted: set[str]) -> dict[str, Any]:
    """Read events until these parts have come."""
    found: dict[str, Any] = {}
    while not wanted <= set(found):
        found |= next(events)["parts"]
    return found


def test_a_new_reader_gets_every_part_and_then_what_has_changed(served: Page) -> None:
    served.enter().see("main", "ready")
    with served.stream() as events:
        found = collect(events, ALL | {"doctor"})
        assert set(found) == ALL | {"doctor"}
        assert (found["fleet"]["project"], found["gateway/main"]["state"]) == ("bots", "ready")
        served.see("rescue", "hung", "why")
        later = collect(events, {"gateway/rescue", "usage/rescue"})
        assert set(later) == {"gateway/rescue", "usage/rescue"}
        assert (later["gateway/rescue"]["state"], later["gateway/rescue"]["reason"]) == ("hung", "why")


def test_a_reader_that_comes_back_gets_what_has_changed_since_and_after_another_start_everything(served: Page) -> None:
    served.enter().see("main", "ready")
    with served.stream() as events:
        collect(events, ALL | {"doctor"})
        served.see("main", "hung")
        last = next(events)
    served.see("rescue", "ready")
    with served.stream(Last_Event_ID=last["id"]) as events:
        assert set(next(events)["parts"]) == {"gateway/rescue", "usage/rescue"}
    for number in (f"00000000-{last['id'].partition('-')[2]}", "", "x", f"{last['id']}x", f"{last['id']}{'0' * 5000}"):
        with served.stream(Last_Event_ID=number) as events:
            assert set(next(events)["parts"]) >= ALL


def test_a_profile_that_leaves_the_fleet_is_not_sent_again(served: Page) -> None:
    served.enter().see("main", "ready")
    overview = served.source.overview
    assert overview.watched is not None
    overview.begin(type(overview.watched)(overview.watched.fleet, overview.watched.ports, ["rescue"]))
    with served.stream() as events:
        found = next(events)["parts"]
    assert found["fleet"]["profiles"] == ["rescue"]
    assert [part for part in found if part.endswith("/main")] == []


def test_a_stream_in_which_nothing_happens_says_that_it_is_alive(served: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "SILENCE", 0.05)
    with served.enter().ask("/fleet/stream") as connection, connection.makefile() as lines:
        assert sum(line == ":\n" for line in (next(lines) for _ in range(40))) > 2


def test_many_readers_cost_one_making_of_a_part(served: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(served.source.overview, "latest", made.append)
    served.enter()
    served.source.overview.changes.mark("gateway/main")
    for _ in range(3):
        with served.stream() as events:
            collect(events, {"fleet"})
    assert made == ["main"]


def test_no_secret_of_the_deployment_gets_into_the_stream_or_the_page(tmp_path: Path) -> None:
    secret = secrets.token_urlsafe(32)
    (tmp_path / "secrets" / "main").mkdir(parents=True)
    (tmp_path / "secrets" / "main" / TOKEN_SECRET).write_text(secret)
    told = f"it says {secret}"
    found = Finding("error", told, told, told, Remedy(told, ours("exec", "main", secret), f"docker {secret}"))
    with page(tmp_path, (found, found._replace(fix=Remedy(f"docker {secret}")))) as served:
        served.enter()
        served.see("main", "hung", told, browsers={"openclaw": "off"})
        served.source.overview.write({
            "event": "state", "profile": "main", "state": "hung", "usable": False, "reason": told,
        })  # fmt: skip
        served.source.overview.write({"event": "treatment-failed", "profile": "main", "reason": told})
        served.source.overview.write({"event": "fleet-refused", "reason": told})
        with served.stream() as events:
            everything = json.dumps(collect(events, ALL | {"doctor"} - {"states/rescue"}))
        for path in FILES:
            everything += served.get(path).body
    assert "it says <removed>" in everything
    for hidden in (secret, secret[:20], served.token, served.cookie.partition("=")[2]):
        assert hidden not in everything


def test_doctor_runs_once_however_many_look_and_again_after_a_change_or_a_while(
    served: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran, done = threading.Semaphore(0), threading.Event()

    def examine() -> Diagnosis:
        ran.release()
        return Diagnosis(2)

    found = Findings(with_examine(served.source, examine), words(served), done.set)
    for change, is_due in ((1, True), (1, False), (2, False)):
        found.want(change)
        assert ran.acquire(timeout=SECONDS if is_due else 0.05) is is_due
        assert done.wait(SECONDS)
    monkeypatch.setattr(findings, "SOONEST", 0)
    found.want(2)
    assert ran.acquire(timeout=SECONDS)
    until_idle(found)
    found.want(2)
    assert not ran.acquire(timeout=0.05)
    monkeypatch.setattr(findings, "EVERY", 0)
    found.want(2)
    assert ran.acquire(timeout=SECONDS)
    assert found.result is not None
    assert found.result["ok"] is True


def test_doctor_that_fails_says_why_and_one_that_never_ends_is_not_joined_by_another(
    served: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()

    def fail() -> Diagnosis:
        raise EngineUnreachableError("No Docker Engine responds.", Remedy())

    found = Findings(with_examine(served.source, fail), words(served), done.set)
    found.want(1)
    assert done.wait(SECONDS)
    assert found.result is not None
    assert (found.result["ok"], found.result["summary"]) == (False, "No Docker Engine responds.")
    monkeypatch.setattr(findings, "EVERY", 0)
    release, calls = threading.Event(), list[int]()

    def hang() -> Diagnosis:
        calls.append(1)
        release.wait(SECONDS)
        return Diagnosis(2)

    hung = Findings(with_examine(served.source, hang), words(served), done.set)
    for change in range(5):
        hung.want(change)
    release.set()
    until_idle(hung)
    assert calls == [1]


@pytest.mark.parametrize("name", [path.rpartition("/")[2] or "index.html" for path in FILES])
def test_the_page_holds_nothing_from_elsewhere_and_nothing_that_its_policy_forbids(name: str) -> None:
    text = (STATIC / name).read_text(encoding="utf-8")
    assert {part.partition('"')[0] for part in text.split("http")[1:]} <= {"://www.w3.org/2000/svg"}
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=", "onclick=",
                      "javascript:", "localStorage", "@import", "url(http"):  # fmt: skip
        assert forbidden not in text
    assert len(text.splitlines()) <= 300


def test_the_page_names_every_one_of_its_modules_so_that_they_load_at_once() -> None:
    index = (STATIC / "index.html").read_text(encoding="utf-8")
    names = {Path(path).name for path in FILES if path.endswith((".js", ".css", ".svg"))}
    assert {name for name in names if f'"{name}"' in index} == names


def with_examine(source: PageSource, examine: Any) -> PageSource:
    return type(source)(source.overview, source.redaction, source.directory, examine)


def words(served: Page) -> Words:
    return Words(served.source.redaction, served.source.directory)


def until_idle(found: Findings) -> None:
    deadline = time.monotonic() + SECONDS
    while found._runs:
        assert time.monotonic() < deadline
        time.sleep(0.01)
