from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from idlehands_deploy.engine.events import DeathWatch, read_death, read_deaths
from idlehands_deploy.engine.facts import Death, read_time
from idlehands_deploy.health.observe import with_deaths
from tests.support.containers import RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterator

ID = "0123456789abcdef"


class Stream:
    """A fake of docker-py's event stream: a real one cannot send a death on demand."""

    def __init__(self, *events: dict[str, Any]) -> None:
        self._events = events

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._events)

    def close(self) -> None:
        pass


def event(action: str, at: float, code: int | None = None) -> dict[str, Any]:
    attributes = {} if code is None else {"exitCode": str(code)}
    return {"Action": action, "Actor": {"ID": ID, "Attributes": attributes}, "timeNano": int(at * 1e9)}


def watched(*events: dict[str, Any]) -> DeathWatch:
    """A watch that has seen all these events."""
    watch = DeathWatch(Stream(*events))
    with watch:
        watch._thread.join(5)
    assert watch.lost
    return watch


def test_a_death_before_the_container_s_start_is_ignored() -> None:
    assert watched(event("die", 100, 1)).death(ID, 200) is None


def test_a_death_after_the_container_s_start_is_reported() -> None:
    assert watched(event("die", 300, 1)).death(ID, 200) == Death(1, 300)


def test_the_newest_death_of_a_container_counts() -> None:
    assert watched(event("die", 100, 1), event("die", 300, 78)).death(ID, 200) == Death(78, 300)


def test_the_death_of_an_awaited_container_is_reported_once() -> None:
    reported: list[str] = []
    watch = DeathWatch(Stream(event("die", 100, 0), event("die", 101, 0)))
    watch.report_deaths(reported.append, {ID})
    with watch:
        watch._thread.join(5)
    assert reported == [ID]


def test_the_wait_for_a_death_ends_with_the_event_stream() -> None:
    assert watched().wait_for_death(ID, 200, 60) is None
    assert watched(event("die", 300, 0)).wait_for_death(ID, 200, 60) == Death(0, 300)


def test_a_removal_after_a_death_keeps_its_exit_code() -> None:
    assert watched(event("die", 300, 137), event("destroy", 301)).death(ID, 200) == Death(137, 300)


def test_a_removal_without_a_death_has_no_exit_code() -> None:
    assert watched(event("destroy", 300)).death(ID, 200) == Death(None, 300)


def test_a_container_without_events_is_alive() -> None:
    assert watched(event("die", 300, 1)).death("another", 0) is None


def test_the_exit_code_0_is_kept() -> None:
    assert read_death(event("die", 300, 0)) == Death(0, 300)


@pytest.mark.parametrize(
    ("written", "fraction"),
    [("00.123456789Z", 0.123456789), ("00.12Z", 0.12), ("00Z", 0.0), ("00.999999999Z", 0.999999999)],
)
def test_the_start_of_a_container_is_read_from_docker_s_nanoseconds(written: str, fraction: float) -> None:
    whole = datetime(2026, 11, 22, tzinfo=UTC).timestamp()
    started = replace(RUNNING, started_at=f"2026-11-22T00:00:{written}").started
    assert started == pytest.approx(whole + fraction, abs=1e-6)


def test_a_time_with_an_offset_is_converted_to_utc() -> None:
    assert read_time("2026-11-22T02:00:00.5+02:00") == read_time("2026-11-22T00:00:00.500000000Z")


def test_a_container_that_never_ran_was_not_started() -> None:
    assert replace(RUNNING, started_at="").started == 0


def test_only_a_death_next_to_an_oom_event_counts_as_out_of_memory() -> None:
    deaths = read_deaths([event("die", 100, 1), event("oom", 200), event("die", 205, 137), event("die", 300, 137)])
    assert deaths == [Death(1, 100), Death(137, 205, lacked_memory=True), Death(137, 300)]
    late = read_deaths([event("die", 100, 137), event("oom", 100.5), event("die", 300, 1)])
    assert late == [Death(137, 100, lacked_memory=True), Death(1, 300)]


def test_the_last_death_gives_the_reason_and_those_within_ten_minutes_are_counted() -> None:
    past = with_deaths(RUNNING, [Death(1, 100), Death(1, 5000), Death(137, 5500, lacked_memory=True)], now=5550)
    assert (past.last_exit_code, past.lacked_memory, past.recent_deaths) == (137, True, 2)
    assert with_deaths(RUNNING, [], now=5550) == RUNNING
