from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

import pytest

from idlehands_deploy.errors import FleetError
from idlehands_deploy.fleet import time_zones
from idlehands_deploy.fleet.time_zones import zone_problems
from idlehands_deploy.operations import generation, profiles
from tests.support.helpers import fleet, session, snapshot

if TYPE_CHECKING:
    from pathlib import Path


def said(zone: str) -> list[str]:
    text = f'profiles: {{main: {{environment: {{TZ: "{zone}"}}}}}}'
    return [problem.problem for problem in zone_problems(fleet(text))]


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin",
        "US/Eastern",
        "Europe/Kyiv",
        "EST5EDT",
        "UTC",
        "Etc/GMT+3",
        "America/Argentina/Ushuaia",
        ":Asia/Tokyo",
        "",
    ],
)
def test_a_time_zone_that_exists_is_accepted(zone: str) -> None:
    assert said(zone) == []


@pytest.mark.parametrize(
    ("zone", "meant"),
    [
        ("Europe/Berln", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("Berlin", "Europe/Berlin"),
        ("berlin ", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("America/New York", "America/New_York"),
        ("Europe/Kyev", "Europe/Kyiv"),
        ("utc", "UTC"),
        ("UTC+2", "Etc/GMT-2"),
        ("GMT-05:00", "Etc/GMT+5"),
        ("+02:00", "Etc/GMT-2"),
    ],
)
def test_one_that_does_not_exist_is_reported_with_the_one_that_is_meant(zone: str, meant: str) -> None:
    (problem,) = said(zone)
    assert problem.startswith(f"there is no time zone {zone!r}; did you mean {meant}")


# The gateway takes each of these for UTC, or with the opposite sign.
@pytest.mark.parametrize(
    "zone",
    [
        "CET-1CEST,M3.5.0,M10.5.0/3",
        "<+03>-3",
        "localtime",
        "/usr/share/zoneinfo/Europe/Berlin",
        "Mars/Olympus",
        "../UTC",
    ],
)
def test_what_only_some_programs_take_for_a_time_zone_is_refused(zone: str) -> None:
    assert len(said(zone)) == 1


def test_generate_refuses_it_with_every_profile_and_writes_nothing(tmp_path: Path) -> None:
    profiles.init(session(tmp_path), ["main", "rescue"])
    wrong = "\n    port: {}\n    environment:\n      TZ: Europe/Berln\n"
    text = f"profiles:\n  main:{wrong.format(18789)}  rescue:{wrong.format(19789)}"
    (tmp_path / "fleet.yaml").write_text(text, encoding="utf-8")
    before = snapshot(tmp_path)
    with pytest.raises(FleetError) as caught:
        generation.generate(session(tmp_path))
    assert [problem.path for problem in caught.value.problems] == [
        "profiles.main.environment.TZ", "profiles.rescue.environment.TZ",
    ]  # fmt: skip
    assert all(text.splitlines()[problem.line - 1] == "      TZ: Europe/Berln" for problem in caught.value.problems)
    assert snapshot(tmp_path) == before
    # What changes nothing still works, so that gateways that run can be seen and stopped.
    assert list(session(tmp_path).fleet().profiles) == ["main", "rescue"]


def test_the_answer_does_not_depend_on_the_time_zones_of_this_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONTZPATH", os.devnull)
    time_zones._known.cache_clear()
    assert said("Europe/Berlin") == []
    assert len(said("Europe/Berln")) == 1


def test_without_any_list_of_time_zones_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_zones, "find_spec", lambda _: None)
    monkeypatch.setattr("zoneinfo.available_timezones", set)
    time_zones._known.cache_clear()
    assert said("Mars/Olympus") == []
    time_zones._known.cache_clear()
    assert importlib.util.find_spec("tzdata")
