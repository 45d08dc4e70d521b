from __future__ import annotations

import pytest

from idlehands_deploy.show import watch as watch_views
from idlehands_deploy.show.watch import age
from idlehands_deploy.watch.history import History
from idlehands_deploy.watch.timeline import Availability

HUNG = {
    "time": "2026-01-01T00:00:00.000Z", "at": 1767225600.0, "event": "state", "profile": "main", "state": "hung",
    "before": "ready", "lasted": 7384.2, "usable": False, "reason": "it never responds", "failing": [],
}  # fmt: skip
RESTARTING = {
    "time": "2026-01-01T00:01:30.000Z", "at": 1767225690.0, "event": "treating", "profile": "main", "cure": "restart",
    "attempt": 1, "reason": "hung: it never responds",
}  # fmt: skip


def summary(found: Availability) -> str:
    return watch_views.summary(History(0, 86400, [], {"main": found}))[0]


def test_an_entry_is_one_line() -> None:
    assert watch_views.line(HUNG) == ("2026-01-01T00:00:00.000Z main hung (was ready for 2h 3m): it never responds")
    assert watch_views.line(RESTARTING) == (
        "2026-01-01T00:01:30.000Z main restarting: hung: it never responds (attempt 1: restart)"
    )


def test_an_entry_is_a_row_of_the_history() -> None:
    assert watch_views.rows(History(0, 1, [HUNG], {})) == [
        ("2026-01-01T00:00:00.000Z", "main", "hung", "2h 3m", "it never responds")
    ]


def test_the_json_has_a_version_and_the_entries_as_they_are_in_the_journal() -> None:
    said = watch_views.as_json(History(1767225600, 1767225700, [HUNG], {"main": Availability(100, 90, 95, 1, 5, 1)}))
    assert said["version"] == 1
    assert said["profiles"] == [{
        "profile": "main", "watched_seconds": 100, "ready_seconds": 90, "usable_seconds": 95, "outages": 1,
        "longest_outage_seconds": 5, "treatments": 1,
    }]  # fmt: skip
    assert said["entries"] == [{key: value for key, value in HUNG.items() if key != "at"}]


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (Availability(), "main: not watched in the last 1d."),
        (Availability(3600, 3600, 3600), "main: ready 100 % of 1h watched; no outage."),
        (
            Availability(3600, 3599.99, 3599.99, 1, 0.01),
            "main: ready 99.99 % of 1h watched; 1 outage, the longest 0s.",
        ),
        (
            Availability(86400, 80000, 86000, 3, 300, 2),
            "main: ready 92.59 %, usable 99.53 % of 1d watched; 3 outages, the longest 5m; "
            "restarted by the watch 2 times.",
        ),
    ],
)
def test_availability_is_a_sentence_that_never_rounds_up_to_100_percent(found: Availability, sentence: str) -> None:
    assert summary(found) == sentence


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.4, "59s"), (61, "1m 1s"), (3600, "1h"), (90061, "1d 1h"), (86405, "1d")]
)
def test_an_age_is_shown_in_its_two_largest_units(seconds: float, text: str) -> None:
    assert age(seconds) == text
